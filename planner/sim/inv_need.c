// V20, V22, V31: what is done without a cause, ordered without a need, and bought beyond what an hour may cost.
#include "planner/sim/invariants_internal.h"

// ---- V20 -------------------------------------------------------------------------------------------------------------------
// All that demand and market say: whoever changes it, it is another number afterwards.
static uint64_t outside(const struct world_view *v)
{
    uint64_t h = 1469598103934665603u;
    const struct world_counters *c = v->counters;
    for (int s = 0; s < v->service_count; s++)
        h = (h ^ (uint64_t)v->services[s].desired ^ (uint64_t)v->services[s].deployments[0].created_ms << 16) * 1099511628211u;
    return (h ^ (uint64_t)c->launch_failures) * 1099511628211u ^ (uint64_t)v->notice_count;
}

void inv_need_step(struct invariants *inv, const struct world_view *v)
{
    uint64_t now = inv->o.calm_ms > 0 ? outside(v) : 0;
    if (inv->calm_since_ms == 0 || now != inv->outside)
        inv->calm_since_ms = v->now_ms;
    inv->outside = now;
}

void inv_need_foreign(struct invariants *inv, const struct world_view *v)
{
    inv->calm_since_ms = v->now_ms;
}

void invariants_again_every(struct invariants *inv, int64_t n)
{
    inv->again_every = n;
}

void invariants_calm(struct invariants *inv, int64_t calm_ms)
{
    inv->o.calm_ms = calm_ms;
    inv->calm_since_ms = 0;
}

void inv_judge_calm(struct invariants *inv, const struct world_view *v)
{
    inv_need_step(inv, v);
    if (inv->o.calm_ms > 0 && inv->calm_since_ms > 0 && v->now_ms - inv->calm_since_ms >= inv->o.calm_ms)
        inv_tell(inv, V20, "a call, though nothing changed for %" PRId64 " min", (v->now_ms - inv->calm_since_ms) / 60000);
}

// ---- what is missing -------------------------------------------------------------------------------------------------------
// Not what is taken back or warned of, or left behind by its fleet: its replacement is ordered before it goes.
static bool stays(const struct world_view *v, const struct world_instance *i, int64_t at_ms)
{
    bool cancelled = i->fleet >= 0 && v->fleets[i->fleet].state.now > WF_MODIFYING, ending = i->member.state.now >= WM_TERMINATING && i->member.state.now <= WM_TERMINATING_PROCEED;
    return i->used && i->state.now <= WL_RUNNING && i->status.now == WE_ACTIVE && !(i->notice_ms > 0 && i->notice_ms <= at_ms) &&
           i->rebalance_ms == 0 && i->event == NULL && !cancelled && !ending;
}

// Tasks of the cluster that no instance which stays holds, a surge of deployments with them: each needs at most one instance.
static int64_t missing_tasks(const struct world_view *v, int cluster, int64_t at_ms)
{
    int64_t sum = 0;
    for (int s = 0; s < v->service_count; s++) {
        const struct world_service *x = &v->services[s];
        if (x->cluster != cluster || x->daemon)
            continue;
        int64_t desired = moment_desired(x, at_ms), placed = 0;
        if (x->deployment_count > 1 || moment_in_deployment(x, at_ms))
            desired += desired * (x->max_percent > 100 ? x->max_percent - 100 : 0) / 100;
        for (int t = x->first_task; t >= 0; t = v->tasks[t].next_of_service) {
            const struct world_task *y = &v->tasks[t];
            placed += moment_wanted(y, at_ms) && y->instance >= 0 && stays(v, &v->instances[y->instance], at_ms);
        }
        sum += desired > placed ? desired - placed : 0;
    }
    for (int t = 0; t < v->task_count; t++)
        sum += v->tasks[t].used && v->tasks[t].service < 0 && v->tasks[t].cluster == cluster && v->tasks[t].instance < 0;
    return sum;
}

static int64_t most_missing(struct invariants *inv, const struct world_view *v, int cluster)
{
    int64_t most = 0;
    for (int k = 0; inv_moments(inv, v->now_ms, k) >= 0; k++) {
        int64_t then = missing_tasks(v, cluster, inv_moments(inv, v->now_ms, k));
        most = then > most ? then : most;
    }
    return most;
}

// ---- V22 -------------------------------------------------------------------------------------------------------------------
// In instances, the lightest that may come: booting ones, and what the targets still ask for with this call.
static int64_t coming(const struct world_view *v, const struct world_call *c, int fleet)
{
    const struct world_fleet *f = &v->fleets[fleet];
    int64_t stay_milli = 0, booting = 0, lightest = INT64_MAX, target = fleet == c->fleet ? c->target : f->wanted;
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (!i->used || i->fleet != fleet || i->state.now > WL_RUNNING)
            continue;
        stay_milli += i->weight_milli;
        booting += i->status.now == WE_NONE || i->status.now == WE_REGISTERING;
    }
    for (int o = 0; o < f->override_count; o++)
        lightest = f->overrides[o].weight_milli < lightest ? f->overrides[o].weight_milli : lightest;
    int64_t open_milli = target * 1000 - stay_milli;
    return booting + (open_milli > 0 && lightest < INT64_MAX ? (open_milli + lightest - 1) / lightest : 0);
}

// What an entry that holds, or begins within the hour, may ask for beside the tasks wanted now. In permyriad; the most that services ever
// wanted stands for what is usual.
static int64_t calendar_permyriad(struct invariants *inv, int cluster, const struct planner_input *in)
{
    const struct snapshot *s = in->snapshot;
    int64_t tasks = 0, most = 0, cpu = 0, memory = 0;
    for (size_t k = 0; k < s->service_count; k++) {
        const struct service *x = &s->services[k];
        int shape = x->on_ec2 && x->kind == SERVICE_REPLICA && x->primary >= 0 ? x->deployments[x->primary].shape : -1;
        tasks += shape >= 0 ? x->desired : 0;
        cpu += shape >= 0 ? x->desired * s->shapes[shape].need.v[RES_CPU] : 0;
        memory += shape >= 0 ? x->desired * s->shapes[shape].need.v[RES_MEMORY] : 0;
    }
    inv->most_tasks[cluster] = tasks > inv->most_tasks[cluster] ? tasks : inv->most_tasks[cluster];
    for (size_t k = 0; k < s->occasion_count; k++)
        for (size_t e = 0; e < in->policy->calendar.count && tasks > 0; e++) {
            const struct occasion *o = &s->occasions[k];
            const struct policy_event *x = &in->policy->calendar.events[e];
            if (strcmp(x->name, o->name) != 0 || o->end_ms <= s->now_ms || o->start_ms - s->now_ms > 3600000)
                continue;
            // An instance of the floor is at most as large as all that is registered.
            int64_t times = x->times_milli * inv->most_tasks[cluster] * 10 / tasks - 10000, by_cpu = x->least_vcpus * 1024 * 10000 / (cpu + 1) - 10000,
                    by_memory = x->least_memory_gib * 1024 * 10000 / (memory + 1) - 10000, by_count = x->least_instances * 10000;
            most = times > most ? times : most;
            most = by_cpu > most ? by_cpu : most;
            most = by_memory > most ? by_memory : most;
            most = by_count > most ? by_count : most;
        }
    return most;
}

void inv_note_outlook(struct invariants *inv, const struct planner_input *in)
{
    const struct snapshot *s = in->snapshot;
    int cluster = world_find_cluster(inv->w, s->cluster);
    const struct outlook *x = &s->outlook;
    if (cluster < 0 || cluster >= INV_CLUSTERS)
        return;
    int64_t more_milli = x->at_ms > 0 && x->need_milli > 0 ? (int64_t)x->up * 1000 - x->need_milli : 0;
    int64_t outlook = more_milli > 0 ? more_milli * 10000 / x->need_milli : 0, calendar = calendar_permyriad(inv, cluster, in), most = 10000;
    // V12: whatever a forecast says, it adds at most L13.
    if (x->most_28d_milli > 0 && x->most_28d_milli * 6 < x->need_milli * 10)
        most = x->most_28d_milli > x->need_milli ? x->most_28d_milli * 12000 / x->need_milli - 10000 : 2000;
    outlook = outlook > most ? most : outlook;
    inv->ahead_permyriad[cluster] = calendar > outlook ? calendar : outlook;
}

static void judge_orders(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    const struct world_fleet *f = &v->fleets[c->fleet];
    int64_t all = 0, fleets = 0, active = 0;
    for (int k = 0; k < v->fleet_count; k++) {
        if (v->fleets[k].cluster != f->cluster || v->fleets[k].state.now > WF_MODIFYING)
            continue;
        fleets++;
        all += coming(v, c, k);
    }
    for (int n = 0; n < v->instance_count; n++)
        active += v->instances[n].used && v->instances[n].cluster == f->cluster && v->instances[n].status.now == WE_ACTIVE;
    int64_t permyriad = inv->o.headroom_permyriad, ahead = f->cluster < INV_CLUSTERS ? inv->ahead_permyriad[f->cluster] : 0;
    permyriad = ahead > permyriad ? ahead : permyriad;
    // Headroom is whole instances at worst, and consolidation replaces up to eight at once (its own limit).
    int64_t extra = active * permyriad / 10000 + (permyriad > 0) + inv->o.headroom_tasks + inv->o.swap_instances;
    int64_t missing = most_missing(inv, v, f->cluster);
    if (all > missing + fleets + extra)
        inv_tell(inv, V22, "target of %s: %" PRId64 " instances would be coming, for %" PRId64 " tasks without a place and %" PRId64 " more", f->id, all,
                 missing, fleets + extra);
}

// ---- V31 -------------------------------------------------------------------------------------------------------------------
static int64_t cost_micro(const struct world_view *v, int cluster)
{
    int64_t sum = 0;
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (i->used && i->cluster == cluster && i->state.now <= WL_RUNNING)
            sum += i->spot ? v->pools[i->pool].spot_usd_micro : v->types[v->pools[i->pool].type].on_demand_usd_micro;
    }
    return sum;
}

static bool any_doomed(const struct world_view *v, int cluster)
{
    for (int n = 0; n < v->instance_count; n++)
        if (v->instances[n].used && v->instances[n].cluster == cluster && v->instances[n].notice_ms > 0 && v->instances[n].state.now <= WL_RUNNING)
            return true;
    return false;
}

static void judge_cost(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    int cluster = v->fleets[c->fleet].cluster;
    int64_t cost = cost_micro(v, cluster);
    if (cost > inv->o.max_usd_micro && most_missing(inv, v, cluster) == 0 && !any_doomed(v, cluster))
        inv_tell(inv, V31, "target of %s: %" PRId64 " more, at %" PRId64 " micro-dollars an hour of %" PRId64 ", for no task and no replacement",
                 v->fleets[c->fleet].id, c->target - v->fleets[c->fleet].wanted, cost, inv->o.max_usd_micro);
}

void inv_judge_need(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    const struct world_fleet *f = &v->fleets[c->fleet];
    int64_t open_milli = c->target * 1000 - f->fulfilled_milli;
    if (c->target <= f->wanted || open_milli <= 0)
        return;  // it buys nothing
    if (inv->o.swap_instances >= 0)
        judge_orders(inv, v, c);
    if (inv->o.max_usd_micro > 0)
        judge_cost(inv, v, c);
}
