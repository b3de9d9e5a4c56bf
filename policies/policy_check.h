// What the key table cannot say: rules between values. And the policy's hash. Private to policies/.
#pragma once

#include "policies/policy.h"
#include "policies/policy_report.h"

void policy_check(const struct policy *p, struct policy_report *report);
void policy_check_window(const struct policy_window *w, const char *path, struct policy_report *r);
void policy_check_calendar(const struct policy_calendar *c, const char *path, struct policy_report *r);  // policy_check_calendar.c
// FNV-1a 64 of the canonical text (policy_to_json, compact), as 16 hex digits.
void policy_hash(const struct policy *p, char ret[17]);
