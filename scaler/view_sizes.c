#include "scaler/view_sizes.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scaler/view.h"

enum { STEP_MS = 300000, HOUR_MS = 3600000, UNPACKED_HOURS = 3, STEPS = SIZES_DAYS * 86400000LL / STEP_MS };

static int by_service(const void *x, const void *y)
{
    return strcmp(((const struct view_size *)x)->service, ((const struct view_size *)y)->service);
}

struct view_sizes *view_sizes_new(const struct view_cluster *c, int64_t now_ms)
{
    struct view_sizes *s = calloc(1, sizeof *s);
    assert(s);
    atomic_init(&s->refs, 1);
    arena_init(&s->arena, 0);
    s->to_ms = (now_ms / HOUR_MS - UNPACKED_HOURS) * HOUR_MS;
    s->from_ms = s->to_ms - (int64_t)STEPS * STEP_MS;
    s->v = arena_array(&s->arena, struct view_size, c->service_count + 1);
    for (size_t i = 0; i < c->service_count; i++) {
        const struct service *x = &c->snapshot->services[c->services[i].index];
        int shape = x->primary >= 0 ? x->deployments[x->primary].shape : -1;
        bool known = shape >= 0 && c->snapshot->shapes[shape].known;
        s->v[s->count++] = (struct view_size){.service = arena_strdup(&s->arena, x->name), .daemon = x->kind == SERVICE_DAEMON, .shape_known = known,
                                              .task_cpu_units = known ? c->snapshot->shapes[shape].need.v[RES_CPU] : 0,
                                              .task_memory_mib = known ? c->snapshot->shapes[shape].need.v[RES_MEMORY] : 0,
                                              .requests_per_s = -1, .reserved_cpu_units = -1, .reserved_memory_mib = -1};
    }
    if (s->count > 0)
        qsort(s->v, s->count, sizeof *s->v, by_service);
    return s;
}

struct view_sizes *view_sizes_retain(struct view_sizes *s)
{
    if (s)
        atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void view_sizes_release(struct view_sizes *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_release(&s->arena);
    free(s);
}

const struct view_size *view_sizes_find(const struct view_sizes *s, const char *service)
{
    const struct view_size key = {.service = service};
    return s && s->count > 0 ? bsearch(&key, s->v, s->count, sizeof *s->v, by_service) : NULL;
}

// ---- from the history -------------------------------------------------------------------------------------------------------

// The mean of the steps where both are known; false: of none.
static bool mean_of(const double *v, const double *with, double *ret)
{
    double sum = 0, n = 0;
    for (size_t k = 0; k < STEPS; k++)
        if (isfinite(v[k]) && isfinite(with[k])) {
            sum += v[k];
            n++;
        }
    *ret = n > 0 ? sum / n : -1;
    return n > 0;
}

static void fill_requests(const struct view_sizes *s, struct view_size *x, struct state_reader *r, int64_t cluster)
{
    static const enum series series[] = {SERIES_SERVICE_REQUESTS_PER_MINUTE, SERIES_SERVICE_RESERVED_CPU_UNITS, SERIES_SERVICE_RESERVED_MEMORY_MIB};
    double *const means[] = {&x->requests_per_s, &x->reserved_cpu_units, &x->reserved_memory_mib};
    struct arena a;
    struct err err = {0};
    double *v[ARRAY_LEN(series)];
    bool known = true;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(series) && known; i++) {
        v[i] = arena_array(&a, double, STEPS);
        known = state_query_values(r, cluster, series[i], x->service, s->from_ms, STEP_MS, STEPS, v[i], &err) == 0 && mean_of(v[i], v[0], means[i]);
    }
    x->requests_per_s = x->requests_per_s < 0 ? -1 : x->requests_per_s / 60;
    arena_release(&a);
}

void view_sizes_fill(struct view_sizes *s, size_t index, struct state_reader *r, int64_t cluster)
{
    static const enum series series[] = {SERIES_SERVICE_USED_CPU_UNITS, SERIES_SERVICE_USED_MEMORY_MIB, SERIES_SERVICE_RESERVED_CPU_UNITS,
                                         SERIES_SERVICE_RESERVED_MEMORY_MIB, SERIES_SERVICE_RUNNING, SERIES_SERVICE_LARGEST_MEMORY_MIB};
    struct view_size *x = &s->v[index];
    struct arena a;
    struct err err = {0};
    double *v[ARRAY_LEN(series)];
    int rc = 0;
    bool any = false;
    assert(index < s->count);
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(series); i++) {
        v[i] = arena_array(&a, double, STEPS);
        for (size_t k = 0; k < STEPS; k++)
            v[i][k] = (double)NAN;
        if (rc == 0 && (i == 0 || any))  // without use the rest is of no interest
            rc = state_query_values(r, cluster, series[i], x->service, s->from_ms, STEP_MS, STEPS, v[i], &err);
        for (size_t k = 0; rc == 0 && k < STEPS; k++)
            any |= isfinite(v[i][k]);
    }
    fill_requests(s, x, r, cluster);
    const struct rightsize_ask ask = {v[0], v[1], v[2], v[3], v[4], v[5], STEPS, STEP_MS, x->task_cpu_units, x->task_memory_mib, x->shape_known};
    x->size = rightsize_of(&ask, &s->arena);
    if (x->daemon && x->size.samples == 0)
        x->size.fact = "a daemon runs on each instance, its use is not kept";
    if (rc)
        x->size = (struct rightsize){.fact = arena_printf(&s->arena, "the history cannot be read: %s", err.msg), .verdict = "no advice"};
    arena_release(&a);
}
