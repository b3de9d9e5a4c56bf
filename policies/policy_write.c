#include "policies/policy.h"

#include <string.h>

#include "base/json.h"
#include "policies/policy_check.h"
#include "policies/policy_keys.h"

enum { CANONICAL_BYTES_MAX = 64 * 1024 * 1024 };

// ---- the effective policy -------------------------------------------------------------------------------------------------------

static json_t *object_to_json(const char *parent, const char *base, bool hashed);

static json_t *value_to_json(const struct policy_key *k, const char *base, bool hashed)
{
    char inner[128];
    int64_t number = 0;
    int32_t word = 0;
    switch (k->kind) {
    case KEY_STRING: {
        const char *text = *(const char *const *)(const void *)(base + k->offset);
        return json_text(text ? text : "");  // NULL in a policy that was made by hand is none, too
    }
    case KEY_INTEGER:
        memcpy(&number, base + k->offset, sizeof number);
        return json_integer(number / k->scale);
    case KEY_MONEY:
        memcpy(&number, base + k->offset, sizeof number);
        return number % k->scale == 0 ? json_integer(number / k->scale) : json_real((double)number / (double)k->scale);
    case KEY_BOOL:
        return json_boolean(*(const bool *)(base + k->offset));
    case KEY_ENUM:
        memcpy(&word, base + k->offset, sizeof word);
        assert(word >= 0 && word < k->name_count);
        return json_string(k->names[word]);
    case KEY_OBJECT:
        return object_to_json(policy_key_inner(k, inner), base, hashed);
    case KEY_ARRAY: {
        const char *items;
        size_t count;
        memcpy(&items, base + k->offset, sizeof items);
        memcpy(&count, base + k->count_offset, sizeof count);
        json_t *array = json_array();
        const struct policy_key *plain = policy_key_find(policy_key_inner(k, inner), "");
        for (size_t i = 0; i < count; i++) {
            const char *item = items + i * k->item_size;
            json_array_append_new(array, plain ? value_to_json(plain, item, hashed) : object_to_json(inner, item, hashed));
        }
        return array;
    }
    }
    return json_null();
}

// An object of which a required word is empty, or a required number below its bound, was not in the file, and would not be taken from one.
static bool left_out(const struct policy_key *object, const char *base)
{
    char inner[128];
    policy_key_inner(object, inner);
    for (size_t i = 0; object->kind == KEY_OBJECT && i < policy_key_count; i++) {
        const struct policy_key *k = &policy_keys[i];
        if (!k->required || strcmp(k->parent, inner) != 0)
            continue;
        int64_t n = k->min * k->scale;
        const char *text = k->kind == KEY_STRING ? *(const char *const *)(const void *)(base + k->offset) : "given";
        if (k->kind == KEY_INTEGER)
            memcpy(&n, base + k->offset, sizeof n);
        if (text == NULL || *text == '\0' || n < k->min * k->scale)
            return true;
    }
    return false;
}

static json_t *object_to_json(const char *parent, const char *base, bool hashed)
{
    json_t *obj = json_object();
    for (size_t i = 0; i < policy_key_count; i++) {
        const struct policy_key *k = &policy_keys[i];
        if (strcmp(k->parent, parent) == 0 && k->offset != KEY_IGNORED && !(hashed && k->unhashed) && !left_out(k, base))
            json_object_set_new(obj, k->name, value_to_json(k, base, hashed));
    }
    return obj;
}

json_t *policy_to_json(const struct policy *p)
{
    return object_to_json("", (const char *)p, false);
}

void policy_hash(const struct policy *p, char ret[17])
{
    struct buf b;
    buf_init(&b, CANONICAL_BYTES_MAX);
    json_t *j = object_to_json("", (const char *)p, true);
    json_write(j, &b);
    json_decref(j);
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < b.len; i++)
        h = (h ^ (unsigned char)b.data[i]) * UINT64_C(0x100000001b3);
    buf_release(&b);
    snprintf(ret, 17, "%016" PRIx64, h);
}

// ---- the schema -------------------------------------------------------------------------------------------------------------------

static json_t *object_schema(const char *parent);
static json_t *array_schema(const struct policy_key *k);

static void add_description(json_t *schema, const struct policy_key *k)
{
    static const struct {
        const char *unit, *words;
    } units[] = {{"s", "Seconds."}, {"%", "Per cent."}, {"USD", "US dollars."}};
    const char *words = "";
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(units[i].unit, k->unit) == 0)
            words = units[i].words;
    json_object_set_new(schema, "description", json_sprintf("%s%s%s", k->help, *words ? " " : "", words));
}

static json_t *key_schema(const struct policy_key *k)
{
    char inner[128];
    json_t *schema = json_object();
    switch (k->kind) {
    case KEY_STRING:
        json_object_set_new(schema, "type", json_string("string"));
        if (k->required)
            json_object_set_new(schema, "minLength", json_integer(1));
        if (k->text)
            json_object_set_new(schema, "default", json_string(k->text));
        break;
    case KEY_INTEGER:
    case KEY_MONEY:
        json_object_set_new(schema, "type", json_string(k->kind == KEY_MONEY ? "number" : "integer"));
        json_object_set_new(schema, "minimum", json_integer(k->min));
        json_object_set_new(schema, "maximum", json_integer(k->max));
        if (!k->required)
            json_object_set_new(schema, "default", json_integer(k->fallback));
        break;
    case KEY_BOOL:
        json_object_set_new(schema, "type", json_string("boolean"));
        json_object_set_new(schema, "default", json_boolean(k->fallback));
        break;
    case KEY_ENUM: {
        json_t *words = json_array();
        for (int i = 0; i < k->name_count; i++)
            json_array_append_new(words, json_string(k->names[i]));
        json_object_set_new(schema, "enum", words);
        json_object_set_new(schema, "default", json_string(k->names[k->fallback]));
        break;
    }
    case KEY_OBJECT:
        json_decref(schema);
        schema = object_schema(policy_key_inner(k, inner));
        break;
    case KEY_ARRAY:
        json_decref(schema);
        schema = array_schema(k);
        break;
    }
    add_description(schema, k);
    return schema;
}

static json_t *array_schema(const struct policy_key *k)
{
    char inner[128];
    json_t *schema = json_object();
    const struct policy_key *plain = policy_key_find(policy_key_inner(k, inner), "");
    json_object_set_new(schema, "type", json_string("array"));
    if (k->required)
        json_object_set_new(schema, "minItems", json_integer(1));
    json_object_set_new(schema, "items", plain ? key_schema(plain) : object_schema(inner));
    return schema;
}

static json_t *object_schema(const char *parent)
{
    json_t *schema = json_object(), *properties = json_object(), *required = json_array();
    for (size_t i = 0; i < policy_key_count; i++) {
        const struct policy_key *k = &policy_keys[i];
        if (strcmp(k->parent, parent) != 0)
            continue;
        json_object_set_new(properties, k->name, key_schema(k));
        if (k->required)
            json_array_append_new(required, json_string(k->name));
    }
    json_object_set_new(schema, "type", json_string("object"));
    json_object_set_new(schema, "properties", properties);
    if (json_array_size(required))
        json_object_set_new(schema, "required", required);
    else
        json_decref(required);
    json_object_set_new(schema, "additionalProperties", json_false());
    return schema;
}

void policy_write_schema(struct buf *out)
{
    json_t *schema = json_object();
    json_object_set_new(schema, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
    json_object_set_new(schema, "title", json_string("masu policy"));
    json_t *root = object_schema("");
    json_object_update(schema, root);
    json_decref(root);
    json_write_pretty(schema, out);
    json_decref(schema);
}

// ---- the reference ------------------------------------------------------------------------------------------------------------------

void policy_write_reference(struct buf *out)
{
    char path[128];
    int widest = 0;
    for (size_t i = 0; i < policy_key_count; i++) {
        int len = (int)strlen(policy_key_inner(&policy_keys[i], path));
        widest = len > widest ? len : widest;
    }
    for (size_t i = 0; i < policy_key_count; i++) {
        const struct policy_key *k = &policy_keys[i];
        struct buf bounds;
        buf_init(&bounds, 1024);
        policy_key_add_bounds(k, &bounds);
        buf_printf(out, "%-*s  %s%s\n", widest, policy_key_inner(k, path), buf_str(&bounds), k->required ? ", required" : "");
        buf_printf(out, "%-*s  %s\n", widest, "", k->help);
        buf_release(&bounds);
    }
}
