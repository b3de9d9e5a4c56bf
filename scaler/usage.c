#include "scaler/usage.h"

#include <math.h>

#include "base/check.h"
#include "scaler/metrics/book.h"
#include "scaler/strmap.h"
#include "scaler/usage_server.h"

enum { QUERY_CPU, QUERY_MEMORY, QUERY_TASKS, QUERY_FRESH, QUERY_COUNT };
enum { ALL = (1 << QUERY_COUNT) - 1, QUERY_BYTES = 16384, NEWEST = BOOK_MINUTES - 1 };
#define TIMEOUT_MS 10000
#define STEP_MS INT64_C(60000)
#define ANSWER_BYTES ((size_t)1 << 20)         // of the present
#define PAST_ANSWER_BYTES ((size_t)4 << 20)    // of an hour
#define CLOCK_OFF_MS 300000                    // an answer for another time than now is an old one
#define CPU_UNITS_A_CORE 1024.0
#define BYTES_A_MIB 1048576.0

static const char *const query_names[QUERY_COUNT] = {"cpu_query", "memory_query", "tasks_query", "fresh_query"};

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
    struct usage *u;
    int query;
    struct prometheus_call *call;  // NULL: not open
};

struct usage {
    struct usage_options o;
    struct book *book;
    struct asked asked[QUERY_COUNT];
    struct round round;
    bool recalled;             // the hour before the start was asked for
    int64_t next_ms, good_ms;  // world time; of the last round that counted, 0 never
    int64_t stale_ms;          // of the policy, when the round began
    size_t stale;              // families of the last round whose samples are too old
    char error[400];           // why the last round did not count, "" it did
    char label[128];
};

// ---- answers --------------------------------------------------------------------------------------------------------------

static void fail(struct round *r, enum err_kind kind, const char *query, const char *why)
{
    if (r->error[0])
        return;
    r->kind = kind;
    snprintf(r->error, sizeof r->error, "%s: %s", query, why);
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
    for (size_t i = 0; i < a->series_count && !r->past; i++)
        for (size_t k = 0; k < a->series[i].point_count; k++)
            if (llabs(a->series[i].points[k].at_ms - r->wire_ms) > CLOCK_OFF_MS)
                return false;
    return true;
}

static void take(struct usage *u, int query, const struct prometheus_answer *a)
{
    struct round *r = &u->round;
    const char *name = query_names[query];
    if (a->warning_count > 0)
        fail(r, ERR_TRANSIENT, name, arena_printf(&r->arena, "answered in part: %s", a->warning));
    else if (a->type != (r->past ? PROMETHEUS_MATRIX : PROMETHEUS_VECTOR))
        fail(r, ERR_INVALID, name, "answers no series");
    else if (a->series_count == 0)
        fail(r, ERR_NOT_FOUND, name, "answers nothing: are the containers scraped, with their labels?");
    else if (!of_now(r, a))
        fail(r, ERR_TRANSIENT, name, "answers for another time than now");
    for (size_t i = 0; i < a->series_count && !r->error[0]; i++) {
        const char *family = prometheus_label(&a->series[i], u->label);
        if (family == NULL)
            fail(r, ERR_INVALID, name, arena_printf(&r->arena, "a series has no label %s", u->label));
        for (size_t k = 0; family && k < a->series[i].point_count; k++)
            take_point(r, told_of(r, family), query, &a->series[i].points[k]);
    }
}

// ---- a round --------------------------------------------------------------------------------------------------------------

// Minutes in their order, so that a jump is seen where it was.
static void write_down(struct usage *u, const struct told *t)
{
    bool any_fresh = false;
    for (int k = u->round.past ? 0 : NEWEST; k < BOOK_MINUTES; k++) {
        const double *v = t->at[k].value;
        bool fresh = fabs(v[QUERY_FRESH]) <= (double)u->stale_ms;
        any_fresh = any_fresh || fresh;
        if (t->at[k].has == ALL && t->at[k].twice == 0 && fresh)
            book_add(u->book, t->family, u->round.world_ms - (NEWEST - k) * STEP_MS,
                     (struct book_use){v[QUERY_CPU] * CPU_UNITS_A_CORE, v[QUERY_MEMORY] / BYTES_A_MIB}, v[QUERY_TASKS]);
    }
    u->stale += !any_fresh;
}

static void end_round(struct usage *u)
{
    struct round *r = &u->round;
    u->stale = 0;
    for (size_t i = 0; i < r->count && !r->error[0]; i++)
        write_down(u, r->told[i]);
    if (r->count > 0 && u->stale == r->count)
        fail(r, ERR_TRANSIENT, query_names[QUERY_FRESH], "all samples are too old: is the scraping still going on?");
    if (r->past)
        u->recalled = r->kind != ERR_TRANSIENT && r->kind != ERR_THROTTLED;
    if (!r->error[0])
        u->good_ms = r->world_ms;
    else if (r->past && u->recalled)
        u->next_ms = r->world_ms;  // without the past, then
    snprintf(u->error, sizeof u->error, "%s", r->error);
    arena_release(&r->arena);
}

static void on_answer(void *arg, const struct prometheus_answer *answer, const struct err *err)
{
    struct asked *q = arg;
    struct usage *u = q->u;
    q->call = NULL;
    if (answer)
        take(u, q->query, answer);
    else
        fail(&u->round, err->kind, query_names[q->query], err->msg);
    if (--u->round.open == 0)
        end_round(u);
}

static void ask(struct usage *u, const struct policy_cluster *p, const struct prometheus_server *s, int query)
{
    const char *const texts[QUERY_COUNT] = {p->usage.cpu_query, p->usage.memory_query, p->usage.tasks_query, p->usage.fresh_query};
    _cleanup_(buf_release) struct buf text;
    buf_init(&text, QUERY_BYTES);
    usage_query(&text, texts[query], p->name, p->usage.label);
    struct prometheus_query q = {.promql = buf_str(&text), .timeout_ms = TIMEOUT_MS, .max_bytes = ANSWER_BYTES};
    if (u->round.past) {
        q.to_ms = u->round.end_ms;
        q.from_ms = q.to_ms - NEWEST * STEP_MS;
        q.step_ms = STEP_MS;
        q.max_bytes = PAST_ANSWER_BYTES;
    }
    u->asked[query] = (struct asked){.u = u, .query = query};
    // It may be told before this returns, or in a wait: then the handle is no longer good.
    struct prometheus_call *call = prometheus_ask(u->o.transport, s, &q, on_answer, &u->asked[query]);
    u->asked[query].call = call;
}

static bool is_open(const struct usage *u)
{
    return u->round.open > 0;
}

static void begin_round(struct usage *u, const struct policy_cluster *p)
{
    struct round *r = &u->round;
    struct transport *t = u->o.transport;
    struct prometheus_server server;
    struct err err = {0};
    char secret[SECRET_MAX];
    *r = (struct round){.past = !u->recalled, .world_ms = clock_wall_ms(t->clock), .wire_ms = t->ops->wire_ms(t)};
    r->end_ms = r->wire_ms;
    u->next_ms = r->world_ms + p->usage.every_ms;
    u->stale_ms = p->usage.stale_ms;
    snprintf(u->label, sizeof u->label, "%s", p->usage.label);
    if (usage_server(u->o.clients, u->o.env, u->o.account, &p->usage, &server, secret, &err) != 0) {
        snprintf(u->error, sizeof u->error, "%.380s", err.msg);
        return;
    }
    arena_init(&r->arena, 0);  // the answers are limited
    strmap_init(&r->map, &r->arena, 256);
    r->open = QUERY_COUNT;
    for (int k = 0; k < QUERY_COUNT; k++)
        ask(u, p, &server, k);
}

// ---- turns ----------------------------------------------------------------------------------------------------------------

int64_t usage_due_ms(const struct usage *u, const struct policy_cluster *p)
{
    return policy_usage_named(&p->usage) && !is_open(u) ? u->next_ms : INT64_MAX;
}

void usage_turn(struct usage *u, const struct policy_cluster *p)
{
    if (usage_due_ms(u, p) <= clock_wall_ms(u->o.transport->clock))
        begin_round(u, p);
}

void usage_wait(struct usage *u, const struct policy_cluster *p, int64_t until_ms)
{
    struct transport *t = u->o.transport;
    for (usage_turn(u, p); is_open(u) && clock_wall_ms(t->clock) < until_ms;)
        t->ops->wait(t, until_ms);
}

// ---- what is known --------------------------------------------------------------------------------------------------------

static struct res res_of(struct book_use x)
{
    return res_make((int64_t)ceil(x.cpu_units), (int64_t)ceil(x.memory_mib));
}

static const char *family_of(const struct shape *x, struct arena *a)
{
    return arena_strndup(a, x->name, strcspn(x->name, ": "));
}

// Of the tasks that ECS runs at least half were measured, or it is not known what the others do.
static void tell_shape(const struct usage *u, const struct policy_cluster *p, const char *family, int64_t running, int64_t now_ms, struct shape *x)
{
    struct book_entry e;
    if (!book_read(u->book, family, now_ms, &e) || now_ms - e.at_ms > policy_usage_age_ms(&p->usage) || 2 * e.tasks < (double)running)
        return;
    x->used_p95 = res_of(e.p95);
    x->used_now = res_of(e.newest);
    x->used_at_ms = e.at_ms;
}

// Revisions of a family are measured as one.
static void tell_shapes(const struct usage *u, const struct policy_cluster *p, struct arena *a, struct snapshot *s)
{
    struct strmap map;
    int *family = arena_array(a, int, s->shape_count + 1);
    int64_t *running = arena_array(a, int64_t, s->shape_count + 1);
    const char **names = arena_array(a, const char *, s->shape_count + 1);
    strmap_init(&map, a, s->shape_count);
    for (size_t k = 0; k < s->shape_count; k++) {
        names[k] = family_of(&s->shapes[k], a);
        family[k] = strmap_get(&map, names[k]);
        if (family[k] < 0)
            strmap_put(&map, names[k], family[k] = (int)k);
    }
    for (size_t i = 0; i < s->instance_count; i++)
        for (size_t k = 0; k < s->instances[i].holding_count; k++) {
            const struct holding *h = &s->instances[i].holdings[k];
            if (h->shape >= 0)
                running[family[h->shape]] += h->running;
        }
    for (size_t k = 0; k < s->shape_count; k++)
        tell_shape(u, p, names[k], running[family[k]], s->now_ms, &s->shapes[k]);
}

void usage_tell(const struct usage *u, const struct policy_cluster *p, struct arena *a, struct snapshot *s)
{
    if (!policy_usage_named(&p->usage))
        return;
    bool known = u->good_ms > 0 && s->now_ms - u->good_ms <= policy_usage_age_ms(&p->usage);
    s->usage = (struct source){.state = known ? SOURCE_OK : SOURCE_UNKNOWN, .read_ms = u->good_ms,
                               .detail = arena_strdup(a, u->error[0] ? u->error : u->good_ms == 0 ? "not read yet" : "")};
    tell_shapes(u, p, a, s);
}

// ---- life -----------------------------------------------------------------------------------------------------------------

struct usage *usage_new(const struct usage_options *o)
{
    struct usage *u = calloc(1, sizeof *u);
    assert(u);
    u->o = *o;
    u->next_ms = clock_wall_ms(o->transport->clock) + o->delay_ms;
    u->book = book_new();
    return u;
}

void usage_free(struct usage *u)
{
    if (u == NULL)
        return;
    for (int k = 0; k < QUERY_COUNT; k++)
        prometheus_cancel(u->asked[k].call);
    book_free(u->book);
    free(u);
}
