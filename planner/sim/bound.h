// The least that a demand can cost: a lower bound that knows the future, exact for one size of instance and fluid demand.
//
// Demand is a number of instances at each step. An instance is billed from its launch and is of use a boot later, so each launch wastes a
// boot, and an idle gap costs the gap or another boot, whichever is less. Levels k = 1, 2, … are independent: level k costs the time that
// at least k are needed, a boot, and min(gap, boot) for each gap (ski rental with known future; Karlin et al. 1988 for the unknown one).
// Valid for whole tasks too: it moves them freely, and packs them without loss.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// need[i]: instances in step i, at least 0. The sum in instance-seconds.
double bound_one_size(const int32_t *need, size_t count, double step_s, double boot_s);
