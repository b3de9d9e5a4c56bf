#include "policies/policy_report.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 120, BEFORE_MAX = 50 };  // bytes of a long source line that are shown, and of them before the caret

bool policy_report_full(const struct policy_report *r)
{
    return r->count == POLICY_MISTAKES_MAX;
}

static void add(struct policy_report *r, struct mistake m)
{
    assert(!policy_report_full(r));
    r->mistakes[r->count++] = m;
    if (m.warning)
        r->warnings++;
    else
        r->errors++;
}

void policy_report_add(struct policy_report *r, bool warning, enum mistake_at at, const char *path, const char *message,
                       const char *remedy)
{
    if (policy_report_full(r))
        return;
    struct mistake m = {.warning = warning, .at = at};
    m.message = arena_printf(r->arena, "%s%s%s", path, *path ? ": " : "", message);
    m.remedy = arena_strdup(r->arena, remedy);
    char *nearest = arena_strdup(r->arena, path);
    while (!json_place_find(r->text, nearest, &m.place) && *nearest) {
        size_t len = strlen(nearest);
        while (len > 0 && nearest[len - 1] != '.' && nearest[len - 1] != '[')
            len--;
        nearest[len > 0 ? len - 1 : 0] = '\0';
        m.at = AT_VALUE;
    }
    if (m.place.key_line == 0)
        m.at = AT_VALUE;
    add(r, m);
}

void policy_report_add_at(struct policy_report *r, struct json_place place, const char *message, const char *remedy)
{
    add(r, (struct mistake){
               .place = place,
               .message = arena_strdup(r->arena, message),
               .remedy = arena_strdup(r->arena, remedy),
           });
}

static size_t offset_of(const struct mistake *m)
{
    return m->at == AT_KEY ? m->place.key_offset : m->place.offset;
}

static int by_offset(const void *a, const void *b)
{
    const struct mistake *x = a, *y = b;
    if (offset_of(x) != offset_of(y))
        return offset_of(x) < offset_of(y) ? -1 : 1;
    return strcmp(x->message, y->message);
}

// What a file says goes to a terminal: control bytes would act there.
static void add_clean(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        buf_add_char(out, c == '\t' ? ' ' : c < 0x20 || c == 0x7f ? '?' : (char)c);
    }
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t characters(struct slice s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += !continues(s.ptr[i]);
    return n;
}

// The line of the mistake, or the part of it around the caret; *ret_from is where the part begins in the text.
static struct slice shown_line(struct slice text, size_t offset, size_t *ret_from)
{
    size_t begin = offset, end = offset;
    while (begin > 0 && text.ptr[begin - 1] != '\n')
        begin--;
    while (end < text.len && text.ptr[end] != '\n' && text.ptr[end] != '\r')
        end++;
    if (end - begin > SHOWN_MAX) {
        if (offset - begin > BEFORE_MAX)
            begin = offset - BEFORE_MAX;
        if (end - begin > SHOWN_MAX)
            end = begin + SHOWN_MAX;
        while (begin < offset && continues(text.ptr[begin]))
            begin++;
        while (end > offset && end < text.len && continues(text.ptr[end]))
            end--;
    }
    *ret_from = begin;
    return (struct slice){text.ptr + begin, end - begin};
}

static void write_source(const struct policy_report *r, const struct mistake *m, int line, struct buf *out)
{
    size_t offset = offset_of(m), from = 0;
    if (offset > r->text.len || r->text.len == 0) {  // there is no line to show
        if (*m->remedy)
            buf_printf(out, "  -> %s\n", m->remedy);
        return;
    }
    struct slice shown = shown_line(r->text, offset, &from);
    size_t left = from + shown.len > offset ? from + shown.len - offset : 0;
    size_t len = m->at == AT_KEY ? m->place.key_len : m->place.len;
    len = len < left ? len : left;
    int width = buf_failed(out) ? 0 : snprintf(NULL, 0, "%d", line);
    buf_printf(out, "  %d | ", line);
    add_clean(out, shown);
    buf_printf(out, "\n  %*s | ", width, "");
    for (size_t i = characters((struct slice){shown.ptr, offset - from}); i > 0; i--)
        buf_add_char(out, ' ');
    // An object or array is named by its opening bracket: underlining all of its line says nothing.
    char first = offset < r->text.len ? r->text.ptr[offset] : ' ';
    size_t carets = first == '{' || first == '[' ? 1 : characters((struct slice){r->text.ptr + offset, len});
    for (size_t i = 0; i < (carets ? carets : 1); i++)
        buf_add_char(out, '^');
    if (m->remedy && *m->remedy) {
        buf_add_str(out, " -> ");
        add_clean(out, slice_of(m->remedy));
    }
    buf_add_char(out, '\n');
}

static void write_counts(const struct policy_report *r, struct buf *out)
{
    if (policy_report_full(r))
        buf_printf(out, "there may be more: reading stopped at %d\n", POLICY_MISTAKES_MAX);
    if (r->errors)
        buf_printf(out, "%zu error%s", r->errors, r->errors == 1 ? "" : "s");
    if (r->warnings)
        buf_printf(out, "%s%zu warning%s", r->errors ? ", " : "", r->warnings, r->warnings == 1 ? "" : "s");
    if (r->errors || r->warnings)
        buf_add_char(out, '\n');
}

void policy_report_write(struct policy_report *r, struct buf *out)
{
    if (r->count > 1)
        qsort(r->mistakes, r->count, sizeof r->mistakes[0], by_offset);
    for (size_t i = 0; i < r->count; i++) {
        const struct mistake *m = &r->mistakes[i];
        int line = m->at == AT_KEY ? m->place.key_line : m->place.line;
        int column = m->at == AT_KEY ? m->place.key_column : m->place.column;
        buf_printf(out, "%s:%d:%d: %s: ", r->name, line, column, m->warning ? "warning" : "error");
        add_clean(out, slice_of(m->message));
        buf_add_char(out, '\n');
        write_source(r, m, line, out);
    }
    write_counts(r, out);
}
