#include <assert.h>
#include <string.h>

#include "base/parse.h"
#include "planner/query_node.h"

static enum query_answer answer(bool yes)
{
    return yes ? QUERY_YES : QUERY_NO;
}

const char *query_attribute(const struct query_facts *f, const char *name, bool *ret_known)
{
    const struct {
        const char *name, *value;
    } same[] = {{"ecs.availability-zone", f->zone}, {"ecs.instance-type", f->type}, {"ecs.cpu-architecture", f->arch}};
    const struct attribute *x = f->attributes ? attribute_find(f->attributes, name) : NULL;
    *ret_known = true;
    if (x)
        return x->value;
    for (size_t k = 0; k < ARRAY_LEN(same); k++)
        if (same[k].value[0] && strcmp(same[k].name, name) == 0)
            return same[k].value;
    *ret_known = f->attributes && !f->attributes_partial;
    return NULL;
}

// ---- order ----------------------------------------------------------------------------------------------------------------
static int64_t next_part(const char **s)
{
    int64_t n = 0;
    while (**s >= '0' && **s <= '9' && n < INT64_C(1000000000000))
        n = n * 10 + (*(*s)++ - '0');
    while (**s && **s != '.')
        (*s)++;
    *s += **s == '.';
    return n;
}

static int compare_versions(const char *a, const char *b)
{
    while (*a || *b) {
        int64_t x = next_part(&a), y = next_part(&b);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

static int compare_words(const char *a, const char *b)
{
    double x, y;
    if (parse_double(slice_of(a), &x) && parse_double(slice_of(b), &y))
        return (x > y) - (x < y);
    int order = strcmp(a, b);
    return (order > 0) - (order < 0);
}

static enum query_answer by_order(enum query_operator op, int order)
{
    switch (op) {
    case OPERATOR_EQ:
        return answer(order == 0);
    case OPERATOR_GT:
        return answer(order > 0);
    case OPERATOR_GE:
        return answer(order >= 0);
    case OPERATOR_LT:
        return answer(order < 0);
    case OPERATOR_LE:
        return answer(order <= 0);
    case OPERATOR_EXISTS:
    case OPERATOR_IN:
    case OPERATOR_MATCHES:
        break;
    }
    return QUERY_UNKNOWN;
}

// ---- one test -------------------------------------------------------------------------------------------------------------
static bool word_holds(const struct query *q, struct arena *a, const char *word)
{
    switch (q->op) {
    case OPERATOR_EXISTS:
        return true;
    case OPERATOR_EQ:
    case OPERATOR_IN:
        for (size_t k = 0; k < q->value_count; k++)
            if (strcmp(q->values[k], word) == 0)
                return true;
        return false;
    case OPERATOR_MATCHES:
        return regex_matches(q->regex, a, word);
    case OPERATOR_GT:
    case OPERATOR_GE:
    case OPERATOR_LT:
    case OPERATOR_LE:
        break;
    }
    return by_order(q->op, compare_words(word, q->values[0])) == QUERY_YES;
}

static enum query_answer ask_group(const struct query *q, struct arena *a, const struct query_facts *f)
{
    for (size_t k = 0; k < f->group_count; k++)
        if (word_holds(q, a, f->groups[k]))
            return QUERY_YES;
    return f->groups_partial ? QUERY_UNKNOWN : QUERY_NO;
}

static enum query_answer ask_word(const struct query *q, struct arena *a, const char *word)
{
    return word[0] ? answer(word_holds(q, a, word)) : QUERY_UNKNOWN;
}

static enum query_answer ask_test(const struct query *q, struct arena *a, const struct query_facts *f)
{
    bool known;
    const char *value;
    int64_t number;
    switch (q->subject) {
    case SUBJECT_ATTRIBUTE:
        value = query_attribute(f, q->name, &known);
        if (value)
            return answer(word_holds(q, a, value));
        return known ? QUERY_NO : QUERY_UNKNOWN;
    case SUBJECT_AGENT_CONNECTED:
        return ask_word(q, a, f->agent_connected < 0 ? "" : f->agent_connected ? "true" : "false");
    case SUBJECT_AGENT_VERSION:
        return f->agent_version[0] ? by_order(q->op, compare_versions(f->agent_version, q->values[0])) : QUERY_UNKNOWN;
    case SUBJECT_EC2_INSTANCE:
        return ask_word(q, a, f->ec2_instance_id);
    case SUBJECT_REGISTERED_AT:
        if (f->registered_ms == 0)
            return QUERY_UNKNOWN;
        return by_order(q->op, (f->registered_ms > q->time_ms) - (f->registered_ms < q->time_ms));
    case SUBJECT_RUNNING_TASKS:
        if (f->running_tasks < 0 || !parse_i64(slice_of(q->values[0]), &number))
            return QUERY_UNKNOWN;
        return by_order(q->op, (f->running_tasks > number) - (f->running_tasks < number));
    case SUBJECT_GROUP:
        return ask_group(q, a, f);
    }
    return QUERY_UNKNOWN;
}

enum query_answer query_ask(const struct query *q, struct arena *a, const struct query_facts *f)
{
    enum query_answer left, right;
    switch (q->kind) {
    case QUERY_TEST:
        return ask_test(q, a, f);
    case QUERY_NOT:
        left = query_ask(q->left, a, f);
        return left == QUERY_UNKNOWN ? left : answer(left == QUERY_NO);
    case QUERY_AND:
        left = query_ask(q->left, a, f);
        if (left == QUERY_NO)
            return QUERY_NO;
        right = query_ask(q->right, a, f);
        return right == QUERY_NO || left == QUERY_YES ? right : left;
    case QUERY_OR:
        left = query_ask(q->left, a, f);
        if (left == QUERY_YES)
            return QUERY_YES;
        right = query_ask(q->right, a, f);
        return right == QUERY_YES || left == QUERY_NO ? right : left;
    }
    assert(!"a kind of query without a case");
    return QUERY_UNKNOWN;
}
