// A week or so of the default world on a recorded (or generated) spot market, the planner folded over it: what it cost, and how many
// tasks of interrupted instances found capacity in time. One JSON object on stdout.
//
// usage: bench_spot [MARKET.csv|generated] [days] [seed] [production|none|PERCENT:TASKS] [spot|instant|groups|single|on-demand] [seconds|default]
//                   [DEMAND.csv]
//   production, none   the headroom of policies/examples/production-spot.json (4 tasks of the largest service, 2 of the next), or none;
//                      or so many per cent, and so many whole tasks of each of the two
//   spot               the fleets as they are, five types in three zones
//   instant, groups    the same types launched as EC2 Fleets of type instant, or by Auto Scaling groups
//   single             each fleet has one pool only: m5.2xlarge in the first zone
//   on-demand          no market: every instance costs its on-demand price and is never taken back
//   seconds            scale_out.on_demand_s
//   DEMAND.csv         a series of demand that the services follow, 100 tasks in the mean; without it: the daily profile
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "planner/sim/fold.h"
#include "planner/sim/summary.h"
#include "planner/sim/world_internal.h"
#include "planner/sim/world_policy.h"

#define DAY_MS 86400000LL

struct run {
    struct arena arena;
    struct market_trace market;
    struct workload_trace trace;
    const char *file, *headroom, *kind, *demand;
    int64_t days, on_demand_s;  // -1: the default
    uint64_t seed;
};

static void die(const char *what, const struct err *err)
{
    fprintf(stderr, "bench_spot: %s: %s\n", what, err->msg);
    exit(1);
}

static struct slice read_file(struct run *r, const char *path)
{
    struct buf text;
    FILE *f = fopen(path, "rb");
    if (!f)
        die(path, &(struct err){.msg = "cannot be read"});
    buf_init(&text, (size_t)64 << 20);
    char block[65536];
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
        buf_add(&text, block, n);
    fclose(f);
    struct slice s = {arena_strndup(&r->arena, buf_str(&text), text.len), text.len};
    buf_release(&text);
    return s;
}

// Nine pools of four probes: up for six hours in the mean, then fewer or none for forty minutes. Times must rise over all pools.
static struct slice generate(struct run *r)
{
    struct rng g;
    struct buf text;
    int64_t next_s[9] = {0};
    rng_init(&g, r->seed);
    buf_init(&text, (size_t)16 << 20);
    buf_add_str(&text, "timestamp,zone,instance_type,available\n");
    bool up[9] = {false};
    for (;;) {
        int p = 0;
        for (int k = 1; k < 9; k++)
            p = next_s[k] < next_s[p] ? k : p;
        if (next_s[p] > r->days * 86400)
            break;
        up[p] = !up[p];
        buf_printf(&text, "%" PRId64 ",zone-%d,type-%d,%d\n", next_s[p], p % 3, p / 3, up[p] ? 4 : (int)rng_below(&g, 3));
        next_s[p] += 60 + (int64_t)rng_exponential(&g, up[p] ? 21600 : 2400);
    }
    struct slice s = {arena_strndup(&r->arena, buf_str(&text), text.len), text.len};
    buf_release(&text);
    return s;
}

// A market in which each type costs what it costs on demand, for ever.
static struct slice on_demand_market(struct run *r)
{
    struct world_options o;
    struct world *w;
    struct err err;
    struct buf text;
    world_options_default(&o);
    if (world_empty(1, &o, &w, &err) != 0)
        die("world", &err);
    struct world_view v = world_view(w);
    buf_init(&text, 1 << 20);
    buf_add_str(&text, "timestamp,zone,instance_type,price_usd_hour\n");
    for (int p = 0; p < v.pool_count; p++)
        buf_printf(&text, "0,%s,%s,%.6f\n", v.zones[v.pools[p].zone], v.types[v.pools[p].type].name,
                   (double)v.types[v.pools[p].type].on_demand_usd_micro / 1e6);
    struct slice s = {arena_strndup(&r->arena, buf_str(&text), text.len), text.len};
    buf_release(&text);
    world_free(w);
    return s;
}

static struct world *make_world(struct run *r)
{
    struct world_options o;
    struct world *w;
    struct err err;
    bool on_demand = !strcmp(r->kind, "on-demand");
    struct slice text = on_demand ? on_demand_market(r) : !strcmp(r->file, "generated") ? generate(r) : read_file(r, r->file);
    if (market_trace_parse(text, r->file, &r->arena, &r->market, &err) != 0)
        die("market", &err);
    if (r->demand && workload_trace_parse(read_file(r, r->demand), r->demand, &r->arena, &r->trace, &err) != 0)
        die("demand", &err);
    world_options_default(&o);
    o.market = &r->market;
    o.trace = r->demand ? &r->trace : NULL;
    o.groups = !strcmp(r->kind, "groups");
    o.fleet_mix = !strcmp(r->kind, "instant") ? WMIX_INSTANT : WMIX_SPOT;
    if (world_default(r->seed, &o, &w, &err) != 0)
        die("world", &err);
    for (size_t f = 0; f < w->fleet_count && !strcmp(r->kind, "single"); f++) {
        int type = world_type_index(w, "m5.2xlarge");
        int64_t weight = w->fleets[f].overrides[0].weight_milli > 1000 ? 8000 : 1000;
        w->fleets[f].overrides[0] = (struct world_override){type, 0, weight};
        w->fleets[f].override_count = 1;
    }
    return w;
}

static void add_headroom(struct run *r, struct world *w, int cluster, struct policy_cluster *p)
{
    int percent = 0, tasks[2] = {4, 2};
    if (strcmp(r->headroom, "production") && sscanf(r->headroom, "%d:%d", &percent, &tasks[0]) == 2)
        tasks[1] = tasks[0];
    else if (strcmp(r->headroom, "production"))
        die("headroom", &(struct err){.msg = "expected production, none or PERCENT:TASKS"});
    struct world_view v = world_view(w);
    int best[2] = {-1, -1};
    p->headroom_percent = percent;
    for (int s = 0; s < v.service_count; s++) {
        if (v.services[s].cluster != cluster || v.services[s].daemon)
            continue;
        int at = best[0] < 0 || v.services[s].desired > v.services[best[0]].desired ? 0 : best[1] < 0 || v.services[s].desired > v.services[best[1]].desired ? 1 : 2;
        if (at == 0)
            best[1] = best[0];
        if (at < 2)
            best[at] = s;
    }
    p->headroom_tasks = arena_array(&r->arena, struct policy_headroom_task, 2);
    for (int k = 0; k < 2 && best[k] >= 0 && tasks[k] > 0; k++)
        p->headroom_tasks[p->headroom_task_count++] = (struct policy_headroom_task){v.services[best[k]].name, tasks[k]};
}

static void make_policies(struct run *r, struct world *w, struct policy_cluster *p)
{
    struct world_view v = world_view(w);
    for (int c = 0; c < v.cluster_count; c++) {
        policy_cluster_defaults(&p[c]);
        p[c].name = v.clusters[c].name;
        p[c].headroom_percent = 0;
        p[c].on_demand_ms = r->on_demand_s >= 0 ? r->on_demand_s * 1000 : p[c].on_demand_ms;
        if (strcmp(r->headroom, "none"))
            add_headroom(r, w, c, &p[c]);
        world_policy_fleets(&r->arena, &v, c, &p[c]);
    }
}

static void print(const struct run *r, struct world *w, struct fold *f)
{
    struct world_summary s;
    struct invariants *inv = fold_invariants(f);
    size_t n;
    world_summary(w, &s);
    const struct violation *v = invariants_list(inv, &n);
    for (size_t i = 0; i < n && i < 20; i++)
        fprintf(stderr, "! V%d %" PRId64 " %s\n", (int)v[i].id, v[i].at_ms, v[i].text);
    double served_h = (double)(s.task_seconds - s.task_seconds_waited) / 3600;
    printf("{\"market\": \"%s\", \"demand\": \"%s\", \"days\": %" PRId64 ", \"seed\": %" PRIu64 ", \"headroom\": \"%s\", \"fleets\": \"%s\", \"ticks\": %" PRId64
           ", \"cost_usd\": %.4f, \"usd_per_task_hour\": %.8f, \"instances_mean\": %.3f, \"need_mean\": %.3f, \"waited_share\": %.6f"
           ", \"interruptions\": %" PRId64 ", \"interrupted_tasks\": %" PRId64 ", \"in_time\": %.6f, \"tasks_killed\": %" PRId64
           ", \"violations\": %" PRId64 ", \"launch_failures\": %" PRId64 ", \"drains\": %" PRId64 ", \"undone\": %" PRId64 "}\n",
           r->file, r->demand ? r->demand : "profile", r->days, r->seed, r->headroom, r->kind, fold_ticks(f), (double)s.cost_usd_micro / 1e6, (double)s.cost_usd_micro / 1e6 / served_h,
           s.instances_mean, s.need_mean, (double)s.task_seconds_waited / (double)s.task_seconds, s.interruptions, s.interrupted_tasks,
           s.interrupted_tasks > 0 ? (double)s.interrupted_tasks_in_time / (double)s.interrupted_tasks : 1.0, s.tasks_killed,
           invariants_count(inv), s.counters.launch_failures, s.drains_begun, s.drains_undone);
}

int main(int argc, char **argv)
{
    struct run r = {.file = argc > 1 ? argv[1] : "generated", .days = 7, .seed = 7, .headroom = argc > 4 ? argv[4] : "production",
                    .kind = argc > 5 ? argv[5] : "spot", .demand = argc > 7 ? argv[7] : NULL, .on_demand_s = -1};
    struct err err = {0};
    struct fold *f;
    if (argc > 2 && (sscanf(argv[2], "%" SCNd64, &r.days) != 1 || r.days < 1))
        die("days", &(struct err){.msg = "expected a number"});
    if (argc > 3 && sscanf(argv[3], "%" SCNu64, &r.seed) != 1)
        die("seed", &(struct err){.msg = "expected a number"});
    if (argc > 6 && strcmp(argv[6], "default") && (sscanf(argv[6], "%" SCNd64, &r.on_demand_s) != 1 || r.on_demand_s < 0))
        die("seconds", &(struct err){.msg = "expected a number"});
    arena_init(&r.arena, (size_t)512 << 20);
    struct world *w = make_world(&r);
    struct policy_cluster policies[8] = {0};
    make_policies(&r, w, policies);
    if (fold_new(w, policies, w->cluster_count, &f, &err) != 0 || fold_run(f, w->now_ms + r.days * DAY_MS, &err) != 0)
        die("fold", &err);
    fold_finish(f);
    print(&r, w, f);
    fold_free(f);
    world_free(w);
    arena_release(&r.arena);
    return 0;
}
