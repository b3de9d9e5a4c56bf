// Random worlds for the planner's property tests: small clusters in all the states a snapshot can have, and an AWS that does what
// the plan says. The same seed gives the same world.
#pragma once

#include "base/rng.h"
#include "tests/planner/build.h"

// Types, fleets with weights that need not divide anything, services with all per cents, instances in odd states.
void random_world(struct build *b, struct rng *r);
// A calm world: every instance ACTIVE, every task placed, no source in trouble; one fleet whose members may weigh anything.
void random_calm_world(struct build *b, struct rng *r);
// AWS obeys the plan at once; tasks on draining instances leave one by one to where they fit.
void random_obey(struct build *b, struct rng *r);
// A memo that may have nothing to do with the world: an old backup, times ahead of ours, any state for any instance.
void random_memo(struct build *b, struct rng *r);
// Some tasks more or fewer, an agent lost or back, a notice.
void random_events(struct build *b, struct rng *r);
// The maintained fleet launches members of random pools until it has its target.
void random_launch(struct build *b, struct rng *r);
// A forecast: levels near the need, far above it, contradictory; the most of 28 days unknown, below or above.
struct outlook random_outlook(const struct build *b, struct rng *r);
