#include "scaler/view_services.h"

#include <assert.h>

#include "scaler/view.h"

#define NOTICE_MS 120000

static const char *const risk_names[VIEW_RISK_COUNT] = {
    [VIEW_RISK_CANNOT_MOVE] = "cannot_move",
    [VIEW_RISK_SLOW_STOP] = "slow_stop",
    [VIEW_RISK_PROTECTED] = "protected",
    [VIEW_RISK_AWAY] = "away",
};

const char *view_risk_name(enum view_risk_kind k)
{
    assert(k < VIEW_RISK_COUNT);
    return risk_names[k];
}

// ---- what it costs --------------------------------------------------------------------------------------------------------
// Of the price, what n tasks of this size hold of an instance with this capacity.
static int64_t share_usd_micro(int64_t price, struct res one, int64_t n, struct res capacity)
{
    int64_t sum = 0;
    const enum res_kind kinds[] = {RES_CPU, RES_MEMORY};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (capacity.v[kinds[i]] > 0)
            sum += price * one.v[kinds[i]] / capacity.v[kinds[i]] * n / 2;
    return sum;
}

static struct view_cost *cost_of(struct view_cluster *c, const struct holding *h)
{
    return h->service >= 0 ? &c->services[c->service_rank[h->service]].cost : &c->standalone_cost;
}

// What a vCPU-hour and a GiB-hour cost here: half of what the instances cost for each, over what they have.
static void set_rates(struct view_cluster *c)
{
    double cpu_units = 0, mib = 0, usd_micro = 0;
    for (size_t i = 0; i < c->snapshot->instance_count; i++) {
        const struct res *has = &c->instance_capacity[i];
        if (c->instance_usd_micro[i] <= 0 || has->v[RES_CPU] <= 0 || has->v[RES_MEMORY] <= 0)
            continue;
        cpu_units += (double)has->v[RES_CPU];
        mib += (double)has->v[RES_MEMORY];
        usd_micro += (double)c->instance_usd_micro[i];
    }
    c->vcpu_usd_micro = cpu_units > 0 ? usd_micro / 2 / cpu_units * 1024 : 0;
    c->gib_usd_micro = mib > 0 ? usd_micro / 2 / mib * 1024 : 0;
}

static void share_instance(struct view_cluster *c, size_t index)
{
    const struct snapshot *s = c->snapshot;
    const struct instance *x = &s->instances[index];
    int64_t price = c->instance_usd_micro[index], left = price;
    for (size_t k = 0; k < x->holding_count; k++) {
        const struct holding *h = &x->holdings[k];
        struct view_cost *cost = cost_of(c, h);
        if (h->shape >= 0) {
            int64_t part = share_usd_micro(price, s->shapes[h->shape].need, h->running + h->pending + h->stopping, c->instance_capacity[index]);
            cost->usd_micro += part;
            left -= part;
        }
        cost->known = cost->known && price > 0 && h->shape >= 0;
    }
    // Tasks that are not known hold a part too: then nobody can say what is free.
    c->free_cost.usd_micro += left > 0 ? left : 0;
    c->free_cost.known = c->free_cost.known && price > 0 && x->tasks_known;
}

// ---- what becomes of it when its instance goes ----------------------------------------------------------------------------
static void add_risk(struct view_service *v, enum view_risk_kind kind, const char *fact, const char *verdict)
{
    v->risks[v->risk_count++] = (struct view_risk){kind, fact, verdict};
}

// ECS rounds the minimum up and the maximum down.
static int64_t least_running(const struct service *x)
{
    return ((int64_t)x->desired * x->min_percent + 99) / 100;
}

static void judge_percents(struct view_cluster *c, struct view_service *v)
{
    const struct service *x = &c->snapshot->services[v->index];
    int64_t most = (int64_t)x->desired * (x->max_percent > 100 ? x->max_percent : 100) / 100;
    if (x->desired <= 0)
        return;
    if (most <= x->desired && least_running(x) >= x->desired)
        add_risk(v, VIEW_RISK_CANNOT_MOVE,
                 arena_printf(&c->arena, "desired %d at %d/%d %%, can neither start nor stop a task", x->desired, x->min_percent, x->max_percent),
                 "cannot move");
    else if (most <= x->desired && least_running(x) == 0)
        add_risk(v, VIEW_RISK_AWAY, arena_printf(&c->arena, "desired %d at %d/%d %%, stops before it starts", x->desired, x->min_percent, x->max_percent),
                 "may be away while it moves");
}

static void judge(struct view_cluster *c, struct view_service *v, int64_t protected_tasks)
{
    const struct service *x = &c->snapshot->services[v->index];
    int shape = x->primary >= 0 ? x->deployments[x->primary].shape : -1;
    v->stop_timeout_ms = shape >= 0 ? c->snapshot->shapes[shape].stop_timeout_ms : 0;
    if (x->kind == SERVICE_DAEMON || !x->on_ec2)
        return;
    judge_percents(c, v);
    if (v->stop_timeout_ms > NOTICE_MS)
        add_risk(v, VIEW_RISK_SLOW_STOP,
                 arena_printf(&c->arena, "a task may need %lld s to stop, a spot notice gives %d s", (long long)(v->stop_timeout_ms / 1000), NOTICE_MS / 1000),
                 "may not end in time");
    if (protected_tasks > 0)
        add_risk(v, VIEW_RISK_PROTECTED, arena_printf(&c->arena, "%lld of its tasks protected from scale-in", (long long)protected_tasks),
                 "holds a drain");
}

void view_services_fill(struct view_cluster *c)
{
    const struct snapshot *s = c->snapshot;
    int64_t *protected_tasks = arena_array(&c->arena, int64_t, s->service_count);
    c->standalone_cost.known = c->free_cost.known = true;
    for (size_t i = 0; i < c->service_count; i++)
        c->services[i].cost.known = true;
    for (size_t i = 0; i < s->instance_count; i++) {
        share_instance(c, i);
        for (size_t k = 0; k < s->instances[i].holding_count; k++)
            if (s->instances[i].holdings[k].service >= 0)
                protected_tasks[s->instances[i].holdings[k].service] += s->instances[i].holdings[k].protected_;
    }
    set_rates(c);
    for (size_t i = 0; i < c->service_count; i++)
        judge(c, &c->services[i], protected_tasks[c->services[i].index]);
}
