// What the services of a cluster want on its instances. Pure.
#pragma once

#include "planner/model/snapshot.h"

// Of all replica services on EC2, whose primary deployment has a shape that is known: their desired tasks, by what these reserve.
struct res snapshot_wanted(const struct snapshot *s);
