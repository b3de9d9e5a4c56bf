#include "policies/policy.h"

#include <string.h>

#include "base/json.h"
#include "policies/policy_check.h"
#include "policies/policy_keys.h"
#include "policies/policy_report.h"
#include "policies/policy_syntax.h"

enum { POLICY_FILE_BYTES_MAX = 1024 * 1024, POLICY_ITEMS_MAX = 1000, REMEDY_BYTES_MAX = 1024 };

struct load {
    struct policy_report report;
    struct arena *arena;
};

static void load_object(struct load *l, const json_t *obj, const char *parent, const char *path, void *base);
static void load_value(struct load *l, const json_t *v, const struct policy_key *k, const char *path, void *base);

static const char *type_words(const json_t *v)
{
    static const char *const words[] = {
        [JSON_OBJECT] = "object", [JSON_ARRAY] = "array", [JSON_STRING] = "string", [JSON_INTEGER] = "number",
        [JSON_REAL] = "number with a fraction", [JSON_TRUE] = "true", [JSON_FALSE] = "false", [JSON_NULL] = "null",
    };
    return words[json_typeof(v)];
}

static const char *bounds_text(struct load *l, const struct policy_key *k)
{
    struct buf b;
    buf_init(&b, REMEDY_BYTES_MAX);
    policy_key_add_bounds(k, &b);
    const char *text = arena_strdup(l->arena, buf_str(&b));
    buf_release(&b);
    return text;
}

// ---- the three kinds of mistakes that the table finds -------------------------------------------------------------------------

static void wrong_type(struct load *l, const json_t *v, const struct policy_key *k, const char *path)
{
    bool quoted = json_is_string(v) && (k->kind == KEY_INTEGER || k->kind == KEY_MONEY || k->kind == KEY_BOOL);
    const char *expected = k->kind == KEY_ENUM ? "a string" : policy_key_kind_words(k);
    policy_report_add(&l->report, false, AT_VALUE, path,
                      arena_printf(l->arena, "%s, expected %s", type_words(v), expected),
                      arena_printf(l->arena, "%s%s", bounds_text(l, k), quoted ? ", without quotes" : ""));
}

static void unknown_key(struct load *l, const char *parent, const char *path, const char *name)
{
    const struct policy_key *near = policy_key_nearest(parent, name);
    const struct policy_key *elsewhere = near ? NULL : policy_key_elsewhere(parent, name);
    const char *remedy;
    if (near) {
        remedy = arena_printf(l->arena, "did you mean \"%s\" (%s)?", near->name, bounds_text(l, near));
    } else if (elsewhere) {
        remedy = arena_printf(l->arena, "\"%s\" belongs in %s", elsewhere->name, *elsewhere->parent ? elsewhere->parent : "the root");
    } else {
        struct buf b;
        buf_init(&b, REMEDY_BYTES_MAX);
        for (size_t i = 0; i < policy_key_count; i++)
            if (strcmp(policy_keys[i].parent, parent) == 0 && policy_keys[i].offset != KEY_IGNORED)
                buf_printf(&b, "%s%s", b.len ? ", " : "known keys here: ", policy_keys[i].name);
        remedy = arena_strdup(l->arena, buf_str(&b));
        buf_release(&b);
    }
    policy_report_add(&l->report, false, AT_KEY, path, "unknown key", remedy);
}

static void missing_keys(struct load *l, const json_t *obj, const char *parent, const char *path)
{
    for (size_t i = 0; i < policy_key_count; i++) {
        const struct policy_key *k = &policy_keys[i];
        if (strcmp(k->parent, parent) != 0 || !k->required || json_object_get(obj, k->name))
            continue;
        const char *inner = arena_printf(l->arena, "%s%s%s", path, *path ? "." : "", k->name);
        policy_report_add(&l->report, false, AT_VALUE, inner, "is required",
                          arena_printf(l->arena, "add \"%s\": %s", k->name, k->example));
    }
}

// ---- values -------------------------------------------------------------------------------------------------------------------

static void load_integer(struct load *l, const json_t *v, const struct policy_key *k, const char *path, char *base)
{
    if (!json_is_integer(v)) {
        wrong_type(l, v, k, path);
        return;
    }
    int64_t n = json_integer_value(v);
    if (n < k->min || n > k->max) {
        policy_report_add(&l->report, false, AT_VALUE, path, "out of bounds", bounds_text(l, k));
        return;
    }
    n *= k->scale;
    memcpy(base + k->offset, &n, sizeof n);
}

// To the micro-dollar; what is finer is rounded.
static void load_money(struct load *l, const json_t *v, const struct policy_key *k, const char *path, char *base)
{
    if (!json_is_number(v)) {
        wrong_type(l, v, k, path);
        return;
    }
    double dollars = json_number_value(v);
    if (!(dollars >= (double)k->min) || dollars > (double)k->max) {
        policy_report_add(&l->report, false, AT_VALUE, path, "out of bounds", bounds_text(l, k));
        return;
    }
    int64_t n = (int64_t)(dollars * (double)k->scale + 0.5);
    memcpy(base + k->offset, &n, sizeof n);
}

static void load_enum(struct load *l, const json_t *v, const struct policy_key *k, const char *path, char *base)
{
    const char *word = json_string_value(v);
    int32_t nearest = -1;
    if (!word) {
        wrong_type(l, v, k, path);
        return;
    }
    for (int32_t i = 0; i < k->name_count; i++) {
        if (strcmp(k->names[i], word) == 0) {
            memcpy(base + k->offset, &i, sizeof i);
            return;
        }
        if (policy_edit_distance(k->names[i], word) <= 2)
            nearest = i;
    }
    const char *remedy = nearest >= 0 ? arena_printf(l->arena, "did you mean \"%s\"?", k->names[nearest]) : bounds_text(l, k);
    policy_report_add(&l->report, false, AT_VALUE, path, "unknown word", remedy);
}

static void load_string(struct load *l, const json_t *v, const struct policy_key *k, const char *path, char *base)
{
    if (!json_is_string(v))
        wrong_type(l, v, k, path);
    else if (k->required && json_string_length(v) == 0)
        policy_report_add(&l->report, false, AT_VALUE, path, "is empty", arena_printf(l->arena, "%s", k->help));
    else if (k->offset != KEY_IGNORED)
        *(const char **)(void *)(base + k->offset) = arena_strdup(l->arena, json_string_value(v));
}

static void load_array(struct load *l, const json_t *v, const struct policy_key *k, const char *path, char *base)
{
    char inner[128];
    if (!json_is_array(v)) {
        wrong_type(l, v, k, path);
        return;
    }
    size_t count = json_array_size(v);
    if (count > POLICY_ITEMS_MAX || (k->required && count == 0)) {
        policy_report_add(&l->report, false, AT_VALUE, path, count ? "too many" : "is empty",
                          count ? arena_printf(l->arena, "at most %d", POLICY_ITEMS_MAX)
                                : arena_printf(l->arena, "at least one, such as %s", k->example));
        return;
    }
    char *items = arena_alloc(l->arena, count, k->item_size);
    const struct policy_key *plain = policy_key_find(policy_key_inner(k, inner), "");
    for (size_t i = 0; i < count && !policy_report_full(&l->report); i++) {
        void *item = items + i * k->item_size;
        const char *at = arena_printf(l->arena, "%s[%zu]", path, i);
        policy_keys_set_defaults(inner, item);
        if (plain)
            load_value(l, json_array_get(v, i), plain, at, item);
        else
            load_object(l, json_array_get(v, i), inner, at, item);
    }
    memcpy(base + k->offset, &items, sizeof items);
    memcpy(base + k->count_offset, &count, sizeof count);
}

static void load_value(struct load *l, const json_t *v, const struct policy_key *k, const char *path, void *base)
{
    char inner[128];
    switch (k->kind) {
    case KEY_STRING:
        load_string(l, v, k, path, base);
        break;
    case KEY_INTEGER:
        load_integer(l, v, k, path, base);
        break;
    case KEY_MONEY:
        load_money(l, v, k, path, base);
        break;
    case KEY_BOOL:
        if (json_is_boolean(v))
            *((bool *)base + k->offset) = json_is_true(v);
        else
            wrong_type(l, v, k, path);
        break;
    case KEY_ENUM:
        load_enum(l, v, k, path, base);
        break;
    case KEY_OBJECT:
        if (json_is_object(v))
            load_object(l, v, policy_key_inner(k, inner), path, base);
        else
            wrong_type(l, v, k, path);
        break;
    case KEY_ARRAY:
        load_array(l, v, k, path, base);
        break;
    }
}

// The nesting is that of the table, four levels, whatever the file holds.
static void load_object(struct load *l, const json_t *obj, const char *parent, const char *path, void *base)
{
    if (!json_is_object(obj)) {
        policy_report_add(&l->report, false, AT_VALUE, path, arena_printf(l->arena, "%s, expected an object", type_words(obj)),
                          *path ? "{…}" : "{\"clusters\": […]}: masu check-policy --keys lists what belongs here");
        return;
    }
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)obj, name, v) {
        // A file of nothing but mistakes costs no more than those that are shown.
        if (policy_report_full(&l->report))
            return;
        const char *inner = arena_printf(l->arena, "%s%s%s", path, *path ? "." : "", name);
        const struct policy_key *k = *name ? policy_key_find(parent, name) : NULL;
        if (k)
            load_value(l, v, k, inner, base);
        else
            unknown_key(l, parent, inner, name);
    }
    missing_keys(l, obj, parent, path);
}

// ---- whole files --------------------------------------------------------------------------------------------------------------

static void keep_warnings(const struct policy_report *r, struct policy *p)
{
    p->warnings = arena_array(r->arena, struct policy_warning, r->count);
    for (size_t i = 0; i < r->count; i++)
        if (r->mistakes[i].warning)
            p->warnings[p->warning_count++].text = arena_printf(r->arena, "%s -> %s", r->mistakes[i].message, r->mistakes[i].remedy);
}

// Why the whole is refused, in one line: the first mistake of the file.
static int refuse(const struct policy_report *r, struct err *err)
{
    for (size_t i = 0; i < r->count; i++)
        if (!r->mistakes[i].warning)
            return err_set(err, ERR_INVALID, "%s: %zu error%s in the policy; first: %s -> %s", r->name, r->errors,
                           r->errors == 1 ? "" : "s", r->mistakes[i].message, r->mistakes[i].remedy);
    return err_set(err, ERR_INVALID, "%s: %zu errors in the policy", r->name, r->errors);
}

int policy_load_text(struct slice text, const char *name, struct arena *a, struct policy *ret, struct buf *ret_report,
                     struct err *err)
{
    struct load *l = arena_new(a, struct load);
    l->arena = a;
    l->report = (struct policy_report){.text = text, .name = name, .arena = a};
    struct policy p = {.path = arena_strdup(a, name)};
    policy_keys_set_defaults("", &p);
    struct json_place place;
    struct err parse = {0};
    json_t *j = NULL;
    if (json_parse_at(text, name, &j, &place, &parse)) {
        const char *why = strstr(parse.msg, "not JSON");
        policy_report_add_at(&l->report, place, why ? why : parse.msg, policy_syntax_remedy(text, &place, parse.msg));
    } else {
        load_object(l, j, "", "", &p);
        if (!policy_report_full(&l->report))
            policy_check(&p, &l->report);
        json_decref(j);
    }
    policy_report_write(&l->report, ret_report);
    if (l->report.errors)
        return refuse(&l->report, err);
    keep_warnings(&l->report, &p);
    policy_hash(&p, p.hash);
    *ret = p;
    return 0;
}

int policy_load_file(const char *path, struct arena *a, struct policy *ret, struct buf *ret_report, struct err *err)
{
    struct slice text = {0};
    json_t *j = NULL;
    struct err read = {0};
    int rc = json_read_file(path, POLICY_FILE_BYTES_MAX, a, &text, &j, &read);
    if (rc == ERR_LIMIT)
        return err_set(err, rc, "%s: larger than 1 MiB -> a policy is a few KiB: is this the right file?", path);
    if (rc && rc != ERR_CORRUPT)
        return err_set(err, rc, "%s -> name a policy file that this user can read", read.msg);
    json_decref(j);  // read again, so that text and file go one way
    return policy_load_text(text, path, a, ret, ret_report, err);
}
