// CreateService and UpdateService.
#include "scaler/sandbox/ecs.h"

#include <stdio.h>
#include <string.h>

#include "planner/sim/orders.h"

static const char *const unplayed[] = {"serviceRegistries", "serviceConnectConfiguration", "volumeConfigurations",
                                       "vpcLatticeConfigurations", NULL};

static bool invalid(struct call *c, const char *words)
{
    call_fail(c, 400, "InvalidParameterException", "%s", words);
    return false;
}

static bool read_percents(struct call *c, int64_t *min, int64_t *max)
{
    json_t *config;
    if (!play_json_object(c, c->json, "deploymentConfiguration", &config) || !play_json_int(c, config, "minimumHealthyPercent", min) ||
        !play_json_int(c, config, "maximumPercent", max))
        return false;
    bool fine = *min >= WORLD_LEFT_OUT && *min <= 100 && *max >= WORLD_LEFT_OUT && *max <= 200 && *max != 0;
    return fine || invalid(c, "minimumHealthyPercent is 0 to 100, maximumPercent 1 to 200.");
}

static bool read_taskdef(struct call *c, int *ret)
{
    const char *name = NULL;
    if (!play_ecs_str(c, "taskDefinition", &name))
        return false;
    if (name == NULL)
        return true;
    *ret = play_ecs_find_taskdef(c, name);
    if (*ret >= 0 && !c->view.taskdefs[*ret].inactive)
        return true;
    call_fail(c, 400, "ClientException", *ret < 0 ? "TaskDefinition not found." : "TaskDefinition is inactive");
    return false;
}

static bool has_container(const struct call *c, int taskdef, const char *name)
{
    const struct world_taskdef *t = taskdef >= 0 ? &c->view.taskdefs[taskdef] : NULL;
    bool found = false;
    for (int i = 0; t && i < t->container_count; i++)
        found = found || strcmp(t->containers[i].name, name) == 0;
    return found;
}

// Target groups only: a Classic Load Balancer's name is refused.
static bool read_balancers(struct call *c, struct world_service_spec *spec)
{
    json_t *list;
    if (!play_json_list(c, c->json, "loadBalancers", WORLD_BALANCERS, &list))
        return false;
    struct world_balancer *v = arena_array(c->arena, struct world_balancer, WORLD_BALANCERS);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *x = json_array_get(list, i);
        const char *group = NULL, *classic = NULL, *container = NULL;
        int64_t port = 0;
        if (!play_json_str(c, x, "targetGroupArn", &group) || !play_json_str(c, x, "loadBalancerName", &classic) ||
            !play_json_str(c, x, "containerName", &container) || !play_json_int(c, x, "containerPort", &port))
            return false;
        if (classic || !group || strncmp(group, "arn:aws:elasticloadbalancing:", 29) != 0 || !strstr(group, ":targetgroup/") || strlen(group) >= WORLD_TEXT)
            return invalid(c, "A load balancer is a target group's ARN, a container's name and its port; names of Classic Load Balancers are not played here.");
        if (!container || !has_container(c, spec->taskdef, container) || port < 1 || port > 65535)
            return invalid(c, "The container of a load balancer does not exist in the task definition, or its port is not 1 to 65535.");
        v[spec->balancer_count++] = (struct world_balancer){group, container, (int32_t)port};
    }
    spec->balancers = v;
    return true;
}

static void write_answer(struct call *c, int service)
{
    struct json_out o;
    c->view = world_view(c->world);
    c->seen_ms = c->now_ms;
    call_begin_json(c, &o);
    buf_add_str(c->out, "\"service\":");
    play_ecs_write_service(c, &o, service);
    jo_close(&o, '}');
}

static bool read_new(struct call *c, struct world_service_spec *spec, struct world_rules *rules)
{
    const char *strategy = "REPLICA";
    int64_t desired = 0, min = WORLD_LEFT_OUT, max = WORLD_LEFT_OUT;
    bool has_desired = false, given = false;
    if (!play_ecs_cluster(c, &spec->cluster) || !play_ecs_refuse_members(c, unplayed) || !play_ecs_str(c, "serviceName", &spec->name) ||
        !play_ecs_str(c, "schedulingStrategy", &strategy) || !play_ecs_int(c, "desiredCount", &desired, &has_desired) ||
        !read_taskdef(c, &spec->taskdef) || !read_percents(c, &min, &max) || !play_ecs_rules(c, rules, &given) || !read_balancers(c, spec))
        return false;
    spec->daemon = strcmp(strategy, "DAEMON") == 0;
    if (!spec->daemon && strcmp(strategy, "REPLICA") != 0)
        return invalid(c, "schedulingStrategy is REPLICA or DAEMON.");
    if (spec->name == NULL || spec->taskdef < 0) {
        call_missing(c, spec->name == NULL ? "Service name" : "TaskDefinition");
        return false;
    }
    if (spec->name[0] == '\0' || strlen(spec->name) >= WORLD_ID)
        return invalid(c, "The service name is empty or too long for this sandbox.");
    if (world_find_service(c->world, spec->cluster, spec->name) >= 0)
        return invalid(c, "Creation of service was not idempotent.");
    if (desired < 0 || desired > 5000 || (spec->daemon && has_desired) || (!spec->daemon && !has_desired))
        return invalid(c, "desiredCount is 0 to 5,000, and a DAEMON service has none.");
    if (spec->daemon && (rules->strategy_count > 0 || rules->distinct_instance))
        return invalid(c, "A DAEMON service takes no placement strategy and no distinctInstance.");
    spec->desired = (int32_t)desired;
    spec->min_percent = (int32_t)(min != WORLD_LEFT_OUT ? min : spec->daemon ? 0 : 100);
    spec->max_percent = (int32_t)(max != WORLD_LEFT_OUT ? max : spec->daemon ? 100 : 200);
    return play_ecs_network_fits(c, spec->taskdef, rules);
}

void play_ecs_create_service(struct call *c)
{
    struct world_rules rules = {.strategy_count = 0};
    struct world_service_spec spec = {.taskdef = -1, .rules = &rules};
    if (!read_new(c, &spec, &rules))
        return;
    call_note(c, spec.name, "desiredCount=%d", spec.desired);
    write_answer(c, world_add_service(c->world, &spec));
}

static bool apply(struct call *c, int service, bool has_desired, int64_t desired, const struct world_service_change *change)
{
    enum world_answer answer = WORLD_OK;
    bool changes = change->taskdef >= 0 || change->rules != NULL || change->min_percent >= 0 || change->max_percent >= 0;
    if (has_desired)
        answer = world_set_desired(c->world, c->key->actor, service, (int32_t)desired);
    if (answer == WORLD_OK && changes)
        answer = world_update_service(c->world, c->key->actor, service, change);
    return answer == WORLD_OK || invalid(c, "The service cannot be updated so.");
}

void play_ecs_update_service(struct call *c)
{
    static const char *const balancers[] = {"loadBalancers", NULL};
    int cluster = -1, taskdef = -1;
    const char *name = NULL;
    int64_t desired = 0, min = WORLD_LEFT_OUT, max = WORLD_LEFT_OUT;
    bool has_desired = false, force = false, given = false;
    if (!play_ecs_cluster(c, &cluster) || !play_ecs_refuse_members(c, unplayed) || !play_ecs_refuse_members(c, balancers) || !play_ecs_str(c, "service", &name) ||
        !play_ecs_int(c, "desiredCount", &desired, &has_desired) || !play_ecs_bool(c, "forceNewDeployment", &force, NULL) ||
        !read_taskdef(c, &taskdef) || !read_percents(c, &min, &max))
        return;
    if (name == NULL) {
        call_missing(c, "Service");
        return;
    }
    call_note(c, name, "%s%lld forceNewDeployment=%d", has_desired ? "desiredCount=" : "desiredCount unchanged ", (long long)desired, force);
    int service = play_ecs_find_service(c, cluster, name);
    if (service < 0) {
        call_fail(c, 400, "ServiceNotFoundException", "Service not found.");
        return;
    }
    const struct world_service *s = &c->view.services[service];
    struct world_rules rules = s->rules;
    if (has_desired && (desired < 0 || desired > 5000 || s->daemon)) {
        invalid(c, "The desired count is not valid for this service.");
        return;
    }
    int present = s->deployments[0].taskdef;
    if (!play_ecs_rules(c, &rules, &given) || !play_ecs_network_fits(c, taskdef >= 0 ? taskdef : present, &rules))
        return;
    struct world_service_change change = {.taskdef = taskdef >= 0 ? taskdef : force ? present : WORLD_LEFT_OUT, .rules = given ? &rules : NULL,
                                          .min_percent = (int32_t)min, .max_percent = (int32_t)max};
    if (apply(c, service, has_desired, desired, &change))
        write_answer(c, service);
}
