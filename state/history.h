// History: what each cluster, service and pool was like, for 13 months, in little room.
//
// A tick adds one short row of samples (`looks`); when a few hundred of a cluster are there they are folded, a slice at each later tick,
// into packed days (state/history_day.h) by the minute for 3 days, by five minutes for 35, by the hour for 395, the latter with a sketch for
// percentiles. Queries (state/query.h) see rows and days as one. A fold keeps its place in the same transaction as what it packed, so
// that an end between two slices loses and doubles nothing. Samples may come in any order: a clock that steps back adds to earlier
// buckets. What is not known is not sampled, and a bucket without a sample is unknown, never 0.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "planner/model/plan.h"
#include "planner/model/snapshot.h"

struct state;

enum history_kind {   // of what: the subject of each names it
    HISTORY_CLUSTER,  // ""
    HISTORY_SERVICE,  // the service's name
    HISTORY_POOL,     // "FLEET TYPE ZONE"
    HISTORY_FORECAST, // how far ahead it was made: "5m", "15m", "1h", "6h", "24h"; a sample stands at the time that was forecast
    HISTORY_LIMIT,    // history_limit_fleet, history_limit_quota, history_limit_subnet
    HISTORY_KIND_COUNT
};

enum series {
    SERIES_CAPACITY_CPU_UNITS,
    SERIES_CAPACITY_MEMORY_MIB,
    SERIES_RESERVED_CPU_UNITS,
    SERIES_RESERVED_MEMORY_MIB,
    SERIES_NEED_CPU_UNITS,
    SERIES_NEED_MEMORY_MIB,
    SERIES_INSTANCES,
    SERIES_DRAINING,
    SERIES_COMING,
    SERIES_WAITING_TASKS,
    SERIES_COST_USD_MICRO_PER_HOUR,
    SERIES_DESIRED_TASKS,
    SERIES_RUNNING_TASKS,
    SERIES_BOOT_MS,              // launch to registration, one sample an instance
    SERIES_SERVICE_DESIRED,
    SERIES_SERVICE_RUNNING,
    SERIES_SERVICE_PENDING,
    SERIES_SERVICE_WAITING,      // have no place
    SERIES_SERVICE_NEED_CPU_UNITS,  // desired times what a task reserves
    SERIES_SERVICE_NEED_MEMORY_MIB,
    SERIES_SERVICE_RESERVED_CPU_UNITS,
    SERIES_SERVICE_RESERVED_MEMORY_MIB,
    SERIES_POOL_SPOT_INSTANCES,
    SERIES_POOL_ON_DEMAND_INSTANCES,
    SERIES_POOL_SPOT_USD_MICRO_PER_HOUR,
    SERIES_POOL_BOOT_MS,
    SERIES_FORECAST_NEED_CPU_UNITS_Q50,
    SERIES_FORECAST_NEED_CPU_UNITS_Q90,
    SERIES_FORECAST_NEED_MEMORY_MIB_Q50,
    SERIES_FORECAST_NEED_MEMORY_MIB_Q90,
    SERIES_USED_CPU_UNITS,       // measured, of what was measured
    SERIES_USED_MEMORY_MIB,
    SERIES_SERVICE_USED_CPU_UNITS,
    SERIES_SERVICE_USED_MEMORY_MIB,
    SERIES_LIMIT_USED,           // of a fleet its target in its own units, of a quota vCPUs, of a subnet addresses
    SERIES_SERVICE_LARGEST_MEMORY_MIB,  // of one task: of that which used most; in coarse steps, rounded up
    SERIES_INTERRUPTED,          // instances that AWS is to take: a notice was told
    SERIES_OVERFLOW,             // 1 while circuit breakers between services are open, else 0; unknown where nobody asks
    SERIES_SERVICE_REQUESTS_PER_MINUTE,  // that load balancers sent to it
    SERIES_COUNT  // append-only: the number is in the database
};
enum series_bucket { BUCKET_MIN, BUCKET_MAX, BUCKET_AVG };  // what a bucket of many samples shows

const char *history_kind_name(enum history_kind k);  // "cluster", "service", "pool", "forecast", "limit"
const char *history_limit_fleet(struct arena *a, const struct fleet *f);  // "fleet NAME"
const char *history_limit_quota(struct arena *a, const struct quota *q);  // "quota L-34B43A08"
const char *history_limit_subnet(struct arena *a, const struct subnet *x); // "subnet subnet-0a1b2c3d"
const char *series_name(enum series s);  // "capacity_cpu_units", …; unique within its kind
enum history_kind series_kind(enum series s);
enum series_bucket series_bucket(enum series s);

// In steps of 2 or 3 %, rounded up: what hardly changes is packed to hardly anything.
int64_t history_coarse_mib(int64_t mib);

struct state_sample {
    enum series series;
    int64_t value;        // negative ones, and those above HISTORY_VALUE_MAX, are not kept
    const char *subject;  // NULL: ""
};

// What one look says: nothing of a source that is unknown or partial. Boots are of instances that registered after since_ms (0: none).
// Lives in the arena; subjects are the snapshot's or the arena's.
size_t state_samples_of_tick(const struct snapshot *s, const struct plan *p, int64_t since_ms, struct arena *a, struct state_sample **ret);
// Adds them to the buckets of their minute. One transaction.
int state_samples_add(struct state *s, int64_t cluster, int64_t at_ms, const struct state_sample *v, size_t count, struct err *err);

// What each of `count` buckets from from_ms on shows, NaN where it is unknown. step_ms: 5 min or a multiple of an hour; from_ms: of that.
int state_history_values(struct state *s, int64_t cluster, enum series series, const char *subject, int64_t from_ms, int64_t step_ms, size_t count,
                         double *ret, struct err *err);

// Fills buckets that are still unknown, as far as they are young enough to be kept; so filling twice, or what was seen, changes nothing.
// For what comes from elsewhere, weeks at once. Points in any order; each stands for `step_ms` from its time on. One transaction.
struct history_point {
    int64_t at_ms, value;
};
int state_history_fill(struct state *s, int64_t cluster, enum series series, const char *subject, int64_t step_ms, const struct history_point *v,
                       size_t count, struct err *err);
