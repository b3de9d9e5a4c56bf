// What is simulated, as plain values: services and what they follow, the types a fleet may launch, the market's temper, what goes wrong,
// and for how long. `masu simulate` reads it from a scenario file (scene_json.h) or makes it for a trace; a world is built from it.
//
// The same scene and seed give every rule (rule.h) the same demand, the same prices and the same moments of loss; only which instances
// the market takes depends on which there are. Times in ms since the beginning. Strings are the caller's. Pure.
#pragma once

#include "planner/sim/workload_model.h"
#include "planner/sim/world.h"
#include "policies/policy.h"

#define SCENE_SERVICES_MAX 500
#define SCENE_LOSSES_MAX 16

// From SCENE_MODEL on: the workload models, in their order.
enum scene_follow { SCENE_TRACE, SCENE_PROFILE, SCENE_STEADY, SCENE_MODEL, SCENE_RECORDED = SCENE_MODEL + WORKLOAD_MODEL_COUNT, SCENE_FOLLOW_COUNT };

struct scene_service {
    const char *name;
    int64_t cpu_units, memory_mib, tasks;  // tasks: the mean of what it wants
    enum scene_follow follow;
    const struct workload_trace *recorded;  // of SCENE_RECORDED: its own tasks, times `factor`
    double factor;
    bool daemon;
    int32_t min_percent, max_percent;
    enum world_strategy_kind strategies[WORLD_STRATEGIES];
    int strategy_count;
};

struct scene_type {
    const char *name;            // of the world's table
    int64_t weight;              // in the fleet's units
};

// From `from_ms` until `to_ms` nothing is to be had of a zone or of a pool, and what runs there gets its notice.
struct scene_loss {
    const char *zone, *type;     // type "": the whole zone
    int64_t from_ms, to_ms;
};

// What masu's cluster runs on; other rules know but the Spot Fleet (and ECS managed scaling its group).
enum scene_kind { SCENE_SPOT_FLEET, SCENE_EC2_FLEET, SCENE_AUTO_SCALING, SCENE_INSTANT, SCENE_KIND_COUNT };

// So large a part of a pool's members gets its notice then.
struct scene_notice {
    const char *zone, *type;
    int64_t at_ms;
    double part;
};

struct scene {
    const char *name;
    int64_t start_ms;            // wall time of the beginning
    int64_t for_ms, warmup_ms;   // what is judged begins after the warm-up: until then rules only learn
    int64_t period_ms;           // a decision each
    struct scene_service services[SCENE_SERVICES_MAX];
    size_t service_count;
    struct scene_type types[WORLD_OVERRIDES];
    size_t type_count;
    enum world_allocation allocation;
    enum scene_kind fleet;
    struct scene_loss losses[SCENE_LOSSES_MAX];
    size_t loss_count;
    const char *zone_names[3];   // what people call the world's zones; NULL: as the world does
    const struct scene_notice *notices;  // by time
    size_t notice_count;
    const struct world_type *world_types;  // what the world's table lacks or has at another price
    size_t world_type_count;
    int64_t boot_p50_ms, boot_p90_ms;
    double interruptions_per_instance_day, shortages_per_pool_day;
    double batch_per_hour;
    int64_t deployments_per_day;
    int64_t price_percent;       // > 0: spot always costs so much of the on-demand price; 0: prices move
    const struct workload_trace *trace;   // NULL: services that follow it are steady
    const struct market_trace *market;    // NULL: chance
    bool headroom_given;         // the policy's headroom stands beside a price of waiting, too
    const struct policy_cluster *policy;  // masu's settings, NULL: the defaults; name and fleets are the scene's own
};

// One fleet of four-vCPU instances of three families in three zones, eight services that together want `tasks` tasks of an eighth of an
// instance each; no deployments, no standalone tasks.
void scene_default(struct scene *s, int64_t tasks);

// On what the cluster runs: a Spot Fleet; what the scene says; an Auto Scaling group of spot instances behind a capacity provider with managed scaling, as ECS
// managed scaling wants it (no weights); or the Spot Fleet
// in a market that costs what on-demand instances do and takes nothing back; or nothing at all, where no task ever starts.
enum scene_fleet { SCENE_SPOT, SCENE_OWN, SCENE_GROUP, SCENE_ON_DEMAND, SCENE_NOTHING };
// A world with one cluster (index 0) and one fleet (index 0), which has what the demand takes and a fifth more. ERR_INVALID names what the
// world does not know. What the world needs besides is the arena's and must outlive it.
int scene_world(const struct scene *s, uint64_t seed, enum scene_fleet kind, struct arena *a, struct world **ret, struct err *err);
const char *scene_zone(const struct scene *s, const char *name);  // the world's name of a zone; what it does not know comes back as it is
// Brings the losses that begin and the notices that come at this moment; the next moment at which one does, INT64_MAX none.
int64_t scene_losses(const struct scene *s, struct world *w);
