// What happens when in the virtual world: for planner/sim/*.c only.
//
// Events of equal times come in the order in which they were put in. One about an object carries that object's serial: when another
// lives in its slot by then, the event is dropped (world.c).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;

enum world_ev {
    WEV_WORKLOAD, WEV_SERVICE, WEV_SERIES, WEV_MARKET, WEV_MARKET_CHANGE, WEV_DRAW, WEV_BATCH, WEV_BATCH_RETRY, WEV_DEPLOY,
    WEV_TASK_START, WEV_TASK_HEALTHY, WEV_TASK_STOPPING, WEV_TASK_STOPPED, WEV_TASK_DONE, WEV_TASK_GONE, WEV_TASK_PROTECT,
    WEV_INST_RUNNING, WEV_INST_REGISTER, WEV_INST_DEREGISTER, WEV_INST_TERMINATED, WEV_INST_GONE, WEV_INST_HOOK, WEV_INST_NOTICE, WEV_INST_EVENT, WEV_INST_DOOM,
    WEV_FLEET_MODIFIED, WEV_FLEET_CHECK, WEV_FLEET_LAUNCH, WEV_GROUP_TICK,
    WEV_COUNT
};

struct world_item {
    int64_t at_ms;
    uint64_t seq;        // order of equal times
    enum world_ev kind;
    int a, b;
    uint64_t serial;     // of the object in slot a; another one lives there now: dropped
};

struct world_queue {
    struct world_item *items;
    size_t count, cap;
    uint64_t seq;
};

void queue_push(struct world *w, int64_t at_ms, enum world_ev kind, int a, int b, uint64_t serial);
bool queue_pop(struct world *w, int64_t until_ms, struct world_item *ret);
int64_t queue_next_ms(const struct world *w);
