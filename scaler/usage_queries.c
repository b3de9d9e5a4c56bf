// Rounds of queries: cores, bytes, tasks seen, newest sample, asked of a Prometheus at once; a round counts when all are answered whole. The
// bytes of the largest task are asked besides: without that answer they are not known, and the rest is.
// So are circuit breakers, of the present always; what goes wrong there says nothing of use, and the other way round.
#include <math.h>

#include "base/check.h"
#include "base/strmap.h"
#include "scaler/usage_server.h"
#include "scaler/usage_source.h"

enum { QUERY_CPU, QUERY_MEMORY, QUERY_TASKS, QUERY_FRESH, QUERY_LARGEST, QUERY_OVERFLOW, QUERY_COUNT };
enum { ALL = (1 << QUERY_LARGEST) - 1, QUERY_BYTES = 16384, NEWEST = BOOK_MINUTES - 1 };
#define TIMEOUT_MS 10000
#define STEP_MS INT64_C(60000)
#define ANSWER_BYTES ((size_t)1 << 20)         // of the present
#define PAST_ANSWER_BYTES ((size_t)4 << 20)    // of an hour
#define CLOCK_OFF_MS 300000                    // an answer for another time than now is an old one

static const char *const query_names[QUERY_COUNT] = {"cpu_query", "memory_query", "tasks_query", "fresh_query", "largest_query", "overflow_query"};

// What a round was told of a family, by minute before the round's end; an instant has the last one only.
struct told {
    const char *family;
    struct {
        double value[QUERY_COUNT];
        unsigned char has, twice;  // a bit a query
    } at[BOOK_MINUTES];
};

struct round {
    struct arena arena;
    struct strmap map;         // family -> index
    struct told **told;
    size_t count, cap;
    int64_t end_ms, world_ms, wire_ms;
    bool past;                 // a range
    char error[400];           // "" so far good
    enum err_kind kind;
    int open;
};

struct asked {
    struct usage_queries *q;
    int query;
    struct prometheus_call *call;  // NULL: not open
};

struct usage_queries {
    struct usage *u;
    struct asked asked[QUERY_COUNT];
    struct round round;
    bool recalled;             // the hour before the start was asked for
    size_t stale;              // families of the last round whose samples are too old
    char label[128];
};

// ---- answers --------------------------------------------------------------------------------------------------------------

// Without the largest task the rest is worth as much.
static void fail(struct round *r, enum err_kind kind, int query, const char *why)
{
    if (r->error[0] || query == QUERY_LARGEST)
        return;
    r->kind = kind;
    snprintf(r->error, sizeof r->error, "%s: %s", query_names[query], why);
}

static struct told *told_of(struct round *r, const char *family)
{
    int i = strmap_get(&r->map, family);
    if (i >= 0)
        return r->told[i];
    struct told *t = arena_new(&r->arena, struct told);
    t->family = arena_strdup(&r->arena, family);
    r->told = arena_grow(&r->arena, r->told, r->count, &r->cap, sizeof *r->told);
    strmap_put(&r->map, t->family, (int)r->count);
    r->told[r->count++] = t;
    return t;
}

static void take_point(struct round *r, struct told *t, int query, const struct prometheus_point *p)
{
    int64_t back = r->past ? (r->end_ms - p->at_ms + STEP_MS / 2) / STEP_MS : 0;
    if (back < 0 || back > NEWEST)
        return;
    int k = NEWEST - (int)back;
    if (t->at[k].has & 1u << query)
        t->at[k].twice |= (unsigned char)(1u << query);
    t->at[k].has |= (unsigned char)(1u << query);
    // The newest sample's age, by the clock of who answers.
    t->at[k].value[query] = query == QUERY_FRESH ? (double)p->at_ms - p->value * 1000 : p->value;
}

static bool of_now(const struct round *r, const struct prometheus_answer *a)
{
    for (size_t i = 0; i < a->series_count; i++)
        for (size_t k = 0; k < a->series[i].point_count; k++)
            if (llabs(a->series[i].points[k].at_ms - r->wire_ms) > CLOCK_OFF_MS)
                return false;
    return true;
}

static void take(struct usage_queries *q, int query, const struct prometheus_answer *a)
{
    struct round *r = &q->round;
    bool now = r->past || of_now(r, a);
    bool good = a->warning_count == 0 && a->type == (r->past ? PROMETHEUS_MATRIX : PROMETHEUS_VECTOR) && now;
    if (a->warning_count > 0)
        fail(r, ERR_TRANSIENT, query, arena_printf(&r->arena, "answered in part: %s", a->warning));
    else if (a->type != (r->past ? PROMETHEUS_MATRIX : PROMETHEUS_VECTOR))
        fail(r, ERR_INVALID, query, "answers no series");
    else if (a->series_count == 0)
        fail(r, ERR_NOT_FOUND, query, "answers nothing: are the containers scraped, with their labels?");
    else if (!now)
        fail(r, ERR_TRANSIENT, query, "answers for another time than now");
    for (size_t i = 0; i < a->series_count && good && !r->error[0]; i++) {
        const char *family = prometheus_label(&a->series[i], q->label);
        if (family == NULL)
            fail(r, ERR_INVALID, query, arena_printf(&r->arena, "a series has no label %s", q->label));
        for (size_t k = 0; family && k < a->series[i].point_count; k++)
            take_point(r, told_of(r, family), query, &a->series[i].points[k]);
    }
}

// ---- circuit breakers -----------------------------------------------------------------------------------------------------

// The value of the policy's label, or of whatever label there is.
static const char *whose(const struct usage_queries *q, const struct prometheus_series *x)
{
    const char *name = prometheus_label(x, q->label);
    for (size_t k = 0; k < x->label_count && !name; k++)
        name = strcmp(x->labels[k].name, "__name__") != 0 ? x->labels[k].value : NULL;
    return name ? name : "a service";
}

// As many as there is room for are named.
static void note_open(struct buf *names, size_t open, const char *name)
{
    enum { NAMED = 3 };
    if (open <= NAMED)
        buf_printf(names, "%s%.60s", open > 1 ? ", " : "", name);
    else if (open == NAMED + 1)
        buf_add_str(names, " and more");
}

static const char *read_overflow(const struct usage_queries *q, const struct prometheus_answer *a, struct buf *names)
{
    size_t open = 0;
    if (a->warning_count > 0)
        return "answered in part";
    if (a->type != PROMETHEUS_VECTOR)
        return "answers no series";
    if (a->series_count == 0)
        return "answers nothing: has who counts vanished? It should answer 0 while no circuit breaker is open";
    if (!of_now(&q->round, a))
        return "answers for another time than now";
    for (size_t i = 0; i < a->series_count; i++) {
        double value = a->series[i].point_count > 0 ? a->series[i].points[0].value : (double)NAN;
        if (!isfinite(value) || value < 0)
            return "a value is not finite, or negative";
        if (value > 0)
            note_open(names, ++open, whose(q, &a->series[i]));
    }
    return NULL;
}

static void take_overflow(struct usage_queries *q, const struct prometheus_answer *a, const struct err *err)
{
    struct usage *u = q->u;
    _cleanup_(buf_release) struct buf names;
    buf_init(&names, sizeof u->overflowing);
    const char *why = a ? read_overflow(q, a, &names) : err->msg;
    u->overflow_error[0] = '\0';
    if (why) {
        snprintf(u->overflow_error, sizeof u->overflow_error, "%s: %.360s", query_names[QUERY_OVERFLOW], why);
        return;
    }
    u->overflow_ms = q->round.world_ms;
    snprintf(u->overflowing, sizeof u->overflowing, "%s", buf_str(&names));
}

// ---- a round --------------------------------------------------------------------------------------------------------------

// Minutes in their order, so that a jump is seen where it was.
static void write_down(struct usage_queries *q, const struct told *t)
{
    bool any_fresh = false;
    for (int k = q->round.past ? 0 : NEWEST; k < BOOK_MINUTES; k++) {
        const double *v = t->at[k].value;
        bool fresh = fabs(v[QUERY_FRESH]) <= (double)q->u->stale_ms;
        any_fresh = any_fresh || fresh;
        bool largest = (t->at[k].has & ~t->at[k].twice & 1 << QUERY_LARGEST) != 0;
        if ((t->at[k].has & ALL) == ALL && (t->at[k].twice & ALL) == 0 && fresh)
            book_add(q->u->book, t->family, q->round.world_ms - (NEWEST - k) * STEP_MS,
                     usage_of(v[QUERY_CPU], v[QUERY_MEMORY], largest ? v[QUERY_LARGEST] : 0), v[QUERY_TASKS]);
    }
    q->stale += !any_fresh;
}

static void end_round(struct usage_queries *q)
{
    struct usage *u = q->u;
    struct round *r = &q->round;
    q->stale = 0;
    for (size_t i = 0; i < r->count && !r->error[0]; i++)
        write_down(q, r->told[i]);
    if (r->count > 0 && q->stale == r->count)
        fail(r, ERR_TRANSIENT, QUERY_FRESH, "all samples are too old: is the scraping still going on?");
    if (r->past)
        q->recalled = r->kind != ERR_TRANSIENT && r->kind != ERR_THROTTLED;
    if (!r->error[0])
        u->good_ms = r->world_ms;
    else if (r->past && q->recalled)
        u->next_ms = r->world_ms;  // without the past, then
    snprintf(u->error, sizeof u->error, "%s", r->error);
    arena_release(&r->arena);
}

static void on_answer(void *arg, const struct prometheus_answer *answer, const struct err *err)
{
    struct asked *x = arg;
    struct usage_queries *q = x->q;
    x->call = NULL;
    if (x->query == QUERY_OVERFLOW)
        take_overflow(q, answer, err);
    else if (answer)
        take(q, x->query, answer);
    else
        fail(&q->round, err->kind, x->query, err->msg);
    if (--q->round.open == 0)
        end_round(q);
}

static void ask(struct usage_queries *q, const struct policy_cluster *p, const struct prometheus_server *s, int query)
{
    const char *const texts[QUERY_COUNT] = {p->usage.cpu_query, p->usage.memory_query, p->usage.tasks_query, p->usage.fresh_query, p->usage.largest_query, p->usage.overflow_query};
    _cleanup_(buf_release) struct buf text;
    buf_init(&text, QUERY_BYTES);
    usage_query(&text, texts[query], p->name, p->usage.label);
    struct prometheus_query question = {.promql = buf_str(&text), .timeout_ms = TIMEOUT_MS, .max_bytes = ANSWER_BYTES};
    if (q->round.past && query != QUERY_OVERFLOW) {
        question.to_ms = q->round.end_ms;
        question.from_ms = question.to_ms - NEWEST * STEP_MS;
        question.step_ms = STEP_MS;
        question.max_bytes = PAST_ANSWER_BYTES;
    }
    q->asked[query] = (struct asked){.q = q, .query = query};
    // It may be told before this returns, or in a wait: then the handle is no longer good.
    struct prometheus_call *call = prometheus_ask(q->u->o.transport, s, &question, on_answer, &q->asked[query]);
    q->asked[query].call = call;
}

bool usage_queries_open(const struct usage_queries *q)
{
    return q->round.open > 0;
}

void usage_queries_begin(struct usage_queries *q, const struct policy_cluster *p)
{
    struct usage *u = q->u;
    struct round *r = &q->round;
    struct transport *t = u->o.transport;
    struct prometheus_server server;
    struct err err = {0};
    char secret[SECRET_MAX];
    *r = (struct round){.past = !q->recalled, .world_ms = clock_wall_ms(t->clock), .wire_ms = t->ops->wire_ms(t)};
    r->end_ms = r->wire_ms;
    snprintf(q->label, sizeof q->label, "%s", p->usage.label);
    if (usage_server(u->o.clients, u->o.env, u->o.account, &p->usage, &server, secret, &err) != 0) {
        snprintf(u->error, sizeof u->error, "%.380s", err.msg);
        snprintf(u->overflow_error, sizeof u->overflow_error, "%.380s", err.msg);
        return;
    }
    arena_init(&r->arena, 0);  // the answers are limited
    strmap_init(&r->map, &r->arena, 256);
    const bool asks[QUERY_COUNT] = {true, true, true, true, [QUERY_LARGEST] = *p->usage.largest_query, [QUERY_OVERFLOW] = policy_usage_overflow_asked(&p->usage)};
    for (int k = 0; k < QUERY_COUNT; k++)
        r->open += asks[k];
    for (int k = 0; k < QUERY_COUNT; k++)
        if (asks[k])
            ask(q, p, &server, k);
}

struct usage_queries *usage_queries_new(struct usage *u)
{
    struct usage_queries *q = calloc(1, sizeof *q);
    assert(q);
    q->u = u;
    return q;
}

void usage_queries_free(struct usage_queries *q)
{
    for (int k = 0; q && k < QUERY_COUNT; k++)
        prometheus_cancel(q->asked[k].call);
    free(q);
}
