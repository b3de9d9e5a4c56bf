#include "scaler/scenario.h"

#include <jansson.h>
#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "scaler/options.h"
#include "scaler/record.h"

enum kind { TEXT, COUNT, PERCENT, NUMBER, SECONDS, INSTANT, WORD, WORDS, LIST };
enum part { ROOT, SERVICE, TYPE, LOSS, PART_COUNT };

// Behind the scene, what the file names.
struct draft {
    struct scene scene;
    const char *trace, *market;
};

struct key {
    const char *name;
    enum kind kind;
    size_t offset;               // in the draft, or in the element of the list
    double least, most;
    const char *help;
    const char *const *words;    // of WORD and WORDS, NULL-ended, in the order of the enum
    enum part list;              // of LIST
    bool required;
};

static const char *const fleets[] = {"spot-fleet", "ec2-fleet", "auto-scaling", "instant", NULL};
static const char *const follows[] = {"trace", "profile", "steady", "jobs", "crowd", "requests", "host", NULL};
static const char *const allocations[] = {"lowest-price", "diversified", "capacity-optimized", "price-capacity-optimized", NULL};
static const char *const strategies[] = {"spread:instance", "spread:zone", "spread:type", "binpack:cpu", "binpack:memory", "random", NULL};
static const enum world_strategy_kind strategy_kinds[] = {WS_SPREAD_INSTANCE, WS_SPREAD_ZONE, WS_SPREAD_TYPE, WS_BINPACK_CPU, WS_BINPACK_MEMORY, WS_RANDOM};

#define IN_SCENE(field) (offsetof(struct draft, scene) + offsetof(struct scene, field))
#define IN_SERVICE(field) offsetof(struct scene_service, field)
#define YEAR_S (366.0 * 86400)

static const struct key keys[PART_COUNT][21] = {
    [ROOT] = {
        {"$schema", TEXT, SIZE_MAX, 0, 0, "for editors; not read", NULL, ROOT, false},
        {"name", TEXT, IN_SCENE(name), 0, 0, "for the report", NULL, ROOT, false},
        {"start", INSTANT, IN_SCENE(start_ms), 0, 0, "wall time of the beginning, ISO 8601; profiles have days and weeks", NULL, ROOT, false},
        {"for_s", SECONDS, IN_SCENE(for_ms), 60, YEAR_S, "how long in all", NULL, ROOT, false},
        {"warmup_s", SECONDS, IN_SCENE(warmup_ms), 0, YEAR_S, "until then rules only learn and nothing is counted", NULL, ROOT, false},
        {"period_s", SECONDS, IN_SCENE(period_ms), 10, 3600, "between two decisions", NULL, ROOT, false},
        {"services", LIST, 0, 1, SCENE_SERVICES_MAX, "what wants to run", NULL, SERVICE, false},
        {"types", LIST, 0, 1, WORLD_OVERRIDES, "what the fleet may launch", NULL, TYPE, false},
        {"losses", LIST, 0, 0, SCENE_LOSSES_MAX, "zones and pools that are lost for a while", NULL, LOSS, false},
        {"allocation", WORD, IN_SCENE(allocation), 0, 0, "the fleet's allocation strategy", allocations, ROOT, false},
        {"fleet", WORD, IN_SCENE(fleet), 0, 0, "what masu's cluster runs on; the other rules keep a Spot Fleet, ECS managed scaling its group", fleets, ROOT, false},
        {"boot_p50_s", SECONDS, IN_SCENE(boot_p50_ms), 1, 3600, "from launch to registered, median", NULL, ROOT, false},
        {"boot_p90_s", SECONDS, IN_SCENE(boot_p90_ms), 1, 3600, "the same, 9 of 10", NULL, ROOT, false},
        {"interruptions_per_instance_day", NUMBER, IN_SCENE(interruptions_per_instance_day), 0, 100, "spot notices of the generated market", NULL, ROOT, false},
        {"shortages_per_pool_day", NUMBER, IN_SCENE(shortages_per_pool_day), 0, 100, "of about half an hour, in the generated market", NULL, ROOT, false},
        {"spot_price_percent", COUNT, IN_SCENE(price_percent), 0, 100, "of the on-demand price, always; 0: spot prices move", NULL, ROOT, false},
        {"batch_per_hour", NUMBER, IN_SCENE(batch_per_hour), 0, 10000, "standalone tasks", NULL, ROOT, false},
        {"deployments_per_day", COUNT, IN_SCENE(deployments_per_day), 0, 1000, "over all services", NULL, ROOT, false},
        {"trace", TEXT, offsetof(struct draft, trace), 0, 0, "CSV of times and values that services follow", NULL, ROOT, false},
        {"market", TEXT, offsetof(struct draft, market), 0, 0, "CSV of a recorded spot market, in place of the generated one", NULL, ROOT, false},
    },
    [SERVICE] = {
        {"name", TEXT, IN_SERVICE(name), 0, 0, "of the service", NULL, ROOT, true},
        {"cpu_units", COUNT, IN_SERVICE(cpu_units), 0, 1 << 20, "of a task; 1024 = 1 vCPU", NULL, ROOT, true},
        {"memory_mib", COUNT, IN_SERVICE(memory_mib), 1, 1 << 24, "of a task", NULL, ROOT, true},
        {"tasks", COUNT, IN_SERVICE(tasks), 1, 5000, "the mean of what it wants", NULL, ROOT, true},
        {"follows", WORD, IN_SERVICE(follow), 0, 0, "the trace, a plain profile of days and weeks, nothing, or a workload model (docs/workload.md)", follows, ROOT, false},
        {"minimum_healthy_percent", PERCENT, IN_SERVICE(min_percent), 0, 100, "as in ECS", NULL, ROOT, false},
        {"maximum_percent", PERCENT, IN_SERVICE(max_percent), 100, 200, "as in ECS", NULL, ROOT, false},
        {"placement", WORDS, IN_SERVICE(strategies), 0, WORLD_STRATEGIES, "placement strategies in their order", strategies, ROOT, false},
    },
    [TYPE] = {
        {"name", TEXT, offsetof(struct scene_type, name), 0, 0, "of the virtual world's types: c5, m5, r5 from large to 4xlarge, c6g.xlarge, c6g.2xlarge", NULL, ROOT, true},
        {"weight", COUNT, offsetof(struct scene_type, weight), 1, 999, "in the fleet's units", NULL, ROOT, false},
    },
    [LOSS] = {
        {"zone", TEXT, offsetof(struct scene_loss, zone), 0, 0, "us-east-1a, us-east-1b or us-east-1c", NULL, ROOT, true},
        {"type", TEXT, offsetof(struct scene_loss, type), 0, 0, "of one pool; left out: the whole zone", NULL, ROOT, false},
        {"from_s", SECONDS, offsetof(struct scene_loss, from_ms), 0, YEAR_S, "since the beginning", NULL, ROOT, true},
        {"to_s", SECONDS, offsetof(struct scene_loss, to_ms), 1, YEAR_S, "since the beginning", NULL, ROOT, true},
    },
};

struct reader {
    struct slice text;
    const char *name;
    struct arena *arena;
    struct draft *draft;
    struct err *err;
};

static int wrong(const struct reader *r, const char *path, const char *fmt, ...) _printf_(3, 4);
static int wrong(const struct reader *r, const char *path, const char *fmt, ...)
{
    struct json_place at = {.line = 1, .column = 1};
    va_list ap;
    va_start(ap, fmt);
    char *what = arena_vprintf(r->arena, fmt, ap);
    va_end(ap);
    json_place_find(r->text, path, &at);
    return err_set(r->err, ERR_INVALID, "%s:%d:%d: %s: %s", r->name, at.line, at.column, *path ? path : "scenario", what);
}

static char *below(const struct reader *r, const char *path, const char *name)
{
    return *path ? arena_printf(r->arena, "%s.%s", path, name) : arena_strdup(r->arena, name);
}

// ---- values -----------------------------------------------------------------------------------------------------------------

static const char *list_words(const struct reader *r, const char *const *words)
{
    char *all = arena_strdup(r->arena, words[0]);
    for (size_t k = 1; words[k]; k++)
        all = arena_printf(r->arena, "%s%s%s", all, words[k + 1] ? ", " : " or ", words[k]);
    return all;
}

static int word_of(const struct reader *r, const char *path, const char *const *words, const json_t *v, int *ret)
{
    const char *s = json_string_value(v);
    for (int k = 0; s && words[k]; k++) {
        if (strcmp(words[k], s))
            continue;
        *ret = k;
        return 0;
    }
    return wrong(r, path, "expected %s", list_words(r, words));
}

static int read_number(const struct reader *r, const struct key *k, const char *path, const json_t *v, void *at)
{
    double x = json_number_value(v);
    bool whole = k->kind != NUMBER;
    if (!json_is_number(v) || (whole && !json_is_integer(v)) || x < k->least || x > k->most)
        return wrong(r, path, "expected a %snumber from %.10g to %.10g", whole ? "whole " : "", k->least, k->most);
    if (k->kind == NUMBER)
        *(double *)at = x;
    else if (k->kind == PERCENT)
        *(int32_t *)at = (int32_t)x;
    else
        *(int64_t *)at = (int64_t)x * (k->kind == SECONDS ? 1000 : 1);
    return 0;
}

static int read_words(const struct reader *r, const struct key *k, const char *path, const json_t *v, struct scene_service *s)
{
    if (!json_is_array(v) || json_array_size(v) > (size_t)k->most)
        return wrong(r, path, "expected at most %.0f strategies in a list", k->most);
    s->strategy_count = 0;
    for (size_t i = 0; i < json_array_size(v); i++) {
        int word = 0, rc = word_of(r, arena_printf(r->arena, "%s[%zu]", path, i), k->words, json_array_get(v, i), &word);
        if (rc)
            return rc;
        s->strategies[s->strategy_count++] = strategy_kinds[word];
    }
    return 0;
}

static int read_object(const struct reader *r, enum part part, const char *path, const json_t *o, char *base);

static int read_list(const struct reader *r, const struct key *k, const char *path, const json_t *v)
{
    struct scene *s = &r->draft->scene;
    if (!json_is_array(v) || json_array_size(v) < (size_t)k->least || json_array_size(v) > (size_t)k->most)
        return wrong(r, path, "expected a list of %.0f to %.0f", k->least, k->most);
    size_t *count = k->list == SERVICE ? &s->service_count : k->list == TYPE ? &s->type_count : &s->loss_count;
    *count = 0;
    for (size_t i = 0; i < json_array_size(v); i++) {
        char *base = k->list == SERVICE ? (char *)&s->services[i] : k->list == TYPE ? (char *)&s->types[i] : (char *)&s->losses[i];
        if (k->list == SERVICE)
            s->services[i] = (struct scene_service){.follow = SCENE_TRACE, .min_percent = 100, .max_percent = 200,
                                                    .strategies = {WS_SPREAD_ZONE, WS_BINPACK_CPU}, .strategy_count = 2};
        else if (k->list == TYPE)
            s->types[i] = (struct scene_type){.weight = 1};
        else
            s->losses[i] = (struct scene_loss){.type = ""};
        int rc = read_object(r, k->list, arena_printf(r->arena, "%s[%zu]", path, i), json_array_get(v, i), base);
        if (rc)
            return rc;
        ++*count;
    }
    return 0;
}

static int read_value(const struct reader *r, const struct key *k, const char *path, const json_t *v, char *base)
{
    char *at = base + (k->offset == SIZE_MAX ? 0 : k->offset);
    int rc = 0, word = 0;
    switch (k->kind) {
    case TEXT:
        if (!json_is_string(v) || !json_string_length(v) || json_string_length(v) >= WORLD_ID * (k->offset >= offsetof(struct draft, trace) ? 20 : 1))
            return wrong(r, path, "expected a text");
        if (k->offset != SIZE_MAX)
            *(const char **)at = arena_strdup(r->arena, json_string_value(v));
        return 0;
    case INSTANT:
        if (!json_is_string(v) || !parse_iso8601_ms(slice_of(json_string_value(v)), (int64_t *)at))
            return wrong(r, path, "expected a time as 2026-01-12T00:00:00Z");
        return 0;
    case WORD:
        rc = word_of(r, path, k->words, v, &word);
        if (rc == 0)
            *(unsigned *)at = (unsigned)word;
        return rc;
    case WORDS:
        return read_words(r, k, path, v, (struct scene_service *)base);
    case LIST:
        return read_list(r, k, path, v);
    case COUNT:
    case PERCENT:
    case NUMBER:
    case SECONDS:
        break;
    }
    return read_number(r, k, path, v, at);
}

static int unknown(const struct reader *r, enum part part, const char *path, const char *name)
{
    const char *names[ARRAY_LEN(keys[0])];
    size_t n = 0;
    for (const struct key *k = keys[part]; k->name; k++)
        names[n++] = k->name;
    const char *near = options_nearest(name, names, n);
    return wrong(r, below(r, path, name), near ? "is no key here: did you mean %s?" : "is no key here%s", near ? near : "");
}

static int read_object(const struct reader *r, enum part part, const char *path, const json_t *o, char *base)
{
    const char *name;
    json_t *v;
    if (!json_is_object(o))
        return wrong(r, path, "expected an object");
    json_object_foreach((json_t *)(uintptr_t)o, name, v)
    {
        const struct key *k = keys[part];
        while (k->name && strcmp(k->name, name))
            k++;
        int rc = k->name ? read_value(r, k, below(r, path, name), v, base) : unknown(r, part, path, name);
        if (rc)
            return rc;
    }
    for (const struct key *k = keys[part]; k->name; k++)
        if (k->required && !json_object_get(o, k->name))
            return wrong(r, path, "%s is missing: %s", k->name, k->help);
    return 0;
}

// ---- the whole --------------------------------------------------------------------------------------------------------------

int scenario_check(const struct scene *s, struct err *err)
{
    if (s->warmup_ms >= s->for_ms)
        return err_set(err, ERR_INVALID, "the warm-up takes the whole time: nothing would be counted");
    if (s->boot_p90_ms < s->boot_p50_ms)
        return err_set(err, ERR_INVALID, "boot_p90_s is below boot_p50_s");
    int64_t traced = 0;
    for (size_t i = 0; i < s->service_count; i++) {
        traced += s->services[i].follow == SCENE_TRACE ? s->services[i].tasks : 0;
        for (size_t k = 0; k < i; k++)
            if (!strcmp(s->services[i].name, s->services[k].name))
                return err_set(err, ERR_INVALID, "two services are named %s", s->services[i].name);
    }
    if (s->trace && traced > 20000)
        return err_set(err, ERR_INVALID, "services that follow the trace want %" PRId64 " tasks on average: at most 20000", traced);
    for (size_t k = 0; k < s->loss_count; k++)
        if (s->losses[k].to_ms <= s->losses[k].from_ms)
            return err_set(err, ERR_INVALID, "the loss of %s ends before it begins", s->losses[k].zone);
    return 0;
}

int scenario_parse(struct slice text, const char *name, struct arena *a, struct scene *s, const char **ret_trace, const char **ret_market, struct err *err)
{
    struct draft draft = {.scene = *s};
    struct reader r = {.text = text, .name = name, .arena = a, .draft = &draft, .err = err};
    json_t *root;
    int rc = json_parse(text, name, &root, err);
    if (rc)
        return rc;
    rc = read_object(&r, ROOT, "", root, (char *)&draft);
    json_decref(root);
    if (rc)
        return rc;
    *s = draft.scene;
    *ret_trace = draft.trace;
    *ret_market = draft.market;
    return 0;
}

// A file that the scenario names, beside it unless it says where.
static const char *beside(struct arena *a, const char *scenario, const char *file)
{
    const char *slash = strrchr(scenario, '/');
    return *file == '/' || !slash ? file : arena_printf(a, "%.*s/%s", (int)(slash - scenario), scenario, file);
}

int scenario_trace(const char *path, struct arena *a, struct scene *s, int64_t *ret_length_ms, struct err *err)
{
    struct slice text;
    struct workload_trace *t = arena_new(a, struct workload_trace);
    int rc = record_read(path, a, &text, err);
    if (rc == 0)
        rc = workload_trace_parse(text, path, a, t, err);
    if (rc)
        return rc;
    s->trace = t;
    *ret_length_ms = (t->at_s[t->count - 1] - t->at_s[0] + t->step_s) * 1000;
    return 0;
}

int scenario_read(const char *path, struct arena *a, struct scene *s, struct err *err)
{
    struct slice text;
    const char *trace = NULL, *market = NULL;
    int64_t length_ms;
    int rc = record_read(path, a, &text, err);
    if (rc == 0)
        rc = scenario_parse(text, path, a, s, &trace, &market, err);
    if (rc == 0 && trace)
        rc = scenario_trace(beside(a, path, trace), a, s, &length_ms, err);
    if (rc == 0 && market) {
        struct market_trace *m = arena_new(a, struct market_trace);
        rc = record_read(beside(a, path, market), a, &text, err);
        if (rc == 0)
            rc = market_trace_parse(text, market, a, m, err);
        s->market = m;
    }
    return rc;
}

// ---- schema -----------------------------------------------------------------------------------------------------------------

static json_t *schema_of_part(enum part part);

static json_t *schema_of_key(const struct key *k)
{
    json_t *words = json_array(), *o = json_object();
    for (size_t i = 0; k->words && k->words[i]; i++)
        json_array_append_new(words, json_string(k->words[i]));
    json_object_set_new(o, "description", json_string(k->help));
    if (k->kind == LIST || k->kind == WORDS) {
        json_object_set_new(o, "type", json_string("array"));
        json_object_set_new(o, "minItems", json_integer((json_int_t)k->least));
        json_object_set_new(o, "maxItems", json_integer((json_int_t)k->most));
        json_object_set_new(o, "items", k->kind == LIST ? schema_of_part(k->list) : json_pack("{s:O}", "enum", words));
    } else if (k->kind == WORD) {
        json_object_set(o, "enum", words);
    } else if (k->kind == TEXT || k->kind == INSTANT) {
        json_object_set_new(o, "type", json_string("string"));
        if (k->kind == INSTANT)
            json_object_set_new(o, "format", json_string("date-time"));
    } else {
        json_object_set_new(o, "type", json_string(k->kind == NUMBER ? "number" : "integer"));
        json_object_set_new(o, "minimum", json_integer((json_int_t)k->least));
        json_object_set_new(o, "maximum", json_integer((json_int_t)k->most));
    }
    json_decref(words);
    return o;
}

static json_t *schema_of_part(enum part part)
{
    json_t *properties = json_object(), *required = json_array();
    for (const struct key *k = keys[part]; k->name; k++) {
        json_object_set_new(properties, k->name, schema_of_key(k));
        if (k->required)
            json_array_append_new(required, json_string(k->name));
    }
    return json_pack("{s:s, s:b, s:o, s:o}", "type", "object", "additionalProperties", 0, "required", required, "properties", properties);
}

void scenario_write_schema(struct buf *out)
{
    json_t *root = json_pack("{s:s, s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema", "title", "scenario of masu simulate");
    json_t *part = schema_of_part(ROOT);
    json_object_update(root, part);
    json_decref(part);
    json_write_pretty(root, out);
    buf_add_char(out, '\n');
    json_decref(root);
}
