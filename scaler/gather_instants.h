// Instant fleets in a look. No fleet of EC2 stands for one, only the instances that carry the tag masu:fleet with its name.
//
// What an order of ours became is told by its answer, because reads lag: instances are facts at once, and a pool that refused is
// remembered as the histories of other fleets tell it. Part of gather_internal.h.
#pragma once

#include "base/arena.h"
#include "base/strmap.h"
#include "scaler/aws/ec2.h"
#include "scaler/facts.h"

enum { INSTANTS_MAX = 16 };

struct own_launch { 
    char fleet[80], instance[24], type[32], subnet[40], zone[32], launch_template[80];
    bool spot;
    int64_t at_ms;
};

struct own_orders {                 // what AWS refused an instant fleet
    char fleet[80], last_error[64];
    struct fact_refusal refusals[FACT_REFUSALS_MAX];
    size_t refusal_count;
    int64_t last_error_ms, capacity_error_ms;
};

struct own_launches {
    struct own_launch *v;
    size_t count, cap;
    struct own_orders orders[INSTANTS_MAX];
    size_t order_count;
};

struct look;
struct look_fleet;
struct policy_fleet;
void look_instant_ask(struct look *l, struct look_fleet *x);
const char *look_instant_id(struct look *l, const struct policy_fleet *p);  // "CLUSTER/NAME"
const char *look_instant_of(const struct look *l, const struct aws_tags *tags);  // id of the one whose member it is, NULL none
struct fact_fleet look_instant_fact(struct look *l, const struct look_fleet *x);
void look_instants_take(struct look *l, const struct strmap *seen);
