#include "scaler/level_score.h"

#include <string.h>

#define HOUR_MS INT64_C(3600000)
#define LATE_MS INT64_C(120000)  // two ticks of the longest usual period

static void turn_to(struct level_score *s, int64_t hour)
{
    if (hour - s->hour >= LEVEL_HOURS || hour < s->hour) {
        memset(s->judged, 0, sizeof s->judged);
        memset(s->covered, 0, sizeof s->covered);
        s->hour = hour;
    }
    while (s->hour < hour) {
        s->hour++;
        s->judged[s->hour % LEVEL_HOURS] = s->covered[s->hour % LEVEL_HOURS] = 0;
    }
}

void level_score_see(struct level_score *s, const struct outlook *o)
{
    if (o->at_ms <= 0)
        return;
    turn_to(s, o->at_ms / HOUR_MS);
    for (; s->count > 0 && s->promise[s->first].due_ms <= o->at_ms; s->count--, s->first = (s->first + 1) % LEVEL_PROMISES) {
        if (o->at_ms - s->promise[s->first].due_ms > LATE_MS)
            continue;
        s->judged[s->hour % LEVEL_HOURS]++;
        s->covered[s->hour % LEVEL_HOURS] += o->need_milli <= INT64_C(1000) * s->promise[s->first].up;
    }
    if (s->count == LEVEL_PROMISES) {  // ticks closer than any policy has them
        s->count--;
        s->first = (s->first + 1) % LEVEL_PROMISES;
    }
    size_t at = (s->first + s->count++) % LEVEL_PROMISES;
    s->promise[at].due_ms = o->at_ms + o->boot_ms;
    s->promise[at].up = o->up;
}

int64_t level_score_of(const struct level_score *s, double *ret_cover)
{
    int64_t judged = 0, covered = 0;
    for (int h = 0; h < LEVEL_HOURS; h++) {
        judged += s->judged[h];
        covered += s->covered[h];
    }
    if (judged > 0)
        *ret_cover = (double)covered / (double)judged;
    return judged;
}
