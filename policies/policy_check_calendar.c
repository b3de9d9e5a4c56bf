#include <string.h>

#include "base/parse.h"
#include "policies/calendar.h"
#include "policies/policy_check.h"

enum { NAME_MAX_BYTES = 100, EVENTS_MAX = 100 };

static void tell(struct policy_report *r, const char *path, const char *key, const char *what, const char *remedy)
{
    policy_report_add(r, false, AT_VALUE, *key ? arena_printf(r->arena, "%s.%s", path, key) : path, what, remedy);
}

static void check_once(const struct policy_event *e, const char *path, struct policy_report *r)
{
    static const char *const beside[] = {"date", "days", "from", "to"};
    const char *const words[] = {e->date, e->window.days, e->window.from, e->window.to};
    int64_t start_ms = 0, end_ms = 0;
    bool start = parse_iso8601_ms(slice_of(e->start), &start_ms), end = parse_iso8601_ms(slice_of(e->end), &end_ms);
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
        if (*words[k])
            tell(r, path, beside[k], *e->start ? "start is there too" : "end is there too", "start and end of what comes once, or the days of what comes again");
    if (strcmp(e->window.zone, "UTC") != 0)
        tell(r, path, "zone", "is not asked: start and end say how far they are from UTC", "leave it out");
    if (!*e->start || !*e->end)
        tell(r, path, *e->start ? "end" : "start", "is required", "start and end go together");
    if (*e->start && !start)
        tell(r, path, "start", "is no time", "such as \"2027-02-14T08:00:00+09:00\"");
    if (*e->end && !end)
        tell(r, path, "end", "is no time", "such as \"2027-02-15T02:00:00+09:00\"");
    if (start && end && end_ms <= start_ms)
        tell(r, path, "end", "is not after start", "a later time");
}

static void check_again(const struct policy_event *e, const char *path, struct policy_report *r)
{
    const struct policy_window *w = &e->window;
    int month, day;
    policy_check_window(w, path, r);
    if (!*e->date && !*w->days && !*w->from && !*w->to)
        tell(r, path, "", "says not when", "add \"start\" and \"end\", \"date\": \"02-14\", \"days\": \"sat,sun\", or \"from\" and \"to\"");
    if (*e->date && *w->days)
        tell(r, path, "days", "date is there too", "one of the two");
    if (*e->date && !calendar_date(e->date, &month, &day))
        tell(r, path, "date", "is no day of a year", "\"MM-DD\", such as \"02-14\"");
}

static void check_event(const struct policy_event *e, const char *path, struct policy_report *r)
{
    if (strlen(e->name) > NAME_MAX_BYTES)
        tell(r, path, "name", "is too long", "at most 100 bytes");
    if (*e->start || *e->end)
        check_once(e, path, r);
    else
        check_again(e, path, r);
    if (e->times_milli <= 1000 && !policy_event_has_floor(e))
        tell(r, path, "", "changes nothing", "add \"times\": 2, or \"at_least\": {\"vcpus\": 64}");
}

void policy_check_calendar(const struct policy_calendar *c, const char *path, struct policy_report *r)
{
    if (c->count > EVENTS_MAX)
        policy_report_add(r, false, AT_VALUE, path, "has too many entries", "at most 100");
    for (size_t k = 0; k < c->count && k < EVENTS_MAX; k++) {
        const char *at = arena_printf(r->arena, "%s[%zu]", path, k);
        check_event(&c->events[k], at, r);
        for (size_t b = 0; b < k; b++)
            if (*c->events[k].name && strcmp(c->events[k].name, c->events[b].name) == 0)
                tell(r, at, "name", arena_printf(r->arena, "is also %s[%zu]", path, b), "a name of its own for each");
    }
}
