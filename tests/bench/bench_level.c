// The level rule on a recorded demand, in the fluid model that it was designed in: what it costs over the clairvoyant bound at which waiting.
//
// usage: bench_level SERIES [MEAN_INSTANCES [SEED_OF_NOISE]]; JSON: {"series", "bound_h", "points": [{"lambda", "waiting", "cost"}]}.
// Demand is scaled to a mean of 25 instances of 8 tasks, linear between the rows, whole tasks on a grid of 10 s; a decision every 30 s, 120 s
// of boot, one size, free migration, billed by the second from the launch. At most 16 days; the first three (two of a series shorter than
// six) are history alone. Waiting: the share of needed instance-time that has no instance; cost: billed over the bound.
#include <math.h>
#include <stdio.h>

#include "base/check.h"
#include "base/parse.h"
#include "base/text.h"
#include "planner/forecast/level.h"
#include "planner/sim/bound.h"
#include "planner/sim/workload.h"
#include "scaler/record.h"

enum { GRID_S = 10, TICK_S = 30, BOOT_S = 120, PER = 8, DAY_S = 86400, DAYS_MAX = 16, BOOTING_MAX = 16, RULES = 22, MOST = 20000 };
static const double lambdas[RULES] = {1.05, 1.2, 1.6, 2, 3, 4, 5, 7, 11, 14, 18, 23, 30, 40, 50, 90, 150, 250, 400, 700, 1200, 2500};

struct run {
    struct level_rule rule;
    struct level_memory memory;
    int running, booting[BOOTING_MAX], booting_count;
    int64_t ready_s[BOOTING_MAX];
    double billed_s, waited_s;
};

static int all_booting(const struct run *r)
{
    int n = 0;
    for (int i = 0; i < r->booting_count; i++)
        n += r->booting[i];
    return n;
}

static void advance(struct run *r, int64_t at_s)
{
    int kept = 0;
    for (int i = 0; i < r->booting_count; i++) {
        if (r->ready_s[i] <= at_s) {
            r->running += r->booting[i];
            continue;
        }
        r->booting[kept] = r->booting[i];
        r->ready_s[kept++] = r->ready_s[i];
    }
    r->booting_count = kept;
}

static void decide(struct run *r, const struct bank *b, double demand, int64_t at_s)
{
    struct level_answer a = level_decide(&r->rule, b, demand, &r->memory);
    int have = r->running + all_booting(r);
    if (have < a.up) {
        assert(r->booting_count < BOOTING_MAX);
        r->booting[r->booting_count] = a.up - have;
        r->ready_s[r->booting_count++] = at_s + BOOT_S;
    }
    if (r->running > a.keep)
        r->running = a.keep;
}

static int32_t *read_demand(const char *path, double mean_instances, struct arena *a, size_t *ret_count)
{
    struct slice text;
    struct workload_trace t;
    struct err err = {0};
    if (record_read(path, a, &text, &err) != 0 || workload_trace_parse(text, path, a, &t, &err) != 0) {
        fprintf(stderr, "bench_level: %s\n", err.msg);
        return NULL;
    }
    int64_t span_s = t.at_s[t.count - 1] - t.at_s[0] + t.step_s;
    span_s = span_s > DAYS_MAX * DAY_S ? DAYS_MAX * DAY_S : span_s;
    size_t n = (size_t)(span_s / GRID_S);
    int32_t *tasks = arena_array(a, int32_t, n);
    for (size_t i = 0; i < n; i++)
        tasks[i] = (int32_t)lround(workload_trace_at(&t, (int64_t)i * GRID_S * 1000, mean_instances * PER));
    *ret_count = n;
    return tasks;
}

int main(int argc, char **argv)
{
    struct arena a;
    struct run run[RULES];
    size_t n = 0;
    arena_init(&a, 0);
    double mean = 25;
    if (argc < 2 || (argc > 2 && !parse_double(slice_of(argv[2]), &mean)))
        return 64;
    int32_t *tasks = read_demand(argv[1], mean, &a, &n);
    if (!tasks)
        return 1;
    size_t history = (size_t)((int64_t)n * GRID_S >= 6 * DAY_S ? 3 : 2) * DAY_S / GRID_S;
    int32_t *need = arena_array(&a, int32_t, n);
    double needed_s = 0;
    struct bank *b = bank_new(&a, TICK_S, BOOT_S);
    for (int i = 0; i < RULES; i++)
        run[i] = (struct run){.rule = {.lambda = lambdas[i], .phi = 0.3, .per_instance = PER, .boot_s = BOOT_S, .most = MOST, .memory = 1}};
    for (size_t i = 0; i < n; i++) {
        int64_t at_s = (int64_t)i * GRID_S;
        need[i] = (tasks[i] + PER - 1) / PER;
        bool tick = at_s % TICK_S == 0, judged = i >= history;
        if (tick)
            bank_push(b, tasks[i]);
        needed_s += judged ? (double)need[i] * GRID_S : 0;
        for (int k = 0; judged && k < RULES; k++) {
            struct run *r = &run[k];
            if (i == history) {
                r->running = need[i];
                r->billed_s = (double)need[i] * BOOT_S;
            }
            advance(r, at_s);
            if (tick)
                decide(r, b, tasks[i], at_s);
            r->billed_s += (double)(r->running + all_booting(r)) * GRID_S;
            r->waited_s += need[i] > r->running ? (double)(need[i] - r->running) * GRID_S : 0;
        }
    }
    double bound = bound_one_size(need + history, n - history, GRID_S, BOOT_S);
    printf("{\"series\": \"%s\", \"bound_h\": %.3f, \"points\": [", argv[1], bound / 3600);
    for (int k = 0; k < RULES; k++)
        printf("%s{\"lambda\": %g, \"waiting\": %.6f, \"cost\": %.6f}", k ? ", " : "", lambdas[k], run[k].waited_s / needed_s, run[k].billed_s / bound);
    printf("]}\n");
    arena_release(&a);
    return 0;
}
