// Tasks of an instance as they were read again, right before it is drained or ended.
#pragma once

#include "planner/model/snapshot.h"
#include "scaler/aws/ecs.h"

// 0, or ERR_CONFLICT: one that is not STOPPED and of no daemon is still there.
int tasks_check_empty(const struct ecs_tasks *now, const struct snapshot *s, const struct instance *x, struct err *err);

// 0, or ERR_CONFLICT: more of a service, or of none, than the snapshot has there. ECS may have placed one since, which a drain of the
// same plan displaced: it would be moved twice, and be more of its service than may move at once (L5, V8). `now`: those that are to run.
int tasks_check_known(const struct ecs_tasks *now, const struct snapshot *s, const struct instance *x, struct err *err);
