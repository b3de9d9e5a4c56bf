#include "web/jsonw.h"
#include "web/routes.h"

enum { AHEAD_STEPS = 48 };  // four hours

const struct view_cluster *web_find_cluster(const struct web_request *r, struct web_response *w)
{
    const char *region = r->query(r, "region"), *account = r->query(r, "account");
    for (size_t i = 0; i < r->view->cluster_count; i++) {
        const struct view_cluster *c = r->view->clusters[i];
        if (strcmp(c->name, r->name) == 0 && (!region || strcmp(region, c->region) == 0) &&
            (!account || strcmp(account, c->account) == 0))
            return c;
    }
    web_problem(w, 404, "no cluster %s in the policy", r->name);
    return NULL;
}

// ---- the estate -----------------------------------------------------------------------------------------------------------
static void write_daemon(struct jsonw *j, const struct web_request *r)
{
    const struct view_daemon *d = &r->view->daemon;
    const char *ready_detail;
    bool ready = web_ready(r, &ready_detail);
    jsonw_object(j, "daemon");
    jsonw_str(j, "version", d->version);
    jsonw_time(j, "started", d->started_ms);
    jsonw_bool(j, "dry_run", d->dry_run);
    jsonw_num(j, "speed", d->speed);
    jsonw_int(j, "uptime_s", (r->now_ms - d->started_ms) / 1000);
    jsonw_bool(j, "state_ok", d->state_ok);
    jsonw_str(j, "state_detail", d->state_detail);
    jsonw_bool(j, "ready", ready);
    jsonw_str(j, "ready_detail", ready_detail);
    jsonw_str(j, "shell_mode", d->shell_mode);
    jsonw_str(j, "shell_mode_reason", d->shell_mode_reason);
    web_write_alert_count(j, r, -1);
    jsonw_end(j);
}

static void write_status(struct jsonw *j, const struct web_request *r, const struct view_cluster *c)
{
    bool late = web_cluster_late(r, c);
    const char *status = c->failed ? "failed" : !c->ticked ? "starting" : late ? "late" : "ok";
    jsonw_str(j, "status", status);
    jsonw_str(j, "status_detail", c->failed ? c->error : late ? "no complete tick for more than 3 periods" : "");
}

// What its services' tasks use, of those that are measured.
static struct res used(const struct view_cluster *c)
{
    struct res sum = {{0}};
    for (size_t i = 0; i < c->service_count; i++)
        sum = res_add(sum, c->services[i].used);
    return sum;
}

static const struct view_outlook *outlook_of(const struct web_request *r, const struct view_cluster *c)
{
    size_t index = 0;
    while (r->view->clusters[index] != c)
        index++;
    return &r->view->outlooks->clusters[index];
}

// The most that the forecast's 0.9 quantile asks for in the next hours; zero where there is none.
static struct res most_ahead(const struct web_request *r, const struct view_cluster *c)
{
    const struct view_outlook *o = outlook_of(r, c);
    int64_t most[OUTLOOK_OF_COUNT] = {0}, now = outlook_step_at(o, r->now_ms);
    for (int of = 0; of < OUTLOOK_OF_COUNT; of++) {
        if (!o->of[of].known)
            return (struct res){{0}};
        for (int64_t k = now; k <= now + AHEAD_STEPS && k < OUTLOOK_STEPS; k++)
            most[of] = most[of] > o->of[of].q90[k] ? most[of] : o->of[of].q90[k];
    }
    return res_make(most[OUTLOOK_CPU_UNITS], most[OUTLOOK_MEMORY_MIB]);
}

static const char *const unticked_keys[] = {
    "tick", "at", "duration_ms", "next_tick", "instances", "capacity", "reserved", "need", "used", "need_4h_q90", "enough_until", "waiting_tasks", "waiting_since",
    "drains_in_progress", "drains_total", "cost_usd_micro_per_hour", "saved_usd_micro_per_hour", "spot_permyriad", "stale_sources",
};

static void write_figures(struct jsonw *j, const struct web_request *r, const struct view_cluster *c)
{
    const struct plan_summary *p = &c->plan->summary;
    jsonw_int(j, "tick", c->tick);
    jsonw_time(j, "at", c->at_ms);
    jsonw_int(j, "duration_ms", c->duration_ms);
    jsonw_time(j, "next_tick", c->at_ms + c->period_ms);
    jsonw_object(j, "instances");
    jsonw_int(j, "total", p->instances);
    jsonw_int(j, "active", p->active);
    jsonw_int(j, "draining", p->draining);
    jsonw_int(j, "coming", p->coming);
    jsonw_int(j, "interrupted", p->interrupted);
    jsonw_int(j, "spot", c->spot_count);
    jsonw_end(j);
    jsonw_res(j, "capacity", p->capacity);
    jsonw_res(j, "reserved", p->reserved);
    jsonw_res(j, "need", p->need);
    jsonw_res_or_null(j, "used", used(c));
    jsonw_res_or_null(j, "need_4h_q90", most_ahead(r, c));
    const int64_t capacity[OUTLOOK_OF_COUNT] = {[OUTLOOK_CPU_UNITS] = p->capacity.v[RES_CPU], [OUTLOOK_MEMORY_MIB] = p->capacity.v[RES_MEMORY]};
    jsonw_time(j, "enough_until", outlook_enough_until(outlook_of(r, c), r->now_ms, capacity));
    jsonw_int(j, "waiting_tasks", p->waiting_tasks);
    jsonw_time(j, "waiting_since", p->waiting_tasks ? c->waiting_since_ms : 0);
    jsonw_int(j, "drains_in_progress", c->drain_count);
    jsonw_object(j, "drains_total");
    jsonw_int(j, "begun", c->memo->drains_begun);
    jsonw_int(j, "finished", c->memo->drains_finished);
    jsonw_int(j, "undone", c->memo->drains_undone);
    jsonw_end(j);
    jsonw_int(j, "cost_usd_micro_per_hour", p->hourly.micro);
    if (c->saved_usd_micro < 0)
        jsonw_null(j, "saved_usd_micro_per_hour");
    else
        jsonw_int(j, "saved_usd_micro_per_hour", c->saved_usd_micro);
    jsonw_int(j, "spot_permyriad", p->instances ? c->spot_count * 10000 / p->instances : 0);
    jsonw_int(j, "stale_sources", c->stale_sources);
}

static void write_summary(struct jsonw *j, const struct web_request *r, const struct view_cluster *c)
{
    jsonw_str(j, "name", c->name);
    jsonw_str(j, "account", c->account);
    jsonw_str(j, "region", c->region);
    write_status(j, r, c);
    jsonw_str(j, "mode", c->mode);
    jsonw_bool(j, "dry_run", c->dry_run);
    jsonw_str(j, "policy_hash", c->policy_hash);
    jsonw_int(j, "period_ms", c->period_ms);
    web_write_notes(j, r, c);
    if (c->ticked)
        write_figures(j, r, c);
    else
        for (size_t i = 0; i < ARRAY_LEN(unticked_keys); i++)
            jsonw_null(j, unticked_keys[i]);
}

void web_clusters(struct web_request *r, struct web_response *w)
{
    struct jsonw j;
    web_json_begin(r, w, &j);
    write_daemon(&j, r);
    jsonw_array(&j, "clusters");
    for (size_t i = 0; i < r->view->cluster_count; i++) {
        jsonw_object(&j, NULL);
        write_summary(&j, r, r->view->clusters[i]);
        jsonw_end(&j);
    }
    jsonw_end(&j);
    jsonw_end(&j);
    w->etag_skip = 0;  // `now` gives the ages their meaning: each answer is new
}

// ---- one cluster ----------------------------------------------------------------------------------------------------------
static const char *const source_states[] = {[SOURCE_UNKNOWN] = "unknown", [SOURCE_PARTIAL] = "partial", [SOURCE_OK] = "ok"};

static void write_source(struct jsonw *j, const struct web_request *r, const char *kind, const struct source *s, bool stale)
{
    jsonw_object(j, NULL);
    jsonw_str(j, "kind", kind);
    jsonw_str(j, "state", source_states[s->state]);
    jsonw_bool(j, "stale", stale);
    jsonw_time(j, "read", s->read_ms);
    if (s->read_ms)
        jsonw_int(j, "age_ms", r->now_ms - s->read_ms);
    else
        jsonw_null(j, "age_ms");
    jsonw_str(j, "detail", s->detail);
    jsonw_end(j);
}

static void write_sources(struct jsonw *j, const struct web_request *r, const struct view_cluster *c)
{
    jsonw_array(j, "sources");
    for (int i = 0; c->ticked && i < SOURCE_COUNT; i++)
        write_source(j, r, source_kind_name((enum source_kind)i), &c->snapshot->sources[i], c->source_stale[i]);
    if (c->ticked && c->snapshot->usage.detail && (c->snapshot->usage.read_ms > 0 || c->snapshot->usage.detail[0]))
        write_source(j, r, "usage", &c->snapshot->usage, c->snapshot->usage.state != SOURCE_OK);
    if (c->ticked && c->snapshot->requests.detail && (c->snapshot->requests.read_ms > 0 || c->snapshot->requests.detail[0]))
        write_source(j, r, "requests", &c->snapshot->requests, c->snapshot->requests.state != SOURCE_OK);
    jsonw_end(j);
}

// Without an owner it is ours to claim.
static bool is_ours(const struct view_cluster *c, const struct fleet *f)
{
    return !f->foreign_scaling && (!f->owner || !*f->owner || !c->snapshot->owner || strcmp(f->owner, c->snapshot->owner) == 0);
}

static void write_fleets(struct jsonw *j, const struct view_cluster *c)
{
    jsonw_array(j, "fleets");
    for (size_t i = 0; c->ticked && i < c->snapshot->fleet_count; i++) {
        const struct fleet *f = &c->snapshot->fleets[i];
        jsonw_object(j, NULL);
        jsonw_str(j, "id", f->id);
        jsonw_str(j, "name", fleet_name(f));
        jsonw_str(j, "role", policy_fleet_role_name(c->bounds[i].role));
        jsonw_str(j, "kind", fleet_kind_name(f->kind));
        jsonw_str(j, "state", f->found ? fleet_state_name(f->state) : "not found");
        jsonw_str(j, "activity", f->activity);
        jsonw_int(j, "target", f->target);
        jsonw_int(j, "on_demand_target", f->on_demand_target);
        jsonw_int(j, "fulfilled_milli", f->fulfilled_milli);
        jsonw_int(j, "min", c->bounds[i].min);
        jsonw_int(j, "max", c->bounds[i].max);
        jsonw_int(j, "instances", c->fleet_instances[i]);
        jsonw_bool(j, "foreign_scaling", f->foreign_scaling);
        jsonw_str(j, "foreign", f->foreign ? f->foreign : "");
        jsonw_str(j, "owner", f->owner ? f->owner : "");
        jsonw_bool(j, "ours", is_ours(c, f));
        jsonw_str(j, "denied", f->denied ? f->denied : "");
        jsonw_str(j, "control", f->control ? f->control : "");
        jsonw_end(j);
    }
    jsonw_end(j);
}

static void write_service(struct jsonw *j, const struct snapshot *s, const struct view_service *v)
{
    const struct service *x = &s->services[v->index];
    const struct deployment *primary = x->primary >= 0 ? &x->deployments[x->primary] : NULL;
    bool shaped = primary && primary->shape >= 0;
    jsonw_object(j, NULL);
    jsonw_str(j, "name", x->name);
    jsonw_str(j, "kind", x->kind == SERVICE_DAEMON ? "daemon" : "replica");
    jsonw_int(j, "desired", x->desired);
    jsonw_int(j, "running", x->running);
    jsonw_int(j, "pending", x->pending);
    jsonw_int(j, "waiting", v->waiting);
    jsonw_time(j, "waiting_since", v->waiting_since_ms);
    jsonw_str(j, "shape", shaped ? s->shapes[primary->shape].name : NULL);
    jsonw_int_or_null(j, "task_cpu_units", v->task.v[RES_CPU]);
    jsonw_int_or_null(j, "task_memory_mib", v->task.v[RES_MEMORY]);
    jsonw_res(j, "reserved", v->reserved);
    jsonw_int(j, "instances", v->instances);
    jsonw_bool(j, "deploying", primary && primary->in_progress);
    jsonw_bool(j, "crash_looping", x->crash_looping);
    jsonw_str(j, "last_event", x->last_event);
    jsonw_end(j);
}

static const char *const progress_kinds[] = {
    [PROGRESS_NOTICE] = "notice", [PROGRESS_DRAIN] = "drain", [PROGRESS_LAUNCH] = "launch"};

static void write_progress(struct jsonw *j, const struct view_progress *p)
{
    jsonw_object(j, NULL);
    jsonw_str(j, "kind", progress_kinds[p->kind]);
    jsonw_str(j, "instance", p->instance);
    jsonw_str(j, "fleet", p->fleet);
    jsonw_str(j, "type", p->type);
    jsonw_str(j, "zone", p->zone);
    jsonw_int(j, "weight_milli", p->weight_milli);
    jsonw_str(j, "state", p->state);
    jsonw_array(j, "steps");
    for (int i = 0; i < p->step_count; i++)
        jsonw_str(j, NULL, p->steps[i]);
    jsonw_end(j);
    jsonw_int(j, "step", p->step);
    jsonw_time(j, "since", p->since_ms);
    jsonw_time(j, "state_since", p->state_since_ms);
    jsonw_time(j, "deadline", p->deadline_ms);
    jsonw_int(j, "tasks_left", p->tasks_left);
    jsonw_bool(j, "held", p->held);
    if (p->held) {
        jsonw_object(j, "holder");
        jsonw_str(j, "service", p->holder_service);
        jsonw_str(j, "task", p->holder_task);
        jsonw_str(j, "why", p->holder_why);
        jsonw_end(j);
    } else {
        jsonw_null(j, "holder");
    }
    jsonw_str(j, "reason", p->reason);
    jsonw_end(j);
}

static void write_act(struct jsonw *j, const struct view_act *a)
{
    jsonw_object(j, NULL);
    jsonw_str(j, "kind", action_kind_name(a->kind));
    jsonw_str(j, "target", a->target);
    jsonw_str(j, "fact", a->fact);
    jsonw_str(j, "verdict", a->verdict);
    if (a->kind == ACTION_SET_TARGET) {
        jsonw_int(j, "capacity", a->capacity);
        jsonw_int(j, "capacity_before", a->capacity_before);
    } else {
        jsonw_null(j, "capacity");
        jsonw_null(j, "capacity_before");
    }
    jsonw_int(j, "hourly_delta_usd_micro", a->hourly_delta_usd_micro);
    jsonw_str(j, "outcome", a->outcome == VIEW_UNKNOWN ? NULL : view_outcome_name(a->outcome));
    jsonw_str(j, "outcome_detail", a->outcome_detail);
    jsonw_end(j);
}

static void write_decisions(struct jsonw *j, const struct view_cluster *c)
{
    jsonw_array(j, "decisions");
    for (size_t i = 0; i < c->decision_count; i++) {
        const struct view_decision *d = &c->decisions[i];
        jsonw_object(j, NULL);
        jsonw_int(j, "tick", d->tick);
        jsonw_time(j, "at", d->at_ms);
        jsonw_str(j, "error", d->error);
        jsonw_bool(j, "dry_run", d->dry_run);
        jsonw_array(j, "acts");
        for (size_t k = 0; k < d->act_count; k++)
            write_act(j, &d->acts[k]);
        jsonw_end(j);
        jsonw_end(j);
    }
    jsonw_end(j);
}

static void write_verdicts(struct jsonw *j, const struct view_cluster *c)
{
    jsonw_array(j, "verdicts");
    for (size_t i = 0; c->ticked && i < c->plan->verdict_count; i++) {
        const struct verdict *v = &c->plan->verdicts[i];
        jsonw_object(j, NULL);
        jsonw_str(j, "kind", candidate_kind_name(v->kind));
        jsonw_str(j, "code", verdict_code_name(v->code));
        jsonw_str(j, "target", v->target);
        jsonw_str(j, "fact", v->fact);
        jsonw_str(j, "verdict", v->verdict);
        if (v->code == VERDICT_CAPPED) {
            jsonw_int(j, "wanted", v->wanted);
            jsonw_int(j, "allowed", v->allowed);
        } else {
            jsonw_null(j, "wanted");
            jsonw_null(j, "allowed");
        }
        jsonw_end(j);
    }
    jsonw_end(j);
}

static void write_demands(struct jsonw *j, const struct view_cluster *c)
{
    jsonw_array(j, "demands");
    for (size_t i = 0; c->ticked && i < c->plan->demand_count; i++) {
        const struct demand *d = &c->plan->demands[i];
        jsonw_object(j, NULL);
        jsonw_str(j, "service", d->service >= 0 ? c->snapshot->services[d->service].name : "");
        jsonw_str(j, "shape", d->shape >= 0 ? c->snapshot->shapes[d->shape].name : "");
        jsonw_int(j, "missing", d->missing);
        jsonw_int(j, "leaving", d->leaving);
        jsonw_int(j, "headroom", d->headroom);
        jsonw_int(j, "fits", d->fits);
        jsonw_int(j, "waits", d->waits);
        jsonw_int(j, "ordered", d->ordered);
        jsonw_int(j, "never", d->never);
        jsonw_time(j, "since", d->since_ms);
        jsonw_end(j);
    }
    jsonw_end(j);
}

void web_cluster(struct web_request *r, struct web_response *w)
{
    const struct view_cluster *c = web_find_cluster(r, w);
    if (!c)
        return;
    struct jsonw j;
    web_json_begin(r, w, &j);
    jsonw_object(&j, "cluster");
    write_summary(&j, r, c);
    write_sources(&j, r, c);
    write_fleets(&j, c);
    jsonw_array(&j, "services");
    for (size_t i = 0; i < c->service_count; i++)
        write_service(&j, c->snapshot, &c->services[i]);
    jsonw_end(&j);
    jsonw_array(&j, "in_progress");
    for (size_t i = 0; i < c->progress_count; i++)
        write_progress(&j, &c->progress[i]);
    jsonw_end(&j);
    web_write_alerts(&j, r, c);
    write_decisions(&j, c);
    write_verdicts(&j, c);
    write_demands(&j, c);
    jsonw_end(&j);
    jsonw_end(&j);
    w->etag_skip = 0;  // as the list
}
