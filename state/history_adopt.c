// Schema step 4: the rows of the table `samples`, a bucket a minute of each series of a cluster, become packed days.
#include "state/history_internal.h"

struct adoption {
    struct db *d;
    struct history_day *day[HISTORY_RESOLUTION_COUNT];
    int64_t track, cluster, series, at_day;  // of what is in `day`; track 0: nothing
    int64_t today;
};

static int make_track(struct adoption *a, struct err *err)
{
    static const char sql[] = "INSERT INTO tracks (cluster, series, subject, made_ms) VALUES (:cluster, :series, '', :now)";
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(a->d, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", a->cluster);
    db_bind_int(st, ":series", a->series);
    db_bind_int(st, ":now", a->today * HISTORY_DAY_MS);
    rc = db_run(a->d, st, err);
    db_done(st);
    a->track = sqlite3_last_insert_rowid(a->d->h);
    return rc;
}

static int put_day(struct adoption *a, struct err *err)
{
    int rc = 0;
    for (int r = 0; a->track && rc == 0 && r < HISTORY_RESOLUTION_COUNT; r++)
        if (a->at_day > a->today - history_kept_days((enum history_resolution)r) && a->at_day < 1 << 17)
            rc = history_put(a->d, a->track, a->at_day, a->day[r], err);
    for (int r = 0; r < HISTORY_RESOLUTION_COUNT; r++)
        history_day_clear(a->day[r], (enum history_resolution)r);
    return rc;
}

static bool is_sound(const struct history_bucket *b)
{
    return b->count > 0 && b->count <= HISTORY_BUCKET_SAMPLES_MAX && b->min >= 0 && b->max <= HISTORY_VALUE_MAX && b->sum >= b->min * b->count &&
           b->sum <= b->max * b->count;
}

static int take_row(struct adoption *a, sqlite3_stmt *st, struct err *err)
{
    int64_t at_ms = db_int(st, "minute") * 60000, at_day = history_day_of(at_ms);
    bool same = a->track && a->cluster == db_int(st, "cluster") && a->series == db_int(st, "series");
    const struct history_bucket b = {db_int(st, "count"), db_int(st, "sum"), db_int(st, "min"), db_int(st, "max")};
    int rc = same && at_day == a->at_day ? 0 : put_day(a, err);
    if (rc == 0 && !same) {
        a->cluster = db_int(st, "cluster");
        a->series = db_int(st, "series");
        rc = make_track(a, err);
    }
    a->at_day = at_day;
    if (rc || at_ms < 0 || !is_sound(&b))
        return rc;
    for (int r = 0; r < HISTORY_RESOLUTION_COUNT; r++)
        history_bucket_merge(&a->day[r]->bucket[(at_ms - at_day * HISTORY_DAY_MS) / history_resolution_ms((enum history_resolution)r)], &b);
    sketch_add(&a->day[HISTORY_HOUR]->sketch, b.sum / b.count, (uint32_t)b.count);
    return 0;
}

int history_adopt_samples(struct db *d, struct err *err)
{
    struct adoption a = {.d = d};
    sqlite3_stmt *st = NULL;
    bool row = false;
    struct history_day *days = calloc(HISTORY_RESOLUTION_COUNT, sizeof *days);
    assert(days);
    for (int r = 0; r < HISTORY_RESOLUTION_COUNT; r++) {
        a.day[r] = &days[r];
        history_day_clear(a.day[r], (enum history_resolution)r);
    }
    int rc = db_pragma_int(d, "SELECT coalesce(max(minute), 0) / 1440 FROM samples", &a.today, err);
    if (rc == 0)
        rc = db_prepare(d, "SELECT * FROM samples ORDER BY cluster, series, minute", &st, err);
    while (rc == 0 && (rc = db_step(d, st, &row, err)) == 0 && row)
        rc = take_row(&a, st, err);
    if (rc == 0)
        rc = put_day(&a, err);
    db_done(st);
    free(days);
    return rc;
}
