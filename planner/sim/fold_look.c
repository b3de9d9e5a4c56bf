// The world's truth as one cluster's snapshot.
#include <string.h>

#include "planner/drain.h"
#include "planner/sim/fold_internal.h"
#include "planner/sim/group.h"

enum { ENDED_SHOWN_MS = 600000, SETS_MAX = 1024 };

// ---- attributes -----------------------------------------------------------------------------------------------------------

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct attribute *)x)->name, ((const struct attribute *)y)->name);
}

// Attributes of an instance are its pool's: of a template without custom ones nothing else differs.
const struct attribute_set *fold_pool_set(struct look *l, int pool, int instance)
{
    struct attribute_set *set = &l->c->pool_sets[pool];
    if (set->count > 0 || instance < 0)
        return set->count > 0 ? set : NULL;
    struct world_attribute v[WORLD_ATTRIBUTES_ALL];
    int n = world_attributes(l->w, instance, v);
    set->v = arena_array(&l->c->kept, struct attribute, (size_t)n + 1);
    for (int k = 0; k < n; k++)
        if (strcmp(v[k].name, "ecs.awsvpc-trunk-id"))
            set->v[set->count++] = (struct attribute){v[k].name, v[k].value};
    qsort(set->v, set->count, sizeof *set->v, by_name);
    return set;
}

// ---- services and shapes ----------------------------------------------------------------------------------------------------

static void take_strategies(struct look *l, const struct world_rules *r, struct shape *to)
{
    for (int k = 0; k < r->strategy_count && k < PLACE_MAX; k++) {
        const struct world_strategy *x = &r->strategies[k];
        struct place_strategy *s = &to->strategies[to->strategy_count++];
        *s = (struct place_strategy){.kind = PLACE_SPREAD, .field = ""};
        switch (x->kind) {
        case WS_SPREAD_INSTANCE:
            s->field = "instanceId";
            break;
        case WS_SPREAD_ZONE:
            s->field = "attribute:ecs.availability-zone";
            break;
        case WS_SPREAD_TYPE:
            s->field = "attribute:ecs.instance-type";
            break;
        case WS_SPREAD_ATTRIBUTE:
            s->field = arena_printf(l->a, "attribute:%s", x->attribute);
            break;
        case WS_BINPACK_CPU:
            s->kind = PLACE_BINPACK_CPU;
            break;
        case WS_BINPACK_MEMORY:
            s->kind = PLACE_BINPACK_MEMORY;
            break;
        case WS_RANDOM:
            s->kind = PLACE_RANDOM;
            break;
        }
    }
}

static int look_shape(struct look *l, int service, int taskdef)
{
    struct snapshot *s = l->s;
    for (size_t k = 0; k < s->shape_count; k++)
        if (l->shape_service[k] == service && l->shape_taskdef[k] == taskdef)
            return (int)k;
    size_t cap = l->shape_cap, cap2 = l->shape_cap;
    s->shapes = arena_grow(l->a, s->shapes, s->shape_count, &l->shape_cap, sizeof *s->shapes);
    l->shape_service = arena_grow(l->a, l->shape_service, s->shape_count, &cap, sizeof *l->shape_service);
    l->shape_taskdef = arena_grow(l->a, l->shape_taskdef, s->shape_count, &cap2, sizeof *l->shape_taskdef);
    const struct world_taskdef *d = &l->w->taskdefs[taskdef];
    struct shape x = {.name = arena_printf(l->a, "%s:%d", d->family, d->revision), .need = d->need, .known = true, .arch = "",
                      .unmodelled = "", .vpc = "", .stop_timeout_ms = d->stop_timeout_ms};
    x.required = arena_array(l->a, struct attribute, (size_t)d->require_count + 1);
    for (int k = 0; k < d->require_count; k++)
        x.required[x.required_count++] = (struct attribute){d->requires[k].name, d->requires[k].value};
    if (service >= 0) {
        x.distinct_instance = l->w->services[service].rules.distinct_instance;
        take_strategies(l, &l->w->services[service].rules, &x);
    }
    l->shape_service[s->shape_count] = service;
    l->shape_taskdef[s->shape_count] = taskdef;
    s->shapes[s->shape_count] = x;
    return (int)s->shape_count++;
}

static void look_deployments(struct look *l, int at, struct service *to)
{
    const struct world_service *s = &l->w->services[at];
    struct fold_service *kept = &l->c->services[at];
    to->deployments = arena_array(l->a, struct deployment, (size_t)s->deployment_count + 1);
    for (int k = 0; k < s->deployment_count; k++) {
        const struct world_deployment *d = &s->deployments[k];
        to->deployments[to->deployment_count++] = (struct deployment){
            .id = d->id, .primary = d->primary, .shape = look_shape(l, at, d->taskdef), .desired = d->desired, .running = d->running,
            .pending = d->pending, .failed = d->failed, .in_progress = !d->completed || s->deployment_count > 1, .created_ms = d->created_ms};
        if (!d->primary)
            continue;
        to->primary = k;
        if (strcmp(kept->deployment, d->id)) {
            world_copy(kept->deployment, sizeof kept->deployment, d->id);
            kept->failed_base = d->failed;
        }
        to->crash_looping = d->failed - kept->failed_base >= 3;
    }
}

static void since(int64_t *stamp, bool holds, int64_t now_ms)
{
    *stamp = !holds ? 0 : *stamp ? *stamp : now_ms;
}

static struct service look_service(struct look *l, int at)
{
    const struct world_service *s = &l->w->services[at];
    struct fold_service *kept = &l->c->services[at];
    struct service to = {.name = s->name, .arn = s->name, .kind = s->daemon ? SERVICE_DAEMON : SERVICE_REPLICA, .on_ec2 = true, .not_ours = "",
                         .desired = (int32_t)world_seen(&s->desired_was, fold_seen(&l->sight, SOURCE_SERVICES, (uint64_t)at)), .running = s->running, .pending = s->pending, .min_percent = s->min_percent,
                         .max_percent = s->max_percent, .primary = -1, .last_event = ""};
    look_deployments(l, at, &to);
    for (int t = s->first_task; t >= 0; t = l->w->tasks[t].next_of_service)
        to.young += task_wanted(&l->w->tasks[t]) && l->w->tasks[t].last.now == WT_RUNNING && l->w->tasks[t].healthy_ms > l->w->now_ms;
    since(&kept->unsteady_since_ms, s->running != to.desired || s->pending > 0 || s->deployment_count > 1, fold_now_ms(l->c));
    since(&kept->unplaced_since_ms, to.desired > s->running + s->pending, fold_now_ms(l->c));
    to.unsteady_since_ms = kept->unsteady_since_ms;
    to.unplaced_since_ms = kept->unplaced_since_ms;
    return to;
}

static void look_services(struct look *l)
{
    struct world *w = l->w;
    while (l->c->service_cap < w->service_count) {
        size_t n = l->c->service_cap;
        l->c->services = arena_grow(&l->c->kept, l->c->services, n, &l->c->service_cap, sizeof *l->c->services);
        memset(l->c->services + n, 0, (l->c->service_cap - n) * sizeof *l->c->services);
    }
    l->service_of = arena_array(l->a, int, w->service_count + 1);
    l->service_at = arena_array(l->a, int, w->service_count + 1);
    size_t n = 0;
    for (size_t s = 0; s < w->service_count; s++) {
        l->service_of[s] = -1;
        if (w->services[s].cluster != l->c->cluster || w->services[s].created_ms > fold_seen(&l->sight, SOURCE_SERVICES, (uint64_t)s))
            continue;
        size_t at = n++;
        for (; at > 0 && strcmp(w->services[l->service_at[at - 1]].name, w->services[s].name) > 0; at--)
            l->service_at[at] = l->service_at[at - 1];
        l->service_at[at] = (int)s;
    }
    l->s->service_count = n;
    l->s->services = arena_array(l->a, struct service, n + 1);
    for (size_t k = 0; k < n; k++) {
        l->service_of[l->service_at[k]] = (int)k;
        l->s->services[k] = look_service(l, l->service_at[k]);
    }
}

// ---- instances ----------------------------------------------------------------------------------------------------------------

static void hold(struct look *l, struct instance *i, const struct world_task *t)
{
    int service = t->service < 0 ? -1 : l->service_of[t->service], shape = look_shape(l, t->service, t->taskdef);
    struct holding *h = NULL;
    for (size_t k = 0; k < i->holding_count && !h; k++)
        if (i->holdings[k].service == service && i->holdings[k].shape == shape)
            h = &i->holdings[k];
    if (!h) {
        size_t cap = i->holding_count;
        i->holdings = arena_grow(l->a, i->holdings, i->holding_count, &cap, sizeof *i->holdings);
        h = &i->holdings[i->holding_count++];
        *h = (struct holding){.service = service, .shape = shape, .example_task = t->id};
    }
    int64_t at_ms = fold_seen(&l->sight, SOURCE_TASKS, t->serial);
    bool stopping = world_seen(&t->desired, at_ms) == WD_STOPPED, running = world_seen(&t->last, at_ms) == WT_RUNNING;
    h->running += running && !stopping;
    h->pending += !running && !stopping;
    h->stopping += stopping;
    h->protected_ += t->protected_until_ms > l->w->now_ms;
    if (running && !stopping && (h->oldest_ms == 0 || t->started_ms < h->oldest_ms))
        h->oldest_ms = t->started_ms;
}

static int by_shape(const void *x, const void *y)
{
    const struct holding *a = x, *b = y;
    return a->service != b->service ? (a->service > b->service) - (a->service < b->service) : (a->shape > b->shape) - (a->shape < b->shape);
}

static void look_container(struct look *l, int n, struct instance *to)
{
    const struct world_instance *i = &l->w->instances[n];
    static const enum ecs_state STATES[] = {[WE_NONE] = ECS_UNREGISTERED, [WE_REGISTERING] = ECS_REGISTERING, [WE_ACTIVE] = ECS_ACTIVE,
                                            [WE_DRAINING] = ECS_DRAINING, [WE_DEREGISTERING] = ECS_DEREGISTERING,
                                            [WE_INACTIVE] = ECS_UNREGISTERED, [WE_FAILED] = ECS_REGISTRATION_FAILED};
    int64_t at_ms = fold_seen(&l->sight, SOURCE_CONTAINER_INSTANCES, i->serial);
    to->ecs = i->registered_ms > at_ms ? ECS_UNREGISTERED : STATES[world_seen(&i->status, at_ms)];
    to->ever_registered = to->ecs != ECS_UNREGISTERED || i->status.now > WE_ACTIVE;
    if (to->ecs == ECS_UNREGISTERED)
        return;
    to->arn = i->ci_id;
    to->agent_connected = i->agent_connected;
    to->disconnected_since_ms = i->agent_connected ? 0 : (i->ended_ms > 0 ? i->ended_ms : l->w->now_ms) + l->c->clock_off_ms;
    to->registered_ms = i->registered_ms;
    to->registered = i->registered;
    to->remaining = i->remaining;
    to->ecs_running = i->running_tasks;
    to->ecs_pending = i->pending_tasks;
    to->ports = port_set_reserved;
    to->agent_version = l->w->templates[i->template].agent_version;
    to->attributes = fold_pool_set(l, i->pool, n);
    int32_t known = 0;
    for (int t = i->first_task; t >= 0; t = l->w->tasks[t].next_of_instance) {
        const struct world_task *x = &l->w->tasks[t];
        int64_t task_ms = fold_seen(&l->sight, SOURCE_TASKS, x->serial);
        if (x->used && x->created_ms <= task_ms && world_seen(&x->last, task_ms) != WT_STOPPED)
            hold(l, to, x);
    }
    for (size_t h = 0; h < to->holding_count; h++)
        known += to->holdings[h].running + to->holdings[h].pending;
    to->tasks_known = l->sight.sources[SOURCE_TASKS].state == SOURCE_OK && known >= to->ecs_running + to->ecs_pending;
    if (to->holding_count > 0)
        qsort(to->holdings, to->holding_count, sizeof *to->holdings, by_shape);
}

static struct instance look_instance(struct look *l, int n)
{
    static const enum ec2_state STATES[] = {[WL_PENDING] = EC2_PENDING, [WL_RUNNING] = EC2_RUNNING, [WL_SHUTTING_DOWN] = EC2_SHUTTING_DOWN,
                                            [WL_TERMINATED] = EC2_TERMINATED, [WL_STOPPING] = EC2_STOPPING, [WL_STOPPED] = EC2_STOPPED};
    const struct world_instance *i = &l->w->instances[n];
    const struct world_pool *p = &l->w->pools[i->pool];
    const char *mark = world_tag_value(i->tags, i->tag_count, "masu:drain");
    int64_t at_ms = i->ended_by == WORLD_OURS && i->end ? l->w->now_ms : fold_seen(&l->sight, SOURCE_EC2_INSTANCES, i->serial);
    struct instance to = {.id = i->id, .arn = "", .type = l->w->types[p->type].name, .zone = l->w->zones[p->zone], .arch = l->w->types[p->type].arch,
                          .spot = i->spot, .fleet = fold_fleet_of(l, i), .weight_milli = i->weight_milli, .ec2 = STATES[world_seen(&i->state, at_ms)],
                          .launched_ms = i->launched_ms, .mark = mark ? arena_strdup(l->a, mark) : "",
                          .forbidden = world_tag_value(i->tags, i->tag_count, "masu:keep") != NULL,
                          .notice_ms = i->end == WEND_INTERRUPTED ? i->notice_ms : 0, .rebalance_ms = i->rebalance_ms, .provider = i->provider >= 0 ? l->w->providers[i->provider].name : "",
                          .agent_version = "", .launch_template = fold_template_name(l, i->template), .elsewhere = "", .member = world_member_name(i->member.state.now),
                          .scale_in_protected = i->member.protected};
    struct drain_mark told;
    if (mark && drain_mark_parse(l->a, mark, &told))
        to.marked_ms = told.at_ms;
    to.attributes = fold_pool_set(l, i->pool, -1);
    look_container(l, n, &to);
    return to;
}

// What an answered order of ours launched is known, whatever the list shows.
static bool ec2_tells(const struct look *l, const struct world_instance *i)
{
    const struct world_fleet *f = i->fleet >= 0 ? &l->w->fleets[i->fleet] : NULL;
    bool answered = f && f->instant && *f->launch.token && l->sight.sources[SOURCE_EC2_INSTANCES].read_ms > 0;
    for (int k = 0; k < l->c->lost_count && answered; k++)
        answered = l->c->lost[k] != i->fleet;
    return answered || i->created_ms <= fold_seen(&l->sight, SOURCE_EC2_INSTANCES, i->serial);
}

// ECS tells of an instance that EC2's list does not show.
static struct instance only_registered(struct instance x)
{
    x.ec2 = EC2_UNKNOWN;
    x.fleet = -1;
    x.weight_milli = 1000;
    x.launched_ms = x.marked_ms = x.notice_ms = x.rebalance_ms = 0;
    x.mark = x.launch_template = "";
    x.forbidden = x.spot = x.scale_in_protected = false;
    x.member = "";
    return x;
}

static int by_id(const void *x, const void *y)
{
    return strcmp(((const struct instance *)x)->id, ((const struct instance *)y)->id);
}

static void look_instances(struct look *l)
{
    struct snapshot *s = l->s;
    s->instances = arena_array(l->a, struct instance, l->w->instance_count + 1);
    for (size_t n = 0; n < l->w->instance_count; n++) {
        const struct world_instance *i = &l->w->instances[n];
        if (!i->used || i->cluster != l->c->cluster || (i->terminated_ms > 0 && l->w->now_ms - i->terminated_ms > ENDED_SHOWN_MS))
            continue;
        struct instance x = look_instance(l, (int)n);
        bool told = ec2_tells(l, i);
        if (told || x.ecs != ECS_UNREGISTERED)
            s->instances[s->instance_count++] = told ? x : only_registered(x);
    }
    if (s->instance_count > 0)
        qsort(s->instances, s->instance_count, sizeof *s->instances, by_id);
}

int64_t fold_seen(const struct fold_sight *s, enum source_kind k, uint64_t serial)
{
    return s->half[k] && serial % 2 ? INT64_MAX : s->seen_ms[k];
}

void fold_look(struct fold_cluster *c, const struct fold_sight *sight, struct arena *a, struct snapshot *ret)
{
    struct world *w = c->w;
    struct world_view v = world_view(w);
    bool whole = true;
    for (int k = 0; k < SOURCE_COUNT; k++)
        whole &= sight->sources[k].state == SOURCE_OK;
    if (sight->sources[SOURCE_CONTAINER_INSTANCES].state == SOURCE_OK && sight->sources[SOURCE_SERVICES].state == SOURCE_OK)
        c->listed_ms = fold_now_ms(c);
    c->looks += whole;
    *ret = (struct snapshot){.now_ms = fold_now_ms(c), .account = v.account, .region = v.region, .cluster = w->clusters[c->cluster].name, .owner = "masu",
                             .policy_hash = "fold", .confirmed = "", .control = {.who = "", .why = ""}, .listed_ms = c->listed_ms,
                             .clock_off_ms = c->clock_off_ms, .started_ms = c->started_ms, .complete_looks = c->looks, .boot_p90_ms = w->o.boot_p90_ms,
                             .boot_p95_ms = w->o.boot_p90_ms + (w->o.boot_p90_ms - w->o.boot_p50_ms) / 2};
    memcpy(ret->sources, sight->sources, sizeof ret->sources);
    struct look l = {.c = c, .sight = *sight, .w = w, .a = a, .s = ret};
    fold_look_types(&l);
    fold_look_fleets(&l);
    look_services(&l);
    look_instances(&l);
    // sets that instances and pools point to
    ret->attribute_sets = c->pool_sets;
    ret->attribute_set_count = w->pool_count;
}
