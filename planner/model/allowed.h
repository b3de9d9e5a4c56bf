// What is allowed around a cluster, beside its policy: by people, by the clock on the wall, and by the account. Part of the snapshot.
#pragma once

#include <stdint.h>

#include "planner/model/quota_class.h"

// What people and the shell allow beside the policy: the strictest of API, signal, fleet tag, freeze window, journal (safety.md 4).
enum control_mode { CONTROL_RUN, CONTROL_ADD_ONLY, CONTROL_PAUSE, CONTROL_FREEZE, CONTROL_COUNT };
struct control {
    enum control_mode mode;
    const char *who, *why;     // "POST /api/v1/pause by 10.0.0.7", "incident 4711"; "" when CONTROL_RUN
    int64_t since_ms, until_ms;  // until 0: until it is taken back
};

// What the clock on the wall says in a zone that the policy names: the minute of the week from Monday 00:00; -1 unknown.
struct local_time {
    const char *zone;
    int32_t minute_of_week;
};

// A window of an entry of the policy's calendar, absolute (policies/calendar.h).
struct occasion {
    const char *name;            // of the entry
    int64_t start_ms, end_ms;
    int32_t usual_tasks;         // that services want at its time of day without it (planner/forecast/usual.h); 0 unknown, or not near yet
};

// A vCPU quota of the account in the region (planner/model/quota_class.h).
struct quota {
    enum quota_kind class_;
    int64_t limit_vcpus;       // 0 unknown
    int64_t used_vcpus;        // by all that we see in the region, ordered and launched; at least
    int64_t refused_ms;        // when AWS last refused a launch because of it, 0 never
};
