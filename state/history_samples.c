// What one look says of its cluster, services and pools. What rests on a source that is unknown or partial is not said.
#include "state/history_internal.h"

struct tick_samples {
    const struct snapshot *s;
    struct arena *a;
    struct state_sample *v;
    size_t count, cap;
};

static void add(struct tick_samples *t, enum series series, const char *subject, int64_t value)
{
    t->v = arena_grow(t->a, t->v, t->count, &t->cap, sizeof *t->v);
    t->v[t->count++] = (struct state_sample){series, value, subject};
}

#define KNOWN(k) (1u << SOURCE_##k)
enum {
    FROM_INSTANCES = KNOWN(CONTAINER_INSTANCES),
    FROM_SERVICES = KNOWN(SERVICES),
    FROM_NEED = KNOWN(CONTAINER_INSTANCES) | KNOWN(SERVICES) | KNOWN(TASK_DEFINITIONS),
    FROM_FLEETS = KNOWN(FLEETS) | KNOWN(EC2_INSTANCES),
    FROM_PRICES = KNOWN(EC2_INSTANCES) | KNOWN(INSTANCE_TYPES),
};

static bool known(const struct tick_samples *t, unsigned sources)
{
    for (int k = 0; t->s && k < SOURCE_COUNT; k++)
        if ((sources & 1u << k) && t->s->sources[k].state != SOURCE_OK)
            return false;
    return true;
}

// ---- the cluster ----------------------------------------------------------------------------------------------------------

static void add_cluster(struct tick_samples *t, const struct plan_summary *p)
{
    const struct {
        enum series series;
        unsigned sources;
        int64_t value;
    } rows[] = {
        {SERIES_CAPACITY_CPU_UNITS, FROM_INSTANCES, p->capacity.v[RES_CPU]},
        {SERIES_CAPACITY_MEMORY_MIB, FROM_INSTANCES, p->capacity.v[RES_MEMORY]},
        {SERIES_RESERVED_CPU_UNITS, FROM_INSTANCES, p->reserved.v[RES_CPU]},
        {SERIES_RESERVED_MEMORY_MIB, FROM_INSTANCES, p->reserved.v[RES_MEMORY]},
        {SERIES_NEED_CPU_UNITS, FROM_NEED, p->need.v[RES_CPU]},
        {SERIES_NEED_MEMORY_MIB, FROM_NEED, p->need.v[RES_MEMORY]},
        {SERIES_INSTANCES, FROM_INSTANCES, p->instances},
        {SERIES_INTERRUPTED, FROM_INSTANCES, p->interrupted},
        {SERIES_DRAINING, FROM_INSTANCES, p->draining},
        {SERIES_COMING, FROM_FLEETS, p->coming},
        {SERIES_WAITING_TASKS, FROM_NEED, p->waiting_tasks},
        {SERIES_COST_USD_MICRO_PER_HOUR, FROM_PRICES, p->hourly.micro},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (known(t, rows[i].sources))
            add(t, rows[i].series, "", rows[i].value);
}

// ---- services -------------------------------------------------------------------------------------------------------------

struct service_sums {
    int64_t waiting;
    struct res reserved, used;
    bool unmeasured;  // what some of its tasks use is not known
    int64_t largest_mib;
    bool blind;       // which of some of its tasks is the largest is not known
};

int64_t history_coarse_mib(int64_t mib)
{
    int64_t step = 16;
    while (mib / step >= 64)
        step *= 2;
    return (mib + step - 1) / step * step;
}

static void sum_use(struct service_sums *sum, const struct shape *x, int32_t running)
{
    if (running == 0)
        return;
    if (x == NULL || x->used_at_ms == 0) {
        sum->unmeasured = true;
        return;
    }
    sum->used = res_add(sum->used, res_scale(x->used_now, running));
    sum->largest_mib = x->used_largest_mib > sum->largest_mib ? x->used_largest_mib : sum->largest_mib;
    sum->blind |= x->used_largest_mib == 0;
}

static struct service_sums *sum_services(const struct tick_samples *t, const struct plan *p)
{
    const struct snapshot *s = t->s;
    struct service_sums *sums = arena_array(t->a, struct service_sums, s->service_count + 1);
    for (size_t i = 0; i < p->demand_count; i++)
        if (p->demands[i].service >= 0)
            sums[p->demands[i].service].waiting += p->demands[i].missing;
    for (size_t i = 0; i < s->instance_count; i++)
        for (size_t k = 0; k < s->instances[i].holding_count; k++) {
            const struct holding *h = &s->instances[i].holdings[k];
            const struct shape *x = h->shape >= 0 ? &s->shapes[h->shape] : NULL;
            if (h->service >= 0)
                sum_use(&sums[h->service], x, h->running);
            if (h->service >= 0)
                sums[h->service].reserved = res_add(sums[h->service].reserved, res_scale(s->shapes[h->shape].need, h->running + h->pending + h->stopping));
        }
    return sums;
}

static void add_service(struct tick_samples *t, const struct service *x, const struct service_sums *sum)
{
    int shape = x->primary >= 0 ? x->deployments[x->primary].shape : -1;
    add(t, SERIES_SERVICE_DESIRED, x->name, x->desired);
    add(t, SERIES_SERVICE_RUNNING, x->name, x->running);
    add(t, SERIES_SERVICE_PENDING, x->name, x->pending);
    if (known(t, FROM_NEED))
        add(t, SERIES_SERVICE_WAITING, x->name, sum->waiting);
    if (known(t, FROM_NEED) && shape >= 0 && t->s->shapes[shape].known) {
        add(t, SERIES_SERVICE_NEED_CPU_UNITS, x->name, x->desired * t->s->shapes[shape].need.v[RES_CPU]);
        add(t, SERIES_SERVICE_NEED_MEMORY_MIB, x->name, x->desired * t->s->shapes[shape].need.v[RES_MEMORY]);
    }
    if (known(t, FROM_NEED | KNOWN(TASKS))) {
        add(t, SERIES_SERVICE_RESERVED_CPU_UNITS, x->name, sum->reserved.v[RES_CPU]);
        add(t, SERIES_SERVICE_RESERVED_MEMORY_MIB, x->name, sum->reserved.v[RES_MEMORY]);
    }
}

static void add_use(struct tick_samples *t, const struct service *x, const struct service_sums *sum, struct res *all)
{
    if (t->s->usage.state != SOURCE_OK || !known(t, FROM_NEED | KNOWN(TASKS)) || sum->unmeasured || x->running == 0)
        return;
    add(t, SERIES_SERVICE_USED_CPU_UNITS, x->name, sum->used.v[RES_CPU]);
    add(t, SERIES_SERVICE_USED_MEMORY_MIB, x->name, sum->used.v[RES_MEMORY]);
    if (!sum->blind)
        add(t, SERIES_SERVICE_LARGEST_MEMORY_MIB, x->name, history_coarse_mib(sum->largest_mib));
    *all = res_add(*all, sum->used);
}

static void add_services(struct tick_samples *t, const struct plan *p)
{
    int64_t desired = 0, running = 0;
    struct res used = {{0}};
    if (!known(t, FROM_SERVICES))
        return;
    const struct service_sums *sums = sum_services(t, p);
    for (size_t i = 0; i < t->s->service_count; i++) {
        const struct service *x = &t->s->services[i];
        if (!x->on_ec2 || x->kind != SERVICE_REPLICA)
            continue;  // a daemon's tasks are as many as the instances
        add_service(t, x, &sums[i]);
        add_use(t, x, &sums[i], &used);
        desired += x->desired;
        running += x->running;
    }
    if (!res_is_zero(used)) {
        add(t, SERIES_USED_CPU_UNITS, "", used.v[RES_CPU]);
        add(t, SERIES_USED_MEMORY_MIB, "", used.v[RES_MEMORY]);
    }
    add(t, SERIES_DESIRED_TASKS, "", desired);
    add(t, SERIES_RUNNING_TASKS, "", running);
}

// ---- pools ----------------------------------------------------------------------------------------------------------------

struct pool_sums {
    int fleet;
    const char *type, *zone;
    int64_t spot, on_demand, spot_usd_micro;
};

static int by_place(const void *x, const void *y)
{
    const struct pool_sums *a = x, *b = y;
    int order = a->fleet != b->fleet ? (a->fleet > b->fleet) - (a->fleet < b->fleet) : strcmp(a->type, b->type);
    return order != 0 ? order : strcmp(a->zone, b->zone);
}

static bool is_member(const struct instance *x)
{
    return x->fleet >= 0 && x->ec2 != EC2_TERMINATED && x->ec2 != EC2_SHUTTING_DOWN;
}

// Sorted; overrides that differ in their subnet only are one pool, and a member of no pool that the fleet names has one of its own.
static size_t sum_pools(const struct tick_samples *t, struct pool_sums **ret)
{
    const struct snapshot *s = t->s;
    size_t most = s->instance_count, count = 0, kept = 0;
    for (size_t f = 0; f < s->fleet_count; f++)
        most += s->fleets[f].pool_count;
    struct pool_sums *v = *ret = arena_array(t->a, struct pool_sums, most + 1);
    for (size_t f = 0; f < s->fleet_count; f++)
        for (size_t k = 0; k < s->fleets[f].pool_count; k++) {
            const struct fleet_pool *p = &s->fleets[f].pools[k];
            int64_t usd_micro = p->spot_usd_micro > 0 ? p->spot_usd_micro : p->type >= 0 ? s->types[p->type].spot_usd_micro : 0;
            v[count++] = (struct pool_sums){(int)f, p->type_name ? p->type_name : "", p->zone ? p->zone : "", 0, 0, usd_micro};
        }
    for (size_t i = 0; i < s->instance_count; i++) {
        const struct instance *x = &s->instances[i];
        if (is_member(x))
            v[count++] = (struct pool_sums){x->fleet, x->type, x->zone, x->spot, !x->spot, 0};
    }
    if (count > 0)
        qsort(v, count, sizeof *v, by_place);
    for (size_t i = 0; i < count; i++) {
        struct pool_sums *last = kept > 0 ? &v[kept - 1] : NULL;
        if (last && by_place(last, &v[i]) == 0) {
            last->spot += v[i].spot;
            last->on_demand += v[i].on_demand;
            last->spot_usd_micro = last->spot_usd_micro > v[i].spot_usd_micro ? last->spot_usd_micro : v[i].spot_usd_micro;
        } else {
            v[kept++] = v[i];
        }
    }
    return kept;
}

static const char *pool_name(const struct tick_samples *t, int fleet, const char *type, const char *zone)
{
    return arena_printf(t->a, "%s %s %s", fleet_name(&t->s->fleets[fleet]), type, *zone ? zone : "any");
}

static void add_pools(struct tick_samples *t)
{
    struct pool_sums *v;
    if (!known(t, FROM_FLEETS))
        return;
    size_t count = sum_pools(t, &v);
    for (size_t i = 0; i < count; i++) {
        const char *name = pool_name(t, v[i].fleet, v[i].type, v[i].zone);
        add(t, SERIES_POOL_SPOT_INSTANCES, name, v[i].spot);
        add(t, SERIES_POOL_ON_DEMAND_INSTANCES, name, v[i].on_demand);
        if (v[i].spot_usd_micro > 0)
            add(t, SERIES_POOL_SPOT_USD_MICRO_PER_HOUR, name, v[i].spot_usd_micro);
    }
}

// What runs into the policy's max, the account's quota or the end of a subnet; the limit itself is asked for when it is compared.
static void add_limits(struct tick_samples *t)
{
    if (!known(t, FROM_FLEETS))
        return;
    for (size_t i = 0; i < t->s->fleet_count; i++)
        if (t->s->fleets[i].found)
            add(t, SERIES_LIMIT_USED, history_limit_fleet(t->a, &t->s->fleets[i]), t->s->fleets[i].target);
    for (size_t i = 0; i < t->s->quota_count; i++)
        if (t->s->quotas[i].limit_vcpus > 0)
            add(t, SERIES_LIMIT_USED, history_limit_quota(t->a, &t->s->quotas[i]), t->s->quotas[i].used_vcpus);
    for (size_t i = 0; i < t->s->subnet_count; i++)
        add(t, SERIES_LIMIT_USED, history_limit_subnet(t->a, &t->s->subnets[i]), t->s->subnets[i].addresses - t->s->subnets[i].free);
}

static void add_boots(struct tick_samples *t, int64_t since_ms)
{
    for (size_t i = 0; since_ms > 0 && i < t->s->instance_count; i++) {
        const struct instance *x = &t->s->instances[i];
        if (x->registered_ms <= since_ms || x->launched_ms <= 0 || x->registered_ms < x->launched_ms)
            continue;
        add(t, SERIES_BOOT_MS, "", x->registered_ms - x->launched_ms);
        if (x->fleet >= 0)
            add(t, SERIES_POOL_BOOT_MS, pool_name(t, x->fleet, x->type, x->zone), x->registered_ms - x->launched_ms);
    }
}

size_t state_samples_of_tick(const struct snapshot *s, const struct plan *p, int64_t since_ms, struct arena *a, struct state_sample **ret)
{
    struct tick_samples t = {.s = s, .a = a};
    add_cluster(&t, &p->summary);
    if (s) {
        if (s->overflow.state == SOURCE_OK)
            add(&t, SERIES_OVERFLOW, "", snapshot_overflows(s));
        add_services(&t, p);
        add_pools(&t);
        add_limits(&t);
        add_boots(&t, since_ms);
    }
    *ret = t.v;
    return t.count;
}
