// Settings that make a daemon of minutes out of one of hours: for tests that cannot wait.
#pragma once

#include "policies/policy.h"

static inline void hasty(struct policy_cluster *c)
{
    c->start_hold_ms = 20000;
    c->unneeded_ms = 0;
    c->min_age_ms = 60000;
    c->period_ms = 10000;
    c->drain_deadline_ms = 300000;
}
