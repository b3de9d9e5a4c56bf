#include "state/history.h"

#include "state/history_internal.h"
#include "state/varint.h"

enum { LOOK_BYTES_MAX = 16 << 20 };

// The number of a series is in the database: append only.
static const struct {
    const char *name;
    enum history_kind kind;
    enum series_bucket bucket;
} series_table[SERIES_COUNT] = {
    [SERIES_CAPACITY_CPU_UNITS] = {"capacity_cpu_units", HISTORY_CLUSTER, BUCKET_MIN},
    [SERIES_CAPACITY_MEMORY_MIB] = {"capacity_memory_mib", HISTORY_CLUSTER, BUCKET_MIN},
    [SERIES_RESERVED_CPU_UNITS] = {"reserved_cpu_units", HISTORY_CLUSTER, BUCKET_MAX},
    [SERIES_RESERVED_MEMORY_MIB] = {"reserved_memory_mib", HISTORY_CLUSTER, BUCKET_MAX},
    [SERIES_NEED_CPU_UNITS] = {"need_cpu_units", HISTORY_CLUSTER, BUCKET_MAX},
    [SERIES_NEED_MEMORY_MIB] = {"need_memory_mib", HISTORY_CLUSTER, BUCKET_MAX},
    [SERIES_INSTANCES] = {"instances", HISTORY_CLUSTER, BUCKET_MAX},
    [SERIES_DRAINING] = {"draining", HISTORY_CLUSTER, BUCKET_MAX},
    [SERIES_COMING] = {"coming", HISTORY_CLUSTER, BUCKET_MAX},
    [SERIES_WAITING_TASKS] = {"waiting_tasks", HISTORY_CLUSTER, BUCKET_MAX},
    [SERIES_COST_USD_MICRO_PER_HOUR] = {"cost_usd_micro_per_hour", HISTORY_CLUSTER, BUCKET_AVG},
    [SERIES_DESIRED_TASKS] = {"desired_tasks", HISTORY_CLUSTER, BUCKET_MAX},
    [SERIES_RUNNING_TASKS] = {"running_tasks", HISTORY_CLUSTER, BUCKET_MAX},
    [SERIES_BOOT_MS] = {"boot_ms", HISTORY_CLUSTER, BUCKET_MAX},
    [SERIES_SERVICE_DESIRED] = {"desired", HISTORY_SERVICE, BUCKET_MAX},
    [SERIES_SERVICE_RUNNING] = {"running", HISTORY_SERVICE, BUCKET_MAX},
    [SERIES_SERVICE_PENDING] = {"pending", HISTORY_SERVICE, BUCKET_MAX},
    [SERIES_SERVICE_WAITING] = {"waiting", HISTORY_SERVICE, BUCKET_MAX},
    [SERIES_SERVICE_NEED_CPU_UNITS] = {"need_cpu_units", HISTORY_SERVICE, BUCKET_MAX},
    [SERIES_SERVICE_NEED_MEMORY_MIB] = {"need_memory_mib", HISTORY_SERVICE, BUCKET_MAX},
    [SERIES_SERVICE_RESERVED_CPU_UNITS] = {"reserved_cpu_units", HISTORY_SERVICE, BUCKET_MAX},
    [SERIES_SERVICE_RESERVED_MEMORY_MIB] = {"reserved_memory_mib", HISTORY_SERVICE, BUCKET_MAX},
    [SERIES_POOL_SPOT_INSTANCES] = {"spot_instances", HISTORY_POOL, BUCKET_MAX},
    [SERIES_POOL_ON_DEMAND_INSTANCES] = {"on_demand_instances", HISTORY_POOL, BUCKET_MAX},
    [SERIES_POOL_SPOT_USD_MICRO_PER_HOUR] = {"spot_usd_micro_per_hour", HISTORY_POOL, BUCKET_AVG},
    [SERIES_POOL_BOOT_MS] = {"boot_ms", HISTORY_POOL, BUCKET_MAX},
    [SERIES_FORECAST_NEED_CPU_UNITS_Q50] = {"need_cpu_units_q50", HISTORY_FORECAST, BUCKET_MAX},
    [SERIES_FORECAST_NEED_CPU_UNITS_Q90] = {"need_cpu_units_q90", HISTORY_FORECAST, BUCKET_MAX},
    [SERIES_FORECAST_NEED_MEMORY_MIB_Q50] = {"need_memory_mib_q50", HISTORY_FORECAST, BUCKET_MAX},
    [SERIES_FORECAST_NEED_MEMORY_MIB_Q90] = {"need_memory_mib_q90", HISTORY_FORECAST, BUCKET_MAX},
    [SERIES_USED_CPU_UNITS] = {"used_cpu_units", HISTORY_CLUSTER, BUCKET_MAX},
    [SERIES_USED_MEMORY_MIB] = {"used_memory_mib", HISTORY_CLUSTER, BUCKET_MAX},
    [SERIES_SERVICE_USED_CPU_UNITS] = {"used_cpu_units", HISTORY_SERVICE, BUCKET_MAX},
    [SERIES_SERVICE_USED_MEMORY_MIB] = {"used_memory_mib", HISTORY_SERVICE, BUCKET_MAX},
    [SERIES_SERVICE_LARGEST_MEMORY_MIB] = {"largest_memory_mib", HISTORY_SERVICE, BUCKET_MAX},
    [SERIES_INTERRUPTED] = {"interrupted", HISTORY_CLUSTER, BUCKET_MAX},
    [SERIES_LIMIT_USED] = {"used", HISTORY_LIMIT, BUCKET_MAX},
    [SERIES_OVERFLOW] = {"overflow", HISTORY_CLUSTER, BUCKET_MAX},
    [SERIES_SERVICE_REQUESTS_PER_MINUTE] = {"requests_per_minute", HISTORY_SERVICE, BUCKET_AVG},
};

static const char *const kind_names[HISTORY_KIND_COUNT] = {"cluster", "service", "pool", "forecast", "limit"};
static const int64_t kept_days[HISTORY_RESOLUTION_COUNT] = {4, 36, 396};

const char *history_kind_name(enum history_kind k)
{
    return kind_names[k];
}

const char *history_limit_fleet(struct arena *a, const struct fleet *f)
{
    return arena_printf(a, "fleet %s", fleet_name(f));
}

const char *history_limit_quota(struct arena *a, const struct quota *q)
{
    return arena_printf(a, "quota %s", quota_classes[q->class_].code);
}

const char *history_limit_subnet(struct arena *a, const struct subnet *x)
{
    return arena_printf(a, "subnet %s", x->id);
}

const char *series_name(enum series s)
{
    return series_table[s].name;
}

enum history_kind series_kind(enum series s)
{
    return series_table[s].kind;
}

enum series_bucket series_bucket(enum series s)
{
    return series_table[s].bucket;
}

int64_t history_kept_days(enum history_resolution r)
{
    return kept_days[r];
}

// ---- rows of looks --------------------------------------------------------------------------------------------------------

void look_write(const struct look_sample *v, size_t count, struct buf *out)
{
    int64_t before = 0;
    for (size_t i = 0; i < count; i++) {
        assert(v[i].track >= before);
        varint_add(out, (uint64_t)(v[i].track - before));
        varint_add(out, (uint64_t)v[i].value);
        before = v[i].track;
    }
}

int look_read(struct slice body, void (*each)(void *arg, const struct look_sample *x), void *arg, struct err *err)
{
    struct look_sample x = {0};
    while (body.len > 0) {
        uint64_t step = 0, value = 0;
        if (!varint_take(&body, &step) || !varint_take(&body, &value) || step > INT32_MAX || value > HISTORY_VALUE_MAX)
            return err_set(err, ERR_CORRUPT, "a row of samples is broken");
        x.track += (int64_t)step;
        x.value = (int64_t)value;
        each(arg, &x);
    }
    return 0;
}

static int by_track(const void *x, const void *y)
{
    const struct look_sample *a = x, *b = y;
    return (a->track > b->track) - (a->track < b->track);
}

static int write_row(struct state *s, int64_t cluster, int64_t at_ms, struct slice body, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, "INSERT INTO looks (cluster, at_ms, body) VALUES (:cluster, :at_ms, :body)", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", cluster);
    db_bind_int(st, ":at_ms", at_ms);
    db_bind_blob(st, ":body", body);
    rc = db_run(&s->db, st, err);
    db_done(st);
    return rc;
}

int history_write_look(struct state *s, int64_t cluster, int64_t at_ms, const struct state_sample *v, size_t count, struct err *err)
{
    struct look_sample *rows = count > 0 ? calloc(count, sizeof *rows) : NULL;
    size_t n = 0;
    int rc = 0;
    assert(rows || count == 0);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        assert(v[i].series < SERIES_COUNT);
        if (v[i].value < 0 || v[i].value > HISTORY_VALUE_MAX)
            continue;
        rows[n].value = v[i].value;
        rc = track_id(s, cluster, v[i].series, v[i].subject ? v[i].subject : "", &rows[n++].track, err);
    }
    if (rc == 0 && n > 0 && at_ms >= 0 && at_ms < HISTORY_AT_MS_MAX) {
        struct buf body;
        buf_init(&body, LOOK_BYTES_MAX);
        qsort(rows, n, sizeof *rows, by_track);
        look_write(rows, n, &body);
        rc = buf_failed(&body) ? err_set(err, ERR_LIMIT, "a look has too many samples") : write_row(s, cluster, at_ms, buf_slice(&body), err);
        buf_release(&body);
    }
    free(rows);
    return rc;
}

int state_samples_add(struct state *s, int64_t cluster, int64_t at_ms, const struct state_sample *v, size_t count, struct err *err)
{
    int rc = db_begin(&s->db, false, err);
    if (rc)
        return rc;
    rc = history_write_look(s, cluster, at_ms, v, count, err);
    rc = db_end(&s->db, rc, err);
    if (rc)
        tracks_forget(s);
    return rc ? rc : history_fold_some(s, cluster, err);
}

// ---- packed days ----------------------------------------------------------------------------------------------------------

int history_get(struct db *d, int64_t track, enum history_resolution r, int64_t day, struct history_day *ret, bool *ret_found, struct err *err)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    history_day_clear(ret, r);
    int rc = db_prepare(d, "SELECT body FROM history WHERE key = :key", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":key", history_key(track, r, day));
    rc = db_step(d, st, &row, err);
    if (rc == 0 && row)
        rc = history_day_read(db_blob(st, "body"), r, ret, err);
    db_done(st);
    if (ret_found)
        *ret_found = row;
    return rc;
}

int history_put(struct db *d, int64_t track, int64_t day, const struct history_day *v, struct err *err)
{
    static const char sql[] = "INSERT INTO history (key, body) VALUES (:key, :body) ON CONFLICT DO UPDATE SET body = excluded.body";
    _cleanup_(buf_release) struct buf body;
    sqlite3_stmt *st = NULL;
    buf_init(&body, HISTORY_DAY_BYTES_MAX);
    history_day_write(v, &body);
    assert(!buf_failed(&body));
    int rc = db_prepare(d, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":key", history_key(track, v->resolution, day));
    db_bind_blob(st, ":body", buf_slice(&body));
    rc = db_run(d, st, err);
    db_done(st);
    return rc;
}
