#include "planner/forecast/smooth.h"

#include <math.h>

#include "base/check.h"

// Usual values, not chosen by any series: about three values of level, a fifth of days, some weeks of few; a trend that is halved in 35 values.
static const double LEVEL_RATE = 0.3, TREND_RATE = 0.02, TREND_KEPT = 0.98, DAY_RATE = 0.15, WEEK_RATE = 0.4, LEVEL_OFF_RATE = 0.02, SEASON_OFF_RATE = 0.005;
static const double SURPRISE_MOST = 3.0, SEASON_MOST = 10.0, OFF_MOST = 4.0;  // of the mean size, which is 0.8 deviations of a normal one

void smooth_init(struct smooth *s, struct arena *a, size_t season, size_t week, size_t room, size_t ahead)
{
    *s = (struct smooth){.season = season, .week = week, .reach = room + ahead};
    double **seasons[] = {&s->day, &s->of_week}, **levels[] = {&s->level, &s->trend};
    for (int i = 0; i < 2; i++) {
        *seasons[i] = arena_array(a, double, s->reach);
        *levels[i] = arena_array(a, double, room);
    }
    s->reached = arena_array(a, double, ahead + 1);
    for (size_t h = 1; h <= ahead; h++)
        s->reached[h] = (s->reached[h - 1] + 1) * TREND_KEPT;
}

// What of a surprise counts; `off` learns its size.
static double weigh(double surprise, double *off, double rate, double most)
{
    double size = fabs(surprise);
    if (*off <= 0) {
        *off = size;
        return surprise;
    }
    most *= *off;
    *off += rate * (fmin(size, OFF_MOST * *off) - *off);
    return fmin(fmax(surprise, -most), most);
}

static void learn_season(struct smooth *s, size_t at, double surprise)
{
    bool first = at < 2 * s->season;  // the first day with a day's mean is taken as it is
    double counts = first ? surprise : weigh(surprise, &s->season_off, SEASON_OFF_RATE, SEASON_MOST);
    if (at + s->season < s->reach)
        s->day[at + s->season] = s->day[at] + (first ? 1 : DAY_RATE) * counts;
    if (s->week > 0 && at + s->week < s->reach)
        s->of_week[at + s->week] = s->of_week[at] + (first ? 0 : WEEK_RATE) * counts;
}

void smooth_push(struct smooth *s, double value, bool known, double day_mean)
{
    size_t at = s->count++;
    double season = s->day[at] + s->of_week[at];
    s->level[at] = at > 0 ? s->level[at - 1] + TREND_KEPT * s->trend[at - 1] : value;
    s->trend[at] = at > 0 ? TREND_KEPT * s->trend[at - 1] : 0;
    if (at > 0 && known) {
        double counts = weigh(value - season - s->level[at], &s->off, LEVEL_OFF_RATE, SURPRISE_MOST);
        s->level[at] += LEVEL_RATE * counts;
        s->trend[at] += TREND_RATE * counts;
    }
    if (s->season > 0 && at >= s->season)
        learn_season(s, at, known ? value - day_mean - season : 0);
}

double smooth_ahead(const struct smooth *s, size_t origin, size_t ahead)
{
    assert(origin < s->count);
    return s->level[origin] + s->reached[ahead] * s->trend[origin] + s->day[origin + ahead] + s->of_week[origin + ahead];
}
