#include "web/ask.h"

#include "base/parse.h"

#define DAY_MS 86400000

void web_ask_error(struct web_response *w, const struct err *err)
{
    switch (err->kind) {
    case ERR_NOT_FOUND:
        web_problem(w, 404, "%s", err->msg);
        return;
    case ERR_INVALID:
        web_problem(w, 400, "%s", err->msg);
        return;
    case ERR_LIMIT:
        web_problem(w, 503, "the history did not answer in time; ask for less");
        return;
    case ERR_OK:
    case ERR_NOMEM:
    case ERR_TRANSIENT:
    case ERR_THROTTLED:
    case ERR_AUTH:
    case ERR_DENIED:
    case ERR_CONFLICT:
    case ERR_CAPACITY:
    case ERR_CORRUPT:
    case ERR_IO:
        break;
    }
    web_problem(w, 503, "no history: %s", err->msg);
}

bool web_ask_failed(int rc)
{
    return rc && rc != ERR_NOT_FOUND && rc != ERR_INVALID && rc != ERR_LIMIT;
}

struct state_reader *web_ask(struct web_request *r, struct web_response *w)
{
    struct err err = {0};
    struct state_reader *reader = NULL;
    if (web_history_acquire(r->history, &reader, &err) == 0)
        return reader;
    web_problem(w, 503, "no history: %s", err.msg);
    return NULL;
}

int web_ask_cluster(struct state_reader *reader, const struct view_cluster *c, struct arena *a, int64_t *ret, struct err *err)
{
    struct state_cluster_row *rows;
    size_t count;
    *ret = 0;
    int rc = state_query_clusters(reader, a, &rows, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (strcmp(rows[i].name, c->name) == 0 && strcmp(rows[i].region, c->region) == 0 && strcmp(rows[i].account, c->account) == 0)
            *ret = rows[i].id;
    return rc;
}

bool web_param_time(const struct web_request *r, struct web_response *w, const char *key, int64_t *ms)
{
    const char *text = r->query(r, key);
    if (!text || parse_iso8601_ms(slice_of(text), ms))
        return true;
    web_problem(w, 400, "%s: an RFC 3339 time is expected, like 2026-01-15T14:00:00Z", key);
    return false;
}

bool web_param_step(const struct web_request *r, struct web_response *w, int64_t *ms)
{
    const char *text = r->query(r, "step");
    if (!text || (parse_duration_ms(slice_of(text), ms) && *ms > 0 && *ms <= 31 * (int64_t)DAY_MS))
        return true;
    web_problem(w, 400, "step: a duration up to 31 days is expected, like 5m");
    return false;
}

bool web_param_int(const struct web_request *r, struct web_response *w, const char *key, int64_t least, int64_t most, int64_t *ret)
{
    const char *text = r->query(r, key);
    if (!text || (parse_i64(slice_of(text), ret) && *ret >= least && *ret <= most))
        return true;
    web_problem(w, 400, "%s: a number from %lld to %lld is expected", key, (long long)least, (long long)most);
    return false;
}

bool web_param_flag(const struct web_request *r, struct web_response *w, const char *key, bool *ret)
{
    const char *text = r->query(r, key);
    if (!text)
        return true;
    *ret = strcmp(text, "true") == 0;
    if (*ret || strcmp(text, "false") == 0)
        return true;
    web_problem(w, 400, "%s: true or false is expected", key);
    return false;
}
