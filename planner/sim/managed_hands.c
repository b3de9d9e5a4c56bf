// What ECS managed scaling sees of a group, and what it does to it.
#include <string.h>

#include "planner/sim/group_internal.h"
#include "planner/sim/managed.h"

static bool runs(const struct world_instance *i)
{
    return i->used && i->fleet == 0 && i->state.now == WL_RUNNING && i->member.state.now == WM_IN_SERVICE;
}

static bool is_empty(const struct world *w, const struct world_instance *i)
{
    for (int t = i->first_task; t >= 0; t = w->tasks[t].next_of_instance)
        if (task_alive(&w->tasks[t]) && !task_daemon(w, &w->tasks[t]))
            return false;
    return true;
}

static void look_types(const struct world *w, struct managed_facts *f)
{
    const struct world_fleet *group = &w->fleets[0];
    for (int o = 0; o < group->override_count; o++) {
        struct res r = machine_registers(&w->types[group->overrides[o].type], &w->templates[group->template]);
        for (int k = 0; k < RES_COUNT; k++) {
            f->largest.v[k] = r.v[k] > f->largest.v[k] ? r.v[k] : f->largest.v[k];
            f->smallest.v[k] = o == 0 || r.v[k] < f->smallest.v[k] ? r.v[k] : f->smallest.v[k];
        }
    }
}

static void look_waiting(const struct world *w, struct managed_facts *f)
{
    for (size_t n = 0; n < w->task_count; n++) {
        const struct world_task *t = &w->tasks[n];
        if (!task_wanted(t) || t->instance >= 0 || t->provider < 0)
            continue;
        size_t g = 0;
        while (g < f->waiting_count && memcmp(&f->waiting[g].need, &t->need, sizeof t->need) != 0)
            g++;
        if (g == MANAGED_GROUPS_MAX)
            continue;
        f->waiting[g].need = t->need;
        f->waiting[g].tasks++;
        f->waiting_count += g == f->waiting_count;
    }
}

int64_t managed_act(struct managed *m, struct world *w)
{
    struct managed_facts f = {0};
    int64_t members = 0, ended = 0;
    for (size_t n = 0; n < w->instance_count; n++) {
        const struct world_instance *i = &w->instances[n];
        members += i->fleet == 0 && machine_counts(w, i);
        f.running += runs(i);
        f.warming += i->fleet == 0 && machine_counts(w, i) && (!runs(i) || w->now_ms - i->running_ms < m->warmup_ms);
        f.empty += runs(i) && i->status.now == WE_ACTIVE && is_empty(w, i);
    }
    look_types(w, &f);
    look_waiting(w, &f);
    struct managed_answer a = managed_minute(m, &f);
    if (a.desired > f.running && a.desired > w->fleets[0].wanted)
        world_group_desired(w, WORLD_PERSON, 0, a.desired, false);
    for (size_t n = 0; n < w->instance_count && ended < a.end; n++) {
        const struct world_instance *i = &w->instances[n];
        const char *why;
        if (runs(i) && i->status.now == WE_ACTIVE && is_empty(w, i))
            ended += world_group_terminate(w, WORLD_PERSON, (int)n, true, &why) == WORLD_OK;
    }
    return ended;
}
