// What masu may ask of AWS: one row an operation that this build can send, and a kind of thing
// that it is sent for. The IAM policy that `masu iam-policy` prints, the
// files under deploy/iam, and what `masu doctor` tries all come from this table; a test compares it with the operations in
// scaler/aws. Whoever adds an operation there adds its row here.
//
// Which resources and condition keys an action knows is AWS's to say (Service Authorization Reference, ECS and EC2, 2026).
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "policies/policy.h"

enum permission_scope {
    SCOPE_ANY,                 // AWS knows no resource for it: "*"
    SCOPE_CLUSTER,             // cluster/NAME
    SCOPE_BY_CLUSTER,          // "*", narrowed by the key ecs:cluster
    SCOPE_CONTAINER_INSTANCE,  // container-instance/CLUSTER/*
    SCOPE_SERVICE,             // service/CLUSTER/*
    SCOPE_TASK,                // task/CLUSTER/*
    SCOPE_FLEET,               // spot-fleet-request/ID
    SCOPE_EC2_ANY,             // "*", where a fleet may be an EC2 Fleet
    SCOPE_EC2_FLEET,           // fleet/ID
    SCOPE_MEMBER,              // instance/*, narrowed by the tag that EC2 puts on members of a Spot Fleet
    SCOPE_EC2_MEMBER,          // of an EC2 Fleet
    SCOPE_MEMBER_TAGS,         // the same, and only tags masu:*
    SCOPE_EC2_MEMBER_TAGS,
    SCOPE_FLEET_TAGS,          // spot-fleet-request/ID, and only tags masu:*
    SCOPE_EC2_FLEET_TAGS,
    SCOPE_QUEUE,               // the queues of the policy
    SCOPE_GROUPS,              // Auto Scaling groups, of which AWS knows no resource in a read: "*"; nothing where the policy has none
    SCOPE_GROUP,               // autoScalingGroup:*:autoScalingGroupName/NAME
    SCOPE_GROUP_TAGS,          // the same, and only tags masu:*
    SCOPE_GROUP_MEMBER_TAGS,   // instance/*, narrowed by the tag that Auto Scaling puts on members, and only tags masu:*
    SCOPE_INSTANT_ANY,         // "*", where the policy has an instant fleet
    SCOPE_INSTANT,             // where the policy has an instant fleet: template, subnet and whatever is launched
    SCOPE_INSTANT_IMAGE,       // image/*, of whichever account
    SCOPE_INSTANT_ROLE,        // role/*, passed to EC2 only: that of the launch template's instance profile
    SCOPE_INSTANT_TAGS,        // fleet/* and instance/* while they are created
    SCOPE_INSTANT_MEMBER,      // instance/*, narrowed by the tag masu:fleet that it was launched with
    SCOPE_INSTANT_MEMBER_TAGS, // the same, and only tags masu:*
    SCOPE_ALWAYS,              // needs no permission
    SCOPE_COUNT
};

struct permission {
    const char *action;  // "ecs:DescribeClusters"
    bool write;
    enum permission_scope scope;
    const char *why;     // what masu uses it for
    bool spare;          // masu does its work without it
};

extern const struct permission permissions[];
extern const size_t permission_count;

const struct permission *permission_find(const char *action);  // its first row; NULL: not in the table

// An IAM policy document: what reads need, and unless read_only what changes need, narrowed to the clusters and fleets of the
// policy; NULL narrows only by kind of thing. `region` stands for clusters that name none; NULL: any. New reference.
json_t *permissions_document(const struct policy *p, bool read_only, const char *region);
// The resources of a cluster that an action is narrowed to, as the document says it: for remedies. In the arena.
const char *permission_resource(const struct permission *m, const struct policy_cluster *c, const char *region, struct arena *a);
