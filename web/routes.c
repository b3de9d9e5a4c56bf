#include "web/routes.h"

#include <stdarg.h>

#include "base/json.h"
#include "web/asset.h"
#include "web/jsonw.h"

// {x} matches one segment, {*} the rest of the path (for assets).
static const struct {
    const char *pattern;
    void (*handler)(struct web_request *r, struct web_response *w);
    bool posted;
} routes[] = {
    {"/", web_page, false},
    {"/services", web_page, false},
    {"/planning", web_page, false},
    {"/clusters/{name}", web_page, false},
    {"/clusters/{name}/ticks/{id}", web_page, false},
    {"/assets/{*}", web_asset_get, false},
    {"/healthz", web_healthz, false},
    {"/readyz", web_readyz, false},
    {"/metrics", web_metrics, false},
    {"/openapi.json", web_openapi, false},
    {"/api/v1/clusters", web_clusters, false},
    {"/api/v1/clusters/{name}", web_cluster, false},
    {"/api/v1/clusters/{name}/instances", web_instances, false},
    {"/api/v1/clusters/{name}/pools", web_pools, false},
    {"/api/v1/clusters/{name}/series", web_series, false},
    {"/api/v1/clusters/{name}/history", web_subject_history, false},
    {"/api/v1/clusters/{name}/subjects", web_subjects, false},
    {"/api/v1/clusters/{name}/forecast", web_forecast, false},
    {"/api/v1/clusters/{name}/ticks/{id}", web_explain, false},
    {"/api/v1/clusters/{name}/alerts", web_cluster_alerts, false},
    {"/api/v1/services", web_services, false},
    {"/api/v1/series", web_estate_series, false},
    {"/api/v1/limits", web_limits, false},
    {"/api/v1/alerts", web_alerts, false},
    {"/api/v1/calendar", web_calendar, false},
    {"/api/v1/ticks", web_ticks, false},
    {"/api/v1/ticks/{id}", web_tick, false},
    {"/api/v1/events", web_stream, false},
    {"/api/v1/simulate", web_simulate, true},
    {"/api/v1/simulate/cancel", web_simulate_cancel, true},
    {"/api/v1/pause", web_pause, true},
    {"/api/v1/resume", web_resume, true},
};

static bool matches(struct web_request *r, const char *pattern)
{
    struct slice rest = slice_of(pattern + 1);
    int i = 0;
    r->name = "";
    while (rest.len) {
        struct slice want = slice_cut(&rest, '/');
        if (slice_eq_str(want, "{*}"))
            return r->part_count > i;
        if (i == r->part_count)
            return false;
        struct slice have = r->parts[i++];
        if (want.ptr[0] == '{')
            r->name = arena_strndup(r->arena, have.ptr, have.len);
        else if (!slice_eq(want, have))
            return false;
    }
    return i == r->part_count;
}

void web_route(struct web_request *r, struct web_response *w)
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (matches(r, routes[i].pattern)) {
            w->status = 200;
            if (r->post && !routes[i].posted) {
                web_problem(w, 405, "read only: GET and HEAD");
                return;
            }
            routes[i].handler(r, w);
            if (buf_failed(&w->body))
                web_problem(w, 500, "the answer is too large");
            return;
        }
    web_problem(w, 404, "nothing is served here; the description is at /openapi.json");
}

static const struct {
    int status;
    const char *title;
} titles[] = {
    {400, "Bad Request"},         {401, "Unauthorized"},          {403, "Forbidden"},           {404, "Not Found"},
    {405, "Method Not Allowed"},  {409, "Conflict"},              {413, "Content Too Large"},     {414, "URI Too Long"},        {415, "Unsupported Media Type"},
    {421, "Misdirected Request"}, {500, "Internal Server Error"}, {503, "Service Unavailable"},
};

void web_problem(struct web_response *w, int status, const char *fmt, ...)
{
    char detail[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    const char *title = "Error";
    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        if (titles[i].status == status)
            title = titles[i].title;
    buf_clear(&w->body);
    w->status = status;
    w->type = WEB_PROBLEM;
    w->asset = NULL;
    w->etag_skip = 0;
    struct jsonw j;
    jsonw_init(&j, &w->body);
    jsonw_object(&j, NULL);
    jsonw_str(&j, "type", "about:blank");
    jsonw_str(&j, "title", title);
    jsonw_int(&j, "status", status);
    jsonw_str(&j, "detail", detail);
    jsonw_end(&j);
}

void web_json_begin(const struct web_request *r, struct web_response *w, struct jsonw *ret)
{
    w->type = WEB_JSON;
    jsonw_init(ret, &w->body);
    jsonw_object(ret, NULL);
    jsonw_time(ret, "now", r->now_ms);
    w->etag_skip = w->body.len;
}

// ---- what is fixed at build time ------------------------------------------------------------------------------------------
static void serve_asset(struct web_response *w, struct slice path)
{
    for (size_t i = 0; i < web_asset_count; i++)
        if (slice_eq_str(path, web_assets[i].path)) {
            w->type = WEB_ASSET;
            w->asset = &web_assets[i];
            return;
        }
    web_problem(w, 404, "no such file in this build");
}

void web_page(struct web_request *r, struct web_response *w)
{
    (void)r;
    serve_asset(w, SLICE_LIT("index.html"));
}

void web_openapi(struct web_request *r, struct web_response *w)
{
    (void)r;
    serve_asset(w, SLICE_LIT("openapi.json"));
}

void web_asset_get(struct web_request *r, struct web_response *w)
{
    __attribute__((cleanup(buf_release))) struct buf path;
    buf_init(&path, 512);
    for (int i = 1; i < r->part_count; i++) {
        if (i > 1)
            buf_add_char(&path, '/');
        buf_add_slice(&path, r->parts[i]);
    }
    serve_asset(w, buf_slice(&path));
}

// The server makes a stream of the connection.
void web_stream(struct web_request *r, struct web_response *w)
{
    (void)r;
    w->type = WEB_EVENTS;
}

// ---- health ---------------------------------------------------------------------------------------------------------------
#define LOOP_STILL_MS 600000
#define LATE_REAL_MS 10000

// In the demo three periods of world time are a blink; a real floor keeps it from flapping.
bool web_cluster_late(const struct web_request *r, const struct view_cluster *c)
{
    return c->ticked && r->now_ms - c->at_ms > 3 * c->period_ms && r->real_ms - c->done_real_ms > LATE_REAL_MS;
}

bool web_ready(const struct web_request *r, const char **ret_detail)
{
    for (size_t i = 0; i < r->view->cluster_count; i++) {
        const struct view_cluster *c = r->view->clusters[i];
        if (!c->ticked) {
            *ret_detail = arena_printf(r->arena, "%s: no complete tick yet%s%s", c->name, *c->error ? ": " : "", c->error);
            return false;
        }
        if (web_cluster_late(r, c)) {
            *ret_detail = arena_printf(r->arena, "%s: no complete tick for more than 3 periods", c->name);
            return false;
        }
    }
    *ret_detail = "";
    return true;
}

void web_healthz(struct web_request *r, struct web_response *w)
{
    struct jsonw j;
    bool still = r->beat_age_ms > LOOP_STILL_MS;
    w->status = still ? 503 : 200;
    web_json_begin(r, w, &j);
    jsonw_str(&j, "status", still ? "the loop stands still" : "ok");
    jsonw_int(&j, "loop_age_s", r->beat_age_ms / 1000);
    jsonw_end(&j);
}

void web_readyz(struct web_request *r, struct web_response *w)
{
    struct jsonw j;
    const char *detail;
    bool ready = web_ready(r, &detail);
    w->status = ready ? 200 : 503;
    web_json_begin(r, w, &j);
    jsonw_bool(&j, "ready", ready);
    jsonw_str(&j, "detail", detail);
    jsonw_array(&j, "controls");  // ready, but held: a person should know that too
    for (size_t i = 0; i < r->view->cluster_count; i++)
        if (r->view->notes->controls[i].mode != CONTROL_RUN) {
            jsonw_object(&j, NULL);
            jsonw_str(&j, "cluster", r->view->clusters[i]->name);
            web_write_control(&j, &r->view->notes->controls[i]);
            jsonw_end(&j);
        }
    jsonw_end(&j);
    jsonw_end(&j);
}
