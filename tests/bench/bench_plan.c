// How long one plan takes, by size and case, beside a naive first fit over tasks × instances in the same run.
//
// usage: bench_plan N [RUNS]; prints one JSON object: the median over the runs of the slowest of three cases (steady, a
// tenth of the tasks waiting, a third of the instances removable), the naive baseline, and the arena's memory.
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/rng.h"
#include "planner/planner.h"

enum bench_case { CASE_STEADY, CASE_WAITING, CASE_REMOVABLE, CASE_COUNT };
static const char *const case_names[CASE_COUNT] = {"steady", "waiting", "removable"};

enum { TYPES = 40, ZONES = 3, TASKS_PER_INSTANCE = 10 };
static const int64_t now_ms = 1767225600000;  // 2026-01-01

static void fill_types(struct arena *a, struct snapshot *s)
{
    s->type_count = TYPES;
    s->types = arena_array(a, struct instance_type, TYPES);
    for (int i = 0; i < TYPES; i++) {
        int64_t vcpu = 4;
        int64_t memory_mib = vcpu * 1024 * (2 << (i % 3)) - i * 16;
        s->types[i] = (struct instance_type){.name = arena_printf(a, "t%d.x%lld", i, (long long)vcpu),
                                             .nominal = res_make(vcpu * 1024, memory_mib),
                                             .registered = res_make(vcpu * 1024, memory_mib * 97 / 100 - 200),
                                             .arch = "x86_64",
                                             .spot_usd_micro = vcpu * (10000 + i * 37),
                                             .on_demand_usd_micro = vcpu * 42000};
    }
}

static void fill_fleet(struct arena *a, struct snapshot *s, int64_t target)
{
    s->fleet_count = 1;
    s->fleets = arena_array(a, struct fleet, 1);
    struct fleet *f = &s->fleets[0];
    *f = (struct fleet){.id = "sfr-bench", .state = FLEET_ACTIVE, .found = true, .maintain = true, .activity = "fulfilled",
                        .target = target, .fulfilled_milli = target * 1000, .allocation = "capacityOptimized", .owner = "",
                        .foreign = "", .control = "", .denied = "", .last_error = ""};
    f->pool_count = (size_t)TYPES * ZONES;
    f->pools = arena_array(a, struct fleet_pool, f->pool_count);
    for (int i = 0; i < TYPES * ZONES; i++)
        f->pools[i] = (struct fleet_pool){.type = i / ZONES, .type_name = s->types[i / ZONES].name,
                                          .zone = arena_printf(a, "us-east-1%c", 'a' + i % ZONES), .weight_milli = 1000, .subnet = "",
                                          .launch_template = ""};
}

static void fill_services(struct arena *a, struct snapshot *s, size_t n, struct rng *rng)
{
    s->shape_count = s->service_count = n;
    s->shapes = arena_array(a, struct shape, n);
    s->services = arena_array(a, struct service, n);
    for (size_t i = 0; i < n; i++) {
        s->shapes[i] = (struct shape){.name = arena_printf(a, "app%zu:1", i), .known = true, .arch = "", .unmodelled = "", .vpc = "",
                                      .need = res_make(128 * rng_between(rng, 1, 5), 128 * rng_between(rng, 2, 8)),
                                      .strategy_count = 1, .stop_timeout_ms = 30000,
                                      .strategies = {{PLACE_SPREAD, "attribute:ecs.availability-zone"}}};
        struct deployment *d = arena_new(a, struct deployment);
        *d = (struct deployment){.id = "d", .primary = true, .shape = (int)i};
        s->services[i] = (struct service){.name = arena_printf(a, "app%zu", i), .arn = "", .on_ec2 = true, .min_percent = 100,
                                          .max_percent = 200, .deployments = d, .deployment_count = 1, .last_event = "",
                                          .not_ours = ""};
    }
}

// Fills each instance with tasks of random services up to `fill` of its CPU.
static void fill_instances(struct arena *a, struct snapshot *s, size_t n, double fill, struct rng *rng)
{
    s->instance_count = n;
    s->instances = arena_array(a, struct instance, n);
    for (size_t i = 0; i < n; i++) {
        const struct instance_type *t = &s->types[rng_below(rng, TYPES)];
        struct instance *in = &s->instances[i];
        *in = (struct instance){.id = arena_printf(a, "i-%017zx", i), .arn = arena_printf(a, "arn:ci/%zu", i), .type = t->name,
                                .zone = arena_printf(a, "us-east-1%c", (int)('a' + i % ZONES)), .arch = "x86_64", .spot = true,
                                .weight_milli = 1000, .ecs = ECS_ACTIVE, .ec2 = EC2_RUNNING, .agent_connected = true,
                                .launched_ms = now_ms - 86400000, .registered_ms = now_ms - 86300000, .tasks_known = true,
                                .mark = "", .provider = "", .agent_version = "", .launch_template = "", .elsewhere = "", .ever_registered = true,
                                .ports = port_set_reserved, .registered = t->registered, .remaining = t->registered};
        in->holdings = arena_array(a, struct holding, TASKS_PER_INSTANCE * 2);
        for (int k = 0; k < TASKS_PER_INSTANCE; k++) {
            size_t app = rng_below(rng, s->service_count);
            struct res left = res_sub(in->remaining, s->shapes[app].need);
            double used = 1 - (double)left.v[RES_CPU] / (double)in->registered.v[RES_CPU];
            if (left.v[RES_CPU] < 0 || left.v[RES_MEMORY] < 0 || used > fill)
                continue;
            in->remaining = left;
            in->holdings[in->holding_count++] = (struct holding){.service = (int)app, .shape = (int)app, .running = 1, .example_task = ""};
            in->ecs_running++;
            s->services[app].running++;
        }
    }
}

static void make_snapshot(struct arena *a, size_t n, enum bench_case which, struct snapshot *ret)
{
    struct rng rng;
    rng_init(&rng, 7 + (uint64_t)which);
    *ret = (struct snapshot){.now_ms = now_ms, .account = "111122223333", .region = "us-east-1", .cluster = "bench",
                             .owner = "", .policy_hash = "", .confirmed = "", .control = {.who = "", .why = ""},
                             .started_ms = now_ms - 7 * INT64_C(86400000), .complete_looks = 1000, .boot_p90_ms = 90000};
    for (int i = 0; i < SOURCE_COUNT; i++)
        ret->sources[i] = (struct source){SOURCE_OK, now_ms - 1000, ""};
    fill_types(a, ret);
    fill_fleet(a, ret, (int64_t)n);
    fill_services(a, ret, n * 4 / 10 + 1, &rng);
    fill_instances(a, ret, n, which == CASE_REMOVABLE ? 0.55 : 0.97, &rng);
    for (size_t i = 0; i < ret->service_count; i++) {
        struct service *v = &ret->services[i];
        v->desired = v->running + (which == CASE_WAITING ? v->running / 10 + 1 : 0);
        v->unplaced_since_ms = v->desired > v->running ? now_ms - 30000 : 0;
        v->deployments[0].desired = v->desired;
        v->deployments[0].running = v->running;
    }
}

// The naive way: every task looks at every instance until one has room.
static int64_t naive_first_fit(const struct snapshot *s, struct arena *a)
{
    struct res *room = arena_array(a, struct res, s->instance_count);
    for (size_t i = 0; i < s->instance_count; i++)
        room[i] = s->instances[i].registered;
    int64_t placed = 0;
    for (size_t v = 0; v < s->service_count; v++)
        for (int32_t t = 0; t < s->services[v].desired; t++)
            for (size_t i = 0; i < s->instance_count; i++)
                if (res_fits(s->shapes[v].need, room[i])) {
                    room[i] = res_sub(room[i], s->shapes[v].need);
                    placed++;
                    break;
                }
    return placed;
}

static int64_t now_us(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int by_value(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

// The policy of the bench: defaults, one fleet without a bound that matters; the memo says every instance is long unneeded.
static int64_t median_plan_us(const struct snapshot *s, int runs, size_t *ret_bytes, size_t *ret_actions)
{
    struct policy_cluster policy;
    policy_cluster_defaults(&policy);
    struct policy_fleet fleet = {.id = "sfr-bench", .max = 100000};
    policy.name = "bench";
    policy.fleets = &fleet;
    policy.fleet_count = 1;
    int64_t *us = calloc((size_t)runs, sizeof *us);
    for (int r = 0; r < runs; r++) {
        struct arena a;
        arena_init(&a, 0);
        struct planner_result result;
        struct err err = {0};
        struct planner_input in = {.snapshot = s, .policy = &policy};
        int64_t begin = now_us();
        if (planner_run(&in, &a, &result, &err) < 0) {
            fprintf(stderr, "bench_plan: %s\n", err.msg);
            exit(1);
        }
        us[r] = now_us() - begin;
        *ret_bytes = a.used_bytes;
        *ret_actions = result.plan.action_count;
        arena_release(&a);
    }
    qsort(us, (size_t)runs, sizeof *us, by_value);
    int64_t median = us[runs / 2];
    free(us);
    return median;
}

int main(int argc, char **argv)
{
    int64_t n = 0, runs = 11;
    if (argc < 2 || !parse_i64(slice_of(argv[1]), &n) || n < 1 || (argc > 2 && !parse_i64(slice_of(argv[2]), &runs))) {
        fprintf(stderr, "usage: bench_plan INSTANCES [RUNS]\n");
        return 64;
    }
    int64_t slowest_us = -1, naive_us = 0;
    size_t bytes = 0;
    const char *slowest = "";
    for (int c = 0; c < CASE_COUNT; c++) {
        struct arena a, scratch;
        arena_init(&a, 0);
        arena_init(&scratch, 0);
        struct snapshot s;
        make_snapshot(&a, (size_t)n, (enum bench_case)c, &s);
        size_t used = 0, actions = 0;
        int64_t us = median_plan_us(&s, (int)runs, &used, &actions);
        int64_t begin = now_us();
        int64_t placed = naive_first_fit(&s, &scratch);
        int64_t naive = now_us() - begin;
        assert(placed > 0);
        fprintf(stderr, "n %5lld %-9s plan %9.3f ms, %zu actions, %6.1f MiB; naive first fit %9.3f ms\n", (long long)n, case_names[c],
                (double)us / 1000, actions, (double)used / 1048576, (double)naive / 1000);
        bytes = used > bytes ? used : bytes;
        naive_us = naive > naive_us ? naive : naive_us;
        if (us > slowest_us) {
            slowest_us = us;
            slowest = case_names[c];
        }
        arena_release(&scratch);
        arena_release(&a);
    }
    printf("{\"instances\": %lld, \"slowest\": \"%s\", \"plan_ms\": %.4f, \"naive_ms\": %.4f, \"memory_mib\": %.3f}\n", (long long)n,
           slowest, (double)slowest_us / 1000, (double)naive_us / 1000, (double)bytes / 1048576);
    return 0;
}
