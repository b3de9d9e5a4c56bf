// The watch: what facts and this tick's plan say that a person should know (alert.h). It looks, after the guard and the words of
// demand, and decides nothing; what another module already tells (breaker, orphans, modes) is not told twice.
#pragma once

#include "planner/work.h"

void watch_run(struct work *w);
