// Weighted normal equations, a ridge towards a prior, and Cholesky; the weights follow the residuals.
#include "planner/forecast/regress.h"

#include <math.h>
#include <string.h>

#include "base/check.h"

enum { STRIDE = REGRESS_STRIDE };
static const double NEAR_SHARE = 0.01;   // of the mean deviation: below it a residual weighs as if it were that
static const double TINY = 1e-12;

typedef double pair __attribute__((vector_size(16)));

struct normal {
    double g[STRIDE][STRIDE];  // lower triangle of X'WX; row `columns` is X'Wy
    double weight;             // sum of the weights
};

double regress_fitted(const double *row, const double *coef, size_t columns)
{
    double even = 0, odd = 0;  // two sums, so that one need not wait for the other
    for (size_t i = 0; i + 1 < columns; i += 2) {
        even += row[i] * coef[i];
        odd += row[i + 1] * coef[i + 1];
    }
    return even + odd + (columns % 2 ? row[columns - 1] * coef[columns - 1] : 0);
}

// Four rows at a time, so that the sums are read and written a quarter as often. Rows without weight are left out.
static void accumulate(const struct regress_rows *r, struct normal *n)
{
    enum { ROWS = 4 };
    static const double nothing[STRIDE];
    pair sum[STRIDE][STRIDE / 2] = {0};
    size_t last = r->columns, k = 0;
    n->weight = 0;
    while (k < r->count) {
        const double *row[ROWS] = {nothing, nothing, nothing, nothing};
        double w[ROWS] = {0};
        for (int got = 0; got < ROWS && k < r->count; k++)
            if (r->weight[k] > 0) {
                w[got] = r->weight[k];
                row[got++] = r->x + k * STRIDE;
            }
        n->weight += w[0] + w[1] + w[2] + w[3];
        for (size_t i = 0; i <= last; i++) {
            double a = w[0] * row[0][i], b = w[1] * row[1][i], c = w[2] * row[2][i], d = w[3] * row[3][i];
            for (size_t j = 0; j <= i / 2; j++) {
                pair x[ROWS];
                for (int h = 0; h < ROWS; h++)
                    memcpy(&x[h], row[h] + 2 * j, sizeof x[h]);
                sum[i][j] += a * x[0] + b * x[1] + (c * x[2] + d * x[3]);
            }
        }
    }
    memcpy(n->g, sum, sizeof n->g);
}

// Solves g x = b in place of b by Cholesky; g is positive definite by its ridge. Pivots that rounding made tiny count as a ridge more.
static void solve(double g[STRIDE][STRIDE], double *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double s = g[i][j];
            for (size_t k = 0; k < j; k++)
                s -= g[i][k] * g[j][k];
            g[i][j] = i == j ? sqrt(fmax(s, TINY)) : s / g[j][j];
        }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            b[i] -= g[i][k] * b[k];
        b[i] /= g[i][i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            b[i] -= g[k][i] * b[k];
        b[i] /= g[i][i];
    }
}

static void pull_and_solve(struct normal *n, size_t columns, const double *pull, const double *prior, double *coef)
{
    double trace = 0, b[STRIDE];
    for (size_t i = 0; i < columns; i++)
        trace += n->g[i][i];
    for (size_t i = 0; i < columns; i++) {
        double ridge = pull[i] * n->weight + 1e-6 * trace / (double)columns + TINY;
        n->g[i][i] += ridge;
        b[i] = n->g[columns][i] + ridge * prior[i];
    }
    solve(n->g, b, columns);
    memcpy(coef, b, columns * sizeof *coef);
}

static bool counts(const struct regress_rows *r, size_t k, int judged)
{
    return judged < 0 || (judged == 0 ? r->fold[k] > 0 : r->until[k] < judged);
}

// What each column is pulled by, per row: `ridge` times its variance (mean square where it is not centred).
static void pulls(const struct regress_rows *r, int judged, double ridge, bool centred, double *ret)
{
    double sum[STRIDE] = {0}, square[STRIDE] = {0};
    size_t rows = 0;
    for (size_t k = 0; k < r->count; k++) {
        if (!counts(r, k, judged))
            continue;
        rows++;
        for (size_t i = 0; i < r->columns; i++) {
            double x = r->x[k * STRIDE + i];
            sum[i] += x;
            square[i] += x * x;
        }
    }
    for (size_t i = 0; i < r->columns; i++) {
        double mean = sum[i] / fmax(1, (double)rows);
        ret[i] = ridge * (fmax(0, square[i] / fmax(1, (double)rows) - (centred ? mean * mean : 0)) + 1e-6);
    }
}

// The residuals of `coef` become the weights of the next round; q 0.5 weighs both sides alike.
static void reweigh(const struct regress_rows *r, int judged, double q, double near_share, const double *coef)
{
    double sum = 0;
    size_t rows = 0;
    for (size_t k = 0; k < r->count; k++) {
        const double *row = r->x + k * STRIDE;
        r->weight[k] = counts(r, k, judged) ? row[r->columns] - regress_fitted(row, coef, r->columns) : NAN;
        if (!isnan(r->weight[k])) {
            sum += fabs(r->weight[k]);
            rows++;
        }
    }
    double near = near_share * sum / fmax(1, (double)rows) + TINY;
    for (size_t k = 0; k < r->count; k++) {
        double e = r->weight[k];
        r->weight[k] = isnan(e) ? 0 : 2 * (e > 0 ? q : 1 - q) / fmax(fabs(e), near);
    }
}

void regress_absolute(const struct regress_rows *r, int judged, const double *prior, double ridge, int rounds, double *coef)
{
    double pull[STRIDE];
    assert(r->columns >= 1 && r->columns <= REGRESS_COLUMNS_MAX && (judged < 0 || (r->fold && r->until)));
    pulls(r, judged, ridge, true, pull);
    pull[0] = 0;
    for (int round = 0; round < rounds; round++) {
        struct normal n;
        reweigh(r, judged, 0.5, NEAR_SHARE, coef);
        accumulate(r, &n);
        pull_and_solve(&n, r->columns, pull, prior, coef);
    }
}

void regress_quantile(const struct regress_rows *r, double q, const double *prior, double ridge, int rounds, double *coef)
{
    double pull[STRIDE];
    assert(r->columns >= 1 && r->columns <= REGRESS_COLUMNS_MAX && q > 0 && q < 1);
    pulls(r, -1, ridge, false, pull);
    for (int round = 0; round < rounds; round++) {
        struct normal n;
        reweigh(r, -1, q, 2 * NEAR_SHARE, coef);
        accumulate(r, &n);
        pull_and_solve(&n, r->columns, pull, prior, coef);
    }
}

void regress_squares(const struct regress_rows *r, double ridge, double *coef)
{
    static const double nothing[STRIDE];
    double pull[STRIDE];
    struct normal n;
    for (size_t k = 0; k < r->count; k++)
        r->weight[k] = 1;
    for (size_t i = 0; i < r->columns; i++)
        pull[i] = ridge;
    accumulate(r, &n);
    pull_and_solve(&n, r->columns, pull, nothing, coef);
}

// Drops the most negative column and solves again, until none is negative (Lawson and Hanson's active set, downwards only).
static void solve_positive(const struct normal *n, size_t columns, double *coef)
{
    size_t active[STRIDE], count = columns;
    for (size_t i = 0; i < columns; i++)
        active[i] = i;
    for (;;) {
        double g[STRIDE][STRIDE] = {0}, b[STRIDE] = {0};
        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j <= i; j++)
                g[i][j] = n->g[active[i]][active[j]];
            g[i][i] += 1e-3 * g[i][i] + TINY;
            b[i] = n->g[columns][active[i]];
        }
        solve(g, b, count);
        size_t worst = 0;
        for (size_t i = 1; i < count; i++)
            if (b[i] < b[worst])
                worst = i;
        if (b[worst] >= 0 || count == 1) {
            memset(coef, 0, columns * sizeof *coef);
            for (size_t i = 0; i < count; i++)
                coef[active[i]] = fmax(0, b[i]);
            return;
        }
        memmove(active + worst, active + worst + 1, (count - worst - 1) * sizeof *active);
        count--;
    }
}

void regress_scale(const struct regress_rows *r, int rounds, double *coef)
{
    double mean = 0;
    assert(r->columns >= 1 && r->columns <= REGRESS_COLUMNS_MAX);
    for (size_t k = 0; k < r->count; k++) {
        mean += fabs(r->x[k * STRIDE + r->columns]) / (double)r->count;
        r->weight[k] = 1;
    }
    for (int round = 0; round < rounds; round++) {
        struct normal n;
        accumulate(r, &n);
        solve_positive(&n, r->columns, coef);
        for (size_t k = 0; k < r->count; k++) {
            double s = fmax(regress_fitted(r->x + k * STRIDE, coef, r->columns), 1e-3 * mean + TINY);
            r->weight[k] = 1 / (s * s);
        }
    }
}
