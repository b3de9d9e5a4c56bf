// What the tasks on one host use, from the pages that its cAdvisor shows (exposition text): cores as rates between two pages, bytes as told.
// Pure: times are given.
//
// Only containers count that carry the label of their task definition's family, and, where there is one, the cluster's: the root and the
// tasks' own cgroups carry none and would count twice. Which containers are one task is told by the task's ARN, or, where that label was
// dropped, by the cgroup above them ("/ecs/TASK/…" of v1, "…/ecstasks-TASK.slice/…" of v2), or else by the containers' names: as many
// tasks as containers of one name. A task of which one container is not measured is not measured, and is no zero: a container that is new,
// whose counter went back, or that lacks one of both series, whose samples are old, negative, not finite, or twice there.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct cadvisor_host;  // a host's counters as its last page had them
struct cadvisor_host *cadvisor_host_new(void);
void cadvisor_host_free(struct cadvisor_host *h);  // NULL-safe

struct cadvisor_page {
    struct slice text;
    const char *cluster;   // short name
    int64_t at_ms;         // when it came, by the clock that hosts share (wire time): of samples without a time
    int64_t stale_ms;      // a sample further from at_ms than this is old
};

struct cadvisor_family {
    const char *family;
    double cores, bytes, tasks;  // of all its tasks on the host that are measured
    double largest_bytes;        // of the largest of them; 0: not known, since nothing tells which containers are one task
    bool blind;                  // that was so
};

struct cadvisor_use {
    struct cadvisor_family *families;
    size_t count;
    size_t containers, measured;  // of the cluster; of these those that count above
};

// Lives in the arena. On an error the host's counters stay as they were: those of exposition_next; ERR_NOT_FOUND: no container of the cluster is
// on the page; ERR_LIMIT: too many are.
int cadvisor_read(struct cadvisor_host *h, const struct cadvisor_page *page, struct arena *a, struct cadvisor_use *ret, struct err *err);
