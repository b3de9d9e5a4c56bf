// What a cluster query is made of, for query.c (which reads it) and query_eval.c (which holds it against an instance) only.
#pragma once

#include "planner/sim/pattern.h"
#include "planner/sim/query.h"

enum query_kind { QK_TEST, QK_AND, QK_OR, QK_NOT };
enum query_subject { QS_ATTRIBUTE, QS_AGENT_CONNECTED, QS_AGENT_VERSION, QS_EC2_INSTANCE_ID, QS_REGISTERED_AT, QS_RUNNING_TASKS, QS_TASK_GROUP };
enum query_op {
    QO_EQUAL, QO_NOT_EQUAL, QO_GREATER, QO_GREATER_EQUAL, QO_LESS, QO_LESS_EQUAL, QO_EXISTS, QO_NOT_EXISTS, QO_IN, QO_NOT_IN, QO_MATCHES,
    QO_NOT_MATCHES
};
#define QO_EQUALITY ((1u << QO_EQUAL) | (1u << QO_NOT_EQUAL))
#define QO_ORDER ((1u << QO_GREATER) | (1u << QO_GREATER_EQUAL) | (1u << QO_LESS) | (1u << QO_LESS_EQUAL))
#define QO_LISTS ((1u << QO_IN) | (1u << QO_NOT_IN))
#define QO_PATTERNS ((1u << QO_MATCHES) | (1u << QO_NOT_MATCHES))

struct world_query {
    enum query_kind kind;
    const struct world_query *a, *b;  // of the joined kinds; QK_NOT has only a
    enum query_subject subject;
    const char *name;                 // of the attribute
    enum query_op op;
    const char **args;
    int arg_count;
    const struct world_pattern *pattern;
    int64_t number;                   // the argument as seconds or as a count
};
