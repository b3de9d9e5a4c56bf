#include "planner/parts.h"

int64_t parts_counted_milli(int64_t on_demand_milli, int64_t part)
{
    return part > 0 ? i64_min(on_demand_milli, part * 1000) : on_demand_milli;
}

int64_t parts_sum(const struct work *w, int fleet, int64_t part)
{
    const struct work_fleet *y = &w->fleet[fleet];
    int64_t spot_milli = y->stay_milli - parts_counted_milli(y->od_stay_milli, w->s->fleets[fleet].on_demand_target);
    return (spot_milli + parts_counted_milli(y->od_stay_milli, part)) / 1000;
}

int64_t parts_that_stays(const struct work *w, int fleet)
{
    int64_t part = w->s->fleets[fleet].on_demand_target;
    return part > 0 ? i64_max(part, w->fleet[fleet].od_stay_milli / 1000) : 0;
}
