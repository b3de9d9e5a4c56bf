#include "planner/sim/workload.h"

#include <math.h>
#include <stdio.h>

#include "base/parse.h"
#include "planner/sim/csv.h"

enum {
    SAMPLE_ROWS = 1000,  // looked at to tell the columns apart
    STEP_ALONE_S = 300,  // between the values of a file that has no times
};
static const size_t NO_COLUMN = SIZE_MAX;
static const double VALUE_MAX = 1e18;

// ---- what a field is ------------------------------------------------------------------------------------------------------

static bool is_gap(struct slice s)
{
    static const char *const words[] = {"", "nan", "na", "n/a", "null", "none"};
    return csv_is_one_of(s, words, ARRAY_LEN(words));
}

enum kind { KIND_EMPTY, KIND_TEXT, KIND_NUMBER, KIND_DATE };

// A number that is out of range is a number all the same: it is refused as one, with its place.
static enum kind kind_of(struct slice s)
{
    static const char *const infinite[] = {"inf", "-inf", "+inf", "infinity", "-infinity", "+infinity"};
    int64_t ms;
    bool digit = false, other = false;
    if (is_gap(s))
        return KIND_EMPTY;
    if (csv_calendar_ms(s, &ms))
        return KIND_DATE;
    for (size_t i = 0; i < s.len; i++) {
        bool is_digit = s.ptr[i] >= '0' && s.ptr[i] <= '9';
        digit |= is_digit;
        other |= !is_digit && (s.ptr[i] == '\0' || !strchr("+-.eE", s.ptr[i]));
    }
    return (digit && !other) || csv_is_one_of(s, infinite, ARRAY_LEN(infinite)) ? KIND_NUMBER : KIND_TEXT;
}

// ---- which column is what ---------------------------------------------------------------------------------------------------

struct layout {
    size_t time, value;  // time NO_COLUMN: a file of values alone
};

static bool is_header(const struct csv_reader *r)
{
    bool text = false;
    for (size_t i = 0; i < r->count; i++) {
        enum kind kind = kind_of(r->field[i]);
        if (kind == KIND_NUMBER || kind == KIND_DATE)
            return false;
        text |= kind == KIND_TEXT;
    }
    return text;
}

static size_t by_name(const struct csv_reader *header, const char *const *names, size_t count)
{
    for (size_t n = 0; n < count; n++)
        for (size_t i = 0; i < header->count; i++)
            if (slice_eq_nocase(header->field[i], slice_of(names[n])))
                return i;
    return NO_COLUMN;
}

static size_t by_kind(const enum kind *kinds, size_t count, enum kind kind, size_t taken)
{
    for (size_t i = 0; i < count; i++)
        if (kinds[i] == kind && i != taken)
            return i;
    return NO_COLUMN;
}

// The first field of a column that says something tells what the column is.
static int read_kinds(struct csv_reader probe, enum kind kinds[CSV_COLUMNS_MAX], struct err *err)
{
    int got = 1;
    size_t rows = 0;
    for (; rows < SAMPLE_ROWS && (got = csv_next(&probe, err)) > 0; rows++)
        for (size_t i = 0; i < probe.count; i++)
            kinds[i] = kinds[i] == KIND_EMPTY ? kind_of(probe.field[i]) : kinds[i];
    if (got < 0)
        return got;
    return rows > 0 ? 0 : err_set(err, ERR_CORRUPT, "%s:1: no rows: expected a time and a value on each line", probe.name);
}

// Leaves *r before the first row of data.
static int find_columns(struct csv_reader *r, struct layout *ret, struct err *err)
{
    static const char *const times[] = {"timestamp", "datetime", "date", "time", "ts", "ds"};
    static const char *const values[] = {"value", "y", "count", "cpu", "requests", "tasks", "demand", "load", "usage", "rps", "mem", "memory"};
    struct csv_reader first = *r;
    enum kind kinds[CSV_COLUMNS_MAX] = {0};
    struct layout l = {NO_COLUMN, NO_COLUMN};
    int rc = csv_next(&first, err);
    if (rc > 0 && is_header(&first)) {
        l.time = by_name(&first, times, ARRAY_LEN(times));
        l.value = by_name(&first, values, ARRAY_LEN(values));
        *r = first;
    }
    if (rc < 0 || (rc = read_kinds(*r, kinds, err)) < 0)
        return rc;
    bool alone = first.count == 1 && l.time == NO_COLUMN && kinds[0] != KIND_DATE;
    if (l.time == NO_COLUMN && !alone)
        l.time = by_kind(kinds, first.count, KIND_DATE, l.value);
    if (l.time == NO_COLUMN && !alone)
        l.time = by_kind(kinds, first.count, KIND_NUMBER, l.value);
    if (l.value == NO_COLUMN)
        l.value = by_kind(kinds, first.count, KIND_NUMBER, l.time);
    if (l.time == NO_COLUMN && !alone)
        return csv_refuse(&first, 0, "first row begins with", first.field[0], "a column of times: epoch seconds or milliseconds, or ISO 8601", err);
    if (l.value == NO_COLUMN)
        return csv_refuse(&first, 0, "first row begins with", first.field[0], "a column of numbers beside the times", err);
    *ret = l;
    return 0;
}

// ---- rows -----------------------------------------------------------------------------------------------------------------

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void measure_step(struct workload_trace *t, struct arena *a)
{
    int64_t *gaps = arena_array(a, int64_t, t->count);
    for (size_t i = 0; i + 1 < t->count; i++)
        gaps[i] = t->at_s[i + 1] - t->at_s[i];
    qsort(gaps, t->count - 1, sizeof *gaps, by_size);
    t->step_s = gaps[(t->count - 1) / 2];
}

static int measure(struct workload_trace *t, const struct csv_reader *r, struct err *err)
{
    double area = 0, seconds = 0;
    for (size_t i = 0; i + 1 < t->count; i++) {
        double dt = (double)(t->at_s[i + 1] - t->at_s[i]);
        bool gap = t->at_s[i + 1] - t->at_s[i] > 3 * t->step_s;
        area += dt * (gap ? t->value[i] : (t->value[i] + t->value[i + 1]) / 2);
        seconds += dt;
    }
    t->mean = (area + (double)t->step_s * t->value[t->count - 1]) / (seconds + (double)t->step_s);
    if (t->mean <= 0)
        return err_set(err, ERR_CORRUPT, "%s:%" PRId64 ": all values are zero: nothing to scale", r->name, r->line);
    return 0;
}

// Time and value of the row in r; `row` counts rows, those without a value included. *ret_gap: there is no value.
static int parse_row(const struct csv_reader *r, const struct layout *l, int64_t row, int64_t *ret_at_s, double *ret_value, bool *ret_gap, struct err *err)
{
    struct slice value = r->field[l->value];
    *ret_at_s = row * STEP_ALONE_S;
    if (l->time != NO_COLUMN && !csv_time_s(r->field[l->time], ret_at_s))
        return csv_refuse(r, l->time, "time", r->field[l->time], "epoch seconds or milliseconds, or ISO 8601, 1970 to 9999", err);
    *ret_gap = is_gap(value);
    if (!*ret_gap && (!parse_double(value, ret_value) || *ret_value < 0 || *ret_value > VALUE_MAX))
        return csv_refuse(r, l->value, "value", value, "a number from 0 to 1e18", err);
    return 0;
}

static int read_rows(struct csv_reader *r, const struct layout *l, bool carry, struct arena *a, struct workload_trace *t, struct err *err)
{
    size_t cap_at = 0, cap_value = 0;
    int64_t last_s = -1;
    int got;
    for (int64_t row = 0; (got = csv_next(r, err)) > 0; row++) {
        int64_t at_s;
        double value = t->count > 0 ? t->value[t->count - 1] : 0;
        bool gap;
        int rc = parse_row(r, l, row, &at_s, &value, &gap, err);
        if (rc < 0)
            return rc;
        if (at_s <= last_s)
            return csv_refuse(r, l->time, "time", r->field[l->time], "a later second than in the row before", err);
        if (row == WORKLOAD_ROWS_MAX)
            return err_set(err, ERR_LIMIT, "%s:%" PRId64 ": more than %d rows", r->name, r->line, WORKLOAD_ROWS_MAX);
        last_s = at_s;
        t->gaps += gap;
        if (gap && carry && t->count == 0)
            continue;  // nothing to carry yet: the trace begins with its first value
        t->at_s = arena_grow(a, t->at_s, t->count, &cap_at, sizeof *t->at_s);
        t->value = arena_grow(a, t->value, t->count, &cap_value, sizeof *t->value);
        t->at_s[t->count] = at_s;
        t->value[t->count++] = gap && !carry ? NAN : value;
    }
    return got;
}

static int parse(struct slice text, const char *name, bool carry, struct arena *a, struct csv_reader *r, struct workload_trace *ret, struct err *err)
{
    struct layout l = {NO_COLUMN, NO_COLUMN};
    *ret = (struct workload_trace){0};
    csv_begin(r, text, name);
    int rc = find_columns(r, &l, err);
    if (rc == 0)
        rc = read_rows(r, &l, carry, a, ret, err);
    if (rc < 0)
        return rc;
    if (ret->count < 2)
        return err_set(err, ERR_CORRUPT, "%s:%" PRId64 ": %zu rows with a value: expected at least 2", name, r->line, ret->count);
    measure_step(ret, a);
    return 0;
}

int workload_trace_parse(struct slice text, const char *name, struct arena *a, struct workload_trace *ret, struct err *err)
{
    struct workload_trace t;
    struct csv_reader r;
    int rc = parse(text, name, true, a, &r, &t, err);
    if (rc == 0)
        rc = measure(&t, &r, err);
    if (rc == 0)
        *ret = t;
    return rc;
}

int workload_series_parse(struct slice text, const char *name, struct arena *a, struct workload_trace *ret, struct err *err)
{
    struct csv_reader r;
    return parse(text, name, false, a, &r, ret, err);
}
