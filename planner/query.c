#include "planner/query.h"

#include <string.h>

#include "base/buf.h"
#include "base/parse.h"
#include "planner/query_node.h"

enum { DEPTH_MAX = 32, LIST_MAX = 200 };

struct parser {
    struct arena *a;
    struct err *err;
    const char *text;
    size_t at;
    int depth;
    bool failed;
};

static const struct query *fail_at(struct parser *p, size_t at, const char *what)
{
    if (!p->failed)
        err_set(p->err, ERR_INVALID, "column %zu: %s", at + 1, what);
    p->failed = true;
    return NULL;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct parser *p)
{
    while (is_space(p->text[p->at]))
        p->at++;
}

static bool ends_word(const char *c)
{
    return *c == '\0' || is_space(*c) || strchr("()[],", *c) || strncmp(c, "&&", 2) == 0 || strncmp(c, "||", 2) == 0;
}

// Takes the sign or the word if it comes next.
static bool take(struct parser *p, const char *what, bool word)
{
    size_t n = strlen(what);
    skip_space(p);
    if (strncmp(p->text + p->at, what, n) != 0 || (word && !ends_word(p->text + p->at + n)))
        return false;
    p->at += n;
    return true;
}

// ---- the argument ---------------------------------------------------------------------------------------------------------
// 'a value' or "a value": all up to the closing quote.
static const char *read_quoted(struct parser *p)
{
    size_t from = p->at + 1;
    const char *end = strchr(p->text + from, p->text[p->at]);
    if (!end) {
        fail_at(p, p->at, "expected a closing quote");
        return NULL;
    }
    size_t n = (size_t)(end - p->text) - from;
    p->at = from + n + 1;
    if (n == 0 || !ends_word(p->text + p->at)) {
        fail_at(p, n == 0 ? from : p->at, n == 0 ? "expected a value" : "expected a space after the quote");
        return NULL;
    }
    return arena_strndup(p->a, p->text + from, n);
}

static const char *read_word(struct parser *p)
{
    skip_space(p);
    size_t from = p->at;
    if (p->text[from] == '\'' || p->text[from] == '"')
        return read_quoted(p);
    while (!ends_word(p->text + p->at))
        p->at++;
    if (p->at == from) {
        fail_at(p, from, "expected a value");
        return NULL;
    }
    for (size_t k = from; k < p->at; k++)
        if (p->text[k] == '"' || p->text[k] == '\'') {
            fail_at(p, k, "a quote in a value is not understood");
            return NULL;
        }
    return arena_strndup(p->a, p->text + from, p->at - from);
}

static bool read_list(struct parser *p, struct query *q)
{
    size_t cap = 0;
    if (!take(p, "[", false)) {
        fail_at(p, p->at, "expected [ and a list of values");
        return false;
    }
    do {
        const char *value = read_word(p);
        if (!value)
            return false;
        if (q->value_count == LIST_MAX) {
            fail_at(p, p->at, "the list is too long");
            return false;
        }
        q->values = arena_grow(p->a, q->values, q->value_count, &cap, sizeof *q->values);
        q->values[q->value_count++] = value;
    } while (take(p, ",", false));
    if (take(p, "]", false))
        return true;
    fail_at(p, p->at, "expected , or ]");
    return false;
}

static bool compile_pattern(struct parser *p, struct query *q, size_t from, size_t to)
{
    const char *why = NULL;
    size_t where = 0;
    q->regex = regex_compile(p->a, (struct slice){p->text + from, to - from}, &why, &where);
    if (!q->regex)
        fail_at(p, from + where, why);
    return q->regex != NULL;
}

// A pattern in quotes is all between them; else it ends at a space, at && or ||, or at a ) that it did not open.
static bool read_pattern(struct parser *p, struct query *q)
{
    skip_space(p);
    size_t from = p->at;
    if (p->text[from] == '\'' || p->text[from] == '"')
        return read_quoted(p) && compile_pattern(p, q, from + 1, p->at - 1);
    int round = 0;
    bool set = false;
    for (const char *c = p->text + from; *c && !is_space(*c); c++, p->at++) {
        if (*c == '\\' && c[1] != '\0' && !is_space(c[1])) {
            c++;
            p->at++;
        } else if (set) {
            set = *c != ']';
        } else if (*c == '[') {
            set = true;
        } else if (*c == '(') {
            round++;
        } else if (*c == ')' && round-- == 0) {
            break;
        } else if (round == 0 && (strncmp(c, "&&", 2) == 0 || strncmp(c, "||", 2) == 0)) {
            break;
        }
    }
    if (p->at == from) {
        fail_at(p, from, "expected a pattern");
        return false;
    }
    return compile_pattern(p, q, from, p->at);
}

static bool read_time(const char *text, int64_t *ret)
{
    if (parse_iso8601_ms(slice_of(text), ret))
        return true;
    char whole[64];
    const char *rest = strlen(text) == strlen("2018-06-18") ? "T00:00:00Z" : strlen(text) == strlen("2018-06-18T22:28:28") ? "Z" : NULL;
    if (!rest)
        return false;
    snprintf(whole, sizeof whole, "%s%s", text, rest);
    return parse_iso8601_ms(slice_of(whole), ret);
}

// ---- one test -------------------------------------------------------------------------------------------------------------
#define BIT(op) (1u << (op))
#define COMPARES (BIT(OPERATOR_EQ) | BIT(OPERATOR_GT) | BIT(OPERATOR_GE) | BIT(OPERATOR_LT) | BIT(OPERATOR_LE))
#define NAMES (BIT(OPERATOR_EQ) | BIT(OPERATOR_IN) | BIT(OPERATOR_MATCHES))

static const struct {
    const char *name;
    enum query_subject subject;
    unsigned operators;  // that ECS documents for it
} subjects[] = {
    {"agentConnected", SUBJECT_AGENT_CONNECTED, NAMES},
    {"agentVersion", SUBJECT_AGENT_VERSION, COMPARES},
    {"ec2InstanceId", SUBJECT_EC2_INSTANCE, NAMES},
    {"registeredAt", SUBJECT_REGISTERED_AT, COMPARES},
    {"runningTasksCount", SUBJECT_RUNNING_TASKS, COMPARES},
    {"task:group", SUBJECT_GROUP, COMPARES | NAMES | BIT(OPERATOR_EXISTS)},
};

// Longer signs before those that they begin with.
static const struct {
    const char *sign, *word;
    enum query_operator op;
    bool inverted;
} operators[] = {
    {"==", "equals", OPERATOR_EQ, false},
    {"!=", "not_equals", OPERATOR_EQ, true},
    {">=", "greater_than_equal", OPERATOR_GE, false},
    {"<=", "less_than_equal", OPERATOR_LE, false},
    {">", "greater_than", OPERATOR_GT, false},
    {"<", "less_than", OPERATOR_LT, false},
    {"=~", "matches", OPERATOR_MATCHES, false},
    {"!~", "not_matches", OPERATOR_MATCHES, true},
    {NULL, "exists", OPERATOR_EXISTS, false},
    {NULL, "!exists", OPERATOR_EXISTS, true},
    {NULL, "not_exists", OPERATOR_EXISTS, true},
    {NULL, "in", OPERATOR_IN, false},
    {NULL, "!in", OPERATOR_IN, true},
    {NULL, "not_in", OPERATOR_IN, true},
};

static bool read_operator(struct parser *p, struct query *q, bool *ret_inverted)
{
    for (size_t k = 0; k < ARRAY_LEN(operators); k++)
        if ((operators[k].sign && take(p, operators[k].sign, false)) || take(p, operators[k].word, true)) {
            q->op = operators[k].op;
            *ret_inverted = operators[k].inverted;
            return true;
        }
    return false;
}

static bool read_subject(struct parser *p, struct query *q, unsigned *ret_operators)
{
    skip_space(p);
    size_t from = p->at;
    const char *c = p->text + from;
    for (; !ends_word(c) && !strchr("=<>!~", *c); c++)
        p->at++;
    size_t n = p->at - from;
    if (n > strlen("attribute:") && strncmp(p->text + from, "attribute:", strlen("attribute:")) == 0) {
        q->subject = SUBJECT_ATTRIBUTE;
        q->name = arena_strndup(p->a, p->text + from + strlen("attribute:"), n - strlen("attribute:"));
        *ret_operators = COMPARES | NAMES | BIT(OPERATOR_EXISTS);
        return true;
    }
    for (size_t k = 0; k < ARRAY_LEN(subjects); k++)
        if (strlen(subjects[k].name) == n && strncmp(subjects[k].name, p->text + from, n) == 0) {
            q->subject = subjects[k].subject;
            *ret_operators = subjects[k].operators;
            return true;
        }
    fail_at(p, from, "expected attribute:NAME, task:group, ec2InstanceId or another subject");
    return false;
}

static const struct query *inverted(struct parser *p, const struct query *of)
{
    struct query *q = arena_new(p->a, struct query);
    *q = (struct query){.kind = QUERY_NOT, .left = of, .is_static = of->is_static};
    return q;
}

static bool read_argument(struct parser *p, struct query *q)
{
    if (q->op == OPERATOR_EXISTS)
        return true;
    if (q->op == OPERATOR_MATCHES)
        return read_pattern(p, q);
    if (q->op == OPERATOR_IN)
        return read_list(p, q);
    const char *value = read_word(p);
    if (!value)
        return false;
    q->values = arena_array(p->a, const char *, 1);
    q->values[0] = value;
    q->value_count = 1;
    size_t at = p->at - strlen(value);
    int64_t number;
    if (q->subject == SUBJECT_REGISTERED_AT && !read_time(value, &q->time_ms))
        fail_at(p, at, "expected a date as 2018-06-18T22:28:28Z");
    if (q->subject == SUBJECT_RUNNING_TASKS && !parse_i64(slice_of(value), &number))
        fail_at(p, at, "expected a whole number");
    return !p->failed;
}

static const struct query *read_test(struct parser *p)
{
    struct query *q = arena_new(p->a, struct query);
    unsigned allowed = 0;
    bool negated = false;
    *q = (struct query){.kind = QUERY_TEST, .name = ""};
    if (!read_subject(p, q, &allowed))
        return NULL;
    skip_space(p);
    size_t at = p->at;
    if (!read_operator(p, q, &negated))
        return fail_at(p, at, "expected an operator: == != > >= < <= exists in =~ or the like");
    if (!(allowed & BIT(q->op)))
        return fail_at(p, at, "this operator is not for this subject");
    if (!read_argument(p, q))
        return NULL;
    q->is_static = q->subject == SUBJECT_ATTRIBUTE;
    return negated ? inverted(p, q) : q;
}

// ---- the whole ------------------------------------------------------------------------------------------------------------
static const struct query *read_or(struct parser *p);

static const struct query *read_one(struct parser *p)
{
    skip_space(p);
    size_t from = p->at;
    if (++p->depth > DEPTH_MAX)
        return fail_at(p, from, "nested too deep");
    const struct query *q;
    if (take(p, "(", false)) {
        q = read_or(p);
        if (q && !take(p, ")", false))
            q = fail_at(p, p->at, "expected ), && or ||");
    } else if (take(p, "!", false) || take(p, "not", true)) {
        q = read_one(p);
        q = q ? inverted(p, q) : NULL;
    } else {
        q = read_test(p);
    }
    p->depth--;
    return q;
}

static const struct query *join(struct parser *p, enum query_kind kind, const struct query *left, const struct query *right)
{
    struct query *q = arena_new(p->a, struct query);
    *q = (struct query){.kind = kind, .left = left, .right = right, .is_static = left->is_static && right->is_static};
    return q;
}

static const struct query *read_and(struct parser *p)
{
    const struct query *q = read_one(p);
    while (q && (take(p, "&&", false) || take(p, "and", true))) {
        const struct query *right = read_one(p);
        q = right ? join(p, QUERY_AND, q, right) : NULL;
    }
    return q;
}

static const struct query *read_or(struct parser *p)
{
    const struct query *q = read_and(p);
    while (q && (take(p, "||", false) || take(p, "or", true))) {
        const struct query *right = read_and(p);
        q = right ? join(p, QUERY_OR, q, right) : NULL;
    }
    return q;
}

int query_parse(struct arena *a, const char *text, const struct query **ret, struct err *err)
{
    struct parser p = {.a = a, .err = err, .text = text};
    if (strnlen(text, QUERY_TEXT_MAX + 1) > QUERY_TEXT_MAX)
        return err_set(err, ERR_INVALID, "column %d: longer than %d characters", QUERY_TEXT_MAX + 1, QUERY_TEXT_MAX);
    const struct query *q = read_or(&p);
    skip_space(&p);
    if (q && text[p.at] != '\0')
        q = fail_at(&p, p.at, "expected && or ||, or the end");
    if (!q)
        return ERR_INVALID;
    *ret = q;
    return 0;
}

bool query_is_static(const struct query *q)
{
    return q->is_static;
}
