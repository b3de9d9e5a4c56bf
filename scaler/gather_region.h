// What the clusters of an (account, region) share: the client, what never or seldom changes, and the fleets' answers.
//
// gather_cache.c keeps definitions and types, gather_account.c what is around the clusters; both ask for what is due in the look
// of whichever cluster comes first. Strings live as long as the region.
#pragma once

#include "base/arena.h"
#include "base/strmap.h"
#include "scaler/aws/autoscaling.h"
#include "scaler/aws/autoscaling_app.h"
#include "planner/model/quota_class.h"
#include "scaler/aws/ec2_fleets.h"
#include "scaler/aws/ec2_types.h"
#include "scaler/aws/ecs_definition.h"
#include "scaler/aws/ecs_providers.h"
#include "scaler/aws/sts.h"

enum {
    DEFINITIONS_A_LOOK = 100,       // the bucket of task definitions is small
    DEFINITIONS_MAX = 20000,
    TYPES_MAX = 1000,
    SUBNETS_MAX = 1000,
    PROVIDERS_MAX = 500,
    SCALERS_MAX = 64,
    NOTES_MAX = 8,
    OFFERED_ZONES_MAX = 32,         // of a region, local ones too
    ZONES_MAX = 8,                  // of a region, with prices
    NOTICES_MAX = 2048,
    SCORE_QUESTIONS_MAX = 16,       // at once; AWS does not say how many a day it allows
    TROUBLES_MAX = 64,
};

struct zone_price {
    char zone[32];
    int64_t usd_micro;
};

struct cached_type {
    struct ec2_type type;           // strings in the region's arena
    int64_t read_ms, spot_usd_micro;  // the mean over the zones
    struct zone_price prices[ZONES_MAX];
    size_t price_count;
    bool known;
};

struct cached_subnet {
    const char *id;
    char zone[32], zone_id[32], vpc[40];
    int64_t free_addresses, addresses;  // -1, 0 not told
    bool known;
};

struct cached_provider {
    const char *name;
    bool known, managed_scaling, managed_instances;
    char group[96];                 // of its Auto Scaling group: the end of its ARN's name
};

struct fleet_scaler {               // somebody else who scales one of our fleets
    char fleet[64], words[200];
};

struct region_quota {               // a vCPU quota of the account
    bool wanted;                    // one of our fleets launches such instances
    bool only_default;              // nothing but the default was ever in force
    int64_t limit_vcpus;            // 0 unknown
    int64_t refused_ms;             // when AWS last refused a launch because of it, 0 never
};

struct spot_notice {                // of gather_notices.c
    char instance[24];
    int64_t at_ms, risk_ms;         // notice; rebalance recommendation or scheduled event; 0 none
    int64_t event_ms;               // when that event stops it
    int64_t heard_ms;
    bool polled;                    // the newest answer about spot requests tells of it
    bool told;                      // an event did, or a warning: never forgotten for what is only polled
    bool scheduled;                 // the newest answer about the status of instances tells of the event,
    bool only_event;                // and nothing else warned
};

struct fleet_trouble {              // of gather_trouble.c: an error of a fleet or group, as an event told it
    char fleet[96], code[64], words[256], zone[32];
    int64_t at_ms;
};

enum slow_kind { SLOW_SUBNETS, SLOW_PROVIDERS, SLOW_SCALERS, SLOW_NOTICES, SLOW_EVENTS, SLOW_QUOTAS, SLOW_CATALOGUE, SLOW_SCORES, SLOW_COUNT };
struct slow_read {
    int64_t next_ms;                // when it is due again
    size_t count;                   // of what was asked for
    bool asked;                     // in this look
    bool told;                      // that it is refused
};

struct sold_type {                  // of gather_catalogue.c
    struct type_facts facts;
    uint32_t zones;                 // a bit each: those that sell it
};
struct catalogue {
    struct arena arena;
    struct sold_type *types;        // by name
    size_t count;
    char zones[OFFERED_ZONES_MAX][32];
    int zone_count;
};

struct zone_score {
    char zone[32];
    int32_t score;
};
struct score_question {             // of gather_scores.c: fleets that would ask the same share it
    uint64_t what;
    int64_t asked_ms, told_ms;
    struct zone_score zones[ZONES_MAX];
    size_t zone_count;
};

struct kept_definition {
    struct ecs_task_definition d;
    int64_t asked_ms;
};

enum fleet_api { API_SPOT_FLEET, API_EC2_FLEET, API_FLEET_COUNT };
struct region_fleets {              // of one kind, of all clusters here
    const char **ids;
    size_t id_count, id_cap;
    struct arena arenas[2];
    struct ec2_spot_fleets answers[2];  // [turn] is the newest complete one
    unsigned turn;
    bool all;                       // a policy names one by its tag: every fleet of the region is asked for
    bool stale;                     // one of ours changed a target since
    int64_t alone_until_ms;         // AWS did not know one of them: each cluster asks for its own
};

struct region {
    struct aws_clients *clients;
    struct aws *aws;
    struct arena kept;              // for ever: task definitions, types
    struct arena scratch;           // one answer
    struct strmap definition_map;
    struct kept_definition **definitions;
    size_t definition_count, definition_cap;
    struct region_fleets fleets[API_FLEET_COUNT];
    struct strmap type_map;
    struct cached_type *types;
    size_t type_count;
    size_t types_asked;             // how many were known by name when they were last asked for
    int64_t types_asked_ms, prices_asked_ms;
    struct strmap subnet_map, provider_map;
    struct cached_subnet *subnets;
    size_t subnet_count;
    struct cached_provider *providers;
    size_t provider_count;
    struct fleet_scaler scalers[SCALERS_MAX];
    size_t scaler_count;
    struct spot_notice notices[NOTICES_MAX];
    size_t notice_count;
    struct fleet_trouble troubles[TROUBLES_MAX];  // the newest, a ring
    size_t trouble_count;           // ever
    struct region_quota quotas[QUOTA_CLASS_COUNT];
    struct arena poll_arena;        // of the poll of spot requests
    struct ec2_spot_requests poll;
    int64_t polled_ms;              // when it was last asked
    bool polling;
    struct catalogue catalogue;     // empty until a fleet needs it
    struct score_question questions[SCORE_QUESTIONS_MAX];
    size_t question_count;
    struct slow_read slow[SLOW_COUNT];
    char notes[NOTES_MAX][300];     // for the log, see gather_note
    size_t note_count, notes_taken;
    struct gather *gathers;         // of the clusters here
    char name[64], account_wanted[16], account[16];
};

// When to ask again, by how the call went; true: the answer can be used. What is refused is told once (gather_note).
bool region_slow_settle(struct region *r, enum slow_kind k, const struct aws_call *c, int64_t life_ms, int64_t now_ms);
const struct ecs_task_definition *region_definition(const struct region *r, const char *arn);  // NULL: not read yet
const struct cached_type *region_type(const struct region *r, const char *name);  // NULL unknown
struct type_facts region_type_facts(const struct cached_type *t);
int64_t region_spot_price(const struct cached_type *t, const char *zone);  // zone "": the mean; 0 unknown, t may be NULL
int64_t region_eni_slots(const struct cached_type *t, bool trunk);  // awsvpc tasks that an instance holds; t NULL: unknown
const struct cached_subnet *region_subnet(const struct region *r, const char *id);        // NULL unknown
const struct cached_provider *region_provider(const struct region *r, const char *name);  // NULL unknown
const char *region_scaler_of(const struct region *r, const char *fleet);                  // who else scales it, "" nobody known
