// Gather: from AWS to a snapshot of one cluster, economically, with the age of each fact.
//
// A look reads container instances, services, fleets and their instances; lists are read each fifth look, that of container
// instances also while something boots. Tasks are listed when a container instance changed, and described only when new,
// unfinished or vanished; on draining instances their RUNNING and STOPPED lists are read each look. Task definitions are kept
// for ever, instance types for a day, prices for an hour. What fails keeps its last facts with their age and is marked in
// snapshot.sources; gather itself fails only where nothing can be said at all (who are we?). Mutates nothing in AWS.
//
// struct region is shared by the clusters of an (account, region); struct gather belongs to one cluster.
#pragma once

#include "planner/model/memo.h"
#include "planner/model/plan.h"
#include "planner/model/snapshot.h"
#include "policies/policy.h"
#include "scaler/aws/aws.h"
#include "state/learned.h"

struct region;
// account "": that of the credentials, whatever it is. The client's registry outlives the region.
int region_new(struct aws_clients *clients, const char *account, const char *region, struct region **ret, struct err *err);
void region_free(struct region *r);  // NULL-safe
struct aws *region_aws(struct region *r);
struct aws_clients *region_clients(struct region *r);
// Asks STS once who we are. ERR_INVALID when the policy names another account; others as the call gave them (try again).
int region_identify(struct region *r, int64_t until_ms, struct err *err);
const char *region_account(const struct region *r);  // "" before region_identify
const char *region_name(const struct region *r);

struct gather;
// The names are copied. `clock` gives world time.
struct gather *gather_new(struct region *r, const struct clock *clock, const char *cluster);
void gather_free(struct gather *g);  // NULL-safe
// One look, at most limit_ms of world time. The snapshot lives in `a` and in gather's own memory, until the look after the
// next. Errors: those of region_identify.
int gather_look(struct gather *g, const struct policy_cluster *policy, int64_t limit_ms, struct arena *a, struct snapshot *ret,
                struct err *err);
// The next word for the log about what this region's clusters plan without, because AWS refuses to tell it; NULL when there is
// none. Each is told once.
const char *gather_note(struct gather *g);
// The instances of the newest look that run tasks and whose private IPv4 is known; valid until the look after the next.
struct gather_host {
    const char *id, *address;
};
size_t gather_hosts(const struct gather *g, struct arena *a, struct gather_host **ret);
// A write of ours succeeded: overlaid over lagging reads for 2 min.
// A write of ours on the fleet (or one of its members) was denied, or denied false: succeeded. The snapshot tells the API action
// until it succeeds.
void gather_denied(struct gather *g, const char *fleet, const char *api_action, bool denied);
void gather_wrote(struct gather *g, enum action_kind kind, const char *target, const char *value);

// What the memo of an earlier run tells: when placement scores were last asked for.
void gather_recall(struct gather *g, const struct memo *m);
// What types registered with in this cluster, as far as it is known; *ret_changes grows whenever one is new or differs. Valid until
// the next look. And what an earlier run learned: newer registrations go before it.
const struct learned_type *gather_learned_types(const struct gather *g, size_t *ret_count, int64_t *ret_changes);
void gather_teach(struct gather *g, const struct learned_type *v, size_t count);

// What an order of an instant fleet became, by its answer: an instance, which is a fact from now on though reads do not show it for a
// while, or a pool that gave nothing. Strings are never NULL.
struct gather_launch {
    const char *instance, *type, *subnet, *zone, *launch_template;
    bool spot;
};
void gather_launched(struct gather *g, const char *fleet, const struct gather_launch *x);
struct gather_refusal {
    const char *type, *zone, *code;
    bool nothing_came;  // the whole order got nothing
    bool spot;          // it was for spot
};
void gather_refused(struct gather *g, const char *fleet, const struct gather_refusal *x);
#define GATHER_GROUP_TAG "aws:autoscaling:groupName"
#define GATHER_FLEET_TAG "masu:fleet"  // of the members of an instant fleet: "CLUSTER/NAME"
