// Container instances and services: asked in batches, turned into facts, carried over where AWS did not answer.
#include "base/check.h"
#include "scaler/gather_internal.h"

// What to describe: the list of this look where it was complete, else what the look before knew.
static const char **arns_to_ask(struct look *l, const struct ecs_arns *list, const char **old, size_t old_count, size_t *ret_count)
{
    bool listed = list->call.state == AWS_CALL_COMPLETE || (l->old == NULL && list->count > 0);
    size_t count = listed ? list->count : old_count;
    const char **arns = arena_array(l->a, const char *, count);
    for (size_t i = 0; i < count; i++)
        arns[i] = listed ? list->items[i] : arena_strdup(l->a, old[i]);
    l->new->lists_wanted |= list->call.state != AWS_CALL_NONE && list->call.state != AWS_CALL_COMPLETE;
    *ret_count = count;
    return arns;
}

// A describe of nothing is not sent: then the list is the answer, until its next turn. (What is new shows only in lists also
// where there is something to describe.) A failed list makes the source no better than itself.
static void source_from_list_and_describe(struct look *l, enum source_kind k, const struct aws_call *list, size_t asked,
                                          const struct aws_call *describe)
{
    if (asked == 0 && list->state == AWS_CALL_NONE && l->old && l->old->sources[k].state == SOURCE_OK) {
        source_set(l->new, k, SOURCE_OK, l->new->at_ms, "");
        return;
    }
    source_from_call(l, k, asked > 0 ? describe : list);
    if (list->state != AWS_CALL_NONE && asked > 0 && list->state != AWS_CALL_COMPLETE && l->new->sources[k].state == SOURCE_OK)
        source_set(l->new, k, SOURCE_PARTIAL, l->new->sources[k].read_ms, arena_strdup(l->a, list->err.msg));
}

static bool reported_missing(const struct ecs_failures *failures, const char *arn)
{
    for (size_t i = 0; i < failures->count; i++)
        if (strcmp(failures->items[i].arn, arn) == 0 && strcmp(failures->items[i].reason, "MISSING") == 0)
            return true;
    return false;
}

// ---- container instances --------------------------------------------------------------------------------------------------

void look_containers_ask(struct look *l)
{
    struct facts *f = l->new;
    f->container_arns = arns_to_ask(l, &l->container_list, l->old ? l->old->container_arns : NULL,
                                    l->old ? l->old->container_arn_count : 0, &f->container_arn_count);
    if (f->container_arn_count > 0)
        ecs_describe_container_instances(l->with, l->g->cluster, f->container_arns, f->container_arn_count, &l->containers);
}

static enum ecs_state ecs_state_of(const char *status)
{
    for (int s = ECS_REGISTERING; s < ECS_OTHER; s++)
        if (strcmp(status, ecs_state_name((enum ecs_state)s)) == 0)
            return (enum ecs_state)s;
    return ECS_OTHER;
}

static const char *attribute_or_empty(const struct ecs_container_instance *ci, const char *name)
{
    const char *value = ecs_attribute_get(ci, name);
    return value ? value : "";
}

// The id of an instance's trunk would make its set of attributes its own: that there is one is enough to know.
static void blank_own_values(const struct ecs_container_instance *ci)
{
    for (size_t i = 0; i < ci->attribute_count; i++)
        if (strcmp(ci->attributes[i].name, "ecs.awsvpc-trunk-id") == 0)
            ci->attributes[i].value = "";
}

static struct fact_container container_fact(const struct look *l, const struct ecs_container_instance *ci,
                                            const struct fact_container *old)
{
    struct fact_container c = {
        .arn = ci->arn, .ec2_id = ci->ec2_id,
        .type = attribute_or_empty(ci, "ecs.instance-type"),
        .zone = attribute_or_empty(ci, "ecs.availability-zone"),
        .subnet = attribute_or_empty(ci, "ecs.subnet-id"),
        .arch = attribute_or_empty(ci, "ecs.cpu-architecture"),
        .state = ecs_state_of(ci->status), .agent_connected = ci->agent_connected,
        .trunk = ecs_attribute_get(ci, "ecs.awsvpc-trunk-id") != NULL,
        .forbidden = aws_tag_get(&ci->tags, "masu:keep")[0] != '\0',
        .registered_ms = ci->registered_ms, .version = ci->version, .running = ci->running_tasks, .pending = ci->pending_tasks,
        .registered = ci->registered.amount, .remaining = ci->remaining.amount,
        .provider = ci->capacity_provider, .agent_version = ci->agent_version, .ports = gather_ports(l->a, &ci->remaining),
        .attributes = ci->attributes, .attribute_count = ci->attribute_count,
    };
    blank_own_values(ci);
    if (!c.agent_connected)
        c.disconnected_since_ms = old && old->disconnected_since_ms ? old->disconnected_since_ms : l->new->at_ms;
    return c;
}

static struct fact_container container_copy(struct arena *a, const struct fact_container *old)
{
    struct fact_container c = *old;
    c.arn = arena_strdup(a, old->arn);
    c.ec2_id = arena_strdup(a, old->ec2_id);
    c.type = arena_strdup(a, old->type);
    c.zone = arena_strdup(a, old->zone);
    c.subnet = arena_strdup(a, old->subnet);
    c.arch = arena_strdup(a, old->arch);
    c.provider = arena_strdup(a, old->provider);
    c.agent_version = arena_strdup(a, old->agent_version);
    uint32_t *ports = arena_array(a, uint32_t, old->ports.count);
    for (size_t i = 0; i < old->ports.count; i++)
        ports[i] = old->ports.v[i];
    c.ports.v = ports;
    struct ecs_attribute *attributes = arena_array(a, struct ecs_attribute, old->attribute_count);
    for (size_t i = 0; i < old->attribute_count; i++)
        attributes[i] = (struct ecs_attribute){arena_strdup(a, old->attributes[i].name), arena_strdup(a, old->attributes[i].value)};
    c.attributes = attributes;
    return c;
}

// What AWS does not know any more is not asked for again; any other failure is a reason to look what there is.
static void forget_missing(struct facts *f, const struct ecs_failures *failures)
{
    if (failures->count == 0)
        return;
    size_t kept = 0, missing = 0;
    for (size_t i = 0; i < failures->count; i++)
        missing += strcmp(failures->items[i].reason, "MISSING") == 0;
    for (size_t i = 0; i < f->container_arn_count; i++)
        if (!reported_missing(failures, f->container_arns[i]))
            f->container_arns[kept++] = f->container_arns[i];
    f->container_arn_count = kept;
    f->lists_wanted |= missing < failures->count;
}

void look_containers_take(struct look *l)
{
    struct facts *f = l->new;
    const struct ecs_container_instances *answer = &l->containers;
    size_t old_count = l->old ? l->old->container_count : 0;
    struct strmap old_map, seen;
    strmap_init(&old_map, l->a, old_count);
    strmap_init(&seen, l->a, answer->count);
    for (size_t i = 0; i < old_count; i++)
        strmap_put(&old_map, l->old->containers[i].arn, (int)i);
    f->containers = arena_array(l->a, struct fact_container, answer->count + old_count);
    for (size_t i = 0; i < answer->count; i++) {
        const struct ecs_container_instance *ci = &answer->items[i];
        int was = strmap_get(&old_map, ci->arn);
        strmap_put(&seen, ci->arn, (int)i);
        bool external = strncmp(ci->ec2_id, "i-", 2) != 0;  // "mi-…": ECS Anywhere
        bool forgotten = gather_written(l->g, ACTION_DEREGISTER, ci->ec2_id, l->new->at_ms);
        if (!external && !forgotten && strcmp(ci->status, "INACTIVE") != 0)
            f->containers[f->container_count++] = container_fact(l, ci, was >= 0 ? &l->old->containers[was] : NULL);
    }
    bool answered = answer->call.state == AWS_CALL_COMPLETE || (f->container_arn_count == 0 && l->container_list.call.state == AWS_CALL_COMPLETE);
    for (size_t i = 0; i < old_count && !answered; i++) {
        const struct fact_container *c = &l->old->containers[i];
        if (strmap_get(&seen, c->arn) < 0 && !reported_missing(&answer->failures, c->arn))
            f->containers[f->container_count++] = container_copy(l->a, c);
    }
    source_from_list_and_describe(l, SOURCE_CONTAINER_INSTANCES, &l->container_list.call, f->container_arn_count, &answer->call);
    forget_missing(f, &answer->failures);
}

// ---- services -------------------------------------------------------------------------------------------------------------

void look_services_ask(struct look *l)
{
    struct facts *f = l->new;
    f->service_arns = arns_to_ask(l, &l->service_list, l->old ? l->old->service_arns : NULL,
                                  l->old ? l->old->service_arn_count : 0, &f->service_arn_count);
    if (f->service_arn_count > 0)
        ecs_describe_services(l->with, l->g->cluster, f->service_arns, f->service_arn_count, &l->services);
}

static void take_strategies(struct arena *a, const struct ecs_service *s, struct fact_service *f)
{
    f->odd_strategy = "";
    for (size_t i = 0; i < s->strategy_count && f->strategy_count < PLACE_MAX; i++) {
        const struct ecs_placement *p = &s->strategies[i];
        struct place_strategy *to = &f->strategies[f->strategy_count];
        *to = (struct place_strategy){.kind = PLACE_SPREAD, .field = ""};
        if (strcmp(p->type, "spread") == 0) {
            to->field = strcmp(p->field, "host") == 0 ? "instanceId" : p->field;
        } else if (strcmp(p->type, "binpack") == 0 && strcasecmp(p->field, "cpu") == 0) {
            to->kind = PLACE_BINPACK_CPU;
        } else if (strcmp(p->type, "binpack") == 0 && strcasecmp(p->field, "memory") == 0) {
            to->kind = PLACE_BINPACK_MEMORY;
        } else if (strcmp(p->type, "random") == 0) {
            to->kind = PLACE_RANDOM;
        } else {
            f->odd_strategy = arena_printf(a, "placement strategy %s %s", p->type, p->field);
            continue;
        }
        f->strategy_count++;
    }
}

static void take_constraints(struct arena *a, const struct ecs_service *s, struct fact_service *f)
{
    f->member_of = arena_array(a, const char *, s->constraint_count);
    for (size_t i = 0; i < s->constraint_count; i++) {
        if (strcmp(s->constraints[i].type, "distinctInstance") == 0)
            f->distinct_instance = true;
        else
            f->member_of[f->member_of_count++] = s->constraints[i].field;
    }
}

// A server may leave the deployments out: then the service is its own one.
static void take_itself(struct arena *a, const struct ecs_service *s, struct fact_service *f)
{
    f->deployment_count = 1;
    f->deployments = arena_array(a, struct fact_deployment, 1);
    f->deployments[0] = (struct fact_deployment){
        .id = "", .definition = s->task_definition, .primary = true, .desired = s->desired, .running = s->running, .pending = s->pending,
    };
}

// A service of CODE_DEPLOY or EXTERNAL describes its tasks in task sets, each with its own definition and count (N3).
static void take_task_sets(struct arena *a, const struct ecs_service *s, struct fact_service *f)
{
    f->deployment_count = s->task_set_count;
    f->deployments = arena_array(a, struct fact_deployment, s->task_set_count);
    for (size_t i = 0; i < s->task_set_count; i++) {
        const struct ecs_task_set *t = &s->task_sets[i];
        f->deployments[i] = (struct fact_deployment){
            .id = t->id, .definition = t->task_definition, .primary = strcmp(t->status, "PRIMARY") == 0, .in_progress = s->task_set_count > 1,
            .desired = t->desired, .running = t->running, .pending = t->pending, .created_ms = t->created_ms,
        };
        if (f->launch[0] == '\0' && f->deployments[i].primary)
            f->launch = t->launch_type;
    }
}

static void take_deployments(struct arena *a, const struct ecs_service *s, struct fact_service *f)
{
    bool own = s->deployment_controller[0] == '\0' || strcmp(s->deployment_controller, "ECS") == 0;
    if (s->deployment_count == 0 && own && s->task_definition[0]) {
        take_itself(a, s, f);
        return;
    }
    if (s->deployment_count == 0) {
        take_task_sets(a, s, f);
        return;
    }
    f->deployment_count = s->deployment_count;
    f->deployments = arena_array(a, struct fact_deployment, s->deployment_count);
    for (size_t i = 0; i < s->deployment_count; i++) {
        const struct ecs_deployment *d = &s->deployments[i];
        f->deployments[i] = (struct fact_deployment){
            .id = d->id, .definition = d->task_definition, .primary = strcmp(d->status, "PRIMARY") == 0,
            .in_progress = strcmp(d->rollout_state, "IN_PROGRESS") == 0 || s->deployment_count > 1,
            .desired = d->desired, .running = d->running, .pending = d->pending, .failed = d->failed,
            .created_ms = d->created_ms,
        };
    }
}

// Newest first: what ECS last said about placing tasks, unless it has reached a steady state since.
static void take_events(const struct ecs_service *s, int64_t now_ms, struct fact_service *f)
{
    f->last_event = "";
    for (size_t i = 0; i < s->event_count; i++) {
        const char *text = s->events[i].message;
        if (strstr(text, "has reached a steady state"))
            return;
        if (strstr(text, "unable to consistently start tasks") && now_ms - s->events[i].created_ms < 15 * 60000)
            f->crash_text = true;
        if (f->last_event[0] == '\0' && strstr(text, "unable to place a task"))
            f->last_event = text;
    }
}

static int32_t primary_failed(const struct fact_service *s)
{
    for (size_t i = 0; i < s->deployment_count; i++)
        if (s->deployments[i].primary)
            return s->deployments[i].failed;
    return 0;
}

// The least that ran in any look of the last minute is healthy by now; what came since may not be.
static void take_young(int64_t now_ms, const struct fact_service *old, struct fact_service *s)
{
    int32_t least = s->running;
    s->seen[0].at_ms = now_ms;
    s->seen[0].running = s->running;
    s->seen_count = 1;
    for (int i = 0; old && i < old->seen_count && s->seen_count < FACT_SEEN_MAX; i++) {
        least = old->seen[i].running < least ? old->seen[i].running : least;
        if (now_ms - old->seen[i].at_ms > FACT_HEALTHY_MS)
            break;  // the one look before the minute says what ran when it began
        s->seen[s->seen_count++] = old->seen[i];
    }
    s->young = s->running - least;
}

// since-when stamps, and the base against which failedTasks grows (renewed when 10 min old or when the count starts anew).
static void take_stamps(int64_t now_ms, const struct fact_service *old, struct fact_service *s)
{
    bool steady = s->running == s->desired && s->pending == 0;
    s->unsteady_since_ms = steady ? 0 : old && old->unsteady_since_ms ? old->unsteady_since_ms : now_ms;
    bool placed = s->desired <= s->running + s->pending;
    s->unplaced_since_ms = placed ? 0 : old && old->unplaced_since_ms ? old->unplaced_since_ms : now_ms;
    int32_t failed = primary_failed(s);
    bool keep = old && now_ms - old->failed_base_ms < 600000 && failed >= old->failed_base;
    s->failed_base = keep ? old->failed_base : failed;
    s->failed_base_ms = keep ? old->failed_base_ms : now_ms;
}

static struct fact_service service_fact(struct look *l, const struct ecs_service *s, const struct fact_service *old)
{
    struct fact_service f = {
        .arn = s->arn, .name = s->name, .daemon = strcmp(s->scheduling, "DAEMON") == 0,
        .launch = s->launch_type, .providers = s->providers, .provider_count = s->provider_count,
        .subnets = s->subnets, .subnet_count = s->subnet_count, .target_groups = s->target_groups, .target_group_count = s->target_group_count,
        .desired = s->desired, .running = s->running, .pending = s->pending,
        .min_percent = s->min_percent, .max_percent = s->max_percent,
    };
    if (strcmp(s->deployment_controller, "CODE_DEPLOY") == 0 || strcmp(s->deployment_controller, "EXTERNAL") == 0) {
        f.min_percent = 100;  // what a drain uses for these (safety.md N3)
        f.max_percent = 200;
    }
    take_strategies(l->a, s, &f);
    take_constraints(l->a, s, &f);
    take_deployments(l->a, s, &f);
    take_events(s, l->new->at_ms, &f);
    take_stamps(l->new->at_ms, old, &f);
    take_young(l->new->at_ms, old, &f);
    return f;
}

static const char **copy_texts(struct arena *a, const char *const *from, size_t count)
{
    const char **to = arena_array(a, const char *, count);
    for (size_t i = 0; i < count; i++)
        to[i] = arena_strdup(a, from[i]);
    return to;
}

static struct fact_service service_copy(struct arena *a, const struct fact_service *old)
{
    struct fact_service s = *old;
    s.arn = arena_strdup(a, old->arn);
    s.name = arena_strdup(a, old->name);
    s.last_event = arena_strdup(a, old->last_event);
    s.launch = arena_strdup(a, old->launch);
    s.member_of = copy_texts(a, old->member_of, old->member_of_count);
    s.subnets = copy_texts(a, old->subnets, old->subnet_count);
    s.target_groups = copy_texts(a, old->target_groups, old->target_group_count);
    struct ecs_provider_share *providers = arena_array(a, struct ecs_provider_share, old->provider_count);
    for (size_t i = 0; i < old->provider_count; i++) {
        providers[i] = old->providers[i];
        providers[i].provider = arena_strdup(a, old->providers[i].provider);
    }
    s.providers = providers;
    s.odd_strategy = arena_strdup(a, old->odd_strategy);
    for (int i = 0; i < s.strategy_count; i++)
        s.strategies[i].field = arena_strdup(a, old->strategies[i].field);
    s.deployments = arena_array(a, struct fact_deployment, old->deployment_count);
    for (size_t i = 0; i < old->deployment_count; i++) {
        s.deployments[i] = old->deployments[i];
        s.deployments[i].id = arena_strdup(a, old->deployments[i].id);
        s.deployments[i].definition = arena_strdup(a, old->deployments[i].definition);
    }
    return s;
}

static bool arn_asked(const struct facts *f, const char *arn)
{
    for (size_t i = 0; i < f->service_arn_count; i++)
        if (strcmp(f->service_arns[i], arn) == 0)
            return true;
    return false;
}

// A service that AWS does not show stays for three looks: an absence can be a lag (safety.md F9).
static void keep_absent_services(struct look *l, const struct strmap *seen)
{
    struct facts *f = l->new;
    bool failed = l->services.call.state != AWS_CALL_COMPLETE;
    for (size_t i = 0; l->old && i < l->old->service_count; i++) {
        const struct fact_service *s = &l->old->services[i];
        if (strmap_get(seen, s->arn) >= 0)
            continue;
        bool unanswered = failed && arn_asked(f, s->arn) && !reported_missing(&l->services.failures, s->arn);
        if (!unanswered && s->absent_looks + 1 >= SERVICE_GONE_LOOKS)
            continue;
        f->services[f->service_count] = service_copy(l->a, s);
        f->services[f->service_count++].absent_looks += !unanswered;
        f->lists_wanted |= !unanswered;
    }
}

void look_services_take(struct look *l)
{
    struct facts *f = l->new;
    size_t old_count = l->old ? l->old->service_count : 0;
    struct strmap old_map, seen;
    strmap_init(&old_map, l->a, old_count);
    strmap_init(&seen, l->a, l->services.count);
    for (size_t i = 0; i < old_count; i++)
        strmap_put(&old_map, l->old->services[i].arn, (int)i);
    f->services = arena_array(l->a, struct fact_service, l->services.count + old_count);
    for (size_t i = 0; i < l->services.count; i++) {
        const struct ecs_service *s = &l->services.items[i];
        int was = strmap_get(&old_map, s->arn);
        strmap_put(&seen, s->arn, (int)i);
        if (strcmp(s->status, "INACTIVE") != 0)
            f->services[f->service_count++] = service_fact(l, s, was >= 0 ? &l->old->services[was] : NULL);
    }
    keep_absent_services(l, &seen);
    source_from_list_and_describe(l, SOURCE_SERVICES, &l->service_list.call, f->service_arn_count, &l->services.call);
}
