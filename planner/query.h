// The cluster query language of ECS, in which memberOf constraints are written: parsed once, then asked of each instance.
//
//   subject operator [argument]
//   subject:  agentConnected agentVersion attribute:NAME ec2InstanceId registeredAt runningTasksCount task:group
//   operator: == != > >= < <= exists !exists in !in =~ !~, or the words equals, not_equals, greater_than, greater_than_equal,
//             less_than, less_than_equal, not_exists, not_in, matches, not_matches
//   argument: a word; [a, b] for in; the regular expressions of regex.h for =~. Joined by && || ! and or not and parentheses.
//
// A subject that the instance does not have equals nothing, so that the negated operators hold for it. Order is by number where
// both sides are numbers, by part for versions, by time for registeredAt, else by byte. What is not understood is an error with
// the column, never a guess; what the facts do not tell is QUERY_UNKNOWN, which is neither yes nor no.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "planner/model/shape.h"

#define QUERY_TEXT_MAX 2000  // characters, ECS's own limit

enum query_answer { QUERY_NO, QUERY_YES, QUERY_UNKNOWN };

// What is known of an instance. Strings are never NULL, "" is unknown.
struct query_facts {
    const struct attribute_set *attributes;  // NULL: unknown
    bool attributes_partial;       // the set may lack some: what is not in it is unknown
    const char *zone, *type, *arch;  // stand in for the attributes of the same meaning where the set does not have them
    const char *agent_version, *ec2_instance_id;
    int agent_connected;           // 1, 0, -1 unknown
    int64_t registered_ms;         // 0 unknown
    int32_t running_tasks;         // -1 unknown
    const char *const *groups;     // of the tasks on it
    size_t group_count;
    bool groups_partial;           // there may be tasks of other groups
};

struct query;

// Parses an expression; it and what it points to belong to the arena. ERR_INVALID with "column 23: expected …" where it is not
// understood, or longer than QUERY_TEXT_MAX, or nested too deep.
int query_parse(struct arena *a, const char *text, const struct query **ret, struct err *err);
// Memory for matching comes from the arena.
enum query_answer query_ask(const struct query *q, struct arena *a, const struct query_facts *f);
// True if it speaks of attributes only: then the answer is the same for all instances with equal attributes.
bool query_is_static(const struct query *q);
// The value of an attribute as the facts tell it, NULL where the instance has none; *ret_known false where that is not known.
const char *query_attribute(const struct query_facts *f, const char *name, bool *ret_known);
