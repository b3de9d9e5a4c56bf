#include "state/history_read.h"

#include "state/history_internal.h"

// ---- the window -----------------------------------------------------------------------------------------------------------

static int64_t round_up(int64_t v, int64_t unit)
{
    return (v + unit - 1) / unit * unit;
}

// As the fold and the pruning see it: whole days.
static bool is_kept(int64_t from_ms, enum history_resolution r, int64_t now_ms)
{
    return history_day_of(from_ms) > history_day_of(now_ms) - history_kept_days(r);
}

struct history_window history_window_of(int64_t from_ms, int64_t to_ms, int64_t step_ms, size_t points_max, int64_t now_ms)
{
    int64_t least = (to_ms - from_ms) / ((int64_t)points_max - 1) + 1, step = step_ms > least ? step_ms : least;
    enum history_resolution finest = HISTORY_MINUTE;
    while (finest < HISTORY_HOUR && !is_kept(from_ms, finest, now_ms))
        finest++;
    step = round_up(step, history_resolution_ms(finest));
    struct history_window w = {.step_ms = step, .from_ms = from_ms / step * step, .resolution = finest};
    for (int r = finest + 1; r < HISTORY_RESOLUTION_COUNT; r++)  // the fewest bytes that give the same
        if (step % history_resolution_ms((enum history_resolution)r) == 0)
            w.resolution = (enum history_resolution)r;
    w.count = (size_t)((to_ms - w.from_ms + step - 1) / step);
    return w;
}

// ---- packed days ----------------------------------------------------------------------------------------------------------

static int64_t window_end(const struct history_window *w)
{
    return w->from_ms + w->step_ms * (int64_t)w->count;
}

static void pool_day(const struct history_window *w, struct history_track *t, const struct history_day *day, int64_t day_ms, bool whole)
{
    int64_t unit_ms = history_resolution_ms(day->resolution);
    for (int i = 0; i < history_day_slots(day->resolution); i++) {
        const struct history_bucket *b = &day->bucket[i];
        int64_t at_ms = day_ms + i * unit_ms;
        if (b->count == 0 || at_ms < w->from_ms || at_ms >= window_end(w))
            continue;
        history_bucket_pool(&t->bucket[(at_ms - w->from_ms) / w->step_ms], b);
        if (t->sketch && !whole)
            sketch_add(t->sketch, b->sum / b->count, (uint32_t)b->count);
    }
}

// The samples of a whole day are in its sketch; at the ends of the window, the means of its buckets stand for them.
static int add_sketch(struct db *d, struct history_track *t, const struct history_day *day, int64_t at_day, struct history_day *scratch, struct err *err)
{
    int rc = 0;
    if (day->resolution != HISTORY_HOUR)
        rc = history_get(d, t->id, HISTORY_HOUR, at_day, scratch, NULL, err);
    if (rc == 0)
        sketch_merge(t->sketch, day->resolution == HISTORY_HOUR ? &day->sketch : &scratch->sketch);
    return rc == ERR_CORRUPT ? 0 : rc;
}

static int read_days(struct db *d, const struct history_window *w, struct history_track *t, struct history_day scratch[2], struct err *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    int rc = db_prepare(d, "SELECT key, body FROM history WHERE key >= :from AND key <= :to ORDER BY key", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":from", history_key(t->id, w->resolution, history_day_of(w->from_ms)));
    db_bind_int(st, ":to", history_key(t->id, w->resolution, history_day_of(window_end(w) - 1)));
    while (rc == 0 && (rc = db_step(d, st, &row, err)) == 0 && row) {
        int64_t at_day = db_int(st, "key") & ((1 << 18) - 1), day_ms = at_day * HISTORY_DAY_MS;
        bool whole = day_ms >= w->from_ms && day_ms + HISTORY_DAY_MS <= window_end(w);
        if (history_day_read(db_blob(st, "body"), w->resolution, &scratch[0], NULL) != 0)
            continue;
        pool_day(w, t, &scratch[0], day_ms, whole);
        if (whole && t->sketch)
            rc = add_sketch(d, t, &scratch[0], at_day, &scratch[1], err);
    }
    db_done(st);
    return rc;
}

// ---- rows -----------------------------------------------------------------------------------------------------------------

struct row_reader {
    const struct history_window *w;
    struct history_track *tracks;
    size_t count, next;     // the next track that may come
    int64_t at_ms;
    int64_t packed_below;   // tracks below it have this row in their days already
};

static void take_sample(void *arg, const struct look_sample *x)
{
    struct row_reader *r = arg;
    while (r->next < r->count && r->tracks[r->next].id < x->track)
        r->next++;
    if (r->next == r->count || r->tracks[r->next].id != x->track || x->track < r->packed_below)
        return;
    struct history_track *t = &r->tracks[r->next];
    history_bucket_pool(&t->bucket[(r->at_ms - r->w->from_ms) / r->w->step_ms], &(struct history_bucket){1, x->value, x->value, x->value});
    if (t->sketch)
        sketch_add(t->sketch, x->value, 1);
}

static int read_rows(struct db *d, int64_t cluster, struct row_reader *r, struct err *err)
{
    static const char sql[] = "SELECT l.at_ms, l.body, coalesce(f.next, 0) AS packed_below FROM looks AS l"
                              " LEFT JOIN folds AS f ON f.cluster = l.cluster AND l.id <= f.upto"
                              " WHERE l.cluster = :cluster AND l.at_ms >= :from AND l.at_ms < :to ORDER BY l.id";
    sqlite3_stmt *st = NULL;
    bool row = false;
    int rc = db_prepare(d, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", cluster);
    db_bind_int(st, ":from", r->w->from_ms);
    db_bind_int(st, ":to", window_end(r->w));
    while (rc == 0 && (rc = db_step(d, st, &row, err)) == 0 && row) {
        r->at_ms = db_int(st, "at_ms");
        r->packed_below = db_int(st, "packed_below");
        r->next = 0;
        look_read(db_blob(st, "body"), take_sample, r, NULL);
    }
    db_done(st);
    return rc;
}

int history_read(struct db *d, int64_t cluster, const struct history_window *w, struct history_track *tracks, size_t count, struct err *err)
{
    if (w->count == 0 || count == 0)
        return 0;
    struct history_day *scratch = calloc(2, sizeof *scratch);
    int rc = 0;
    assert(scratch);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = read_days(d, w, &tracks[i], scratch, err);
    free(scratch);
    struct row_reader r = {.w = w, .tracks = tracks, .count = count};
    return rc ? rc : read_rows(d, cluster, &r, err);
}
