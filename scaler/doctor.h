// masu doctor: is everything in place for the daemon to work here? One check a line: what was seen, and the remedy.
//
// It asks and never acts: the only changing operations that it sends are EC2's with DryRun. What AWS told stays in one
// struct doctor until the end; doctor_ask.c fills it, doctor_aws.c, doctor_cluster.c and doctor_conflicts.c judge it, doctor_host.c looks at the
// machine it runs on. Everything lives in the arena.
#pragma once

#include "base/buf.h"
#include "policies/policy.h"
#include "scaler/aws/autoscaling_app.h"
#include "scaler/aws/aws.h"
#include "scaler/aws/cloudwatch.h"
#include "scaler/aws/ec2.h"
#include "scaler/aws/ec2_fleets.h"
#include "scaler/aws/ec2_templates.h"
#include "scaler/aws/ec2_types.h"
#include "scaler/aws/ecs_definition.h"
#include "scaler/aws/autoscaling.h"
#include "scaler/aws/ecs_providers.h"
#include "scaler/aws/quotas.h"
#include "scaler/aws/sqs.h"
#include "scaler/aws/sts.h"
#include "scaler/options.h"
#include "scaler/permissions.h"

enum doctor_state { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor_check {
    const char *id;      // "credentials", "permission", "fleet", …: stable
    enum doctor_state state;
    const char *target;  // whom it is about: a cluster, a fleet, an action, a path; "" the whole
    const char *what;    // what was seen
    const char *remedy;  // what to do; "" where it is ok
};

struct doctor_fleet {
    const struct policy_fleet *policy;
    const char *id;                     // the policy's tag, until one active fleet is found that carries it
    size_t tagged;                      // how many active fleets carry the policy's tag
    struct ec2_spot_fleets alone;       // asked for by itself, where the common call failed for one unknown id
    const struct ec2_spot_fleet *told;  // NULL: not told of
    struct ec2_instances members;
    struct ec2_fleet_members listed;
    struct ec2_fleet_events events;     // of the last hour
    struct appscaling_policies policies;
    struct ec2_state_changes end;       // the dry run of TerminateInstances on one member
    struct asg_groups group;            // where it is an Auto Scaling group, and what is asked of one
    struct asg_hooks hooks;
    struct asg_refreshes refreshes;
    struct asg_policies group_policies;
    struct asg_members warm;
    struct asg_activities activities;
    struct ec2_templates template;      // where it is an instant fleet: what it launches from
    struct ec2_launch_answer launch;    // and the dry run of one launch
    struct aws_call tag, untag;         // of CreateTags on that member and the fleet, of DeleteTags on the member
};

struct doctor_cluster {
    const struct policy_cluster *policy;
    struct ecs_clusters described;
    struct ecs_arns instance_arns, service_arns, task_arns;
    struct ecs_container_instances instances;
    struct ecs_services services;
    struct ecs_tasks tasks;
    struct ecs_protections protections;
    struct ecs_task_definition definition;
    struct doctor_fleet *fleets;        // as many as the policy names
};

// The clusters of one account and region, which share a client.
struct doctor_queue {
    const struct policy_queue *policy;
    struct sqs_queue_attributes told;
};

struct doctor_region {
    const char *account;                // "" = that of the credentials
    const char *region, *region_from;   // where the region's name comes from
    struct aws *aws;
    struct sts_identity identity;
    struct ecs_arns all_clusters;
    struct ec2_spot_fleets fleets, ec2_fleets;  // those that the policy names; every one where it names a tag
    struct ec2_types types;
    struct ec2_types launched;          // that fleets with requirements in the policy name
    struct ec2_offerings offered;       // only whether they may be asked for, as the scores
    struct ec2_scores scores;
    struct ec2_prices prices;
    struct ec2_subnets subnets;         // of all its fleets
    struct ec2_spot_requests interrupted;
    struct ec2_scheduled_events scheduled;
    struct quota_answer quota, default_quota;  // of one class, to see that they may be asked for
    struct cloudwatch_data metrics;     // one of a cluster, to see that they may be asked for
    struct ecs_providers providers;     // that instances or services of its clusters name
    struct appscaling_targets targets;
    struct doctor_cluster *clusters;
    size_t cluster_count;
    struct doctor_queue *queues;        // of the policy that are in this region
    size_t queue_count;
};

struct doctor {
    struct arena *arena;
    const char *policy_path;
    const struct policy *policy;
    struct transport *transport;
    struct aws_clients *clients;
    struct doctor_check *checks;
    size_t check_count, check_cap;
};

void doctor_add(struct doctor *d, struct doctor_check c);
size_t doctor_count(const struct doctor *d, enum doctor_state state);
void doctor_write_text(const struct doctor *d, bool colour, struct buf *out);
void doctor_write_json(const struct doctor *d, struct buf *out);  // {"checks":[{id,state,target,what,remedy}],"ok":…,"warn":…,"fail":…}

// doctor_host.c: state_path NULL: not asked about.
void doctor_check_state(struct doctor *d, const char *state_path);
void doctor_check_listen(struct doctor *d, const struct option_address *listen);
// doctor_ask.c: fills *r, three rounds of calls. False where nothing was answered at all: then there is nothing to judge.
bool doctor_ask(struct doctor *d, struct doctor_region *r);
// doctor_aws.c: every region of the policy: credentials, account, region, clock, permissions, then its clusters.
void doctor_check_aws(struct doctor *d);
// doctor_conflicts.c: other hands on the same capacity.
void doctor_check_conflicts(struct doctor *d, const struct doctor_region *r);
// doctor_cluster.c
void doctor_check_cluster(struct doctor *d, const struct doctor_region *r, const struct doctor_cluster *c);
void doctor_check_members(struct doctor *d, const struct doctor_region *r, const struct doctor_cluster *c, const struct doctor_fleet *f);
// doctor_on_demand.c: against on_demand_base and on_demand_percent of the policy.
void doctor_check_on_demand(struct doctor *d, const struct doctor_cluster *c);
// doctor_usage.c: whether the source of measured use that the policy names tells anything; up to three hosts are asked.
void doctor_check_usage(struct doctor *d, const struct doctor_region *r, const struct doctor_cluster *c);
// doctor_instant.c: what an instant fleet would launch, from what and where.
void doctor_ask_instant(struct aws_with w, const struct doctor_cluster *c, struct doctor_fleet *f);
void doctor_check_instant(struct doctor *d, const struct doctor_region *r, const struct doctor_fleet *f);
