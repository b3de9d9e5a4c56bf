// The history as columns: of a cluster (series), of any subject (history), and who there is (subjects).
#include "web/ask.h"
#include "web/jsonw.h"

#define DAY_MS 86400000

static bool read_window(const struct web_request *r, struct web_response *w, struct state_series_query *q)
{
    q->now_ms = q->to_ms = r->now_ms;
    q->step_ms = 60000;
    if (!web_param_time(r, w, "to", &q->to_ms))
        return false;
    q->from_ms = q->to_ms > DAY_MS ? q->to_ms - DAY_MS : 0;
    return web_param_time(r, w, "from", &q->from_ms) && web_param_step(r, w, &q->step_ms) && web_param_flag(r, w, "spread", &q->spread);
}

static void write_spread(struct jsonw *j, const char *name, const struct state_spread *s)
{
    if (s->samples == 0) {
        jsonw_null(j, name);
        return;
    }
    jsonw_object(j, name);
    jsonw_int(j, "samples", s->samples);
    jsonw_int(j, "min", s->min);
    jsonw_int(j, "mean", s->mean);
    jsonw_int(j, "p50", s->p50);
    jsonw_int(j, "p95", s->p95);
    jsonw_int(j, "p99", s->p99);
    jsonw_int(j, "max", s->max);
    jsonw_end(j);
}

static void write_spreads(struct jsonw *j, const struct state_series *s, bool asked)
{
    if (!asked) {
        jsonw_null(j, "spread");
        return;
    }
    jsonw_object(j, "spread");
    for (int i = 0; i < SERIES_COUNT; i++)
        if (s->values[i])
            write_spread(j, series_name((enum series)i), &s->spread[i]);
    jsonw_end(j);
}

static void write_series(struct jsonw *j, const struct state_series *s, bool spread)
{
    jsonw_time(j, "from", s->from_ms);
    jsonw_int(j, "step_s", s->step_ms / 1000);
    jsonw_int(j, "count", (int64_t)s->count);
    jsonw_object(j, "columns");
    jsonw_array(j, "at_s");
    for (size_t k = 0; k < s->count; k++)
        jsonw_int(j, NULL, (s->from_ms + (int64_t)k * s->step_ms) / 1000);
    jsonw_end(j);
    for (int i = 0; i < SERIES_COUNT; i++)
        if (s->values[i])
            jsonw_ints(j, series_name((enum series)i), s->values[i], s->count, STATE_NO_VALUE);
    jsonw_end(j);
    write_spreads(j, s, spread);
}

// False with an answer when it cannot be had.
static bool ask(struct web_request *r, struct web_response *w, const struct view_cluster *c, struct state_series_query *q, struct state_series *ret)
{
    struct err err = {0};
    struct state_reader *reader = web_ask(r, w);
    if (!reader)
        return false;
    int rc = web_ask_cluster(reader, c, r->arena, &q->cluster, &err);
    if (rc == 0)
        rc = state_query_series(reader, q, r->arena, ret, &err);
    web_history_release(r->history, web_ask_failed(rc));
    if (rc)
        web_ask_error(w, &err);
    return rc == 0;
}

void web_series(struct web_request *r, struct web_response *w)
{
    const struct view_cluster *c = web_find_cluster(r, w);
    struct state_series_query q = {.kind = HISTORY_CLUSTER};
    struct state_series s = {0};
    struct jsonw j;
    if (!c || !read_window(r, w, &q) || !ask(r, w, c, &q, &s))
        return;
    web_json_begin(r, w, &j);
    jsonw_str(&j, "cluster", c->name);
    write_series(&j, &s, q.spread);
    jsonw_end(&j);
}

static bool read_subject(const struct web_request *r, struct web_response *w, struct state_series_query *q)
{
    const char *kind = r->query(r, "kind");
    q->subject = r->query(r, "subject");
    for (int k = 0; kind && k < HISTORY_KIND_COUNT; k++)
        if (strcmp(kind, history_kind_name((enum history_kind)k)) == 0) {
            q->kind = (enum history_kind)k;
            if (q->subject || q->kind == HISTORY_CLUSTER)
                return true;
            web_problem(w, 400, "subject: which %s? The names are at subjects", kind);
            return false;
        }
    web_problem(w, 400, "kind: cluster, service, pool, forecast or limit is expected");
    return false;
}

void web_subject_history(struct web_request *r, struct web_response *w)
{
    const struct view_cluster *c = web_find_cluster(r, w);
    struct state_series_query q = {.kind = HISTORY_CLUSTER};
    struct state_series s = {0};
    struct jsonw j;
    if (!c || !read_subject(r, w, &q) || !read_window(r, w, &q) || !ask(r, w, c, &q, &s))
        return;
    if (!s.known && q.kind != HISTORY_CLUSTER) {
        web_problem(w, 404, "no history of %s %s; the names are at subjects", history_kind_name(q.kind), q.subject);
        return;
    }
    web_json_begin(r, w, &j);
    jsonw_str(&j, "cluster", c->name);
    jsonw_str(&j, "kind", history_kind_name(q.kind));
    jsonw_str(&j, "subject", q.subject ? q.subject : "");
    write_series(&j, &s, q.spread);
    jsonw_end(&j);
}

void web_subjects(struct web_request *r, struct web_response *w)
{
    const struct view_cluster *c = web_find_cluster(r, w);
    struct state_subject *v = NULL;
    struct err err = {0};
    struct jsonw j;
    size_t count = 0;
    int64_t id = 0;
    struct state_reader *reader = c ? web_ask(r, w) : NULL;
    if (!reader)
        return;
    int rc = web_ask_cluster(reader, c, r->arena, &id, &err);
    if (rc == 0)
        rc = state_query_subjects(reader, id, r->arena, &v, &count, &err);
    web_history_release(r->history, web_ask_failed(rc));
    if (rc) {
        web_ask_error(w, &err);
        return;
    }
    web_json_begin(r, w, &j);
    jsonw_str(&j, "cluster", c->name);
    jsonw_array(&j, "subjects");
    for (size_t i = 0; i < count; i++) {
        jsonw_object(&j, NULL);
        jsonw_str(&j, "kind", history_kind_name(v[i].kind));
        jsonw_str(&j, "subject", v[i].subject);
        jsonw_time(&j, "first", v[i].first_ms);
        jsonw_time(&j, "last", v[i].last_ms);
        jsonw_end(&j);
    }
    jsonw_end(&j);
    jsonw_end(&j);
}
