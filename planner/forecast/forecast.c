// Checks what is asked, cuts the horizon into buckets, and keeps what comes out within reason.
#include "planner/forecast/forecast.h"

#include <inttypes.h>
#include <math.h>

#include "base/check.h"
#include "planner/forecast/model.h"
#include "planner/forecast/quantile.h"

enum { HOUR_STEPS_MAX = 12, LATE_BUCKETS = 12, DAY_MS = 86400000, HOUR_MS = 3600000, WEEK_DAYS = 7, WEEKLY_FROM_DAYS = 21, BEST_DAYS = 35 };

static int check(const struct forecast_spec *s, struct err *err)
{
    if (s->step_ms <= 0 || DAY_MS % s->step_ms != 0 || DAY_MS / s->step_ms < FORECAST_SEASON_MIN || DAY_MS / s->step_ms > FORECAST_SEASON_MAX)
        return err_set(err, ERR_INVALID, "a step of %" PRId64 " ms: expected a whole part of a day, 30 s to 1 h", s->step_ms);
    if (s->horizon < 1 || (int64_t)s->horizon > DAY_MS / s->step_ms)
        return err_set(err, ERR_INVALID, "a horizon of %zu steps: expected 1 to a day (%" PRId64 ")", s->horizon, DAY_MS / s->step_ms);
    if (s->quantile_count < 1 || s->quantile_count > FORECAST_QUANTILES_MAX)
        return err_set(err, ERR_INVALID, "%zu quantiles: expected 1 to %d", s->quantile_count, FORECAST_QUANTILES_MAX);
    for (size_t i = 0; i < s->quantile_count; i++)
        if (!(s->quantile[i] >= 0.01 && s->quantile[i] <= 0.999) || (i && s->quantile[i] <= s->quantile[i - 1]))
            return err_set(err, ERR_INVALID, "quantile %g: expected ascending numbers within 0.01 and 0.999", s->quantile[i]);
    return 0;
}

// The first hour's steps alone (or its twelfths where there are more), then equal parts.
static void cut(struct forecast *f, struct arena *a)
{
    size_t hour = (size_t)(HOUR_MS / f->spec.step_ms), horizon = f->spec.horizon, near = hour < horizon ? hour : horizon, at = 1;
    size_t wide = (near + HOUR_STEPS_MAX - 1) / HOUR_STEPS_MAX, far = (horizon - near + LATE_BUCKETS - 1) / LATE_BUCKETS;
    f->model = arena_array(a, struct model, HOUR_STEPS_MAX + LATE_BUCKETS);
    while (at <= horizon) {
        size_t width = at <= near ? wide : far, end = at <= near ? near : horizon;
        struct model *m = &f->model[f->model_count++];
        assert(f->model_count <= HOUR_STEPS_MAX + LATE_BUCKETS);
        *m = (struct model){.first = at, .last = at + width - 1 < end ? at + width - 1 : end, .near = at <= near};
        at = m->last + 1;
    }
}

static void describe_all(struct forecast *f, const double *value, size_t count, struct arena *scratch)
{
    double *v = arena_array(scratch, double, count);
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(value[i]))
            v[n++] = value[i];
    quantile_sort(v, n);
    for (size_t i = 0; i < f->spec.quantile_count; i++)
        f->overall[i] = quantile_of_sorted(v, n, f->spec.quantile[i]);
}

static void smooth_value(struct forecast *f, size_t at)
{
    const struct profile *p = &f->profile;
    smooth_push(&f->smooth, p->value[at], p->known[at], profile_mean(p, at, PROFILE_PARTS));
}

int forecast_fit(struct arena *a, const struct forecast_spec *spec, const double *value, size_t count, struct forecast **ret, struct err *err)
{
    struct arena scratch;
    struct model_room room;
    double row[REGRESS_STRIDE] = {0};
    size_t known = 0;
    if (check(spec, err) != 0)
        return ERR_INVALID;
    size_t season = (size_t)(DAY_MS / spec->step_ms), best = BEST_DAYS * season;
    if (count > best) {
        value += count - best;
        count = best;
    }
    for (size_t i = 0; i < count; i++)
        known += isfinite(value[i]) != 0;
    if (known < season)
        return err_set(err, ERR_NOT_FOUND, "%zu known values: a forecast takes a day of them (%zu)", known, season);
    struct forecast *f = arena_new(a, struct forecast);
    f->spec = *spec;
    f->basis = count < 2 * season ? BASIS_LEVEL : count < WEEKLY_FROM_DAYS * season ? BASIS_DAY : BASIS_WEEK;
    arena_init(&scratch, 0);
    profile_init(&f->profile, a, value, count, season, f->basis == BASIS_WEEK ? WEEK_DAYS * season : 0, spec->later);
    f->columns = model_columns(f, count - 1, 1, row);
    smooth_init(&f->smooth, a, f->basis == BASIS_LEVEL ? 0 : season, f->profile.week, count + spec->later, season);
    for (size_t i = 0; i < count; i++)
        smooth_value(f, i);
    describe_all(f, value, count, &scratch);
    cut(f, a);
    model_room_init(&room, &scratch);
    for (size_t i = 0; i < f->model_count; i++)
        model_fit(f, &f->model[i], &room);
    arena_release(&scratch);
    *ret = f;
    return 0;
}

size_t forecast_local_days(const double *value, size_t count, size_t changed, int64_t by, double *ret)
{
    size_t width = (size_t)(by < 0 ? -by : by), n = 0;
    assert(changed <= count);
    size_t kept = by < 0 ? (changed > width ? changed - width : 0) : changed;
    for (; n < kept; n++)
        ret[n] = value[n];
    for (size_t i = 0; by > 0 && i < width; i++)
        ret[n++] = NAN;
    for (size_t i = changed; i < count; i++)
        ret[n++] = by < 0 && i < changed + width && i >= width ? fmax(value[i], value[i - width]) : value[i];
    return n;
}

bool forecast_push(struct forecast *f, double value)
{
    if (isfinite(value))
        f->profile.least = fmin(f->profile.least, value);
    if (!profile_push(&f->profile, value))
        return false;
    smooth_value(f, f->profile.count - 1);
    return true;
}

void forecast_step(const struct forecast *f, size_t ahead, double *ret)
{
    size_t i = 0;
    assert(ahead >= 1 && ahead <= f->spec.horizon);
    while (f->model[i].last < ahead)
        i++;
    model_ask(f, &f->model[i], ahead, ret);
    for (size_t k = 0; k < f->spec.quantile_count; k++) {
        if (!isfinite(ret[k]))
            ret[k] = f->overall[k];
        if (f->profile.least >= 0)
            ret[k] = fmax(ret[k], 0);
        if (k)
            ret[k] = fmax(ret[k], ret[k - 1]);
    }
}

const char *forecast_basis(const struct forecast *f)
{
    static const char *const names[] = {[BASIS_LEVEL] = "level", [BASIS_DAY] = "time of day", [BASIS_WEEK] = "day of the week"};
    return names[f->basis];
}
