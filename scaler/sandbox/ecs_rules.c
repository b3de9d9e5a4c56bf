// Placement rules, overrides and nested members as requests carry them.
#include "scaler/sandbox/ecs.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "planner/sim/query.h"

static bool invalid(struct call *c, const char *words)
{
    call_fail(c, 400, "InvalidParameterException", "%s", words);
    return false;
}

// ---- members of a nested object ------------------------------------------------------------------------------------------------
static bool wrong_type(struct call *c, const char *key)
{
    call_fail(c, 400, "SerializationException", "%s has a value of the wrong type", key);
    return false;
}

bool play_json_str(struct call *c, json_t *object, const char *key, const char **ret)
{
    json_t *v = json_object_get(object, key);
    if (v == NULL || json_is_null(v))
        return true;
    if (!json_is_string(v))
        return wrong_type(c, key);
    *ret = json_string_value(v);
    return true;
}

bool play_json_int(struct call *c, json_t *object, const char *key, int64_t *ret)
{
    json_t *v = json_object_get(object, key);
    if (v == NULL || json_is_null(v))
        return true;
    if (!json_is_integer(v))
        return wrong_type(c, key);
    *ret = json_integer_value(v);
    return true;
}

bool play_json_bool(struct call *c, json_t *object, const char *key, bool *ret)
{
    json_t *v = json_object_get(object, key);
    if (v == NULL || json_is_null(v))
        return true;
    if (!json_is_boolean(v))
        return wrong_type(c, key);
    *ret = json_is_true(v);
    return true;
}

bool play_json_list(struct call *c, json_t *object, const char *key, size_t max, json_t **ret)
{
    json_t *v = json_object_get(object, key);
    *ret = NULL;
    if (v == NULL || json_is_null(v))
        return true;
    if (!json_is_array(v))
        return wrong_type(c, key);
    for (size_t i = 0; i < json_array_size(v); i++)
        if (!json_is_object(json_array_get(v, i)))
            return wrong_type(c, key);
    if (json_array_size(v) > max) {
        call_fail(c, 400, "InvalidParameterException", "%s can have at most %zu items.", key, max);
        return false;
    }
    *ret = v;
    return true;
}

bool play_json_object(struct call *c, json_t *object, const char *key, json_t **ret)
{
    json_t *v = json_object_get(object, key);
    *ret = json_is_null(v) ? NULL : v;
    return *ret == NULL || json_is_object(*ret) || wrong_type(c, key);
}

// ---- constraints, strategies, networks, providers --------------------------------------------------------------------------------
bool play_ecs_expression(struct call *c, const char *text)
{
    const struct world_query *q = NULL;
    struct err err = {0};
    if (text == NULL)
        return invalid(c, "A memberOf constraint must have an expression.");
    if (world_query_parse(text, c->arena, &q, &err) == 0)
        return true;
    call_fail(c, 400, "InvalidParameterException", "Invalid expression: %s", err.msg);
    return false;
}

static bool read_constraints(struct call *c, json_t *list, struct world_rules *r)
{
    r->distinct_instance = false;
    r->member_of_count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *k = json_array_get(list, i);
        const char *type = "", *expression = NULL;
        if (!play_json_str(c, k, "type", &type) || !play_json_str(c, k, "expression", &expression))
            return false;
        if (strcmp(type, "distinctInstance") == 0) {
            if (expression != NULL)
                return invalid(c, "A distinctInstance constraint takes no expression.");
            r->distinct_instance = true;
        } else if (strcmp(type, "memberOf") == 0) {
            if (!play_ecs_expression(c, expression))
                return false;
            r->member_of[r->member_of_count++] = expression;
        } else {
            return invalid(c, "A placement constraint's type is distinctInstance or memberOf.");
        }
    }
    return true;
}

static bool read_spread(struct call *c, const char *field, struct world_strategy *s)
{
    if (strcasecmp(field, "instanceId") == 0 || strcasecmp(field, "host") == 0)
        s->kind = WS_SPREAD_INSTANCE;
    else if (strcmp(field, "attribute:ecs.availability-zone") == 0)
        s->kind = WS_SPREAD_ZONE;
    else if (strcmp(field, "attribute:ecs.instance-type") == 0)
        s->kind = WS_SPREAD_TYPE;
    else if (strncmp(field, "attribute:", 10) == 0 && field[10] != '\0')
        *s = (struct world_strategy){WS_SPREAD_ATTRIBUTE, field + 10};
    else
        return invalid(c, "The field of a spread strategy is instanceId, host or attribute:NAME.");
    return true;
}

static bool read_strategies(struct call *c, json_t *list, struct world_rules *r)
{
    r->strategy_count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct world_strategy *s = &r->strategies[r->strategy_count++];
        const char *type = "", *field = "";
        *s = (struct world_strategy){.kind = WS_RANDOM};
        if (!play_json_str(c, json_array_get(list, i), "type", &type) || !play_json_str(c, json_array_get(list, i), "field", &field))
            return false;
        if (strcmp(type, "spread") == 0) {
            if (!read_spread(c, field, s))
                return false;
        } else if (strcmp(type, "binpack") == 0) {
            if (strcasecmp(field, "cpu") != 0 && strcasecmp(field, "memory") != 0)
                return invalid(c, "The field of a binpack strategy is cpu or memory.");
            s->kind = strcasecmp(field, "cpu") == 0 ? WS_BINPACK_CPU : WS_BINPACK_MEMORY;
        } else if (strcmp(type, "random") != 0 || field[0] != '\0') {
            return invalid(c, "A placement strategy's type is random (without a field), spread or binpack.");
        }
    }
    return true;
}

static bool read_subnets(struct call *c, json_t *network, struct world_rules *r)
{
    json_t *config = NULL, *list;
    if (!play_json_object(c, network, "awsvpcConfiguration", &config))
        return false;
    list = json_object_get(config, "subnets");
    r->subnet_count = 0;
    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > WORLD_SUBNETS)
        return invalid(c, "subnets must have 1 to 16 items.");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *id = json_string_value(json_array_get(list, i));
        int s = 0;
        if (id == NULL)
            return wrong_type(c, "subnets");
        while (s < c->view.subnet_count && strcmp(c->view.subnets[s].id, id) != 0)
            s++;
        if (s == c->view.subnet_count) {
            call_fail(c, 400, "InvalidParameterException", "Error retrieving subnet information for [%.40s]: The subnet ID '%.40s' does not exist", id, id);
            return false;
        }
        r->subnets[r->subnet_count++] = s;
    }
    return true;
}

int play_ecs_find_provider(struct call *c, const char *name_or_arn)
{
    const char *prefix = arena_printf(c->arena, "arn:aws:ecs:%s:%s:capacity-provider/", c->region->name, c->region->account);
    const char *name = strncmp(name_or_arn, prefix, strlen(prefix)) == 0 ? name_or_arn + strlen(prefix) : name_or_arn;
    for (int i = 0; i < c->view.provider_count; i++)
        if (strcmp(c->view.providers[i].name, name) == 0)
            return i;
    return -1;
}

static bool read_shares(struct call *c, json_t *list, struct world_rules *r)
{
    int bases = 0;
    int64_t weights = 0;
    r->share_count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *k = json_array_get(list, i);
        const char *name = "";
        struct world_share s = {.base = 0};
        if (!play_json_str(c, k, "capacityProvider", &name) || !play_json_int(c, k, "base", &s.base) || !play_json_int(c, k, "weight", &s.weight))
            return false;
        if ((s.provider = play_ecs_find_provider(c, name)) < 0) {
            call_fail(c, 400, "InvalidParameterException", "The specified capacity provider '%.60s' was not found. Specify a valid name or ARN and try again.", name);
            return false;
        }
        if (s.base < 0 || s.base > 100000 || s.weight < 0 || s.weight > 1000)
            return invalid(c, "A base is 0 to 100,000, a weight 0 to 1,000.");
        bases += s.base > 0;
        weights += s.weight;
        r->shares[r->share_count++] = s;
    }
    if (bases > 1)
        return invalid(c, "Only one capacity provider in a capacity provider strategy can have a base defined.");
    return r->share_count == 0 || weights > 0 || invalid(c, "At least one capacity provider must have a weight above zero.");
}

bool play_ecs_rules(struct call *c, struct world_rules *r, bool *ret_given)
{
    json_t *constraints, *strategies, *network, *shares;
    const char *launch_type = NULL;
    if (!play_json_list(c, c->json, "placementConstraints", WORLD_CONSTRAINTS, &constraints) ||
        !play_json_list(c, c->json, "placementStrategy", WORLD_STRATEGIES, &strategies) ||
        !play_json_object(c, c->json, "networkConfiguration", &network) ||
        !play_json_list(c, c->json, "capacityProviderStrategy", WORLD_SHARES, &shares) || !play_ecs_str(c, "launchType", &launch_type))
        return false;
    *ret_given = constraints != NULL || strategies != NULL || network != NULL || shares != NULL;
    if (launch_type != NULL && json_array_size(shares) > 0)
        return invalid(c, "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.");
    if (launch_type != NULL && strcmp(launch_type, "EC2") != 0)
        return invalid(c, "Only the launch type EC2 is played by this sandbox.");
    return (constraints == NULL || read_constraints(c, constraints, r)) && (strategies == NULL || read_strategies(c, strategies, r)) &&
           (network == NULL || read_subnets(c, network, r)) && (shares == NULL || read_shares(c, shares, r));
}

bool play_ecs_network_fits(struct call *c, int taskdef, const struct world_rules *r)
{
    bool awsvpc = c->view.taskdefs[taskdef].network == WN_AWSVPC;
    if (awsvpc && r->subnet_count == 0)
        return invalid(c, "Network Configuration must be provided when networkMode 'awsvpc' is specified.");
    return awsvpc || r->subnet_count == 0 || invalid(c, "Network Configuration is not valid for the given networkMode of this task definition.");
}

// ---- overrides -----------------------------------------------------------------------------------------------------------------
bool play_ecs_gpus(struct call *c, json_t *object, int32_t *ret)
{
    json_t *list;
    if (!play_json_list(c, object, "resourceRequirements", 10, &list))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *type = "", *value = "";
        int64_t n = 0;
        if (!play_json_str(c, json_array_get(list, i), "type", &type) || !play_json_str(c, json_array_get(list, i), "value", &value))
            return false;
        if (strcmp(type, "GPU") == 0 && (!parse_i64(slice_of(value), &n) || n < 1 || n > 32))
            return invalid(c, "The value of a GPU requirement is a number of GPUs.");
        if (strcmp(type, "GPU") == 0)
            *ret = (int32_t)n;
    }
    return true;
}

static bool read_container_override(struct call *c, json_t *object, const struct world_taskdef *d, struct world_container_override *k)
{
    const char *name = "";
    *k = (struct world_container_override){.cpu_units = WORLD_LEFT_OUT, .memory_mib = WORLD_LEFT_OUT, .soft_mib = WORLD_LEFT_OUT, .gpus = WORLD_LEFT_OUT};
    if (!play_json_str(c, object, "name", &name) || !play_json_int(c, object, "cpu", &k->cpu_units) ||
        !play_json_int(c, object, "memory", &k->memory_mib) || !play_json_int(c, object, "memoryReservation", &k->soft_mib) ||
        !play_ecs_gpus(c, object, &k->gpus))
        return false;
    snprintf(k->name, sizeof k->name, "%s", name);
    for (int i = 0; i < d->container_count; i++)
        if (strcmp(d->containers[i].name, name) == 0)
            return true;
    return invalid(c, "Override for container named that is not a container in the TaskDefinition.");
}

static bool read_size(struct call *c, json_t *object, const char *key, int64_t *ret)
{
    const char *text = NULL;
    if (!play_json_str(c, object, key, &text))
        return false;
    return text == NULL || (parse_i64(slice_of(text), ret) && *ret > 0) || invalid(c, "cpu and memory of a task are whole numbers as text.");
}

bool play_ecs_override(struct call *c, int taskdef, struct world_task_override *ret, bool *ret_given)
{
    json_t *object, *list;
    *ret = (struct world_task_override){.cpu_units = WORLD_LEFT_OUT, .memory_mib = WORLD_LEFT_OUT};
    if (!play_json_object(c, c->json, "overrides", &object))
        return false;
    *ret_given = object != NULL;
    if (object == NULL)
        return true;
    if (!read_size(c, object, "cpu", &ret->cpu_units) || !read_size(c, object, "memory", &ret->memory_mib) ||
        !play_json_list(c, object, "containerOverrides", WORLD_CONTAINERS, &list))
        return false;
    struct world_container_override *k = arena_array(c->arena, struct world_container_override, json_array_size(list) + 1);
    ret->containers = k;
    for (size_t i = 0; i < json_array_size(list); i++, ret->container_count++)
        if (!read_container_override(c, json_array_get(list, i), &c->view.taskdefs[taskdef], &k[i]))
            return false;
    return true;
}
