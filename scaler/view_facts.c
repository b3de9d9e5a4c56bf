#include "scaler/view_facts.h"

#include <string.h>

#define NOTICE_MS 120000

static const char *const drain_steps[] = {"chosen", "draining", "empty", "lowered", "ending", "gone"};
static const char *const undo_steps[] = {"chosen", "draining", "undoing", "active"};
static const char *const notice_steps[] = {"notice", "draining", "empty", "ended"};
static const char *const launch_steps[] = {"ordered", "pending", "booting", "registered"};

static bool drain_in_progress(const struct memo_drain *d)
{
    return d->state != DRAIN_GONE && d->state != DRAIN_UNDONE;
}

static int by_id(const void *key, const void *element)
{
    return strcmp(key, ((const struct instance *)element)->id);
}

static int find_instance(const struct snapshot *s, const char *id)
{
    if (s->instance_count == 0)
        return -1;
    const struct instance *i = bsearch(id, s->instances, s->instance_count, sizeof(*s->instances), by_id);
    return i ? (int)(i - s->instances) : -1;
}

static const struct instance_type *find_type(const struct snapshot *s, const char *name)
{
    for (size_t i = 0; i < s->type_count; i++)
        if (strcmp(s->types[i].name, name) == 0)
            return &s->types[i];
    return NULL;
}

// ---- what leaves and what holds it ----------------------------------------------------------------------------------------
static bool is_daemon(const struct snapshot *s, const struct holding *h)
{
    return h->service >= 0 && s->services[h->service].kind == SERVICE_DAEMON;
}

static int32_t tasks_left(const struct snapshot *s, const struct instance *i)
{
    int32_t n = 0;
    for (size_t k = 0; k < i->holding_count; k++)
        if (!is_daemon(s, &i->holdings[k]))
            n += i->holdings[k].running + i->holdings[k].pending + i->holdings[k].stopping;
    return n;
}

// What moves last: a protected task, then a standalone one, then any that runs, then one that is stopping.
static int hold_rank(const struct holding *h)
{
    if (h->protected_ > 0)
        return 3;
    if (h->service < 0 && h->running + h->pending > 0)
        return 2;
    return h->running + h->pending > 0 ? 1 : 0;
}

static const char *const hold_whys[] = {"stopping", "running", "standalone task", "protected"};

static void find_holder(const struct snapshot *s, const struct instance *i, struct view_progress *p)
{
    const struct holding *worst = NULL;
    for (size_t k = 0; k < i->holding_count; k++) {
        const struct holding *h = &i->holdings[k];
        if (!is_daemon(s, h) && h->running + h->pending + h->stopping > 0 && (!worst || hold_rank(h) > hold_rank(worst)))
            worst = h;
    }
    if (!worst)
        return;
    bool overdue = p->deadline_ms && s->now_ms > p->deadline_ms;
    p->held = hold_rank(worst) >= 2 || overdue;
    if (!p->held)
        return;
    p->holder_service = worst->service >= 0 ? s->services[worst->service].name : "";
    p->holder_task = worst->example_task;
    p->holder_why = hold_whys[hold_rank(worst)];
}

// ---- in progress ----------------------------------------------------------------------------------------------------------
static void set_instance(const struct view_cluster *c, int index, struct view_progress *p)
{
    const struct instance *i = &c->snapshot->instances[index];
    p->instance = i->id;
    p->fleet = i->fleet >= 0 ? c->snapshot->fleets[i->fleet].id : "";
    p->type = i->type;
    p->zone = i->zone;
    p->weight_milli = i->weight_milli;
    p->tasks_left = tasks_left(c->snapshot, i);
}

static struct view_progress empty_progress(enum view_progress_kind kind)
{
    return (struct view_progress){
        .kind = kind, .instance = "", .fleet = "", .type = "", .zone = "", .state = "",
        .holder_service = "", .holder_task = "", .holder_why = "", .reason = "",
    };
}

static void set_track(struct view_progress *p, const char *const *steps, int count, int step)
{
    p->steps = steps;
    p->step_count = count;
    p->step = step;
    p->state = steps[step];
}

static struct view_progress drain_progress(const struct view_cluster *c, const struct memo_drain *d)
{
    struct view_progress p = empty_progress(PROGRESS_DRAIN);
    int index = find_instance(c->snapshot, d->instance);
    p.instance = d->instance;
    p.since_ms = d->since_ms;
    p.state_since_ms = d->state_since_ms;
    p.deadline_ms = d->deadline_ms;
    p.reason = d->reason;
    if (d->state == DRAIN_UNDOING)
        set_track(&p, undo_steps, (int)ARRAY_LEN(undo_steps), 2);
    else
        set_track(&p, drain_steps, (int)ARRAY_LEN(drain_steps), (int)d->state);
    if (index < 0)
        return p;
    set_instance(c, index, &p);
    if (d->state == DRAIN_CHOSEN || d->state == DRAIN_DRAINING)
        find_holder(c->snapshot, &c->snapshot->instances[index], &p);
    return p;
}

static struct view_progress notice_progress(const struct view_cluster *c, int index)
{
    const struct instance *i = &c->snapshot->instances[index];
    struct view_progress p = empty_progress(PROGRESS_NOTICE);
    set_instance(c, index, &p);
    p.since_ms = p.state_since_ms = i->notice_ms;
    p.deadline_ms = i->notice_ms + NOTICE_MS;
    int step = i->ecs != ECS_DRAINING ? 0 : p.tasks_left > 0 || !i->tasks_known ? 1 : 2;
    set_track(&p, notice_steps, (int)ARRAY_LEN(notice_steps), step);
    if (c->instance_verdict[index])
        p.reason = arena_printf((struct arena *)&c->arena, "%s -> %s", c->instance_verdict[index]->fact,
                                c->instance_verdict[index]->verdict);
    return p;
}

static struct view_progress launch_progress(const struct view_cluster *c, int index)
{
    const struct instance *i = &c->snapshot->instances[index];
    struct view_progress p = empty_progress(PROGRESS_LAUNCH);
    set_instance(c, index, &p);
    p.since_ms = p.state_since_ms = i->launched_ms;
    set_track(&p, launch_steps, (int)ARRAY_LEN(launch_steps), i->ec2 == EC2_PENDING ? 1 : 2);
    return p;
}

static struct view_progress order_progress(const struct view_cluster *c, size_t fleet)
{
    const struct fleet *f = &c->snapshot->fleets[fleet];
    struct view_progress p = empty_progress(PROGRESS_LAUNCH);
    p.fleet = f->id;
    p.weight_milli = f->target * 1000 - f->fulfilled_milli;
    for (size_t i = 0; i < c->memo->target_count; i++)
        if (strcmp(c->memo->targets[i].fleet, f->id) == 0)
            p.since_ms = p.state_since_ms = c->memo->targets[i].sent_ms;
    set_track(&p, launch_steps, (int)ARRAY_LEN(launch_steps), 0);
    return p;
}

static int progress_rank(const struct view_progress *p)
{
    switch (p->kind) {
    case PROGRESS_NOTICE:
        return 0;
    case PROGRESS_DRAIN:
        return p->held ? 1 : 2;
    case PROGRESS_LAUNCH:
        return 3;
    }
    return 4;
}

static int worst_first(const void *a, const void *b)
{
    const struct view_progress *x = a, *y = b;
    if (progress_rank(x) != progress_rank(y))
        return progress_rank(x) - progress_rank(y);
    if (x->since_ms != y->since_ms)
        return x->since_ms < y->since_ms ? -1 : 1;
    return strcmp(x->instance, y->instance);
}

static void fill_progress(struct view_cluster *c)
{
    const struct snapshot *s = c->snapshot;
    c->progress = arena_array(&c->arena, struct view_progress, c->memo->drain_count + 2 * s->instance_count + s->fleet_count);
    for (size_t i = 0; i < c->memo->drain_count; i++)
        if (drain_in_progress(&c->memo->drains[i])) {
            c->progress[c->progress_count++] = drain_progress(c, &c->memo->drains[i]);
            c->drain_count++;
        }
    for (size_t i = 0; i < s->instance_count; i++) {
        const struct instance *x = &s->instances[i];
        bool alive = x->ec2 == EC2_PENDING || x->ec2 == EC2_RUNNING || x->ec2 == EC2_UNKNOWN;
        if (x->notice_ms && alive)
            c->progress[c->progress_count++] = notice_progress(c, (int)i);
        else if (x->fleet >= 0 && alive && (x->ecs == ECS_UNREGISTERED || x->ecs == ECS_REGISTERING))
            c->progress[c->progress_count++] = launch_progress(c, (int)i);
    }
    for (size_t i = 0; i < s->fleet_count; i++)
        if (s->fleets[i].fulfilled_milli < s->fleets[i].target * 1000)
            c->progress[c->progress_count++] = order_progress(c, i);
    if (c->progress_count)
        qsort(c->progress, c->progress_count, sizeof(*c->progress), worst_first);
}

// ---- instances ------------------------------------------------------------------------------------------------------------
static void index_verdicts_and_drains(struct view_cluster *c)
{
    size_t n = c->snapshot->instance_count;
    c->instance_verdict = arena_array(&c->arena, const struct verdict *, n);
    c->instance_drain = arena_array(&c->arena, const struct memo_drain *, n);
    for (size_t i = 0; i < c->plan->verdict_count; i++) {
        const struct verdict *v = &c->plan->verdicts[i];
        int index = v->kind == CANDIDATE_INSTANCE ? find_instance(c->snapshot, v->target) : -1;
        if (index >= 0 && (!c->instance_verdict[index] || c->instance_verdict[index]->code == VERDICT_KEEP))
            c->instance_verdict[index] = v;
    }
    for (size_t i = 0; i < c->memo->drain_count; i++) {
        const struct memo_drain *d = &c->memo->drains[i];
        int index = drain_in_progress(d) ? find_instance(c->snapshot, d->instance) : -1;
        if (index >= 0)
            c->instance_drain[index] = d;
    }
}

static bool is_held(const struct view_cluster *c, const char *instance)
{
    for (size_t i = 0; i < c->progress_count; i++)
        if (c->progress[i].held && strcmp(c->progress[i].instance, instance) == 0)
            return true;
    return false;
}

static const char *drain_box(const struct view_cluster *c, const struct memo_drain *d)
{
    switch (d->state) {
    case DRAIN_EMPTY:
    case DRAIN_LOWERED:
        return "empty";
    case DRAIN_ENDING:
    case DRAIN_GONE:
        return "leaving";
    case DRAIN_CHOSEN:
    case DRAIN_DRAINING:
    case DRAIN_UNDOING:
    case DRAIN_UNDONE:
    case DRAIN_STATE_COUNT:
        break;
    }
    return is_held(c, d->instance) ? "held" : "draining";
}

static const char *box_word(const struct view_cluster *c, size_t index)
{
    const struct instance *i = &c->snapshot->instances[index];
    if (i->ec2 != EC2_PENDING && i->ec2 != EC2_RUNNING && i->ec2 != EC2_UNKNOWN)
        return "leaving";
    if (i->ecs == ECS_DEREGISTERING || i->ecs == ECS_INACTIVE)
        return "leaving";
    if (i->notice_ms)
        return "interrupted";
    if (c->instance_drain[index])
        return drain_box(c, c->instance_drain[index]);
    if (i->ecs == ECS_DRAINING)
        return *i->mark ? "draining" : "foreign";
    if (i->ecs == ECS_UNREGISTERED || i->ecs == ECS_REGISTERING)
        return "coming";
    if (i->fleet < 0)
        return "foreign";
    return i->ecs == ECS_ACTIVE && i->agent_connected ? "active" : "disconnected";
}

// Of the instances that the plan's cost is of.
static void save(struct view_cluster *c, const struct instance *x, const struct instance_type *type)
{
    if (x->fleet < 0 || x->ec2 == EC2_TERMINATED || x->ec2 == EC2_SHUTTING_DOWN || !x->spot || c->saved_usd_micro < 0)
        return;
    if (type && type->spot_usd_micro > 0 && type->on_demand_usd_micro > 0)
        c->saved_usd_micro += type->on_demand_usd_micro > type->spot_usd_micro ? type->on_demand_usd_micro - type->spot_usd_micro : 0;
    else
        c->saved_usd_micro = -1;
}

// Ended, and unknown to ECS: the plan counts it no more. A member that its group keeps idle it does.
static bool gone(const struct instance *x)
{
    bool ended = x->ec2 == EC2_SHUTTING_DOWN || x->ec2 == EC2_TERMINATED || x->ec2 == EC2_STOPPING || x->ec2 == EC2_STOPPED;
    bool served = x->member == NULL || x->member[0] == '\0' || strcmp(x->member, "InService") == 0;
    return x->ecs == ECS_UNREGISTERED && ((ended && served) || instance_group_ends(x));
}

static void fill_instances(struct view_cluster *c)
{
    const struct snapshot *s = c->snapshot;
    size_t n = s->instance_count;
    c->instance_capacity = arena_array(&c->arena, struct res, n);
    c->instance_reserved = arena_array(&c->arena, struct res, n);
    c->instance_usd_micro = arena_array(&c->arena, int64_t, n);
    c->instance_box = arena_array(&c->arena, const char *, n);
    for (size_t i = 0; i < n; i++) {
        const struct instance *x = &s->instances[i];
        const struct instance_type *type = find_type(s, x->type);
        c->instance_box[i] = box_word(c, i);
        c->spot_count += x->spot && !gone(x);
        save(c, x, type);
        if (type)
            c->instance_usd_micro[i] = x->spot ? type->spot_usd_micro : type->on_demand_usd_micro;
        if (!res_is_zero(x->registered)) {
            c->instance_capacity[i] = x->registered;
            c->instance_reserved[i] = res_sub(x->registered, x->remaining);
        } else if (type) {
            c->instance_capacity[i] = instance_type_capacity(type);
        }
    }
}

// ---- services and sources -------------------------------------------------------------------------------------------------
static void add_holdings(const struct snapshot *s, struct view_service *services)
{
    for (size_t i = 0; i < s->instance_count; i++) {
        const struct instance *x = &s->instances[i];
        int last = -1;  // holdings of a service stand together or not at all; counting one twice would need an odd order
        for (size_t k = 0; k < x->holding_count; k++) {
            const struct holding *h = &x->holdings[k];
            if (h->service < 0)
                continue;
            struct view_service *v = &services[h->service];
            if (h->shape >= 0)
                v->reserved = res_add(v->reserved, res_scale(s->shapes[h->shape].need, h->running + h->pending + h->stopping));
            bool measured = h->shape >= 0 && s->shapes[h->shape].used_at_ms > 0;
            v->used = measured ? res_add(v->used, res_scale(s->shapes[h->shape].used_now, h->running)) : v->used;
            v->unmeasured += measured ? 0 : h->running;
            if (h->service != last)
                v->instances++;
            last = h->service;
        }
    }
}

static void add_demands(struct view_cluster *c, struct view_service *services)
{
    for (size_t i = 0; i < c->plan->demand_count; i++) {
        const struct demand *d = &c->plan->demands[i];
        if (d->missing > 0 && d->since_ms && (!c->waiting_since_ms || d->since_ms < c->waiting_since_ms))
            c->waiting_since_ms = d->since_ms;
        if (d->service < 0)
            continue;
        struct view_service *v = &services[d->service];
        v->waiting += d->missing;
        if (d->missing > 0 && d->since_ms && (!v->waiting_since_ms || d->since_ms < v->waiting_since_ms))
            v->waiting_since_ms = d->since_ms;
    }
}

static int largest_first(const void *a, const void *b)
{
    const struct view_service *x = a, *y = b;
    if (x->reserved.v[RES_CPU] != y->reserved.v[RES_CPU])
        return x->reserved.v[RES_CPU] > y->reserved.v[RES_CPU] ? -1 : 1;
    return x->index - y->index;
}

static void fill_services(struct view_cluster *c)
{
    const struct snapshot *s = c->snapshot;
    size_t n = s->service_count;
    c->services = arena_array(&c->arena, struct view_service, n);
    c->service_rank = arena_array(&c->arena, int, n);
    c->service_count = n;
    for (size_t i = 0; i < n; i++) {
        const struct service *x = &s->services[i];
        int shape = x->primary >= 0 ? x->deployments[x->primary].shape : -1;
        c->services[i].index = (int)i;
        if (shape >= 0)
            c->services[i].task = s->shapes[shape].need;
    }
    add_holdings(s, c->services);
    add_demands(c, c->services);
    if (n)
        qsort(c->services, n, sizeof(*c->services), largest_first);
    for (size_t i = 0; i < n; i++)
        c->service_rank[c->services[i].index] = (int)i;
}

static void fill_bounds(struct view_cluster *c, const struct policy_cluster *policy)
{
    struct policy_fleet *bounds = arena_array(&c->arena, struct policy_fleet, c->snapshot->fleet_count);
    c->fleet_instances = arena_array(&c->arena, int32_t, c->snapshot->fleet_count);
    for (size_t i = 0; i < c->snapshot->instance_count; i++)
        if (c->snapshot->instances[i].fleet >= 0)
            c->fleet_instances[c->snapshot->instances[i].fleet]++;
    for (size_t i = 0; i < c->snapshot->fleet_count; i++) {
        const struct policy_fleet *p = policy_fleet_find(policy, fleet_name(&c->snapshot->fleets[i]));
        bounds[i] = (struct policy_fleet){.id = fleet_name(&c->snapshot->fleets[i]), .min = p ? p->min : 0, .max = p ? p->max : 0,
                                          .role = p ? p->role : FLEET_ROLE_SPOT};
    }
    c->bounds = bounds;
}

static void fill_calendar(struct view_cluster *c, const struct policy_calendar *from)
{
    struct policy_event *to = arena_array(&c->arena, struct policy_event, from->count + 1);
    for (size_t i = 0; i < from->count; i++) {
        to[i] = from->events[i];
        const char **const words[] = {&to[i].name, &to[i].start, &to[i].end, &to[i].date, &to[i].window.days, &to[i].window.from, &to[i].window.to, &to[i].window.zone};
        for (size_t k = 0; k < ARRAY_LEN(words); k++)
            *words[k] = arena_strdup(&c->arena, *words[k] ? *words[k] : "");
    }
    c->calendar = (struct policy_calendar){to, from->count};
}

static void fill_sources(struct view_cluster *c, int64_t max_age_ms)
{
    c->max_age_ms = max_age_ms;
    c->source_stale = arena_array(&c->arena, bool, SOURCE_COUNT);
    for (int i = 0; i < SOURCE_COUNT; i++) {
        const struct source *x = &c->snapshot->sources[i];
        c->source_stale[i] = x->state != SOURCE_OK || c->at_ms - x->read_ms > max_age_ms;
        c->stale_sources += c->source_stale[i];
    }
}

void view_facts_fill(struct view_cluster *c, const struct policy_cluster *policy)
{
    index_verdicts_and_drains(c);
    fill_progress(c);
    fill_instances(c);
    fill_services(c);
    view_services_fill(c);
    fill_bounds(c, policy);
    fill_calendar(c, &policy->calendar);
    view_pools_fill(c);
    fill_sources(c, policy->max_age_ms);
}
