// InstanceRequirements as EC2 and Auto Scaling write them: the same elements under other names.
#pragma once

#include "base/buf.h"
#include "planner/sim/requirements.h"

enum requirements_names { REQUIREMENTS_OF_EC2, REQUIREMENTS_OF_GROUP };

// One override of a list that asks for them.
void requirements_write(struct buf *o, enum requirements_names names, const struct world_requirements *r);
