// RunTask and StartTask.
#include "scaler/sandbox/ecs.h"

#include <string.h>

static bool read_run(struct call *c, struct world_run *run, struct world_rules *rules, struct world_task_override *override)
{
    const char *name = NULL;
    bool given = false, overridden = false;
    *rules = (struct world_rules){.strategy_count = 0};
    *run = (struct world_run){.instance = -1, .provider = -1, .rules = rules};
    if (!play_ecs_cluster(c, &run->cluster) || !play_ecs_str(c, "taskDefinition", &name) || !play_ecs_str(c, "group", &run->group) ||
        !play_ecs_str(c, "startedBy", &run->started_by))
        return false;
    if (name == NULL) {
        call_missing(c, "TaskDefinition");
        return false;
    }
    run->taskdef = play_ecs_find_taskdef(c, name);
    if (run->taskdef < 0 || c->view.taskdefs[run->taskdef].inactive) {
        call_fail(c, 400, "ClientException", run->taskdef < 0 ? "TaskDefinition not found." : "TaskDefinition is inactive");
        return false;
    }
    if ((run->group != NULL && strlen(run->group) >= WORLD_ID) || (run->started_by != NULL && strlen(run->started_by) >= WORLD_ID)) {
        call_fail(c, 400, "InvalidParameterException", "group and startedBy have at most %d characters in this sandbox.", WORLD_ID - 1);
        return false;
    }
    if (!play_ecs_rules(c, rules, &given) || !play_ecs_network_fits(c, run->taskdef, rules) || !play_ecs_override(c, run->taskdef, override, &overridden))
        return false;
    run->override = overridden ? override : NULL;
    return true;
}

// The provider of the n-th task of a call: bases first, then in proportion to the weights.
static int provider_of(const struct world_rules *r, int64_t counts[WORLD_SHARES])
{
    int best = -1;
    for (int k = 0; k < r->share_count && best < 0; k++)
        if (counts[k] < r->shares[k].base)
            best = k;
    for (int k = 0; k < r->share_count && (best < 0 || counts[best] >= r->shares[best].base); k++)
        if (r->shares[k].weight > 0 && (best < 0 || (counts[k] - r->shares[k].base + 1) * r->shares[best].weight <
                                                        (counts[best] - r->shares[best].base + 1) * r->shares[k].weight))
            best = k;
    if (best < 0)
        return -1;
    counts[best]++;
    return r->shares[best].provider;
}

static bool any_instance(const struct call *c, int cluster)
{
    for (int i = 0; i < c->view.instance_count; i++)
        if (c->view.instances[i].used && c->view.instances[i].cluster == cluster && c->view.instances[i].status.now == WE_ACTIVE)
            return true;
    return false;
}

struct refusal {
    int instance;
    enum world_place why;
};

static void write_refusals(struct call *c, struct json_out *o, int cluster, const struct refusal *r, int count)
{
    jo_open(o, "failures", '[');
    for (int i = 0; i < count; i++) {
        const char *id = r[i].instance >= 0 ? c->view.instances[r[i].instance].ci_id : NULL;
        const char *reason = id != NULL ? world_place_reason(r[i].why) : "No Container Instances were found in your capacity provider.";
        play_ecs_failure(c, o, cluster, "container-instance", id != NULL ? id : "", reason);
    }
    jo_close(o, ']');
}

void play_ecs_run_task(struct call *c)
{
    struct world_run run;
    struct world_rules rules;
    struct world_task_override override;
    int64_t count = 1, counts[WORLD_SHARES] = {0};
    if (!play_ecs_int(c, "count", &count, NULL) || !read_run(c, &run, &rules, &override))
        return;
    call_note(c, c->view.taskdefs[run.taskdef].family, "count=%lld", (long long)count);
    const char *wrong = count < 1 || count > 10 ? "count must be between 1 and 10."
                        : rules.share_count == 0 && !any_instance(c, run.cluster) ? "No Container Instances were found in your cluster." : NULL;
    if (wrong != NULL) {
        call_fail(c, 400, "InvalidParameterException", "%s", wrong);
        return;
    }
    struct refusal refused[10];
    int refusals = 0;
    c->seen_ms = c->now_ms;
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "tasks", '[');
    for (int64_t i = 0; i < count; i++) {
        int task = -1;
        struct refusal *r = &refused[refusals];
        run.provider = provider_of(&rules, counts);
        enum world_answer answer = world_run(c->world, c->key->actor, &run, &task, &r->why, &r->instance);
        c->view = world_view(c->world);
        if (answer == WORLD_OK)
            play_ecs_write_task(c, &o, task);
        else
            refusals++;
    }
    jo_close(&o, ']');
    write_refusals(c, &o, run.cluster, refused, refusals);
    jo_close(&o, '}');
}

// On instances that the caller names: draining ones take it, and no constraint is asked.
void play_ecs_start_task(struct call *c)
{
    struct world_run run;
    struct world_rules rules;
    struct world_task_override override;
    struct ecs_list ids;
    if (!play_ecs_strings(c, "containerInstances", 10, &ids) || !read_run(c, &run, &rules, &override))
        return;
    if (ids.count == 0) {
        call_missing(c, "Container instances");
        return;
    }
    call_note(c, ids.items[0], "count=%zu", ids.count);
    const char **reasons = arena_array(c->arena, const char *, ids.count);
    c->seen_ms = c->now_ms;
    struct json_out o;
    call_begin_json(c, &o);
    jo_open(&o, "tasks", '[');
    for (size_t i = 0; i < ids.count; i++) {
        int task = -1, closest;
        enum world_place why = WPLACE_OK;
        run.instance = play_ecs_find_instance(c, run.cluster, ids.items[i]);
        enum world_answer answer = run.instance < 0 ? WORLD_NOT_FOUND : world_run(c->world, c->key->actor, &run, &task, &why, &closest);
        c->view = world_view(c->world);
        reasons[i] = answer == WORLD_OK ? NULL : answer == WORLD_NOT_FOUND ? "MISSING" : world_place_reason(why);
        if (answer == WORLD_OK)
            play_ecs_write_task(c, &o, task);
    }
    jo_close(&o, ']');
    jo_open(&o, "failures", '[');
    for (size_t i = 0; i < ids.count; i++)
        if (reasons[i] != NULL)
            play_ecs_failure(c, &o, run.cluster, "container-instance", ids.items[i], reasons[i]);
    jo_close(&o, ']');
    jo_close(&o, '}');
}
