#include "base/zone.h"

#include <errno.h>
#include <stdio.h>

#define ZONE_DIR "/usr/share/zoneinfo"

enum { NAME_MAX_LEN = 64, FILE_MAX_BYTES = 1 << 18, HEADER_BYTES = 44, TYPES_MAX = 256, DAY_S = 86400, WEEK_DAYS = 7, OFFSET_MAX_S = 26 * 3600 };

enum rule_kind { RULE_JULIAN, RULE_DAY, RULE_WEEKDAY };  // Jn: 1 to 365, never Feb 29; n: 0 to 365; Mm.w.d

struct rule {
    enum rule_kind kind;
    int day, month, week;
    int32_t time_s;
};

struct zone {
    int64_t *at_s;        // when the offset changes, ascending
    int32_t *offset_s;    // from then on
    size_t count;
    int32_t first_offset_s;
    bool has_tail, has_summer;    // the footer, for what comes after the table
    int32_t standard_s, summer_s;
    struct rule begin, end;       // of summer time, in the local time that goes before
};

// ---- days -----------------------------------------------------------------------------------------------------------------

static bool leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_before_year(int64_t year)  // since 1970
{
    int64_t y = year - 1;
    return 365 * (year - 1970) + (y / 4 - 1969 / 4) - (y / 100 - 1969 / 100) + (y / 400 - 1969 / 400);
}

static int days_of_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && leap(year));
}

static int64_t year_of(int64_t unix_s)
{
    int64_t year = 1970 + unix_s / (DAY_S * 366);
    while (days_before_year(year + 1) * DAY_S <= unix_s)
        year++;
    while (days_before_year(year) * DAY_S > unix_s)
        year--;
    return year;
}

static int64_t rule_local_s(const struct rule *r, int64_t year)
{
    int64_t day = days_before_year(year);
    switch (r->kind) {
    case RULE_JULIAN:
        day += r->day - 1 + (leap(year) && r->day > 59);
        break;
    case RULE_DAY:
        day += r->day;
        break;
    case RULE_WEEKDAY: {
        for (int m = 1; m < r->month; m++)
            day += days_of_month(year, m);
        int64_t first = ((day + 4) % WEEK_DAYS + WEEK_DAYS) % WEEK_DAYS;  // 1970-01-01 was a Thursday
        int in_month = (int)((r->day - first + WEEK_DAYS) % WEEK_DAYS) + (r->week - 1) * WEEK_DAYS;
        while (in_month >= days_of_month(year, r->month))
            in_month -= WEEK_DAYS;
        day += in_month;
        break;
    }
    }
    return day * DAY_S + r->time_s;
}

static int32_t tail_offset_s(const struct zone *z, int64_t unix_s)
{
    if (!z->has_summer)
        return z->standard_s;
    int64_t year = year_of(unix_s + z->standard_s);
    int64_t begin = rule_local_s(&z->begin, year) - z->standard_s, end = rule_local_s(&z->end, year) - z->summer_s;
    bool summer = begin < end ? unix_s >= begin && unix_s < end : unix_s >= begin || unix_s < end;
    return summer ? z->summer_s : z->standard_s;
}

// ---- asking ---------------------------------------------------------------------------------------------------------------

int32_t zone_offset_s(const struct zone *z, int64_t unix_s)
{
    if (z->count == 0 || unix_s < z->at_s[0])
        return z->count == 0 && z->has_tail ? tail_offset_s(z, unix_s) : z->first_offset_s;
    if (z->has_tail && unix_s >= z->at_s[z->count - 1])
        return tail_offset_s(z, unix_s);
    size_t low = 0, high = z->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (z->at_s[middle] <= unix_s)
            low = middle;
        else
            high = middle;
    }
    return z->offset_s[low];
}

struct zone_change zone_last_change(const struct zone *z, int64_t now_s, int64_t within_s)
{
    int32_t after = zone_offset_s(z, now_s), before = after;
    int64_t low = now_s, high = now_s;
    for (; before == after && low > now_s - within_s; before = zone_offset_s(z, low)) {
        high = low;
        low = low - DAY_S > now_s - within_s ? low - DAY_S : now_s - within_s;
    }
    if (before == after)
        return (struct zone_change){0};
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (zone_offset_s(z, middle) == after)
            high = middle;
        else
            low = middle;
    }
    return (struct zone_change){.at_s = high, .by_s = after - zone_offset_s(z, high - 1)};
}

int64_t zone_unix_s(const struct zone *z, int64_t local_s)
{
    int32_t before = zone_offset_s(z, local_s - DAY_S - OFFSET_MAX_S / 2), after = zone_offset_s(z, local_s + DAY_S + OFFSET_MAX_S / 2);
    int64_t first = local_s - before, second = local_s - after;
    if (zone_offset_s(z, first) == before)
        return first;  // of two, the earlier: the clock went back
    if (zone_offset_s(z, second) == after)
        return second;
    return first;  // left out: as if the clock had not been put forward
}

// ---- the footer: a POSIX TZ text ------------------------------------------------------------------------------------------

static bool take(struct slice *s, char c)
{
    if (s->len == 0 || *s->ptr != c)
        return false;
    s->ptr++;
    s->len--;
    return true;
}

static bool is_digit(const struct slice *s)
{
    return s->len > 0 && *s->ptr >= '0' && *s->ptr <= '9';
}

static bool take_number(struct slice *s, int most, int *ret)
{
    int n = 0;
    if (!is_digit(s))
        return false;
    while (is_digit(s)) {
        n = n * 10 + (*s->ptr - '0');
        if (n > most)
            return false;
        take(s, *s->ptr);
    }
    *ret = n;
    return true;
}

static bool take_name(struct slice *s)
{
    size_t len = 0;
    if (take(s, '<')) {
        while (s->len > 0 && *s->ptr != '>') {
            take(s, *s->ptr);
            len++;
        }
        return take(s, '>') && len >= 3;
    }
    while (s->len > 0 && ((*s->ptr >= 'A' && *s->ptr <= 'Z') || (*s->ptr >= 'a' && *s->ptr <= 'z'))) {
        take(s, *s->ptr);
        len++;
    }
    return len >= 3;
}

static bool take_time(struct slice *s, int32_t *ret)  // [+-]h[:m[:s]], to 167 hours (RFC 8536)
{
    bool negative = take(s, '-');
    int h = 0, m = 0, sec = 0;
    if (!negative)
        take(s, '+');
    if (!take_number(s, 167, &h))
        return false;
    if (take(s, ':') && (!take_number(s, 59, &m) || (take(s, ':') && !take_number(s, 59, &sec))))
        return false;
    *ret = (negative ? -1 : 1) * (h * 3600 + m * 60 + sec);
    return true;
}

static bool take_rule(struct slice *s, struct rule *ret)
{
    struct rule r = {.time_s = 2 * 3600};
    bool ok;
    if (take(s, 'M')) {
        r.kind = RULE_WEEKDAY;
        ok = take_number(s, 12, &r.month) && r.month >= 1 && take(s, '.') && take_number(s, 5, &r.week) && r.week >= 1 && take(s, '.') &&
             take_number(s, 6, &r.day);
    } else if (take(s, 'J')) {
        r.kind = RULE_JULIAN;
        ok = take_number(s, 365, &r.day) && r.day >= 1;
    } else {
        r.kind = RULE_DAY;
        ok = take_number(s, 365, &r.day);
    }
    if (!ok || (take(s, '/') && !take_time(s, &r.time_s)))
        return false;
    *ret = r;
    return true;
}

static bool parse_footer(struct slice s, struct zone *z)
{
    int32_t west = 0;
    if (s.len == 0)
        return true;
    if (!take_name(&s) || !take_time(&s, &west) || west < -OFFSET_MAX_S || west > OFFSET_MAX_S)
        return false;
    z->has_tail = true;
    z->standard_s = -west;
    if (s.len == 0)
        return true;
    z->summer_s = z->standard_s + 3600;
    if (!take_name(&s))
        return false;
    if (s.len > 0 && *s.ptr != ',') {
        if (!take_time(&s, &west) || west < -OFFSET_MAX_S || west > OFFSET_MAX_S)
            return false;
        z->summer_s = -west;
    }
    z->has_summer = true;
    return take(&s, ',') && take_rule(&s, &z->begin) && take(&s, ',') && take_rule(&s, &z->end) && s.len == 0;
}

// ---- the table ------------------------------------------------------------------------------------------------------------

static uint32_t u32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t i64(const char *p)
{
    return (int64_t)((uint64_t)u32(p) << 32 | u32(p + 4));
}

struct counts {
    size_t isut, isstd, leap, time, type, chars;
};

static bool read_header(struct slice *s, struct counts *ret)
{
    if (s->len < HEADER_BYTES || memcmp(s->ptr, "TZif", 4) != 0 || s->ptr[4] < '2')
        return false;
    *ret = (struct counts){u32(s->ptr + 20), u32(s->ptr + 24), u32(s->ptr + 28), u32(s->ptr + 32), u32(s->ptr + 36), u32(s->ptr + 40)};
    const size_t most = FILE_MAX_BYTES;
    *s = (struct slice){s->ptr + HEADER_BYTES, s->len - HEADER_BYTES};
    return ret->isut < most && ret->isstd < most && ret->leap < most && ret->time < most && ret->type <= TYPES_MAX && ret->type > 0 &&
           ret->chars < most;
}

static bool skip(struct slice *s, size_t len)
{
    if (s->len < len)
        return false;
    *s = (struct slice){s->ptr + len, s->len - len};
    return true;
}

static size_t block_size(const struct counts *c, size_t time_size)
{
    return c->time * (time_size + 1) + c->type * 6 + c->chars + c->leap * (time_size + 4) + c->isstd + c->isut;
}

static bool read_block(struct slice s, const struct counts *c, struct arena *a, struct zone *z)
{
    const char *times = s.ptr, *indices = times + c->time * 8, *types = indices + c->time;
    z->at_s = arena_array(a, int64_t, c->time + 1);
    z->offset_s = arena_array(a, int32_t, c->time + 1);
    z->count = c->time;
    for (size_t i = 0; i < c->type; i++) {
        int32_t offset_s = (int32_t)u32(types + i * 6);
        if (offset_s < -OFFSET_MAX_S || offset_s > OFFSET_MAX_S)
            return false;
    }
    z->first_offset_s = (int32_t)u32(types);
    for (size_t i = 0; i < c->time; i++) {
        size_t type = (unsigned char)indices[i];
        z->at_s[i] = i64(times + i * 8);
        if (type >= c->type || (i > 0 && z->at_s[i] <= z->at_s[i - 1]))
            return false;
        z->offset_s[i] = (int32_t)u32(types + type * 6);
    }
    return true;
}

int zone_parse(struct slice s, struct arena *a, const struct zone **ret, struct err *err)
{
    struct counts old, c;
    struct zone *z = arena_alloc(a, 1, sizeof *z);
    *z = (struct zone){0};
    if (!read_header(&s, &old) || !skip(&s, block_size(&old, 4)) || !read_header(&s, &c) || s.len < block_size(&c, 8) ||
        !read_block(s, &c, a, z) || !skip(&s, block_size(&c, 8)) || !take(&s, '\n') || s.len == 0 || s.ptr[s.len - 1] != '\n' ||
        !parse_footer((struct slice){s.ptr, s.len - 1}, z))
        return err_set(err, ERR_CORRUPT, "no zone data of version 2 or later");
    *ret = z;
    return 0;
}

// ---- the file -------------------------------------------------------------------------------------------------------------

static bool is_name(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > NAME_MAX_LEN || name[0] == '/' || strstr(name, ".."))
        return false;
    for (const char *p = name; *p; p++) {
        bool letter = (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z');
        if (!letter && !(*p >= '0' && *p <= '9') && !strchr("/_+-", *p))
            return false;
    }
    return true;
}

static int read_file(FILE *f, struct buf *b)
{
    char part[4096];
    size_t n;
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        buf_add(b, part, n);
    return ferror(f) || buf_failed(b) ? -1 : 0;
}

int zone_load(const char *name, struct arena *a, const struct zone **ret, struct err *err)
{
    if (strcmp(name, "UTC") == 0) {
        struct zone *z = arena_alloc(a, 1, sizeof *z);
        *z = (struct zone){0};
        *ret = z;
        return 0;
    }
    if (!is_name(name))
        return err_set(err, ERR_INVALID, "no name of a time zone, such as Europe/Berlin");
    char path[sizeof ZONE_DIR + NAME_MAX_LEN + 2];
    snprintf(path, sizeof path, "%s/%s", ZONE_DIR, name);
    FILE *f = fopen(path, "rbe");
    if (f == NULL) {
        FILE *any = fopen(ZONE_DIR "/Etc/UTC", "rbe");
        if (any == NULL)
            return err_set(err, ERR_IO, "this machine has no zone data in %s -> install tzdata", ZONE_DIR);
        fclose(any);
        return err_set(err, ERR_INVALID, "no time zone is called %s", name);
    }
    struct buf bytes;
    buf_init(&bytes, FILE_MAX_BYTES);
    int rc = read_file(f, &bytes) == 0 ? zone_parse(buf_slice(&bytes), a, ret, err) : err_set(err, ERR_INVALID, "no time zone is called %s", name);
    fclose(f);
    buf_release(&bytes);
    return rc;
}
