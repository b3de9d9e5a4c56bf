#include "web/jsonw.h"
#include "web/routes.h"

static void write_holding(struct jsonw *j, const struct view_cluster *c, const struct holding *h)
{
    const struct shape *shape = h->shape >= 0 ? &c->snapshot->shapes[h->shape] : NULL;
    jsonw_object(j, NULL);
    jsonw_int(j, "service", h->service >= 0 ? c->service_rank[h->service] : -1);
    jsonw_str(j, "shape", shape ? shape->name : "");
    jsonw_int(j, "cpu_units", shape ? shape->need.v[RES_CPU] : 0);
    jsonw_int(j, "memory_mib", shape ? shape->need.v[RES_MEMORY] : 0);
    jsonw_int(j, "running", h->running);
    jsonw_int(j, "pending", h->pending);
    jsonw_int(j, "stopping", h->stopping);
    jsonw_int(j, "protected", h->protected_);
    jsonw_bool(j, "daemon", h->service >= 0 && c->snapshot->services[h->service].kind == SERVICE_DAEMON);
    jsonw_end(j);
}

static void write_drain(struct jsonw *j, const struct view_cluster *c, size_t index)
{
    const struct memo_drain *d = c->instance_drain[index];
    if (!d) {
        jsonw_null(j, "drain");
        return;
    }
    jsonw_object(j, "drain");
    jsonw_str(j, "state", drain_state_name(d->state));
    jsonw_time(j, "since", d->since_ms);
    jsonw_time(j, "state_since", d->state_since_ms);
    jsonw_time(j, "deadline", d->deadline_ms);
    jsonw_bool(j, "held", strcmp(c->instance_box[index], "held") == 0);
    jsonw_str(j, "reason", d->reason);
    jsonw_end(j);
}

static void write_verdict(struct jsonw *j, const struct verdict *v)
{
    if (!v) {
        jsonw_null(j, "verdict");
        return;
    }
    jsonw_object(j, "verdict");
    jsonw_str(j, "code", verdict_code_name(v->code));
    jsonw_str(j, "fact", v->fact);
    jsonw_str(j, "verdict", v->verdict);
    jsonw_end(j);
}

static void write_instance(struct jsonw *j, const struct view_cluster *c, size_t index)
{
    const struct instance *i = &c->snapshot->instances[index];
    jsonw_object(j, NULL);
    jsonw_str(j, "id", i->id);
    jsonw_str(j, "type", i->type);
    jsonw_str(j, "zone", i->zone);
    jsonw_str(j, "arch", i->arch);
    jsonw_bool(j, "spot", i->spot);
    jsonw_str(j, "fleet", i->fleet >= 0 ? c->snapshot->fleets[i->fleet].id : NULL);
    jsonw_int(j, "weight_milli", i->weight_milli);
    jsonw_str(j, "box", c->instance_box[index]);
    jsonw_str(j, "ecs", ecs_state_name(i->ecs));
    jsonw_str(j, "ec2", ec2_state_name(i->ec2));
    jsonw_bool(j, "agent_connected", i->agent_connected);
    jsonw_time(j, "launched", i->launched_ms);
    jsonw_time(j, "registered", i->registered_ms);
    jsonw_res_or_null(j, "capacity", c->instance_capacity[index]);
    if (res_is_zero(i->registered))
        jsonw_null(j, "reserved");
    else
        jsonw_res(j, "reserved", c->instance_reserved[index]);
    jsonw_int_or_null(j, "usd_micro_per_hour", c->instance_usd_micro[index]);
    jsonw_bool(j, "tasks_known", i->tasks_known);
    jsonw_array(j, "holdings");
    for (size_t k = 0; k < i->holding_count; k++)
        write_holding(j, c, &i->holdings[k]);
    jsonw_end(j);
    write_drain(j, c, index);
    jsonw_str(j, "mark", i->mark);
    jsonw_time(j, "notice", i->notice_ms);
    jsonw_time(j, "rebalance", i->rebalance_ms);
    jsonw_time(j, "event", i->event_ms);
    jsonw_bool(j, "kept_by_tag", i->forbidden);
    write_verdict(j, c->instance_verdict[index]);
    jsonw_end(j);
}

void web_instances(struct web_request *r, struct web_response *w)
{
    const struct view_cluster *c = web_find_cluster(r, w);
    if (!c)
        return;
    struct jsonw j;
    web_json_begin(r, w, &j);
    jsonw_str(&j, "cluster", c->name);
    jsonw_int_or_null(&j, "tick", c->tick);
    jsonw_time(&j, "at", c->at_ms);
    jsonw_array(&j, "services");
    for (size_t i = 0; i < c->service_count; i++)
        jsonw_str(&j, NULL, c->snapshot->services[c->services[i].index].name);
    jsonw_end(&j);
    jsonw_array(&j, "instances");
    for (size_t i = 0; c->ticked && i < c->snapshot->instance_count; i++)
        write_instance(&j, c, i);
    jsonw_end(&j);
    jsonw_end(&j);
}
