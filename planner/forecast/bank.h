// How demand may stand a boot from now and within the next minutes: a distribution for each lead and window, from the series' own past.
//
// The forecast bank of the level rule (planner/forecast/level.h). Eight targets, each relative to demand now: at the leads boot (the most
// of one step more), boot + 60 s, + 180 s, + 480 s, and the most within the next 60, 180, 420, 900 s. Each has a location, linear in level,
// recent changes, recent means and maxima, and what followed at this time on up to seven past days (least absolute deviations); a scale
// (log-linear in unrest); and the quantiles of the standardised errors of what was really forecast in the last three days, for quiet,
// middling and restless moments apart. Refitted four times a day, tables hourly. Pure: time is the count of steps pushed.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum { BANK_LEADS = 4, BANK_WINDOWS = 4, BANK_TARGETS = BANK_LEADS + BANK_WINDOWS };

struct bank;

// step_s: between two values, a whole part of a day and of a minute's multiples (30); boot_s: from order to ready. Lives in the arena.
struct bank *bank_new(struct arena *a, int64_t step_s, int64_t boot_s);
// Another for a boot of another length, with the history of the old one: fitted at the next push.
struct bank *bank_again(struct arena *a, const struct bank *old, int64_t boot_s);
// Demand now, in tasks (any unit that is about one a task); not NaN: where it is unknown push nothing and ask nothing.
void bank_push(struct bank *b, double demand);
// What was before the first forecast: kept, and learned from with the next push. Before any push that made the bank ready.
void bank_learn(struct bank *b, double demand);
// The local clock that demand follows went forward by so much (negative: back) `ago` values before the one that is pushed next; 0: it did not. While
// past days lie on its other side, seven days, the forecast is the larger of both phases: their time of day by UTC, and by that clock.
void bank_clock(struct bank *b, size_t ago, int64_t by_s);
bool bank_ready(const struct bank *b);  // a day of history and a first fit
// P(target > above), as seen now; above is relative to the demand pushed last. Only when ready.
double bank_survivor(const struct bank *b, int target, double above);
// For how long a lead stands, and how wide a window is, in seconds.
int64_t bank_lead_s(int lead);
int64_t bank_window_s(int window);
