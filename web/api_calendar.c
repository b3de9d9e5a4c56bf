// What is known ahead: the entries of each cluster's calendar, their next windows, and what they ask for.
#include "policies/calendar.h"
#include "web/ask.h"
#include "web/jsonw.h"

#define PAST_MAX_MS (INT64_C(400) * 86400000)
enum { PAST_MAX = 400 };

// Those of an entry that ended between two times, oldest first.
static void write_past(struct jsonw *j, const struct calendar *k, size_t entry, int64_t from_ms, int64_t now_ms)
{
    jsonw_array(j, "past");
    int64_t start_ms, end_ms = from_ms;
    for (int n = 0; k && n < PAST_MAX && calendar_next(k, entry, end_ms, &start_ms, &end_ms) && end_ms <= now_ms; n++) {
        jsonw_object(j, NULL);
        jsonw_time(j, "start", start_ms);
        jsonw_time(j, "end", end_ms);
        jsonw_end(j);
    }
    jsonw_end(j);
}

// past: the calendar to tell past windows by, NULL: none is asked for
static void write_event(struct jsonw *j, const struct web_request *r, const struct view_cluster *c, size_t entry, const struct calendar *past, int64_t from_ms)
{
    const struct policy_event *e = &c->calendar.events[entry];
    jsonw_object(j, NULL);
    jsonw_str(j, "cluster", c->name);
    jsonw_str(j, "account", c->account);
    jsonw_str(j, "region", c->region);
    jsonw_str(j, "name", e->name);
    jsonw_num(j, "times", (double)e->times_milli / 1000);
    jsonw_object(j, "at_least");
    jsonw_int_or_null(j, "vcpus", e->least_vcpus);
    jsonw_int_or_null(j, "memory_gib", e->least_memory_gib);
    jsonw_int_or_null(j, "instances", e->least_instances);
    jsonw_end(j);
    jsonw_str_or_null(j, "date", e->date);
    jsonw_str_or_null(j, "days", e->window.days);
    jsonw_str_or_null(j, "from", e->window.from);
    jsonw_str_or_null(j, "to", e->window.to);
    jsonw_str_or_null(j, "zone", *e->start ? "" : e->window.zone);
    jsonw_array(j, "next");
    for (size_t k = 0; k < c->snapshot->occasion_count; k++) {
        const struct occasion *o = &c->snapshot->occasions[k];
        if (strcmp(o->name, e->name) != 0 || o->end_ms <= r->now_ms)
            continue;
        jsonw_object(j, NULL);
        jsonw_time(j, "start", o->start_ms);
        jsonw_time(j, "end", o->end_ms);
        jsonw_bool(j, "now", o->start_ms <= r->now_ms);
        jsonw_end(j);
    }
    jsonw_end(j);
    write_past(j, past, entry, from_ms, r->now_ms);
    jsonw_end(j);
}

void web_calendar(struct web_request *r, struct web_response *w)
{
    const struct view_cluster *only = NULL;
    struct jsonw j;
    int64_t from_ms = INT64_MAX;
    r->name = r->query(r, "cluster");
    if ((r->name && !(only = web_find_cluster(r, w))) || !web_param_time(r, w, "from", &from_ms))
        return;
    from_ms = from_ms < r->now_ms - PAST_MAX_MS ? r->now_ms - PAST_MAX_MS : from_ms;
    web_json_begin(r, w, &j);
    jsonw_array(&j, "entries");
    for (size_t i = 0; i < r->view->cluster_count; i++) {
        const struct view_cluster *c = r->view->clusters[i];
        bool told = c->ticked && (!only || only == c) && c->calendar.count > 0;
        const struct calendar *past = told && from_ms < r->now_ms ? calendar_load(&c->calendar, r->arena) : NULL;
        for (size_t k = 0; told && k < c->calendar.count; k++)
            write_event(&j, r, c, k, past, from_ms);
    }
    jsonw_end(&j);
    jsonw_end(&j);
}
