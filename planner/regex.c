#include "planner/regex.h"

#include <stdint.h>
#include <string.h>

enum { STEPS_MAX = 1000, DEPTH_MAX = 32, REPEAT_MAX = 255 };

// A step of the machine: eat a byte of the set and go on, go two ways, or be done.
enum step_kind { STEP_SET, STEP_SPLIT, STEP_JUMP, STEP_DONE };
struct byte_set {
    uint64_t bits[4];
};
struct step {
    enum step_kind kind;
    int to, other;
    const struct byte_set *set;
};

struct regex {
    struct step *steps;
    int count;
};

// ---- the pattern as a tree ------------------------------------------------------------------------------------------------
enum node_kind { NODE_EMPTY, NODE_SET, NODE_CAT, NODE_ALT, NODE_REPEAT };
struct node {
    enum node_kind kind;
    struct node *left, *right;
    struct byte_set set;
    int least, most;  // NODE_REPEAT; most -1: no end
};

struct reader {
    struct arena *a;
    struct slice p;
    size_t at;
    int depth;
    const char *why;
};

static struct node *refuse(struct reader *r, const char *why)
{
    if (!r->why)
        r->why = why;
    return NULL;
}

static int peek(const struct reader *r)
{
    return r->at < r->p.len ? (unsigned char)r->p.ptr[r->at] : -1;
}

static struct node *node_new(struct reader *r, enum node_kind kind, struct node *left, struct node *right)
{
    struct node *n = arena_new(r->a, struct node);
    n->kind = kind;
    n->left = left;
    n->right = right;
    return n;
}

static void set_add(struct byte_set *s, int from, int to)
{
    for (int c = from; c <= to; c++)
        s->bits[c / 64] |= UINT64_C(1) << (c % 64);
}

static void set_invert(struct byte_set *s)
{
    for (int k = 0; k < 4; k++)
        s->bits[k] = ~s->bits[k];
}

static bool set_has(const struct byte_set *s, unsigned char c)
{
    return s->bits[c / 64] >> (c % 64) & 1;
}

// The set that a letter behind a backslash stands for; false when it stands for none.
static bool set_named(int letter, struct byte_set *ret)
{
    struct byte_set s = {{0}};
    switch (letter) {
    case 'd':
    case 'D':
        set_add(&s, '0', '9');
        break;
    case 'w':
    case 'W':
        set_add(&s, '0', '9');
        set_add(&s, 'A', 'Z');
        set_add(&s, 'a', 'z');
        set_add(&s, '_', '_');
        break;
    case 's':
    case 'S':
        set_add(&s, '\t', '\r');
        set_add(&s, ' ', ' ');
        break;
    default:
        return false;
    }
    if (letter < 'a')
        set_invert(&s);
    *ret = s;
    return true;
}

static bool is_word(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// Behind a backslash: a set, or one character that means itself. Returns the character, -1 for a set, -2 for a refusal.
static int read_escape(struct reader *r, struct byte_set *ret)
{
    r->at++;
    int c = peek(r);
    if (c >= 0 && set_named(c, ret)) {
        r->at++;
        return -1;
    }
    if (c < 0 || is_word(c) || c > 126 || c < 32) {
        refuse(r, "this escape is not understood");
        return -2;
    }
    r->at++;
    set_add(ret, c, c);
    return c;
}

// One member of a set; *ret_first is its character, or -1 where it is a set of its own.
static bool read_member(struct reader *r, struct byte_set *set, int *ret_first)
{
    int c = peek(r);
    if (c == '\\') {
        struct byte_set one = {{0}};
        *ret_first = read_escape(r, &one);
        for (int k = 0; k < 4 && *ret_first != -2; k++)
            set->bits[k] |= one.bits[k];
        return *ret_first != -2;
    }
    if (c < 32 || c > 126 || c == '[' || (c == '&' && r->at + 1 < r->p.len && r->p.ptr[r->at + 1] == '&')) {
        refuse(r, c < 0 ? "a set is not closed" : "a set of this kind is not understood");
        return false;
    }
    r->at++;
    set_add(set, c, c);
    *ret_first = c;
    return true;
}

static struct node *read_set(struct reader *r)
{
    struct node *n = node_new(r, NODE_SET, NULL, NULL);
    r->at++;
    bool inverted = peek(r) == '^';
    r->at += inverted;
    if (peek(r) == ']')
        return refuse(r, "an empty set");
    while (peek(r) != ']') {
        int first = -1, last = -1;
        struct byte_set end = {{0}};
        if (!read_member(r, &n->set, &first))
            return NULL;
        bool range = peek(r) == '-' && r->at + 1 < r->p.len && r->p.ptr[r->at + 1] != ']';
        if (!range)
            continue;
        r->at++;
        if (!read_member(r, &end, &last))
            return NULL;
        if (first < 0 || last < first)
            return refuse(r, "this range is not understood");
        set_add(&n->set, first, last);
    }
    r->at++;
    if (inverted)
        set_invert(&n->set);
    return n;
}

static struct node *read_alternatives(struct reader *r);

static struct node *read_group(struct reader *r)
{
    r->at++;
    if (peek(r) == '?') {
        if (r->at + 1 >= r->p.len || r->p.ptr[r->at + 1] != ':')
            return refuse(r, "groups that look around, have a name or set flags are not understood");
        r->at += 2;
    }
    if (++r->depth > DEPTH_MAX)
        return refuse(r, "groups are nested too deep");
    struct node *n = read_alternatives(r);
    r->depth--;
    if (n && peek(r) != ')')
        return refuse(r, "a group is not closed");
    r->at++;
    return n;
}

static struct node *read_atom(struct reader *r)
{
    int c = peek(r);
    struct node *n;
    switch (c) {
    case '(':
        return read_group(r);
    case '[':
        return read_set(r);
    case '\\':
        n = node_new(r, NODE_SET, NULL, NULL);
        return read_escape(r, &n->set) == -2 ? NULL : n;
    case '.':
        r->at++;
        n = node_new(r, NODE_SET, NULL, NULL);
        set_add(&n->set, '\n', '\n');
        set_add(&n->set, '\r', '\r');
        set_invert(&n->set);
        return n;
    case '*':
    case '+':
    case '?':
    case '{':
        return refuse(r, "nothing to repeat");
    case '^':
    case '$':
        return refuse(r, "^ and $ are understood at the ends only");
    default:
        break;
    }
    if (c < 32 || c > 126)
        return refuse(r, "only printable ASCII is understood");
    r->at++;
    n = node_new(r, NODE_SET, NULL, NULL);
    set_add(&n->set, c, c);
    return n;
}

static bool read_count(struct reader *r, int *ret)
{
    int n = 0;
    bool any = false;
    for (; peek(r) >= '0' && peek(r) <= '9'; r->at++, any = true) {
        n = n * 10 + (peek(r) - '0');
        if (n > REPEAT_MAX)
            return false;
    }
    *ret = n;
    return any;
}

static bool read_braces(struct reader *r, int *ret_least, int *ret_most)
{
    r->at++;
    if (!read_count(r, ret_least))
        return false;
    *ret_most = *ret_least;
    if (peek(r) == ',') {
        r->at++;
        *ret_most = -1;
        if (peek(r) != '}' && !read_count(r, ret_most))
            return false;
    }
    if (peek(r) != '}' || (*ret_most >= 0 && *ret_most < *ret_least))
        return false;
    r->at++;
    return true;
}

static struct node *read_repeat(struct reader *r)
{
    struct node *n = read_atom(r);
    int c = peek(r), least = 0, most = -1;
    if (!n || (c != '*' && c != '+' && c != '?' && c != '{'))
        return n;
    if (c == '{') {
        if (!read_braces(r, &least, &most))
            return refuse(r, "these braces are not understood");
    } else {
        least = c == '+';
        most = c == '?' ? 1 : -1;
        r->at++;
    }
    if (peek(r) == '?')
        r->at++;
    if (peek(r) == '*' || peek(r) == '+' || peek(r) == '?' || peek(r) == '{')
        return refuse(r, "this quantifier is not understood");
    struct node *repeat = node_new(r, NODE_REPEAT, n, NULL);
    repeat->least = least;
    repeat->most = most;
    return repeat;
}

static struct node *read_alternatives(struct reader *r)
{
    struct node *all = NULL, *branch = NULL;
    for (;;) {
        int c = peek(r);
        if (c >= 0 && c != '|' && c != ')') {
            struct node *n = read_repeat(r);
            if (!n)
                return NULL;
            branch = branch ? node_new(r, NODE_CAT, branch, n) : n;
            continue;
        }
        branch = branch ? branch : node_new(r, NODE_EMPTY, NULL, NULL);
        all = all ? node_new(r, NODE_ALT, all, branch) : branch;
        if (c != '|')
            return all;
        branch = NULL;
        r->at++;
    }
}

// ---- the tree as steps ----------------------------------------------------------------------------------------------------
static int emit(struct regex *x, struct step s)
{
    if (x->count < STEPS_MAX)
        x->steps[x->count] = s;
    return x->count++;
}

static void write_node(struct regex *x, const struct node *n);

static void write_repeat(struct regex *x, const struct node *n)
{
    for (int k = 0; k < n->least && x->count < STEPS_MAX; k++)
        write_node(x, n->left);
    if (n->most < 0) {
        int split = emit(x, (struct step){.kind = STEP_SPLIT});
        write_node(x, n->left);
        emit(x, (struct step){.kind = STEP_JUMP, .to = split});
        if (x->count <= STEPS_MAX)
            x->steps[split] = (struct step){.kind = STEP_SPLIT, .to = split + 1, .other = x->count};
        return;
    }
    for (int k = n->least; k < n->most && x->count < STEPS_MAX; k++) {
        int split = emit(x, (struct step){.kind = STEP_SPLIT});
        write_node(x, n->left);
        if (x->count <= STEPS_MAX)
            x->steps[split] = (struct step){.kind = STEP_SPLIT, .to = split + 1, .other = x->count};
    }
}

static void write_node(struct regex *x, const struct node *n)
{
    if (x->count >= STEPS_MAX)
        return;
    int split, jump;
    switch (n->kind) {
    case NODE_EMPTY:
        return;
    case NODE_SET:
        emit(x, (struct step){.kind = STEP_SET, .set = &n->set});
        return;
    case NODE_CAT:
        write_node(x, n->left);
        write_node(x, n->right);
        return;
    case NODE_ALT:
        split = emit(x, (struct step){.kind = STEP_SPLIT});
        write_node(x, n->left);
        jump = emit(x, (struct step){.kind = STEP_JUMP});
        if (x->count <= STEPS_MAX)
            x->steps[split] = (struct step){.kind = STEP_SPLIT, .to = split + 1, .other = x->count};
        write_node(x, n->right);
        if (jump < STEPS_MAX)
            x->steps[jump].to = x->count;
        return;
    case NODE_REPEAT:
        write_repeat(x, n);
        return;
    }
}

const struct regex *regex_compile(struct arena *a, struct slice pattern, const char **ret_why, size_t *ret_at)
{
    struct reader r = {.a = a, .p = pattern};
    if (r.p.len > 0 && r.p.ptr[0] == '^')
        r.at = 1;
    size_t slashes = 0;
    while (slashes + 1 < r.p.len && r.p.ptr[r.p.len - 2 - slashes] == '\\')
        slashes++;
    if (r.p.len > r.at && r.p.ptr[r.p.len - 1] == '$' && slashes % 2 == 0)
        r.p.len--;
    struct node *n = read_alternatives(&r);
    if (n && r.at < r.p.len)
        n = refuse(&r, "a ) without its (");
    // "^a|b$" anchors each side on its own; with the whole text matched it means the same.
    struct regex *x = arena_new(a, struct regex);
    x->steps = arena_array(a, struct step, STEPS_MAX);
    if (n)
        write_node(x, n);
    if (n && x->count >= STEPS_MAX)
        n = refuse(&r, "the pattern is too large");
    if (!n) {
        *ret_why = r.why;
        *ret_at = r.at < pattern.len ? r.at : pattern.len;
        return NULL;
    }
    emit(x, (struct step){.kind = STEP_DONE});
    return x;
}

// ---- matching -------------------------------------------------------------------------------------------------------------
// The steps that the machine is at, each once; it moves through all of them together.
struct places {
    int *v, n;
    int *seen, now;  // by step: the last time it was added
    int *stack;
};

static void add_place(const struct regex *r, struct places *p, int first)
{
    int depth = 0;
    p->stack[depth++] = first;
    while (depth > 0) {
        int at = p->stack[--depth];
        if (p->seen[at] == p->now)
            continue;
        p->seen[at] = p->now;
        const struct step *s = &r->steps[at];
        if (s->kind == STEP_SPLIT && p->seen[s->other] != p->now)
            p->stack[depth++] = s->other;
        if (s->kind == STEP_SPLIT || s->kind == STEP_JUMP)
            p->stack[depth++] = s->to;
        else
            p->v[p->n++] = at;
    }
}

bool regex_matches(const struct regex *r, struct arena *a, const char *text)
{
    size_t n = (size_t)r->count + 1;
    struct places p = {.v = arena_array(a, int, n), .seen = arena_array(a, int, n), .stack = arena_array(a, int, 2 * n), .now = 1};
    int *next = arena_array(a, int, n);
    add_place(r, &p, 0);
    for (const char *c = text; *c && p.n > 0; c++) {
        int count = 0;
        for (int k = 0; k < p.n; k++) {
            const struct step *s = &r->steps[p.v[k]];
            if (s->kind == STEP_SET && set_has(s->set, (unsigned char)*c))
                next[count++] = p.v[k] + 1;
        }
        p.n = 0;
        p.now++;
        for (int k = 0; k < count; k++)
            add_place(r, &p, next[k]);
    }
    for (int k = 0; k < p.n; k++)
        if (r->steps[p.v[k]].kind == STEP_DONE)
            return true;
    return false;
}
