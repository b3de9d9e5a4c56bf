#include "planner/model/names.h"

#include <string.h>

const char *const source_kind_names[SOURCE_COUNT] = {
    [SOURCE_CONTAINER_INSTANCES] = "container_instances",
    [SOURCE_SERVICES] = "services",
    [SOURCE_TASKS] = "tasks",
    [SOURCE_TASK_DEFINITIONS] = "task_definitions",
    [SOURCE_EC2_INSTANCES] = "ec2_instances",
    [SOURCE_FLEETS] = "fleets",
    [SOURCE_INSTANCE_TYPES] = "instance_types",
};
const char *const source_state_names[SOURCE_OK + 1] = {
    [SOURCE_UNKNOWN] = "unknown",
    [SOURCE_PARTIAL] = "partial",
    [SOURCE_OK] = "ok",
};
const char *const place_kind_names[PLACE_RANDOM + 1] = {
    [PLACE_SPREAD] = "spread",
    [PLACE_BINPACK_CPU] = "binpack_cpu",
    [PLACE_BINPACK_MEMORY] = "binpack_memory",
    [PLACE_RANDOM] = "random",
};
const char *const service_kind_names[SERVICE_DAEMON + 1] = {[SERVICE_REPLICA] = "REPLICA", [SERVICE_DAEMON] = "DAEMON"};
const char *const ecs_state_names[ECS_STATE_COUNT] = {
    [ECS_UNREGISTERED] = "UNREGISTERED",
    [ECS_REGISTERING] = "REGISTERING",
    [ECS_REGISTRATION_FAILED] = "REGISTRATION_FAILED",
    [ECS_ACTIVE] = "ACTIVE",
    [ECS_DRAINING] = "DRAINING",
    [ECS_DEREGISTERING] = "DEREGISTERING",
    [ECS_INACTIVE] = "INACTIVE",
    [ECS_OTHER] = "OTHER",
};
const char *const ec2_state_names[EC2_STATE_COUNT] = {
    [EC2_UNKNOWN] = "unknown",       [EC2_PENDING] = "pending",   [EC2_RUNNING] = "running", [EC2_SHUTTING_DOWN] = "shutting-down",
    [EC2_TERMINATED] = "terminated", [EC2_STOPPING] = "stopping", [EC2_STOPPED] = "stopped",
};
const char *const fleet_kind_names[FLEET_KIND_COUNT] = {
    [FLEET_SPOT_FLEET] = "spot_fleet", [FLEET_EC2_FLEET] = "ec2_fleet", [FLEET_GROUP] = "group", [FLEET_INSTANT] = "instant",
};
const char *const fleet_state_names[FLEET_STATE_COUNT] = {
    [FLEET_STATE_UNKNOWN] = "unknown",
    [FLEET_SUBMITTED] = "submitted",
    [FLEET_ACTIVE] = "active",
    [FLEET_MODIFYING] = "modifying",
    [FLEET_CANCELLED_RUNNING] = "cancelled_running",
    [FLEET_CANCELLED_TERMINATING] = "cancelled_terminating",
    [FLEET_CANCELLED] = "cancelled",
    [FLEET_FAILED] = "failed",
};
const char *const drain_state_names[DRAIN_STATE_COUNT] = {
    [DRAIN_CHOSEN] = "chosen", [DRAIN_DRAINING] = "draining", [DRAIN_EMPTY] = "empty",     [DRAIN_LOWERED] = "lowered",
    [DRAIN_ENDING] = "ending", [DRAIN_GONE] = "gone",         [DRAIN_UNDOING] = "undoing", [DRAIN_UNDONE] = "undone",
};
const char *const memo_stamp_kind_names[STAMP_COUNT] = {
    [STAMP_UNNEEDED] = "unneeded", [STAMP_EMPTY] = "empty",             [STAMP_EXCLUDED] = "excluded", [STAMP_ORDER] = "order",
    [STAMP_WAITING] = "waiting",   [STAMP_SETTLING] = "settling",       [STAMP_ALERT] = "alert",
    [STAMP_RUNAWAY] = "runaway",   [STAMP_REVERSAL] = "reversal",       [STAMP_BREAKER] = "breaker",
    [STAMP_PROBE] = "probe",       [STAMP_ORPHAN] = "orphan",           [STAMP_TARGET_SEEN] = "target_seen",
    [STAMP_RAISED] = "raised",     [STAMP_LOWERED] = "lowered",       [STAMP_LAUNCH] = "launch",
    [STAMP_MODE] = "mode",         [STAMP_FLEET] = "fleet",           [STAMP_CONFIRM] = "confirm",
    [STAMP_MEMBERS] = "members",   [STAMP_VICTIM] = "victim",         [STAMP_REPLACE] = "replace",
    [STAMP_SWAP] = "swap",          [STAMP_POOL] = "pool",
    [STAMP_REFUSED] = "refused",    [STAMP_TROUBLE] = "trouble",    [STAMP_HOOK] = "hook",          [STAMP_SHORT] = "short",        [STAMP_DRY] = "dry",              [STAMP_ON_DEMAND] = "on_demand",
    [STAMP_SCORE] = "score",       [STAMP_QUOTA] = "quota",       [STAMP_SHARE] = "share",
    [STAMP_OCCASION] = "occasion", [STAMP_UNSEEN] = "unseen",
};
const char *const action_kind_names[ACTION_COUNT] = {
    [ACTION_MARK] = "mark",       [ACTION_UNMARK] = "unmark",         [ACTION_DRAIN] = "drain",
    [ACTION_UNDRAIN] = "undrain", [ACTION_SET_TARGET] = "set_target", [ACTION_TERMINATE] = "terminate",
    [ACTION_DEREGISTER] = "deregister", [ACTION_CLAIM] = "claim",
    [ACTION_END_MEMBER] = "end_member", [ACTION_HEARTBEAT] = "heartbeat", [ACTION_COMPLETE] = "complete",
    [ACTION_LAUNCH] = "launch",
};
const char *const control_mode_names[CONTROL_COUNT] = {
    [CONTROL_RUN] = "run", [CONTROL_ADD_ONLY] = "add-only", [CONTROL_PAUSE] = "pause", [CONTROL_FREEZE] = "freeze",
};
const char *const alert_severity_names[ALERT_SEVERITY_COUNT] = {
    [ALERT_INFO] = "info", [ALERT_WARNING] = "warning", [ALERT_CRITICAL] = "critical",
};
const char *const candidate_kind_names[CANDIDATE_KIND_COUNT] = {
    [CANDIDATE_INSTANCE] = "instance",
    [CANDIDATE_FLEET] = "fleet",
    [CANDIDATE_SHAPE] = "shape",
    [CANDIDATE_CLUSTER] = "cluster",
    [CANDIDATE_POOL] = "pool",
};
const char *const verdict_code_names[VERDICT_COUNT] = {
    [VERDICT_LAUNCH] = "launch",   [VERDICT_DRAIN] = "drain",     [VERDICT_GO_ON] = "go_on",
    [VERDICT_UNDO] = "undo",       [VERDICT_LOWER] = "lower",     [VERDICT_END] = "end",
    [VERDICT_KEEP] = "keep",       [VERDICT_HOLD] = "hold",       [VERDICT_FITS] = "fits",
    [VERDICT_WAIT] = "wait",       [VERDICT_NEVER_FITS] = "never_fits", [VERDICT_FOREIGN] = "foreign",
    [VERDICT_UNKNOWN] = "unknown", [VERDICT_CAPPED] = "capped",
};

int name_to_value(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static const char *name_of(const char *const *names, int count, int value)
{
    return value >= 0 && value < count ? names[value] : "unknown";
}

const char *source_kind_name(enum source_kind k)
{
    return name_of(source_kind_names, SOURCE_COUNT, (int)k);
}

const char *ecs_state_name(enum ecs_state s)
{
    return name_of(ecs_state_names, ECS_STATE_COUNT, (int)s);
}

const char *ec2_state_name(enum ec2_state s)
{
    return name_of(ec2_state_names, EC2_STATE_COUNT, (int)s);
}

const char *fleet_state_name(enum fleet_state s)
{
    return name_of(fleet_state_names, FLEET_STATE_COUNT, (int)s);
}

const char *fleet_kind_name(enum fleet_kind k)
{
    return name_of(fleet_kind_names, FLEET_KIND_COUNT, (int)k);
}

const char *fleet_name(const struct fleet *f)
{
    return f->name && *f->name ? f->name : f->id;
}

const char *control_mode_name(enum control_mode m)
{
    return name_of(control_mode_names, CONTROL_COUNT, (int)m);
}

const char *alert_severity_name(enum alert_severity s)
{
    return name_of(alert_severity_names, ALERT_SEVERITY_COUNT, (int)s);
}

const char *drain_state_name(enum drain_state s)
{
    return name_of(drain_state_names, DRAIN_STATE_COUNT, (int)s);
}

bool instance_group_ends(const struct instance *x)
{
    return x->member && strncmp(x->member, "Terminating", 11) == 0;
}

const char *memo_stamp_kind_name(enum memo_stamp_kind k)
{
    return name_of(memo_stamp_kind_names, STAMP_COUNT, (int)k);
}

const char *action_kind_name(enum action_kind k)
{
    return name_of(action_kind_names, ACTION_COUNT, (int)k);
}

const char *verdict_code_name(enum verdict_code c)
{
    return name_of(verdict_code_names, VERDICT_COUNT, (int)c);
}

const char *candidate_kind_name(enum candidate_kind k)
{
    return name_of(candidate_kind_names, CANDIDATE_KIND_COUNT, (int)k);
}
