// Right size: what a service's tasks reserve against what they use, what they should reserve, and what the difference costs.
//
// From five minutes' highs of a window: of the use of all its tasks, of what they reserve, and of how many ran. One task's use is the use
// of all over how many ran: a mean, since that is how it is measured; of memory also that of the largest task, where it is known. Sources: safety margin of 15 % and memory by its peak, as the
// recommender of the Kubernetes Vertical Pod Autoscaler has them; percentiles by nearest rank.
//
// CPU is shared, and more than reserved slows a task only while its instance is full: the suggestion is the 95th percentile plus the
// margin, or the 99th where that is twice as high (spiky use), and says what share of the time was above it. Memory beyond a limit is a
// kill: never below the highest that was seen of any task plus the margin; and where several tasks were measured as their mean only, for
// more than a twentieth of the time, one of them may have used more than any number here, so then it is not advised lower at all.
// Below a week of history, or without a measurement, nothing is advised. Pure; the caller's arena.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum rightsize_kind {
    RIGHTSIZE_UNKNOWN,  // no use known, or for less than a week: no advice
    RIGHTSIZE_FITS,
    RIGHTSIZE_LOWER,    // it reserves at least a tenth too much
    RIGHTSIZE_RAISE,    // it uses more than it reserves
    RIGHTSIZE_KIND_COUNT
};
const char *rightsize_kind_name(enum rightsize_kind k);  // "unknown", "fits", "lower", "raise"

// Of one task; a unit of CPU is 1/1024 vCPU, of memory a MiB.
struct rightsize_amount {
    enum rightsize_kind kind;
    int64_t reserved;
    int64_t p50, p95, p99, max;   // used; 0 where samples is 0
    int64_t suggested;            // reservation; of RIGHTSIZE_UNKNOWN 0, of FITS what is reserved
    int32_t above_permyriad;      // share of the samples that used more than `suggested`; a risk only where suggested > 0
    bool mean_only;               // memory: several tasks ran and the largest was not known, so a single one may have used more
    double wasted;                // mean over the window of what all its tasks reserved and did not use, in units
};

struct rightsize {
    int64_t samples;              // five-minute highs in which use and tasks were known
    int64_t seen_ms;              // from the first of them to the end of the last
    struct rightsize_amount cpu, memory;
    const char *fact, *verdict;   // fact -> verdict; the arena's or constant
};

// Oldest first, NaN where unknown; of all tasks of the service together.
struct rightsize_ask {
    const double *used_cpu, *used_memory, *reserved_cpu, *reserved_memory, *running;
    const double *largest_memory;  // of one task, of that which used most
    size_t count;
    int64_t step_ms;
    int64_t task_cpu_units, task_memory_mib;  // that one task reserves now; CPU may be 0
    bool shape_known;                         // false: what it reserves is not known, nothing is advised
};

#define RIGHTSIZE_SEEN_MS (INT64_C(7) * 86400000)
enum { RIGHTSIZE_SAMPLES_MIN = 1000 };  // half of a week's

struct rightsize rightsize_of(const struct rightsize_ask *ask, struct arena *a);

// The wasted part of an hour's price, in micro-dollars, where a vCPU-hour and a GiB-hour cost this.
int64_t rightsize_wasted_usd_micro(const struct rightsize *r, double vcpu_usd_micro, double gib_usd_micro);
