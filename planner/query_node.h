// A parsed cluster query as a tree: private to query.c, which makes it, and query_ask.c, which reads it.
#pragma once

#include "planner/query.h"
#include "planner/regex.h"

enum query_subject {
    SUBJECT_AGENT_CONNECTED,
    SUBJECT_AGENT_VERSION,
    SUBJECT_ATTRIBUTE,
    SUBJECT_EC2_INSTANCE,
    SUBJECT_REGISTERED_AT,
    SUBJECT_RUNNING_TASKS,
    SUBJECT_GROUP,
};

enum query_operator { OPERATOR_EQ, OPERATOR_GT, OPERATOR_GE, OPERATOR_LT, OPERATOR_LE, OPERATOR_EXISTS, OPERATOR_IN, OPERATOR_MATCHES };

enum query_kind { QUERY_AND, QUERY_OR, QUERY_NOT, QUERY_TEST };

struct query {
    enum query_kind kind;
    const struct query *left, *right;  // right: AND and OR only
    enum query_subject subject;        // from here on: TEST
    const char *name;                  // of the attribute
    enum query_operator op;
    const char **values;               // the argument, or the list's
    size_t value_count;
    const struct regex *regex;
    int64_t time_ms;                   // registeredAt: the argument
    bool is_static;                    // by attributes only, all below too
};
