#include "state/explain.h"

#include "base/json.h"
#include "base/parse.h"
#include "state/explain_candidate.h"

static void set(json_t *obj, const char *key, json_t *value)
{
    json_object_set_new(obj, key, value);
}

static void set_time(json_t *obj, const char *key, int64_t wall_ms)
{
    char text[32];
    set(obj, key, wall_ms ? json_string(format_iso8601(wall_ms, true, text)) : json_null());
}

static int parse_part(struct slice text, const char *what, json_t **ret, struct err *err)
{
    return text.len ? json_parse(text, what, ret, err) : 0;
}

// ---- facts ----------------------------------------------------------------------------------------------------------------
static int64_t count_tasks(const json_t *instances)
{
    int64_t sum = 0;
    size_t i, k;
    json_t *instance, *tasks;
    json_array_foreach(instances, i, instance) {
        json_array_foreach(json_object_get(instance, "tasks"), k, tasks)
            sum += json_int(tasks, "running", 0) + json_int(tasks, "pending", 0);
    }
    return sum;
}

static json_t *explain_sources(const json_t *snapshot, int64_t at_ms)
{
    json_t *all = json_array(), *source;
    const char *name;
    json_object_foreach(json_object_get(snapshot, "sources"), name, source) {
        json_t *row = json_pack("{s:s}", "source", name);
        const char *read_at = json_str(source, "read_at");
        int64_t read_ms = 0;
        set(row, "state", json_text(json_str(source, "state")));
        bool known = read_at && parse_iso8601_ms(slice_of(read_at), &read_ms) && read_ms > 0;
        set(row, "age_ms", known ? json_integer(at_ms - read_ms) : json_null());
        set(row, "detail", json_text(json_str(source, "detail")));
        json_array_append_new(all, row);
    }
    return all;
}

static json_t *explain_facts(const json_t *snapshot, int64_t at_ms)
{
    if (!snapshot)
        return json_null();
    json_t *facts = json_object();
    set(facts, "instances", json_integer((json_int_t)json_array_size(json_object_get(snapshot, "instances"))));
    set(facts, "services", json_integer((json_int_t)json_array_size(json_object_get(snapshot, "services"))));
    set(facts, "tasks", json_integer(count_tasks(json_object_get(snapshot, "instances"))));
    set(facts, "fleets", json_integer((json_int_t)json_array_size(json_object_get(snapshot, "fleets"))));
    set(facts, "sources", explain_sources(snapshot, at_ms));
    return facts;
}

// ---- actions --------------------------------------------------------------------------------------------------------------
static const struct state_act *act_of(const struct state_tick *t, size_t action)
{
    for (size_t i = 0; i < t->act_count; i++)
        if (t->acts[i].action == (int)action)
            return &t->acts[i];
    return NULL;
}

// An action without an intent was not begun: the one before it did not happen, or the journal could not be written.
static void add_outcome(json_t *action, const struct state_tick *t, const struct state_act *act)
{
    bool over = t->recorded;
    set(action, "outcome", act && act->finished ? json_text(act->outcome) : !act && over ? json_string("skipped") : json_null());
    set(action, "outcome_detail",
        act && act->finished ? json_text(act->message)
        : act                ? json_string("its answer is not known yet")
        : over               ? json_string("not begun: an action before it did not happen, or its intent could not be stored")
                             : json_string("not reached: the daemon ended before"));
    set_time(action, "began", act ? act->created_ms : 0);
    set_time(action, "finished", act && act->finished ? act->finished_ms : 0);
}

static json_t *explain_actions(const json_t *plan, const struct state_tick *t)
{
    json_t *all = json_array(), *action;
    size_t i;
    json_array_foreach(json_object_get(plan, "actions"), i, action) {
        json_t *row = json_copy(action);
        add_outcome(row, t, act_of(t, i));
        json_array_append_new(all, row);
    }
    for (i = 0; !plan && i < t->act_count; i++) {  // a tick cut short: what its intents tell
        const struct state_act *act = &t->acts[i];
        json_t *row = json_object();
        set(row, "kind", json_text(act->kind));
        set(row, "target", json_text(act->target));
        set(row, "reason", json_sprintf("%s -> %s", act->fact, act->verdict));
        set(row, "fact", json_text(act->fact));
        set(row, "verdict", json_text(act->verdict));
        add_outcome(row, t, act);
        json_array_append_new(all, row);
    }
    return all;
}

static json_t *explain_capped(const json_t *plan)
{
    json_t *all = json_array(), *verdict;
    size_t i;
    json_array_foreach(json_object_get(plan, "verdicts"), i, verdict) {
        const char *code = json_str(verdict, "code");
        if (code && strcmp(code, "capped") == 0)
            json_array_append(all, verdict);
    }
    return all;
}

// ---- the tick -------------------------------------------------------------------------------------------------------------
static json_t *member(const json_t *obj, const char *key, bool array)
{
    json_t *value = json_object_get(obj, key);
    return value ? json_incref(value) : array ? json_array() : json_null();
}

static json_t *explain_tick(const struct state_tick *t, const struct explain_parts *p)
{
    json_t *doc = json_object();
    set(doc, "tick", json_integer(t->id));
    set(doc, "cluster", json_text(t->cluster_name));
    set(doc, "account", json_text(t->account));
    set(doc, "region", json_text(t->region));
    set_time(doc, "at", t->at_ms);
    set(doc, "duration_ms", json_integer(t->duration_ms));
    const char *mode = json_str(p->plan, "mode");  // what the planner made of it
    set(doc, "mode", json_text(mode ? mode : t->mode));
    set(doc, "dry_run", json_boolean(t->dry_run));
    set(doc, "recorded", json_boolean(t->recorded));
    set(doc, "error", json_text(t->error));
    set(doc, "masu", json_text(t->masu));
    set(doc, "policy_hash", json_text(t->policy_hash));
    set(doc, "planned_policy", json_text(t->planned_policy));
    set(doc, "facts", explain_facts(p->snapshot, t->at_ms));
    set(doc, "summary", member(p->plan, "summary", false));
    set(doc, "actions", explain_actions(p->plan, t));
    set(doc, "capped", explain_capped(p->plan));
    set(doc, "verdicts", member(p->plan, "verdicts", true));
    set(doc, "demands", member(p->plan, "demands", true));
    set(doc, "drains", member(p->memo, "drains", true));
    return doc;
}

// Which tick is meant, and where it is not, why.
static int find_tick(struct state_reader *r, const struct state_question *q, int64_t *ret, struct err *err)
{
    struct state_span span;
    int rc = state_query_span(r, q->cluster, &span, err);
    if (rc)
        return rc;
    char at[32];
    if (span.last == 0)
        return err_set(err, ERR_NOT_FOUND, "the journal has no tick%s yet", q->cluster ? " of this cluster" : "");
    if (q->tick == 0 || (q->tick >= span.first && q->tick <= span.last)) {
        *ret = q->tick ? q->tick : span.last;
        return 0;
    }
    if (q->tick > span.last)
        return err_set(err, ERR_NOT_FOUND, "there is no tick %lld yet; the newest%s is %lld at %s", (long long)q->tick,
                       q->cluster ? " of this cluster" : "", (long long)span.last, format_iso8601(span.last_ms, false, at));
    return err_set(err, ERR_NOT_FOUND, "tick %lld is not kept any more; the oldest%s is %lld at %s", (long long)q->tick,
                   q->cluster ? " of this cluster" : "", (long long)span.first, format_iso8601(span.first_ms, false, at));
}

static int parse_parts(const struct state_tick_whole *t, struct explain_parts *p, struct err *err)
{
    int rc = parse_part(t->snapshot_json, "snapshot", &p->snapshot, err);
    if (rc == 0)
        rc = parse_part(t->plan_json, "plan", &p->plan, err);
    return rc ? rc : parse_part(t->memo_json, "memo", &p->memo, err);
}

int state_explain(struct state_reader *r, const struct state_question *q, struct arena *a, json_t **ret, struct err *err)
{
    int64_t tick = 0;
    struct state_tick_whole t;
    struct explain_parts p = {0};
    json_t *doc = NULL, *candidate = NULL;
    int rc = find_tick(r, q, &tick, err);
    if (rc == 0)
        rc = state_query_tick(r, tick, a, &t, err);
    if (rc == 0 && q->cluster && t.tick.cluster != q->cluster)
        rc = err_set(err, ERR_NOT_FOUND, "tick %lld is of cluster %s", (long long)tick, t.tick.cluster_name);
    if (rc == 0)
        rc = parse_parts(&t, &p, err);
    if (rc == 0)
        doc = explain_tick(&t.tick, &p);
    if (rc == 0 && q->candidate)
        rc = explain_candidate(r, &t.tick, &p, q->candidate, json_object_get(doc, "actions"), a, &candidate, err);
    if (candidate)
        set(doc, "candidate", candidate);
    json_decref(p.snapshot);
    json_decref(p.plan);
    json_decref(p.memo);
    if (rc == 0)
        *ret = doc;
    else
        json_decref(doc);
    return rc;
}
