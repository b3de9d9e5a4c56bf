// What a drain may take of a service: no more than its share at once (L5), of a steady one (L6), and never so much that fewer healthy tasks run
// than the service's minimum allows (V6), all drains of ours together.
#pragma once

#include "planner/work.h"

// Before the first question, and again where drains were begun: the tasks of each service on our drains and on what AWS takes.
void service_hold_count(struct work *w);
// Why what runs on the instance may not be moved now, NULL when it may.
const char *service_hold(struct work *w, int instance);
// Stamps of services whose tasks were moved by us (L6); part of the new memo.
void service_hold_settle(struct work *w);
