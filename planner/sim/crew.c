#include "planner/sim/crew.h"

#include <math.h>

#include "planner/sim/world_internal.h"

static bool is_member(const struct world_instance *i)
{
    return i->used && i->fleet == 0 && i->state.now <= WL_RUNNING;
}

static bool stays(const struct world_instance *i)
{
    return is_member(i) && i->status.now == WE_ACTIVE && i->notice_ms == 0;
}

static bool of_ours(const struct world_instance *i)
{
    return is_member(i) && i->status.now == WE_DRAINING && i->notice_ms == 0;
}

// Not-STOPPED tasks that are no daemons.
static int tasks_on(const struct world *w, const struct world_instance *i)
{
    int n = 0;
    for (int t = i->first_task; t >= 0; t = w->tasks[t].next_of_instance)
        n += task_alive(&w->tasks[t]) && !task_daemon(w, &w->tasks[t]);
    return n;
}

static bool coming(const struct world_instance *i)
{
    return is_member(i) && i->notice_ms == 0 && i->status.now < WE_ACTIVE;
}

static int64_t units(const struct world_instance *i)
{
    return (i->weight_milli + 999) / 1000;
}

// ---- what it knows ----------------------------------------------------------------------------------------------------------

// What a unit of the fleet has for tasks: of the members there are, else of what the fleet may launch.
static void capacity_of_unit(const struct world *w, double ret[RES_COUNT], double *ret_one)
{
    double weights = 0, count = 0, sum[RES_COUNT] = {0};
    for (size_t n = 0; n < w->instance_count; n++) {
        const struct world_instance *i = &w->instances[n];
        if (!stays(i))
            continue;
        weights += (double)i->weight_milli / 1000;
        count++;
        for (int k = 0; k < RES_COUNT; k++)
            sum[k] += (double)i->registered.v[k];
    }
    const struct world_fleet *f = &w->fleets[0];
    for (int o = 0; count == 0 && o < f->override_count; o++) {
        struct res r = machine_registers(&w->types[f->overrides[o].type], &w->templates[f->template]);
        weights += (double)f->overrides[o].weight_milli / 1000;
        for (int k = 0; k < RES_COUNT; k++)
            sum[k] += (double)r.v[k];
    }
    for (int k = 0; k < RES_COUNT; k++)
        ret[k] = sum[k] / weights;
    *ret_one = count > 0 ? weights / count : weights / f->override_count;
}

static struct res wanted(const struct world *w)
{
    struct res sum = {{0}};
    for (size_t s = 0; s < w->service_count; s++)
        if (!w->services[s].daemon)
            sum = res_add(sum, res_scale(w->taskdefs[world_service_taskdef(&w->services[s])].need, w->services[s].desired));
    for (size_t n = 0; w->batch_count > 0 && n < w->batch_count; n++)
        sum = res_add(sum, w->taskdefs[w->batch[n].taskdef].need);
    for (size_t n = 0; w->o.batch_per_hour > 0 && n < w->task_count; n++)
        if (w->tasks[n].service < 0 && task_wanted(&w->tasks[n]))
            sum = res_add(sum, w->tasks[n].need);
    return sum;
}

void crew_look(const struct crew *c, struct crew_facts *ret)
{
    const struct world *w = c->w;
    double unit[RES_COUNT], one;
    int64_t cpu = 0, memory = 0;
    struct res want = wanted(w);
    *ret = (struct crew_facts){.now_ms = w->now_ms};
    capacity_of_unit(w, unit, &one);
    ret->unit_of_one = (int64_t)fmax(1, floor(one + 0.5));
    for (int k = 0; k < RES_COUNT; k++)
        if (want.v[k] > 0 && unit[k] > 0)
            ret->need = fmax(ret->need, (double)want.v[k] / unit[k]);
    for (size_t n = 0; n < w->instance_count; n++) {
        const struct world_instance *i = &w->instances[n];
        ret->active += stays(i) ? units(i) : 0;
        ret->coming += coming(i) ? units(i) : 0;
        ret->draining += of_ours(i) ? units(i) : 0;
        cpu += stays(i) ? i->registered.v[RES_CPU] : 0;
        memory += stays(i) ? i->registered.v[RES_MEMORY] : 0;
    }
    ret->coming += w->fleets[0].open_milli / 1000;
    ret->cpu_share = cpu > 0 ? (double)want.v[RES_CPU] / (double)cpu : want.v[RES_CPU] > 0;
    ret->memory_share = memory > 0 ? (double)want.v[RES_MEMORY] / (double)memory : want.v[RES_MEMORY] > 0;
}

// ---- what it does -----------------------------------------------------------------------------------------------------------

static void set_target(struct crew *c, int64_t target)
{
    struct world_fleet *f = &c->w->fleets[0];
    if (target != f->wanted && f->state.now == WF_ACTIVE)
        world_modify_spot_fleet(c->w, WORLD_PERSON, 0, target, -1, WX_NO_TERMINATION);
}

void crew_tidy(struct crew *c)
{
    struct world *w = c->w;
    for (size_t n = 0; n < w->instance_count; n++) {
        int at = (int)n;
        const struct world_instance *i = &w->instances[n];
        if (is_member(i) && i->notice_ms > 0 && i->status.now == WE_ACTIVE)
            world_set_container_instance_state(w, WORLD_PERSON, 0, at, WE_DRAINING);
        else if (of_ours(i) && tasks_on(w, i) == 0 && w->fleets[0].wanted * 1000 <= w->fleets[0].fulfilled_milli - i->weight_milli)
            world_terminate(w, WORLD_PERSON, &at, 1);
    }
}

static int best_undo(const struct world *w)
{
    int best = -1;
    for (size_t n = 0; n < w->instance_count; n++)
        if (of_ours(&w->instances[n]) && (best < 0 || tasks_on(w, &w->instances[n]) > tasks_on(w, &w->instances[best])))
            best = (int)n;
    return best;
}

static int best_victim(const struct world *w, int64_t spare)
{
    int best = -1, fewest = 0;
    int64_t dearest = 0;
    for (size_t n = 0; n < w->instance_count; n++) {
        const struct world_instance *i = &w->instances[n];
        if (!stays(i) || units(i) > spare)
            continue;
        int tasks = tasks_on(w, i);
        int64_t price = w->pools[i->pool].spot_usd_micro * 1000 / i->weight_milli;
        if (best < 0 || tasks < fewest || (tasks == fewest && price > dearest)) {
            best = (int)n;
            fewest = tasks;
            dearest = price;
        }
    }
    return best;
}

void crew_order(struct crew *c, int64_t up, int64_t keep)
{
    struct world *w = c->w;
    struct crew_facts f;
    crew_look(c, &f);
    for (int n; f.active + f.coming < up && (n = best_undo(w)) >= 0; f.active += units(&w->instances[n])) {
        world_set_container_instance_state(w, WORLD_PERSON, 0, n, WE_ACTIVE);
        f.draining -= units(&w->instances[n]);
    }
    for (int n; f.active > keep && (n = best_victim(w, f.active - keep)) >= 0; f.active -= units(&w->instances[n])) {
        world_set_container_instance_state(w, WORLD_PERSON, 0, n, WE_DRAINING);
        f.draining += units(&w->instances[n]);
        c->drains++;
    }
    int64_t doomed = 0;
    for (size_t n = 0; n < w->instance_count; n++)
        doomed += is_member(&w->instances[n]) && w->instances[n].notice_ms > 0 ? units(&w->instances[n]) : 0;
    // The fleet replaces what goes while its target asks for it: the doomed and the draining are in the target only while more is wanted.
    bool more = f.active + f.coming < up;
    int64_t stay = f.active + f.coming;
    if (more)
        set_target(c, up + f.draining + doomed);
    else if (w->fleets[0].open_milli == 0)  // a lower target would take back what is ordered and not launched yet
        set_target(c, stay);
}
