#include "scaler/sandbox/form.h"

#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool form_decode(struct slice text, bool plus_is_space, struct arena *a, struct slice *ret)
{
    bool plain = true;
    for (size_t i = 0; i < text.len && plain; i++)
        plain = text.ptr[i] != '%' && !(plus_is_space && text.ptr[i] == '+');
    if (plain) {
        *ret = (struct slice){text.len > 0 ? text.ptr : "", text.len};
        return true;
    }
    char *out = arena_alloc(a, 1, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '+' && plus_is_space)
            c = ' ';
        if (c == '%') {
            bool whole = text.len - i > 2;
            int high = whole ? hex_digit(text.ptr[i + 1]) : -1, low = whole ? hex_digit(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[n++] = c;
    }
    *ret = (struct slice){out, n};
    return true;
}

static int slice_order(struct slice a, struct slice b)
{
    int d = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return d != 0 ? d : (a.len > b.len) - (a.len < b.len);
}

static int param_order(const void *a, const void *b)
{
    return slice_order(((const struct form_param *)a)->name, ((const struct form_param *)b)->name);
}

int form_parse(struct slice text, struct arena *a, struct form *ret, struct err *err)
{
    struct form f = {0};
    size_t cap = 0;
    while (text.len > 0) {
        struct slice pair = slice_cut(&text, '&');
        if (pair.len == 0)
            continue;
        if (f.count == FORM_PARAMS_MAX)
            return err_set(err, ERR_LIMIT, "more than %d parameters", FORM_PARAMS_MAX);
        struct form_param p = {0};
        struct slice rest = pair;
        struct slice name = slice_cut(&rest, '=');
        if (!form_decode(name, true, a, &p.name) || !form_decode(rest, true, a, &p.value))
            return err_set(err, ERR_INVALID, "broken percent escape in \"%.*s\"", (int)(pair.len < 60 ? pair.len : 60), pair.ptr);
        f.params = arena_grow(a, f.params, f.count, &cap, sizeof *f.params);
        f.params[f.count++] = p;
    }
    if (f.count > 0)
        qsort(f.params, f.count, sizeof *f.params, param_order);
    for (size_t i = 1; i < f.count; i++) {
        struct slice name = f.params[i].name;
        if (slice_eq(f.params[i - 1].name, name))
            return err_set(err, ERR_INVALID, "parameter \"%.*s\" twice", (int)(name.len < 60 ? name.len : 60), name.ptr);
    }
    *ret = f;
    return 0;
}

struct slice form_get(const struct form *f, const char *name)
{
    struct form_param key = {.name = slice_of(name)};
    const struct form_param *p =
        f->count > 0 ? bsearch(&key, f->params, f->count, sizeof *f->params, param_order) : NULL;
    return p != NULL ? p->value : (struct slice){NULL, 0};
}

const char *form_str(const struct form *f, const char *name, struct arena *a)
{
    struct slice v = form_get(f, name);
    return v.ptr != NULL ? arena_strndup(a, v.ptr, v.len) : NULL;
}

struct numbered {
    uint64_t n;
    struct slice value;
};

static int numbered_order(const void *a, const void *b)
{
    uint64_t x = ((const struct numbered *)a)->n, y = ((const struct numbered *)b)->n;
    return (x > y) - (x < y);
}

struct slice *form_list(const struct form *f, const char *prefix, struct arena *a, size_t *ret_count)
{
    size_t prefix_len = strlen(prefix), count = 0;
    struct numbered *found = arena_array(a, struct numbered, f->count + 1);
    for (size_t i = 0; i < f->count; i++) {
        struct slice name = f->params[i].name;
        if (!slice_starts(name, prefix) || name.len <= prefix_len + 1 || name.ptr[prefix_len] != '.')
            continue;
        struct slice digits = {name.ptr + prefix_len + 1, name.len - prefix_len - 1};
        uint64_t n = 0;
        if (parse_u64(digits, &n) && n >= 1 && n <= 9999)
            found[count++] = (struct numbered){n, f->params[i].value};
    }
    qsort(found, count, sizeof *found, numbered_order);
    struct slice *values = arena_array(a, struct slice, count + 1);
    for (size_t i = 0; i < count; i++)
        values[i] = found[i].value;
    *ret_count = count;
    return values;
}

bool form_name_fits(struct slice name, const char *pattern)
{
    struct slice want = slice_of(pattern);
    while (want.len > 0 && name.len > 0) {
        struct slice w = slice_cut(&want, '.'), n = slice_cut(&name, '.');
        uint64_t number = 0;
        bool fits = slice_eq_str(w, "N") ? parse_u64(n, &number) && number >= 1 && number <= 9999 : slice_eq(w, n);
        if (!fits)
            return false;
    }
    return want.len == 0 && name.len == 0;
}
