#include "planner/sim/course.h"

#include <math.h>

#include "planner/sim/world_internal.h"

enum { MINUTE_MS = 60000, ROUNDS = 3000 };

static void read_minute(const struct world *w, struct course *c, size_t at)
{
    double *demand = &c->demand[at * BOUND_RESOURCES], *price = &c->price[at * c->type_count];
    double most[BOUND_RESOURCES] = {0}, need = 0, least = INFINITY;
    for (size_t s = 0; s < w->service_count; s++) {
        struct res one = w->taskdefs[world_service_taskdef(&w->services[s])].need;
        demand[0] += (double)(one.v[RES_CPU] * w->services[s].desired);
        demand[1] += (double)(one.v[RES_MEMORY] * w->services[s].desired);
        c->task_s += 60.0 * w->services[s].desired;
    }
    const struct world_fleet *f = &w->fleets[0];
    for (size_t i = 0; i < c->type_count; i++) {
        int64_t cheapest = INT64_MAX;
        for (size_t p = 0; p < w->pool_count; p++)
            if (w->pools[p].type == f->overrides[i].type && w->pools[p].spot_usd_micro < cheapest)
                cheapest = w->pools[p].spot_usd_micro;
        price[i] = (double)cheapest / 60;
        least = fmin(least, (double)cheapest / 3600);
        for (int r = 0; r < BOUND_RESOURCES; r++)
            most[r] = fmax(most[r], c->capacity[i * BOUND_RESOURCES + (size_t)r]);
    }
    for (int r = 0; r < BOUND_RESOURCES; r++)
        need = fmax(need, demand[r] / most[r]);
    c->need[at] = (int32_t)ceil(need - 1e-9);
    c->least[at] = least;
    c->need_s += 60.0 * c->need[at];
}

int course_read(const struct scene *s, uint64_t seed, struct arena *a, struct course *ret, struct err *err)
{
    struct scene quiet = *s;
    struct world *w;
    quiet.batch_per_hour = 0;
    quiet.deployments_per_day = 0;
    int rc = scene_world(&quiet, seed, SCENE_NOTHING, a, &w, err);
    if (rc)
        return rc;
    const struct world_fleet *f = &w->fleets[0];
    *ret = (struct course){.minutes = (size_t)((s->for_ms - s->warmup_ms) / MINUTE_MS), .type_count = (size_t)f->override_count,
                           .boot_s = (double)s->boot_p50_ms / 2000};
    ret->demand = arena_array(a, double, ret->minutes * BOUND_RESOURCES + 1);
    ret->price = arena_array(a, double, ret->minutes * ret->type_count + 1);
    ret->need = arena_array(a, int32_t, ret->minutes + 1);
    ret->least = arena_array(a, double, ret->minutes + 1);
    for (size_t i = 0; i < ret->type_count; i++) {
        struct res r = machine_registers(&w->types[f->overrides[i].type], &w->templates[f->template]);
        ret->capacity[i * BOUND_RESOURCES] = (double)r.v[RES_CPU];
        ret->capacity[i * BOUND_RESOURCES + 1] = (double)r.v[RES_MEMORY];
    }
    world_advance(w, s->start_ms + s->warmup_ms);
    for (size_t at = 0; at < ret->minutes; at++) {
        read_minute(w, ret, at);
        world_advance(w, w->now_ms + MINUTE_MS);
    }
    world_free(w);
    return 0;
}

void course_levels(const struct course *c, double waiting_price, struct bound_point *ret)
{
    struct bound_levels b = {.need = c->need, .price = c->least, .count = c->minutes, .step_s = 60, .boot_s = c->boot_s, .free_start = true,
                             .waiting_price = waiting_price};
    bound_levels(&b, ret);
}

// Whether one resource is short in every minute, and all types have the same of it: then there is one size, and the levels are the bound.
static bool one_size(const struct course *c)
{
    double most[BOUND_RESOURCES] = {0};
    size_t n = c->type_count, scarce = 0;
    for (size_t k = 0; k < n * BOUND_RESOURCES; k++)
        most[k % BOUND_RESOURCES] = fmax(most[k % BOUND_RESOURCES], c->capacity[k]);
    for (size_t at = 0; at < c->minutes; at++) {
        const double *d = &c->demand[at * BOUND_RESOURCES];
        size_t now = d[1] * most[0] > d[0] * most[1];
        if (at > 0 && now != scarce)
            return false;
        scarce = now;
    }
    for (size_t i = 0; i < n; i++)
        if (c->capacity[i * BOUND_RESOURCES + scarce] < most[scarce])
            return false;
    return true;
}

double course_bound(const struct course *c, struct arena *a)
{
    struct bound_point by_levels;
    course_levels(c, 0, &by_levels);
    if (one_size(c))
        return by_levels.cost;
    struct bound_mix m = {.count = c->minutes, .type_count = c->type_count, .demand = c->demand, .capacity = c->capacity, .price = c->price,
                          .boot_steps = c->boot_s / 60, .free_start = true};
    return fmax(by_levels.cost, bound_mix(&m, ROUNDS, a, NULL));
}
