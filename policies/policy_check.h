// What the key table cannot say: rules between values. And the policy's hash. Private to policies/.
#pragma once

#include "policies/policy.h"
#include "policies/policy_report.h"

void policy_check(const struct policy *p, struct policy_report *report);
// FNV-1a 64 of the canonical text (policy_to_json, compact), as 16 hex digits.
void policy_hash(const struct policy *p, char ret[17]);
