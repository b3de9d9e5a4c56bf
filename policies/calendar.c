#include "policies/calendar.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/zone.h"
#include "policies/window.h"

enum { DAY_S = 24 * 3600, YEARS_AHEAD = 10, LEAP_YEAR = 2000 };

enum when { WHEN_NEVER, WHEN_ONCE, WHEN_YEARLY, WHEN_WEEKLY };

struct calendar_entry {
    const char *name;
    bool multiplies;
    enum when when;
    int64_t start_ms, end_ms;  // once
    const struct zone *zone;
    unsigned days;             // weekly; bit 0 is Monday
    int month, day;            // yearly
    int32_t from, lasts;       // minutes
};

struct calendar {
    size_t count;
    struct calendar_entry *entries;
};

// The day of that date since 1970-01-01; false: the year has none such.
static bool day_of(int year, int month, int day, int64_t *ret_day)
{
    char text[40];
    int64_t ms;
    snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00Z", year, month, day);
    if (!parse_iso8601_ms(slice_of(text), &ms))
        return false;
    *ret_day = ms / 1000 / DAY_S;
    return true;
}

bool calendar_date(const char *text, int *ret_month, int *ret_day)
{
    int64_t none;
    if (strlen(text) != 5 || text[2] != '-')
        return false;
    for (int k = 0; k < 5; k++)
        if (k != 2 && (text[k] < '0' || text[k] > '9'))
            return false;
    int month = (text[0] - '0') * 10 + text[1] - '0', day = (text[3] - '0') * 10 + text[4] - '0';
    if (!day_of(LEAP_YEAR, month, day, &none))
        return false;
    *ret_month = month;
    *ret_day = day;
    return true;
}

static enum when load_when(const struct policy_event *e, struct arena *a, struct calendar_entry *x)
{
    const struct policy_window *w = &e->window;
    struct err err;
    int32_t to = WINDOW_DAY_MINUTES;
    if (*e->start || *e->end)
        return parse_iso8601_ms(slice_of(e->start), &x->start_ms) && parse_iso8601_ms(slice_of(e->end), &x->end_ms) ? WHEN_ONCE : WHEN_NEVER;
    if (zone_load(w->zone, a, &x->zone, &err) != 0 || !window_days(w->days, &x->days))
        return WHEN_NEVER;
    if ((*w->from && !window_minute(w->from, &x->from)) || (*w->to && !window_minute(w->to, &to)))
        return WHEN_NEVER;
    x->lasts = to > x->from ? to - x->from : to + WINDOW_DAY_MINUTES - x->from;
    if (!*e->date)
        return WHEN_WEEKLY;
    return calendar_date(e->date, &x->month, &x->day) ? WHEN_YEARLY : WHEN_NEVER;
}

const struct calendar *calendar_load(const struct policy_calendar *c, struct arena *a)
{
    struct calendar *k = arena_array(a, struct calendar, 1);
    k->count = c->count;
    k->entries = arena_array(a, struct calendar_entry, c->count + 1);
    for (size_t i = 0; i < c->count; i++) {
        k->entries[i] = (struct calendar_entry){.name = arena_strdup(a, c->events[i].name), .multiplies = c->events[i].times_milli > 1000};
        k->entries[i].when = load_when(&c->events[i], a, &k->entries[i]);
    }
    return k;
}

// The window that begins on that local day; false: it is over by after_ms.
static bool window_of(const struct calendar_entry *x, int64_t day, int64_t after_ms, int64_t *ret_start_ms, int64_t *ret_end_ms)
{
    int64_t from_s = day * DAY_S + x->from * 60, start_s = zone_unix_s(x->zone, from_s), end_s = zone_unix_s(x->zone, from_s + x->lasts * 60);
    if (end_s <= start_s)
        end_s = start_s + x->lasts * 60;
    if (end_s * 1000 <= after_ms)
        return false;
    *ret_start_ms = start_s * 1000;
    *ret_end_ms = end_s * 1000;
    return true;
}

static bool next_weekly(const struct calendar_entry *x, int64_t today, int64_t after_ms, int64_t *ret_start_ms, int64_t *ret_end_ms)
{
    for (int64_t day = today - 2; day <= today + 9; day++)
        if ((x->days >> ((day + 3) % 7) & 1) && window_of(x, day, after_ms, ret_start_ms, ret_end_ms))  // 1970-01-01 was a Thursday
            return true;
    return false;
}

static bool next_yearly(const struct calendar_entry *x, int64_t today, int64_t after_ms, int64_t *ret_start_ms, int64_t *ret_end_ms)
{
    int year = 1970 + (int)(today / 366);  // not later than its own
    int64_t day;
    for (; day_of(year + 1, 1, 1, &day) && day <= today - 2; year++)
        ;
    for (int last = year + YEARS_AHEAD; year <= last; year++)
        if (day_of(year, x->month, x->day, &day) && window_of(x, day, after_ms, ret_start_ms, ret_end_ms))
            return true;
    return false;
}

bool calendar_next(const struct calendar *k, size_t entry, int64_t after_ms, int64_t *ret_start_ms, int64_t *ret_end_ms)
{
    assert(entry < k->count);
    const struct calendar_entry *x = &k->entries[entry];
    if (x->when == WHEN_ONCE) {
        *ret_start_ms = x->start_ms;
        *ret_end_ms = x->end_ms;
        return x->end_ms > after_ms;
    }
    if (x->when == WHEN_NEVER || after_ms < 3 * DAY_S * 1000LL)
        return false;
    int64_t today = (after_ms / 1000 + zone_offset_s(x->zone, after_ms / 1000)) / DAY_S;
    return x->when == WHEN_WEEKLY ? next_weekly(x, today, after_ms, ret_start_ms, ret_end_ms) : next_yearly(x, today, after_ms, ret_start_ms, ret_end_ms);
}

bool calendar_multiplies(const struct calendar *k, int64_t at_ms)
{
    int64_t start_ms, end_ms;
    for (size_t i = 0; i < k->count; i++)
        if (k->entries[i].multiplies && calendar_next(k, i, at_ms, &start_ms, &end_ms) && start_ms <= at_ms)
            return true;
    return false;
}

void calendar_tell(const struct calendar *k, struct arena *a, struct snapshot *s)
{
    s->occasions = NULL;
    s->occasion_count = 0;
    if (!k || k->count == 0)
        return;
    s->occasions = arena_array(a, struct occasion, k->count * CALENDAR_NEXT);
    for (size_t i = 0; i < k->count; i++) {
        struct occasion x = {.name = arena_strdup(a, k->entries[i].name), .end_ms = s->now_ms};
        for (int n = 0; n < CALENDAR_NEXT && calendar_next(k, i, x.end_ms, &x.start_ms, &x.end_ms); n++)
            s->occasions[s->occasion_count++] = x;
    }
}
