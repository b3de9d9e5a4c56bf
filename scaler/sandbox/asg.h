// Auto Scaling inside the sandbox: parameters, names and what several operations write. Query protocol: lists are "Name.member.N".
#pragma once

#include "planner/sim/group.h"
#include "scaler/sandbox/internal.h"

// ---- parameters: a bad value answers ValidationError and returns false; absent leaves the result alone.
bool play_asg_int(struct call *c, const char *name, int64_t min, int64_t max, int64_t *ret, bool *ret_present);
bool play_asg_bool(struct call *c, const char *name, bool *ret, bool *ret_present);
// "AutoScalingGroupName", required: its fleet. ValidationError where there is none.
bool play_asg_group(struct call *c, int *ret_fleet);
// "InstanceIds.member.N" as indices; ValidationError for unknown ones and above max.
bool play_asg_instances(struct call *c, size_t max, int **ret, size_t *ret_count);
bool play_asg_page(struct call *c, int64_t fallback, int64_t max, struct page *ret);  // NextToken, MaxRecords
void play_asg_end(struct call *c, const struct page *page);  // NextToken, and the end of the answer; NULL: has no pages
void play_asg_void(struct call *c);                          // the answer of an operation that has no result
bool play_asg_refuse(struct call *c, const char *fmt, ...) _printf_(2, 3);  // ValidationError; false

struct asg_filter {
    const char *name;
    const char **values;
    size_t value_count;
};
struct asg_filters {
    struct asg_filter *items;
    size_t count;
};
bool play_asg_filters(struct call *c, struct asg_filters *ret);  // of DescribeAutoScalingGroups
bool play_asg_has(const struct asg_filter *f, const char *value);

// ---- names
const struct world_group *play_asg_of(const struct call *c, int fleet);  // NULL: not a group
const char *play_asg_arn(struct call *c, int fleet);  // of a fleet that is a group
const char *play_asg_process(int process);                       // "AZRebalance"
bool play_asg_listed(const struct call *c, int instance, bool warm);  // a member that the group still tells of
void play_asg_write_instance(struct call *c, int instance, bool with_group);

void play_asg_describe_groups(struct call *c);
void play_asg_describe_instances(struct call *c);
void play_asg_describe_activities(struct call *c);
void play_asg_describe_refreshes(struct call *c);
void play_asg_describe_policies(struct call *c);
void play_asg_describe_hooks(struct call *c);
void play_asg_describe_warm_pool(struct call *c);
void play_asg_set_desired(struct call *c);
void play_asg_terminate(struct call *c);
void play_asg_protect(struct call *c);
void play_asg_suspend(struct call *c);
void play_asg_resume(struct call *c);
void play_asg_complete(struct call *c);
void play_asg_heartbeat(struct call *c);
void play_asg_tag(struct call *c);
