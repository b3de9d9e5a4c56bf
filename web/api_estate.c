// The history of all clusters at once, as few columns as the estate's sparklines take.
#include "web/ask.h"
#include "web/jsonw.h"

#define DAY_MS INT64_C(86400000)
enum { POINTS_MAX = 300, PAGE_MAX = 1000, AT_ONCE = 16 };  // clusters that are asked for under one hold of the reader

static const enum series columns[] = {SERIES_CAPACITY_CPU_UNITS, SERIES_CAPACITY_MEMORY_MIB, SERIES_RESERVED_CPU_UNITS, SERIES_RESERVED_MEMORY_MIB,
                                      SERIES_NEED_CPU_UNITS, SERIES_NEED_MEMORY_MIB, SERIES_WAITING_TASKS};

struct page {
    struct state_series_query q;
    int64_t after, limit;  // clusters before the page, and in it
};

static bool read_page(const struct web_request *r, struct web_response *w, struct page *p)
{
    struct state_series_query *q = &p->q;
    *p = (struct page){.q = {.kind = HISTORY_CLUSTER, .to_ms = r->now_ms, .step_ms = 15 * 60000, .now_ms = r->now_ms}, .limit = PAGE_MAX};
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        q->only |= UINT64_C(1) << columns[i];
    if (!web_param_time(r, w, "to", &q->to_ms))
        return false;
    q->from_ms = q->to_ms > DAY_MS ? q->to_ms - DAY_MS : 0;
    if (!web_param_time(r, w, "from", &q->from_ms) || !web_param_step(r, w, &q->step_ms) || !web_param_int(r, w, "after", 0, INT32_MAX, &p->after) ||
        !web_param_int(r, w, "limit", 1, PAGE_MAX, &p->limit))
        return false;
    if (q->from_ms < q->to_ms && (q->to_ms - q->from_ms) / q->step_ms > POINTS_MAX)
        q->step_ms = (q->to_ms - q->from_ms) / POINTS_MAX + 1;
    return true;
}

static void write_grid(struct jsonw *j, const struct state_series *s)
{
    jsonw_time(j, "from", s->from_ms);
    jsonw_int(j, "step_s", s->step_ms / 1000);
    jsonw_int(j, "count", (int64_t)s->count);
    jsonw_array(j, "at_s");
    for (size_t k = 0; k < s->count; k++)
        jsonw_int(j, NULL, (s->from_ms + (int64_t)k * s->step_ms) / 1000);
    jsonw_end(j);
    jsonw_array(j, "clusters");
}

static void write_cluster(struct jsonw *j, const struct view_cluster *c, const struct state_series *s)
{
    jsonw_object(j, NULL);
    jsonw_str(j, "cluster", c->name);
    jsonw_str(j, "account", c->account);
    jsonw_str(j, "region", c->region);
    jsonw_object(j, "columns");
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        jsonw_ints(j, series_name(columns[i]), s->values[columns[i]], s->count, STATE_NO_VALUE);
    jsonw_end(j);
    jsonw_end(j);
}

static int64_t id_of(const struct state_cluster_row *rows, size_t count, const struct view_cluster *c)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, c->name) == 0 && strcmp(rows[i].region, c->region) == 0 && strcmp(rows[i].account, c->account) == 0)
            return rows[i].id;
    return 0;  // the journal has none yet
}

// Some clusters under one hold of the reader, so that who asks for a chart beside it need not wait for a thousand.
static int write_some(struct web_request *r, struct page *p, size_t from, size_t to, struct jsonw *j, struct err *err)
{
    struct arena a;
    struct state_reader *reader = NULL;
    struct state_cluster_row *rows = NULL;
    size_t count = 0;
    int rc = web_history_acquire(r->history, &reader, err);
    if (rc)
        return rc;
    arena_init(&a, 0);
    rc = state_query_clusters(reader, &a, &rows, &count, err);
    for (size_t i = from; rc == 0 && i < to; i++) {
        struct state_series s;
        p->q.cluster = id_of(rows, count, r->view->clusters[i]);
        rc = state_query_series(reader, &p->q, &a, &s, err);
        if (rc)
            break;
        if (i == (size_t)p->after)
            write_grid(j, &s);
        write_cluster(j, r->view->clusters[i], &s);
    }
    web_history_release(r->history, web_ask_failed(rc));
    arena_release(&a);
    return rc;
}

void web_estate_series(struct web_request *r, struct web_response *w)
{
    struct page p;
    struct err err = {0};
    struct jsonw j;
    if (!read_page(r, w, &p))
        return;
    const size_t all = r->view->cluster_count, left = all > (size_t)p.after ? all - (size_t)p.after : 0;
    const size_t end = (size_t)p.after + (left > (size_t)p.limit ? (size_t)p.limit : left);
    web_json_begin(r, w, &j);
    for (size_t i = (size_t)p.after; i < end; i += AT_ONCE)
        if (write_some(r, &p, i, end - i > AT_ONCE ? i + AT_ONCE : end, &j, &err)) {
            web_ask_error(w, &err);
            return;
        }
    if (left == 0)
        write_grid(&j, &(struct state_series){.from_ms = p.q.from_ms, .step_ms = p.q.step_ms});
    jsonw_end(&j);
    jsonw_int_or_null(&j, "after", end < all ? (int64_t)end : 0);
    jsonw_end(&j);
}
