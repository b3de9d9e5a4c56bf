// Fits the model of one bucket: three strengths of prior, judged part by part of the history, blended, and the quantiles of what was left.
#include "planner/forecast/model.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "planner/forecast/quantile.h"

static const double strength[MODEL_STRENGTHS] = {0.001, 0.01, 0.1};
static const double expert_prior[MODEL_EXPERTS] = {0.3, 0.3, 0.2, 0.15, 0.05, 0};
static const int rounds_whole[MODEL_STRENGTHS] = {6, 3, 3}, rounds_fold[MODEL_STRENGTHS] = {4, 2, 2};
enum { SLOPE_ROUNDS = 10, SCALE_ROUNDS = 4, BLEND_ROUNDS = 8 };
static const double SLOPE_RIDGE = 0.01, BLEND_RIDGE = 0.03, LEAST_SCALE = 1e-6;
static const double LEVEL_FADES_H = 2.0;    // how long today's deviation from the time of day lasts before the data say so
static const double FEW_DAYS_SHARE = 0.1;   // beyond the hour a window holds some ten independent days: one more might lie outside

struct rows {
    struct regress_rows x;
    size_t *origin, *ahead;
    double *row, *experts, *y;  // count x STRIDE, count x MODEL_EXPERTS, count
};

void model_room_init(struct model_room *r, struct arena *a)
{
    enum { N = MODEL_ROWS_MAX };
    *r = (struct model_room){.origin = arena_array(a, size_t, N), .ahead = arena_array(a, size_t, N), .fold = arena_array(a, uint8_t, N), .until = arena_array(a, uint8_t, N),
                             .row = arena_array(a, double, N * REGRESS_STRIDE), .aside = arena_array(a, double, N * REGRESS_STRIDE),
                             .experts = arena_array(a, double, N * MODEL_EXPERTS), .y = arena_array(a, double, N), .weight = arena_array(a, double, N),
                             .error = arena_array(a, double, N), .unit = arena_array(a, double, N), .ordered = arena_array(a, double, N)};
}

// ---- the prior: the time of day, shifted by what today is off from it, which fades -----------------------------------------------

static void prior_of(const struct forecast *f, const struct model *m, double *ret)
{
    double hours = (double)(m->first + m->last) / 2 * (double)f->spec.step_ms / 3.6e6, fade = exp(-hours / LEVEL_FADES_H);
    memset(ret, 0, REGRESS_STRIDE * sizeof *ret);
    if (f->basis == BASIS_LEVEL) {
        ret[1] = 0.5 * fade;
        ret[3] = 1 - 0.5 * fade;
        return;
    }
    bool week = f->basis == BASIS_WEEK;
    ret[3] = fade;
    ret[6] = week ? 0.25 : 0.35;
    ret[7] = week ? 0.10 : 0.15;
    ret[8] = week ? 0.25 : 0.50;
    ret[10] = week ? -0.25 * fade : -0.5 * fade;
    ret[11] = week ? -0.25 * fade : -0.5 * fade;
    ret[12] = week ? 0.40 : 0;
    ret[13] = week ? -0.5 * fade : 0;
}

// ---- rows ----------------------------------------------------------------------------------------------------------------------

static size_t first_origin(const struct forecast *f)
{
    size_t days = f->profile.season ? f->profile.count / f->profile.season : 0;
    if (f->basis == BASIS_LEVEL)
        return f->profile.count / 16;
    return f->profile.season * (days >= 21 ? 8 : days >= 5 ? 3 : 1);
}

// Which of each `step` values is an origin: not always the same one, or a period of the series that step divides would be met at some of its points only.
static size_t jitter(size_t k, size_t step)
{
    return (size_t)((uint64_t)k * UINT64_C(2654435761) / 65536 % step);
}

// Origins spread over the history, the steps ahead of the bucket in turn; rows whose target or origin is a gap are left out.
static void collect(const struct forecast *f, const struct model *m, const struct model_room *room, struct rows *r)
{
    const struct profile *p = &f->profile;
    size_t from = first_origin(f), wide = m->last - m->first + 1, span = p->count > from + m->last ? p->count - from - m->last : 0;
    size_t step = (span + MODEL_ROWS_MAX - 1) / MODEL_ROWS_MAX, n = 0;
    *r = (struct rows){.origin = room->origin, .ahead = room->ahead, .row = room->row, .experts = room->experts, .y = room->y};
    for (size_t k = 0, o; span > 0 && (o = from + k * step + jitter(k, step)) < from + span; k++) {
        size_t ahead = m->first + k * 7 % wide, most = p->season - profile_around(p);
        ahead = ahead > most ? most : ahead;  // what lies around a day before the target was known at the origin
        if (!p->known[o] || !p->known[o + ahead])
            continue;
        double *row = r->row + n * REGRESS_STRIDE;
        size_t columns = model_columns(f, o, ahead, row);
        r->y[n] = row[columns] = p->value[o + ahead] / p->scale;
        r->origin[n] = o;
        r->ahead[n] = ahead;
        room->fold[n] = (uint8_t)((o - from) * MODEL_FOLDS / span);
        room->until[n++] = (uint8_t)((o + ahead - from) * MODEL_FOLDS / span);
    }
    r->x = (struct regress_rows){.count = n, .columns = f->columns, .x = r->row, .fold = room->fold, .until = room->until, .weight = room->weight};
}

// ---- the models, held out ---------------------------------------------------------------------------------------------------------

static void fit_strengths(struct forecast *f, struct model *m, struct rows *r)
{
    double prior[REGRESS_STRIDE], held[MODEL_FOLDS][REGRESS_STRIDE];
    prior_of(f, m, prior);
    for (int i = 0; i < MODEL_STRENGTHS; i++) {
        memcpy(m->coef[i], i ? m->coef[i - 1] : prior, sizeof prior);
        regress_absolute(&r->x, -1, prior, strength[i], rounds_whole[i], m->coef[i]);
        for (int fold = 0; fold < MODEL_FOLDS; fold++) {
            if (i == 0)
                memcpy(held[fold], m->coef[0], sizeof prior);
            regress_absolute(&r->x, fold, prior, strength[i], rounds_fold[i], held[fold]);
        }
        for (size_t k = 0; k < r->x.count; k++)
            r->experts[k * MODEL_EXPERTS + (size_t)i] = regress_fitted(r->row + k * REGRESS_STRIDE, held[r->x.fold[k]], f->columns);
    }
    for (size_t k = 0; k < r->x.count; k++)
        model_experts(f, r->origin[k], r->ahead[k], r->experts + k * MODEL_EXPERTS + MODEL_STRENGTHS);
}

static double blended(const double *experts, const double *weight)
{
    double sum = 0;
    for (int i = 0; i < MODEL_EXPERTS; i++)
        sum += experts[i] * weight[i];
    return sum;
}

// Least absolute deviations of the differences from the first expert, over rows from `from` on; after each round back into the simplex.
static void blend(const struct rows *r, size_t from, double *row, double *ret)
{
    double coef[REGRESS_STRIDE] = {0};
    struct regress_rows d = {.count = r->x.count - from, .columns = MODEL_EXPERTS - 1, .x = row, .weight = r->x.weight};
    for (size_t k = 0; k < d.count; k++) {
        const double *e = r->experts + (from + k) * MODEL_EXPERTS;
        for (size_t i = 1; i < MODEL_EXPERTS; i++)
            row[k * REGRESS_STRIDE + i - 1] = e[i] - e[0];
        row[k * REGRESS_STRIDE + d.columns] = r->y[from + k] - e[0];
    }
    memcpy(coef, expert_prior + 1, d.columns * sizeof *coef);
    for (int round = 0; round < BLEND_ROUNDS; round++) {
        double sum = 0;
        regress_quantile(&d, 0.5, expert_prior + 1, BLEND_RIDGE, 1, coef);
        for (size_t i = 0; i < d.columns; i++)
            sum += coef[i] = fmin(fmax(coef[i], 0), 1);
        for (size_t i = 0; i < d.columns && sum > 1; i++)
            coef[i] /= sum;
    }
    ret[0] = 1;
    for (size_t i = 0; i < d.columns; i++)
        ret[0] -= ret[i + 1] = coef[i];
}

// ---- the quantiles of what was held out -------------------------------------------------------------------------------------------

static double scale_of(const double *spread, const double *coef, size_t n)
{
    return fmax(regress_fitted(spread, coef, n), LEAST_SCALE);
}

// The level at which held-out errors are read for quantile q; the median is the blend's own.
static double level_of(const struct model *m, double q)
{
    if (m->near)
        return q;
    return q > 0.5 ? q + FEW_DAYS_SHARE * (1 - q) : q - FEW_DAYS_SHARE * q;
}

static void fit_spread(struct forecast *f, struct model *m, const struct rows *r, const struct model_room *room)
{
    size_t n = r->x.count, columns = model_spread_count(f, m);
    double *row = room->aside, *error = room->error, *unit = room->unit, *ordered = room->ordered;
    struct regress_rows s = {.count = n, .columns = columns, .x = row, .weight = r->x.weight};
    for (size_t k = 0; k < n; k++) {
        double median = blended(r->experts + k * MODEL_EXPERTS, m->blend);
        error[k] = r->y[k] - median;
        model_spreads(f, r->origin[k], r->ahead[k], median, row + k * REGRESS_STRIDE);
        row[k * REGRESS_STRIDE + columns] = fabs(error[k]);
    }
    regress_scale(&s, SCALE_ROUNDS, m->scale);
    for (size_t k = 0; k < n; k++) {
        unit[k] = scale_of(row + k * REGRESS_STRIDE, m->scale, columns);
        ordered[k] = error[k] / unit[k];
        row[k * REGRESS_STRIDE + columns] = error[k];
    }
    quantile_sort(ordered, n);
    for (size_t i = 0; i < f->spec.quantile_count; i++)
        m->offset[i] = quantile_of_sorted(ordered, n, level_of(m, f->spec.quantile[i]));
    bool lines = columns == MODEL_SPREADS;
    for (size_t i = 0; lines && i < f->spec.quantile_count; i++) {
        double prior[MODEL_SPREADS], level = level_of(m, f->spec.quantile[i]), *slope = m->slope[i];
        if (f->spec.quantile[i] == 0.5)
            continue;
        for (size_t j = 0; j < columns; j++)
            slope[j] = prior[j] = m->scale[j] * m->offset[i];
        regress_quantile(&s, level, prior, SLOPE_RIDGE, SLOPE_ROUNDS, slope);
        for (size_t k = 0; k < n; k++)
            ordered[k] = (error[k] - regress_fitted(row + k * REGRESS_STRIDE, slope, columns)) / unit[k];
        quantile_sort(ordered, n);
        m->offset[i] = quantile_of_sorted(ordered, n, level);
    }
}

// The blend is chosen on what was judged by its past alone. The size of errors is read off the first part too, which what came later judges: of the
// later parts alone, a day ahead on the public series, the 0.9 quantile's loss was 5 % higher, for want of days.
void model_fit(struct forecast *f, struct model *m, struct model_room *room)
{
    struct rows r;
    size_t first = 0;  // of the rows that are judged by what was before them
    collect(f, m, room, &r);
    while (first < r.x.count && r.x.fold[first] == 0)
        first++;
    if (r.x.count < first + MODEL_ROWS_MIN) {
        m->plain = true;
        return;
    }
    fit_strengths(f, m, &r);
    blend(&r, first, room->aside, m->blend);
    fit_spread(f, m, &r, room);
}

void model_ask(const struct forecast *f, const struct model *m, size_t ahead, double *ret)
{
    if (m->plain) {
        memcpy(ret, f->overall, f->spec.quantile_count * sizeof *ret);
        return;
    }
    double row[REGRESS_STRIDE] = {0}, expert[MODEL_EXPERTS], spread[MODEL_SPREADS] = {0};
    size_t origin = f->profile.count - 1, columns = model_spread_count(f, m);
    model_columns(f, origin, ahead, row);
    for (int i = 0; i < MODEL_STRENGTHS; i++)
        expert[i] = regress_fitted(row, m->coef[i], f->columns);
    model_experts(f, origin, ahead, expert + MODEL_STRENGTHS);
    double median = blended(expert, m->blend);
    model_spreads(f, origin, ahead, median, spread);
    double unit = scale_of(spread, m->scale, columns);
    for (size_t i = 0; i < f->spec.quantile_count; i++) {
        double q = f->spec.quantile[i];
        ret[i] = q == 0.5 ? median : median + unit * m->offset[i] + regress_fitted(spread, m->slope[i], columns);
        ret[i] *= f->profile.scale;
    }
}
