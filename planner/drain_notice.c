// The answer to what AWS takes back: drained at once, whatever protects its tasks, but for one case (safety.md D2).
#include "planner/demand.h"
#include "planner/drain.h"
#include "planner/explain.h"
#include "planner/modes.h"
#include "planner/placement.h"

#define LAST_TASK_MS (60 * 1000)  // D2: so long a drain waits for room at most

void drain_doomed(struct work *w, int instance, const char *why, const char *fact)
{
    const struct instance *x = &w->s->instances[instance];
    if (!modes_may(w, x->fleet, DEED_NOTICE)) {
        explain_judge(w, instance, VERDICT_HOLD, explain_text(w, "%s; %s", fact, modes_why(w, x->fleet)), "not answered");
        return;
    }
    work_action(w, (struct action){.kind = ACTION_DRAIN, .target = x->id, .instance = instance, .fleet = x->fleet, .value = why, .after = -1,
                                   .fact = fact, .verdict = "drain now"});  // no protection either: what ends overrides it
    explain_judge(w, instance, VERDICT_DRAIN, fact, "drain now");
}

// ---- the last task of a service -------------------------------------------------------------------------------------------
// ECS may stop its last task before another one runs.
static bool stops_last(const struct service *s)
{
    return s->kind == SERVICE_REPLICA && s->on_ec2 && s->desired > 0 && percent_ceil(s->desired, s->min_percent) <= 0;
}

int drain_only_host(const struct work *w, int service)
{
    const struct work_service *v = &w->svc[service];
    int host = -1;
    if (!stops_last(&w->s->services[service]))
        return -1;
    for (size_t k = 0; k < v->hold_count; k++) {
        const struct work_hold *x = &w->holds[v->hold_start + k];
        const struct work_instance *y = &w->inst[x->instance];
        bool leaves = y->role == ROLE_GONE || (y->role == ROLE_LEAVING && w->s->instances[x->instance].ecs != ECS_ACTIVE);
        if (w->s->instances[x->instance].holdings[x->holding].running == 0 || leaves || x->instance == host)
            continue;
        if (host >= 0)
            return -1;
        host = x->instance;
    }
    return host;
}

bool drain_room_elsewhere(struct work *w, int service, int host)
{
    int shape = w->svc[service].shape;
    for (size_t i = 0; i < w->s->instance_count && work_shape_known(w, shape); i++)
        if ((int)i != host && w->inst[i].role == ROLE_ACTIVE && placement_fits(w, shape, (int)i, w->inst[i].free))
            return true;
    return false;
}

static bool waits(const struct work *w, int service)
{
    for (size_t k = 0; k < w->now.item_count; k++) {
        const struct item *it = &w->now.items[k];
        if (it->service == service && !it->headroom && it->now < it->count)
            return true;
    }
    return false;
}

// All of a service that runs stands on instances that were noticed and are not yet drained, and has no room elsewhere: DRAINING would stop
// it before its replacement is there. NULL: none.
static const struct service *last_of(const struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    for (size_t h = 0; h < x->holding_count; h++) {
        int service = x->holdings[h].service;
        if (service < 0 || x->holdings[h].running == 0 || !stops_last(&w->s->services[service]) || !waits(w, service))
            continue;
        const struct work_service *v = &w->svc[service];
        bool stays = false;
        for (size_t k = 0; k < v->hold_count && !stays; k++) {
            const struct work_hold *y = &w->holds[v->hold_start + k];
            stays = w->inst[y->instance].role != ROLE_LEAVING && w->inst[y->instance].role != ROLE_GONE &&
                    w->s->instances[y->instance].holdings[y->holding].running > 0;
        }
        if (!stays)
            return &w->s->services[service];
    }
    return NULL;
}

void drain_noticed(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    int32_t tasks = w->inst[i].tasks;
    const char *fact = explain_text(w, "spot notice %s, %d task%s", explain_time(w, x->notice_ms), tasks, tasks == 1 ? "" : "s");
    if (x->ecs != ECS_ACTIVE) {
        const char *verdict = x->ecs == ECS_DRAINING                                    ? "drains, ends by itself"
                              : x->ecs == ECS_UNREGISTERED || x->ecs == ECS_REGISTERING ? "no capacity, drained as soon as it is ACTIVE"
                                                                                        : "not capacity, ends by itself";
        explain_judge(w, i, VERDICT_GO_ON, fact, verdict);
        return;
    }
    const struct service *last = modes_aws_now_ms(w) < x->notice_ms + LAST_TASK_MS ? last_of(w, i) : NULL;
    if (last && modes_may(w, x->fleet, DEED_NOTICE))
        explain_judge(w, i, VERDICT_HOLD, explain_text(w, "%s, the last of %s among them, for which there is no room", fact, last->name),
                      explain_text(w, "drain when there is, at the latest %s", explain_time(w, x->notice_ms + LAST_TASK_MS)));
    else
        drain_doomed(w, i, "reason=notice", fact);
}

bool drain_before_event(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    int64_t due_ms = x->event_ms - w->p->drain_deadline_ms;
    if (x->event_ms == 0 || w->s->now_ms < due_ms || w->s->now_ms >= x->event_ms || x->ecs != ECS_ACTIVE || x->ec2 != EC2_RUNNING || x->forbidden ||
        x->fleet < 0 || w->inst[i].planned_undo || w->no_removal || !modes_may(w, x->fleet, DEED_DRAIN))
        return false;
    drain_begin(w, i, false, explain_text(w, "EC2 stops it %s, a drain may take %s", explain_time(w, x->event_ms), explain_duration(w, w->p->drain_deadline_ms)), "drain");
    return true;
}
