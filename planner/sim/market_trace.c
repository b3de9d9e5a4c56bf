#include "planner/sim/market_trace.h"

#include <string.h>

#include "base/parse.h"
#include "planner/sim/csv.h"

enum { SHORTEST_S = 3600, KNOWN_COLUMNS = 4 };
enum column { COLUMN_TIME, COLUMN_ZONE, COLUMN_TYPE, COLUMN_VALUE };

static const double MOST_AVAILABLE = 1e6, MOST_USD = 1e4;

struct row {
    size_t series;
    struct market_point point;
    bool closes;
};

struct reading {
    struct csv_reader csv;
    struct arena *a;
    struct market_trace t;
    size_t series_cap, type_cap;
    size_t at[KNOWN_COLUMNS];
    struct row *rows;
    size_t row_count, row_cap;
    int64_t begin_s, last_s;
};

static int find_column(struct reading *r, const char *name)
{
    for (size_t i = 0; i < r->csv.count; i++)
        if (slice_eq_nocase(r->csv.field[i], slice_of(name)))
            return (int)i;
    return -1;
}

static int read_header(struct reading *r, struct err *err)
{
    static const char *const names[] = {"timestamp", "zone", "instance_type", "available"};
    int got = csv_next(&r->csv, err);
    if (got < 0)
        return got;
    struct slice first = got > 0 ? r->csv.field[0] : (struct slice){"", 0};
    for (int c = 0; c < KNOWN_COLUMNS; c++) {
        int at = find_column(r, names[c]);
        if (at < 0 && c == COLUMN_VALUE) {
            at = find_column(r, "price_usd_hour");
            r->t.prices = at >= 0;
        }
        if (at < 0)
            return csv_refuse(&r->csv, 0, "header begins with", first,
                              "the columns timestamp, zone, instance_type, and available or price_usd_hour", err);
        r->at[c] = (size_t)at;
    }
    return 0;
}

static bool is_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
            return false;
    return s.len > 0 && s.len < 64;
}

static int find_series(struct reading *r, struct slice zone, struct slice type, size_t *ret, struct err *err)
{
    struct market_trace *t = &r->t;
    for (size_t i = 0; i < t->series_count; i++)
        if (slice_eq_str(zone, t->series[i].zone) && slice_eq_str(type, t->series[i].type)) {
            *ret = i;
            return 0;
        }
    if (t->series_count == MARKET_SERIES_MAX)
        return err_set(err, ERR_LIMIT, "%s:%" PRId64 ": more than %d pools", r->csv.name, r->csv.line, MARKET_SERIES_MAX);
    t->series = arena_grow(r->a, t->series, t->series_count, &r->series_cap, sizeof *t->series);
    *ret = t->series_count++;
    struct market_series *s = &t->series[*ret];
    *s = (struct market_series){.zone = arena_strndup(r->a, zone.ptr, zone.len), .type = arena_strndup(r->a, type.ptr, type.len)};
    for (size_t i = 0; i < t->type_count; i++)
        if (strcmp(t->types[i], s->type) == 0)
            return 0;
    t->types = arena_grow(r->a, t->types, t->type_count, &r->type_cap, sizeof *t->types);
    t->types[t->type_count++] = s->type;
    return 0;
}

static int read_value(struct reading *r, struct row *row, struct err *err)
{
    struct slice v = r->csv.field[r->at[COLUMN_VALUE]];
    double x;
    bool number = parse_double(v, &x);
    row->closes = number && !r->t.prices && x >= -1 && x <= -1;
    if (r->t.prices ? !number || x <= 0 || x > MOST_USD : !number || (!row->closes && (x < 0 || x > MOST_AVAILABLE)))
        return csv_refuse(&r->csv, r->at[COLUMN_VALUE], "value", v,
                          r->t.prices ? "USD an hour, above 0 and at most 10000" : "a number available, 0 to 1000000, or -1 where the record ends", err);
    row->point.value = x;
    return 0;
}

static int read_row(struct reading *r, struct err *err)
{
    const struct csv_reader *c = &r->csv;
    struct row row;
    int64_t at_s;
    if (!csv_time_s(c->field[r->at[COLUMN_TIME]], &at_s))
        return csv_refuse(c, r->at[COLUMN_TIME], "time", c->field[r->at[COLUMN_TIME]], "epoch seconds or milliseconds, or ISO 8601, 1970 to 9999", err);
    if (r->row_count > 0 && at_s < r->last_s)
        return csv_refuse(c, r->at[COLUMN_TIME], "time", c->field[r->at[COLUMN_TIME]], "no earlier than in the row before: sort the file by time", err);
    for (int k = COLUMN_ZONE; k <= COLUMN_TYPE; k++)
        if (!is_name(c->field[r->at[k]]))
            return csv_refuse(c, r->at[k], k == COLUMN_ZONE ? "zone" : "instance type", c->field[r->at[k]],
                              k == COLUMN_ZONE ? "a name as us-east-1a" : "a name as c5.2xlarge", err);
    if (r->row_count == MARKET_ROWS_MAX)
        return err_set(err, ERR_LIMIT, "%s:%" PRId64 ": more than %d rows", c->name, c->line, MARKET_ROWS_MAX);
    int rc = read_value(r, &row, err);
    if (rc == 0)
        rc = find_series(r, c->field[r->at[COLUMN_ZONE]], c->field[r->at[COLUMN_TYPE]], &row.series, err);
    if (rc < 0)
        return rc;
    r->begin_s = r->row_count == 0 ? at_s : r->begin_s;
    r->last_s = at_s;
    row.point.at_s = at_s - r->begin_s;
    r->rows = arena_grow(r->a, r->rows, r->row_count, &r->row_cap, sizeof *r->rows);
    r->rows[r->row_count++] = row;
    return 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(struct arena *a, struct market_series *s)
{
    double *sorted = arena_array(a, double, s->count);
    for (size_t i = 0; i < s->count; i++)
        sorted[i] = s->points[i].value;
    qsort(sorted, s->count, sizeof *sorted, by_value);
    s->most = sorted[s->count - 1];
    s->median = sorted[s->count / 2];
}

// Rows of all pools lie mixed in the file; each series gets its own. What follows a closing row of a pool is not read.
static int share_out(struct reading *r, struct err *err)
{
    struct market_trace *t = &r->t;
    size_t *counts = arena_array(r->a, size_t, t->series_count + 1);
    for (size_t i = 0; i < r->row_count; i++)
        counts[r->rows[i].series]++;
    for (size_t i = 0; i < t->series_count; i++)
        t->series[i].points = arena_array(r->a, struct market_point, counts[i]);
    for (size_t i = 0; i < r->row_count; i++) {
        struct market_series *s = &t->series[r->rows[i].series];
        if (s->length_s > 0)
            continue;
        if (r->rows[i].closes)
            s->length_s = r->rows[i].point.at_s > 0 ? r->rows[i].point.at_s : 1;
        else
            s->points[s->count++] = r->rows[i].point;
    }
    int64_t whole_s = r->last_s - r->begin_s > SHORTEST_S ? r->last_s - r->begin_s : SHORTEST_S;
    for (size_t i = 0; i < t->series_count; i++) {
        struct market_series *s = &t->series[i];
        if (s->count == 0)
            return err_set(err, ERR_CORRUPT, "%s: pool %s %s has no value before its -1: expected one, or no row of it", r->csv.name, s->type, s->zone);
        s->length_s = s->length_s > 0 ? s->length_s : whole_s;
        measure(r->a, s);
    }
    return 0;
}

int market_trace_parse(struct slice text, const char *name, struct arena *a, struct market_trace *ret, struct err *err)
{
    struct reading r = {.a = a};
    csv_begin(&r.csv, text, name);
    int rc = read_header(&r, err), got = 1;
    while (rc == 0 && (got = csv_next(&r.csv, err)) > 0)
        rc = read_row(&r, err);
    if (rc == 0 && got == 0 && r.row_count == 0)
        rc = err_set(err, ERR_CORRUPT, "%s:%" PRId64 ": no rows: expected one for each change of a pool", name, r.csv.line);
    if (rc == 0 && got == 0)
        rc = share_out(&r, err);
    if (rc < 0 || got < 0)
        return rc < 0 ? rc : got;
    *ret = r.t;
    return 0;
}

// The last point at or before at_s within one round; SIZE_MAX: before the first.
static size_t find_point(const struct market_series *s, int64_t at_s)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->points[mid].at_s <= at_s)
            low = mid + 1;
        else
            high = mid;
    }
    return low - 1;
}

double market_trace_at(const struct market_series *s, int64_t at_s)
{
    size_t i = find_point(s, at_s % s->length_s);
    return s->points[i == SIZE_MAX ? 0 : i].value;
}

int64_t market_trace_next_s(const struct market_series *s, int64_t at_s)
{
    int64_t within_s = at_s % s->length_s, round_s = at_s - within_s;
    size_t i = find_point(s, within_s) + 1;
    bool more = i < s->count && s->points[i].at_s < s->length_s;
    return round_s + (more ? s->points[i].at_s : s->length_s);
}
