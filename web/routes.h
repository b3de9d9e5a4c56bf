// Routes and their handlers: a request goes in as plain data, a body comes out. No sockets here, so tests may call it too.
//
// A handler serialises what the view or the history holds and computes nothing. It reads the view it is given and nothing
// newer, so that one answer is of one moment.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "web/post.h"
#include "web/server.h"

struct web_request {
    struct slice parts[6];         // path segments, decoded: "api", "v1", "clusters", NAME
    int part_count;
    const char *name;              // the segment that matched {name} or {id}, else ""
    // Value of a query parameter, NULL when absent.
    const char *(*query)(const struct web_request *r, const char *key);
    const void *arg;               // for query
    const struct view *view;
    struct web_history *history;
    bool post;                     // POST; else GET or HEAD
    struct slice body;             // of a POST
    bool body_too_large;
    const char *authorization, *content_type, *peer;  // headers, and who asks; NULL none
    struct web_posts *posts;       // NULL: nothing may be posted
    struct whatif *whatif;         // NULL: nothing can be simulated
    bool whatif_open;              // without a token too
    struct guests *guests;         // NULL: nobody is counted
    int64_t now_ms, real_ms;       // world wall, real monotonic
    int64_t beat_age_ms;
    struct arena *arena;
};

enum web_type { WEB_JSON, WEB_PROBLEM, WEB_METRICS, WEB_ASSET, WEB_EVENTS };

struct web_response {
    int status;
    enum web_type type;
    struct buf body;               // initialised by the caller
    size_t etag_skip;              // leading bytes (the `now` of JSON) that the ETag does not cover
    const struct web_asset *asset; // instead of a body
    const char *allow;             // methods, of a 405; NULL: GET and HEAD
};

#define WEB_BODY_MAX ((size_t)160 << 20)

// Finds the route and answers; always leaves an answer.
void web_route(struct web_request *r, struct web_response *w);
void web_problem(struct web_response *w, int status, const char *fmt, ...) _printf_(3, 4);

// ---- history: one read-only connection, shared under a lock ---------------------------------------------------------------
struct state_reader;
struct web_history;
struct web_history *web_history_new(const char *path);  // path may be "" or NULL
void web_history_free(struct web_history *h);
// Holds the lock until web_history_release; *ret is NULL on failure.
int web_history_acquire(struct web_history *h, struct state_reader **ret, struct err *err);
void web_history_release(struct web_history *h, bool failed);

// ---- handlers -------------------------------------------------------------------------------------------------------------
void web_page(struct web_request *r, struct web_response *w);
void web_asset_get(struct web_request *r, struct web_response *w);
void web_openapi(struct web_request *r, struct web_response *w);
void web_healthz(struct web_request *r, struct web_response *w);
void web_readyz(struct web_request *r, struct web_response *w);
void web_metrics(struct web_request *r, struct web_response *w);
void web_clusters(struct web_request *r, struct web_response *w);
void web_cluster(struct web_request *r, struct web_response *w);
void web_instances(struct web_request *r, struct web_response *w);
void web_pools(struct web_request *r, struct web_response *w);
void web_services(struct web_request *r, struct web_response *w);
void web_estate_series(struct web_request *r, struct web_response *w);
void web_series(struct web_request *r, struct web_response *w);
void web_subject_history(struct web_request *r, struct web_response *w);
void web_subjects(struct web_request *r, struct web_response *w);
void web_calendar(struct web_request *r, struct web_response *w);
void web_limits(struct web_request *r, struct web_response *w);
void web_forecast(struct web_request *r, struct web_response *w);
void web_ticks(struct web_request *r, struct web_response *w);
void web_tick(struct web_request *r, struct web_response *w);
void web_explain(struct web_request *r, struct web_response *w);
void web_stream(struct web_request *r, struct web_response *w);
void web_alerts(struct web_request *r, struct web_response *w);
void web_cluster_alerts(struct web_request *r, struct web_response *w);
void web_simulate(struct web_request *r, struct web_response *w);
void web_simulate_cancel(struct web_request *r, struct web_response *w);
void web_pause(struct web_request *r, struct web_response *w);
void web_resume(struct web_request *r, struct web_response *w);

// ---- shared by the handlers -----------------------------------------------------------------------------------------------
struct jsonw;
// Opens the answer's object with its `now`.
void web_json_begin(const struct web_request *r, struct web_response *w, struct jsonw *ret);
// The cluster that {name}, region= and account= mean; on failure answers 404 and returns NULL.
const struct view_cluster *web_find_cluster(const struct web_request *r, struct web_response *w);
// "alerts": those of one cluster, or all (NULL).
void web_write_alerts(struct jsonw *j, const struct web_request *r, const struct view_cluster *of);
// "alert_count" of a cluster's index, -1 the daemon.
void web_write_alert_count(struct jsonw *j, const struct web_request *r, int cluster);
void web_write_control(struct jsonw *j, const struct control *c);  // "control"; null where it runs
void web_write_notes(struct jsonw *j, const struct web_request *r, const struct view_cluster *c);  // both of a cluster
// Ready, and in detail (arena) why not: a cluster without a complete tick, or 3 periods without one.
bool web_ready(const struct web_request *r, const char **ret_detail);
bool web_cluster_late(const struct web_request *r, const struct view_cluster *c);
