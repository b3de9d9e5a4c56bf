// Alerts that the shell knows of and no plan can: of the daemon itself, and of how it reaches a cluster. From facts that the loop
// hands over; the texts live in the arena given.
#pragma once

#include "base/arena.h"
#include "planner/model/plan.h"
#include "scaler/view_limits.h"

enum { SHELL_ALERTS_MAX = 16 };

// Of the daemon. Texts are borrowed, "" or NULL is none.
struct shell_facts {
    int64_t now_ms, started_ms;
    const char *journal_error;       // it cannot be written
    const char *restored_aside;      // why the database of before was set aside
    int64_t add_only_until_ms;       // 0: no crash loop
    const char *policy_error;        // why the newest policy was refused
    const char *policy_path;
    const char *webhook_error;       // why alerts do not get out
    const char *control_error;       // why it is not known what people switched
};
size_t shell_alerts(const struct shell_facts *f, struct arena *a, struct alert ret[SHELL_ALERTS_MAX]);

// A limit that comes near (scaler/foresight.h).
enum { LIMITS_NEAR_MAX = 4 };
struct limit_near {
    enum view_limit_kind kind;
    char name[128];
    int64_t peak, most;              // of 7 days; what there may be
    double a_day;                    // growth
    int64_t reached_ms;              // the day on which it may be there, with 90 % not before
};
struct limits_near {
    struct limit_near v[LIMITS_NEAR_MAX];  // soonest first
    size_t count;
};

// Of one cluster.
struct reach_facts {
    int64_t now_ms;
    const char *cluster;
    const char *tick_error;          // of the newest tick, "" when it was complete
    int64_t failing_since_ms;
    int32_t failed_ticks;            // in a row
    int64_t credentials_left_ms;     // INT64_MAX: they do not expire
    const char *credentials_source;
    int64_t clock_off_ms;            // AWS's clock minus ours; 0 unknown
    const char *breaker;             // which part of the API is given up for now, and why
    const struct limits_near *limits;  // NULL none
};
size_t reach_alerts(const struct reach_facts *f, struct arena *a, struct alert ret[SHELL_ALERTS_MAX]);
