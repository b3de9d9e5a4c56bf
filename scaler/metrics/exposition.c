#include "scaler/metrics/exposition.h"

#include <math.h>
#include <string.h>

#include "base/parse.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_name(char c, bool first, bool of_metric)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c == ':' && of_metric) || (c >= '0' && c <= '9' && !first);
}

// ---- pieces of a line -----------------------------------------------------------------------------------------------------
static void skip_blanks(struct slice *s)
{
    while (s->len > 0 && is_blank(*s->ptr))
        *s = (struct slice){s->ptr + 1, s->len - 1};
}

static bool skip_char(struct slice *s, char c)
{
    if (s->len == 0 || *s->ptr != c)
        return false;
    *s = (struct slice){s->ptr + 1, s->len - 1};
    return true;
}

static struct slice take_name(struct slice *s, bool of_metric)
{
    size_t n = 0;
    while (n < s->len && is_name(s->ptr[n], n == 0, of_metric))
        n++;
    struct slice name = {s->ptr, n};
    *s = (struct slice){s->ptr + n, s->len - n};
    return name;
}

static struct slice take_word(struct slice *s)
{
    size_t n = 0;
    while (n < s->len && !is_blank(s->ptr[n]))
        n++;
    struct slice word = {s->ptr, n};
    *s = (struct slice){s->ptr + n, s->len - n};
    skip_blanks(s);
    return word;
}

// One of name="value", with the comma behind it. *ret_value is as on the wire. False: it is none.
static bool take_label(struct slice *s, struct slice *ret_name, struct slice *ret_value)
{
    skip_blanks(s);
    *ret_name = take_name(s, false);
    skip_blanks(s);
    if (ret_name->len == 0 || !skip_char(s, '='))
        return false;
    skip_blanks(s);
    if (!skip_char(s, '"'))
        return false;
    size_t n = 0;
    while (n < s->len && s->ptr[n] != '"') {
        bool escape = s->ptr[n] == '\\';
        if (escape && (n + 1 == s->len || (s->ptr[n + 1] != '\\' && s->ptr[n + 1] != '"' && s->ptr[n + 1] != 'n')))
            return false;
        n += escape ? 2 : 1;
    }
    if (n >= s->len)
        return false;
    *ret_value = (struct slice){s->ptr, n};
    *s = (struct slice){s->ptr + n + 1, s->len - n - 1};
    skip_blanks(s);
    return skip_char(s, ',') || s->len == 0 || *s->ptr == '}';
}

static bool take_value(struct slice word, double *ret)
{
    static const struct {
        const char *word;
        double value;
    } words[] = {{"nan", (double)NAN}, {"inf", (double)INFINITY}, {"+inf", (double)INFINITY}, {"-inf", -(double)INFINITY}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (slice_eq_nocase(word, slice_of(words[i].word))) {
            *ret = words[i].value;
            return true;
        }
    if (word.len > 0 && *word.ptr == '+')
        word = (struct slice){word.ptr + 1, word.len - 1};
    return parse_double(word, ret);
}

// ---- a line ---------------------------------------------------------------------------------------------------------------
static int take_labels(struct exposition *e, struct slice *s, struct slice *ret, struct err *err)
{
    struct slice name, value;
    size_t count = 0;
    *ret = (struct slice){s->ptr, 0};
    for (skip_blanks(s); s->len > 0 && *s->ptr != '}'; skip_blanks(s)) {
        if (!take_label(s, &name, &value))
            return err_set(err, ERR_CORRUPT, "line %lld: a label is not well formed", (long long)e->line);
        if (++count > EXPOSITION_LABELS_MAX)
            return err_set(err, ERR_LIMIT, "line %lld: more than %d labels", (long long)e->line, EXPOSITION_LABELS_MAX);
    }
    ret->len = (size_t)(s->ptr - ret->ptr);
    if (!skip_char(s, '}'))
        return err_set(err, ERR_CORRUPT, "line %lld: its labels have no end", (long long)e->line);
    return 0;
}

static int read_sample(struct exposition *e, struct slice line, struct exposition_sample *ret, struct err *err)
{
    struct exposition_sample s = {.name = take_name(&line, true)};
    int rc = 0;
    skip_blanks(&line);
    if (s.name.len == 0)
        return err_set(err, ERR_CORRUPT, "line %lld: is no sample: %.40s", (long long)e->line, line.len > 0 ? "it begins with no name" : "it is empty");
    if (skip_char(&line, '{'))
        rc = take_labels(e, &line, &s.labels, err);
    if (rc)
        return rc;
    skip_blanks(&line);
    if (!take_value(take_word(&line), &s.value))
        return err_set(err, ERR_CORRUPT, "line %lld: its value is no number", (long long)e->line);
    s.timed = line.len > 0;
    if (s.timed && (!parse_i64(take_word(&line), &s.at_ms) || line.len > 0))
        return err_set(err, ERR_CORRUPT, "line %lld: what follows its value is no time", (long long)e->line);
    if (++e->samples > EXPOSITION_SAMPLES_MAX)
        return err_set(err, ERR_LIMIT, "more than %d samples", EXPOSITION_SAMPLES_MAX);
    *ret = s;
    return 1;
}

void exposition_begin(struct exposition *e, struct slice page)
{
    *e = (struct exposition){.rest = page};
}

int exposition_next(struct exposition *e, struct exposition_sample *ret, struct err *err)
{
    while (e->rest.len > 0) {
        const char *end = memchr(e->rest.ptr, '\n', e->rest.len);
        e->line++;
        if (end == NULL)
            return err_set(err, ERR_CORRUPT, "line %lld: has no end, the page was cut", (long long)e->line);
        struct slice line = {e->rest.ptr, (size_t)(end - e->rest.ptr)};
        e->rest = (struct slice){end + 1, e->rest.len - line.len - 1};
        line = slice_trim(line);
        if (line.len == 0 || *line.ptr == '#')
            continue;
        if (line.len > EXPOSITION_LINE_MAX)
            return err_set(err, ERR_LIMIT, "line %lld: is longer than %d bytes", (long long)e->line, EXPOSITION_LINE_MAX);
        return read_sample(e, line, ret, err);
    }
    return 0;
}

// ---- a label --------------------------------------------------------------------------------------------------------------
const char *exposition_label(const struct exposition_sample *s, const char *name, struct arena *a)
{
    struct slice rest = s->labels, key, value;
    while (rest.len > 0 && take_label(&rest, &key, &value)) {
        if (!slice_eq_str(key, name))
            continue;
        char *text = arena_strndup(a, value.ptr, value.len), *to = text;
        for (size_t i = 0; i < value.len; i++) {
            bool escape = value.ptr[i] == '\\';
            i += escape;
            *to++ = escape && value.ptr[i] == 'n' ? '\n' : value.ptr[i];
        }
        *to = '\0';
        return text;
    }
    return NULL;
}
