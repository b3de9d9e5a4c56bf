// V28, V36: notices are answered in time, and events only speed up.
#include <string.h>

#include "planner/sim/invariants_internal.h"

#define D2_MS 60000            // the last task of a service may keep a drain waiting so long
#define D3_MS 60000            // one that boots is seen ACTIVE by a look
#define SILENT_MS 300000       // after a plan in a mode that answers nothing

// ---- V28 ------------------------------------------------------------------------------------------------------------------
void inv_notice_read(struct invariants *inv, const struct world_view *v, int n)
{
    struct inv_instance *x = inv_of(inv, v, n);
    if (x->noticed_ms == 0)
        x->noticed_ms = v->now_ms;
}

// All of a service that is healthy stands on instances that were noticed, and ECS may stop the last of it.
static bool holds_the_last(const struct world_view *v, int n)
{
    for (int t = v->instances[n].first_task; t >= 0; t = v->tasks[t].next_of_instance) {
        int s = v->tasks[t].service;
        if (s < 0 || v->services[s].daemon || (v->services[s].desired * v->services[s].min_percent + 99) / 100 > 0)
            continue;
        bool stays = false;
        for (int k = v->services[s].first_task; k >= 0 && !stays; k = v->tasks[k].next_of_service)
            stays = v->tasks[k].used && v->tasks[k].last.now == WT_RUNNING && v->tasks[k].instance >= 0 &&
                    v->instances[v->tasks[k].instance].status.now == WE_ACTIVE && v->instances[v->tasks[k].instance].notice_ms == 0;
        if (!stays)
            return true;
    }
    return false;
}

static int64_t answer_due_ms(const struct invariants *inv, const struct world_view *v, int n)
{
    const struct world_instance *i = &v->instances[n];
    const struct inv_instance *x = &inv->instances[n];
    int64_t life_ms = inv_life_ms(inv, i->cluster), due_ms = (x->noticed_ms > life_ms ? x->noticed_ms : life_ms) + inv->o.notice_ms;
    if (i->registered_ms + D3_MS > i->notice_ms && i->registered_ms + D3_MS > due_ms)
        due_ms = i->registered_ms + D3_MS;
    if (x->registered_ms + inv->o.notice_ms > due_ms && x->registered_ms > i->registered_ms + D3_MS)
        due_ms = x->registered_ms + inv->o.notice_ms;  // looks failed until then
    if (holds_the_last(v, n) && i->notice_ms + D2_MS + inv->o.notice_ms > due_ms)
        due_ms = i->notice_ms + D2_MS + inv->o.notice_ms;
    return due_ms;
}

static bool judged(const struct invariants *inv, const struct world_view *v, int n)
{
    const struct inv_instance *x = &inv->instances[n];
    return inv->o.notice_ms > 0 && (inv_life_ms(inv, v->instances[n].cluster) > 0 || inv->plans == 0) && v->now_ms > inv->silent_until_ms && x->serial == v->instances[n].serial &&
           x->noticed_ms > 0 && !x->answered && (x->registered_ms > 0 || !inv->reads_known);
}

void inv_answered(struct invariants *inv, const struct world_view *v, const char *instance_id)
{
    int n = world_find_instance(inv->w, instance_id);
    if (n < 0 || !judged(inv, v, n))
        return;
    inv->instances[n].answered = true;
    int64_t late_ms = v->now_ms - answer_due_ms(inv, v, n);
    if (late_ms > 0 && v->instances[n].status.now == WE_ACTIVE)
        inv_tell(inv, V28, "drain of %s: its notice was told %" PRId64 " ms before, %" PRId64 " ms too late", instance_id,
                 v->now_ms - inv->instances[n].noticed_ms, late_ms);
}

void inv_notices_slow(struct invariants *inv, const struct world_view *v)
{
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (!i->used || i->notice_ms == 0 || i->fleet < 0 || i->state.now > WL_RUNNING || i->status.now != WE_ACTIVE || !judged(inv, v, n) ||
            v->now_ms <= answer_due_ms(inv, v, n))
            continue;
        inv->instances[n].answered = true;
        inv_tell(inv, V28, "%s: its notice was told %" PRId64 " ms ago, and it is not drained", i->id, v->now_ms - inv->instances[n].noticed_ms);
    }
}

void inv_plan_made(struct invariants *inv, const struct world_view *v, int cluster, bool sees, bool silent)
{
    if (silent)
        inv->silent_until_ms = v->now_ms + SILENT_MS;
    if (sees && cluster >= 0 && cluster < INV_CLUSTERS && inv->life_ms[cluster] == 0)
        inv->life_ms[cluster] = v->now_ms;
}

int64_t inv_life_ms(const struct invariants *inv, int cluster)
{
    return cluster >= 0 && cluster < INV_CLUSTERS ? inv->life_ms[cluster] : 0;
}

void inv_life_over(struct invariants *inv)
{
    memset(inv->life_ms, 0, sizeof inv->life_ms);
    for (size_t n = 0; n < inv->instance_cap; n++) {
        inv->instances[n].noticed_ms = 0;
        inv->instances[n].answered = false;
    }
}

// ---- V36 ------------------------------------------------------------------------------------------------------------------
struct rest {
    int members, active, draining;
};

static struct rest rest_of(const struct world_view *v, int fleet)
{
    struct rest r = {0};
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (!i->used || i->fleet != fleet || i->state.now > WL_RUNNING)
            continue;
        r.members++;
        r.active += i->status.now == WE_ACTIVE;
        r.draining += i->status.now == WE_DRAINING;
    }
    return r;
}

void invariants_same_rest(struct invariants *inv, const struct world *other)
{
    struct world_view v = world_view(inv->w), o = world_view(other);
    for (int f = 0; f < v.fleet_count && f < o.fleet_count; f++) {
        struct rest a = rest_of(&v, f), b = rest_of(&o, f);
        if (v.fleets[f].wanted != o.fleets[f].wanted || a.members != b.members || a.active != b.active || a.draining != b.draining)
            inv_tell(inv, V36, "%s: target %" PRId64 ", %d members, %d ACTIVE, %d DRAINING; with other events %" PRId64 ", %d, %d, %d", v.fleets[f].id,
                     v.fleets[f].wanted, a.members, a.active, a.draining, o.fleets[f].wanted, b.members, b.active, b.draining);
    }
    for (int s = 0; s < v.service_count && s < o.service_count; s++)
        if (v.services[s].running != o.services[s].running)
            inv_tell(inv, V36, "%s runs %d tasks, with other events %d", v.services[s].name, v.services[s].running, o.services[s].running);
}
