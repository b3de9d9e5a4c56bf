// GET and POST /api/v1/simulate, POST /api/v1/simulate/cancel: the what-if that runs or ran last (web/whatif.h).
#include "base/parse.h"
#include "web/jsonw.h"
#include "web/routes.h"
#include "web/whatif.h"

static void write_ask(struct jsonw *j, const struct whatif_ask *a)
{
    jsonw_object(j, "ask");
    jsonw_str(j, "cluster", a->cluster);
    jsonw_int(j, "days", a->days);
    jsonw_int(j, "seeds", a->seeds);
    jsonw_str_or_null(j, "scale", a->scale);
    jsonw_str_or_null(j, "lose_zone", a->lose_zone);
    jsonw_str_or_null(j, "lose_pool", a->lose_pool);
    jsonw_str_or_null(j, "types", a->types);
    jsonw_str_or_null(j, "add_service", a->add_service);
    a->headroom_percent >= 0 ? jsonw_num(j, "headroom_percent", a->headroom_percent) : jsonw_null(j, "headroom_percent");
    a->waiting_costs > 0 ? jsonw_num(j, "waiting_costs", a->waiting_costs) : jsonw_null(j, "waiting_costs");
    jsonw_bool(j, "everybody", a->everybody);
    jsonw_end(j);
}

// The line that does the same in a shell.
static const char *command_line(struct arena *a, const struct whatif_ask *ask)
{
    char room[WHATIF_ARGS][WHATIF_TEXT + 32];
    const char *args[WHATIF_ARGS];
    int n = whatif_args(ask, true, "F", room, args);
    char *line = arena_strdup(a, "masu");
    for (int i = 0; i < n && strcmp(args[i], "--format"); i++)
        line = arena_printf(a, "%s %s", line, args[i]);
    return line;
}

static void write_run(struct web_request *r, struct web_response *w)
{
    struct whatif_view v;
    struct jsonw j;
    whatif_look(r->whatif, r->arena, &v);
    web_json_begin(r, w, &j);
    if (v.id == 0) {
        jsonw_null(&j, "run");
    } else {
        jsonw_object(&j, "run");
        jsonw_int(&j, "id", v.id);
        jsonw_str(&j, "state", whatif_state_name(v.state));
        jsonw_int(&j, "progress_permille", v.state == WHATIF_DONE ? 1000 : v.progress_permille);
        jsonw_time(&j, "started", v.started_ms);
        jsonw_time(&j, "finished", v.finished_ms);
        jsonw_str_or_null(&j, "error", v.state == WHATIF_RUNNING ? "" : v.error);
        write_ask(&j, &v.ask);
        jsonw_str(&j, "command", command_line(r->arena, &v.ask));
        jsonw_raw(&j, "today", v.today);
        jsonw_raw(&j, "change", v.change);
        jsonw_end(&j);
    }
    jsonw_end(&j);
}

static bool knows(const struct view *v, const char *cluster)
{
    for (size_t i = 0; i < v->cluster_count; i++)
        if (strcmp(v->clusters[i]->name, cluster) == 0)
            return true;
    return false;
}

static enum web_post_result ask(struct web_request *r, char why_not[256])
{
    struct whatif_ask a;
    struct err err = {0};
    int64_t id;
    enum web_post_result may = web_post_may(r, r->whatif_open, why_not);
    if (may != POST_ACCEPTED)
        return may;
    if (whatif_parse(r->body, &a, &err) != 0) {
        snprintf(why_not, 256, "%.255s", err.msg);
        return POST_INVALID;
    }
    if (!knows(r->view, a.cluster)) {
        snprintf(why_not, 256, "no cluster %.200s in the policy", a.cluster);
        return POST_NO_CLUSTER;
    }
    int rc = whatif_start(r->whatif, &a, &id, &err);
    snprintf(why_not, 256, "%.255s", rc ? err.msg : "");
    return rc == 0 ? POST_ACCEPTED : rc == ERR_CONFLICT ? POST_BUSY : POST_FULL;
}

void web_simulate(struct web_request *r, struct web_response *w)
{
    char why_not[256];
    if (r->whatif == NULL) {
        web_problem(w, 503, "nothing can be simulated here");
        return;
    }
    if (!r->post) {
        write_run(r, w);
        return;
    }
    enum web_post_result result = ask(r, why_not);
    int status = web_post_tell(r, "/api/v1/simulate", result, why_not);
    if (result != POST_ACCEPTED) {
        web_problem(w, status, "%s", why_not);
        return;
    }
    write_run(r, w);
    w->status = status;
}

void web_simulate_cancel(struct web_request *r, struct web_response *w)
{
    char why_not[256];
    if (!r->post || r->whatif == NULL) {
        web_problem(w, 405, "POST is expected here");
        w->allow = "POST";
        return;
    }
    enum web_post_result result = web_post_may(r, r->whatif_open, why_not);
    int status = web_post_tell(r, "/api/v1/simulate/cancel", result, why_not);
    if (result != POST_ACCEPTED) {
        web_problem(w, status, "%s", why_not);
        return;
    }
    whatif_cancel(r->whatif);
    write_run(r, w);
    w->status = status;
}
