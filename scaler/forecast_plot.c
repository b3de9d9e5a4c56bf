// Braille dots, two by four in a character: means of history and of the median, and the other quantiles dotted. The axis ends a
// little above what nearly all columns reach, so that one spike does not flatten the rest; what is higher stands at the edge.
#include "scaler/forecast_plot.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/parse.h"
#include "planner/forecast/quantile.h"

enum { COLUMNS = 96, ROWS = 16, DOTS_X = 2 * COLUMNS, DOTS_Y = 4 * ROWS, PAST_DAYS = 2, LABEL = 9 };

struct canvas {
    unsigned char cell[ROWS][COLUMNS];
    double top;
};

static void dot(struct canvas *c, int x, double value)
{
    static const unsigned char bit[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};  // Unicode 15, chart 2800
    int y = isfinite(value) ? (int)((1 - value / c->top) * (DOTS_Y - 1) + 0.5) : 0;
    if (!isfinite(value) || y < 0 || y >= DOTS_Y)
        return;
    c->cell[y / 4][x / 2] |= bit[y % 4][x % 2];
}

// Position on the time axis: step 0 is the last known value.
static int column_of(const struct forecast_plot *p, int64_t step)
{
    int64_t past = PAST_DAYS * (int64_t)p->spec->horizon, all = past + (int64_t)p->spec->horizon;
    return (int)((past + step) * (DOTS_X - 1) / all);
}

static double value_at(const struct forecast_plot *p, int64_t back)
{
    int64_t i = (int64_t)p->split->origin - 1 - back;
    return i >= (int64_t)p->split->first ? p->series->value[i] : NAN;
}

// Means of the steps that share a column; NaN where there is none. history: of the series, else of quantile i.
static void columns_of(const struct forecast_plot *p, bool history, size_t i, double ret[DOTS_X])
{
    double count[DOTS_X] = {0};
    int64_t horizon = (int64_t)p->spec->horizon, from = history ? -PAST_DAYS * horizon + 1 : 1, to = history ? 0 : horizon;
    memset(ret, 0, DOTS_X * sizeof *ret);
    for (int64_t step = from; step <= to; step++) {
        double v = history ? value_at(p, -step) : p->out[(size_t)(step - 1) * p->spec->quantile_count + i];
        int x = column_of(p, step);
        if (!isfinite(v))
            continue;
        ret[x] += v;
        count[x]++;
    }
    for (int x = 0; x < DOTS_X; x++)
        ret[x] = count[x] > 0 ? ret[x] / count[x] : NAN;
}

static double top_of(const double *v, size_t n)
{
    double sorted[DOTS_X * (FORECAST_QUANTILES_MAX + 1)];
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(v[i]))
            sorted[known++] = v[i];
    if (known == 0)
        return 1;
    quantile_sort(sorted, known);
    return fmax(fmin(sorted[known - 1], 1.2 * sorted[(known - 1) * 98 / 100]), 1e-9);
}

static void draw(const struct forecast_plot *p, struct canvas *c)
{
    double line[FORECAST_QUANTILES_MAX + 1][DOTS_X];
    size_t n = p->spec->quantile_count, middle = n / 2;
    for (size_t i = 0; i < n; i++)
        if (p->spec->quantile[i] == 0.5)
            middle = i;
    for (size_t i = 0; i < n; i++)
        columns_of(p, false, i, line[i]);
    columns_of(p, true, 0, line[n]);
    c->top = top_of(line[0], (n + 1) * DOTS_X);
    for (size_t i = 0; i <= n; i++)
        for (int x = 0; x < DOTS_X; x++)
            if (i == n || i == middle || x % 3 == 0)
                dot(c, x, line[i][x] > c->top ? c->top : line[i][x]);
}

void forecast_plot(const struct forecast_plot *p, FILE *to, bool colour)
{
    struct canvas c = {0};
    int now = column_of(p, 0) / 2;
    char at[32];
    size_t n = p->spec->quantile_count;
    draw(p, &c);
    fprintf(to, "%s   from %s, %zu steps of %" PRId64 " s by %s\n\n", p->series->name,
            format_iso8601((p->series->first_s + (int64_t)(p->split->origin - 1) * p->series->step_s) * 1000, false, at), p->spec->horizon, p->series->step_s,
            p->basis);
    for (int y = 0; y < ROWS; y++) {
        if (y % 4 == 0 || y == ROWS - 1)
            fprintf(to, "%*.4g ", LABEL, c.top * (1 - (double)(4 * y) / (DOTS_Y - 1)));
        else
            fprintf(to, "%*s ", LABEL, "");
        for (int x = 0; x < COLUMNS; x++) {
            unsigned char b = c.cell[y][x];
            if (colour && x == now)
                fputs("\033[36m", to);
            fprintf(to, "%c%c%c", 0xe2, 0xa0 | b >> 6, 0x80 | (b & 0x3f));
        }
        fputs(colour ? "\033[0m\n" : "\n", to);
    }
    fprintf(to, "%*s%-*s%-*s%s\n%*s", LABEL + 1, "", now / 2, "-2 days", now - now / 2, "-1 day", "now", LABEL + 1, "");
    for (size_t i = 0; i < n; i++)
        fprintf(to, "q%.6g in 1 h %.4g, in a day %.4g%s", 100 * p->spec->quantile[i],
                p->out[((size_t)(3600000 / p->spec->step_ms ? 3600000 / p->spec->step_ms : 1) - 1) * n + i], p->out[(p->spec->horizon - 1) * n + i],
                i + 1 < n ? ";  " : "\n");
}
