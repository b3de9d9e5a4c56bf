#include "planner/sim/query.h"

#include <string.h>

#include "base/parse.h"
#include "planner/sim/query_tree.h"

enum { DEPTH = 50, ARGS = 100, NAME = 512 };

struct reader {
    const char *text;
    size_t at;
    int depth;
    struct arena *arena;
    struct err *err;
};

static const struct {
    const char *name;
    enum query_subject subject;
    unsigned ops;  // bits of enum query_op
} subjects[] = {
    {"agentConnected", QS_AGENT_CONNECTED, QO_EQUALITY | QO_LISTS | QO_PATTERNS},
    {"agentVersion", QS_AGENT_VERSION, QO_EQUALITY | QO_ORDER},
    {"ec2InstanceId", QS_EC2_INSTANCE_ID, QO_EQUALITY | QO_LISTS | QO_PATTERNS},
    {"registeredAt", QS_REGISTERED_AT, QO_EQUALITY | QO_ORDER},
    {"runningTasksCount", QS_RUNNING_TASKS, QO_EQUALITY | QO_ORDER},
    {"task:group", QS_TASK_GROUP, ~0u},
};

// Longer signs before those that they begin with.
static const struct {
    const char *text;
    enum query_op op;
} operators[] = {
    {"==", QO_EQUAL}, {"!=", QO_NOT_EQUAL}, {">=", QO_GREATER_EQUAL}, {"<=", QO_LESS_EQUAL}, {"=~", QO_MATCHES}, {"!~", QO_NOT_MATCHES},
    {">", QO_GREATER}, {"<", QO_LESS}, {"!exists", QO_NOT_EXISTS}, {"!in", QO_NOT_IN}, {"equals", QO_EQUAL}, {"not_equals", QO_NOT_EQUAL},
    {"greater_than_equal", QO_GREATER_EQUAL}, {"greater_than", QO_GREATER}, {"less_than_equal", QO_LESS_EQUAL}, {"less_than", QO_LESS},
    {"exists", QO_EXISTS}, {"not_exists", QO_NOT_EXISTS}, {"in", QO_IN}, {"not_in", QO_NOT_IN}, {"matches", QO_MATCHES},
    {"not_matches", QO_NOT_MATCHES},
};

static int wrong(const struct reader *r, const char *expected)
{
    if (r->text[r->at] == '\0')
        return err_set(r->err, ERR_INVALID, "expression, at its end: expected %s", expected);
    return err_set(r->err, ERR_INVALID, "expression, character %zu (\"%.20s\"): expected %s", r->at + 1, r->text + r->at, expected);
}

static void skip_space(struct reader *r)
{
    while (r->text[r->at] == ' ' || r->text[r->at] == '\t' || r->text[r->at] == '\n' || r->text[r->at] == '\r')
        r->at++;
}

static bool in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("_.-:/\\", c));
}

// Takes a sign, or a word that ends there.
static bool take(struct reader *r, const char *text)
{
    size_t len = strlen(text);
    if (strncmp(r->text + r->at, text, len) != 0)
        return false;
    if (in_word(text[len - 1]) && in_word(r->text[r->at + len]))
        return false;
    r->at += len;
    return true;
}

static bool ends_plain(const char *at, bool pattern)
{
    if (*at == '\0' || strchr(" \t\n\r()", *at))
        return true;
    if (!strncmp(at, "&&", 2) || !strncmp(at, "||", 2))
        return true;
    return !pattern && strchr(",[]!<>=", *at);
}

static int read_literal(struct reader *r, bool pattern, const char **ret)
{
    skip_space(r);
    const char *begin = r->text + r->at;
    if (*begin == '\'' || *begin == '"') {
        const char *end = strchr(begin + 1, *begin);
        if (!end)
            return wrong(r, "the closing quote");
        *ret = arena_strndup(r->arena, begin + 1, (size_t)(end - begin - 1));
        r->at = (size_t)(end + 1 - r->text);
        return 0;
    }
    const char *end = begin;
    while (!ends_plain(end, pattern))
        end++;
    if (end == begin)
        return wrong(r, "a value");
    r->at = (size_t)(end - r->text);
    if (*end == '(')
        return wrong(r, "no parenthesis within an expression");
    *ret = arena_strndup(r->arena, begin, (size_t)(end - begin));
    return 0;
}

static int read_list(struct reader *r, struct world_query *q)
{
    const char *items[ARGS];
    skip_space(r);
    if (!take(r, "["))
        return wrong(r, "a list: [a, b]");
    do {
        if (q->arg_count == ARGS)
            return wrong(r, "at most 100 values");
        int rc = read_literal(r, false, &items[q->arg_count]);
        if (rc < 0)
            return rc;
        q->arg_count++;
        skip_space(r);
    } while (take(r, ","));
    if (!take(r, "]"))
        return wrong(r, ", or ]");
    q->args = arena_array(r->arena, const char *, (size_t)q->arg_count);
    memcpy(q->args, items, (size_t)q->arg_count * sizeof *items);
    return 0;
}

// 2018-06-18T22:28:28+00:00, 2018-06-18T22:28:28Z, 2018-06-18T22:28:28 or 2018-06-18; without a zone it is UTC.
static bool read_date(struct reader *r, const char *text, int64_t *ret_s)
{
    static const char *const endings[] = {"", "Z", "T00:00:00Z"};
    int64_t ms = 0;
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (parse_iso8601_ms(slice_of(arena_printf(r->arena, "%s%s", text, endings[i])), &ms)) {
            *ret_s = ms / 1000;
            return true;
        }
    return false;
}

static int read_argument(struct reader *r, struct world_query *q)
{
    bool pattern = q->op == QO_MATCHES || q->op == QO_NOT_MATCHES;
    if (q->op == QO_EXISTS || q->op == QO_NOT_EXISTS)
        return 0;
    if (q->op == QO_IN || q->op == QO_NOT_IN)
        return read_list(r, q);
    q->args = arena_array(r->arena, const char *, 1);
    q->arg_count = 1;
    size_t before = r->at;
    int rc = read_literal(r, pattern, &q->args[0]);
    if (rc < 0)
        return rc;
    if (pattern)
        return world_pattern_compile(slice_of(q->args[0]), r->arena, &q->pattern, r->err);
    if (q->subject == QS_REGISTERED_AT && !read_date(r, q->args[0], &q->number)) {
        r->at = before;
        return wrong(r, "a date as 2018-06-18T22:28:28Z");
    }
    if (q->subject == QS_RUNNING_TASKS && !parse_i64(slice_of(q->args[0]), &q->number)) {
        r->at = before;
        return wrong(r, "a whole number");
    }
    return 0;
}

static int read_subject(struct reader *r, struct world_query *q, unsigned *ret_ops)
{
    size_t begin = r->at, end = begin;
    while (in_word(r->text[end]))
        end++;
    struct slice word = {r->text + begin, end - begin};
    *ret_ops = ~0u;
    if (slice_starts(word, "attribute:")) {
        size_t len = word.len - strlen("attribute:");
        if (len == 0 || len > NAME)
            return wrong(r, "the name of an attribute");
        q->subject = QS_ATTRIBUTE;
        q->name = arena_strndup(r->arena, word.ptr + strlen("attribute:"), len);
        r->at = end;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        if (!slice_eq_str(word, subjects[i].name))
            continue;
        q->subject = subjects[i].subject;
        *ret_ops = subjects[i].ops;
        r->at = end;
        return 0;
    }
    return wrong(r, "agentConnected, agentVersion, attribute:NAME, ec2InstanceId, registeredAt, runningTasksCount or task:group");
}

static int read_test(struct reader *r, const struct world_query **ret)
{
    struct world_query *q = arena_new(r->arena, struct world_query);
    unsigned ops;
    q->kind = QK_TEST;
    int rc = read_subject(r, q, &ops);
    if (rc < 0)
        return rc;
    skip_space(r);
    size_t begin = r->at, i = 0;
    while (i < ARRAY_LEN(operators) && !take(r, operators[i].text))
        i++;
    if (i == ARRAY_LEN(operators))
        return wrong(r, "an operator");
    q->op = operators[i].op;
    if (!(ops >> q->op & 1)) {
        r->at = begin;
        return wrong(r, "an operator that this subject has");
    }
    *ret = q;
    return read_argument(r, q);
}

static int read_or(struct reader *r, const struct world_query **ret);

static const struct world_query *joined(struct reader *r, enum query_kind kind, const struct world_query *a, const struct world_query *b)
{
    struct world_query *q = arena_new(r->arena, struct world_query);
    q->kind = kind;
    q->a = a;
    q->b = b;
    return q;
}

static int read_term(struct reader *r, const struct world_query **ret)
{
    skip_space(r);
    if (r->depth == DEPTH)
        return wrong(r, "fewer parentheses and negations");
    const struct world_query *inner = NULL;
    int rc;
    if (take(r, "(")) {
        r->depth++;
        rc = read_or(r, ret);
        r->depth--;
        skip_space(r);
        return rc < 0 ? rc : take(r, ")") ? 0 : wrong(r, "&&, || or )");
    }
    if (take(r, "!") || take(r, "not")) {
        r->depth++;
        rc = read_term(r, &inner);
        r->depth--;
        *ret = joined(r, QK_NOT, inner, NULL);
        return rc;
    }
    return read_test(r, ret);
}

static int read_and(struct reader *r, const struct world_query **ret)
{
    int rc = read_term(r, ret);
    skip_space(r);
    while (rc == 0 && (take(r, "&&") || take(r, "and"))) {
        const struct world_query *right = NULL;
        rc = read_term(r, &right);
        *ret = joined(r, QK_AND, *ret, right);
        skip_space(r);
    }
    return rc;
}

static int read_or(struct reader *r, const struct world_query **ret)
{
    int rc = read_and(r, ret);
    while (rc == 0 && (take(r, "||") || take(r, "or"))) {
        const struct world_query *right = NULL;
        rc = read_and(r, &right);
        *ret = joined(r, QK_OR, *ret, right);
    }
    return rc;
}

int world_query_parse(const char *text, struct arena *a, const struct world_query **ret, struct err *err)
{
    struct reader r = {.text = text, .arena = a, .err = err};
    if (strlen(text) > WORLD_QUERY_MAX)
        return err_set(err, ERR_INVALID, "expression: longer than %d characters", WORLD_QUERY_MAX);
    const struct world_query *q = NULL;
    int rc = read_or(&r, &q);
    if (rc < 0)
        return rc;
    if (r.text[r.at] != '\0')
        return wrong(&r, "&&, || or the end");
    *ret = q;
    return 0;
}
