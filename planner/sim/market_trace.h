// A recorded spot market: for each pool (type in a zone) what was available, or what it cost, as a step function of time.
//
// CSV with a header: timestamp, zone, instance_type, and either `available` (how many probe launches would succeed, or how many
// probe instances still run; -1 closes the pool: its record ends there) or `price_usd_hour`. Times as csv_time_s reads them, never
// falling; a row only where a pool changes. A pool's record begins with the file, whose first value holds before its first row,
// and loops when it ends. Zones and types need not be those of a world: market.c says which pool follows which record.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define MARKET_ROWS_MAX 2000000
#define MARKET_SERIES_MAX 1024

struct market_point {
    int64_t at_s;            // since the beginning of the file
    double value;
};

struct market_series {
    const char *zone, *type;
    struct market_point *points;  // rising times, at least one
    size_t count;
    int64_t length_s;        // after which it begins again
    double most, median;     // of its values, by rows
};

struct market_trace {
    bool prices;             // values are USD an hour, else numbers available
    struct market_series *series;  // in the order of their first rows
    size_t series_count;
    const char **types;      // each once, in that order
    size_t type_count;
};

// ERR_CORRUPT with "name:line: column n: what stood there: what is expected"; ERR_LIMIT for too many rows, columns or pools. Copies
// what it keeps into the arena.
int market_trace_parse(struct slice text, const char *name, struct arena *a, struct market_trace *ret, struct err *err);
double market_trace_at(const struct market_series *s, int64_t at_s);
// When the value may change next after at_s; > at_s.
int64_t market_trace_next_s(const struct market_series *s, int64_t at_s);
