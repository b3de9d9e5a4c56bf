// Scale-out: demand that has no room, there or coming, first undoes drains of ours where that gives it room (capacity in a
// second), then grows fleets.
//
// A maintained fleet chooses the type itself and launches until what is fulfilled reaches the target. So the target must do for
// each type that it may pick: for n instances of weight w beside members of weight S, floor(S + (n − 1) w) + 1; the largest
// over the pools that can hold the tasks. Orders already open are part of the same sum and so never counted twice. Only the
// needed target is found here; bounds and steps are the guard's.
#pragma once

#include "planner/work.h"

void scale_out_undo(struct work *w);
void scale_out_order(struct work *w);

// The target for `instances` more of weight `weight_milli` beside members of `stay_milli`.
int64_t scale_out_target(int64_t stay_milli, int64_t instances, int64_t weight_milli);
