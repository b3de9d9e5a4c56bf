// What an interruption costs in time: from the event's reaching us to the last call that answers it, while 40 clusters are being
// polled with 300 ms of latency in each call; and how long 200 of 400 instances take that are interrupted within ten seconds.
//
// usage: bench_events [NOTICES]; prints one JSON object. A latency is two things: the virtual time that passes until both calls leave (what
// we wait for: other calls, the rest of a flood, a budget; 0 where the loop was idle), and our own part, which virtual time does not know:
// the CPU time from the beginning of the answer to its first call, that is facts, plan, guard and the intents in the journal.
#include <stdio.h>
#include <sys/resource.h>

#include "base/check.h"
#include "base/parse.h"
#include "planner/number.h"
#include "planner/sim/orders.h"
#include "planner/sim/world.h"
#include "scaler/rig.h"
#include "tests/sim/fixture.h"

enum { CLUSTERS = 40, HOSTS = 10, MASS_HOSTS = 400, MASS_DOOMED = 200, NOTICES_MAX = 1000, CHANGES = 4096 };
#define LATENCY_MS 300

static struct sandbox_change changes[CHANGES];

static int by_value(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

static void add_cluster(struct world *w, int hosts, int32_t tasks_a_host)
{
    static char names[CLUSTERS][16];
    int n = world_view(w).cluster_count;
    snprintf(names[n], sizeof names[n], "c%02d", n);
    int cluster = world_add_cluster(w, names[n]);
    struct world_override o = {world_type_index(w, "m5.xlarge"), -1, 1000};
    int fleet = world_add_fleet(w, &(struct world_fleet_spec){.cluster = cluster, .target = hosts, .allocation = WALLOC_LOWEST_PRICE, .overrides = &o, .override_count = 1});
    for (int i = 0; i < hosts; i++)
        world_add_instance(w, cluster, fleet, o.type, i % 3);
    struct world_taskdef t = {.need = res_make(512, 1024), .stop_timeout_ms = 30000, .stops_in_ms = 1000, .start_ms = 3000};
    snprintf(t.family, sizeof t.family, "%s", names[n]);
    static const struct world_rules rules = {.strategies = {{.kind = WS_SPREAD_ZONE}}, .strategy_count = 1};
    world_add_service(w, &(struct world_service_spec){.name = "web", .cluster = cluster, .taskdef = world_add_taskdef(w, &t),
                                                      .desired = hosts * tasks_a_host, .min_percent = 100, .max_percent = 200, .rules = &rules});
}

static int many_world(const struct world_options *o, struct world **ret, struct err *err)
{
    int rc = world_empty(7, o, ret, err);
    for (int i = 0; rc == 0 && i < CLUSTERS; i++)
        add_cluster(*ret, HOSTS, 7);
    return rc;
}

static int mass_world(const struct world_options *o, struct world **ret, struct err *err)
{
    int rc = world_empty(7, o, ret, err);
    if (rc == 0)
        add_cluster(*ret, MASS_HOSTS, 7);
    return rc;
}

static int full_world(const struct world_options *o, struct world **ret, struct err *err)
{
    int rc = world_empty(7, o, ret, err);
    if (rc == 0)
        add_cluster(*ret, MASS_HOSTS, 8);  // no room on any: the first notice needs an order
    return rc;
}

// ---- our own part ---------------------------------------------------------------------------------------------------------
static int (*inner_gather)(void *, struct tick_frame *, struct snapshot *, struct err *);
static void (*inner_many)(void *, struct tick_frame *, const int *, size_t, struct err *);
static int64_t answer_begun_us, answer_own_us;

static int64_t cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000) + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static int timed_gather(void *arg, struct tick_frame *f, struct snapshot *ret, struct err *err)
{
    if (f->notice)
        answer_begun_us = cpu_us();
    return inner_gather(arg, f, ret, err);
}

static void timed_many(void *arg, struct tick_frame *f, const int *actions, size_t count, struct err *errs)
{
    if (answer_begun_us)
        answer_own_us = cpu_us() - answer_begun_us;
    answer_begun_us = 0;
    inner_many(arg, f, actions, count, errs);
}

static void plant_clock(void *arg, struct tick_ops *ops)
{
    (void)arg;
    inner_gather = ops->gather;
    inner_many = ops->apply_many;
    ops->gather = timed_gather;
    ops->apply_many = timed_many;
}

static void open_rig(struct rig *r, int (*build)(const struct world_options *, struct world **, struct err *), int64_t latency_ms, bool forgets)
{
    static struct world_options o;
    struct err err = {0};
    o = calm_options();
    o.forget_doomed_at_notice = forgets;
    if (rig_open(&(struct rig_options){.seed = 7, .events = true, .latency_ms = latency_ms, .build = build, .world = &o,
                                        .plant = plant_clock}, r, &err) != 0) {
        fprintf(stderr, "bench_events: %s\n", err.msg);
        exit(1);
    }
    sandbox_set_events(r->sandbox, &(struct sandbox_event_options){.delay_min_ms = 1, .delay_max_ms = 1});
    loop_run(r->loop, clock_wall_ms(&r->clock) + 5 * 60000);
}

static int pick(struct rig *r, int cluster)
{
    struct world_view v = world_view(r->worlds[0]);
    for (int i = 0; i < v.instance_count; i++)
        if (v.instances[i].used && v.instances[i].cluster == cluster && v.instances[i].state.now == WL_RUNNING && v.instances[i].status.now == WE_ACTIVE &&
            v.instances[i].notice_ms == 0)
            return i;
    return -1;
}

// When the operation took effect first on something that holds `target`, -1 never. Half the latency is the call's own way.
static int64_t first_ms(struct rig *r, const char *operation, const char *target, int64_t since_ms)
{
    size_t n = sandbox_changes(r->sandbox, changes, CHANGES);
    for (size_t i = 0; i < n; i++)
        if (changes[i].world_ms >= since_ms && changes[i].actor == WORLD_OURS && changes[i].error[0] == '\0' && strcmp(changes[i].operation, operation) == 0 &&
            strstr(changes[i].target, target))
            return changes[i].world_ms;
    return -1;
}

// Event received -> both calls issued, one notice every few seconds at any moment of the looks.
static size_t measure(struct rig *r, int64_t *latency, int64_t *own, size_t count)  // in microseconds
{
    size_t n = 0;
    struct rng rng;
    rng_init(&rng, 11);
    for (size_t i = 0; i < count; i++) {
        loop_run(r->loop, clock_wall_ms(&r->clock) + rng_between(&rng, 5000, 15000));
        int cluster = (int)(i % CLUSTERS);
        sandbox_sync(r->sandbox);
        int instance = pick(r, cluster);
        if (instance < 0)
            continue;
        struct world_view v = world_view(r->worlds[0]);
        char container[64], fleet[64];
        snprintf(container, sizeof container, "container-instance/c%02d", cluster);  // the end of the ARN is cut off there
        snprintf(fleet, sizeof fleet, "%s", v.fleets[v.instances[instance].fleet].id);
        // The message is there a millisecond later, and reaches us half a call after that.
        int64_t since_ms = clock_wall_ms(&r->clock), received_ms = since_ms + 1 + LATENCY_MS / 2;
        world_interrupt(r->worlds[0], instance);
        answer_own_us = 0;
        loop_run(r->loop, since_ms + 4000);
        int64_t drained = first_ms(r, "ecs:UpdateContainerInstancesState", container, since_ms), ordered = first_ms(r, "ec2:ModifySpotFleetRequest", fleet, since_ms);
        if (drained < 0)
            drained = since_ms + 4000;
        int64_t last = ordered > drained ? ordered : drained;
        int64_t waited_ms = last - LATENCY_MS / 2 - received_ms;
        latency[n] = (waited_ms > 0 ? waited_ms : 0) * 1000 + answer_own_us;  // the poll of spot requests may tell before the message
        own[n++] = answer_own_us;
        loop_run(r->loop, clock_wall_ms(&r->clock) + 20000);
    }
    qsort(latency, n, sizeof *latency, by_value);
    qsort(own, n, sizeof *own, by_value);
    return n;
}

struct mass {
    int64_t ms, launches, violations;  // the largest of all
};

// forgets: the fleet replaces a doomed member at its notice by itself, not at its end.
static void measure_mass(int (*build)(const struct world_options *, struct world **, struct err *), bool forgets, struct mass *m)
{
    static struct rig r;
    open_rig(&r, build, 0, forgets);
    sandbox_set_events(r.sandbox, &(struct sandbox_event_options){.delay_min_ms = 100, .delay_max_ms = 700});
    sandbox_sync(r.sandbox);
    struct world_view v = world_view(r.worlds[0]);
    int64_t begun_ms = clock_wall_ms(&r.clock), last_ms = begun_ms, launches = v.counters->launches;
    for (int i = 0, k = 0; i < v.instance_count && k < MASS_DOOMED; i++)
        if (v.instances[i].used && v.instances[i].state.now == WL_RUNNING && v.instances[i].status.now == WE_ACTIVE) {
            last_ms = begun_ms + 1 + k++ * 10000 / MASS_DOOMED;
            world_interrupt_at(r.worlds[0], i, last_ms);
        }
    loop_run(r.loop, last_ms + 60000);
    size_t n = sandbox_changes(r.sandbox, changes, CHANGES);
    int64_t at_ms = last_ms, highest = 0, ordered_ms = last_ms;
    v = world_view(r.worlds[0]);
    for (int i = 0; i < v.instance_count; i++) {  // all are drained, and the target is where it will not go beyond
        const struct world_instance *x = &v.instances[i];
        if (x->used && x->notice_ms > 0)
            at_ms = x->status.now == WE_ACTIVE ? INT64_MAX : i64_max(at_ms, x->status.changed_ms);
    }
    for (size_t i = 0; i < n; i++) {
        const struct sandbox_change *c = &changes[i];
        int64_t target = 0;
        struct slice rest = slice_of(c->detail), first = slice_cut(&rest, ' ');
        bool ours = c->actor == WORLD_OURS && c->error[0] == '\0' && c->world_ms >= begun_ms;
        slice_cut(&first, '=');
        if (ours && strcmp(c->operation, "ec2:ModifySpotFleetRequest") == 0 && parse_i64(first, &target) && target > highest) {
            highest = target;
            ordered_ms = c->world_ms;
        }
    }
    at_ms = ordered_ms > at_ms ? ordered_ms : at_ms;
    struct rig_figures f;
    loop_run(r.loop, last_ms + 15 * 60000);  // until long after the last is gone: nothing was ordered twice
    rig_figures(&r, &f);
    launches = world_view(r.worlds[0]).counters->launches - launches;
    fprintf(stderr, "mass%s: %d doomed in 10 s, answered %" PRId64 " ms after the last, %" PRId64 " launched, %" PRId64 " violations\n",
            forgets ? ", replaced by the fleet at once" : "", MASS_DOOMED, at_ms - last_ms, launches, f.violations);
    size_t broken;
    const struct violation *v0 = invariants_list(r.invariants[0], &broken);
    for (size_t i = 0; i < broken && i < 10; i++)
        fprintf(stderr, "  V%d %" PRId64 " s: %s\n", (int)v0[i].id, (v0[i].at_ms - begun_ms) / 1000, v0[i].text);
    rig_close(&r);
    *m = (struct mass){at_ms - last_ms > m->ms ? at_ms - last_ms : m->ms, launches > m->launches ? launches : m->launches, m->violations + f.violations};
}

int main(int argc, char **argv)
{
    static struct rig r;
    static int64_t latency[NOTICES_MAX], own[NOTICES_MAX];
    int64_t count = 100;
    if (argc > 2 || (argc > 1 && (!parse_i64(slice_of(argv[1]), &count) || count < 1 || count > NOTICES_MAX))) {
        fprintf(stderr, "usage: bench_events [NOTICES]\n");
        return 64;
    }
    open_rig(&r, many_world, LATENCY_MS, false);
    size_t n = measure(&r, latency, own, (size_t)count);
    rig_close(&r);
    if (n == 0)
        return 1;
    size_t p99 = n * 99 / 100 < n ? n * 99 / 100 : n - 1;
    fprintf(stderr, "event: %zu notices, median %.1f ms, 99 %% %.1f ms, most %.1f ms; own median %.1f ms, most %.1f ms\n", n, (double)latency[n / 2] / 1000,
            (double)latency[p99] / 1000, (double)latency[n - 1] / 1000, (double)own[n / 2] / 1000, (double)own[n - 1] / 1000);
    struct mass m = {0};
    for (int forgets = 0; forgets < 2; forgets++) {
        measure_mass(mass_world, forgets == 1, &m);
        measure_mass(full_world, forgets == 1, &m);
    }
    printf("{\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"own_p99_ms\": %.3f, \"mass_ms\": %" PRId64 ", \"mass_doomed\": %d, \"mass_launched\": %" PRId64 ", \"violations\": %" PRId64 "}\n",
           (double)latency[n / 2] / 1000, (double)latency[p99] / 1000, (double)own[p99] / 1000, m.ms, MASS_DOOMED, m.launches, m.violations);
    return 0;
}
