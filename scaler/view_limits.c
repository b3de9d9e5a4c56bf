#include "scaler/view_limits.h"

#include "base/check.h"
#include "planner/model/snapshot.h"
#include "scaler/view.h"

#define DAY_MS INT64_C(86400000)

size_t view_limits_of(const struct view_cluster *c, struct arena *a, struct view_limit **ret)
{
    const struct snapshot *s = c->snapshot;
    size_t n = 0;
    *ret = NULL;
    if (!c->ticked)
        return 0;
    struct view_limit *v = *ret = arena_array(a, struct view_limit, s->fleet_count + s->quota_count + s->subnet_count + 1);
    for (size_t i = 0; i < s->fleet_count; i++)
        if (c->bounds[i].max > 0)
            v[n++] = (struct view_limit){VIEW_LIMIT_FLEET, arena_strdup(a, fleet_name(&s->fleets[i])), history_limit_fleet(a, &s->fleets[i]), s->fleets[i].target, c->bounds[i].max};
    for (size_t i = 0; i < s->quota_count; i++) {
        const struct quota_class *q = &quota_classes[s->quotas[i].class_];
        if (s->quotas[i].limit_vcpus > 0)
            v[n++] = (struct view_limit){VIEW_LIMIT_QUOTA, arena_printf(a, "%s vCPUs, %s", q->name, q->code), history_limit_quota(a, &s->quotas[i]), s->quotas[i].used_vcpus, s->quotas[i].limit_vcpus};
    }
    for (size_t i = 0; i < s->subnet_count; i++) {
        const struct subnet *x = &s->subnets[i];
        v[n++] = (struct view_limit){VIEW_LIMIT_SUBNET, arena_strdup(a, x->id), history_limit_subnet(a, x), x->addresses - x->free, x->addresses};
    }
    return n;
}

int64_t view_limit_last_day_ms(int64_t now_ms)
{
    return (now_ms / DAY_MS - 1) * DAY_MS;
}

int view_limit_peaks(struct state_reader *r, int64_t cluster, const struct view_limit *x, int64_t now_ms, double ret[VIEW_LIMIT_DAYS], struct err *err)
{
    int64_t from_ms = view_limit_last_day_ms(now_ms) - (VIEW_LIMIT_DAYS - 1) * DAY_MS;
    return state_query_values(r, cluster, SERIES_LIMIT_USED, x->subject, from_ms, DAY_MS, VIEW_LIMIT_DAYS, ret, err);
}
