// Services and their deployments.
#include "scaler/sandbox/ecs.h"

#include <string.h>

static const struct {
    const char *type, *field;
} strategies[] = {
    [WS_SPREAD_INSTANCE] = {"spread", "instanceId"},       [WS_SPREAD_ZONE] = {"spread", "attribute:ecs.availability-zone"},
    [WS_SPREAD_TYPE] = {"spread", "attribute:ecs.instance-type"}, [WS_SPREAD_ATTRIBUTE] = {"spread", NULL}, [WS_BINPACK_CPU] = {"binpack", "CPU"},
    [WS_BINPACK_MEMORY] = {"binpack", "MEMORY"},           [WS_RANDOM] = {"random", NULL},
};

void play_ecs_list_services(struct call *c)
{
    static const char *const unplayed[] = {"resourceManagementType", NULL};
    int cluster = -1;
    const char *launch_type = NULL, *strategy = NULL;
    struct page page;
    if (!play_ecs_cluster(c, &cluster) || !play_ecs_refuse_members(c, unplayed) || !play_ecs_str(c, "launchType", &launch_type) ||
        !play_ecs_str(c, "schedulingStrategy", &strategy) || !play_ecs_page(c, 10, 100, &page))
        return;
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "serviceArns", '[');
    for (int i = 0; i < c->view.service_count; i++) {
        const struct world_service *s = &c->view.services[i];
        if (s->cluster != cluster || s->created_ms > c->seen_ms)
            continue;
        if (launch_type != NULL && strcmp(launch_type, "EC2") != 0)
            continue;
        if (strategy != NULL && strcmp(strategy, s->daemon ? "DAEMON" : "REPLICA") != 0)
            continue;
        if (page_take(&page, i))
            jo_str(&o, NULL, play_ecs_arn(c, cluster, "service", s->name));
    }
    jo_close(&o, ']');
    const char *token = page_token(c, &page);
    if (token != NULL)
        jo_str(&o, "nextToken", token);
    jo_close(&o, '}');
}

static void write_events(struct json_out *o, const struct world_service *s)
{
    jo_open(o, "events", '[');
    for (int i = 0; i < s->event_count; i++) {
        jo_open(o, NULL, '{');
        jo_str(o, "id", s->events[i].id);
        jo_time(o, "createdAt", s->events[i].at_ms);
        jo_str(o, "message", s->events[i].text);
        jo_close(o, '}');
    }
    jo_close(o, ']');
}

static void write_constraints(struct json_out *o, const struct world_rules *r)
{
    jo_open(o, "placementConstraints", '[');
    if (r->distinct_instance) {
        jo_open(o, NULL, '{');
        jo_str(o, "type", "distinctInstance");
        jo_close(o, '}');
    }
    for (int i = 0; i < r->member_of_count; i++) {
        jo_open(o, NULL, '{');
        jo_str(o, "type", "memberOf");
        jo_str(o, "expression", r->member_of[i]);
        jo_close(o, '}');
    }
    jo_close(o, ']');
}

static void write_placement(struct call *c, struct json_out *o, const struct world_rules *r)
{
    write_constraints(o, r);
    jo_open(o, "placementStrategy", '[');
    for (int i = 0; i < r->strategy_count; i++) {
        const struct world_strategy *s = &r->strategies[i];
        const char *field = s->kind == WS_SPREAD_ATTRIBUTE ? arena_printf(c->arena, "attribute:%s", s->attribute) : strategies[s->kind].field;
        jo_open(o, NULL, '{');
        jo_str(o, "type", strategies[s->kind].type);
        if (field != NULL)
            jo_str(o, "field", field);
        jo_close(o, '}');
    }
    jo_close(o, ']');
}

// What services and deployments both tell: how they launch and into which subnets.
static void write_launch(struct call *c, struct json_out *o, const struct world_rules *r)
{
    if (r->share_count == 0)
        jo_str(o, "launchType", "EC2");
    else
        jo_open(o, "capacityProviderStrategy", '[');
    for (int i = 0; i < r->share_count; i++) {
        jo_open(o, NULL, '{');
        jo_str(o, "capacityProvider", c->view.providers[r->shares[i].provider].name);
        jo_int(o, "weight", r->shares[i].weight);
        jo_int(o, "base", r->shares[i].base);
        jo_close(o, '}');
    }
    if (r->share_count > 0)
        jo_close(o, ']');
    if (r->subnet_count == 0)
        return;
    jo_open(o, "networkConfiguration", '{');
    jo_open(o, "awsvpcConfiguration", '{');
    jo_open(o, "subnets", '[');
    for (int i = 0; i < r->subnet_count; i++)
        jo_str(o, NULL, c->view.subnets[r->subnets[i]].id);
    jo_close(o, ']');
    jo_close(o, '}');
    jo_close(o, '}');
}

static void write_deployment(struct call *c, struct json_out *o, const struct world_service *s, const struct world_deployment *d)
{
    jo_open(o, NULL, '{');
    jo_str(o, "id", d->id);
    jo_str(o, "status", d->primary ? "PRIMARY" : "ACTIVE");
    jo_str(o, "taskDefinition", play_ecs_taskdef_arn(c, d->taskdef));
    jo_int(o, "desiredCount", d->desired);
    jo_int(o, "pendingCount", d->pending);
    jo_int(o, "runningCount", d->running);
    jo_int(o, "failedTasks", d->failed);
    jo_time(o, "createdAt", d->created_ms);
    jo_time(o, "updatedAt", d->updated_ms);
    write_launch(c, o, &s->rules);
    jo_str(o, "rolloutState", d->completed ? "COMPLETED" : "IN_PROGRESS");
    jo_str(o, "rolloutStateReason", d->completed ? "ECS deployment completed." : "ECS deployment in progress.");
    jo_close(o, '}');
}

static const struct world_deployment *primary_of(const struct world_service *s)
{
    for (int i = 0; i < s->deployment_count; i++)
        if (s->deployments[i].primary)
            return &s->deployments[i];
    return s->deployment_count > 0 ? &s->deployments[0] : NULL;
}

void play_ecs_write_service(struct call *c, struct json_out *o, int service)
{
    const struct world_service *s = &c->view.services[service];
    const struct world_deployment *primary = primary_of(s);
    jo_open(o, NULL, '{');
    jo_str(o, "serviceArn", play_ecs_arn(c, s->cluster, "service", s->name));
    jo_str(o, "serviceName", s->name);
    jo_str(o, "clusterArn", play_ecs_cluster_arn(c, s->cluster));
    jo_open(o, "loadBalancers", '[');
    for (int i = 0; i < s->balancer_count; i++) {
        jo_open(o, NULL, '{');
        jo_str(o, "targetGroupArn", s->balancers[i].target_group);
        jo_str(o, "containerName", s->balancers[i].container);
        jo_int(o, "containerPort", s->balancers[i].port);
        jo_close(o, '}');
    }
    jo_close(o, ']');
    jo_str(o, "status", "ACTIVE");
    jo_int(o, "desiredCount", s->desired);
    jo_int(o, "runningCount", s->running);
    jo_int(o, "pendingCount", s->pending);
    write_launch(c, o, &s->rules);
    if (primary != NULL)
        jo_str(o, "taskDefinition", play_ecs_taskdef_arn(c, primary->taskdef));
    jo_open(o, "deploymentConfiguration", '{');
    jo_int(o, "maximumPercent", s->max_percent);
    jo_int(o, "minimumHealthyPercent", s->min_percent);
    jo_close(o, '}');
    jo_open(o, "deployments", '[');
    for (int i = 0; i < s->deployment_count; i++)
        write_deployment(c, o, s, &s->deployments[i]);
    jo_close(o, ']');
    write_events(o, s);
    jo_time(o, "createdAt", s->created_ms);
    write_placement(c, o, &s->rules);
    jo_str(o, "schedulingStrategy", s->daemon ? "DAEMON" : "REPLICA");
    jo_open(o, "deploymentController", '{');
    jo_str(o, "type", "ECS");
    jo_close(o, '}');
    jo_str(o, "availabilityZoneRebalancing", "DISABLED");
    jo_close(o, '}');
}

void play_ecs_describe_services(struct call *c)
{
    int cluster = -1;
    struct ecs_list ids, include;
    if (!play_ecs_cluster(c, &cluster) || !play_ecs_strings(c, "services", 10, &ids) || !play_ecs_strings(c, "include", 10, &include))
        return;
    if (ids.count == 0) {
        call_missing(c, "Services");
        return;
    }
    int *found = arena_array(c->arena, int, ids.count);
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "services", '[');
    for (size_t i = 0; i < ids.count; i++) {
        found[i] = play_ecs_left_out(c, i, ids.count) ? -1 : play_ecs_find_service(c, cluster, ids.items[i]);
        if (found[i] >= 0)
            play_ecs_write_service(c, &o, found[i]);
    }
    jo_close(&o, ']');
    jo_open(&o, "failures", '[');
    for (size_t i = 0; i < ids.count; i++)
        if (found[i] < 0)
            play_ecs_failure(c, &o, cluster, "service", ids.items[i], "MISSING");
    jo_close(&o, ']');
    jo_close(&o, '}');
}
