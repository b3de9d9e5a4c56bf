// What is known ahead: the entries of each cluster's calendar, their next windows, and what they ask for.
#include "web/jsonw.h"
#include "web/routes.h"

static void write_event(struct jsonw *j, const struct web_request *r, const struct view_cluster *c, const struct policy_event *e)
{
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
    jsonw_end(j);
}

void web_calendar(struct web_request *r, struct web_response *w)
{
    const struct view_cluster *only = NULL;
    struct jsonw j;
    r->name = r->query(r, "cluster");
    if (r->name && !(only = web_find_cluster(r, w)))
        return;
    web_json_begin(r, w, &j);
    jsonw_array(&j, "entries");
    for (size_t i = 0; i < r->view->cluster_count; i++) {
        const struct view_cluster *c = r->view->clusters[i];
        for (size_t k = 0; c->ticked && (!only || only == c) && k < c->calendar.count; k++)
            write_event(&j, r, c, &c->calendar.events[k]);
    }
    jsonw_end(&j);
    jsonw_end(&j);
}
