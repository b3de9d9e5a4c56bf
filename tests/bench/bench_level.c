// The level rule on a demand, in the fluid model that it was designed in: what it costs over the clairvoyant bound at which waiting, beside what
// a reactive rule does.
//
// usage: bench_level SERIES [MEAN_INSTANCES] | bench_level --generated white|walk|stops SEED
// JSON: {"series", "bound_h", "points": [{"lambda", "waiting", "cost"}], "reactive": [{"headroom", "hold_s", "waiting", "cost"}]}.
//
// Demand is scaled to a mean of 25 instances of 8 tasks, linear between the rows, whole tasks on a grid of 10 s; a decision every 30 s, 120 s
// of boot, one size, free migration, billed by the second from the launch. At most 16 days; the first three (two of a series shorter than
// six) are history alone. Waiting: the share of needed instance-time that has no instance; cost: billed over the bound. The reactive rule has
// what is wanted now and some more of it, for so long as it was wanted within the hold.
//
// Generated, eight days from a seed: `white`, each 30 s on its own; `walk`, each 30 s a step up or down; `stops`, a day that repeats with a
// little noise until half of what is judged is over, and then no day like another.
#include <math.h>
#include <stdio.h>

#include "base/check.h"
#include "base/parse.h"
#include "base/rng.h"
#include "base/text.h"
#include "planner/forecast/level.h"
#include "planner/sim/bound.h"
#include "planner/sim/workload.h"
#include "scaler/record.h"

enum { GRID_S = 10, TICK_S = 30, BOOT_S = 120, PER = 8, DAY_S = 86400, DAYS_MAX = 16, BOOTING_MAX = 16, MOST = 20000 };
enum { LAMBDAS = 22, HEADROOMS = 14, HOLDS = 4, REACTIVES = HEADROOMS * HOLDS, RULES = LAMBDAS + REACTIVES, HOLD_TICKS_MAX = 31 };
enum { GENERATED_DAYS = 8, GENERATED_MEAN = 200 };
static const double lambdas[LAMBDAS] = {1.05, 1.2, 1.6, 2, 3, 4, 5, 7, 11, 14, 18, 23, 30, 40, 50, 90, 150, 250, 400, 700, 1200, 2500};
static const double headrooms[HEADROOMS] = {0, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.14, 0.2, 0.3, 0.4, 0.5, 0.7, 1};
static const int64_t holds_s[HOLDS] = {0, 60, 300, 900};

struct run {
    struct level_rule rule;          // lambda 0: the reactive rule
    struct level_memory memory;
    double headroom;
    int64_t hold_s;
    int wanted[HOLD_TICKS_MAX];      // of the reactive rule, by tick
    int running, booting[BOOTING_MAX], booting_count;
    int64_t ready_s[BOOTING_MAX];
    double billed_s, waited_s;
};

// ---- the fluid model ------------------------------------------------------------------------------------------------------

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

static struct level_answer react(struct run *r, double demand, int64_t at_s)
{
    int64_t tick = at_s / TICK_S, ticks = r->hold_s / TICK_S + 1;
    int up = (int)ceil(demand * (1 + r->headroom) / PER), keep = up;
    r->wanted[tick % HOLD_TICKS_MAX] = up;
    for (int64_t k = 1; k < ticks && k <= tick; k++)
        keep = r->wanted[(tick - k) % HOLD_TICKS_MAX] > keep ? r->wanted[(tick - k) % HOLD_TICKS_MAX] : keep;
    return (struct level_answer){.up = up, .keep = keep};
}

static void decide(struct run *r, const struct bank *b, double demand, int64_t at_s)
{
    struct level_answer a = r->rule.lambda > 0 ? level_decide(&r->rule, b, demand, &r->memory) : react(r, demand, at_s);
    int have = r->running + all_booting(r);
    if (have < a.up) {
        assert(r->booting_count < BOOTING_MAX);
        r->booting[r->booting_count] = a.up - have;
        r->ready_s[r->booting_count++] = at_s + BOOT_S;
    }
    if (r->running > a.keep)
        r->running = a.keep;
}

static void begin(struct run *run)
{
    for (int i = 0; i < LAMBDAS; i++)
        run[i] = (struct run){.rule = {.lambda = lambdas[i], .phi = 0.3, .per_instance = PER, .boot_s = BOOT_S, .most = MOST, .memory = 1}};
    for (int i = 0; i < REACTIVES; i++)
        run[LAMBDAS + i] = (struct run){.headroom = headrooms[i / HOLDS], .hold_s = holds_s[i % HOLDS]};
}

static void print(const char *name, const struct run *run, double needed_s, double bound_s)
{
    printf("{\"series\": \"%s\", \"bound_h\": %.3f, \"points\": [", name, bound_s / 3600);
    for (int k = 0; k < LAMBDAS; k++)
        printf("%s{\"lambda\": %g, \"waiting\": %.6f, \"cost\": %.6f}", k ? ", " : "", lambdas[k], run[k].waited_s / needed_s, run[k].billed_s / bound_s);
    printf("], \"reactive\": [");
    for (int k = LAMBDAS; k < RULES; k++)
        printf("%s{\"headroom\": %g, \"hold_s\": %d, \"waiting\": %.6f, \"cost\": %.6f}", k > LAMBDAS ? ", " : "", run[k].headroom, (int)run[k].hold_s,
               run[k].waited_s / needed_s, run[k].billed_s / bound_s);
    printf("]}\n");
}

static void measure(const char *name, const int32_t *tasks, size_t n, struct arena *a)
{
    struct run run[RULES];
    size_t history = (size_t)((int64_t)n * GRID_S >= 6 * DAY_S ? 3 : 2) * DAY_S / GRID_S;
    int32_t *need = arena_array(a, int32_t, n);
    double needed_s = 0;
    struct bank *b = bank_new(a, TICK_S, BOOT_S);
    begin(run);
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
    print(name, run, needed_s, bound_one_size(need + history, n - history, GRID_S, BOOT_S));
}

// ---- demand -----------------------------------------------------------------------------------------------------------------

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

enum { TICKS = GENERATED_DAYS * DAY_S / TICK_S, TICKS_A_DAY = DAY_S / TICK_S, KNOTS = 48, STOPS_AT = TICKS_A_DAY * 11 / 2 };

static void generate_white(struct rng *rng, double *v)
{
    for (int i = 0; i < TICKS; i++)
        v[i] = 1 + 0.15 * rng_normal(rng);
}

// Of logarithms, drawn back to the mean so slowly that a day does not show it.
static void generate_walk(struct rng *rng, double *v)
{
    double x = 0;
    for (int i = 0; i < TICKS; i++) {
        x += 0.01 * rng_normal(rng) - x / (3 * TICKS_A_DAY);
        v[i] = exp(x);
    }
}

// A day by half-hourly knots, linear between them: the same one until it stops, from then on another each day.
static void generate_stops(struct rng *rng, double *v)
{
    double day[KNOTS + 1];
    for (int i = 0; i < TICKS; i++) {
        if (i == 0 || (i >= STOPS_AT && i % TICKS_A_DAY == STOPS_AT % TICKS_A_DAY))
            for (int k = 0; k <= KNOTS; k++)
                day[k] = 0.4 + 1.2 * rng_double(rng);
        double at = (double)(i % TICKS_A_DAY) * KNOTS / TICKS_A_DAY;
        int k = (int)at;
        v[i] = (day[k] + (at - k) * (day[(k + 1) % KNOTS] - day[k])) * (1 + 0.02 * rng_normal(rng));
    }
}

static int32_t *generate(const char *kind, int64_t seed, struct arena *a, size_t *ret_count)
{
    static const struct {
        const char *name;
        void (*fill)(struct rng *rng, double *v);
    } kinds[] = {{"white", generate_white}, {"walk", generate_walk}, {"stops", generate_stops}};
    size_t n = (size_t)TICKS * TICK_S / GRID_S;
    double *v = arena_array(a, double, TICKS), sum = 0;
    int32_t *tasks = NULL;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct rng rng;
        if (strcmp(kinds[k].name, kind) != 0)
            continue;
        rng_init(&rng, (uint64_t)seed);
        kinds[k].fill(&rng, v);
        tasks = arena_array(a, int32_t, n);
    }
    if (!tasks)
        return NULL;
    for (int i = 0; i < TICKS; i++)
        sum += v[i];
    for (size_t i = 0; i < n; i++)
        tasks[i] = (int32_t)lround(fmax(0, v[i * GRID_S / TICK_S] * GENERATED_MEAN * TICKS / sum));
    *ret_count = n;
    return tasks;
}

int main(int argc, char **argv)
{
    struct arena a;
    size_t n = 0;
    int64_t seed = 0;
    double mean = 25;
    bool generated = argc == 4 && strcmp(argv[1], "--generated") == 0 && parse_i64(slice_of(argv[3]), &seed);
    if (!generated && (argc < 2 || argc > 3 || (argc == 3 && !parse_double(slice_of(argv[2]), &mean))))
        return 64;
    arena_init(&a, 0);
    int32_t *tasks = generated ? generate(argv[2], seed, &a, &n) : read_demand(argv[1], mean, &a, &n);
    if (!tasks)
        return 1;
    measure(generated ? argv[2] : argv[1], tasks, n, &a);
    arena_release(&a);
    return 0;
}
