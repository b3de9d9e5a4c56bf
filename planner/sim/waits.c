#include "planner/sim/waits.h"

#include <string.h>

static void begin(struct waits *w, struct arena *a, int64_t tasks, int64_t now_ms)
{
    if (w->first > 0 && w->count == w->cap) {
        memmove(w->open, w->open + w->first, (w->count - w->first) * sizeof *w->open);
        w->count -= w->first;
        w->first = 0;
    }
    w->open = arena_grow(a, w->open, w->count, &w->cap, sizeof *w->open);
    w->open[w->count++] = (struct wait){now_ms, tasks};
}

static void end(struct waits *w, int64_t tasks, int64_t now_ms)
{
    while (tasks > 0 && w->first < w->count) {
        struct wait *oldest = &w->open[w->first];
        int64_t n = tasks < oldest->tasks ? tasks : oldest->tasks, s = (now_ms - oldest->since_ms + 500) / 1000;
        w->ended[s < WAITS_MOST_S ? s : WAITS_MOST_S] += n;
        oldest->tasks -= n;
        tasks -= n;
        w->first += oldest->tasks == 0;
    }
}

void waits_now(struct waits *w, struct arena *a, int64_t waiting, int64_t now_ms)
{
    if (waiting > w->waiting)
        begin(w, a, waiting - w->waiting, now_ms);
    else if (waiting < w->waiting)
        end(w, w->waiting - waiting, now_ms);
    w->waiting = waiting;
}

void waits_clear(struct waits *w)
{
    memset(w->ended, 0, sizeof w->ended);
}

int64_t waits_quantile_s(const struct waits *w, int64_t started, double q)
{
    int64_t above = 0, most = (int64_t)((1 - q) * (double)started);
    for (int s = WAITS_MOST_S; s > 0; s--) {
        above += w->ended[s];
        if (above > most)
            return s;
    }
    return 0;
}
