#include "state/history_internal.h"

struct fill {
    struct state *s;
    int64_t track, step_ms;
    const struct history_point *point;
    size_t count;
};

static int by_time(const void *x, const void *y)
{
    const struct history_point *a = x, *b = y;
    return (a->at_ms > b->at_ms) - (a->at_ms < b->at_ms);
}

// What is known of a day stays; `fresh` marks buckets that this fill may write. A point that stands for longer than a bucket fills all of
// its time, so that a coarse source leaves no holes in finer buckets.
static int fill_day(struct fill *f, size_t first, size_t end, enum history_resolution r, struct err *err)
{
    struct history_day *day = &f->s->scratch_day;
    int64_t at_day = history_day_of(f->point[first].at_ms), unit_ms = history_resolution_ms(r);
    bool fresh[HISTORY_SLOTS_MAX], any = false;
    int rc = history_get(&f->s->db, f->track, r, at_day, day, NULL, err);
    if (rc == ERR_CORRUPT) {
        history_day_clear(day, r);
        rc = 0;
    }
    if (rc)
        return rc;
    for (int i = 0; i < history_day_slots(r); i++)
        fresh[i] = day->bucket[i].count == 0;
    for (size_t k = first; k < end; k++) {
        int64_t begin = f->point[k].at_ms - at_day * HISTORY_DAY_MS, last = begin + f->step_ms - 1;
        for (int64_t i = begin / unit_ms; i <= last / unit_ms && i < history_day_slots(r); i++) {
            if (!fresh[i])
                continue;
            history_bucket_add(&day->bucket[i], f->point[k].value);
            if (r == HISTORY_HOUR)
                sketch_add(&day->sketch, f->point[k].value, 1);
            any = true;
        }
    }
    return any ? history_put(&f->s->db, f->track, at_day, day, err) : 0;
}

static int fill_days(struct fill *f, struct err *err)
{
    int64_t today = history_day_of(clock_wall_ms(f->s->clock));
    int rc = 0;
    for (size_t i = 0, end; rc == 0 && i < f->count; i = end) {
        int64_t day = history_day_of(f->point[i].at_ms);
        for (end = i + 1; end < f->count && history_day_of(f->point[end].at_ms) == day;)
            end++;
        for (int r = 0; rc == 0 && r < HISTORY_RESOLUTION_COUNT; r++)
            if (day > today - history_kept_days((enum history_resolution)r) && day <= today + HISTORY_KEPT_AHEAD_DAYS)
                rc = fill_day(f, i, end, (enum history_resolution)r, err);
    }
    return rc;
}

int state_history_fill(struct state *s, int64_t cluster, enum series series, const char *subject, int64_t step_ms, const struct history_point *v,
                       size_t count, struct err *err)
{
    struct history_point *sorted = calloc(count + 1, sizeof *sorted);
    struct fill f = {.s = s, .step_ms = step_ms, .point = sorted};
    assert(sorted);
    assert(step_ms > 0);
    for (size_t i = 0; i < count; i++)
        if (v[i].value >= 0 && v[i].value <= HISTORY_VALUE_MAX && v[i].at_ms >= 0 && v[i].at_ms < HISTORY_AT_MS_MAX)
            sorted[f.count++] = v[i];
    qsort(sorted, f.count, sizeof *sorted, by_time);
    int rc = db_begin(&s->db, false, err);
    if (rc == 0) {
        rc = track_id(s, cluster, series, subject ? subject : "", &f.track, err);
        if (rc == 0)
            rc = fill_days(&f, err);
        rc = db_end(&s->db, rc, err);
        if (rc)
            tracks_forget(s);
    }
    free(sorted);
    return rc;
}
