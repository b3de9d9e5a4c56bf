#include <string.h>

#include "base/parse.h"
#include "planner/sim/query_tree.h"

static int order(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

// Versions by their numbers from the left: 1.9.0 is older than 1.10.0; what is missing counts as 0.
static int order_of_versions(const char *a, const char *b)
{
    struct slice x = slice_of(a), y = slice_of(b);
    while (x.len > 0 || y.len > 0) {
        int64_t left = 0, right = 0;
        struct slice l = slice_cut(&x, '.'), r = slice_cut(&y, '.');
        bool numbers = (l.len == 0 || parse_i64(l, &left)) && (r.len == 0 || parse_i64(r, &right));
        int by = numbers ? order(left, right) : strcmp(a, b);
        if (by != 0)
            return by;
    }
    return 0;
}

static int order_of_values(const char *a, const char *b)
{
    double x, y;
    if (parse_double(slice_of(a), &x) && parse_double(slice_of(b), &y))
        return (x > y) - (x < y);
    return strcmp(a, b);
}

static bool by_order(enum query_op op, int by)
{
    switch (op) {
    case QO_GREATER:
        return by > 0;
    case QO_GREATER_EQUAL:
        return by >= 0;
    case QO_LESS:
        return by < 0;
    case QO_LESS_EQUAL:
        return by <= 0;
    case QO_EQUAL:
    case QO_NOT_EQUAL:
    case QO_EXISTS:
    case QO_NOT_EXISTS:
    case QO_IN:
    case QO_NOT_IN:
    case QO_MATCHES:
    case QO_NOT_MATCHES:
        break;
    }
    return by == 0;
}

static enum query_op without_not(enum query_op op)
{
    return op == QO_NOT_EQUAL ? QO_EQUAL : op == QO_NOT_IN ? QO_IN : op == QO_NOT_MATCHES ? QO_MATCHES : op == QO_NOT_EXISTS ? QO_EXISTS : op;
}

// A positive operator on a value that is there.
static bool value_fulfils(const struct world_query *q, enum query_op op, const char *value)
{
    if (op == QO_EXISTS)
        return true;
    if (op == QO_MATCHES)
        return world_pattern_matches(q->pattern, value);
    if (op == QO_EQUAL || op == QO_IN) {
        for (int i = 0; i < q->arg_count; i++)
            if (!strcmp(value, q->args[i]))
                return true;
        return false;
    }
    int by = q->subject == QS_AGENT_VERSION ? order_of_versions(value, q->args[0]) : order_of_values(value, q->args[0]);
    return by_order(op, by);
}

static bool some_group_fulfils(const struct world_query *q, enum query_op op, const struct world_query_facts *f)
{
    const char *group;
    for (int n = 0; (group = f->group(f->arg, n)) != NULL; n++)
        if (value_fulfils(q, op, group))
            return true;
    return false;
}

static bool test_positive(const struct world_query *q, enum query_op op, const struct world_query_facts *f)
{
    switch (q->subject) {
    case QS_ATTRIBUTE: {
        const char *value = f->attribute(f->arg, q->name);
        return value && value_fulfils(q, op, value);
    }
    case QS_AGENT_CONNECTED:
        return value_fulfils(q, op, f->agent_connected ? "true" : "false");
    case QS_AGENT_VERSION:
        if (op == QO_EQUAL)
            return order_of_versions(f->agent_version, q->args[0]) == 0;
        return value_fulfils(q, op, f->agent_version);
    case QS_EC2_INSTANCE_ID:
        return value_fulfils(q, op, f->ec2_instance_id);
    case QS_REGISTERED_AT:
        return by_order(op, order(f->registered_ms / 1000, q->number));
    case QS_RUNNING_TASKS:
        return by_order(op, order(f->running_tasks, q->number));
    case QS_TASK_GROUP:
        return some_group_fulfils(q, op, f);
    }
    return false;
}

bool world_query_holds(const struct world_query *q, const struct world_query_facts *f)
{
    switch (q->kind) {
    case QK_AND:
        return world_query_holds(q->a, f) && world_query_holds(q->b, f);
    case QK_OR:
        return world_query_holds(q->a, f) || world_query_holds(q->b, f);
    case QK_NOT:
        return !world_query_holds(q->a, f);
    case QK_TEST:
        break;
    }
    enum query_op positive = without_not(q->op);
    return test_positive(q, positive, f) != (positive != q->op);
}
