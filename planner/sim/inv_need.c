// V20, V31: what is done without a cause, and bought beyond what an hour may cost; what is missing (V22 is inv_orders.c).
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

// Of a service, its surge in a deployment with it.
int64_t inv_missing_of(const struct world_view *v, int service, int64_t at_ms)
{
    const struct world_service *x = &v->services[service];
    int64_t desired = moment_desired(x, at_ms), placed = 0;
    if (x->deployment_count > 1 || moment_in_deployment(x, at_ms))
        desired += desired * (x->max_percent > 100 ? x->max_percent - 100 : 0) / 100;
    for (int t = x->first_task; t >= 0; t = v->tasks[t].next_of_service) {
        const struct world_task *y = &v->tasks[t];
        placed += moment_wanted(y, at_ms) && y->instance >= 0 && stays(v, &v->instances[y->instance], at_ms);
    }
    return desired > placed ? desired - placed : 0;
}

int64_t inv_missing_alone(const struct world_view *v, int cluster)
{
    int64_t sum = 0;
    for (int t = 0; t < v->task_count; t++)
        sum += v->tasks[t].used && v->tasks[t].service < 0 && v->tasks[t].cluster == cluster && v->tasks[t].instance < 0;
    return sum;
}

// Tasks of the cluster that no instance which stays holds.
static int64_t missing_tasks(const struct world_view *v, int cluster, int64_t at_ms)
{
    int64_t sum = inv_missing_alone(v, cluster);
    for (int s = 0; s < v->service_count; s++)
        sum += v->services[s].cluster == cluster && !v->services[s].daemon ? inv_missing_of(v, s, at_ms) : 0;
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

// Its fleet may launch more like it, so that its price is asked for. Of another, whose pool a person took out, only others' is known.
static bool has_pool(const struct snapshot *s, const struct instance *x)
{
    const struct fleet *f = &s->fleets[x->fleet];
    for (size_t k = 0; k < f->pool_count; k++)
        if (!strcmp(f->pools[k].type_name, x->type) && (!f->pools[k].zone[0] || !strcmp(f->pools[k].zone, x->zone)))
            return true;
    return false;
}

// Money told of the instances that the plan knows is what these cost, to the per cent.
void inv_judge_money(struct invariants *inv, const struct world_view *v, const struct planner_input *in, const struct plan *p)
{
    int64_t sum = 0, told = p->summary.hourly.micro;
    for (size_t k = 0; k < in->snapshot->instance_count && inv->o.judge_money; k++) {
        const struct instance *x = &in->snapshot->instances[k];
        int n = x->fleet >= 0 && (x->ec2 == EC2_PENDING || x->ec2 == EC2_RUNNING) ? world_find_instance(inv->w, x->id) : -1;
        const struct world_instance *i = n >= 0 ? &v->instances[n] : NULL;
        if (i && !has_pool(in->snapshot, x))
            return;
        if (i && (i->member.state.now == WM_NONE || world_member_counts(i->member.state.now)))
            sum += i->spot ? v->pools[i->pool].spot_usd_micro : v->types[v->pools[i->pool].type].on_demand_usd_micro;
    }
    int64_t off = told > sum ? told - sum : sum - told;
    if (inv->o.judge_money && off * 100 > sum)
        inv_tell(inv, V31, "%" PRId64 " micro-dollars an hour are told of %s, they are %" PRId64, told, in->snapshot->cluster, sum);
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
    int cluster = c->create ? c->cluster : v->fleets[c->fleet].cluster;
    int64_t cost = cost_micro(v, cluster), more = c->create ? c->target : c->target - v->fleets[c->fleet].wanted;
    if (cost > inv->o.max_usd_micro && most_missing(inv, v, cluster) == 0 && !any_doomed(v, cluster))
        inv_tell(inv, V31, "target of %s: %" PRId64 " more, at %" PRId64 " micro-dollars an hour of %" PRId64 ", for no task and no replacement",
                 c->create ? "an instant fleet" : v->fleets[c->fleet].id, more, cost, inv->o.max_usd_micro);
}

void inv_judge_need(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    const struct world_fleet *f = c->create ? NULL : &v->fleets[c->fleet];
    if (f && (c->target <= f->wanted || c->target * 1000 <= f->fulfilled_milli))
        return;  // it buys nothing
    if (inv->o.judge_orders)
        inv_judge_orders(inv, v, c);
    if (inv->o.max_usd_micro > 0)
        judge_cost(inv, v, c);
}
