#include "scaler/webhook.h"

#include <arpa/inet.h>
#include <errno.h>

#include "base/check.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/rng.h"
#include "scaler/secret.h"

enum { QUEUE_MAX = 64, TRIES_MAX = 10, BODY_MAX_BYTES = 1 << 20, ANSWER_MAX_BYTES = 64 << 10, HEADERS_MAX = 16, TIMEOUT_MS = 10000, URL_MAX = 2048 };
#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 300000
#define HOLDS_MS 4200000  // Alertmanager forgets an alert that is not told again: a reminder comes each hour

struct message {
    struct buf body;
    int tries;
};

struct webhook {
    struct webhook_options o;
    const struct policy_alerts *policy;
    char url[URL_MAX];
    struct message queue[QUEUE_MAX];
    size_t count;
    bool open;                 // the first of the queue is on the wire
    uint64_t open_id;
    int64_t next_ms;
    int64_t lost;              // messages given up
    struct rng rng;
    char error[256];
};

// ---- messages -------------------------------------------------------------------------------------------------------------

static json_t *time_text(int64_t ms)
{
    char at[32];
    return json_string(format_iso8601(ms, false, at));
}

static json_t *masu_body(const struct alerts_event *e, enum alert_severity least)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->count; i++) {
        const struct alert *a = e->alerts[i];
        if (a->severity >= least)
            json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "id", a->id, "severity", alert_severity_name(a->severity),
                                                  "target", json_text(a->target), "since", time_text(a->since_ms), "what", json_text(a->what),
                                                  "remedy", json_text(a->remedy)));
    }
    return json_pack("{s:i, s:s, s:s, s:o, s:o, s:o}", "version", 1, "masu", MASU_VERSION, "status", e->news == ALERTS_CLEARED ? "cleared" : "raised",
                     "cluster", e->cluster[0] ? json_text(e->cluster) : json_null(), "at", time_text(e->at_ms), "alerts", list);
}

// Slack's own marks, so that a name cannot become one of them.
static void add_slack(struct buf *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            buf_add_str(b, "&amp;");
        else if (*text == '<')
            buf_add_str(b, "&lt;");
        else if (*text == '>')
            buf_add_str(b, "&gt;");
        else
            buf_add_char(b, *text);
    }
}

static json_t *slack_body(const struct alerts_event *e, enum alert_severity least)
{
    struct buf b;
    buf_init(&b, BODY_MAX_BYTES);
    for (size_t i = 0; i < e->count; i++) {
        const struct alert *a = e->alerts[i];
        if (a->severity < least)
            continue;
        buf_printf(&b, "%s*%s* ", b.len ? "\n" : "", e->news == ALERTS_CLEARED ? "over" : alert_severity_name(a->severity));
        add_slack(&b, e->cluster[0] ? e->cluster : "masu");
        buf_add_str(&b, ", ");
        add_slack(&b, a->target);
        buf_add_str(&b, ": ");
        add_slack(&b, a->what);
        if (e->news != ALERTS_CLEARED && a->remedy[0]) {
            buf_add_str(&b, " _");
            add_slack(&b, a->remedy);
            buf_add_str(&b, "_");
        }
    }
    json_t *body = json_pack("{s:o}", "text", json_text(buf_str(&b)));
    buf_release(&b);
    return body;
}

static json_t *alertmanager_body(const struct alerts_event *e, enum alert_severity least)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->count; i++) {
        const struct alert *a = e->alerts[i];
        if (a->severity < least)
            continue;
        json_t *labels = json_pack("{s:s, s:s, s:o, s:o, s:s}", "alertname", a->id, "severity", alert_severity_name(a->severity), "cluster",
                                   json_text(e->cluster), "target", json_text(a->target), "job", "masu");
        json_t *notes = json_pack("{s:o, s:o}", "summary", json_text(a->what), "description", json_text(a->remedy));
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o}", "labels", labels, "annotations", notes, "startsAt", time_text(a->since_ms),
                                              "endsAt", time_text(e->news == ALERTS_CLEARED ? e->at_ms : e->at_ms + HOLDS_MS)));
    }
    return list;
}

bool webhook_body(enum webhook_format f, const struct alerts_event *e, enum alert_severity least, struct buf *out)
{
    bool any = false;
    for (size_t i = 0; i < e->count; i++)
        any |= e->alerts[i]->severity >= least;
    if (!any || (e->news == ALERTS_REMINDED && f != WEBHOOK_ALERTMANAGER))
        return false;
    json_t *body = NULL;
    switch (f) {
    case WEBHOOK_MASU:
        body = masu_body(e, least);
        break;
    case WEBHOOK_SLACK:
        body = slack_body(e, least);
        break;
    case WEBHOOK_ALERTMANAGER:
        body = alertmanager_body(e, least);
        break;
    case WEBHOOK_FORMAT_COUNT:
        break;
    }
    assert(body);
    json_write(body, out);
    json_decref(body);
    return !buf_failed(out);
}

// ---- the queue ------------------------------------------------------------------------------------------------------------

static void drop_first(struct webhook *w, size_t at)
{
    buf_release(&w->queue[at].body);
    w->count--;
    memmove(&w->queue[at], &w->queue[at + 1], (w->count - at) * sizeof w->queue[0]);
}

static void lose(struct webhook *w, size_t at, const char *why)
{
    w->lost++;
    if (w->o.log)
        log_event(w->o.log, LOG_WARN, "webhook", why, LOG_I("tries", w->queue[at].tries), LOG_I("lost", w->lost), LOG_I("queued", w->count - 1));
    drop_first(w, at);
}

void webhook_notify(void *webhook, const struct alerts_event *e)
{
    static const enum alert_severity levels[] = {
        [ALERT_LEVEL_INFO] = ALERT_INFO, [ALERT_LEVEL_WARNING] = ALERT_WARNING, [ALERT_LEVEL_CRITICAL] = ALERT_CRITICAL};
    struct webhook *w = webhook;
    if (w->policy == NULL || w->url[0] == '\0')
        return;
    struct message m = {.tries = 0};
    buf_init(&m.body, BODY_MAX_BYTES);
    if (!webhook_body(w->policy->webhook_format, e, levels[w->policy->webhook_level], &m.body)) {
        buf_release(&m.body);
        return;
    }
    if (w->count == QUEUE_MAX)
        lose(w, w->open ? 1 : 0, "more messages wait than are kept -> the oldest is given up");
    w->queue[w->count++] = m;
}

int64_t webhook_due_ms(const struct webhook *w)
{
    return w->count > 0 && !w->open ? w->next_ms : INT64_MAX;
}

const char *webhook_error(const struct webhook *w)
{
    return w->error;
}

// ---- sending --------------------------------------------------------------------------------------------------------------

static int64_t pause_ms(struct webhook *w, int tries)
{
    int64_t ms = PAUSE_MIN_MS;
    for (int i = 1; i < tries && ms < PAUSE_MAX_MS; i++)
        ms *= 2;
    ms = ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
    return ms / 2 + rng_between(&w->rng, 0, ms / 2);
}

static void failed(struct webhook *w, const char *why, bool for_good)
{
    struct message *m = &w->queue[0];
    m->tries++;
    snprintf(w->error, sizeof w->error, "%s", why);
    if (for_good || m->tries >= TRIES_MAX)
        lose(w, 0, why);
    else
        w->next_ms = clock_wall_ms(w->o.transport->clock) + pause_ms(w, m->tries);
}

static void on_done(void *arg, const struct transport_response *r)
{
    struct webhook *w = arg;
    char why[256];
    w->open = false;
    if (r->err.kind != ERR_OK) {
        snprintf(why, sizeof why, "%.255s", r->err.msg);
        failed(w, why, r->err.kind == ERR_INVALID);
    } else if (r->status < 200 || r->status > 299) {
        snprintf(why, sizeof why, "it answers HTTP %d", r->status);
        failed(w, why, r->status >= 300 && r->status < 500 && r->status != 408 && r->status != 429);
    } else {
        drop_first(w, 0);
        w->next_ms = 0;
        w->error[0] = '\0';
    }
}

static int submit(struct webhook *w, struct err *err)
{
    char lines[HEADERS_MAX][SECRET_MAX];
    struct http_header headers[HEADERS_MAX + 1] = {{SLICE_LIT("Content-Type"), SLICE_LIT("application/json")}};
    size_t n = 1;
    for (size_t i = 0; i < w->policy->webhook_header_count && i < HEADERS_MAX; i++) {
        const struct policy_header *h = &w->policy->webhook_headers[i];
        if (secret_read(w->o.env, h->value_env, h->value_file, lines[i], err) != 0)
            return err_wrap(err, "header %.60s", h->name);
        headers[n++] = (struct http_header){slice_of(h->name), slice_of(lines[i])};
    }
    struct transport_request r = {.method = "POST", .url = w->url, .headers = headers, .header_count = n, .body = buf_slice(&w->queue[0].body),
                                  .timeout_ms = TIMEOUT_MS, .max_response_bytes = ANSWER_MAX_BYTES, .outward = true};
    w->open = true;  // before: a transport may complete it at once
    int rc = w->o.transport->ops->submit(w->o.transport, &r, on_done, w, &w->open_id, err);
    if (rc != 0)
        w->open = false;
    return rc;
}

void webhook_turn(struct webhook *w)
{
    struct err err = {0};
    if (webhook_due_ms(w) > clock_wall_ms(w->o.transport->clock))
        return;
    if (submit(w, &err) != 0)
        failed(w, err.msg, err.kind == ERR_INVALID);
}

// ---- life -----------------------------------------------------------------------------------------------------------------

struct webhook *webhook_new(const struct webhook_options *o)
{
    struct webhook *w = calloc(1, sizeof *w);
    assert(w);
    w->o = *o;
    w->o.env = o->env ? o->env : &aws_env_process;
    rng_init(&w->rng, o->seed);
    return w;
}

static void drop_all(struct webhook *w)
{
    if (w->open)
        w->o.transport->ops->cancel(w->o.transport, w->open_id);
    while (w->count > 0)
        drop_first(w, w->count - 1);
    w->next_ms = 0;
    w->error[0] = '\0';
}

void webhook_free(struct webhook *w)
{
    if (w == NULL)
        return;
    w->o.log = NULL;  // what is cancelled at the end is no news
    drop_all(w);
    free(w);
}

void webhook_policy(struct webhook *w, const struct policy_alerts *p)
{
    const char *url = p->webhook_url, *why = "";
    if (p->webhook_url_env[0]) {
        url = aws_env_get(w->o.env, p->webhook_url_env);
        why = url ? "" : "the environment variable of alerts.webhook_url_env is not set";
        url = url ? url : "";
    }
    if (strlen(url) >= URL_MAX) {
        url = "";
        why = "the URL is too long";
    }
    if (strcmp(url, w->url) != 0)
        drop_all(w);
    snprintf(w->url, sizeof w->url, "%s", url);
    if (why[0])
        snprintf(w->error, sizeof w->error, "%s", why);
    w->policy = p;
}
