#include "planner/sim/ordeal.h"

#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "planner/sim/summary.h"
#include "planner/sim/world_policy.h"

enum { CLUSTERS_MAX = 4, SCALE_PERMYRIAD = 4000, AGAIN_EVERY = 16 };
#define MINUTE_MS 60000

static const char *const NAMES[ORDEAL_FLEETS_COUNT] = {
    [ORDEAL_SPOT] = "spot-fleet", [ORDEAL_EC2] = "ec2-fleet", [ORDEAL_GROUPS] = "auto-scaling", [ORDEAL_INSTANT] = "instant"};

const char *ordeal_fleets_name(enum ordeal_fleets k)
{
    return NAMES[k];
}

bool ordeal_fleets_find(const char *name, enum ordeal_fleets *ret)
{
    for (int k = 0; k < ORDEAL_FLEETS_COUNT; k++) {
        if (strcmp(NAMES[k], name))
            continue;
        *ret = (enum ordeal_fleets)k;
        return true;
    }
    return false;
}

struct ordeal ordeal_of(uint64_t seed, int64_t for_ms)
{
    return (struct ordeal){.seed = seed, .fleets = (enum ordeal_fleets)(seed % ORDEAL_FLEETS_COUNT), .for_ms = for_ms};
}

struct faults ordeal_faults(const struct ordeal *o, struct arena *a)
{
    struct faults f = faults_make(o->seed, o->for_ms, a);
    if (!o->only)
        return f;
    size_t kept = 0;
    for (size_t k = 0; k < o->only_count; k++)
        if (o->only[k] < f.count)
            f.v[kept++] = f.v[o->only[k]];
    f.count = kept;
    return f;
}

void ordeal_world(const struct ordeal *o, struct world_options *ret)
{
    static const enum world_mix MIXES[ORDEAL_FLEETS_COUNT] = {[ORDEAL_SPOT] = WMIX_SPOT, [ORDEAL_EC2] = WMIX_EC2, [ORDEAL_INSTANT] = WMIX_INSTANT};
    world_options_default(ret);
    ret->scale_permyriad = SCALE_PERMYRIAD;
    ret->fleet_mix = MIXES[o->fleets];
    ret->groups = o->fleets == ORDEAL_GROUPS;
    ret->interruptions_per_instance_day = 0.5;
    ret->prices_apart = true;
}

void ordeal_judge(const struct invariants *inv, int64_t began_ms, struct ordeal_result *ret)
{
    size_t n;
    const struct violation *v = invariants_list(inv, &n);
    ret->violation_count = invariants_count(inv);
    ret->first_ms = -1;
    for (size_t i = 0; i < n; i++) {
        int64_t at_ms = v[i].at_ms - began_ms;
        ret->first_ms = ret->first_ms < 0 || at_ms < ret->first_ms ? at_ms : ret->first_ms;
        if (i < ORDEAL_VIOLATIONS_MAX)
            ret->violations[i] = v[i];
    }
}

static void make_policies(const struct world *w, struct arena *a, struct policy_cluster *p)
{
    struct world_view v = world_view(w);
    for (int c = 0; c < v.cluster_count; c++) {
        policy_cluster_defaults(&p[c]);
        p[c].name = v.clusters[c].name;
        p[c].headroom_percent = 5;
        world_policy_fleets(a, &v, c, &p[c]);
    }
}

int ordeal_run(const struct ordeal *o, struct ordeal_result *ret, struct err *err)
{
    struct arena a;
    struct world *w = NULL;
    struct fold *f = NULL;
    struct world_options options;
    struct policy_cluster policies[CLUSTERS_MAX] = {0};
    struct world_summary sum;
    arena_init(&a, 0);
    ordeal_world(o, &options);
    int rc = world_default(o->seed, &options, &w, err);
    struct faults faults = ordeal_faults(o, &a);
    if (rc == 0) {
        make_policies(w, &a, policies);
        rc = fold_new(w, policies, (size_t)world_view(w).cluster_count, &f, err);
    }
    if (rc == 0) {
        fold_set_faults(f, &faults);
        fold_set_plant(f, o->plant, o->plant_arg);
        invariants_again_every(fold_invariants(f), AGAIN_EVERY);
        rc = fold_run(f, options.start_ms + o->for_ms, err);
    }
    if (rc == 0) {
        fold_finish(f);
        world_summary(w, &sum);
        *ret = (struct ordeal_result){.ticks = fold_ticks(f), .faults_met = fold_faults_met(f), .launches = sum.counters.launches,
                                      .drains = sum.drains_begun, .interruptions = sum.interruptions, .tasks_killed = sum.tasks_killed};
        ordeal_judge(fold_invariants(f), options.start_ms, ret);
    }
    fold_free(f);
    world_free(w);
    arena_release(&a);
    return rc;
}

void ordeal_command(const struct ordeal *o, bool on_wire, struct buf *out)
{
    int64_t minutes = (o->for_ms + MINUTE_MS - 1) / MINUTE_MS;
    buf_printf(out, "masu simulate --faults%s --seed %" PRIu64 " --fleet %s --for %" PRId64 "m", on_wire ? " --on-wire" : "", o->seed, NAMES[o->fleets], minutes);
    for (size_t k = 0; o->only && k < o->only_count; k++)
        buf_printf(out, "%s%zu", k == 0 ? " --only " : ",", o->only[k] + 1);
    if (o->only && o->only_count == 0)
        buf_add_str(out, " --only none");
}
