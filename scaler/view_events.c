#include "scaler/view_events.h"

const int64_t event_bucket_ms[EVENT_BUCKETS] = {10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 15000, 60000, 300000};

void event_histogram_add(struct event_histogram *h, int64_t ms)
{
    int k = 0;
    ms = ms < 0 ? 0 : ms;
    while (k < EVENT_BUCKETS && ms > event_bucket_ms[k])
        k++;
    h->counts[k]++;
    h->sum_ms += ms;
}

const char *event_result_name(enum event_result r)
{
    static const char *const NAMES[EVENT_RESULT_COUNT] = {"idle", "acted", "known", "stale", "unknown", "left", "corrupt"};
    return NAMES[r];
}
