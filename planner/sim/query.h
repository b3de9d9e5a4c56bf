// The cluster query language as ECS documents it: filters of ListContainerInstances and memberOf constraints.
//
//   subject   agentConnected agentVersion attribute:NAME ec2InstanceId registeredAt runningTasksCount task:group
//   operator  == != > >= < <= exists !exists in !in =~ !~, or the words equals not_equals greater_than greater_than_equal less_than
//             less_than_equal exists not_exists in not_in matches not_matches
//   argument  a literal, plain or in quotes; after in: [a, b]
//   joined by ! && ||, or not and or; ! binds closest, then &&, then ||; parentheses around whole expressions only
//
// Each subject takes the operators that the documentation names for it, others are refused; attributes and task:group take all.
// What the documentation leaves open is decided so, here and in nothing else: a subject that is not there (an attribute that the
// instance lacks) fulfils only the negations (!= !in !~ !exists); order of attributes is that of numbers where both sides are
// numbers, else of bytes; `task:group == g` means that some task of that group, desired RUNNING, is on the instance; an attribute
// without a value is the empty text. `=~` must match the whole value (pattern.h). registeredAt counts whole seconds.
//
// This is the world's own evaluator. The planner has another, written apart from it, so that each can be held against the other.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

#define WORLD_QUERY_MAX 2000  // characters

struct world_query;
// The query lives in the arena. ERR_INVALID: not an expression; the message says what was expected at which character (from 1).
int world_query_parse(const char *text, struct arena *a, const struct world_query **ret, struct err *err);

struct world_query_facts {
    bool agent_connected;
    const char *agent_version, *ec2_instance_id;
    int64_t registered_ms, running_tasks;
    void *arg;
    const char *(*attribute)(void *arg, const char *name);  // NULL: the instance lacks it
    const char *(*group)(void *arg, int n);                 // group of the n-th task wanted on it; NULL: no more
};
bool world_query_holds(const struct world_query *q, const struct world_query_facts *f);
