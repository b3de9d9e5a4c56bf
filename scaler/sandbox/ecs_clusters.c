// Clusters, and the small reads that concern an account as a whole.
#include "scaler/sandbox/asg.h"
#include "scaler/sandbox/ecs.h"

#include <string.h>

void play_ecs_list_clusters(struct call *c)
{
    struct page page;
    if (!play_ecs_page(c, 100, 100, &page))
        return;
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "clusterArns", '[');
    for (int i = 0; i < c->view.cluster_count; i++)
        if (page_take(&page, i))
            jo_str(&o, NULL, play_ecs_cluster_arn(c, i));
    jo_close(&o, ']');
    const char *token = page_token(c, &page);
    if (token != NULL)
        jo_str(&o, "nextToken", token);
    jo_close(&o, '}');
}

static void write_statistic(struct json_out *o, const char *name, int64_t value)
{
    jo_open(o, NULL, '{');
    jo_str(o, "name", name);
    jo_decimal(o, "value", value);
    jo_close(o, '}');
}

static void write_cluster(struct call *c, struct json_out *o, int cluster, const struct ecs_list *include)
{
    int64_t instances = 0, running = 0, pending = 0, services = 0;
    for (int i = 0; i < c->view.instance_count; i++) {
        const struct world_instance *in = &c->view.instances[i];
        int64_t status = in->used ? world_seen(&in->status, c->seen_ms) : WE_NONE;
        if (in->cluster == cluster && (status == WE_ACTIVE || status == WE_DRAINING)) {
            instances++;
            running += in->running_tasks;
            pending += in->pending_tasks;
        }
    }
    for (int i = 0; i < c->view.service_count; i++)
        services += c->view.services[i].cluster == cluster;
    jo_open(o, NULL, '{');
    jo_str(o, "clusterArn", play_ecs_cluster_arn(c, cluster));
    jo_str(o, "clusterName", c->view.clusters[cluster].name);
    jo_str(o, "status", "ACTIVE");
    jo_int(o, "registeredContainerInstancesCount", instances);
    jo_int(o, "runningTasksCount", running);
    jo_int(o, "pendingTasksCount", pending);
    jo_int(o, "activeServicesCount", services);
    jo_open(o, "statistics", '[');
    if (play_ecs_includes(include, "STATISTICS")) {
        write_statistic(o, "runningEC2TasksCount", running);
        write_statistic(o, "pendingEC2TasksCount", pending);
    }
    jo_close(o, ']');
    jo_open(o, "tags", '[');
    jo_close(o, ']');
    jo_open(o, "settings", '[');
    if (play_ecs_includes(include, "SETTINGS")) {
        jo_open(o, NULL, '{');
        jo_str(o, "name", "containerInsights");
        jo_str(o, "value", "disabled");
        jo_close(o, '}');
    }
    jo_close(o, ']');
    jo_open(o, "capacityProviders", '[');
    for (int i = 0; i < c->view.provider_count; i++)
        jo_str(o, NULL, c->view.providers[i].name);
    jo_close(o, ']');
    jo_open(o, "defaultCapacityProviderStrategy", '[');
    jo_close(o, ']');
    jo_close(o, '}');
}

void play_ecs_describe_clusters(struct call *c)
{
    struct ecs_list names, include;
    if (!play_ecs_strings(c, "clusters", 100, &names) || !play_ecs_strings(c, "include", 10, &include))
        return;
    static const char *fallback[] = {"default"};
    if (!names.present || names.count == 0)
        names = (struct ecs_list){fallback, 1, true};
    const char *prefix = arena_printf(c->arena, "arn:aws:ecs:%s:%s:cluster/", c->region->name, c->region->account);
    int *found = arena_array(c->arena, int, names.count + 1);
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "clusters", '[');
    for (size_t i = 0; i < names.count; i++) {
        const char *name = strncmp(names.items[i], prefix, strlen(prefix)) == 0 ? names.items[i] + strlen(prefix) : names.items[i];
        found[i] = play_ecs_left_out(c, i, names.count) ? -1 : world_find_cluster(c->world, name);
        if (found[i] >= 0)
            write_cluster(c, &o, found[i], &include);
    }
    jo_close(&o, ']');
    jo_open(&o, "failures", '[');
    for (size_t i = 0; i < names.count; i++) {
        if (found[i] >= 0)
            continue;
        bool is_arn = strncmp(names.items[i], "arn:", 4) == 0;
        jo_open(&o, NULL, '{');
        jo_str(&o, "arn", is_arn ? names.items[i] : arena_printf(c->arena, "%s%s", prefix, names.items[i]));
        jo_str(&o, "reason", "MISSING");
        jo_close(&o, '}');
    }
    jo_close(&o, ']');
    jo_close(&o, '}');
}

static void write_provider(struct call *c, struct json_out *o, int provider)
{
    const struct world_provider *p = &c->view.providers[provider];
    jo_open(o, NULL, '{');
    jo_str(o, "capacityProviderArn", arena_printf(c->arena, "arn:aws:ecs:%s:%s:capacity-provider/%s", c->region->name, c->region->account, p->name));
    jo_str(o, "name", p->name);
    jo_str(o, "status", "ACTIVE");
    jo_open(o, "autoScalingGroupProvider", '{');
    jo_str(o, "autoScalingGroupArn", p->group > 0 ? play_asg_arn(c, p->group - 1) : arena_printf(c->arena, "arn:aws:autoscaling:%s:%s:autoScalingGroup:5a4db0c5-0000-4000-8000-%012d:autoScalingGroupName/%s",
                                                  c->region->name, c->region->account, provider, p->name));
    jo_open(o, "managedScaling", '{');
    jo_str(o, "status", p->managed ? "ENABLED" : "DISABLED");
    jo_int(o, "targetCapacity", p->target_percent);
    jo_close(o, '}');
    jo_str(o, "managedTerminationProtection", "DISABLED");
    jo_str(o, "managedDraining", "ENABLED");
    jo_close(o, '}');
    jo_open(o, "tags", '[');
    jo_close(o, ']');
    jo_close(o, '}');
}

// Unasked all of them; asked by name or ARN those, the others are missing.
void play_ecs_describe_capacity_providers(struct call *c)
{
    struct ecs_list names;
    struct page page;
    if (!play_ecs_strings(c, "capacityProviders", 100, &names) || !play_ecs_page(c, 10, 10, &page))
        return;
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "capacityProviders", '[');
    for (int i = 0; i < c->view.provider_count; i++) {
        bool wanted = names.count == 0;
        for (size_t k = 0; k < names.count; k++)
            wanted = wanted || play_ecs_find_provider(c, names.items[k]) == i;
        if (wanted && page_take(&page, i))
            write_provider(c, &o, i);
    }
    jo_close(&o, ']');
    jo_open(&o, "failures", '[');
    for (size_t i = 0; i < names.count; i++) {
        if (play_ecs_find_provider(c, names.items[i]) >= 0)
            continue;
        jo_open(&o, NULL, '{');
        jo_str(&o, "arn", names.items[i]);
        jo_str(&o, "reason", "MISSING");
        jo_close(&o, '}');
    }
    jo_close(&o, ']');
    const char *token = page_token(c, &page);
    if (token != NULL)
        jo_str(&o, "nextToken", token);
    jo_close(&o, '}');
}

// Trunking is on when instances launched now get it.
static bool trunking(const struct call *c)
{
    bool on = false;
    for (int i = 0; i < c->view.template_count; i++)
        on = on || c->view.templates[i].trunking;
    return on;
}

void play_ecs_list_account_settings(struct call *c)
{
    const struct {
        const char *name, *value;
    } settings[] = {{"serviceLongArnFormat", "enabled"}, {"taskLongArnFormat", "enabled"}, {"containerInstanceLongArnFormat", "enabled"},
                    {"awsvpcTrunking", trunking(c) ? "enabled" : "disabled"}, {"containerInsights", "disabled"}};
    const char *name = NULL;
    bool effective = false;
    struct page page;
    if (!play_ecs_str(c, "name", &name) || !play_ecs_bool(c, "effectiveSettings", &effective, NULL) || !play_ecs_page(c, 10, 10, &page))
        return;
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "settings", '[');
    for (size_t i = 0; effective && i < ARRAY_LEN(settings); i++) {
        if (name != NULL && strcmp(name, settings[i].name) != 0)
            continue;
        jo_open(&o, NULL, '{');
        jo_str(&o, "name", settings[i].name);
        jo_str(&o, "value", settings[i].value);
        jo_str(&o, "principalArn", arena_printf(c->arena, "arn:aws:iam::%s:root", c->region->account));
        jo_close(&o, '}');
    }
    jo_close(&o, ']');
    jo_close(&o, '}');
}

// ECS resources carry no tags here; EC2 tags are another list.
void play_ecs_list_tags(struct call *c)
{
    const char *arn = NULL;
    if (!play_ecs_str(c, "resourceArn", &arn))
        return;
    if (arn == NULL) {
        call_missing(c, "resourceArn");
        return;
    }
    const char *prefix = arena_printf(c->arena, "arn:aws:ecs:%s:%s:", c->region->name, c->region->account);
    if (strncmp(arn, prefix, strlen(prefix)) != 0) {
        call_fail(c, 400, "InvalidParameterException", "Invalid ARN format for tagging.");
        return;
    }
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "tags", '[');
    jo_close(&o, ']');
    jo_close(&o, '}');
}
