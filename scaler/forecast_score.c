#include "scaler/forecast_score.h"

#include <math.h>

#include "base/check.h"

double forecast_scale(const double *value, size_t count, size_t season)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = season; i < count; i++)
        if (isfinite(value[i]) && isfinite(value[i - season])) {
            sum += fabs(value[i] - value[i - season]);
            n++;
        }
    return n ? sum / (double)n : 0;
}

static double pinball(double actual, double forecast, double q)
{
    double e = actual - forecast;
    return fmax(q * e, (q - 1) * e);
}

void forecast_score_add(struct forecast_score *s, const double *actual, size_t count, const double *quantiles, size_t width, int at50, int at90, double scale)
{
    double absolute = 0, loss50 = 0, loss90 = 0, cover = 0;
    size_t n = 0;
    for (size_t i = 0; i < count && i < s->steps; i++) {
        const double *q = quantiles + i * width;
        if (!isfinite(actual[i]))
            continue;
        n++;
        absolute += at50 >= 0 ? fabs(actual[i] - q[at50]) : 0;
        loss50 += at50 >= 0 ? pinball(actual[i], q[at50], 0.5) : 0;
        loss90 += at90 >= 0 ? pinball(actual[i], q[at90], 0.9) : 0;
        cover += at90 >= 0 && actual[i] <= q[at90];
    }
    if (n == 0)
        return;
    s->cover90 += cover / (double)n;
    s->covered++;
    if (scale <= 0)
        return;
    s->mase += absolute / (double)n / scale;
    s->pinball50 += loss50 / (double)n / scale;
    s->pinball90 += loss90 / (double)n / scale;
    s->origins++;
}

void forecast_score_mean(struct forecast_score *s)
{
    double n = (double)(s->origins ? s->origins : 1);
    s->mase /= n;
    s->pinball50 /= n;
    s->pinball90 /= n;
    s->cover90 /= (double)(s->covered ? s->covered : 1);
}
