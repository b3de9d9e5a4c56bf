#include "web/jsonw.h"

#include <math.h>

#include "base/json.h"
#include "base/parse.h"

void jsonw_init(struct jsonw *w, struct buf *out)
{
    *w = (struct jsonw){.out = out};
}

static void begin_value(struct jsonw *w, const char *key)
{
    if (w->depth == 0) {
        assert(!key);
        return;
    }
    int top = w->depth - 1;
    if (w->filled[top])
        buf_add_char(w->out, ',');
    w->filled[top] = true;
    assert((w->open[top] == '{') == (key != NULL));
    if (!key)
        return;
    json_add_string(w->out, slice_of(key));
    buf_add_char(w->out, ':');
}

static void open_level(struct jsonw *w, const char *key, char bracket)
{
    begin_value(w, key);
    assert(w->depth < JSONW_DEPTH);
    w->open[w->depth] = bracket;
    w->filled[w->depth] = false;
    w->depth++;
    buf_add_char(w->out, bracket);
}

void jsonw_object(struct jsonw *w, const char *key)
{
    open_level(w, key, '{');
}

void jsonw_array(struct jsonw *w, const char *key)
{
    open_level(w, key, '[');
}

void jsonw_end(struct jsonw *w)
{
    assert(w->depth > 0);
    w->depth--;
    buf_add_char(w->out, w->open[w->depth] == '{' ? '}' : ']');
}

void jsonw_null(struct jsonw *w, const char *key)
{
    begin_value(w, key);
    buf_add_str(w->out, "null");
}

void jsonw_str(struct jsonw *w, const char *key, const char *value)
{
    if (!value) {
        jsonw_null(w, key);
        return;
    }
    begin_value(w, key);
    json_add_string(w->out, slice_of(value));
}

void jsonw_str_or_null(struct jsonw *w, const char *key, const char *value)
{
    jsonw_str(w, key, value && *value ? value : NULL);
}

void jsonw_int(struct jsonw *w, const char *key, int64_t value)
{
    begin_value(w, key);
    buf_printf(w->out, "%lld", (long long)value);
}

void jsonw_int_or_null(struct jsonw *w, const char *key, int64_t value)
{
    if (value)
        jsonw_int(w, key, value);
    else
        jsonw_null(w, key);
}

void jsonw_num(struct jsonw *w, const char *key, double value)
{
    assert(isfinite(value));
    begin_value(w, key);
    buf_printf(w->out, "%.10g", value);
}

void jsonw_bool(struct jsonw *w, const char *key, bool value)
{
    begin_value(w, key);
    buf_add_str(w->out, value ? "true" : "false");
}

void jsonw_time(struct jsonw *w, const char *key, int64_t wall_ms)
{
    char text[32];
    jsonw_str(w, key, wall_ms ? format_iso8601(wall_ms, false, text) : NULL);
}

void jsonw_ints(struct jsonw *w, const char *key, const int64_t *values, size_t count, int64_t none)
{
    jsonw_array(w, key);
    for (size_t k = 0; k < count; k++)
        if (values[k] == none)
            jsonw_null(w, NULL);
        else
            jsonw_int(w, NULL, values[k]);
    jsonw_end(w);
}

void jsonw_raw(struct jsonw *w, const char *key, struct slice json)
{
    if (!json.len) {
        jsonw_null(w, key);
        return;
    }
    begin_value(w, key);
    buf_add_slice(w->out, json);
}

void jsonw_res(struct jsonw *w, const char *key, struct res r)
{
    jsonw_object(w, key);
    jsonw_int(w, "cpu_units", r.v[RES_CPU]);
    jsonw_int(w, "memory_mib", r.v[RES_MEMORY]);
    jsonw_end(w);
}

void jsonw_res_or_null(struct jsonw *w, const char *key, struct res r)
{
    if (res_is_zero(r))
        jsonw_null(w, key);
    else
        jsonw_res(w, key, r);
}
