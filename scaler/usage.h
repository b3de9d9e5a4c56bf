// The measured use of one cluster's tasks: asked of a Prometheus, or of the cAdvisor of each host, beside the looks, kept for an hour,
// told to each snapshot.
//
// Nothing here waits for it: usage_turn asks what is due, answers come inside whatever wait the loop is in, and a look takes what is known
// then, with its age. Of a Prometheus a round is four queries (cores, bytes, tasks seen, newest sample); it counts when all are answered
// whole. A family that is missing from one of them, twice in one, not finite, negative or older than the policy allows is not measured in
// that round: unknown, never zero. The first round asks for the hour before. Secrets are read at each round, never kept.
// Circuit breakers (overflow_query) are asked for besides, of the present: its answer is whole, with no value that is not finite or negative, or is
// none; no series at all is none, since who counts may have vanished. They stay as last told for as long as use does.
// Of cAdvisor a round is a page of each host that runs tasks, a few at once; it counts when half of the hosts answered whole. What runs
// on the others is not measured. Rates need a second round, a percentile some minutes.
#pragma once

#include "base/log.h"
#include "planner/model/snapshot.h"
#include "policies/policy.h"
#include "scaler/aws/aws.h"
#include "scaler/gather.h"

struct usage;
struct usage_options {
    struct aws_clients *clients;    // borrowed, as all here
    struct transport *transport;
    const struct aws_env *env;      // of the secrets; NULL: the process environment
    const char *account;            // whose credentials sign, "" those of the environment
    int *open_pages;                // of cAdvisors, asked for just now by all who share it; NULL: not shared
    int64_t delay_ms;               // before the first round: clusters do not ask all at once
};
struct usage *usage_new(const struct usage_options *o);
void usage_free(struct usage *u);  // NULL-safe; cancels what is open
int64_t usage_due_ms(const struct usage *u, const struct policy_cluster *p);  // world time of the next round; INT64_MAX: none
void usage_turn(struct usage *u, const struct policy_cluster *p);  // p is read here only
// The hosts that run tasks, as the newest look has them; copied. Before it was called cAdvisor is not asked.
void usage_hosts(struct usage *u, const struct gather_host *hosts, size_t count);
// For who looks once: asks, and runs the transport until the round is over or until_ms (world time) has come.
void usage_wait(struct usage *u, const struct policy_cluster *p, int64_t until_ms);
// Writes s->usage, s->overflow, and what is known of each shape. Texts live in the arena. Nothing where the policy names no source.
void usage_tell(const struct usage *u, const struct policy_cluster *p, struct arena *a, struct snapshot *s);
