// Small random clusters rich in placement rules: attributes, memberOf, host ports, zones, providers, GPUs, every strategy, with tasks
// running and tasks wanted. What the rules say of one of them can be worked out in two ways and compared.
#pragma once

#include "base/rng.h"
#include "tests/planner/build.h"

void random_cluster(struct build *b, struct rng *r);
