// An ordeal (planner/sim/ordeal.h) on the wire: the whole daemon against the virtual AWS in process, its calls signed, answered, cut short
// or lost as the schedule says, its process ended and begun anew.
//
// A step of the clock is one of the machine's: what is signed is off by it; deadlines go by the world's clock, as by the daemon's steady
// one. A second daemon takes turns of some seconds with the first. Equal ordeals give equal results.
#pragma once

#include "planner/sim/ordeal.h"

int ordeal_wire_run(const struct ordeal *o, struct ordeal_result *ret, struct err *err);
