#include "scaler/foresight.h"

#include <math.h>

#include "base/check.h"
#include "planner/forecast/forecast.h"
#include "planner/limit_ahead.h"
#include "planner/number.h"
#include "scaler/level_score.h"
#include "scaler/view_limits.h"

enum { DAY = OUTLOOK_STEPS, HISTORY_STEPS = 35 * DAY, SCORED_STEPS = 7 * DAY, CLOCK_DAYS = 7 };
#define HOUR_MS 3600000
#define DAY_MS INT64_C(86400000)

enum stage { STAGE_CPU, STAGE_MEMORY, STAGE_SIZES, STAGE_LIMITS, STAGE_KEEP, STAGE_COUNT };
static_assert((int)STAGE_CPU == OUTLOOK_CPU_UNITS && (int)STAGE_MEMORY == OUTLOOK_MEMORY_MIB, "a stage for each fit");

struct foreseen {                 // one cluster
    int64_t state_id, seen_ms, due_ms;
    struct zone_change clock;     // as of the last tick
    enum stage stage;             // the next piece of work
    struct view_outlook out, making;   // as published, and in the making
    struct view_sizes *sizes;     // in the making
    size_t sized;                 // of its services
    struct limits_near limits;
    struct level_score levels;
};

struct foresight {
    struct foresight_options o;
    struct foreseen *v;
    size_t turn;                  // whose turn is next
};

static const struct {
    enum series need, q50, q90;
} series_of[OUTLOOK_OF_COUNT] = {
    [OUTLOOK_CPU_UNITS] = {SERIES_NEED_CPU_UNITS, SERIES_FORECAST_NEED_CPU_UNITS_Q50, SERIES_FORECAST_NEED_CPU_UNITS_Q90},
    [OUTLOOK_MEMORY_MIB] = {SERIES_NEED_MEMORY_MIB, SERIES_FORECAST_NEED_MEMORY_MIB_Q50, SERIES_FORECAST_NEED_MEMORY_MIB_Q90},
};

struct foresight *foresight_new(const struct foresight_options *o)
{
    struct foresight *f = calloc(1, sizeof *f);
    assert(f);
    f->o = *o;
    f->v = calloc(o->cluster_count, sizeof *f->v);
    assert(f->v);
    return f;
}

void foresight_free(struct foresight *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->o.cluster_count; i++)
        view_sizes_release(f->v[i].sizes);
    free(f->v);
    free(f);
}

void foresight_ticked(struct foresight *f, size_t cluster, int64_t state_id, int64_t at_ms, struct zone_change clock)
{
    struct foreseen *x = &f->v[cluster];
    assert(cluster < f->o.cluster_count);
    if (at_ms < x->seen_ms)
        x->due_ms = 0;  // the clock stepped back: what is due is judged anew
    x->state_id = state_id;
    x->seen_ms = at_ms;
    x->clock = clock;
}

void foresight_sized(struct foresight *f, size_t cluster, const struct outlook *o)
{
    assert(cluster < f->o.cluster_count);
    level_score_see(&f->v[cluster].levels, o);
}

void foresight_forget(struct foresight *f)
{
    for (size_t i = 0; i < f->o.cluster_count; i++)
        f->v[i].state_id = 0;
}

const struct view_outlook *foresight_outlook(const struct foresight *f, size_t cluster)
{
    return &f->v[cluster].out;
}

// ---- fit ------------------------------------------------------------------------------------------------------------------

static int64_t whole(double v)
{
    return v > 0 ? llround(fmin(v, 1e13)) : 0;
}

static int fit(struct arena *a, const double *value, size_t count, struct outlook_curve *c, struct err *err)
{
    const struct forecast_spec spec = {.step_ms = OUTLOOK_STEP_MS, .horizon = OUTLOOK_STEPS, .later = 0, .quantile_count = 6,
                                       .quantile = {0.05, 0.25, 0.5, 0.75, 0.9, 0.95}};
    struct forecast *f;
    int rc = forecast_fit(a, &spec, value, count, &f, err);
    if (rc)
        return rc;
    for (size_t k = 0; k < OUTLOOK_STEPS; k++) {
        double q[FORECAST_QUANTILES_MAX];
        forecast_step(f, k + 1, q);
        int64_t *const into[] = {c->q05, c->q25, c->q50, c->q75, c->q90, c->q95};
        for (size_t i = 0; i < ARRAY_LEN(into); i++)
            into[i][k] = i64_max(into[i][k], whole(q[i]));
    }
    c->basis = forecast_basis(f);
    c->known = true;
    return 0;
}

// The larger of both phases, for seven days after a change of the clock.
static int fit_phases(struct arena *a, const double *value, size_t count, int64_t made_ms, struct zone_change clock, struct outlook_curve *c, struct err *err)
{
    int64_t ago_ms = made_ms - clock.at_s * 1000, by = clock.by_s * INT64_C(1000) / OUTLOOK_STEP_MS;
    int rc = fit(a, value, count, c, err);
    if (rc || by == 0 || ago_ms < 0 || ago_ms >= CLOCK_DAYS * DAY_MS || ago_ms / OUTLOOK_STEP_MS > (int64_t)count)
        return rc;
    double *local = arena_array(a, double, count + DAY);
    return fit(a, local, forecast_local_days(value, count, count - (size_t)(ago_ms / OUTLOOK_STEP_MS), by, local), c, err);
}

static void fit_one(struct state_reader *r, int64_t state_id, struct zone_change clock, struct view_outlook *o, enum outlook_of of)
{
    struct arena a;
    struct err err = {0};
    size_t first = 0;
    arena_init(&a, 0);
    double *value = arena_array(&a, double, HISTORY_STEPS);
    int rc = state_query_wanted(r, state_id, series_of[of].need, o->made_ms - HISTORY_STEPS * OUTLOOK_STEP_MS, OUTLOOK_STEP_MS, HISTORY_STEPS, value, &err);
    while (first < HISTORY_STEPS && isnan(value[first]))
        first++;
    if (rc == 0)
        rc = fit_phases(&a, value + first, HISTORY_STEPS - first, o->made_ms, clock, &o->of[of], &err);
    if (rc)
        snprintf(o->why, sizeof o->why, "%s: %s", outlook_of_name(of), err.msg);
    arena_release(&a);
}

// ---- keep and score -------------------------------------------------------------------------------------------------------

// Where it cannot be written, the next tick's record tells; a forecast that is not kept is only not scored.
static void keep(struct foresight *f, const struct foreseen *x)
{
    for (int lead = 0; lead < OUTLOOK_LEADS; lead++) {
        struct state_sample v[2 * OUTLOOK_OF_COUNT];
        size_t n = 0;
        int step = outlook_lead_steps(lead) - 1;
        for (int of = 0; of < OUTLOOK_OF_COUNT; of++)
            if (x->making.of[of].known) {
                v[n++] = (struct state_sample){series_of[of].q50, x->making.of[of].q50[step], outlook_lead_name(lead)};
                v[n++] = (struct state_sample){series_of[of].q90, x->making.of[of].q90[step], outlook_lead_name(lead)};
            }
        if (n > 0 && state_samples_add(f->o.state, x->state_id, x->making.made_ms + step * OUTLOOK_STEP_MS, v, n, NULL) != 0)
            return;
    }
}

static double pinball(double q, double came, double said)
{
    return came >= said ? q * (came - said) : (1 - q) * (said - came);
}

struct outlook_error foresight_score(const double *came, const double *q50, const double *q90, size_t day, size_t count)
{
    struct outlook_error e = {0};
    double change = 0;
    size_t pairs = 0;
    for (size_t i = 0; i < count; i++) {
        double now = came[day + i], before = came[i];
        if (isfinite(now) && isfinite(before)) {
            change += fabs(now - before);
            pairs++;
        }
        if (!isfinite(now) || !isfinite(q50[i]) || !isfinite(q90[i]))
            continue;
        e.samples++;
        e.mase += fabs(now - q50[i]);
        e.pinball50 += pinball(0.5, now, q50[i]);
        e.pinball90 += pinball(0.9, now, q90[i]);
        e.cover90 += now <= q90[i];
    }
    if (e.samples == 0 || change <= 0)
        return (struct outlook_error){0};  // nothing to compare, or a series that never differs from the day before
    double scale = change / (double)pairs * (double)e.samples;
    e.mase /= scale;
    e.pinball50 /= scale;
    e.pinball90 /= scale;
    e.cover90 /= (double)e.samples;
    return e;
}

static int score_one(struct state_reader *r, int64_t state_id, struct view_outlook *o, enum outlook_of of, struct arena *a, struct err *err)
{
    int64_t from_ms = o->made_ms - SCORED_STEPS * OUTLOOK_STEP_MS;
    double *came = arena_array(a, double, DAY + SCORED_STEPS), *q50 = arena_array(a, double, SCORED_STEPS), *q90 = arena_array(a, double, SCORED_STEPS);
    int rc = state_query_wanted(r, state_id, series_of[of].need, from_ms - DAY * OUTLOOK_STEP_MS, OUTLOOK_STEP_MS, DAY + SCORED_STEPS, came, err);
    for (int lead = 0; rc == 0 && lead < OUTLOOK_LEADS; lead++) {
        rc = state_query_values(r, state_id, series_of[of].q50, outlook_lead_name(lead), from_ms, OUTLOOK_STEP_MS, SCORED_STEPS, q50, err);
        if (rc == 0)
            rc = state_query_values(r, state_id, series_of[of].q90, outlook_lead_name(lead), from_ms, OUTLOOK_STEP_MS, SCORED_STEPS, q90, err);
        if (rc == 0)
            o->of[of].error[lead] = foresight_score(came, q50, q90, DAY, SCORED_STEPS);
    }
    return rc;
}

static void score(struct state_reader *r, int64_t state_id, struct view_outlook *o)
{
    struct arena a;
    arena_init(&a, 0);
    for (int of = 0; of < OUTLOOK_OF_COUNT; of++)
        score_one(r, state_id, o, (enum outlook_of)of, &a, NULL);
    arena_release(&a);
}

void foresight_of(struct state_reader *r, int64_t state_id, int64_t at_ms, struct zone_change clock, struct view_outlook *ret)
{
    *ret = (struct view_outlook){.made_ms = at_ms / OUTLOOK_STEP_MS * OUTLOOK_STEP_MS};
    for (int of = 0; of < OUTLOOK_OF_COUNT; of++)
        fit_one(r, state_id, clock, ret, (enum outlook_of)of);
    score(r, state_id, ret);
}

// ---- right sizes ----------------------------------------------------------------------------------------------------------

// One service a turn. True when all are done, or there is nobody to show them to.
static bool size_one(struct foresight *f, size_t cluster)
{
    struct foreseen *x = &f->v[cluster];
    const struct view_cluster *c = f->o.box ? f->o.box->current->clusters[cluster] : NULL;
    if (!x->sizes && (!c || !c->ticked))
        return true;
    if (!x->sizes) {
        x->sizes = view_sizes_new(c, x->making.made_ms);
        x->sized = 0;
    }
    if (x->sized < x->sizes->count)
        view_sizes_fill(x->sizes, x->sized++, state_reader_of(f->o.state), x->state_id);
    if (x->sized < x->sizes->count)
        return false;
    view_box_publish_sizes(f->o.box, cluster, TAKE_PTR(x->sizes));
    return true;
}

// ---- limits ahead -----------------------------------------------------------------------------------------------------------

static void note(struct limits_near *n, const struct limit_near *l)
{
    size_t at = n->count;
    while (at > 0 && n->v[at - 1].reached_ms > l->reached_ms)
        at--;
    if (at == LIMITS_NEAR_MAX)
        return;
    n->count += n->count < LIMITS_NEAR_MAX;
    memmove(&n->v[at + 1], &n->v[at], (n->count - at - 1) * sizeof *l);
    n->v[at] = *l;
}

// Those that are reached already are the plan's to tell.
static void look_ahead(struct foresight *f, size_t cluster)
{
    struct foreseen *x = &f->v[cluster];
    const struct view_cluster *c = f->o.box ? f->o.box->current->clusters[cluster] : NULL;
    struct arena a;
    struct view_limit *v = NULL;
    arena_init(&a, 0);
    size_t count = c ? view_limits_of(c, &a, &v) : 0;
    x->limits.count = 0;
    for (size_t i = 0; i < count; i++) {
        double peaks[VIEW_LIMIT_DAYS];
        struct limit_ahead r;
        if (view_limit_peaks(state_reader_of(f->o.state), x->state_id, &v[i], x->making.made_ms, peaks, NULL) != 0)
            continue;
        limit_ahead_of(peaks, VIEW_LIMIT_DAYS, (double)v[i].most, &a, &r);
        if (r.days_known < LIMIT_DAYS_MIN || r.q90_day <= 0 || r.q90_day > FORESIGHT_LIMIT_DAYS || v[i].now >= v[i].most)
            continue;
        struct limit_near l = {.kind = v[i].kind, .most = v[i].most, .peak = llround(r.peak_7d), .a_day = r.a_day,
                               .reached_ms = view_limit_last_day_ms(x->making.made_ms) + r.q90_day * DAY_MS};
        snprintf(l.name, sizeof l.name, "%s", v[i].name);
        note(&x->limits, &l);
    }
    arena_release(&a);
}

const struct limits_near *foresight_limits(const struct foresight *f, size_t cluster)
{
    return &f->v[cluster].limits;
}

// ---- whose turn it is -----------------------------------------------------------------------------------------------------

// Said when it begins, ends or rests on something else, not each hour.
static void tell(const struct foresight *f, size_t cluster, const struct view_outlook *before, const struct view_outlook *now)
{
    const struct outlook_curve *b = &before->of[OUTLOOK_CPU_UNITS], *n = &now->of[OUTLOOK_CPU_UNITS];
    if (f->o.log && before->made_ms > 0 ? b->known != n->known || (n->known && strcmp(b->basis, n->basis) != 0) : f->o.log != NULL)
        log_event(f->o.log, LOG_INFO, "forecast", n->known ? "of the need, a day ahead" : now->why, LOG_I("cluster_index", (int64_t)cluster),
                  LOG_S("basis", n->known ? n->basis : "none"));
}

static void finish(struct foresight *f, size_t cluster)
{
    struct foreseen *x = &f->v[cluster];
    keep(f, x);
    score(state_reader_of(f->o.state), x->state_id, &x->making);
    x->making.levels_judged = level_score_of(&x->levels, &x->making.levels_cover);
    tell(f, cluster, &x->out, &x->making);
    x->out = x->making;
    x->due_ms = x->making.made_ms + HOUR_MS;
    if (f->o.box)
        view_box_publish_outlook(f->o.box, cluster, &x->out);
}

bool foresight_turn(struct foresight *f)
{
    for (size_t k = 0; f->o.state && k < f->o.cluster_count; k++) {
        size_t cluster = (f->turn + k) % f->o.cluster_count;
        struct foreseen *x = &f->v[cluster];
        int64_t origin_ms = x->seen_ms / OUTLOOK_STEP_MS * OUTLOOK_STEP_MS;  // what is before it is recorded whole
        if (x->state_id == 0 || (x->stage == STAGE_CPU && origin_ms < x->due_ms))
            continue;
        if (x->stage == STAGE_CPU)
            x->making = (struct view_outlook){.made_ms = origin_ms};
        if (x->stage == STAGE_SIZES && !size_one(f, cluster)) {
            f->turn = cluster;
            return true;
        }
        if (x->stage == STAGE_KEEP)
            finish(f, cluster);
        else if (x->stage == STAGE_LIMITS)
            look_ahead(f, cluster);
        else if (x->stage != STAGE_SIZES)
            fit_one(state_reader_of(f->o.state), x->state_id, x->clock, &x->making, (enum outlook_of)x->stage);
        x->stage = (x->stage + 1) % STAGE_COUNT;
        f->turn = x->stage == STAGE_CPU ? cluster + 1 : cluster;
        return true;
    }
    return false;
}
