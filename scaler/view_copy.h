// Deep copies of snapshot, plan and memo into another arena: what survives the tick is copied by a named function.
// NULL strings become "", so that readers need no care.
#pragma once

#include "base/arena.h"
#include "planner/model/memo.h"
#include "planner/model/plan.h"
#include "planner/model/snapshot.h"

struct snapshot *view_copy_snapshot(const struct snapshot *s, struct arena *a);
struct plan *view_copy_plan(const struct plan *p, struct arena *a);
struct memo *view_copy_memo(const struct memo *m, struct arena *a);
