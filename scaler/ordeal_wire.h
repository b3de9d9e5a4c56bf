// An ordeal (planner/sim/ordeal.h) on the wire: the whole daemon against the virtual AWS in process, its calls signed, answered, cut short
// or lost as the schedule says, its process ended and begun anew.
//
// The daemon lives by the world's clock here, so the schedule's clock steps are not played; a second daemon takes turns of some seconds with
// the first. Equal ordeals give equal results.
#pragma once

#include "planner/sim/ordeal.h"

int ordeal_wire_run(const struct ordeal *o, struct ordeal_result *ret, struct err *err);
