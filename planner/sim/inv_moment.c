#include "planner/sim/invariants_internal.h"

bool moment_wanted(const struct world_task *t, int64_t at_ms)
{
    return t->used && t->created_ms <= at_ms && (t->stopping_ms == 0 || t->stopping_ms > at_ms);
}

bool moment_healthy(const struct world_task *t, int64_t at_ms)
{
    return moment_wanted(t, at_ms) && t->healthy_ms > 0 && t->healthy_ms <= at_ms;
}

int64_t moment_desired(const struct world_service *s, int64_t at_ms)
{
    return s->daemon ? s->desired : world_seen(&s->desired_was, at_ms);
}

bool moment_in_deployment(const struct world_service *s, int64_t at_ms)
{
    const struct world_deployment *newest = &s->deployments[0];
    if (newest->created_ms > at_ms)
        return false;  // not begun yet; what was before is no longer told
    return s->deployment_count > 1 || !newest->completed || newest->updated_ms > at_ms;
}

int moment_healthy_count(const struct world_view *v, int service, int64_t at_ms)
{
    int n = 0;
    for (int t = v->services[service].first_task; t >= 0; t = v->tasks[t].next_of_service)
        n += moment_healthy(&v->tasks[t], at_ms);
    return n;
}

// C1: ECS can start one more first, or stop one first.
bool moment_movable(const struct world_view *v, int service, int64_t at_ms)
{
    const struct world_service *s = &v->services[service];
    int64_t desired = moment_desired(s, at_ms), placed = 0;
    for (int t = s->first_task; t >= 0; t = v->tasks[t].next_of_service)
        placed += moment_wanted(&v->tasks[t], at_ms);
    int64_t healthy = moment_healthy_count(v, service, at_ms);
    return desired * s->max_percent / 100 > placed || healthy > (desired * s->min_percent + 99) / 100;
}

bool moment_stays(const struct world_instance *i, int64_t at_ms)
{
    if (!i->used || i->created_ms > at_ms || world_seen(&i->status, at_ms) != WE_ACTIVE)
        return false;
    if (world_seen(&i->state, at_ms) != WL_RUNNING || (i->notice_ms > 0 && i->notice_ms <= at_ms))
        return false;
    return i->agent_connected || i->ended_ms > at_ms;
}
