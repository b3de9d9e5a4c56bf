// What holds of every plan, whatever the facts: asserted at the end of each run, before anything is executed. A plan that breaks
// one of these is a bug of ours; ending the process then is safe, as nothing of the plan was sent (safety.md V2 to V5, V18, V25, V26).
#pragma once

#include "planner/work.h"

// After the guard and before the memo is made.
void invariant_plan(struct work *w);
// The new memo: one live drain an instance, stamps and targets in the past, states that the table knows.
void invariant_memo(struct work *w);
