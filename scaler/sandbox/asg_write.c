// Auto Scaling: what changes a group or its members.
#include "scaler/sandbox/asg.h"

#include <string.h>

#include "base/parse.h"

static const char *group_name(struct call *c)
{
    const char *name = form_str(&c->form, "AutoScalingGroupName", c->arena);
    return name != NULL ? name : "";
}

// How the world's answer is worded; `why` is what a refusal says.
static void answer(struct call *c, enum world_answer a, const char *why)
{
    switch (a) {
    case WORLD_OK:
        break;
    case WORLD_BUSY:
        call_fail(c, 400, "ScalingActivityInProgress", "Scaling activity is in progress and blocked this action.");
        break;
    case WORLD_LIMIT:
        call_fail(c, 400, "LimitExceeded", "You have reached a limit of your Auto Scaling resources.");
        break;
    case WORLD_NOT_FOUND:
    case WORLD_INVALID:
    case WORLD_BAD_STATE:
    case WORLD_FLEET_NOT_MODIFIABLE:
    case WORLD_NOT_SERVICE_TASK:
    case WORLD_NO_ROOM:
    case WORLD_ANSWER_COUNT:
        play_asg_refuse(c, "%s", why);
        break;
    }
}

static void answer_empty(struct call *c)
{
    if (call_failed(c))
        return;
    call_begin_xml(c);
    call_end_xml(c);
}

void play_asg_set_desired(struct call *c)
{
    int fleet = -1;
    int64_t desired = -1;
    bool honor = false, present = false;
    const char *text = form_str(&c->form, "DesiredCapacity", c->arena);
    call_note(c, group_name(c), "DesiredCapacity=%s", text != NULL ? text : "");
    if (!play_asg_int(c, "DesiredCapacity", 0, 100000, &desired, &present) || !play_asg_bool(c, "HonorCooldown", &honor, NULL) ||
        !play_asg_group(c, &fleet))
        return;
    if (!present) {
        call_missing(c, "desiredCapacity");
        return;
    }
    const struct world_group *g = play_asg_of(c, fleet);
    const char *why = arena_printf(c->arena, "New SetDesiredCapacity value %lld is %s value %lld for the AutoScalingGroup.", (long long)desired,
                                   desired > g->max ? "above max" : "below min", (long long)(desired > g->max ? g->max : g->min));
    answer(c, world_group_desired(c->world, c->key->actor, fleet, desired, honor), why);
    if (!call_failed(c))
        play_asg_void(c);
}

static void write_terminating(struct call *c, int fleet, int instance)
{
    const struct world_group *g = play_asg_of(c, fleet);
    const struct world_scaling *a = &g->activities[(g->activity_count + WORLD_ACTIVITIES - 1) % WORLD_ACTIVITIES];
    call_begin_xml(c);
    xo_open(c->out, "Activity");
    xo_text(c->out, "ActivityId", a->id);
    xo_text(c->out, "AutoScalingGroupName", c->view.fleets[fleet].id);
    xo_text(c->out, "Description", arena_printf(c->arena, "Terminating EC2 instance: %s", c->view.instances[instance].id));
    xo_text(c->out, "Cause", a->cause);
    xo_time(c->out, "StartTime", c->now_ms);
    xo_text(c->out, "StatusCode", "InProgress");
    xo_int(c->out, "Progress", 0);
    xo_close(c->out, "Activity");
    call_end_xml(c);
}

void play_asg_terminate(struct call *c)
{
    const char *id = form_str(&c->form, "InstanceId", c->arena), *why = "";
    bool decrement = false, present = false;
    if (id == NULL) {
        call_missing(c, "instanceId");
        return;
    }
    const char *flag = form_str(&c->form, "ShouldDecrementDesiredCapacity", c->arena);
    call_note(c, id, "ShouldDecrementDesiredCapacity=%s", flag != NULL ? flag : "");
    if (!play_asg_bool(c, "ShouldDecrementDesiredCapacity", &decrement, &present))
        return;
    if (!present) {
        call_missing(c, "shouldDecrementDesiredCapacity");
        return;
    }
    int n = world_find_instance(c->world, id), fleet = n >= 0 ? c->view.instances[n].fleet : -1;
    enum world_answer a = world_group_terminate(c->world, c->key->actor, n, decrement, &why);
    answer(c, a, a == WORLD_NOT_FOUND ? "Instance Id not found" : why);
    c->view = world_view(c->world);
    if (!call_failed(c))
        write_terminating(c, fleet, n);
}

void play_asg_protect(struct call *c)
{
    int fleet = -1, *instances = NULL;
    size_t count = 0;
    bool on = false, present = false;
    const char *why = "", *flag = form_str(&c->form, "ProtectedFromScaleIn", c->arena);
    call_note(c, group_name(c), "ProtectedFromScaleIn=%s", flag != NULL ? flag : "");
    if (!play_asg_group(c, &fleet) || !play_asg_bool(c, "ProtectedFromScaleIn", &on, &present) || !play_asg_instances(c, 50, &instances, &count))
        return;
    if (!present || count == 0) {
        call_missing(c, present ? "instanceIds" : "protectedFromScaleIn");
        return;
    }
    answer(c, world_group_protect(c->world, c->key->actor, fleet, instances, (int)count, on, &why), why);
    answer_empty(c);
}

static bool read_processes(struct call *c, uint32_t *ret)
{
    size_t count = 0;
    struct slice *names = form_list(&c->form, "ScalingProcesses.member", c->arena, &count);
    *ret = count == 0 ? (1u << WP_COUNT) - 1 : 0;  // none named: all
    for (size_t i = 0; i < count; i++) {
        int p = 0;
        while (p < WP_COUNT && !slice_eq_str(names[i], play_asg_process(p)))
            p++;
        if (p == WP_COUNT)
            return play_asg_refuse(c, "'%.*s' is not a scaling process.", (int)(names[i].len < 40 ? names[i].len : 40), names[i].ptr);
        *ret |= 1u << p;
    }
    return true;
}

static void set_processes(struct call *c, bool suspend)
{
    int fleet = -1;
    uint32_t processes = 0;
    call_note(c, group_name(c), "%s", suspend ? "suspend" : "resume");
    if (!play_asg_group(c, &fleet) || !read_processes(c, &processes))
        return;
    answer(c, world_group_suspend(c->world, c->key->actor, fleet, processes, suspend), "");
    play_asg_void(c);
}

void play_asg_suspend(struct call *c)
{
    set_processes(c, true);
}

void play_asg_resume(struct call *c)
{
    set_processes(c, false);
}

struct hook_names {
    int fleet, instance;
    const char *hook, *token;
};

static bool read_hook(struct call *c, struct hook_names *ret)
{
    const char *id = form_str(&c->form, "InstanceId", c->arena);
    *ret = (struct hook_names){.fleet = -1, .instance = -1, .hook = form_str(&c->form, "LifecycleHookName", c->arena),
                               .token = form_str(&c->form, "LifecycleActionToken", c->arena)};
    call_note(c, group_name(c), "%s %s %s", ret->hook != NULL ? ret->hook : "", id != NULL ? id : "", ret->token != NULL ? ret->token : "");
    if (ret->hook == NULL || (id == NULL && ret->token == NULL)) {
        call_missing(c, ret->hook == NULL ? "lifecycleHookName" : "lifecycleActionToken");
        return false;
    }
    if (!play_asg_group(c, &ret->fleet))
        return false;
    ret->instance = id != NULL ? world_find_instance(c->world, id) : -1;
    return id == NULL || ret->instance >= 0 || play_asg_refuse(c, "The instance %.40s is not valid.", id);
}

static const char *no_action(struct call *c, const struct hook_names *h, enum world_answer a)
{
    if (a == WORLD_NOT_FOUND)
        return arena_printf(c->arena, "No Lifecycle Hook %s found", h->hook);
    return arena_printf(c->arena, "No active Lifecycle Action found with %s %s", h->instance >= 0 ? "instance ID" : "token",
                        h->instance >= 0 ? c->view.instances[h->instance].id : h->token);
}

void play_asg_complete(struct call *c)
{
    struct hook_names h;
    struct slice result = form_get(&c->form, "LifecycleActionResult");
    if (!read_hook(c, &h))
        return;
    bool abandon = slice_eq_str(result, "ABANDON");
    if (!abandon && !slice_eq_str(result, "CONTINUE")) {
        play_asg_refuse(c, "LifecycleActionResult must be CONTINUE or ABANDON.");
        return;
    }
    enum world_answer a = world_group_complete(c->world, c->key->actor, h.fleet, h.hook, h.instance, h.token, abandon);
    answer(c, a, no_action(c, &h, a));
    answer_empty(c);
}

void play_asg_heartbeat(struct call *c)
{
    struct hook_names h;
    if (!read_hook(c, &h))
        return;
    enum world_answer a = world_group_heartbeat(c->world, c->key->actor, h.fleet, h.hook, h.instance, h.token);
    answer(c, a, no_action(c, &h, a));
    answer_empty(c);
}

void play_asg_tag(struct call *c)
{
    for (int n = 1; n <= 50; n++) {
        const char *key = form_str(&c->form, arena_printf(c->arena, "Tags.member.%d.Key", n), c->arena);
        const char *group = form_str(&c->form, arena_printf(c->arena, "Tags.member.%d.ResourceId", n), c->arena);
        const char *value = form_str(&c->form, arena_printf(c->arena, "Tags.member.%d.Value", n), c->arena);
        if (key == NULL && n > 1)
            break;
        if (key == NULL || group == NULL) {
            call_missing(c, key == NULL ? "tags" : "resourceId");
            return;
        }
        call_note(c, group, "%s=%s", key, value != NULL ? value : "");
        int fleet = world_find_group(c->world, group);
        if (fleet < 0) {
            play_asg_refuse(c, "AutoScalingGroup name not found - AutoScalingGroup %.200s not found", group);
            return;
        }
        answer(c, world_tag_fleet(c->world, c->key->actor, fleet, key, value != NULL ? value : ""), "The tag is not valid.");
        if (call_failed(c))
            return;
    }
    play_asg_void(c);
}
