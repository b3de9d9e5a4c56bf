// What a plan takes away, and whether another of the same world takes more (V11, V12).
#pragma once

#include "tests/planner/build.h"

struct plan take_plan(struct build *b, const struct memo *memo, bool has_memo);  // what build_plan would, the memo of `b` left as it is
bool take_removes(const struct plan *p, const char *instance);
bool take_withdraws(const struct plan *p, const char *fleet);  // what it never fulfilled, another takes the need (A10): no capacity that is there or comes
int64_t take_target_after(const struct plan *p, const struct fleet *f);
// Fails where `other` removes what `base` leaves, or lowers a target that `base` does not lower.
void takes_no_more(const struct build *b, const struct plan *base, const struct plan *other, const char *what, uint64_t seed);
