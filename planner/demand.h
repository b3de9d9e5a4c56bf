// Demand: which tasks need a place, and why.
//
// For each replica service on EC2: what its PRIMARY deployment lacks, as far as the maximum per cent lets ECS start it; the
// movable tasks on instances that leave, whoever makes them leave; and headroom in whole tasks. Never more of a service than
// its desired count. Standalone tasks and daemons are no demand. Sorted: tasks before headroom, then the largest first.
#pragma once

#include "planner/work.h"

struct demand_options {
    bool all_movable;  // count each task of a drain of ours, however slowly ECS may move it: for proofs (V7); headroom is then what the forecast keeps, not what it orders
};

// The list and its counts; nothing is placed yet. Owned by the arena.
size_t demand_collect(struct work *w, struct demand_options o, struct item **ret);
// True where more capacity cannot help this service; *ret_why says why.
bool demand_incurable(struct work *w, int service, const char **ret_why);
// How many of the service's tasks ECS can move at all, now: surge it may start plus tasks it may stop first (C1).
int64_t demand_movable(const struct service *s);

// Why tasks have neither room nor an order, and what a person can do about it.
enum demand_reason {
    DEMAND_CRASH_LOOP,   // its tasks start and fail
    DEMAND_AGENT,        // ECS names the agent of an instance
    DEMAND_DEFINITION,   // no task definition that could be read
    DEMAND_UNMODELLED,   // a rule that is not understood
    DEMAND_PROVIDER,     // runs on a capacity provider's instances only
    DEMAND_ARCH,         // no pool of the architecture
    DEMAND_ATTRIBUTE,    // no pool with an attribute that it requires
    DEMAND_CONSTRAINT,   // memberOf holds for no pool
    DEMAND_ZONE,         // no pool in its zones, or orders that landed elsewhere (A8)
    DEMAND_PORT,         // a host port that agent or daemons take everywhere
    DEMAND_GPU,
    DEMAND_ENI,
    DEMAND_TOO_LARGE,    // CPU or memory of the largest type
    DEMAND_ADDRESS,      // the subnets have no free address
    DEMAND_CLOSED,       // what would hold it cannot grow
    DEMAND_SIZE_UNKNOWN, // a type's size is not known yet
    DEMAND_PROBE,        // one instance was ordered to find out (F5)
    DEMAND_RUNAWAY,      // orders had no effect (L11)
    DEMAND_TURN,         // a surge that waits for larger ones (F7), or tasks that wait out a peak (patience.h)
    DEMAND_REASON_COUNT
};
struct demand_cause {
    enum demand_reason reason;
    const char *fact;    // "needs 16.0 GiB, the largest type of sfr-1, m5.xlarge, has 15.2 GiB for tasks"
    const char *remedy;  // "use a larger type or less memory"
};
const char *demand_reason_name(enum demand_reason r);  // "crash-loop", …
// Of an item with tasks that are not answered, after scale-out; false where nothing is wrong with them but bad facts.
bool demand_cause(struct work *w, const struct item *it, struct demand_cause *ret);
static inline int32_t demand_unanswered(const struct item *it)
{
    return it->count - it->now - it->later - it->open - it->ordered - it->capped;
}
