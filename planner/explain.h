// Words: every verdict and reason of the planner is *fact -> verdict*, and its parts are made here.
//
// A fact is numbers with what they are compared to; a verdict is a verb or a state. Each instance gets exactly one verdict in a
// tick: the first stage that judges it has the last word. All text is owned by the tick's arena.
#pragma once

#include "planner/work.h"

const char *explain_text(struct work *w, const char *fmt, ...) _printf_(2, 3);
// "0.5 vCPU 1.0 GiB", with "1 GPU" and so on where the need has them.
const char *explain_res(struct work *w, struct res need);
// "2 tasks of web 0.5 vCPU 1.0 GiB"; the family where there is no service.
const char *explain_tasks(struct work *w, int service, int shape, int64_t count);
const char *explain_service(const struct work *w, int service);
const char *explain_duration(struct work *w, int64_t ms);
const char *explain_raise(struct work *w, int fleet, int64_t target);  // "raise the target from 3 to 5", "launch 2 instances"
const char *explain_time(struct work *w, int64_t wall_ms);

// The one verdict of an instance. Asserts that it has none yet.
void explain_judge(struct work *w, int instance, enum verdict_code code, const char *fact, const char *verdict);
void explain_verdict(struct work *w, struct verdict v);
// Moves the instances' verdicts into the plan, in order of id; asserts that none is missing.
void explain_collect(struct work *w);
// The need: one entry and one verdict for each shape that wants a place.
void explain_demand(struct work *w);
void explain_summary(struct work *w);
// In observe mode nothing is done: "drain" becomes "would drain".
void explain_would(struct work *w);
