#include "planner/model/trouble.h"

#include <string.h>

#include "base/check.h"

enum { ZONES = 16 };

struct part {
    const char *zone;
    size_t count, down;
};

// Members that a group keeps aside, and what EC2 has ended, are no sign of anything.
static bool is_member(const struct instance *x)
{
    bool ends = x->ec2 == EC2_SHUTTING_DOWN || x->ec2 == EC2_TERMINATED || x->ec2 == EC2_STOPPING || x->ec2 == EC2_STOPPED;
    bool aside = x->member && x->member[0] != '\0' && strcmp(x->member, "InService") != 0;
    return (x->ecs == ECS_ACTIVE || x->ecs == ECS_DRAINING) && !ends && !aside;
}

static struct part *part_of(struct part parts[ZONES + 1], const char *zone)
{
    for (size_t z = 0; z < ZONES; z++)
        if (!parts[z].zone || strcmp(parts[z].zone, zone) == 0) {
            parts[z].zone = zone;
            return &parts[z];
        }
    return NULL;
}

bool snapshot_troubled(const struct snapshot *s)
{
    static const enum source_kind told[] = {SOURCE_SERVICES, SOURCE_TASK_DEFINITIONS, SOURCE_CONTAINER_INSTANCES, SOURCE_EC2_INSTANCES};
    struct part parts[ZONES + 1] = {0};
    for (size_t k = 0; k < ARRAY_LEN(told); k++)
        if (s->sources[told[k]].state != SOURCE_OK)
            return true;
    for (size_t i = 0; i < s->instance_count; i++) {
        const struct instance *x = &s->instances[i];
        if (!is_member(x))
            continue;
        struct part *each[] = {&parts[ZONES], part_of(parts, x->zone)};
        for (size_t k = 0; k < ARRAY_LEN(each) && each[k]; k++) {
            each[k]->count++;
            each[k]->down += !x->agent_connected || x->notice_ms > 0;
        }
    }
    for (size_t k = 0; k <= ZONES; k++)
        if (parts[k].down >= 3 && parts[k].down * 5 > parts[k].count)
            return true;
    return false;
}
