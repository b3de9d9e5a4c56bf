// Targets: the one target that each fleet gets in a tick, and the end of drained instances, which follows from it.
//
// A target is a sum, never a difference: floor(Σ weights of the members to keep) + open orders. It is raised for need, to undo
// a lowering, and to the policy's min; lowered for empty instances of ours, once a doomed member's replacement is there or none is
// wanted, and to withdraw what was ordered and is no longer wanted. An instance is ended by id only once its fleet shows a target
// that the others cover. Nothing is sent while a fleet is modifying; what it would be is planned anew from fresh facts.
#pragma once

#include "planner/work.h"

void targets_plan(struct work *w);
// After the guard: the one verdict of each fleet, and the memo of what was sent.
void targets_explain(struct work *w);
void targets_commit(struct work *w);
