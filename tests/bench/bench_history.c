// What 13 months of history take, and how long a chart waits for it: 40 clusters, 500 services, 480 pools, a look each 30 seconds.
//
// Samples are made for a few series of each kind (a working day with unrest, followed each two minutes, capacity in whole instances, prices, boots now and then, usage that
// never rests), packed as the daemon packs them, and written for every track in the order of the days, as they would come: only what
// is still kept of each.
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "state/history_internal.h"

enum { CLUSTERS = 40, SERVICES = 500, POOLS = 480, VARIANTS = 4, DAYS = 396, SAMPLES = 2880 };
#define NOW_MS INT64_C(1768485874000)

enum form { SHAPE_DEMAND, SHAPE_TASKS, SHAPE_MEMBERS, SHAPE_STEPS, SHAPE_MOSTLY_ZERO, SHAPE_PRICE, SHAPE_BOOTS, SHAPE_USAGE, SHAPE_FORECAST, SHAPE_COUNT };

// ---- samples --------------------------------------------------------------------------------------------------------------

struct maker {
    struct rng rng;
    double unrest, phase, scale;
    int64_t price, held, tasks;
};

static double working_day(const struct maker *x, int64_t at_s)
{
    double hour = (double)(at_s % 86400) / 3600 + x->phase, weekend = at_s / 86400 % 7 >= 5 ? 0.6 : 1;
    return x->scale * weekend * (1 + 0.5 * sin(hour / 24 * 2 * M_PI) + 0.15 * sin(hour / 6 * 2 * M_PI)) * (1 + 0.1 * x->unrest);
}

// -1: no sample.
static int64_t sample(struct maker *x, enum form shape, int64_t at_s)
{
    x->unrest += 0.05 * (rng_normal(&x->rng) - x->unrest);
    double v = working_day(x, at_s);
    if (at_s % 120 == 0)  // as who scales services looks each two minutes
        x->tasks = (int64_t)v;
    switch (shape) {
    case SHAPE_DEMAND:  // of tasks of 256 units
        return 256 * x->tasks;
    case SHAPE_TASKS:
        return x->tasks;
    case SHAPE_MEMBERS: // a pool's part of the instances
        if (rng_below(&x->rng, 40) == 0)
            x->held = (int64_t)v / 40;
        return x->held;
    case SHAPE_STEPS:   // whole instances, kept for a while
        if (rng_below(&x->rng, 20) == 0)
            x->held = 8192 * (1 + (int64_t)v / 24);
        return x->held;
    case SHAPE_MOSTLY_ZERO:
        return rng_below(&x->rng, 60) == 0 ? (int64_t)rng_below(&x->rng, 5) : 0;
    case SHAPE_PRICE:
        if (rng_below(&x->rng, 720) == 0)
            x->price += rng_between(&x->rng, -900, 900);
        return x->price;
    case SHAPE_BOOTS:
        return rng_below(&x->rng, 240) == 0 ? rng_between(&x->rng, 60000, 180000) : -1;
    case SHAPE_USAGE:
        return (int64_t)(256 * v * (0.5 + 0.05 * rng_normal(&x->rng)));
    case SHAPE_FORECAST:
        return at_s % 300 == 0 ? (int64_t)(256 * v) : -1;
    case SHAPE_COUNT:
        break;
    }
    return -1;
}

// ---- packed days ----------------------------------------------------------------------------------------------------------

struct archive {
    struct slice body[SHAPE_COUNT][VARIANTS][HISTORY_RESOLUTION_COUNT][DAYS];  // empty: not kept
};

static void pack_variant(struct archive *a, struct arena *memory, int shape, int variant)
{
    static struct history_day day[HISTORY_RESOLUTION_COUNT];
    struct maker x = {.phase = variant * 1.3, .scale = 30 + 90 * variant, .price = 80000 + 9000 * variant, .held = 8192};
    rng_init(&x.rng, (uint64_t)(shape * VARIANTS + variant));
    for (int d = 0; d < DAYS; d++) {
        int64_t day_ms = (history_day_of(NOW_MS) - DAYS + 1 + d) * HISTORY_DAY_MS;
        for (int r = 0; r < HISTORY_RESOLUTION_COUNT; r++)
            history_day_clear(&day[r], (enum history_resolution)r);
        for (int i = 0; i < SAMPLES; i++) {
            int64_t v = sample(&x, (enum form)shape, day_ms / 1000 + i * 30);
            for (int r = 0; v >= 0 && r < HISTORY_RESOLUTION_COUNT; r++)
                history_bucket_add(&day[r].bucket[i * INT64_C(30000) / history_resolution_ms((enum history_resolution)r)], v);
            if (v >= 0)
                sketch_add(&day[HISTORY_HOUR].sketch, v, 1);
        }
        for (int r = 0; r < HISTORY_RESOLUTION_COUNT; r++) {
            struct buf out;
            if (d < DAYS - history_kept_days((enum history_resolution)r))
                continue;
            buf_init(&out, HISTORY_DAY_BYTES_MAX);
            history_day_write(&day[r], &out);
            a->body[shape][variant][r][d] = (struct slice){arena_strndup(memory, out.data, out.len), out.len};
            buf_release(&out);
        }
    }
}

// ---- tracks ---------------------------------------------------------------------------------------------------------------

struct track_plan {
    int64_t id;
    int shape, variant;
};
struct plans {
    struct track_plan *v;
    size_t count, cap;
};

static void must(int rc, const struct err *err)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench_history: %s\n", err->msg);
    exit(1);
}

static void plan_track(struct plans *p, struct arena *a, struct state *s, int64_t cluster, enum series series, const char *subject, enum form shape)
{
    struct err err = {0};
    p->v = arena_grow(a, p->v, p->count, &p->cap, sizeof *p->v);
    struct track_plan *t = &p->v[p->count++];
    *t = (struct track_plan){.shape = shape, .variant = (int)(p->count % VARIANTS)};
    must(track_id(s, cluster, series, subject, &t->id, &err), &err);
}

static enum form shape_of(enum series s)
{
    const char *name = series_name(s);
    if (series_kind(s) == HISTORY_FORECAST)
        return SHAPE_FORECAST;
    if (strstr(name, "boot"))
        return SHAPE_BOOTS;
    if (strstr(name, "usd"))
        return SHAPE_PRICE;
    if (strstr(name, "capacity") || strstr(name, "largest"))
        return SHAPE_STEPS;
    if (strstr(name, "used_"))
        return SHAPE_USAGE;
    if (strstr(name, "cpu") || strstr(name, "memory"))
        return SHAPE_DEMAND;
    if (series_kind(s) == HISTORY_POOL)
        return SHAPE_MEMBERS;
    return strstr(name, "waiting") || strstr(name, "pending") || strstr(name, "draining") || strstr(name, "coming") ? SHAPE_MOSTLY_ZERO : SHAPE_TASKS;
}

static void plan_kind(struct plans *p, struct arena *a, struct state *s, int64_t cluster, enum history_kind kind, const char *subject)
{
    for (int i = 0; i < SERIES_COUNT; i++)
        if (series_kind((enum series)i) == kind)
            plan_track(p, a, s, cluster, (enum series)i, subject, shape_of((enum series)i));
}

static void plan_all(struct plans *p, struct arena *a, struct state *s)
{
    static const char *const leads[] = {"5m", "15m", "1h", "6h", "24h"};
    struct err err = {0};
    must(db_begin(&s->db, false, &err), &err);
    for (int c = 1; c <= CLUSTERS; c++) {
        plan_kind(p, a, s, c, HISTORY_CLUSTER, "");
        for (size_t i = 0; i < ARRAY_LEN(leads); i++)
            plan_kind(p, a, s, c, HISTORY_FORECAST, leads[i]);
        for (int k = c - 1; k < SERVICES; k += CLUSTERS)
            plan_kind(p, a, s, c, HISTORY_SERVICE, arena_printf(a, "service-%d", k));
        for (int k = c - 1; k < POOLS; k += CLUSTERS)
            plan_kind(p, a, s, c, HISTORY_POOL, arena_printf(a, "sfr-%d m5.xlarge zone-%d", c, k));
    }
    must(db_end(&s->db, 0, &err), &err);
}

static void put_body(struct state *s, int64_t key, struct slice body)
{
    struct err err = {0};
    sqlite3_stmt *st = NULL;
    must(db_prepare(&s->db, "INSERT INTO history (key, body) VALUES (:key, :body)", &st, &err), &err);
    db_bind_int(st, ":key", key);
    db_bind_blob(st, ":body", body);
    must(db_run(&s->db, st, &err), &err);
    db_done(st);
}

static void write_all(const struct archive *a, const struct plans *p, struct state *s)
{
    struct err err = {0};
    must(db_exec(&s->db, "PRAGMA cache_size=-400000", &err), &err);
    for (int d = 0; d < DAYS; d++) {
        must(db_begin(&s->db, false, &err), &err);
        for (size_t i = 0; i < p->count; i++)
            for (int r = 0; r < HISTORY_RESOLUTION_COUNT; r++) {
                struct slice body = a->body[p->v[i].shape][p->v[i].variant][r][d];
                if (body.len > 0)
                    put_body(s, history_key(p->v[i].id, (enum history_resolution)r, history_day_of(NOW_MS) - DAYS + 1 + d), body);
            }
        must(db_end(&s->db, 0, &err), &err);
    }
}

// The newest two hours of a cluster stand in rows, as they do just before they are folded.
static void write_rows(struct state *s, int64_t cluster, int64_t tracks)
{
    struct err err = {0};
    struct look_sample *v = calloc((size_t)tracks, sizeof *v);
    must(db_begin(&s->db, false, &err), &err);
    for (int i = 0; i < 239; i++) {
        struct buf body;
        sqlite3_stmt *st = NULL;
        for (int64_t k = 0; k < tracks; k++)
            v[k] = (struct look_sample){k + 1, 256 * (100 + i % 7)};
        buf_init(&body, 1 << 20);
        look_write(v, (size_t)tracks, &body);
        must(db_prepare(&s->db, "INSERT INTO looks (cluster, at_ms, body) VALUES (:cluster, :at_ms, :body)", &st, &err), &err);
        db_bind_int(st, ":cluster", cluster);
        db_bind_int(st, ":at_ms", NOW_MS - (240 - i) * INT64_C(30000));
        db_bind_blob(st, ":body", buf_slice(&body));
        must(db_run(&s->db, st, &err), &err);
        db_done(st);
        buf_release(&body);
    }
    must(db_end(&s->db, 0, &err), &err);
    free(v);
}

// ---- questions ------------------------------------------------------------------------------------------------------------

static double chart_ms(const char *path, const struct state_series_query *q)
{
    struct arena a;
    struct clock real;
    struct err err = {0};
    struct state_reader *r;
    struct state_series s;
    clock_init_real(&real);
    arena_init(&a, 0);
    must(state_reader_open(path, &r, &err), &err);
    int64_t begun_ms = clock_mono_ms(&real);
    must(state_query_series(r, q, &a, &s, &err), &err);
    int64_t ms = clock_mono_ms(&real) - begun_ms;
    state_reader_free(r);
    arena_release(&a);
    return (double)ms;
}

// Milliseconds of the slowest chart, each by a reader that has read nothing yet; the best of some times, for others use the machine too.
static double slowest_chart(const char *path)
{
    static const struct {
        int64_t days, step_ms;
    } windows[] = {{1, 60000}, {3, 300000}, {7, 600000}, {35, 3600000}, {90, 7200000}, {395, 86400000}, {395, 3600000}};
    static const struct {
        enum history_kind kind;
        const char *subject;
    } whats[] = {{HISTORY_CLUSTER, ""}, {HISTORY_SERVICE, "service-0"}, {HISTORY_FORECAST, "1h"}};
    double slowest = 0;
    for (size_t i = 0; i < ARRAY_LEN(windows); i++)
        for (size_t k = 0; k < ARRAY_LEN(whats); k++) {
            const struct state_series_query q = {.cluster = 1, .kind = whats[k].kind, .subject = whats[k].subject, .to_ms = NOW_MS, .now_ms = NOW_MS,
                                                 .from_ms = NOW_MS - windows[i].days * HISTORY_DAY_MS, .step_ms = windows[i].step_ms, .spread = true};
            double best = chart_ms(path, &q);
            for (int again = 0; again < 6; again++)
                best = fmin(best, chart_ms(path, &q));
            slowest = fmax(slowest, best);
        }
    return slowest;
}

int main(void)
{
    static struct archive archive;
    struct clock clock;
    struct arena memory;
    struct plans plans = {.v = NULL};
    struct state *s = NULL;
    struct stat st;
    struct err err = {0};
    char path[600];
    clock_init_virtual(&clock, NOW_MS);
    arena_init(&memory, 0);
    for (int shape = 0; shape < SHAPE_COUNT; shape++)
        for (int variant = 0; variant < VARIANTS; variant++)
            pack_variant(&archive, &memory, shape, variant);
    must(state_open(&(struct state_options){.path = ":temp:", .clock = &clock, .no_sync = true}, &s, NULL, &err), &err);
    for (int c = 0; c < CLUSTERS; c++) {
        int64_t id;
        must(state_cluster(s, "123456789012", "eu-west-1", arena_printf(&memory, "cluster-%d", c), &id, &err), &err);
    }
    plan_all(&plans, &memory, s);
    write_all(&archive, &plans, s);
    write_rows(s, 1, (int64_t)plans.count / CLUSTERS);
    must(db_exec(&s->db, "PRAGMA wal_checkpoint(TRUNCATE)", &err), &err);
    snprintf(path, sizeof path, "%s", state_path(s));
    if (stat(path, &st) != 0)
        return 1;
    printf("{\"size_mib\": %.1f, \"tracks\": %zu, \"query_ms\": %.1f}\n", (double)st.st_size / 1048576, plans.count, slowest_chart(path));
    state_close(s);
    arena_release(&memory);
    return 0;
}
