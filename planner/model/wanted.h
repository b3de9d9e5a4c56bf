// What the services of a cluster want on its instances, and have there. Pure.
#pragma once

#include "planner/model/snapshot.h"

// Of all replica services on EC2, whose primary deployment has a shape that is known: their desired tasks, by what these reserve.
struct res snapshot_wanted(const struct snapshot *s);
// Tasks of the service of that name on the instance, as far as it was seen.
int32_t snapshot_tasks_on(const struct snapshot *s, const struct instance *x, const char *service);
