// Limits ahead: what there may be of what a cluster uses, and when the trend of daily peaks reaches it.
#include <math.h>

#include "planner/limit_ahead.h"
#include "scaler/view_limits.h"
#include "web/ask.h"
#include "web/jsonw.h"

#define DAY_MS INT64_C(86400000)
static void write_date(struct jsonw *j, const char *key, int64_t last_day_ms, int day)
{
    jsonw_time(j, key, day == LIMIT_NEVER ? 0 : last_day_ms + (day > 0 ? day : 1) * DAY_MS);
}

static void write_column(struct jsonw *j, const char *key, const double *v, size_t count)
{
    jsonw_array(j, key);
    for (size_t k = 0; k < count; k++)
        if (isfinite(v[k]))
            jsonw_int(j, NULL, llround(fmin(fmax(v[k], 0), 1e12)));
        else
            jsonw_null(j, NULL);
    jsonw_end(j);
}

static const char *verdict(const struct view_limit *x, const struct limit_ahead *r)
{
    if (r->days_known < LIMIT_DAYS_MIN)
        return x->now >= x->most ? "it is reached" : "too little to say when";
    if (x->now >= x->most || r->q50_day == 0)
        return x->now >= x->most ? "it is reached" : "the peak reaches it";
    if (r->q90_day == LIMIT_NEVER)
        return "not within 90 days";
    return x->kind == VIEW_LIMIT_FLEET ? "raise max before" : x->kind == VIEW_LIMIT_QUOTA ? "ask for more before" : "add a subnet before";
}

static void write_limit(struct jsonw *j, struct arena *a, const struct view_limit *x, const double *peak, int64_t now_ms)
{
    static const char *const kinds[VIEW_LIMIT_KIND_COUNT] = {"fleet", "quota", "subnet"};
    struct limit_ahead r;
    int64_t last_ms = view_limit_last_day_ms(now_ms);
    limit_ahead_of(peak, VIEW_LIMIT_DAYS, (double)x->most, a, &r);
    bool known = r.days_known >= LIMIT_DAYS_MIN;
    jsonw_object(j, NULL);
    jsonw_str(j, "kind", kinds[x->kind]);
    jsonw_str(j, "name", x->name);
    jsonw_int(j, "now", x->now);
    jsonw_int(j, "limit", x->most);
    jsonw_int_or_null(j, "peak_7d", isfinite(r.peak_7d) ? llround(r.peak_7d) : 0);
    jsonw_int(j, "days_known", r.days_known);
    jsonw_int(j, "days_needed", LIMIT_DAYS_MIN);
    jsonw_int(j, "days_ahead", LIMIT_AHEAD_DAYS);
    if (known)
        jsonw_num(j, "growth_a_day", r.a_day);
    else
        jsonw_null(j, "growth_a_day");
    write_date(j, "reached_q90", last_ms, r.q90_day);
    write_date(j, "reached_q50", last_ms, r.q50_day);
    jsonw_str(j, "fact", known ? arena_printf(a, "peaks of %d days change by %.3g a day", r.days_known, r.a_day)
                               : arena_printf(a, "peaks of %d %s known, a trend takes %d", r.days_known, r.days_known == 1 ? "day is" : "days are", LIMIT_DAYS_MIN));
    jsonw_str(j, "verdict", verdict(x, &r));
    jsonw_time(j, "first_day", last_ms - (VIEW_LIMIT_DAYS - 1) * DAY_MS);
    write_column(j, "peaks", peak, VIEW_LIMIT_DAYS);
    if (known) {
        write_column(j, "ahead_q50", r.q50, LIMIT_AHEAD_DAYS + 1);
        write_column(j, "ahead_q90", r.q90, LIMIT_AHEAD_DAYS + 1);
    } else {
        jsonw_null(j, "ahead_q50");
        jsonw_null(j, "ahead_q90");
    }
    jsonw_end(j);
}

void web_limits(struct web_request *r, struct web_response *w)
{
    r->name = r->query(r, "cluster");
    if (!r->name) {
        web_problem(w, 400, "cluster: of which? The names are at clusters");
        return;
    }
    const struct view_cluster *c = web_find_cluster(r, w);
    struct state_reader *reader = c ? web_ask(r, w) : NULL;
    struct err err = {0};
    struct view_limit *v = NULL;
    struct jsonw j;
    int64_t id = 0;
    if (!reader)
        return;
    size_t count = view_limits_of(c, r->arena, &v);
    double *peaks = arena_array(r->arena, double, count * VIEW_LIMIT_DAYS + 1);
    int rc = web_ask_cluster(reader, c, r->arena, &id, &err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = view_limit_peaks(reader, id, &v[i], r->now_ms, peaks + i * VIEW_LIMIT_DAYS, &err);
    web_history_release(r->history, web_ask_failed(rc));
    if (rc) {
        web_ask_error(w, &err);
        return;
    }
    web_json_begin(r, w, &j);
    jsonw_str(&j, "cluster", c->name);
    jsonw_array(&j, "limits");
    for (size_t i = 0; i < count; i++)
        write_limit(&j, r->arena, &v[i], peaks + i * VIEW_LIMIT_DAYS, r->now_ms);
    jsonw_end(&j);
    jsonw_end(&j);
}
