// The book of alerts: what the planner and the shell say holds, made into what people are told once.
//
// Who knows gives the whole list of what holds now; the book finds out what is new and what is gone. An alert is raised at once
// and cleared when it has been absent for a minute, so that one that comes and goes is not told each time. In the log it is one
// line when raised (and when it gets worse), a reminder an hour, one line when cleared; `notify` (the webhook) hears the same.
// At most ALERTS_MAX are kept for each cluster and source, the worst; what is beyond is counted in one alert more.
// Owned and used by the loop's thread.
#pragma once

#include "base/log.h"
#include "scaler/view.h"

enum { ALERTS_MAX = 200 };
enum alerts_source { ALERTS_PLAN, ALERTS_SHELL, ALERTS_SOURCE_COUNT };
enum alerts_news { ALERTS_RAISED, ALERTS_REMINDED, ALERTS_CLEARED };

struct alerts_event {
    enum alerts_news news;
    const char *cluster;               // "" the daemon's own
    const struct alert *const *alerts; // until the call returns
    size_t count;                      // > 0
    int64_t at_ms;
};

struct alerts_options {
    const struct logger *log;          // NULL: silent
    void (*notify)(void *arg, const struct alerts_event *e);  // NULL: nobody
    void *notify_arg;
};

struct alerts;
struct alerts *alerts_new(const struct alerts_options *o);
void alerts_free(struct alerts *b);    // NULL-safe
// All that `source` says of a cluster (index, and its name for people; -1 and "": the daemon) now; copied. A since_ms of 0 becomes
// the time at which it was first said.
void alerts_set(struct alerts *b, int cluster, const char *name, enum alerts_source source, const struct alert *list, size_t count,
                int64_t now_ms);
// What holds, worst first, then oldest; valid until the next alerts_set. *ret_changed: other than at the last call.
const struct view_alert *alerts_list(struct alerts *b, size_t *ret_count, bool *ret_changed);
