#include "state/internal.h"

#define MINUTE_MS 60000

// The number of a series is in the database: append only.
static const struct {
    const char *name;
    enum series_bucket bucket;
} series_table[SERIES_COUNT] = {
    [SERIES_CAPACITY_CPU_UNITS] = {"capacity_cpu_units", BUCKET_MIN},
    [SERIES_CAPACITY_MEMORY_MIB] = {"capacity_memory_mib", BUCKET_MIN},
    [SERIES_RESERVED_CPU_UNITS] = {"reserved_cpu_units", BUCKET_MAX},
    [SERIES_RESERVED_MEMORY_MIB] = {"reserved_memory_mib", BUCKET_MAX},
    [SERIES_NEED_CPU_UNITS] = {"need_cpu_units", BUCKET_MAX},
    [SERIES_NEED_MEMORY_MIB] = {"need_memory_mib", BUCKET_MAX},
    [SERIES_INSTANCES] = {"instances", BUCKET_MAX},
    [SERIES_DRAINING] = {"draining", BUCKET_MAX},
    [SERIES_COMING] = {"coming", BUCKET_MAX},
    [SERIES_WAITING_TASKS] = {"waiting_tasks", BUCKET_MAX},
    [SERIES_COST_USD_MICRO_PER_HOUR] = {"cost_usd_micro_per_hour", BUCKET_AVG},
};

const char *series_name(enum series s)
{
    return series_table[s].name;
}

enum series_bucket series_bucket(enum series s)
{
    return series_table[s].bucket;
}

void state_samples_from_plan(const struct plan_summary *p, struct state_sample ret[SERIES_COUNT])
{
    const int64_t values[SERIES_COUNT] = {
        [SERIES_CAPACITY_CPU_UNITS] = p->capacity.v[RES_CPU],
        [SERIES_CAPACITY_MEMORY_MIB] = p->capacity.v[RES_MEMORY],
        [SERIES_RESERVED_CPU_UNITS] = p->reserved.v[RES_CPU],
        [SERIES_RESERVED_MEMORY_MIB] = p->reserved.v[RES_MEMORY],
        [SERIES_NEED_CPU_UNITS] = p->need.v[RES_CPU],
        [SERIES_NEED_MEMORY_MIB] = p->need.v[RES_MEMORY],
        [SERIES_INSTANCES] = p->instances,
        [SERIES_DRAINING] = p->draining,
        [SERIES_COMING] = p->coming,
        [SERIES_WAITING_TASKS] = p->waiting_tasks,
        [SERIES_COST_USD_MICRO_PER_HOUR] = p->hourly.micro,
    };
    for (int i = 0; i < SERIES_COUNT; i++)
        ret[i] = (struct state_sample){(enum series)i, values[i]};
}

int state_write_samples(struct state *s, int64_t cluster, int64_t at_ms, const struct state_sample *v, size_t count, struct err *err)
{
    static const char sql[] =
        "INSERT INTO samples (cluster, series, minute, count, sum, min, max, last)"
        " VALUES (:cluster, :series, :minute, 1, :value, :value, :value, :value)"
        " ON CONFLICT DO UPDATE SET count = count + 1, sum = sum + excluded.sum, min = min(min, excluded.min),"
        " max = max(max, excluded.max), last = excluded.last";
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, sql, &st, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        assert(v[i].series < SERIES_COUNT);
        db_bind_int(st, ":cluster", cluster);
        db_bind_int(st, ":series", v[i].series);
        db_bind_int(st, ":minute", at_ms / MINUTE_MS);
        db_bind_int(st, ":value", v[i].value);
        rc = db_run(&s->db, st, err);
    }
    db_done(st);
    return rc;
}

int state_samples_add(struct state *s, int64_t cluster, int64_t at_ms, const struct state_sample *v, size_t count, struct err *err)
{
    int rc = db_begin(&s->db, false, err);
    if (rc)
        return rc;
    rc = state_write_samples(s, cluster, at_ms, v, count, err);
    return db_end(&s->db, rc, err);
}

int state_samples_highest_hour(struct state *s, int64_t cluster, enum series series, int64_t from_ms, int64_t to_ms, int64_t *ret, struct err *err)
{
    enum { HOUR_MINUTES = 60, DAY_HOURS = 24 };
    static const char sql[] =
        "SELECT max(mean), max(hour) - min(hour) + 1 FROM (SELECT minute / 60 AS hour, sum(sum) / sum(count) AS mean FROM samples"
        " WHERE cluster = :cluster AND series = :series AND minute >= :from AND minute < :to GROUP BY hour)";
    sqlite3_stmt *st = NULL;
    bool row = false;
    int rc = db_prepare(&s->db, sql, &st, err);
    if (rc == 0) {
        db_bind_int(st, ":cluster", cluster);
        db_bind_int(st, ":series", series);
        db_bind_int(st, ":from", from_ms / MINUTE_MS / HOUR_MINUTES * HOUR_MINUTES);
        db_bind_int(st, ":to", to_ms / MINUTE_MS / HOUR_MINUTES * HOUR_MINUTES);
        rc = db_step(&s->db, st, &row, err);
    }
    if (rc == 0)
        *ret = row && sqlite3_column_int64(st, 1) >= DAY_HOURS ? sqlite3_column_int64(st, 0) : 0;
    db_done(st);
    return rc;
}
