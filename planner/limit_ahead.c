#include "planner/limit_ahead.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"

#define Z90 1.2815515655446004
enum { WEEK = 7 };

static int ascending(const void *x, const void *y)
{
    const double *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

static double quantile(double *v, size_t count, double q)
{
    double at = q * (double)(count - 1);
    size_t low = (size_t)at;
    qsort(v, count, sizeof *v, ascending);
    return low + 1 < count ? v[low] + (at - (double)low) * (v[low + 1] - v[low]) : v[low];
}

// ---- the slope --------------------------------------------------------------------------------------------------------------
struct slope {
    double mid, high;
};

// Variance of Kendall's S over the days of the week.
static double variance(const double *peak, size_t days)
{
    double sum = 0;
    for (size_t w = 0; w < WEEK; w++) {
        double n = 0;
        for (size_t k = w; k < days; k += WEEK)
            n += isfinite(peak[k]);
        sum += n * (n - 1) * (2 * n + 5) / 18;
    }
    return sum;
}

// false: no two known days are whole weeks apart.
static bool slope_of(const double *peak, size_t days, struct arena *a, struct slope *ret)
{
    double *v = arena_array(a, double, days * (days / WEEK + 1) + 1);
    size_t n = 0;
    for (size_t i = 0; i < days; i++)
        for (size_t k = i + WEEK; isfinite(peak[i]) && k < days; k += WEEK)
            if (isfinite(peak[k]))
                v[n++] = (peak[k] - peak[i]) / (double)(k - i);
    if (n == 0)
        return false;
    ret->mid = quantile(v, n, 0.5);
    double rank = ((double)n + Z90 * sqrt(variance(peak, days))) / 2;
    ret->high = fmax(ret->mid, v[(size_t)fmin(ceil(rank), (double)(n - 1))]);
    return true;
}

// ---- the days ahead ---------------------------------------------------------------------------------------------------------
static int first_at(const double *v, double limit)
{
    for (int d = 0; d <= LIMIT_AHEAD_DAYS; d++)
        if (v[d] >= limit)
            return d;
    return LIMIT_NEVER;
}

static double peak_of_week(const double *peak, size_t days)
{
    double most = NAN;
    for (size_t k = days > WEEK ? days - WEEK : 0; k < days; k++)
        most = fmax(most, peak[k]);  // a NaN loses
    return most;
}

void limit_ahead_of(const double *peak, size_t days, double limit, struct arena *a, struct limit_ahead *ret)
{
    struct slope s;
    size_t n = 0;
    double *level = arena_array(a, double, days + 1);
    assert(days <= LIMIT_DAYS_MAX);
    assert(limit > 0);
    *ret = (struct limit_ahead){.peak_7d = peak_of_week(peak, days), .q50_day = LIMIT_NEVER, .q90_day = LIMIT_NEVER};
    for (size_t k = 0; k < days; k++)
        ret->days_known += isfinite(peak[k]);
    if (ret->days_known < LIMIT_DAYS_MIN || !slope_of(peak, days, a, &s))
        return;
    for (size_t k = 0; k < days; k++)  // as if it had happened on the last day
        if (isfinite(peak[k]))
            level[n++] = peak[k] + s.mid * (double)(days - 1 - k);
    double mid = quantile(level, n, 0.5), high = quantile(level, n, 0.9);
    ret->a_day = s.mid;
    for (int d = 0; d <= LIMIT_AHEAD_DAYS; d++) {
        ret->q50[d] = mid + s.mid * d;
        ret->q90[d] = high + s.high * d;
    }
    ret->q50_day = first_at(ret->q50, limit);
    ret->q90_day = first_at(ret->q90, limit);
}
