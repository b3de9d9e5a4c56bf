#include "planner/sim/csv.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"

int csv_refuse(const struct csv_reader *r, size_t column, const char *what, struct slice stood, const char *expected, struct err *err)
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

static int split_line(struct csv_reader *r, struct slice line, struct err *err)
{
    bool more = true;
    for (r->count = 0; more; r->count++) {
        if (r->count == CSV_COLUMNS_MAX)
            return err_set(err, ERR_LIMIT, "%s:%" PRId64 ": more than %d columns", r->name, r->line, CSV_COLUMNS_MAX);
        while (line.len > 0 && line.ptr[0] == ' ')
            line = (struct slice){line.ptr + 1, line.len - 1};
        struct slice field = line;
        if (line.len > 0 && line.ptr[0] == '"') {
            field = (struct slice){line.ptr + 1, line.len - 1};
            size_t len = quoted_len(field);
            if (len == field.len)
                return csv_refuse(r, r->count, "field", line, "a closing quote on the same line", err);
            line = (struct slice){field.ptr + len + 1, field.len - len - 1};
            field.len = len;
        }
        const char *end = line.len > 0 ? memchr(line.ptr, r->separator, line.len) : NULL;
        struct slice before = {line.ptr, end ? (size_t)(end - line.ptr) : line.len};
        more = end != NULL;
        if (field.ptr == line.ptr)
            field = before;
        else if (slice_trim(before).len > 0)
            return csv_refuse(r, r->count, "text behind a quote", slice_trim(before), "a separator", err);
        r->field[r->count] = slice_trim(field);
        line = end ? (struct slice){end + 1, line.len - before.len - 1} : (struct slice){0};
    }
    return 0;
}

// The next line that is neither blank nor a comment; false at the end.
static bool next_line(struct csv_reader *r, struct slice *ret)
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
int csv_next(struct csv_reader *r, struct err *err)
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
static char separator_of(struct csv_reader r)
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

bool csv_is_one_of(struct slice s, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq_nocase(s, slice_of(words[i])))
            return true;
    return false;
}

// Zones as people write them, as parse_iso8601_ms wants them; bytes unlike any stay as they are and are refused there.
static struct slice plain_zone(struct slice zone, char out[8])
{
    static const char *const utc[] = {"", "z", "utc", "gmt"};
    if (csv_is_one_of(zone, utc, ARRAY_LEN(utc)))
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
bool csv_calendar_ms(struct slice s, int64_t *ret)
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
bool csv_time_s(struct slice s, int64_t *ret)
{
    const double milliseconds_from = 1e11, end_ms = 253402300799e3;  // the year 9999
    int64_t calendar_ms;
    double ms;
    if (csv_calendar_ms(s, &calendar_ms))
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

void csv_begin(struct csv_reader *r, struct slice text, const char *name)
{
    *r = (struct csv_reader){.name = name, .rest = text};
    if (slice_starts(text, "\xef\xbb\xbf"))
        r->rest = (struct slice){text.ptr + 3, text.len - 3};
    r->separator = separator_of(*r);
}
