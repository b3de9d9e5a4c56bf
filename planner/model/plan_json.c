#include "planner/model/model_json.h"

#include "base/json.h"
#include "base/parse.h"
#include "planner/model/json_fields.h"

#define ROW(member, name, what) \
    {                                \
        .key = (name), .kind = (what), .offset = offsetof(struct plan_summary, member), .flags = FIELD_ALWAYS \
    }

static const struct json_field summary_rows[] = {
    ROW(instances, "instances", FIELD_I32),         ROW(active, "active", FIELD_I32),
    ROW(draining, "draining", FIELD_I32),           ROW(coming, "coming", FIELD_I32),
    ROW(interrupted, "interrupted", FIELD_I32),     ROW(waiting_tasks, "waiting_tasks", FIELD_I32),
    ROW(capacity, "capacity", FIELD_RES),           ROW(reserved, "reserved", FIELD_RES),
    ROW(need, "need", FIELD_RES),                   ROW(hourly.micro, "hourly_usd_micro", FIELD_I64),
};
static const struct json_fields summary_fields = {summary_rows, ARRAY_LEN(summary_rows)};

static const struct {
    unsigned bit;
    const char *name;
} recheck_names[] = {
    {RECHECK_EMPTY, "empty"},
    {RECHECK_DRAINING, "draining"},
    {RECHECK_PROTECTION, "protection"},
    {RECHECK_TASKS, "tasks"},
    {RECHECK_FLEET_ACTIVE, "fleet_active"},
    {RECHECK_UNREGISTERED, "unregistered"},
    {RECHECK_ENDED, "ended"},
    {RECHECK_OWNER, "owner"},
    {RECHECK_GROUP, "group"},
    {RECHECK_RAISE, "raise"},
};

static void set_text(json_t *obj, const char *key, const char *text)
{
    if (text && *text)
        json_object_set_new(obj, key, json_text(text));
}

static void set_int(json_t *obj, const char *key, int64_t n)
{
    json_object_set_new(obj, key, json_integer(n));
}

// The one form of a reason, whole and in its two parts.
static void set_reason(json_t *obj, const char *fact, const char *verdict)
{
    _cleanup_(buf_release) struct buf b;
    buf_init(&b, 64 * 1024);
    buf_printf(&b, "%s -> %s", fact ? fact : "", verdict ? verdict : "");
    json_object_set_new(obj, "reason", json_text(buf_str(&b)));
    set_text(obj, "fact", fact);
    set_text(obj, "verdict", verdict);
}

static json_t *action_to_json(const struct action *a, const struct snapshot *s)
{
    json_t *obj = json_pack("{s:s}", "kind", action_kind_name(a->kind));
    json_object_set_new(obj, "target", json_text(a->target));
    if (a->instance >= 0 && (size_t)a->instance < s->instance_count)
        set_text(obj, "instance", s->instances[a->instance].id);
    if (a->fleet >= 0 && (size_t)a->fleet < s->fleet_count)
        set_text(obj, "fleet", s->fleets[a->fleet].id);
    if (a->kind == ACTION_SET_TARGET || a->kind == ACTION_LAUNCH) {
        set_int(obj, "capacity", a->capacity);
        if (a->on_demand > 0)
            set_int(obj, "on_demand", a->on_demand);
    }
    if (a->kind == ACTION_SET_TARGET || a->kind == ACTION_TERMINATE || a->kind == ACTION_END_MEMBER)
        set_int(obj, "before", a->target_before);
    set_text(obj, "value", a->value);
    set_text(obj, "token", a->token);
    if (a->recheck) {
        json_t *all = json_array();
        for (size_t i = 0; i < ARRAY_LEN(recheck_names); i++)
            if (a->recheck & recheck_names[i].bit)
                json_array_append_new(all, json_string(recheck_names[i].name));
        json_object_set_new(obj, "recheck", all);
    }
    json_object_set_new(obj, "after", a->after >= 0 ? json_integer(a->after) : json_null());
    if (a->after_drains)
        json_object_set_new(obj, "after_drains", json_true());
    set_reason(obj, a->fact, a->verdict);
    set_int(obj, "hourly_delta_usd_micro", a->hourly_delta.micro);
    return obj;
}

static json_t *verdict_to_json(const struct verdict *v)
{
    json_t *obj = json_pack("{s:s}", "kind", candidate_kind_name(v->kind));
    json_object_set_new(obj, "target", json_text(v->target));
    json_object_set_new(obj, "code", json_string(verdict_code_name(v->code)));
    set_reason(obj, v->fact, v->verdict);
    if (v->code == VERDICT_CAPPED) {
        set_int(obj, "wanted", v->wanted);
        set_int(obj, "allowed", v->allowed);
    }
    return obj;
}

static json_t *demand_to_json(const struct demand *d, const struct snapshot *s)
{
    json_t *obj = json_object();
    if (d->service >= 0 && (size_t)d->service < s->service_count)
        set_text(obj, "service", s->services[d->service].name);
    if (d->shape >= 0 && (size_t)d->shape < s->shape_count)
        set_text(obj, "shape", s->shapes[d->shape].name);
    set_int(obj, "missing", d->missing);
    set_int(obj, "leaving", d->leaving);
    set_int(obj, "headroom", d->headroom);
    set_int(obj, "fits", d->fits);
    set_int(obj, "waits", d->waits);
    set_int(obj, "ordered", d->ordered);
    set_int(obj, "never", d->never);
    char since[32];
    if (d->since_ms)
        set_text(obj, "since", format_iso8601(d->since_ms, true, since));
    return obj;
}

static json_t *alert_to_json(const struct alert *x)
{
    char since[32];
    json_t *obj = json_pack("{s:s, s:s}", "id", x->id, "severity", alert_severity_name(x->severity));
    json_object_set_new(obj, "target", json_text(x->target));
    set_text(obj, "since", format_iso8601(x->since_ms, true, since));
    set_text(obj, "what", x->what);
    set_text(obj, "remedy", x->remedy);
    return obj;
}

json_t *plan_to_json(const struct plan *p, const struct snapshot *s)
{
    char at[32];
    json_t *obj = json_object(), *summary = json_object();
    json_object_set_new(obj, "cluster", json_text(p->cluster));
    json_object_set_new(obj, "mode", json_text(p->mode));
    json_object_set_new(obj, "at", json_string(format_iso8601(p->now_ms, true, at)));
    json_fields_write(summary, summary_fields, &p->summary);
    json_object_set_new(obj, "summary", summary);
    json_t *actions = json_array(), *verdicts = json_array(), *demands = json_array();
    for (size_t i = 0; i < p->action_count; i++)
        json_array_append_new(actions, action_to_json(&p->actions[i], s));
    for (size_t i = 0; i < p->verdict_count; i++)
        json_array_append_new(verdicts, verdict_to_json(&p->verdicts[i]));
    for (size_t i = 0; i < p->demand_count; i++)
        json_array_append_new(demands, demand_to_json(&p->demands[i], s));
    json_object_set_new(obj, "actions", actions);
    json_object_set_new(obj, "verdicts", verdicts);
    json_object_set_new(obj, "demands", demands);
    json_t *alerts = json_array();
    for (size_t i = 0; i < p->alert_count; i++)
        json_array_append_new(alerts, alert_to_json(&p->alerts[i]));
    json_object_set_new(obj, "alerts", alerts);
    return obj;
}
