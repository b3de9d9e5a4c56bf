// Amazon EC2: what it sells, and for how much: instance types, where they are offered, spot prices and placement scores.
//
// As in ec2.h: every function begins a call that aws_run() finishes; `ret` is zeroed first and lives, like the arena, until then;
// strings are never NULL. Prices are integer micro-dollars an hour, times wall milliseconds.
#pragma once

#include "scaler/aws/aws.h"

struct ec2_type {
    const char *name, *arch;     // "x86_64", "arm64": the first of the two that it supports, else ""
    int64_t vcpus, memory_mib, max_network_interfaces, gpus;
    bool spot, bare_metal, current, burstable;  // current: generation
};
struct ec2_types {
    struct aws_call call;
    struct ec2_type *items;
    size_t count, cap;
};
void ec2_describe_types(struct aws_with w, const char *const *names, size_t count, struct ec2_types *ret);

// Every type of the region, many pages: once a day.
void ec2_describe_all_types(struct aws_with w, struct ec2_types *ret);

struct ec2_offering {
    const char *type, *zone;
};
struct ec2_offerings {
    struct aws_call call;
    struct ec2_offering *items;
    size_t count, cap;
};
// Which zone sells which type, of all types.
void ec2_describe_offerings(struct aws_with w, struct ec2_offerings *ret);

struct ec2_price {
    const char *type, *zone, *product;
    int64_t usd_micro;           // an hour
    int64_t since_ms;
};
struct ec2_prices {
    struct aws_call call;
    struct ec2_price *items;     // may hold several of one type and zone: the newest counts
    size_t count, cap;
};
// Present Linux/UNIX spot prices of these types in every zone of the region; now_ms is the StartTime.
void ec2_describe_spot_prices(struct aws_with w, const char *const *types, size_t count, int64_t now_ms, struct ec2_prices *ret);

struct ec2_score {
    const char *region, *zone_id;  // "use1-az1"
    int32_t score;                 // 1 … 10: how likely the whole capacity is got there now
};
struct ec2_scores {
    struct aws_call call;
    struct ec2_score *items;
    size_t count, cap;
};
// Of spot capacity of these types (three at least: fewer score low) in each zone of one region. AWS limits how many different
// questions an account asks in 24 h: the same types and target again are none. ERR_LIMIT: that limit.
void ec2_placement_scores(struct aws_with w, const char *region, const char *const *types, size_t count, int64_t target_instances,
                          struct ec2_scores *ret);
