// Folding: what looks left as rows becomes packed days, a slice of tracks at a time; and what grew old goes.
#include "state/history_internal.h"

// A fold is due at 240 rows, two hours at the usual pace: rarer writes the disk less, oftener leaves queries fewer rows to read. It takes
// 128 tracks at a time, some 10 ms.
#define FOLD_ROWS_BEFORE "239"
#define FOLD_TRACKS "128"
enum { PRUNE_TRACKS = 64, TRACK_KEPT_DAYS = 400 };

struct fold_sample {
    int64_t track, at_ms, value;
};

struct fold {
    struct state *s;
    int64_t cluster, upto, next, end;  // rows up to `upto`; tracks from `next` on, below `end`
    struct fold_sample *sample;
    size_t count, room;
    int64_t at_ms;                     // of the row that is read
};

// ---- which ----------------------------------------------------------------------------------------------------------------

static int query_int(struct state *s, const char *sql, int64_t cluster, int64_t from, int64_t *ret, bool *ret_found, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", cluster);
    db_bind_int(st, ":from", from);
    rc = db_step(&s->db, st, ret_found, err);
    if (rc == 0 && *ret_found)
        *ret = db_int(st, "v");
    db_done(st);
    return rc;
}

// One that was begun goes on; else one is due when enough rows are there. *ret_due false: nothing to do.
static int find_fold(struct fold *f, bool *ret_due, struct err *err)
{
    static const char begun_sql[] = "SELECT upto AS v FROM folds WHERE cluster = :cluster AND next >= :from";
    static const char next_sql[] = "SELECT next AS v FROM folds WHERE cluster = :cluster AND next >= :from";
    static const char rows_sql[] = "SELECT id AS v FROM looks WHERE cluster = :cluster AND id >= :from ORDER BY id LIMIT 1 OFFSET " FOLD_ROWS_BEFORE;
    static const char end_sql[] = "SELECT id AS v FROM tracks WHERE cluster = :cluster AND id >= :from ORDER BY id LIMIT 1 OFFSET " FOLD_TRACKS;
    bool begun = false, more = false;
    int rc = query_int(f->s, begun_sql, f->cluster, 0, &f->upto, &begun, err);
    *ret_due = begun;
    if (rc == 0 && begun)
        rc = query_int(f->s, next_sql, f->cluster, 0, &f->next, &begun, err);
    if (rc == 0 && !begun)
        rc = query_int(f->s, rows_sql, f->cluster, 0, &f->upto, ret_due, err);
    if (rc == 0 && *ret_due)
        rc = query_int(f->s, end_sql, f->cluster, f->next, &f->end, &more, err);
    if (!more)
        f->end = INT64_MAX;
    return rc;
}

// ---- what -----------------------------------------------------------------------------------------------------------------

static void take_sample(void *arg, const struct look_sample *x)
{
    struct fold *f = arg;
    if (x->track < f->next || x->track >= f->end)
        return;
    if (f->count == f->room) {
        f->room = f->room ? 2 * f->room : 4096;
        f->sample = realloc(f->sample, f->room * sizeof *f->sample);
        assert(f->sample);
    }
    f->sample[f->count++] = (struct fold_sample){x->track, f->at_ms, x->value};
}

// A row that a broken disk gave back is left out, like one that was never written.
static int read_rows(struct fold *f, struct err *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    int rc = db_prepare(&f->s->db, "SELECT at_ms, body FROM looks WHERE cluster = :cluster AND id <= :upto ORDER BY id", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", f->cluster);
    db_bind_int(st, ":upto", f->upto);
    while ((rc = db_step(&f->s->db, st, &row, err)) == 0 && row) {
        f->at_ms = db_int(st, "at_ms");
        look_read(db_blob(st, "body"), take_sample, f, NULL);
    }
    db_done(st);
    return rc;
}

static int by_track_and_time(const void *x, const void *y)
{
    const struct fold_sample *a = x, *b = y;
    return a->track != b->track ? (a->track > b->track) - (a->track < b->track) : (a->at_ms > b->at_ms) - (a->at_ms < b->at_ms);
}

// Samples of one track and day, at one resolution. A packed day that cannot be read is begun anew.
static int fold_day(struct fold *f, const struct fold_sample *v, size_t count, enum history_resolution r, struct err *err)
{
    struct history_day *day = &f->s->scratch_day;
    int64_t at_day = history_day_of(v->at_ms);
    int rc = history_get(&f->s->db, v->track, r, at_day, day, NULL, err);
    if (rc == ERR_CORRUPT) {
        history_day_clear(day, r);
        rc = 0;
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        history_bucket_add(&day->bucket[(v[i].at_ms - at_day * HISTORY_DAY_MS) / history_resolution_ms(r)], v[i].value);
        if (r == HISTORY_HOUR)
            sketch_add(&day->sketch, v[i].value, 1);
    }
    return rc ? rc : history_put(&f->s->db, v->track, at_day, day, err);
}

static int fold_samples(struct fold *f, struct err *err)
{
    int64_t today = history_day_of(clock_wall_ms(f->s->clock));
    int rc = 0;
    if (f->count > 0)
        qsort(f->sample, f->count, sizeof *f->sample, by_track_and_time);
    for (size_t i = 0, end; rc == 0 && i < f->count; i = end) {
        int64_t day = history_day_of(f->sample[i].at_ms);
        for (end = i + 1; end < f->count && f->sample[end].track == f->sample[i].track && history_day_of(f->sample[end].at_ms) == day;)
            end++;
        for (int r = 0; rc == 0 && r < HISTORY_RESOLUTION_COUNT; r++)
            if (day > today - history_kept_days((enum history_resolution)r) && day <= today + HISTORY_KEPT_AHEAD_DAYS)
                rc = fold_day(f, &f->sample[i], end - i, (enum history_resolution)r, err);
    }
    return rc;
}

static int run(struct state *s, const char *sql, int64_t cluster, int64_t upto, int64_t next, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", cluster);
    db_bind_int(st, ":upto", upto);
    db_bind_int(st, ":next", next);
    rc = db_run(&s->db, st, err);
    db_done(st);
    return rc;
}

static int keep_place(struct fold *f, struct err *err)
{
    static const char go_on_sql[] = "INSERT INTO folds (cluster, upto, next) VALUES (:cluster, :upto, :next)"
                                    " ON CONFLICT DO UPDATE SET upto = excluded.upto, next = excluded.next";
    static const char rows_sql[] = "DELETE FROM looks WHERE cluster = :cluster AND id <= :upto AND :next > 0";
    static const char done_sql[] = "DELETE FROM folds WHERE cluster = :cluster AND upto <= :upto AND :next > 0";
    if (f->end != INT64_MAX)
        return run(f->s, go_on_sql, f->cluster, f->upto, f->end, err);
    int rc = run(f->s, rows_sql, f->cluster, f->upto, f->end, err);
    return rc ? rc : run(f->s, done_sql, f->cluster, f->upto, f->end, err);
}

int history_fold_some(struct state *s, int64_t cluster, struct err *err)
{
    struct fold f = {.s = s, .cluster = cluster};
    bool due = false;
    int rc = find_fold(&f, &due, err);
    if (rc || !due)
        return rc;
    rc = db_begin(&s->db, false, err);
    if (rc)
        return rc;
    rc = read_rows(&f, err);
    if (rc == 0)
        rc = fold_samples(&f, err);
    if (rc == 0)
        rc = keep_place(&f, err);
    free(f.sample);
    rc = db_end(&s->db, rc, err);
    if (rc)
        err_wrap(err, "history");
    return rc;
}

// ---- what is too old ------------------------------------------------------------------------------------------------------

static int prune_track(struct state *s, int64_t track, enum history_resolution r, int64_t from, int64_t to, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, "DELETE FROM history WHERE key >= :from AND key < :to", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":from", history_key(track, r, from));
    db_bind_int(st, ":to", history_key(track, r, to));
    rc = db_run(&s->db, st, err);
    db_done(st);
    return rc;
}

// A track without any day, of a service or pool that is long gone, goes with its name. A young one may stand in rows only.
static int forget_track(struct state *s, int64_t track, int64_t now_ms, struct err *err)
{
    static const char sql[] = "DELETE FROM tracks WHERE id = :track AND made_ms < :before"
                              " AND NOT EXISTS (SELECT 1 FROM history WHERE key >= :from AND key < :to)";
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":track", track);
    db_bind_int(st, ":before", now_ms - TRACK_KEPT_DAYS * HISTORY_DAY_MS);
    db_bind_int(st, ":from", history_key(track, (enum history_resolution)0, 0));
    db_bind_int(st, ":to", history_key(track + 1, (enum history_resolution)0, 0));
    rc = db_run(&s->db, st, err);
    if (rc == 0 && sqlite3_changes(s->db.h) > 0)
        tracks_forget(s);
    db_done(st);
    return rc;
}

// Rows of a cluster that is watched no more are never folded.
static int prune_rows(struct state *s, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, "DELETE FROM looks WHERE at_ms < :before", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":before", now_ms - history_kept_days(HISTORY_HOUR) * HISTORY_DAY_MS);
    rc = db_run(&s->db, st, err);
    db_done(st);
    return rc;
}

static int next_track(struct state *s, int64_t after, int64_t *ret, bool *ret_found, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, "SELECT id FROM tracks WHERE id > :after ORDER BY id LIMIT 1", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":after", after);
    rc = db_step(&s->db, st, ret_found, err);
    if (rc == 0 && *ret_found)
        *ret = db_int(st, "id");
    db_done(st);
    return rc;
}

int history_prune(struct state *s, int64_t now_ms, int64_t all_older_ms, bool *more, struct err *err)
{
    int64_t today = history_day_of(now_ms), all_older = history_day_of(all_older_ms);
    bool found = true;
    int rc = 0;
    for (int i = 0; rc == 0 && found && i < PRUNE_TRACKS; i++) {
        int64_t track = 0;
        rc = next_track(s, s->pruned_track, &track, &found, err);
        for (int r = 0; rc == 0 && found && r < HISTORY_RESOLUTION_COUNT; r++) {
            int64_t oldest = today - history_kept_days((enum history_resolution)r) + 1;
            oldest = oldest > all_older ? oldest : all_older;
            rc = prune_track(s, track, (enum history_resolution)r, 0, oldest > 0 ? oldest : 0, err);
            if (rc == 0)
                rc = prune_track(s, track, (enum history_resolution)r, today + HISTORY_KEPT_AHEAD_DAYS + 1, (1 << 18) - 1, err);
        }
        if (rc == 0 && found)
            rc = forget_track(s, track, now_ms, err);
        s->pruned_track = found ? track : 0;
    }
    if (rc == 0 && !found)
        rc = prune_rows(s, now_ms, err);
    *more |= found && all_older_ms > 0;
    return rc;
}
