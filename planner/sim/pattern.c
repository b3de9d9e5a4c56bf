// Thompson's construction: the pattern becomes a small program, which is run for all its threads at once.
#include "planner/sim/pattern.h"

#include <string.h>

enum step_kind { STEP_SET, STEP_SPLIT, STEP_JUMP, STEP_BEGIN, STEP_END, STEP_DONE };

// Bytes beyond ASCII are single bytes here: names and values of ECS are ASCII.
struct set {
    uint8_t bits[32];
};

struct step {
    enum step_kind kind;
    int to, or_to;  // STEP_SPLIT, STEP_JUMP
    struct set set;
};

struct world_pattern {
    struct step *steps;
    int count;
};

struct reader {
    struct slice text;
    size_t at;
    int depth;
    struct arena *arena;
    struct step *steps;
    int count;
    struct err *err;
};

enum { DEPTH = 200 };

static int wrong(const struct reader *r, const char *what)
{
    return err_set(r->err, ERR_INVALID, "pattern \"%.*s\", character %zu: %s", (int)(r->text.len < 200 ? r->text.len : 200), r->text.ptr, r->at + 1, what);
}

static void put(struct set *s, int c)
{
    s->bits[c / 8] |= (uint8_t)(1 << c % 8);
}

static bool has(const struct set *s, unsigned char c)
{
    return s->bits[c / 8] >> c % 8 & 1;
}

static void invert(struct set *s)
{
    for (size_t i = 0; i < sizeof s->bits; i++)
        s->bits[i] = (uint8_t)~s->bits[i];
}

static int more(const struct reader *r)
{
    return r->at < r->text.len ? (unsigned char)r->text.ptr[r->at] : -1;
}

static int add(struct reader *r, struct step s)
{
    if (r->count == WORLD_PATTERN_STEPS)
        return wrong(r, "is too large");
    r->steps[r->count++] = s;
    return 0;
}

static void put_class(struct set *s, int letter)
{
    for (int c = 0; c < 128; c++) {
        bool digit = c >= '0' && c <= '9', word = digit || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool space = c == ' ' || (c >= '\t' && c <= '\r');
        bool in = letter == 'd' || letter == 'D' ? digit : letter == 'w' || letter == 'W' ? word : space;
        if (in)
            put(s, c);
    }
    if (letter == 'D' || letter == 'W' || letter == 'S')
        invert(s);
}

// After a backslash: a class, or one character. *ret_char is -1 for a class.
static int read_escape(struct reader *r, struct set *s, int *ret_char)
{
    int c = more(r);
    if (c < 0)
        return wrong(r, "a backslash at the end");
    *ret_char = -1;
    if (strchr("dDwWsS", c)) {
        put_class(s, c);
    } else if (c == 't' || c == 'n' || c == 'r') {
        *ret_char = c == 't' ? '\t' : c == 'n' ? '\n' : '\r';
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
        return wrong(r, "this escape is not played");
    } else {
        *ret_char = c;
    }
    if (*ret_char >= 0)
        put(s, *ret_char);
    r->at++;
    return 0;
}

static int read_set(struct reader *r, struct set *s)
{
    bool negated = more(r) == '^';
    r->at += negated;
    for (bool first = true; more(r) != ']' || first; first = false) {
        int low = more(r), rc = 0;
        struct set part = {{0}};
        if (low < 0)
            return wrong(r, "a class without its ]");
        if (low == '[' || (low == '&' && r->at + 1 < r->text.len && r->text.ptr[r->at + 1] == '&'))
            return wrong(r, "classes within classes are not played");
        r->at++;
        if (low == '\\' && (rc = read_escape(r, &part, &low)) < 0)
            return rc;
        bool range = low >= 0 && more(r) == '-' && r->at + 1 < r->text.len && r->text.ptr[r->at + 1] != ']';
        int high = low;
        if (range) {
            r->at++;
            high = more(r);
            r->at++;
            if (high == '\\' && (rc = read_escape(r, &part, &high)) < 0)
                return rc;
            if (high < low)
                return wrong(r, "a range from high to low");
        }
        for (int c = low; c >= 0 && c <= high; c++)
            put(&part, c);
        for (size_t i = 0; i < sizeof s->bits; i++)
            s->bits[i] |= part.bits[i];
    }
    r->at++;
    if (negated)
        invert(s);
    return 0;
}

static int read_choice(struct reader *r);

static int read_group(struct reader *r)
{
    if (more(r) == '?') {
        if (r->at + 1 >= r->text.len || r->text.ptr[r->at + 1] != ':')
            return wrong(r, "this kind of group is not played");
        r->at += 2;
    }
    if (++r->depth > DEPTH)
        return wrong(r, "groups too deep");
    int rc = read_choice(r);
    r->depth--;
    if (rc < 0)
        return rc;
    if (more(r) != ')')
        return wrong(r, "a group without its )");
    r->at++;
    return 0;
}

static int read_atom(struct reader *r)
{
    int c = more(r), rc = 0, ignored;
    struct step s = {.kind = STEP_SET};
    if (c == '*' || c == '+' || c == '?' || c == '{')
        return wrong(r, "nothing to repeat");
    r->at++;
    switch (c) {
    case '(':
        return read_group(r);
    case '[':
        rc = read_set(r, &s.set);
        break;
    case '\\':
        rc = read_escape(r, &s.set, &ignored);
        break;
    case '.':
        put(&s.set, '\n');
        put(&s.set, '\r');
        invert(&s.set);
        break;
    case '^':
        s.kind = STEP_BEGIN;
        break;
    case '$':
        s.kind = STEP_END;
        break;
    default:
        put(&s.set, c);
    }
    return rc < 0 ? rc : add(r, s);
}

// {n}, {n,}, {n,m}; most -1: without end.
static int read_counts(struct reader *r, int *least, int *most)
{
    int n[2] = {-1, -1}, k = 0;
    for (r->at++; more(r) != '}'; r->at++) {
        int c = more(r);
        if (c == ',' && k == 0 && n[0] >= 0)
            k = 1;
        else if (c >= '0' && c <= '9' && n[k] < 1000)
            n[k] = (n[k] < 0 ? 0 : n[k] * 10) + c - '0';
        else
            return wrong(r, "a count is {n}, {n,} or {n,m} below 1000");
    }
    r->at++;
    *least = n[0];
    *most = k == 0 ? n[0] : n[1];
    if (n[0] < 0 || (*most >= 0 && *most < *least))
        return wrong(r, "a count from high to low");
    return 0;
}

// The steps from `begin` on, taken out of the program.
static struct step *take_steps(struct reader *r, int begin)
{
    size_t count = (size_t)(r->count - begin);
    struct step *taken = arena_array(r->arena, struct step, count + 1);
    memcpy(taken, r->steps + begin, count * sizeof *taken);
    r->count = begin;
    return taken;
}

static int copy_steps(struct reader *r, const struct step *from, int count, int origin)
{
    int shift = r->count - origin;
    for (int i = 0; i < count; i++) {
        struct step s = from[i];
        s.to += shift;
        s.or_to += shift;
        int rc = add(r, s);
        if (rc < 0)
            return rc;
    }
    return 0;
}

// Repeats the steps from `begin` on: they are taken out and put back as often as wanted.
static int repeat(struct reader *r, int begin, int least, int most)
{
    int count = r->count - begin, rc = 0;
    struct step *body = take_steps(r, begin);
    for (int i = 0; rc == 0 && i < least; i++)
        rc = copy_steps(r, body, count, begin);
    if (rc == 0 && most < 0) {
        int split = r->count;
        rc = add(r, (struct step){.kind = STEP_SPLIT, .to = split + 1});
        rc = rc < 0 ? rc : copy_steps(r, body, count, begin);
        rc = rc < 0 ? rc : add(r, (struct step){.kind = STEP_JUMP, .to = split});
        r->steps[split].or_to = r->count;
        return rc;
    }
    for (int i = least; rc == 0 && i < most; i++) {
        int split = r->count;
        rc = add(r, (struct step){.kind = STEP_SPLIT, .to = split + 1});
        rc = rc < 0 ? rc : copy_steps(r, body, count, begin);
        if (rc == 0)
            r->steps[split].or_to = r->count;
    }
    return rc;
}

static int read_sequence(struct reader *r)
{
    while (more(r) >= 0 && more(r) != '|' && more(r) != ')') {
        int begin = r->count, rc = read_atom(r), least = 1, most = 1, c = more(r);
        if (rc < 0)
            return rc;
        if (c != '*' && c != '+' && c != '?' && c != '{')
            continue;
        if (c == '{') {
            rc = read_counts(r, &least, &most);
        } else {
            least = c == '+';
            most = c == '?' ? 1 : -1;
            r->at++;
        }
        if (more(r) == '+')
            return wrong(r, "possessive repeats are not played");
        r->at += more(r) == '?';
        if (rc < 0 || (rc = repeat(r, begin, least, most)) < 0)
            return rc;
    }
    return 0;
}

static int read_choice(struct reader *r)
{
    int begin = r->count, rc = read_sequence(r);
    if (rc < 0 || more(r) != '|')
        return rc;
    // a | b: split a, b; a; jump end; b
    int count = r->count - begin;
    struct step *first = take_steps(r, begin);
    rc = add(r, (struct step){.kind = STEP_SPLIT, .to = begin + 1});
    rc = rc < 0 ? rc : copy_steps(r, first, count, begin);
    int jump = r->count;
    rc = rc < 0 ? rc : add(r, (struct step){.kind = STEP_JUMP});
    if (rc < 0)
        return rc;
    r->steps[begin].or_to = r->count;
    r->at++;
    if (++r->depth > DEPTH)
        return wrong(r, "too many alternatives");
    rc = read_choice(r);
    r->depth--;
    if (rc == 0)
        r->steps[jump].to = r->count;
    return rc;
}

int world_pattern_compile(struct slice text, struct arena *a, const struct world_pattern **ret, struct err *err)
{
    struct step steps[WORLD_PATTERN_STEPS];
    struct reader r = {.text = text, .arena = a, .steps = steps, .err = err};
    int rc = read_choice(&r);
    if (rc < 0)
        return rc;
    if (r.at < text.len)
        return wrong(&r, "a ) without its (");
    if ((rc = add(&r, (struct step){.kind = STEP_DONE})) < 0)
        return rc;
    struct world_pattern *p = arena_new(a, struct world_pattern);
    p->steps = arena_array(a, struct step, (size_t)r.count);
    memcpy(p->steps, steps, (size_t)r.count * sizeof *steps);
    p->count = r.count;
    *ret = p;
    return 0;
}

// ---- running it ----------------------------------------------------------------------------------------------------------------
struct threads {
    bool in[WORLD_PATTERN_STEPS];
};

// Adds a step and all that is reached from it without a character.
static void reach(const struct world_pattern *p, struct threads *t, int from, bool at_begin, bool at_end)
{
    int stack[WORLD_PATTERN_STEPS * 2], n = 0;
    stack[n++] = from;
    while (n > 0) {
        int i = stack[--n];
        if (t->in[i])
            continue;
        t->in[i] = true;
        const struct step *s = &p->steps[i];
        if (s->kind == STEP_JUMP || s->kind == STEP_SPLIT)
            stack[n++] = s->to;
        if (s->kind == STEP_SPLIT)
            stack[n++] = s->or_to;
        if ((s->kind == STEP_BEGIN && at_begin) || (s->kind == STEP_END && at_end))
            stack[n++] = i + 1;
    }
}

bool world_pattern_matches(const struct world_pattern *p, const char *value)
{
    struct threads now = {{0}};
    size_t len = strlen(value);
    reach(p, &now, 0, true, len == 0);
    for (size_t at = 0; at < len; at++) {
        struct threads next = {{0}};
        for (int i = 0; i < p->count; i++)
            if (now.in[i] && p->steps[i].kind == STEP_SET && has(&p->steps[i].set, (unsigned char)value[at]))
                reach(p, &next, i + 1, false, at + 1 == len);
        now = next;
    }
    return now.in[p->count - 1];
}
