// The right size of each service of a cluster, from its history: one of the parts of the view, made hourly beside the ticks.
//
// Of five minutes' highs of the last 14 days, to three hours ago: what is newer is not packed yet and takes long to read. A service that
// is new since has none until the next hour. Immutable once published; refcounted, shared between views.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/rightsize.h"
#include "state/query.h"

enum { SIZES_DAYS = 14 };

struct view_size {
    const char *service;
    int64_t task_cpu_units, task_memory_mib;
    bool shape_known, daemon;
    struct rightsize size;
    double requests_per_s;   // that load balancers sent to it: mean of the steps where it is known; negative: of none
    double reserved_cpu_units, reserved_memory_mib;  // by all its tasks, in those of these steps where that is known too; negative: of none
};

struct view_sizes {
    atomic_int refs;         // private
    struct arena arena;      // private
    int64_t from_ms, to_ms;  // of the history
    struct view_size *v;     // by service
    size_t count;
};

struct view_cluster;
struct view_box;
// The services of the cluster as it is now, sizes yet unknown. To be filled one by one, and published or released.
struct view_sizes *view_sizes_new(const struct view_cluster *c, int64_t now_ms);
// Reads the history of one service; some milliseconds. cluster: its id in the state. What cannot be read stays unknown, and says why.
void view_sizes_fill(struct view_sizes *s, size_t index, struct state_reader *r, int64_t cluster);
struct view_sizes *view_sizes_retain(struct view_sizes *s);  // NULL-safe
void view_sizes_release(struct view_sizes *s);               // NULL-safe
const struct view_size *view_sizes_find(const struct view_sizes *s, const char *service);  // NULL: not known; s NULL-safe
void view_box_publish_sizes(struct view_box *b, size_t cluster, struct view_sizes *s);     // takes it
