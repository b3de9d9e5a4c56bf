#include "scaler/usage.h"

#include <math.h>

#include "base/check.h"
#include "base/strmap.h"
#include "scaler/usage_source.h"

// ---- turns ----------------------------------------------------------------------------------------------------------------

static bool is_open(const struct usage *u)
{
    return usage_queries_open(u->queries) || usage_scrapes_open(u->scrapes);
}

int64_t usage_due_ms(const struct usage *u, const struct policy_cluster *p)
{
    bool asks = policy_usage_queried(&p->usage) || (policy_usage_named(&p->usage) && usage_scrapes_told(u->scrapes));
    return asks && !is_open(u) ? u->next_ms : INT64_MAX;
}

void usage_turn(struct usage *u, const struct policy_cluster *p)
{
    int64_t now_ms = clock_wall_ms(u->o.transport->clock);
    usage_scrapes_turn(u->scrapes);
    if (usage_due_ms(u, p) > now_ms)
        return;
    u->next_ms = now_ms + p->usage.every_ms;
    u->stale_ms = p->usage.stale_ms;
    if (policy_usage_queried(&p->usage))
        usage_queries_begin(u->queries, p);
    else
        usage_scrapes_begin(u->scrapes, p);
}

void usage_wait(struct usage *u, const struct policy_cluster *p, int64_t until_ms)
{
    struct transport *t = u->o.transport;
    for (usage_turn(u, p); is_open(u) && clock_wall_ms(t->clock) < until_ms;)
        t->ops->wait(t, until_ms);
}

void usage_hosts(struct usage *u, const struct gather_host *hosts, size_t count)
{
    usage_scrapes_hosts(u->scrapes, hosts, count);
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
    x->used_largest_mib = (int64_t)ceil(e.newest.largest_mib);
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

static void tell_overflow(const struct usage *u, const struct policy_cluster *p, struct arena *a, struct snapshot *s)
{
    bool known = u->overflow_ms > 0 && s->now_ms - u->overflow_ms <= policy_usage_age_ms(&p->usage);
    s->overflow = (struct source){.state = known ? SOURCE_OK : SOURCE_UNKNOWN, .read_ms = u->overflow_ms,
                                  .detail = arena_strdup(a, u->overflow_error[0] ? u->overflow_error : u->overflow_ms > 0 ? "" : "not read yet")};
    s->overflowing = arena_strdup(a, known ? u->overflowing : "");
}

void usage_tell(const struct usage *u, const struct policy_cluster *p, struct arena *a, struct snapshot *s)
{
    if (!policy_usage_named(&p->usage))
        return;
    bool known = u->good_ms > 0 && s->now_ms - u->good_ms <= policy_usage_age_ms(&p->usage);
    s->usage = (struct source){.state = known ? SOURCE_OK : SOURCE_UNKNOWN, .read_ms = u->good_ms,
                               .detail = arena_strdup(a, u->error[0] ? u->error : u->good_ms > 0 ? "" : policy_usage_queried(&p->usage) ? "not read yet" : "pages of cAdvisor tell it after some minutes of masu run")};
    tell_shapes(u, p, a, s);
    if (policy_usage_overflow_asked(&p->usage))
        tell_overflow(u, p, a, s);
}

// ---- life -----------------------------------------------------------------------------------------------------------------

struct usage *usage_new(const struct usage_options *o)
{
    struct usage *u = calloc(1, sizeof *u);
    assert(u);
    u->o = *o;
    u->next_ms = clock_wall_ms(o->transport->clock) + o->delay_ms;
    u->book = book_new();
    u->queries = usage_queries_new(u);
    u->scrapes = usage_scrapes_new(u);
    return u;
}

void usage_free(struct usage *u)
{
    if (u == NULL)
        return;
    usage_queries_free(u->queries);
    usage_scrapes_free(u->scrapes);
    book_free(u->book);
    free(u);
}
