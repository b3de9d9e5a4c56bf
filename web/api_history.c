#include "base/json.h"
#include "base/parse.h"
#include "state/explain.h"
#include "web/ask.h"
#include "web/jsonw.h"
#include "web/routes.h"

// ---- ticks ----------------------------------------------------------------------------------------------------------------
static void write_tick_summary(struct jsonw *j, const struct state_tick *t)
{
    const struct plan_summary *p = &t->summary;
    if (!t->planned) {
        jsonw_null(j, "summary");
        return;
    }
    jsonw_object(j, "summary");
    jsonw_object(j, "instances");
    jsonw_int(j, "total", p->instances);
    jsonw_int(j, "active", p->active);
    jsonw_int(j, "draining", p->draining);
    jsonw_int(j, "coming", p->coming);
    jsonw_int(j, "interrupted", p->interrupted);
    jsonw_end(j);
    jsonw_res(j, "capacity", p->capacity);
    jsonw_res(j, "reserved", p->reserved);
    jsonw_res(j, "need", p->need);
    jsonw_int(j, "waiting_tasks", p->waiting_tasks);
    jsonw_int(j, "cost_usd_micro_per_hour", p->hourly.micro);
    jsonw_end(j);
}

static void write_tick_act(struct jsonw *j, const struct state_act *a)
{
    jsonw_object(j, NULL);
    jsonw_str(j, "kind", a->kind);
    jsonw_str(j, "target", a->target);
    jsonw_str(j, "fact", a->fact);
    jsonw_str(j, "verdict", a->verdict);
    jsonw_str(j, "params", a->params);
    jsonw_str(j, "client_token", a->client_token);
    jsonw_time(j, "created", a->created_ms);
    jsonw_time(j, "finished", a->finished ? a->finished_ms : 0);
    jsonw_str(j, "outcome", a->finished ? a->outcome : NULL);
    jsonw_str(j, "outcome_detail", a->message);
    jsonw_int(j, "http_status", a->http_status);
    jsonw_end(j);
}

static void write_tick(struct jsonw *j, const struct state_tick *t)
{
    jsonw_int(j, "tick", t->id);
    jsonw_str(j, "cluster", t->cluster_name);
    jsonw_str(j, "account", t->account);
    jsonw_str(j, "region", t->region);
    jsonw_time(j, "at", t->at_ms);
    jsonw_int(j, "duration_ms", t->duration_ms);
    jsonw_str(j, "mode", t->mode);
    jsonw_bool(j, "dry_run", t->dry_run);
    jsonw_str(j, "policy_hash", t->policy_hash);
    jsonw_bool(j, "recorded", t->recorded);
    jsonw_str(j, "error", t->error);
    jsonw_int(j, "actions", t->actions);
    jsonw_int(j, "ok", t->ok);
    jsonw_int(j, "failed", t->failed);
    jsonw_int(j, "skipped", t->skipped);
    jsonw_bool(j, "whole", t->has_body);
    write_tick_summary(j, t);
    jsonw_array(j, "acts");
    for (size_t i = 0; i < t->act_count; i++)
        write_tick_act(j, &t->acts[i]);
    jsonw_end(j);
}

static int query_ticks(struct web_request *r, struct state_reader *reader, const struct view_cluster *c, struct state_ticks_query *q,
                       struct state_tick **ret, size_t *ret_count, bool *ret_more, struct err *err)
{
    int rc = c ? web_ask_cluster(reader, c, r->arena, &q->cluster, err) : 0;
    if (rc || (c && !q->cluster))
        return rc;  // a cluster that the journal does not know has no ticks
    return state_query_ticks(reader, q, r->arena, ret, ret_count, ret_more, err);
}

void web_ticks(struct web_request *r, struct web_response *w)
{
    int64_t limit = 50;
    struct state_ticks_query q = {0};
    const struct view_cluster *c = NULL;
    if (!web_param_int(r, w, "before", 1, INT64_MAX, &q.before) || !web_param_int(r, w, "limit", 1, STATE_PAGE_MAX, &limit) ||
        !web_param_flag(r, w, "acting", &q.acting_only))
        return;
    q.limit = (int)limit;
    r->name = r->query(r, "cluster");
    if (r->name && !(c = web_find_cluster(r, w)))
        return;
    struct state_reader *reader = web_ask(r, w);
    if (!reader)
        return;
    struct err err = {0};
    struct state_tick *ticks = NULL;
    size_t count = 0;
    bool more = false;
    int rc = query_ticks(r, reader, c, &q, &ticks, &count, &more, &err);
    web_history_release(r->history, web_ask_failed(rc));
    if (rc) {
        web_ask_error(w, &err);
        return;
    }
    struct jsonw j;
    web_json_begin(r, w, &j);
    jsonw_array(&j, "ticks");
    for (size_t i = 0; i < count; i++) {
        jsonw_object(&j, NULL);
        write_tick(&j, &ticks[i]);
        jsonw_end(&j);
    }
    jsonw_end(&j);
    jsonw_int_or_null(&j, "older", more ? ticks[count - 1].id : 0);
    jsonw_end(&j);
}

void web_tick(struct web_request *r, struct web_response *w)
{
    int64_t id = 0;
    if (!parse_i64(slice_of(r->name), &id) || id < 1) {
        web_problem(w, 404, "a tick's id is a number");
        return;
    }
    struct state_reader *reader = web_ask(r, w);
    if (!reader)
        return;
    struct err err = {0};
    struct state_tick_whole t = {0};
    int rc = state_query_tick(reader, id, r->arena, &t, &err);
    web_history_release(r->history, web_ask_failed(rc));
    if (rc) {
        web_ask_error(w, &err);
        return;
    }
    struct jsonw j;
    web_json_begin(r, w, &j);
    jsonw_object(&j, "tick");
    write_tick(&j, &t.tick);
    jsonw_raw(&j, "snapshot", t.snapshot_json);
    jsonw_raw(&j, "plan", t.plan_json);
    jsonw_raw(&j, "memo_before", t.memo_before_json);
    jsonw_end(&j);
    jsonw_end(&j);
}

// ---- why ------------------------------------------------------------------------------------------------------------------
// The path has two names; the tick's is in r->name.
static bool explain_params(struct web_request *r, struct web_response *w, struct state_question *q, const struct view_cluster **ret)
{
    bool latest = strcmp(r->name, "latest") == 0;
    if (!latest && (!parse_i64(slice_of(r->name), &q->tick) || q->tick < 1)) {
        web_problem(w, 404, "a tick's id is a number, or latest");
        return false;
    }
    q->candidate = r->query(r, "candidate");
    r->name = arena_strndup(r->arena, r->parts[3].ptr, r->parts[3].len);
    *ret = web_find_cluster(r, w);
    return *ret != NULL;
}

static int explain(struct state_reader *reader, const struct view_cluster *c, struct state_question *q, struct arena *a, json_t **ret,
                   struct err *err)
{
    int rc = web_ask_cluster(reader, c, a, &q->cluster, err);
    if (rc == 0 && q->cluster == 0)
        rc = err_set(err, ERR_NOT_FOUND, "the journal has no tick of this cluster yet");
    return rc ? rc : state_explain(reader, q, a, ret, err);
}

void web_explain(struct web_request *r, struct web_response *w)
{
    struct state_question q = {.tick = 0};
    const struct view_cluster *c = NULL;
    struct err err = {0};
    json_t *doc = NULL;
    if (!explain_params(r, w, &q, &c))
        return;
    struct state_reader *reader = web_ask(r, w);
    if (!reader)
        return;
    int rc = explain(reader, c, &q, r->arena, &doc, &err);
    web_history_release(r->history, web_ask_failed(rc));
    if (rc) {
        web_ask_error(w, &err);
        return;
    }
    struct buf text;
    struct jsonw j;
    buf_init(&text, WEB_BODY_MAX);
    json_write(doc, &text);
    json_decref(doc);
    web_json_begin(r, w, &j);
    jsonw_raw(&j, "explain", buf_slice(&text));
    jsonw_end(&j);
    buf_release(&text);
}
