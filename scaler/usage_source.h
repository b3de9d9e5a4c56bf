// What the two sources of use share with their keeper (usage.c): a round each, whose measurements go into one book.
//
// usage_queries.c asks a Prometheus, usage_scrapes.c the cAdvisors of the hosts. A round that counts sets good_ms; `error` says why
// it does not, or what was missing in one that does. Both are of the loop's thread and wait for nothing.
#pragma once

#include "scaler/metrics/book.h"
#include "scaler/usage.h"

#define USAGE_CPU_UNITS_A_CORE 1024.0
#define USAGE_BYTES_A_MIB 1048576.0

struct usage_queries;
struct usage_scrapes;

struct usage {
    struct usage_options o;
    struct book *book;
    int64_t next_ms, good_ms;  // world time; of the last round that counted, 0 never
    int64_t stale_ms;          // of the policy, when the round began
    char error[400];           // "" the last round counted whole
    int64_t overflow_ms;       // of the last answer to the overflow query that counted, 0 never
    char overflow_error[400], overflowing[240];
    struct usage_queries *queries;
    struct usage_scrapes *scrapes;
};

// Of all tasks of a family; largest: of the largest of them, 0 not known.
static inline struct book_use usage_of(double cores, double bytes, double largest)
{
    return (struct book_use){cores * USAGE_CPU_UNITS_A_CORE, bytes / USAGE_BYTES_A_MIB, largest / USAGE_BYTES_A_MIB};
}

struct usage_queries *usage_queries_new(struct usage *u);
void usage_queries_free(struct usage_queries *q);  // NULL-safe; cancels what is open
bool usage_queries_open(const struct usage_queries *q);
void usage_queries_begin(struct usage_queries *q, const struct policy_cluster *p);

struct usage_scrapes *usage_scrapes_new(struct usage *u);
void usage_scrapes_free(struct usage_scrapes *s);  // NULL-safe; cancels what is open
bool usage_scrapes_open(const struct usage_scrapes *s);
bool usage_scrapes_told(const struct usage_scrapes *s);  // of the hosts
void usage_scrapes_hosts(struct usage_scrapes *s, const struct gather_host *hosts, size_t count);
void usage_scrapes_begin(struct usage_scrapes *s, const struct policy_cluster *p);
void usage_scrapes_turn(struct usage_scrapes *s);  // goes on where others had taken all places
