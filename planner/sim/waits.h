// How long tasks wait for a place: first come, first served, to the second.
//
// Told of how many wait whenever that may have changed: what comes on top begins to wait now, what is gone has waited since the oldest
// began. Tasks that never wait are not in it. Waits beyond WAITS_MOST_S count as that long.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum { WAITS_MOST_S = 7200 };

struct waits {
    struct wait {
        int64_t since_ms, tasks;
    } *open;                       // oldest first, from `first` on
    size_t first, count, cap;
    int64_t waiting;
    int64_t ended[WAITS_MOST_S + 1];  // by seconds waited
};

void waits_now(struct waits *w, struct arena *a, int64_t waiting, int64_t now_ms);
void waits_clear(struct waits *w);  // forgets what has ended; who waits goes on
// The q-quantile over `started` tasks, of which those that waited are in here, in seconds; 0 where none was started.
int64_t waits_quantile_s(const struct waits *w, int64_t started, double q);
