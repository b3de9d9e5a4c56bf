// Snapshots with every field set to something, from a seed; and the comparison of two of them, field by field.
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/rng.h"
#include "planner/model/memo.h"
#include "planner/model/snapshot.h"

struct snapshot random_snapshot(struct rng *r, struct arena *a);
struct memo random_memo(struct rng *r, struct arena *a);
// The name of the first member that differs, NULL when equal.
const char *snapshot_difference(const struct snapshot *a, const struct snapshot *b);
const char *memo_difference(const struct memo *a, const struct memo *b);
