// What the files of gather share: the region's caches, one look in the making, and who fills what.
//
// gather.c orders the phases of a look; gather_ecs.c, gather_tasks.c, gather_fleets.c and gather_ec2.c ask AWS and turn answers into facts, gather_zones.c zone by zone where one fails;
// gather_account.c asks what seldom changes, gather_catalogue.c which types fleets mean that only say what a type must have; gather_cache.c keeps what does not change and what we wrote; gather_snapshot.c,
// gather_shapes.c and gather_attributes.c join facts to a snapshot (gather_join.h).
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "scaler/aws/quotas.h"
#include "scaler/facts.h"
#include "scaler/gather.h"
#include "scaler/gather_instants.h"
#include "scaler/gather_region.h"

enum {
    LIST_EVERY_LOOKS = 5,
    WRITES_MAX = 256,
    DENIED_MAX = 64,
    BOOTS_MAX = 64, BOOTS_LEAST = 5,  // of fewer, or fewer of one type, nothing is said
    SERVICE_GONE_LOOKS = 3,
    POOLS_MAX = 2000,
    GROUPS_MAX = 100,               // of a cluster: beyond, nothing is kept of them and removal is held
    FLEETS_OF_TAG_MAX = 8,          // that carry one tag at once, or did before a deploy
};
#define WRITE_OVERLAY_MS 120000
#define TYPE_LIFE_MS 86400000
#define PRICE_LIFE_MS 3600000
#define FLEETS_SHARED_MS 10000      // clusters of a region that look within so long share one describe of all fleets
#define HISTORY_MS 3600000          // of a fleet that is not fulfilled
#define FLEET_ENDS_MS 1800000       // A7: a fleet that ends with its instances so soon has ended
#define RETRY_MS 600000             // what AWS says it does not know is asked for again after so long

struct denied_write {
    char fleet[64];
    const char *api_action;         // a constant
};

struct own_write {
    enum action_kind kind;
    char target[64];
    char value[256];
    int64_t at_ms;
};

struct learned_pool;                // gather_attributes.c

struct gather {
    struct region *region;
    struct gather *next;            // of the region
    const struct clock *clock;
    char cluster[256];
    struct arena arenas[2];
    struct facts *facts[2];         // [turn] is the newest
    unsigned turn; bool by_zone;    // a zone failed: gather_zones.h
    int64_t looks, counted_ms, started_ms;  // looks: those of the period, the last at counted_ms
    int32_t complete_looks;
    struct denied_write denied[DENIED_MAX];
    size_t denied_count;
    struct own_write writes[WRITES_MAX];
    size_t write_count;
    struct own_launches instants;   // gather_instants.h
    struct arena kept;              // learned types' names
    struct learned_type learned[TYPES_MAX];  // newest in this cluster
    size_t learned_count;
    int64_t learned_changes;
    struct group_slow *groups[GROUPS_MAX];
    size_t group_count;
    struct learned_pool *pools[POOLS_MAX];  // what members of a fleet's pools have
    size_t pool_count;
    int64_t vcpus[QUOTA_CLASS_COUNT];  // launched and ordered in this cluster, by its last look
    int64_t scores_told_ms;         // newest placement score before the restart, 0 none
    struct { int64_t ms; char type[32]; } boots[BOOTS_MAX];
    size_t boot_count;              // ever; the ring's newest are the last BOOTS_MAX
};

// What an Auto Scaling group seldom changes, kept for two minutes (gather_groups.c); what guards a drain is asked again before it.
struct group_slow {
    char group[256];
    struct arena arena;             // of the answers
    int64_t asked_ms; bool renewed;  // the latter in this look
    struct asg_members warm;
    struct asg_refreshes refreshes;
    struct asg_policies policies;
    struct asg_hooks hooks;
};

// A fleet of the policy in this look, or one that carries its tag.
struct look_fleet {
    const struct policy_fleet *policy;
    const char *id;                 // the policy's tag, where none was found
    const char *unfound;            // why, "" it was, or its id is known
    enum fleet_kind kind;
    const struct ec2_spot_fleet *told;  // NULL: not told of
    const struct fact_fleet *kept;  // what the look before knew, NULL nothing
    struct ec2_spot_fleets alone;
    struct ec2_instances members; bool by_zone;  // asked for zone by zone
    struct ec2_fleet_members listed;  // asked where the tags show no member
    struct ec2_fleet_events history; struct asg_activities activities;  // the latter of an Auto Scaling group
    int question;                   // about its placement scores: of the region's, plus one; 0 none
    struct ec2_scores *scores;      // the answer, where this row asked; NULL
    struct group_slow *slow;        // of an Auto Scaling group
};

// ---- one look -------------------------------------------------------------------------------------------------------------
struct look {
    struct gather *g;
    struct region *region;
    const struct policy_cluster *policy;
    struct arena *a;                // of the new facts
    const struct facts *old;        // NULL in the first look
    struct facts *new;
    struct aws_with with;
    int64_t until_ms;
    bool lists, tasks_listed;       // the former: a list look
    struct zone_list *zones;        // that were asked alone, NULL none were
    struct ecs_arns container_list, service_list, task_list;
    struct ecs_container_instances containers;
    struct ecs_services services;
    struct look_fleet *rows;        // the fleets, in the policy's order
    size_t row_count;
    struct ec2_spot_fleets fleets[API_FLEET_COUNT];  // for all at once
    bool fleets_asked[API_FLEET_COUNT];
    bool fleets_alone[API_FLEET_COUNT];  // one of them is unknown: each row has its own answer
    struct ec2_instances strays;    // by id
    struct ec2_subnets subnets;
    struct ec2_spot_requests interrupted; struct ec2_scheduled_events scheduled;
    struct ecs_providers providers;
    struct appscaling_targets scalable;
    struct quota_answer quotas[QUOTA_CLASS_COUNT];
    struct box_lists *boxes;        // draining instances
    size_t box_count;
};

// The RUNNING and STOPPED lists of one draining container instance.
struct box_lists {
    const char *container;
    struct ecs_arns running, stopped;
};

void source_set(struct facts *f, enum source_kind k, enum source_state state, int64_t read_ms, const char *detail);
// How a call went, as the state of a source: OK, PARTIAL, UNKNOWN with the call's own words and the age of what is kept.
void source_from_call(struct look *l, enum source_kind k, const struct aws_call *c);

void look_containers_ask(struct look *l);      // describe those known
void look_containers_take(struct look *l);
void look_services_ask(struct look *l);
void look_services_take(struct look *l);
bool look_tasks_due(const struct look *l);     // has a container instance changed since the last list?
void look_boxes_ask(struct look *l);           // lists of draining instances
void look_tasks(struct look *l);               // takes the lists, describes what is new, unfinished or vanished
void look_protections(struct look *l);
void look_task_needs(struct look *l);          // overrides, once the definitions are known
void look_fleets_ask(struct look *l);
bool look_fleets_resolve(struct look *l);      // which fleets the tags mean, once they are told; true: something is asked
// gather_groups.c: Auto Scaling groups
void look_group_ask(struct look *l, struct look_fleet *x);
void gather_forget_groups(struct gather *g);
bool look_group_more(struct look *l, struct look_fleet *x);       // its warm pool; true: something is asked
struct fact_group look_group_fact(struct look *l, const struct look_fleet *x);  // x->told is one
// What its group says of an instance; "" where no group of the policy lists it.
const char *look_group_member(const struct look *l, const char *instance, const char **ret_group, bool *ret_protected);
void look_strays_ask(struct look *l);          // container instances that no fleet has
void look_ec2_take(struct look *l);
void look_fleets_take(struct look *l);
void look_fleets_share(struct look *l);        // keeps the answer for the other clusters of the region
bool look_fleets_retry(struct look *l);        // one unknown fleet must not hide the others; true: something is asked

void look_catalogue(struct look *l);             // fleets that say what their types must have: which these are

enum fleet_state gather_fleet_state(const char *text);  // as EC2 writes it

void look_account_ask(struct look *l);         // what seldom changes, where it is due
void look_account_take(struct look *l);
void look_scores_ask(struct look *l);          // gather_scores.c
void look_scores_take(struct look *l);
void look_score_of(const struct look *l, size_t fleet, struct fleet_pool *pool);  // sets its score, where one was told
void look_quotas_ask(struct look *l);
void look_quotas_take(struct look *l);         // limits, 0 where AWS told none
void gather_quotas(struct look *l, struct arena *a, struct snapshot *s);  // limits and what is used, into the snapshot
// Slow reads: is this one due for so many names; and, of its call's outcome, when again. See gather_account.c.
bool look_slow_due(struct look *l, enum slow_kind k, size_t count);
bool look_slow_settle(struct look *l, enum slow_kind k, const struct aws_call *c, int64_t life_ms);

// ---- caches ---------------------------------------------------------------------------------------------------------------
void region_definitions_read(struct look *l);  // all that the facts name and the cache lacks
void region_types_read(struct look *l);
struct port_set gather_ports(struct arena *a, const struct ecs_resources *r);             // as told
const char *gather_written_mark(const struct gather *g, const char *instance, int64_t now_ms);  // NULL: we wrote none lately
const char *gather_denied_action(const struct gather *g, const char *fleet);  // the newest, "" none
const char *gather_written_owner(const struct gather *g, const char *fleet, int64_t now_ms);   // as we claimed it; NULL: not lately
bool gather_written(const struct gather *g, enum action_kind kind, const char *target, int64_t now_ms);
// What a registered instance teaches of its type; and how long it booted, where it was never seen registered before.
void gather_learn(struct gather *g, const struct fact_container *c, const struct fact_ec2 *e);
void gather_learn_pool(struct gather *g, const struct fact_container *c, const struct fact_ec2 *e);
void gather_forget_pools(struct gather *g);
int64_t gather_boot_ms(const struct gather *g, int percent);  // of the type that takes longest; 0: too few booted
const struct learned_type *gather_learned(const struct gather *g, const char *type);

void snapshot_from_facts(struct look *l, struct arena *a, struct snapshot *ret);
