// EC2 inside the sandbox: parameters, filters and what several operations write.
#pragma once

#include "scaler/sandbox/internal.h"

// ---- parameters: a bad value answers InvalidParameterValue and returns false; absent leaves the result alone.
bool play_ec2_int(struct call *c, const char *name, int64_t min, int64_t max, int64_t *ret, bool *ret_present);
bool play_ec2_bool(struct call *c, const char *name, bool *ret);
bool play_ec2_time(struct call *c, const char *name, int64_t *ret_ms, bool *ret_present);
// DryRun=true: answers DryRunOperation and returns true. Operations call it once their required parameters are there.
bool play_ec2_dry_run(struct call *c);
bool play_ec2_page(struct call *c, int64_t fallback, int64_t min, int64_t max, struct page *ret);  // NextToken, MaxResults
void play_ec2_write_token(struct call *c, const struct page *page);

struct ec2_filter {
    const char *name;
    const char **values;
    size_t value_count;
};
struct ec2_filters {
    struct ec2_filter *items;
    size_t count;
};
// `known` is NULL-terminated; "tag:" in it allows all names that start so. Answers InvalidParameterValue for others.
bool play_ec2_filters(struct call *c, const char *const *known, struct ec2_filters *ret);
bool play_ec2_filter_matches(const struct ec2_filter *f, const char *value);  // any value, with * and ?; NULL matches nothing

// ---- names
// The ids of "InstanceId.N" as indices. Unknown or malformed ones answer InvalidInstanceID.* and return false.
bool play_ec2_instance_ids(struct call *c, size_t max, int **ret, size_t *ret_count);
bool play_ec2_well_formed(struct slice id, const char *prefix);  // prefix + 8 or 17 hex digits
bool play_ec2_fleet(struct call *c, int *ret_fleet);             // "SpotFleetRequestId", required; InvalidSpotFleetRequestId.*
bool play_ec2_visible(const struct call *c, int instance);       // exists for readers, ended ones for an hour
const char *play_ec2_state_text(int64_t lifecycle);              // "running"
int play_ec2_state_code(int64_t lifecycle);
const char *play_ec2_spot_request_id(struct call *c, int instance);
void play_ec2_write_tags(struct call *c, const struct world_tag *tags, int count);
const char *play_ec2_instance_tag(struct call *c, int instance, const char *key);  // aws: tags included; NULL if absent

// ---- what Spot Fleets and EC2 Fleets write alike
struct ec2_history_words {
    const char *of_fleet, *of_instance, *error, *notified;  // types of events, and a sub-type
    const char *const *states;                              // by enum world_fleet_state
};
bool play_ec2_is_spot_fleet(const struct call *c, int fleet);
const char *play_ec2_activity(int activity);
int64_t play_ec2_on_demand_milli(const struct call *c, int fleet);  // of its members
void play_ec2_write_overrides(struct call *c, const struct world_fleet *f);
void play_ec2_write_rebalance(struct call *c, const struct world_fleet *f, const char *element);
void play_ec2_write_members(struct call *c, int fleet, const struct ec2_filter *type, struct page *page);  // type NULL: any
void play_ec2_write_history(struct call *c, const struct ec2_history_words *w, int fleet, int64_t from_ms, struct page *page);
const char *play_ec2_zone_id(struct call *c, int zone);  // "use1-az1", of an index
// One of id and name is NULL, version may be. Answers InvalidLaunchTemplate… and returns false where there is none.
bool play_ec2_find_template(struct call *c, const char *id, const char *name, const char *version, int *ret);
void play_ec2_write_launch(struct call *c, int fleet);  // of type instant: errors and instances
void play_ec2_answer_modify(struct call *c, enum world_answer answer, const char *id, const char *unknown);  // unknown: the code

void play_ec2_describe_instances(struct call *c);
void play_ec2_describe_instance_status(struct call *c);
void play_ec2_describe_spot_instance_requests(struct call *c);
void play_ec2_terminate_instances(struct call *c);
void play_ec2_create_tags(struct call *c);
void play_ec2_delete_tags(struct call *c);
void play_ec2_describe_tags(struct call *c);
void play_ec2_describe_spot_fleet_requests(struct call *c);
void play_ec2_describe_spot_fleet_instances(struct call *c);
void play_ec2_describe_spot_fleet_request_history(struct call *c);
void play_ec2_modify_spot_fleet_request(struct call *c);
void play_ec2_describe_fleets(struct call *c);
void play_ec2_describe_fleet_instances(struct call *c);
void play_ec2_describe_fleet_history(struct call *c);
void play_ec2_modify_fleet(struct call *c);
void play_ec2_create_fleet(struct call *c);
void play_ec2_describe_instance_types(struct call *c);
void play_ec2_describe_instance_type_offerings(struct call *c);
void play_ec2_get_spot_placement_scores(struct call *c);
void play_ec2_describe_spot_price_history(struct call *c);
void play_ec2_describe_availability_zones(struct call *c);
void play_ec2_describe_regions(struct call *c);
void play_ec2_describe_subnets(struct call *c);
void play_ec2_describe_launch_template_versions(struct call *c);
