#include "scaler/replay.h"

#include "base/check.h"
#include "base/json.h"
#include "planner/model/model_json.h"
#include "planner/planner.h"

enum { TEXT_MAX_BYTES = 128 << 20, PATH_MAX_BYTES = 1024, VALUE_COLUMNS = 160, REPORT_MAX_BYTES = 1 << 20 };

static const char *const outcome_names[REPLAY_OUTCOMES] = {"identical", "different", "unreadable", "no_plan"};

const char *replay_outcome_name(enum replay_outcome o)
{
    return outcome_names[o];
}

// ---- the first difference -------------------------------------------------------------------------------------------------

struct difference {
    struct buf path;
    const json_t *a, *b;  // NULL: not there
};

static bool differs(struct difference *d, const json_t *a, const json_t *b);

static bool differs_below(struct difference *d, const char *key, size_t index, const json_t *a, const json_t *b)
{
    size_t len = d->path.len;
    if (key)
        buf_printf(&d->path, "%s%s", len ? "." : "", key);
    else
        buf_printf(&d->path, "[%zu]", index);
    if (differs(d, a, b))
        return true;
    d->path.len = len;
    return false;
}

static bool objects_differ(struct difference *d, const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)a, key, value) {
        if (differs_below(d, key, 0, value, json_object_get(b, key)))
            return true;
    }
    json_object_foreach((json_t *)(uintptr_t)b, key, value) {
        if (json_object_get(a, key) == NULL && differs_below(d, key, 0, NULL, value))
            return true;
    }
    return false;
}

static bool arrays_differ(struct difference *d, const json_t *a, const json_t *b)
{
    size_t count = json_array_size(a) > json_array_size(b) ? json_array_size(a) : json_array_size(b);
    for (size_t i = 0; i < count; i++)
        if (differs_below(d, NULL, i, json_array_get(a, i), json_array_get(b, i)))
            return true;
    return false;
}

static bool differs(struct difference *d, const json_t *a, const json_t *b)
{
    if (a && b && json_is_object(a) && json_is_object(b))
        return objects_differ(d, a, b);
    if (a && b && json_is_array(a) && json_is_array(b))
        return arrays_differ(d, a, b);
    if (a && b && json_equal(a, b))
        return false;
    d->a = a;
    d->b = b;
    return true;
}

static const char *value_text(struct arena *a, const json_t *v)
{
    char *text = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    const char *copy = text == NULL                     ? ""
                       : strlen(text) <= VALUE_COLUMNS ? arena_strdup(a, text)
                                                        : arena_printf(a, "%.*s…", VALUE_COLUMNS, text);
    free(text);
    return copy;
}

// Texts differ; where their values are equal all the same, the order of keys is what changed.
static void tell_difference(struct replay *r, const char *part, const json_t *journal, const json_t *now, struct arena *a)
{
    struct difference d = {0};
    buf_init(&d.path, PATH_MAX_BYTES);
    *r = (struct replay){.outcome = REPLAY_DIFFERENT, .part = part, .journal = "", .now = "", .why = "", .cause = ""};
    if (differs(&d, journal, now)) {
        r->path = arena_strdup(a, buf_str(&d.path));
        r->journal = value_text(a, d.a);
        r->now = value_text(a, d.b);
    } else {
        r->path = "(the order or form of the text)";
    }
    buf_release(&d.path);
}

// Consumes now.
static bool compare(struct replay *r, const char *part, struct slice journal, json_t *now, struct arena *a)
{
    struct buf text;
    struct err err = {0};
    json_t *then = NULL;
    buf_init(&text, TEXT_MAX_BYTES);
    json_write(now, &text);
    bool same = slice_eq(journal, buf_slice(&text));
    if (!same && json_parse(journal, part, &then, &err) == 0)
        tell_difference(r, part, then, now, a);
    else if (!same)
        *r = (struct replay){.outcome = REPLAY_UNREADABLE, .why = arena_strdup(a, err.msg)};
    json_decref(then);
    json_decref(now);
    buf_release(&text);
    return same;
}

// ---- the input ------------------------------------------------------------------------------------------------------------

int replay_read_snapshot(const struct state_tick_whole *t, struct arena *a, struct snapshot *ret, struct err *err)
{
    json_t *j = NULL;
    int rc = json_parse(t->snapshot_json, "snapshot", &j, err);
    if (rc == 0)
        rc = snapshot_from_json(j, a, ret, err);
    json_decref(j);
    return rc;
}

static int read_memo(struct slice text, struct arena *a, struct memo *ret, struct err *err)
{
    json_t *j = NULL;
    int rc = json_parse(text, "memo before", &j, err);
    if (rc == 0)
        rc = memo_from_json(j, a, ret, err);
    json_decref(j);
    return rc;
}

static int read_policy(struct state_reader *r, const char *hash, struct arena *a, struct policy *ret, struct err *err)
{
    struct slice text = {0};
    struct buf report;
    char again[17];
    int rc = state_query_policy(r, hash, a, &text, err);
    if (rc)
        return rc;
    state_policy_hash(text, again);
    if (strcmp(again, hash) != 0)
        return err_set(err, ERR_CORRUPT, "policy %s: its text was changed", hash);
    buf_init(&report, REPORT_MAX_BYTES);
    rc = policy_load_text(text, "policy of the journal", a, ret, &report, err);
    buf_release(&report);
    return rc;
}

int replay_read(struct state_reader *r, const struct state_tick_whole *t, struct arena *a, struct replay_input *in, struct err *err)
{
    int rc = replay_read_snapshot(t, a, &in->snapshot, err);
    if (rc == 0 && t->memo_before_json.len)
        rc = read_memo(t->memo_before_json, a, &in->memo, err);
    return rc ? rc : read_policy(r, t->tick.planned_policy, a, &in->policy, err);
}

static const char *no_plan(const struct state_tick *t, struct arena *a)
{
    if (!t->recorded)
        return "the daemon ended in this tick";
    if (!t->planned)
        return arena_printf(a, "nothing was planned: %s", t->error);
    return t->has_body && t->planned_policy[0] ? NULL : "an earlier version of masu kept no facts of it";
}

static const char *cause_of(const struct state_tick *t, struct arena *a)
{
    if (strcmp(t->masu, MASU_VERSION) != 0)
        return arena_printf(a, "planned by masu %s, this is masu %s -> another version may plan otherwise", t->masu, MASU_VERSION);
    return "planned by this version of masu -> what the journal holds was changed, or this is another build";
}

void replay_tick(struct state_reader *r, const struct state_tick_whole *t, struct arena *a, struct replay *ret)
{
    struct err err = {0};
    struct replay_input *in = arena_new(a, struct replay_input);
    struct planner_result *now = arena_new(a, struct planner_result);
    const char *why = no_plan(&t->tick, a);
    *ret = (struct replay){.outcome = REPLAY_IDENTICAL, .part = "", .path = "", .journal = "", .now = "", .why = "", .cause = ""};
    if (why) {
        ret->outcome = REPLAY_NO_PLAN;
        ret->why = why;
        return;
    }
    int rc = replay_read(r, t, a, in, &err);
    if (rc == 0) {
        const struct planner_input input = {.snapshot = &in->snapshot, .memo = t->memo_before_json.len ? &in->memo : NULL,
                                            .policy = &in->policy.clusters[0]};
        rc = planner_run(&input, a, now, &err);
    }
    if (rc) {
        ret->outcome = REPLAY_UNREADABLE;
        ret->why = arena_strdup(a, err.msg);
        ret->cause = strcmp(t->tick.masu, MASU_VERSION) != 0 ? cause_of(&t->tick, a) : "";
        return;
    }
    if (compare(ret, "plan", t->plan_json, plan_to_json(&now->plan, &in->snapshot), a))
        compare(ret, "memo", t->memo_json, memo_to_json(&now->memo), a);
    if (ret->outcome == REPLAY_DIFFERENT)
        ret->cause = cause_of(&t->tick, a);
}
