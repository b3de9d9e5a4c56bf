// Forecasts in the daemon, the right size of each service, and the limits that come near: each cluster's need a day ahead, made hourly from its recorded history, stored, and scored against what came.
//
// Beside the ticks: the loop calls foresight_turn where it would wait, and each call is one piece of work, at most one fit (some tens of
// milliseconds). Nothing is kept between fits but the numbers that the view shows; what was forecast lies in the history (kind
// forecast), so a restart loses nothing. The plan does not read it. Where the history is short or the series unknown, it says so.
#pragma once

#include <stddef.h>

#include "base/log.h"
#include "base/zone.h"
#include "scaler/shell_alerts.h"
#include "scaler/view.h"
#include "state/state.h"

struct foresight;
enum { FORESIGHT_LIMIT_DAYS = 21 };

struct foresight_options {
    struct state *state;         // NULL: there is nothing to look at
    struct view_box *box;        // NULL: nothing is published
    const struct logger *log;    // NULL: silent
    size_t cluster_count;
};

struct foresight *foresight_new(const struct foresight_options *o);
void foresight_free(struct foresight *f);  // NULL-safe
// A tick of the cluster was recorded as of at_ms; state_id: its id in the state, 0: it has none (yet). clock: the newest change of the clock that
// demand follows; for seven days after it a forecast is the larger of both phases, which takes two fits.
void foresight_ticked(struct foresight *f, size_t cluster, int64_t state_id, int64_t at_ms, struct zone_change clock);
// What its plan was sized by (scaler/level_score.h); judged when the boot is over, published with the next forecast.
void foresight_sized(struct foresight *f, size_t cluster, const struct outlook *o);
void foresight_forget(struct foresight *f);  // the state was begun anew: ids are to be told anew
// One piece of work, where any is due. False: there was none.
bool foresight_turn(struct foresight *f);
// The limits whose 0.9 quantile of the daily peak reaches them within FORESIGHT_LIMIT_DAYS, as of the newest hour.
const struct limits_near *foresight_limits(const struct foresight *f, size_t cluster);
const struct view_outlook *foresight_outlook(const struct foresight *f, size_t cluster);

// The forecast of one cluster at once, as of at_ms (clock: as of foresight_ticked), and how those that were kept came out; nothing is written.
void foresight_of(struct state_reader *r, int64_t state_id, int64_t at_ms, struct zone_change clock, struct view_outlook *ret);
// The errors of forecasts over `count` steps. came: the last count of day + count values, the first day for comparison; NaN: unknown.
struct outlook_error foresight_score(const double *came, const double *q50, const double *q90, size_t day, size_t count);
