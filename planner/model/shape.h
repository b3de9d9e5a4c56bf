// Shapes: what ECS needs to know to place one task, and the small sets that placement compares: attributes and host ports.
//
// Plain data, owned by the snapshot. A set of attributes is shared by all instances that have the same: gather makes them few by
// leaving out the value of what differs on each (ecs.awsvpc-trunk-id). Sets are sorted, by name and by number.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/model/res.h"

struct attribute {
    const char *name, *value;  // value "": none
};

struct attribute_set {
    struct attribute *v;  // by name, each once
    size_t count;
};
// NULL when the set has none of that name.
const struct attribute *attribute_find(const struct attribute_set *s, const char *name);

// A host port with its protocol, as one number.
struct port_set {
    const uint32_t *v;  // port_make, ascending
    size_t count;
};
static inline uint32_t port_make(uint32_t number, bool udp)
{
    return number * 2 + (udp ? 1 : 0);
}
bool port_sets_meet(struct port_set a, struct port_set b);  // have one in common
// What the agent reserves on every instance: 22, 2375, 2376, 51678 to 51680 TCP (ECS agent documentation).
extern const struct port_set port_set_reserved;

enum place_kind { PLACE_SPREAD, PLACE_BINPACK_CPU, PLACE_BINPACK_MEMORY, PLACE_RANDOM };
#define PLACE_MAX 5

struct place_strategy {
    enum place_kind kind;
    const char *field;  // PLACE_SPREAD: "instanceId" or "attribute:NAME"; else ""
};

// What ECS needs to place one task: tasks of equal shape are interchangeable.
struct shape {
    const char *name;          // task definition "family:revision", unique in the snapshot with its service
    struct res need;           // reservation of one task
    struct res used_p95, used_now;  // what one task uses, measured: over the last hour, and newest; CPU and memory
    int64_t used_largest_mib;  // newest memory of that task which uses most; 0: not known
    int64_t used_at_ms;        // when that was; 0: its use is not known
    bool known;                // false: the definition could not be read; never a reason to remove
    bool distinct_instance;    // at most one task of the service an instance
    const char *arch;          // "x86_64", "arm64", "" = any
    const char *unmodelled;    // a rule that this build cannot evaluate (memberOf …): no order, no move; "" = none
    struct attribute *required;  // requiresAttributes: each must be on the instance, with this value where it has one
    size_t required_count;
    const char **member_of;    // cluster query expressions, all must hold
    size_t member_of_count;
    struct port_set ports;     // host ports that one task takes
    const char **zones;        // awsvpc: zones of its subnets; none: any
    size_t zone_count;
    const char *vpc;           // awsvpc: of its subnets, "" any
    struct place_strategy strategies[PLACE_MAX];
    int strategy_count;
    bool local_data;           // a volume of the host outlives the task (safety.md C11)
    int64_t stop_timeout_ms;   // longest of its containers; 30,000 where none is named
};
