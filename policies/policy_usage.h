// Where the measured use of a cluster's tasks comes from, and what it counts for. Read by the key table into struct policy_cluster.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum usage_unknown {
    USAGE_UNKNOWN_HOLD,         // nothing is drained while the use is not known
    USAGE_UNKNOWN_RESERVATION,  // what a task reserves counts in its place
    USAGE_UNKNOWN_COUNT
};

struct policy_usage {
    const char *url;            // of a Prometheus, "http://prometheus:9090"; "" none
    const char *user, *password_env, *password_file;  // basic; "" none
    const char *bearer_env, *bearer_file;
    const char *ca_file;
    const char *sigv4_region;   // signs for Amazon Managed Prometheus in that region; "" does not
    const char *label;          // of the results: whose value is the family
    const char *cpu_query, *memory_query, *tasks_query, *fresh_query;  // $cluster and $label are put in
    const char *largest_query;  // "" is not asked
    const char *overflow_query; // above 0 while callers' circuit breakers are open; "" or NULL is not asked
    int64_t cadvisor_port;      // of the cAdvisor on each host; 0 is not asked
    const char *cadvisor_path;
    int64_t every_ms, stale_ms;
    int64_t ceiling_percent;    // of an instance, that its tasks use at most for it to be called not full
    enum usage_unknown on_unknown;
};

// What is older is not known any more.
static inline int64_t policy_usage_age_ms(const struct policy_usage *u)
{
    return u->stale_ms > 2 * u->every_ms ? u->stale_ms : 2 * u->every_ms;
}

static inline bool policy_usage_queried(const struct policy_usage *u)
{
    return u->url && u->url[0];
}

static inline bool policy_usage_overflow_asked(const struct policy_usage *u)
{
    return policy_usage_queried(u) && u->overflow_query && u->overflow_query[0];
}

// A source of use is named.
static inline bool policy_usage_named(const struct policy_usage *u)
{
    return policy_usage_queried(u) || u->cadvisor_port > 0;
}
