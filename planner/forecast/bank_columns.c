// What a moment looks like to the bank: level, changes, means and maxima, and the same time on past days.
#include <math.h>

#include "base/check.h"
#include "planner/forecast/bank_parts.h"

// fmax without the call: these are the innermost loops. No NaN.
static double larger(double a, double b)
{
    return a < b ? b : a;
}

static double mean_of(const double *sum, size_t at, size_t steps)
{
    size_t from = at + 1 > steps ? at + 1 - steps : 0;
    return (sum[at + 1] - sum[from]) / (double)(at + 1 - from);
}

static double most_of(const double *v, size_t at, size_t steps)
{
    size_t from = at + 1 > steps ? at + 1 - steps : 0;
    double most = v[at];
    for (size_t i = from; i < at; i++)
        most = larger(most, v[i]);
    return most;
}

// At least one.
static size_t steps_of(const struct bank *b, size_t seconds)
{
    size_t n = seconds * b->day / 86400;
    return n ? n : 1;
}

void bank_base(const struct bank *b, size_t at, double *ret)
{
    static const size_t ago_s[] = {30, 60, 120, 300, 600, 1800}, recent_s[] = {300, 1800, 7200};
    double y = b->value[at];
    size_t n = 0;
    ret[n++] = 1;
    ret[n++] = y / b->unit;
    for (size_t i = 0; i < sizeof ago_s / sizeof *ago_s; i++) {
        size_t ago = steps_of(b, ago_s[i]);
        ret[n++] = (y - b->value[at > ago ? at - ago : 0]) / b->unit;
    }
    for (size_t i = 0; i < sizeof recent_s / sizeof *recent_s; i++) {
        size_t steps = steps_of(b, recent_s[i]);
        ret[n++] = (y - mean_of(b->sum, at, steps)) / b->unit;
        ret[n++] = (y - most_of(b->value, at, steps)) / b->unit;
    }
    assert(n == BANK_BASE);
}

double bank_outcome(const struct bank *b, const struct bank_target *t, size_t at)
{
    double most = b->value[at + t->from];
    for (size_t i = t->from + 1; i <= t->to; i++)
        most = larger(most, b->value[at + i]);
    return most - b->value[at];
}

// The same time that many days before. Where the clock changed since, its other phase lies as much later as it went forward.
static size_t days_before(const struct bank *b, size_t at, size_t days, enum bank_phase phase)
{
    size_t dropped = b->pushed - b->count, then = at - days * b->day;
    bool across = b->clock_by != 0 && then + dropped < b->clock_at && at + dropped >= b->clock_at;
    return phase == PHASE_LOCAL && across && (int64_t)then + b->clock_by >= 0 ? (size_t)((int64_t)then + b->clock_by) : then;
}

// Mean and maximum of the outcome, mean of (demand there - now), yesterday's outcome; in tasks. False: no day before.
bool bank_past(const struct bank *b, const struct bank_target *t, size_t at, enum bank_phase phase, double *ret)
{
    double sum = 0, most = -INFINITY, level = 0;
    size_t days = 0;
    for (; days < BANK_PAST_DAYS && at >= (days + 1) * b->day; days++) {
        size_t then = days_before(b, at, days + 1, phase);
        double z = bank_outcome(b, t, then);
        if (days == 0)
            ret[3] = z;
        sum += z;
        most = larger(most, z);
        level += b->value[then] - b->value[at];
    }
    if (days == 0)
        return false;
    ret[0] = sum / (double)days;
    ret[1] = most;
    ret[2] = level / (double)days;
    return true;
}

void bank_spread(const struct bank *b, size_t at, const double *past, double *ret)
{
    static const size_t unrest_s[] = {300, 1800, 14400};
    double y = b->value[at];
    size_t n = 0, ago = steps_of(b, 120);
    ret[n++] = 1;
    ret[n++] = log(fmax(y, 0) + 1);
    for (size_t i = 0; i < sizeof unrest_s / sizeof *unrest_s; i++)
        ret[n++] = log(mean_of(b->change, at, steps_of(b, unrest_s[i])) + 0.02);
    ret[n++] = log(fabs(y - b->value[at > ago ? at - ago : 0]) + 0.5);
    ret[n++] = log(most_of(b->value, at, steps_of(b, 1800)) - y + 0.5);
    ret[n++] = log(fabs(past[0]) + 0.5);
    ret[n++] = log(fmax(past[1], 0) + 0.5);
}
