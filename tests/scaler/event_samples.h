// A message of each kind that a queue of events may hold, as AWS writes them, about things that the test names.
#pragma once

#include "scaler/event.h"

struct sample_names {
    const char *instance, *spot_fleet, *ec2_fleet, *group, *hook, *cluster, *service, *type, *zone;
    const char *starts;         // of what AWS Health announces, as it writes times
    int64_t at_ms;              // of the event
};

struct event_sample {
    enum event_kind kind;
    const char *word;           // what the event's `word` is, NULL: not asked
    const char *text;
};

enum { EVENT_SAMPLES_MAX = 100 };
// All in the arena. Returns how many, at most EVENT_SAMPLES_MAX.
size_t event_samples(struct arena *a, const struct sample_names *n, struct event_sample *ret);
const char *event_in_sns(struct arena *a, const char *text);
