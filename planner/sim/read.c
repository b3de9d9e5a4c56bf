#include <string.h>

#include "planner/sim/world_internal.h"

struct world_view world_view(const struct world *w)
{
    return (struct world_view){
        .now_ms = w->now_ms,
        .start_ms = w->o.start_ms,
        .account = "111122223333",  // as the sandbox says it to who asks for the caller's identity
        .region = "us-east-1",
        .zones = w->zones,
        .clusters = w->clusters,
        .types = w->types,
        .pools = w->pools,
        .taskdefs = w->taskdefs,
        .services = w->services,
        .fleets = w->fleets,
        .groups = w->groups,
        .instances = w->instances,
        .tasks = w->tasks,
        .notices = w->notices,
        .news = w->news,
        .news_count = (int)w->news_count,
        .subnets = w->subnets,
        .templates = w->templates,
        .providers = w->providers,
        .subnet_count = w->subnet_count,
        .template_count = (int)w->template_count,
        .provider_count = (int)w->provider_count,
        .zone_count = w->zone_count,
        .cluster_count = (int)w->cluster_count,
        .type_count = (int)w->type_count,
        .pool_count = (int)w->pool_count,
        .taskdef_count = (int)w->taskdef_count,
        .service_count = (int)w->service_count,
        .fleet_count = (int)w->fleet_count,
        .instance_count = (int)w->instance_count,
        .task_count = (int)w->task_count,
        .notice_count = (int)w->notice_count,
        .counters = &w->counters,
    };
}

int world_find_cluster(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->cluster_count; i++)
        if (!strcmp(w->clusters[i].name, name))
            return (int)i;
    return -1;
}

int world_find_service(const struct world *w, int cluster, const char *name)
{
    for (size_t i = 0; i < w->service_count; i++)
        if (w->services[i].cluster == cluster && !strcmp(w->services[i].name, name))
            return (int)i;
    return -1;
}

int world_find_fleet(const struct world *w, const char *id)
{
    for (size_t i = 0; i < w->fleet_count; i++)
        if (!strcmp(w->fleets[i].id, id))
            return (int)i;
    return -1;
}

int world_find_instance(const struct world *w, const char *ec2_id)
{
    uint64_t key = strmap_hash(ec2_id);
    for (size_t i = 0; i < w->instance_count; i++)
        if (w->instance_keys[i] == key && w->instances[i].used && !strcmp(w->instances[i].id, ec2_id))
            return (int)i;
    return -1;
}

int world_find_container_instance(const struct world *w, int cluster, const char *ci_id)
{
    for (size_t i = 0; i < w->instance_count && *ci_id; i++)
        if (w->instances[i].used && w->instances[i].cluster == cluster && !strcmp(w->instances[i].ci_id, ci_id))
            return (int)i;
    return -1;
}

int world_find_task(const struct world *w, int cluster, const char *task_id)
{
    for (size_t i = 0; i < w->task_count; i++)
        if (w->tasks[i].used && w->tasks[i].cluster == cluster && !strcmp(w->tasks[i].id, task_id))
            return (int)i;
    return -1;
}

int world_type_index(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->type_count; i++)
        if (!strcmp(w->types[i].name, name))
            return (int)i;
    return -1;
}

int32_t world_free_addresses(const struct world *w, int subnet)
{
    int32_t left = w->subnets[subnet].addresses;
    for (size_t i = 0; i < w->instance_count; i++) {
        const struct world_instance *in = &w->instances[i];
        if (!in->used || in->subnet != subnet || in->state.now > WL_RUNNING)
            continue;
        left--;
        for (int t = in->first_task; t >= 0; t = w->tasks[t].next_of_instance)
            left -= w->tasks[t].need.v[RES_ENI] > 0 && task_alive(&w->tasks[t]);
    }
    return left;
}

const char *world_tag_value(const struct world_tag *tags, int n, const char *key)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(tags[i].key, key))
            return tags[i].value;
    return NULL;
}
