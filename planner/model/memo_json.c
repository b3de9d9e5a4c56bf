#include "planner/model/memo_json.h"

#include <string.h>

#include "base/json.h"
#include "planner/model/model_json.h"
#include "planner/model/names.h"

#define ROW(type, member, name, what, ...) \
    {                                      \
        .key = (name), .kind = (what), .offset = offsetof(struct type, member), __VA_ARGS__ \
    }
#define NAMES(list) .names = (list), .name_count = (int)ARRAY_LEN(list)
#define TABLE(rows) {(rows), ARRAY_LEN(rows)}

static const struct json_field memo_rows[] = {
    ROW(memo, version, "version", FIELD_I32, .flags = FIELD_REQUIRED),
    ROW(memo, now_ms, "at", FIELD_TIME, .flags = 0),
    ROW(memo, policy_hash, "policy_hash", FIELD_STR, .flags = 0),
    ROW(memo, policy_since_ms, "policy_since", FIELD_TIME, .flags = 0),
    ROW(memo, drains_begun, "drains_begun", FIELD_I64, .fallback = 0),
    ROW(memo, drains_finished, "drains_finished", FIELD_I64, .fallback = 0),
    ROW(memo, drains_undone, "drains_undone", FIELD_I64, .fallback = 0),
};
static const struct json_fields memo_fields = TABLE(memo_rows);

static const struct json_field drain_rows[] = {
    ROW(memo_drain, instance, "instance", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(memo_drain, state, "state", FIELD_ENUM, .flags = FIELD_REQUIRED, NAMES(drain_state_names)),
    ROW(memo_drain, since_ms, "since", FIELD_TIME, .flags = 0),
    ROW(memo_drain, state_since_ms, "state_since", FIELD_TIME, .flags = 0),
    ROW(memo_drain, read_back_ms, "read_back_at", FIELD_TIME, .flags = 0),
    ROW(memo_drain, empty_first_ms, "empty_first_at", FIELD_TIME, .flags = 0),
    ROW(memo_drain, deadline_ms, "deadline", FIELD_TIME, .flags = 0),
    ROW(memo_drain, reported_ms, "reported_at", FIELD_TIME, .flags = 0),
    ROW(memo_drain, reason, "reason", FIELD_STR, .flags = 0),
};
static const struct json_fields drain_fields = TABLE(drain_rows);

static const struct json_field stamp_rows[] = {
    ROW(memo_stamp, kind, "kind", FIELD_ENUM, .flags = FIELD_REQUIRED, NAMES(memo_stamp_kind_names)),
    ROW(memo_stamp, key, "key", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(memo_stamp, since_ms, "since", FIELD_TIME, .flags = 0),
    ROW(memo_stamp, until_ms, "until", FIELD_TIME, .flags = 0),
    ROW(memo_stamp, count, "count", FIELD_I32, .fallback = 0, .max = INT32_MAX),
    ROW(memo_stamp, amount, "amount", FIELD_I64, .fallback = 0),
};
static const struct json_fields stamp_fields = TABLE(stamp_rows);

static const struct json_field target_rows[] = {
    ROW(memo_target, fleet, "fleet", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(memo_target, target, "target", FIELD_I64, .flags = FIELD_REQUIRED),
    ROW(memo_target, sent_ms, "sent_at", FIELD_TIME, .flags = 0),
};
static const struct json_fields target_fields = TABLE(target_rows);

static const struct json_field launch_rows[] = {
    ROW(memo_launch, token, "token", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(memo_launch, fleet, "fleet", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(memo_launch, value, "value", FIELD_STR, .flags = FIELD_REQUIRED),
    ROW(memo_launch, capacity, "capacity", FIELD_I64, .flags = FIELD_REQUIRED),
    ROW(memo_launch, on_demand, "on_demand", FIELD_I64, .fallback = 0),
    ROW(memo_launch, sent_ms, "sent_at", FIELD_TIME, .flags = 0),
    ROW(memo_launch, answered, "answered", FIELD_BOOL, .fallback = 0),
};
static const struct json_fields launch_fields = TABLE(launch_rows);

// The memo's tables: where each one's array and counts are.
static const struct table {
    const char *key;
    const struct json_fields *fields;
    size_t size, items, count, cap;
} tables[] = {
    {"drains", &drain_fields, sizeof(struct memo_drain), offsetof(struct memo, drains), offsetof(struct memo, drain_count),
     offsetof(struct memo, drain_cap)},
    {"stamps", &stamp_fields, sizeof(struct memo_stamp), offsetof(struct memo, stamps), offsetof(struct memo, stamp_count),
     offsetof(struct memo, stamp_cap)},
    {"targets", &target_fields, sizeof(struct memo_target), offsetof(struct memo, targets), offsetof(struct memo, target_count),
     offsetof(struct memo, target_cap)},
    {"launches", &launch_fields, sizeof(struct memo_launch), offsetof(struct memo, launches), offsetof(struct memo, launch_count),
     offsetof(struct memo, launch_cap)},
};

json_t *memo_to_json(const struct memo *m)
{
    json_t *obj = json_object();
    json_fields_write(obj, memo_fields, m);
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        const char *items;
        size_t count;
        memcpy(&items, (const char *)m + tables[t].items, sizeof items);
        memcpy(&count, (const char *)m + tables[t].count, sizeof count);
        json_t *array = json_array();
        for (size_t i = 0; i < count; i++) {
            json_t *item = json_object();
            json_fields_write(item, *tables[t].fields, items + i * tables[t].size);
            json_array_append_new(array, item);
        }
        json_object_set_new(obj, tables[t].key, array);
    }
    return obj;
}

static int read_table(struct json_reader *r, const json_t *j, const struct json_path *root, const struct table *t, struct memo *m)
{
    const json_t *array;
    size_t count;
    if (json_reader_array(r, j, root, t->key, &array, &count))
        return ERR_INVALID;
    char *items = arena_alloc(r->arena, count, t->size);
    for (size_t i = 0; i < count; i++) {
        struct json_path at = {.up = root, .key = t->key, .index = (int)i};
        if (json_fields_read(r, json_array_get(array, i), &at, *t->fields, items + i * t->size))
            return ERR_INVALID;
    }
    memcpy((char *)m + t->items, &items, sizeof items);
    memcpy((char *)m + t->count, &count, sizeof count);
    memcpy((char *)m + t->cap, &count, sizeof count);
    return 0;
}

int memo_from_json_at(const json_t *j, const struct json_path *root, struct json_reader *r, struct memo *ret)
{
    struct memo m = {0};
    if (json_fields_read(r, j, root, memo_fields, &m))
        return ERR_INVALID;
    if (m.version != MEMO_VERSION)
        return json_reader_fail(r, root, "version", "%d, this build reads %d", m.version, MEMO_VERSION);
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        if (read_table(r, j, root, &tables[t], &m))
            return ERR_INVALID;
    *ret = m;
    return 0;
}

int memo_from_json(const json_t *j, struct arena *a, struct memo *ret, struct err *err)
{
    struct json_reader r = {.arena = a, .err = err};
    struct json_path root = {.key = "", .index = -1};
    return memo_from_json_at(j, &root, &r, ret);
}
