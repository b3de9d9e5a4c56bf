// Quantiles of standardised errors for three regimes of scale, and the survivor function through them.
#include <math.h>
#include <string.h>

#include "planner/forecast/bank_parts.h"
#include "planner/forecast/quantile.h"

enum { REGIME_LEAST = 400, TAIL_FROM = BANK_QUANTILES - 4 };
static const double level[BANK_QUANTILES] = {0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.965, 0.975, 0.985, 0.99, 0.994, 0.997, 0.999};
static const double regime_level[BANK_REGIMES - 1] = {0.4, 0.8};

void bank_table_add(struct bank_target *t, size_t room, double error, double scale)
{
    t->error[t->errors % room] = error;
    t->error_s[t->errors % room] = scale;
    t->errors++;
}

static int regime_of(const struct bank_target *t, double s)
{
    int r = 0;
    while (r < BANK_REGIMES - 1 && s > t->regime_s[r])
        r++;
    return r;
}

// The errors of a regime; all, where it has few.
static size_t errors_of(const struct bank_target *t, size_t n, int regime, double *ret)
{
    size_t got = 0;
    for (size_t i = 0; i < n; i++)
        if (regime_of(t, t->error_s[i]) == regime)
            ret[got++] = t->error[i];
    if (got < REGIME_LEAST)
        memcpy(ret, t->error, (got = n) * sizeof *ret);
    return got;
}

void bank_table_make(struct bank_target *t, size_t room, double *scratch)
{
    size_t n = t->errors < room ? t->errors : room;
    if (n == 0)
        return;
    memcpy(scratch, t->error_s, n * sizeof *scratch);
    for (int r = 0; r < BANK_REGIMES - 1; r++)
        t->regime_s[r] = quantile_select(scratch, n, regime_level[r]);
    for (int r = 0; r < BANK_REGIMES; r++) {
        size_t got = errors_of(t, n, r, scratch);
        quantile_sort(scratch, got);
        for (int q = 0; q < BANK_QUANTILES; q++)
            t->table[r][q] = quantile_of_sorted(scratch, got, level[q]);
    }
}

double bank_table_survivor(const struct bank_target *t, double m, double s, double above)
{
    const double *v = t->table[regime_of(t, s)];
    double u = (above - m) / s, last = v[BANK_QUANTILES - 1], before = v[TAIL_FROM];
    if (u < v[0])
        return 1 - level[0] / 2;
    if (u >= last) {
        double slope = last > before ? log((1 - level[TAIL_FROM]) / (1 - level[BANK_QUANTILES - 1])) / (last - before) : INFINITY;
        return u > last || !isfinite(slope) ? (1 - level[BANK_QUANTILES - 1]) * exp(-fmin(slope * (u - last), 700)) : 1 - level[BANK_QUANTILES - 1];
    }
    int q = 0;
    while (u >= v[q + 1])
        q++;
    double share = v[q + 1] > v[q] ? (u - v[q]) / (v[q + 1] - v[q]) : 1;
    return 1 - level[q] - share * (level[q + 1] - level[q]);
}
