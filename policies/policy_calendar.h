// Parts of time that a policy names: windows of the week, and the calendar's entries. Read by the key table into struct policy_cluster.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A part of the week in the local time of a zone: see policies/window.h.
struct policy_window {
    const char *days;      // "mon-fri", "sat,sun", "" = every day
    const char *from, *to; // "HH:MM"; both "" = all day; to <= from ends on the next day
    const char *zone;      // "Asia/Tokyo", "UTC"
};

// What people know ahead and history does not: while its time holds, more is wanted. It comes once (start and end), each year (date), or on
// days of each week; policies/calendar.h tells when. Of several that hold at once the one that asks for most counts.
struct policy_event {
    const char *name;
    const char *start, *end;    // RFC 3339; "" both
    const char *date;           // "MM-DD"; "" not each year
    struct policy_window window;
    int64_t times_milli;        // what the forecast is multiplied by, 1,000 at least
    int64_t least_vcpus, least_memory_gib, least_instances;  // of tasks, room for at least so much; 0 no bound
};

struct policy_calendar {
    struct policy_event *events;
    size_t count;
};

static inline bool policy_event_has_floor(const struct policy_event *e)
{
    return e->least_vcpus > 0 || e->least_memory_gib > 0 || e->least_instances > 0;
}
