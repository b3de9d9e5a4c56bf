// Orphans and ghosts: members of a fleet that never joined the cluster, and members of the cluster whose instance is gone (V9).
//
// An orphan is ended only where every doubt is out: a whole list of this very look does not have it, it was never seen registered
// in any cluster that we watch, in two looks, past the time any instance ever took; its fleet serves this cluster alone; and orphans
// are few. Many of them say that fleet and cluster do not match: then none is touched and people are told (E2). One at a time; the
// target stays, a replacement is wanted. While a breaker is open one is kept for inspection, and what is ended is its probe (E1).
//
// A ghost is deregistered where EC2 says terminated, or did not know it in two looks an hour apart (E6). Stopped ones stay.
#pragma once

#include "planner/work.h"

// After the targets, before scale-in: judges the instances that it ends or keeps.
void orphans_plan(struct work *w);
