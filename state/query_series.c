#include <math.h>

#include "state/history_read.h"
#include "state/internal.h"

enum { HOUR_MS = 3600000, DAY_HOURS = 24, HOURS_MAX = 10000 };

// ---- which tracks ---------------------------------------------------------------------------------------------------------

struct chosen {
    struct history_track track[SERIES_COUNT];
    enum series series[SERIES_COUNT];
    size_t count;
};

static bool is_asked(const struct state_series_query *q, int series)
{
    static_assert(SERIES_COUNT <= 64, "a series is a bit of `only`");
    return series_kind((enum series)series) == q->kind && (!q->only || q->only >> series & 1);
}

static int find_tracks(struct db *d, const struct state_series_query *q, struct chosen *ret, struct err *err)
{
    static const char sql[] = "SELECT id, series FROM tracks WHERE cluster = :cluster AND series = :series AND subject = :subject";
    int rc = 0;
    *ret = (struct chosen){.count = 0};
    for (int i = 0; rc == 0 && i < SERIES_COUNT; i++) {
        sqlite3_stmt *st = NULL;
        bool row = false;
        if (!is_asked(q, i))
            continue;
        rc = db_prepare(d, sql, &st, err);
        if (rc)
            return rc;
        db_bind_int(st, ":cluster", q->cluster);
        db_bind_int(st, ":series", i);
        db_bind_text(st, ":subject", q->subject ? q->subject : "");
        rc = db_step(d, st, &row, err);
        if (rc == 0 && row) {
            ret->series[ret->count] = (enum series)i;
            ret->track[ret->count++] = (struct history_track){.id = db_int(st, "id")};
        }
        db_done(st);
    }
    return rc;
}

// history_read wants them by id; they are few.
static void sort_tracks(struct chosen *c)
{
    for (size_t i = 1; i < c->count; i++)
        for (size_t k = i; k > 0 && c->track[k - 1].id > c->track[k].id; k--) {
            struct history_track t = c->track[k];
            enum series s = c->series[k];
            c->track[k] = c->track[k - 1];
            c->series[k] = c->series[k - 1];
            c->track[k - 1] = t;
            c->series[k - 1] = s;
        }
}

// Days and rows as of one moment, also while the writer folds.
static int read_consistent(struct db *d, int64_t cluster, const struct history_window *w, struct chosen *c, struct err *err)
{
    bool own = sqlite3_get_autocommit(d->h) != 0;
    int rc = own ? db_exec(d, "BEGIN", err) : 0;
    sort_tracks(c);
    if (rc == 0)
        rc = history_read(d, cluster, w, c->track, c->count, err);
    if (own && !sqlite3_get_autocommit(d->h))
        db_exec(d, "COMMIT", NULL);
    return rc;
}

// ---- series ---------------------------------------------------------------------------------------------------------------

static int64_t shown(const struct history_bucket *b, enum series series)
{
    if (b->count == 0)
        return STATE_NO_VALUE;
    switch (series_bucket(series)) {
    case BUCKET_MIN:
        return b->min;
    case BUCKET_MAX:
        return b->max;
    case BUCKET_AVG:
        return b->sum / b->count;
    }
    return STATE_NO_VALUE;
}

static int64_t within(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

static struct state_spread spread_of(const struct history_track *t, size_t count)
{
    struct history_bucket all = {0};
    for (size_t k = 0; k < count; k++)
        history_bucket_pool(&all, &t->bucket[k]);
    if (all.count == 0 || t->sketch->count == 0)
        return (struct state_spread){0};
    return (struct state_spread){
        .samples = all.count, .min = all.min, .mean = all.sum / all.count, .max = all.max,
        .p50 = within(sketch_quantile(t->sketch, 0.5), all.min, all.max),
        .p95 = within(sketch_quantile(t->sketch, 0.95), all.min, all.max),
        .p99 = within(sketch_quantile(t->sketch, 0.99), all.min, all.max),
    };
}

int state_query_series(struct state_reader *r, const struct state_series_query *q, struct arena *a, struct state_series *ret, struct err *err)
{
    struct chosen c;
    if (q->from_ms < 0 || q->from_ms > q->to_ms || q->to_ms > INT64_MAX / 2 || q->step_ms < 0)
        return err_set(err, ERR_INVALID, "from must be before to");
    const struct history_window w = history_window_of(q->from_ms, q->to_ms, q->step_ms, STATE_POINTS_MAX, q->now_ms);
    assert(w.count <= STATE_POINTS_MAX);
    struct state_series s = {.step_ms = w.step_ms, .from_ms = w.from_ms, .count = w.count};
    for (int i = 0; i < SERIES_COUNT; i++)
        if (is_asked(q, i)) {
            s.values[i] = arena_array(a, int64_t, w.count + 1);
            for (size_t k = 0; k < w.count; k++)
                s.values[i][k] = STATE_NO_VALUE;
        }
    db_start_deadline(r->db);
    int rc = find_tracks(r->db, q, &c, err);
    s.known = rc == 0 && c.count > 0;
    for (size_t i = 0; rc == 0 && i < c.count; i++) {
        c.track[i].bucket = arena_array(a, struct history_bucket, w.count + 1);
        c.track[i].sketch = q->spread ? arena_new(a, struct sketch) : NULL;
    }
    if (rc == 0)
        rc = read_consistent(r->db, q->cluster, &w, &c, err);
    for (size_t i = 0; rc == 0 && i < c.count; i++) {
        for (size_t k = 0; k < w.count; k++)
            s.values[c.series[i]][k] = shown(&c.track[i].bucket[k], c.series[i]);
        if (q->spread)
            s.spread[c.series[i]] = spread_of(&c.track[i], w.count);
    }
    if (rc == 0)
        *ret = s;
    return rc;
}

// ---- one series, for the daemon -------------------------------------------------------------------------------------------

// *ret: w->count buckets, to be freed; unknown ones where there is no such track.
static int read_one(struct db *d, int64_t cluster, enum series series, const char *subject, const struct history_window *w,
                    struct history_bucket **ret, struct err *err)
{
    const struct state_series_query q = {.cluster = cluster, .kind = series_kind(series), .subject = subject, .only = UINT64_C(1) << series};
    struct chosen c;
    int rc = find_tracks(d, &q, &c, err);
    struct history_bucket *bucket = calloc(w->count + 1, sizeof *bucket);
    assert(bucket);
    c.track[0].bucket = bucket;
    if (rc == 0)
        rc = read_consistent(d, cluster, w, &c, err);
    if (rc == 0)
        *ret = bucket;
    else
        free(bucket);
    return rc;
}

static int values_of(struct db *d, int64_t cluster, enum series series, const char *subject, int64_t from_ms, int64_t step_ms, size_t count, double *ret,
                     struct err *err)
{
    const struct history_window w = {.from_ms = from_ms, .step_ms = step_ms, .count = count,
                                     .resolution = step_ms % HOUR_MS == 0 ? HISTORY_HOUR : HISTORY_FIVE_MINUTES};
    struct history_bucket *bucket;
    assert(from_ms % step_ms == 0);
    assert(step_ms % history_resolution_ms(w.resolution) == 0);
    if (from_ms < 0)
        return err_set(err, ERR_INVALID, "history before 1970");
    int rc = read_one(d, cluster, series, subject, &w, &bucket, err);
    if (rc)
        return rc;
    for (size_t k = 0; k < count; k++)
        ret[k] = bucket[k].count > 0 ? (double)shown(&bucket[k], series) : (double)NAN;
    free(bucket);
    return 0;
}

int state_history_values(struct state *s, int64_t cluster, enum series series, const char *subject, int64_t from_ms, int64_t step_ms, size_t count,
                         double *ret, struct err *err)
{
    s->db.deadline_ms = 0;
    return values_of(&s->db, cluster, series, subject, from_ms, step_ms, count, ret, err);
}

int state_query_wanted(struct state_reader *r, int64_t cluster, enum series series, int64_t from_ms, int64_t step_ms, size_t count, double *ret, struct err *err)
{
    db_start_deadline(r->db);
    double *overflow = calloc(count + 1, sizeof *overflow);
    assert(overflow);
    int rc = values_of(r->db, cluster, SERIES_OVERFLOW, "", from_ms, step_ms, count, overflow, err);
    if (rc == 0)
        rc = values_of(r->db, cluster, series, "", from_ms, step_ms, count, ret, err);
    for (size_t k = 0; rc == 0 && k < count; k++)
        ret[k] = overflow[k] > 0 ? (double)NAN : ret[k];
    free(overflow);
    return rc;
}

int state_query_values(struct state_reader *r, int64_t cluster, enum series series, const char *subject, int64_t from_ms, int64_t step_ms, size_t count,
                       double *ret, struct err *err)
{
    db_start_deadline(r->db);
    return values_of(r->db, cluster, series, subject, from_ms, step_ms, count, ret, err);
}

int state_query_highest_hour(struct state_reader *r, int64_t cluster, enum series series, int64_t from_ms, int64_t to_ms, int64_t *ret, struct err *err)
{
    const struct history_window w = {.from_ms = from_ms / HOUR_MS * HOUR_MS, .step_ms = HOUR_MS, .count = (size_t)(to_ms / HOUR_MS - from_ms / HOUR_MS),
                                     .resolution = HISTORY_HOUR};
    struct history_bucket *bucket;
    assert(from_ms >= 0 && from_ms <= to_ms);
    assert(w.count <= HOURS_MAX);
    db_start_deadline(r->db);
    int rc = read_one(r->db, cluster, series, "", &w, &bucket, err);
    if (rc)
        return rc;
    int64_t most = 0, first = -1, last = -1;
    for (size_t k = 0; k < w.count; k++) {
        if (bucket[k].count == 0)
            continue;
        int64_t mean = bucket[k].sum / bucket[k].count;
        most = mean > most ? mean : most;
        first = first < 0 ? (int64_t)k : first;
        last = (int64_t)k;
    }
    free(bucket);
    *ret = first >= 0 && last - first + 1 >= DAY_HOURS ? most : 0;
    return 0;
}

// ---- subjects -------------------------------------------------------------------------------------------------------------

static bool same_subject(const struct state_subject *x, enum history_kind kind, const char *subject)
{
    return x->kind == kind && strcmp(x->subject, subject) == 0;
}

static int by_kind_and_name(const void *x, const void *y)
{
    const struct state_subject *a = x, *b = y;
    return a->kind != b->kind ? (a->kind > b->kind) - (a->kind < b->kind) : strcmp(a->subject, b->subject);
}

int state_query_subjects(struct state_reader *r, int64_t cluster, struct arena *a, struct state_subject **ret, size_t *ret_count, struct err *err)
{
    // The first and the last day that is packed by the hour: one step of the index each.
    static const char sql[] =
        "SELECT series, subject, (SELECT key & 262143 FROM history WHERE key >= (t.id * 4 + 2) << 18 AND key < (t.id + 1) << 20"
        " ORDER BY key LIMIT 1) AS first, (SELECT key & 262143 FROM history WHERE key >= (t.id * 4 + 2) << 18 AND key < (t.id + 1) << 20"
        " ORDER BY key DESC LIMIT 1) AS last FROM tracks AS t WHERE cluster = :cluster ORDER BY subject, series";
    sqlite3_stmt *st = NULL;
    bool row = false;
    struct state_subject *v = NULL;
    size_t count = 0, cap = 0, kept = 0;
    db_start_deadline(r->db);
    int rc = db_prepare(r->db, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", cluster);
    while ((rc = db_step(r->db, st, &row, err)) == 0 && row) {
        if (db_int(st, "series") >= SERIES_COUNT)
            continue;
        v = arena_grow(a, v, count, &cap, sizeof *v);
        v[count++] = (struct state_subject){series_kind((enum series)db_int(st, "series")), db_text(st, "subject", a),
                                            db_int(st, "first") * HOUR_MS * DAY_HOURS, db_int(st, "last") * HOUR_MS * DAY_HOURS};
    }
    db_done(st);
    if (count > 0)
        qsort(v, count, sizeof *v, by_kind_and_name);
    for (size_t i = 0; i < count; i++) {
        struct state_subject *last = kept > 0 ? &v[kept - 1] : NULL;
        if (last == NULL || !same_subject(last, v[i].kind, v[i].subject)) {
            v[kept++] = v[i];
            continue;
        }
        last->first_ms = v[i].first_ms && (v[i].first_ms < last->first_ms || !last->first_ms) ? v[i].first_ms : last->first_ms;
        last->last_ms = v[i].last_ms > last->last_ms ? v[i].last_ms : last->last_ms;
    }
    *ret = v;
    *ret_count = kept;
    return rc;
}
