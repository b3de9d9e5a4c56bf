// Parts of the week, as freeze windows and budgets name them. Pure: whoever knows the local time of the window's zone asks.
//
// A window begins on each of its days at `from` and ends at `to`, on the next day where that is not later. A day's minutes run from
// 0; minute_of_week counts from Monday 00:00 local time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "policies/policy.h"

enum { WINDOW_DAY_MINUTES = 24 * 60, WINDOW_WEEK_MINUTES = 7 * 24 * 60 };

// "mon-fri", "fri-mon", "sat,sun", "" (every day), in any case; bit 0 is Monday. False: not such a text.
bool window_days(const char *text, unsigned *ret_days);
// "HH:MM", 00:00 to 24:00. False: not such a text.
bool window_minute(const char *text, int32_t *ret_minute);
// False for a window that does not parse: policy_check has refused it.
bool window_holds(const struct policy_window *w, int32_t minute_of_week);
