#include "planner/model/snapshot_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/parse.h"

// ---- attributes -------------------------------------------------------------------------------------------------------------
static json_t *attributes_to_json(const struct attribute *v, size_t count)
{
    json_t *obj = json_object();
    for (size_t k = 0; k < count; k++)
        json_object_set_new(obj, v[k].name, json_text(v[k].value));
    return obj;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct attribute *)a)->name, ((const struct attribute *)b)->name);
}

static int attributes_read(struct json_reader *r, const json_t *obj, const struct json_path *at, struct attribute **ret, size_t *ret_count)
{
    if (!json_is_object(obj))
        return json_reader_fail(r, at, "", "expected an object of attributes and their values");
    struct attribute *v = arena_array(r->arena, struct attribute, json_object_size(obj));
    const char *name;
    json_t *value;
    size_t n = 0;
    json_object_foreach((json_t *)(uintptr_t)obj, name, value)
    {
        if (!json_is_string(value))
            return json_reader_fail(r, at, name, "expected a string, \"\" where it has no value");
        v[n++] = (struct attribute){arena_strdup(r->arena, name), arena_strdup(r->arena, json_string_value(value))};
    }
    if (n > 1)
        qsort(v, n, sizeof *v, by_name);
    *ret = v;
    *ret_count = n;
    return 0;
}

void json_sets_write(json_t *obj, const struct snapshot *s)
{
    json_t *all = json_array();
    for (size_t k = 0; k < s->attribute_set_count; k++)
        json_array_append_new(all, attributes_to_json(s->attribute_sets[k].v, s->attribute_sets[k].count));
    if (s->attribute_set_count > 0)
        json_object_set(obj, "attribute_sets", all);
    json_decref(all);
}

// How many objects stand in place under `table` of obj; a fleet's are with its pools.
static size_t count_inline(const json_t *obj, const char *table, const char *inner)
{
    size_t n = 0, i;
    const json_t *item;
    json_array_foreach(json_object_get(obj, table), i, item)
    {
        n += inner ? count_inline(item, inner, NULL) : (size_t)json_is_object(json_object_get(item, "attributes"));
    }
    return n;
}

int json_sets_read(struct json_reader *r, const json_t *obj, const struct json_path *at, struct snapshot *s)
{
    const json_t *all;
    size_t count;
    if (json_reader_array(r, obj, at, "attribute_sets", &all, &count))
        return ERR_INVALID;
    size_t more = count_inline(obj, "instances", NULL) + count_inline(obj, "fleets", "pools");
    s->attribute_sets = arena_array(r->arena, struct attribute_set, count + more);
    for (size_t k = 0; k < count; k++) {
        struct json_path here = {.up = at, .key = "attribute_sets", .index = (int)k};
        if (attributes_read(r, json_array_get(all, k), &here, &s->attribute_sets[k].v, &s->attribute_sets[k].count))
            return ERR_INVALID;
    }
    s->attribute_set_count = count;
    return 0;
}

void json_set_ref_write(json_t *obj, const struct snapshot *s, const struct attribute_set *set)
{
    if (!set)
        return;
    assert(set >= s->attribute_sets);
    assert(set < s->attribute_sets + s->attribute_set_count);
    json_object_set_new(obj, "attributes", json_integer(set - s->attribute_sets));
}

int json_set_ref_read(struct json_reader *r, const json_t *obj, const struct json_path *at, struct snapshot *s,
                      const struct attribute_set **ret)
{
    const json_t *v = json_object_get(obj, "attributes");
    struct json_path here = {.up = at, .key = "attributes", .index = -1};
    *ret = NULL;
    if (!v || json_is_null(v))
        return 0;
    if (json_is_object(v)) {
        struct attribute_set *set = &s->attribute_sets[s->attribute_set_count];
        if (attributes_read(r, v, &here, &set->v, &set->count))
            return ERR_INVALID;
        s->attribute_set_count++;
        *ret = set;
        return 0;
    }
    json_int_t n = json_integer_value(v);
    if (!json_is_integer(v) || n < 0 || n >= (json_int_t)s->attribute_set_count)
        return json_reader_fail(r, &here, "", "expected a place in attribute_sets, or an object of attributes");
    *ret = &s->attribute_sets[n];
    return 0;
}

// ---- ports ------------------------------------------------------------------------------------------------------------------
void json_ports_write(json_t *obj, struct port_set ports)
{
    json_t *all = json_array();
    for (size_t k = 0; k < ports.count; k++)
        json_array_append_new(all, json_sprintf("%u/%s", ports.v[k] / 2, ports.v[k] % 2 ? "udp" : "tcp"));
    json_object_set_new(obj, "ports", all);
}

static bool port_parse(const char *text, uint32_t *ret)
{
    const char *slash = strchr(text, '/');
    int64_t number;
    if (!slash || (strcmp(slash, "/tcp") != 0 && strcmp(slash, "/udp") != 0) ||
        !parse_i64((struct slice){text, (size_t)(slash - text)}, &number) || number < 0 || number > 65535)
        return false;
    *ret = port_make((uint32_t)number, slash[1] == 'u');
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

int json_ports_read(struct json_reader *r, const json_t *obj, const struct json_path *at, struct port_set *ret)
{
    const json_t *all;
    size_t count;
    if (json_reader_array(r, obj, at, "ports", &all, &count))
        return ERR_INVALID;
    uint32_t *v = arena_array(r->arena, uint32_t, count);
    for (size_t k = 0; k < count; k++) {
        const char *text = json_string_value(json_array_get(all, k));
        struct json_path here = {.up = at, .key = "ports", .index = (int)k};
        if (!text || !port_parse(text, &v[k]))
            return json_reader_fail(r, &here, "", "expected a port such as \"80/tcp\"");
    }
    if (count > 1)
        qsort(v, count, sizeof *v, by_number);
    *ret = (struct port_set){v, count};
    return 0;
}

// ---- lists of text, a shape's lists -------------------------------------------------------------------------------------------
void json_texts_write(json_t *obj, const char *key, const char *const *v, size_t count)
{
    if (count == 0)
        return;
    json_t *all = json_array();
    for (size_t k = 0; k < count; k++)
        json_array_append_new(all, json_text(v[k]));
    json_object_set_new(obj, key, all);
}

int json_texts_read(struct json_reader *r, const json_t *obj, const struct json_path *at, const char *key, const char ***ret, size_t *ret_count)
{
    const json_t *all;
    size_t count;
    if (json_reader_array(r, obj, at, key, &all, &count))
        return ERR_INVALID;
    const char **v = arena_array(r->arena, const char *, count);
    for (size_t k = 0; k < count; k++) {
        struct json_path here = {.up = at, .key = key, .index = (int)k};
        if (!json_is_string(json_array_get(all, k)))
            return json_reader_fail(r, &here, "", "expected a string");
        v[k] = arena_strdup(r->arena, json_string_value(json_array_get(all, k)));
    }
    *ret = v;
    *ret_count = count;
    return 0;
}

void json_shape_lists_write(json_t *obj, const struct shape *x)
{
    if (x->required_count > 0)
        json_object_set_new(obj, "required", attributes_to_json(x->required, x->required_count));
    json_texts_write(obj, "member_of", x->member_of, x->member_of_count);
    json_texts_write(obj, "zones", x->zones, x->zone_count);
    if (x->ports.count > 0)
        json_ports_write(obj, x->ports);
}

int json_shape_lists_read(struct json_reader *r, const json_t *obj, const struct json_path *at, struct shape *x)
{
    struct json_path here = {.up = at, .key = "required", .index = -1};
    const json_t *required = json_object_get(obj, "required");
    if (required && !json_is_null(required) && attributes_read(r, required, &here, &x->required, &x->required_count))
        return ERR_INVALID;
    if (json_texts_read(r, obj, at, "member_of", &x->member_of, &x->member_of_count) ||
        json_texts_read(r, obj, at, "zones", &x->zones, &x->zone_count))
        return ERR_INVALID;
    return json_ports_read(r, obj, at, &x->ports);
}
