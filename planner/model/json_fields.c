#include "planner/model/json_fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/parse.h"
#include "planner/model/names.h"
#include "planner/model/res.h"

static const char *const res_keys[RES_COUNT] = {"cpu_units", "memory_mib", "gpus", "eni_slots"};

// ---- writing --------------------------------------------------------------------------------------------------------------

static json_t *res_to_json(const struct res *res)
{
    json_t *obj = json_object();
    for (int k = 0; k < RES_COUNT; k++)
        if (k <= RES_MEMORY || res->v[k] != 0)
            json_object_set_new(obj, res_keys[k], json_integer(res->v[k]));
    return obj;
}

static json_t *time_to_json(int64_t wall_ms)
{
    char text[32];
    return wall_ms ? json_string(format_iso8601(wall_ms, true, text)) : json_null();
}

// NULL where the field is at its fallback and may be left out.
static json_t *field_to_json(const struct json_field *f, const void *at)
{
    bool always = f->flags & (FIELD_ALWAYS | FIELD_REQUIRED);
    switch (f->kind) {
    case FIELD_STR: {
        const char *s = *(const char *const *)at;
        return always || (s && *s) ? json_text(s ? s : "") : NULL;
    }
    case FIELD_BOOL: {
        bool b = *(const bool *)at;
        return always || b != (f->fallback != 0) ? json_boolean(b) : NULL;
    }
    case FIELD_I32: {
        int32_t n = *(const int32_t *)at;
        return always || n != f->fallback ? json_integer(n) : NULL;
    }
    case FIELD_I64: {
        int64_t n = *(const int64_t *)at;
        return always || n != f->fallback ? json_integer(n) : NULL;
    }
    case FIELD_TIME: {
        int64_t t = *(const int64_t *)at;
        return always || t ? time_to_json(t) : NULL;
    }
    case FIELD_ENUM: {
        int32_t v = 0;
        memcpy(&v, at, sizeof v);
        assert(v >= 0 && v < f->name_count);
        return always || v != f->fallback ? json_string(f->names[v]) : NULL;
    }
    case FIELD_RES:
        return always || !res_is_zero(*(const struct res *)at) ? res_to_json(at) : NULL;
    }
    return NULL;
}

void json_fields_write(json_t *obj, struct json_fields fields, const void *base)
{
    for (size_t i = 0; i < fields.count; i++) {
        const struct json_field *f = &fields.rows[i];
        json_t *value = field_to_json(f, (const char *)base + f->offset);
        if (value)
            json_object_set_new(obj, f->key, value);
    }
}

// ---- errors ---------------------------------------------------------------------------------------------------------------

static void add_path(struct buf *b, const struct json_path *at)
{
    if (at->up)
        add_path(b, at->up);
    if (*at->key) {
        if (b->len)
            buf_add_char(b, '.');
        buf_add_str(b, at->key);
    }
    if (at->index >= 0)
        buf_printf(b, "[%d]", at->index);
}

int json_reader_fail(struct json_reader *r, const struct json_path *at, const char *key, const char *fmt, ...)
{
    _cleanup_(buf_release) struct buf path;
    buf_init(&path, sizeof r->bad_path);
    add_path(&path, &(struct json_path){.up = at, .key = key, .index = -1});
    snprintf(r->bad_path, sizeof r->bad_path, "%s", buf_str(&path));
    char why[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    return err_set(r->err, ERR_INVALID, "%s: %s", path.len ? buf_str(&path) : "the whole", why);
}

static const char *type_name(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        return "null";
    }
    return "unknown";
}

// ---- reading --------------------------------------------------------------------------------------------------------------

static int read_integer(struct json_reader *r, const json_t *v, const struct json_path *at, const char *key, int64_t min,
                        int64_t max, int64_t *ret)
{
    if (!json_is_integer(v))
        return json_reader_fail(r, at, key, "%s, expected a whole number", type_name(v));
    int64_t n = json_integer_value(v);
    if (n < min || n > max)
        return json_reader_fail(r, at, key, "%" PRId64 ", expected %" PRId64 " to %" PRId64, n, min, max);
    *ret = n;
    return 0;
}

int json_res_read(struct json_reader *r, const json_t *obj, const struct json_path *at, struct res *ret)
{
    if (!json_is_object(obj))
        return json_reader_fail(r, at, "", "%s, expected an object of cpu_units and memory_mib", type_name(obj));
    struct res res = {0};
    for (int k = 0; k < RES_COUNT; k++) {
        const json_t *part = json_object_get(obj, res_keys[k]);
        // Negative: what remains on a host whose tasks reserve more than it registers.
        if (part && read_integer(r, part, at, res_keys[k], -JSON_NUMBER_MAX, JSON_NUMBER_MAX, &res.v[k]))
            return ERR_INVALID;
    }
    *ret = res;
    return 0;
}

static int read_enum(struct json_reader *r, const json_t *v, const struct json_path *at, const struct json_field *f, void *to)
{
    if (!json_is_string(v))
        return json_reader_fail(r, at, f->key, "%s, expected a word such as \"%s\"", type_name(v), f->names[0]);
    int32_t value = name_to_value(f->names, f->name_count, json_string_value(v));
    if (value < 0) {
        _cleanup_(buf_release) struct buf words;
        buf_init(&words, 256);
        for (int i = 0; i < f->name_count; i++)
            buf_printf(&words, "%s%s", i ? ", " : "", f->names[i]);
        return json_reader_fail(r, at, f->key, "\"%s\", expected one of %s", json_string_value(v), buf_str(&words));
    }
    memcpy(to, &value, sizeof value);
    return 0;
}

static int read_time(struct json_reader *r, const json_t *v, const struct json_path *at, const char *key, int64_t *ret)
{
    int64_t wall_ms = 0;
    if (!json_is_string(v) || !parse_iso8601_ms(slice_of(json_string_value(v)), &wall_ms))
        return json_reader_fail(r, at, key, "expected a time such as \"2026-01-15T12:34:56Z\"");
    *ret = wall_ms;
    return 0;
}

static int read_value(struct json_reader *r, const json_t *v, const struct json_path *at, const struct json_field *f, void *to)
{
    int64_t n = 0;
    switch (f->kind) {
    case FIELD_STR:
        if (!json_is_string(v))
            return json_reader_fail(r, at, f->key, "%s, expected a string", type_name(v));
        *(const char **)to = arena_strdup(r->arena, json_string_value(v));
        return 0;
    case FIELD_BOOL:
        if (!json_is_boolean(v))
            return json_reader_fail(r, at, f->key, "%s, expected true or false", type_name(v));
        *(bool *)to = json_is_true(v);
        return 0;
    case FIELD_I32:
        if (read_integer(r, v, at, f->key, f->min, f->max ? f->max : JSON_COUNT_MAX, &n))
            return ERR_INVALID;
        *(int32_t *)to = (int32_t)n;
        return 0;
    case FIELD_I64:
        return read_integer(r, v, at, f->key, f->min, f->max ? f->max : JSON_NUMBER_MAX, to);
    case FIELD_TIME:
        return read_time(r, v, at, f->key, to);
    case FIELD_ENUM:
        return read_enum(r, v, at, f, to);
    case FIELD_RES:
        return json_res_read(r, v, &(struct json_path){.up = at, .key = f->key, .index = -1}, to);
    }
    return 0;
}

static void set_fallback(const struct json_field *f, void *to)
{
    int32_t narrow = (int32_t)f->fallback;
    switch (f->kind) {
    case FIELD_STR:
        *(const char **)to = "";
        break;
    case FIELD_BOOL:
        *(bool *)to = f->fallback != 0;
        break;
    case FIELD_I32:
    case FIELD_ENUM:
        memcpy(to, &narrow, sizeof narrow);
        break;
    case FIELD_I64:
        *(int64_t *)to = f->fallback;
        break;
    case FIELD_TIME:
        *(int64_t *)to = 0;
        break;
    case FIELD_RES:
        *(struct res *)to = (struct res){0};
        break;
    }
}

int json_fields_read(struct json_reader *r, const json_t *obj, const struct json_path *at, struct json_fields fields, void *base)
{
    if (!json_is_object(obj))
        return json_reader_fail(r, at, "", "%s, expected an object", obj ? type_name(obj) : "nothing");
    for (size_t i = 0; i < fields.count; i++) {
        const struct json_field *f = &fields.rows[i];
        void *to = (char *)base + f->offset;
        const json_t *v = json_object_get(obj, f->key);
        set_fallback(f, to);
        if (v && !json_is_null(v)) {
            if (read_value(r, v, at, f, to))
                return ERR_INVALID;
        } else if (f->flags & FIELD_REQUIRED) {
            return json_reader_fail(r, at, f->key, "is required");
        }
    }
    return 0;
}

int json_reader_array(struct json_reader *r, const json_t *obj, const struct json_path *at, const char *key, const json_t **ret,
                      size_t *ret_count)
{
    const json_t *v = json_object_get(obj, key);
    if (v && !json_is_null(v) && !json_is_array(v))
        return json_reader_fail(r, at, key, "%s, expected an array", type_name(v));
    *ret = v;
    *ret_count = json_array_size(v);
    return 0;
}

// ---- names ----------------------------------------------------------------------------------------------------------------

static int compare_entries(const void *a, const void *b)
{
    const struct name_entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

int name_index_sort(struct name_index *x)
{
    if (x->count > 1)
        qsort(x->entries, x->count, sizeof *x->entries, compare_entries);
    for (size_t i = 1; i < x->count; i++)
        if (strcmp(x->entries[i - 1].name, x->entries[i].name) == 0)
            return x->entries[i].index;
    return -1;
}

int name_index_find(const struct name_index *x, const char *name)
{
    size_t low = 0, high = x->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(x->entries[mid].name, name);
        if (order == 0)
            return x->entries[mid].index;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return -1;
}
