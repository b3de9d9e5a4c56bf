#include "planner/sim/workload.h"

#include <stdio.h>

#include "base/parse.h"

enum {
    COLUMNS_MAX = 256,
    SAMPLE_ROWS = 1000,  // looked at to tell the columns apart
    STEP_ALONE_S = 300,  // between the values of a file that has no times
};
static const size_t NO_COLUMN = SIZE_MAX;
static const double VALUE_MAX = 1e18;

// ---- lines and fields -----------------------------------------------------------------------------------------------------

struct reader {
    const char *name;
    struct slice rest;
    char separator;
    int64_t line;                      // number of the row in `field`
    size_t count, columns;             // fields of this row; of the first one, and so of all
    struct slice field[COLUMNS_MAX];   // without quotes and outer space
};

static int refuse(const struct reader *r, size_t column, const char *what, struct slice stood, const char *expected, struct err *err)
{
    char shown[41];
    size_t n = stood.len < sizeof shown - 1 ? stood.len : sizeof shown - 1;
    for (size_t i = 0; i < n; i++)
        shown[i] = stood.ptr[i] >= ' ' && stood.ptr[i] <= '~' ? stood.ptr[i] : '?';
    shown[n] = '\0';
    return err_set(err, ERR_CORRUPT, "%s:%" PRId64 ": column %zu: %s \"%s\": expected %s", r->name, r->line, column + 1, what, shown, expected);
}

// Bytes before the closing quote; s begins behind the opening one. A doubled quote stands for itself. s.len when it is missing.
static size_t quoted_len(struct slice s)
{
    size_t i = 0;
    for (; i < s.len; i++) {
        if (s.ptr[i] != '"')
            continue;
        if (i + 1 == s.len || s.ptr[i + 1] != '"')
            break;
        i++;
    }
    return i < s.len ? i : s.len;
}

static int split_line(struct reader *r, struct slice line, struct err *err)
{
    bool more = true;
    for (r->count = 0; more; r->count++) {
        if (r->count == COLUMNS_MAX)
            return err_set(err, ERR_LIMIT, "%s:%" PRId64 ": more than %d columns", r->name, r->line, COLUMNS_MAX);
        while (line.len > 0 && line.ptr[0] == ' ')
            line = (struct slice){line.ptr + 1, line.len - 1};
        struct slice field = line;
        if (line.len > 0 && line.ptr[0] == '"') {
            field = (struct slice){line.ptr + 1, line.len - 1};
            size_t len = quoted_len(field);
            if (len == field.len)
                return refuse(r, r->count, "field", line, "a closing quote on the same line", err);
            line = (struct slice){field.ptr + len + 1, field.len - len - 1};
            field.len = len;
        }
        const char *end = line.len > 0 ? memchr(line.ptr, r->separator, line.len) : NULL;
        struct slice before = {line.ptr, end ? (size_t)(end - line.ptr) : line.len};
        more = end != NULL;
        if (field.ptr == line.ptr)
            field = before;
        else if (slice_trim(before).len > 0)
            return refuse(r, r->count, "text behind a quote", slice_trim(before), "a separator", err);
        r->field[r->count] = slice_trim(field);
        line = end ? (struct slice){end + 1, line.len - before.len - 1} : (struct slice){0};
    }
    return 0;
}

// The next line that is neither blank nor a comment; false at the end.
static bool next_line(struct reader *r, struct slice *ret)
{
    while (r->rest.len > 0) {
        *ret = slice_cut(&r->rest, '\n');
        r->line++;
        struct slice words = slice_trim(*ret);
        if (words.len > 0 && words.ptr[0] != '#')
            return true;
    }
    return false;
}

// 1 with a row in r->field, 0 at the end, or an error.
static int next_row(struct reader *r, struct err *err)
{
    struct slice line;
    if (!next_line(r, &line))
        return 0;
    int rc = split_line(r, line, err);
    if (rc < 0)
        return rc;
    if (r->columns == 0)
        r->columns = r->count;
    if (r->count != r->columns)
        return err_set(err, ERR_CORRUPT, "%s:%" PRId64 ": column %zu: %zu fields: expected %zu as in the first row", r->name, r->line,
                       (r->count < r->columns ? r->count : r->columns) + 1, r->count, r->columns);
    return 1;
}

// Of tab, semicolon and comma the one that the first row has most of.
static char separator_of(struct reader r)
{
    static const char separators[] = {'\t', ';', ','};
    size_t counts[ARRAY_LEN(separators)] = {0}, best = ARRAY_LEN(separators) - 1;
    struct slice line = {0};
    bool quoted = false;
    if (!next_line(&r, &line))
        return separators[best];
    for (size_t i = 0; i < line.len; i++) {
        quoted ^= line.ptr[i] == '"';
        for (size_t k = 0; k < ARRAY_LEN(separators); k++)
            counts[k] += !quoted && line.ptr[i] == separators[k];
    }
    for (size_t k = ARRAY_LEN(separators); k-- > 0;)
        if (counts[k] > 0 && counts[k] >= counts[best])
            best = k;
    return separators[best];
}

// ---- what a field is ------------------------------------------------------------------------------------------------------

static bool is_one_of(struct slice s, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq_nocase(s, slice_of(words[i])))
            return true;
    return false;
}

static bool is_gap(struct slice s)
{
    static const char *const words[] = {"", "nan", "na", "n/a", "null", "none"};
    return is_one_of(s, words, ARRAY_LEN(words));
}

// Zones as people write them, as parse_iso8601_ms wants them; bytes unlike any stay as they are and are refused there.
static struct slice plain_zone(struct slice zone, char out[8])
{
    static const char *const utc[] = {"", "z", "utc", "gmt"};
    if (is_one_of(zone, utc, ARRAY_LEN(utc)))
        return SLICE_LIT("Z");
    if ((zone.len != 3 && zone.len != 5) || (zone.ptr[0] != '+' && zone.ptr[0] != '-'))
        return zone;
    memcpy(out, zone.ptr, 3);
    memcpy(out + 3, ":00", 3);
    if (zone.len == 5)
        memcpy(out + 4, zone.ptr + 3, 2);
    return (struct slice){out, 6};
}

// A date, with or without time of day, seconds and zone.
static bool parse_calendar_ms(struct slice s, int64_t *ret)
{
    char text[64], zone_text[8];
    size_t clock = 0;
    if (s.len < 10 || s.len > 40)
        return false;
    struct slice rest = {s.ptr + 10, s.len - 10};
    bool has_clock = rest.len > 0 && (rest.ptr[0] == 'T' || rest.ptr[0] == 't' || rest.ptr[0] == ' ');
    if (has_clock)
        rest = (struct slice){rest.ptr + 1, rest.len - 1};
    while (has_clock && clock < rest.len && ((rest.ptr[clock] >= '0' && rest.ptr[clock] <= '9') || rest.ptr[clock] == ':' || rest.ptr[clock] == '.'))
        clock++;
    struct slice zone = plain_zone(slice_trim((struct slice){rest.ptr + clock, rest.len - clock}), zone_text);
    if (zone.len > 0 && memchr(zone.ptr, '\0', zone.len))
        return false;
    int n = snprintf(text, sizeof text, "%.10sT%.*s%s%.*s", s.ptr, (int)clock, rest.ptr, clock == 0 ? "00:00:00" : clock == 5 ? ":00" : "",
                     (int)zone.len, zone.ptr);
    return n > 0 && (size_t)n < sizeof text && has_clock == (clock > 0) && parse_iso8601_ms((struct slice){text, (size_t)n}, ret);
}

// Whole seconds, the nearest: a cluster's demand does not change within one.
static bool parse_time_s(struct slice s, int64_t *ret)
{
    const double milliseconds_from = 1e11, end_ms = 253402300799e3;  // the year 9999
    int64_t calendar_ms;
    double ms;
    if (parse_calendar_ms(s, &calendar_ms))
        ms = (double)calendar_ms;
    else if (!parse_double(s, &ms))
        return false;
    else if (ms <= milliseconds_from)
        ms *= 1000;
    if (ms < 0 || ms > end_ms)
        return false;
    *ret = (int64_t)((ms + 500) / 1000);
    return true;
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
    if (parse_calendar_ms(s, &ms))
        return KIND_DATE;
    for (size_t i = 0; i < s.len; i++) {
        bool is_digit = s.ptr[i] >= '0' && s.ptr[i] <= '9';
        digit |= is_digit;
        other |= !is_digit && (s.ptr[i] == '\0' || !strchr("+-.eE", s.ptr[i]));
    }
    return (digit && !other) || is_one_of(s, infinite, ARRAY_LEN(infinite)) ? KIND_NUMBER : KIND_TEXT;
}

// ---- which column is what ---------------------------------------------------------------------------------------------------

struct layout {
    size_t time, value;  // time NO_COLUMN: a file of values alone
};

static bool is_header(const struct reader *r)
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

static size_t by_name(const struct reader *header, const char *const *names, size_t count)
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
static int read_kinds(struct reader probe, enum kind kinds[COLUMNS_MAX], struct err *err)
{
    int got = 1;
    size_t rows = 0;
    for (; rows < SAMPLE_ROWS && (got = next_row(&probe, err)) > 0; rows++)
        for (size_t i = 0; i < probe.count; i++)
            kinds[i] = kinds[i] == KIND_EMPTY ? kind_of(probe.field[i]) : kinds[i];
    if (got < 0)
        return got;
    return rows > 0 ? 0 : err_set(err, ERR_CORRUPT, "%s:1: no rows: expected a time and a value on each line", probe.name);
}

// Leaves *r before the first row of data.
static int find_columns(struct reader *r, struct layout *ret, struct err *err)
{
    static const char *const times[] = {"timestamp", "datetime", "date", "time", "ts", "ds"};
    static const char *const values[] = {"value", "y", "count", "cpu", "requests", "tasks", "demand", "load", "usage", "rps", "mem", "memory"};
    struct reader first = *r;
    enum kind kinds[COLUMNS_MAX] = {0};
    struct layout l = {NO_COLUMN, NO_COLUMN};
    int rc = next_row(&first, err);
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
        return refuse(&first, 0, "first row begins with", first.field[0], "a column of times: epoch seconds or milliseconds, or ISO 8601", err);
    if (l.value == NO_COLUMN)
        return refuse(&first, 0, "first row begins with", first.field[0], "a column of numbers beside the times", err);
    *ret = l;
    return 0;
}

// ---- rows -----------------------------------------------------------------------------------------------------------------

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int measure(struct workload_trace *t, const struct reader *r, struct arena *a, struct err *err)
{
    int64_t *gaps = arena_array(a, int64_t, t->count);
    for (size_t i = 0; i + 1 < t->count; i++)
        gaps[i] = t->at_s[i + 1] - t->at_s[i];
    qsort(gaps, t->count - 1, sizeof *gaps, by_size);
    t->step_s = gaps[(t->count - 1) / 2];
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
static int parse_row(const struct reader *r, const struct layout *l, int64_t row, int64_t *ret_at_s, double *ret_value, bool *ret_gap, struct err *err)
{
    struct slice value = r->field[l->value];
    *ret_at_s = row * STEP_ALONE_S;
    if (l->time != NO_COLUMN && !parse_time_s(r->field[l->time], ret_at_s))
        return refuse(r, l->time, "time", r->field[l->time], "epoch seconds or milliseconds, or ISO 8601, 1970 to 9999", err);
    *ret_gap = is_gap(value);
    if (!*ret_gap && (!parse_double(value, ret_value) || *ret_value < 0 || *ret_value > VALUE_MAX))
        return refuse(r, l->value, "value", value, "a number from 0 to 1e18", err);
    return 0;
}

static int read_rows(struct reader *r, const struct layout *l, struct arena *a, struct workload_trace *t, struct err *err)
{
    size_t cap_at = 0, cap_value = 0;
    int64_t last_s = -1;
    int got;
    for (int64_t row = 0; (got = next_row(r, err)) > 0; row++) {
        int64_t at_s;
        double value = t->count > 0 ? t->value[t->count - 1] : 0;
        bool gap;
        int rc = parse_row(r, l, row, &at_s, &value, &gap, err);
        if (rc < 0)
            return rc;
        if (at_s <= last_s)
            return refuse(r, l->time, "time", r->field[l->time], "a later second than in the row before", err);
        if (row == WORKLOAD_ROWS_MAX)
            return err_set(err, ERR_LIMIT, "%s:%" PRId64 ": more than %d rows", r->name, r->line, WORKLOAD_ROWS_MAX);
        last_s = at_s;
        t->gaps += gap;
        if (gap && t->count == 0)
            continue;  // nothing to carry yet: the trace begins with its first value
        t->at_s = arena_grow(a, t->at_s, t->count, &cap_at, sizeof *t->at_s);
        t->value = arena_grow(a, t->value, t->count, &cap_value, sizeof *t->value);
        t->at_s[t->count] = at_s;
        t->value[t->count++] = value;
    }
    return got;
}

int workload_trace_parse(struct slice text, const char *name, struct arena *a, struct workload_trace *ret, struct err *err)
{
    struct workload_trace t = {0};
    struct reader r = {.name = name, .rest = text};
    struct layout l = {NO_COLUMN, NO_COLUMN};
    if (slice_starts(text, "\xef\xbb\xbf"))
        r.rest = (struct slice){text.ptr + 3, text.len - 3};
    r.separator = separator_of(r);
    int rc = find_columns(&r, &l, err);
    if (rc == 0)
        rc = read_rows(&r, &l, a, &t, err);
    if (rc < 0)
        return rc;
    if (t.count < 2)
        return err_set(err, ERR_CORRUPT, "%s:%" PRId64 ": %zu rows with a value: expected at least 2", name, r.line, t.count);
    rc = measure(&t, &r, a, err);
    if (rc == 0)
        *ret = t;
    return rc;
}
