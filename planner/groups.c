#include "planner/groups.h"

#include <string.h>

#include "planner/drain.h"
#include "planner/explain.h"
#include "planner/modes.h"

#define LOOK_AGAIN_MS (60 * 1000)   // a member that we ended and that is still in service is decided anew
#define REFUSED_EXCLUDE_MS (3600 * 1000)
#define REFUSED_MAX 2               // ends sent in vain: an answer may be lost once, and AWS's reasons are not all to be seen
#define LET_GO_MS (60 * 1000)       // so long before a hook's limit nothing more is done: the group ends it by itself

bool group_idle(const struct instance *x)
{
    static const char *const words[] = {"Warmed:", "Standby", "EnteringStandby", "Detach", "Quarantined", "ReplacingRootVolume", "RootVolumeReplaced",
                                        "Terminated"};
    if (x->member == NULL || x->member[0] == '\0')
        return false;
    for (size_t k = 0; k < ARRAY_LEN(words); k++)
        if (strncmp(x->member, words[k], strlen(words[k])) == 0)
            return true;
    return strncmp(x->member, "Pending", 7) != 0 && strncmp(x->member, "Terminating", 11) != 0 && strcmp(x->member, "InService") != 0;
}

static bool in_service(const struct instance *x)
{
    return x->member && strcmp(x->member, "InService") == 0;
}

// ---- may it be smaller? ----------------------------------------------------------------------------------------------------
// Whether the group serves the zone: by its pools.
static bool serves(const struct fleet *f, const char *zone)
{
    for (size_t k = 0; k < f->pool_count; k++)
        if (f->pools[k].zone[0] == '\0' || strcmp(f->pools[k].zone, zone) == 0)
            return true;
    return false;
}

// A zone of the group in which the cluster has no instance at all.
static bool serves_empty_zone(const struct work *w, const struct fleet *f)
{
    for (size_t k = 0; k < f->pool_count; k++) {
        bool known = f->pools[k].zone[0] == '\0';
        for (int z = 0; z < w->zone_count && !known; z++)
            known = strcmp(f->pools[k].zone, w->zones[z]) == 0;
        if (!known)
            return true;
    }
    return false;
}

// Members in service by zone once this one and all drains of ours have ended; true where one of them is not protected.
static bool count_zones(struct work *w, int fleet, int without, int32_t *count)
{
    bool unprotected = false;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        bool leaves = (int)i == without || w->inst[i].planned_drain || (work_drains(w, (int)i) && !w->inst[i].planned_undo);
        if (x->fleet != fleet || !in_service(x) || leaves || w->inst[i].zone < 0)
            continue;
        count[w->inst[i].zone]++;
        unprotected = unprotected || !x->scale_in_protected;
    }
    return unprotected;
}

// B1: AZRebalance would end another one, undrained, in the fullest zone.
static const char *unbalances(struct work *w, int i)
{
    const struct fleet *f = &w->s->fleets[w->s->instances[i].fleet];
    int32_t *count = arena_array(w->a, int32_t, (size_t)w->zone_count + 1);
    if (!f->rebalances || !count_zones(w, w->s->instances[i].fleet, i, count))
        return NULL;
    int32_t most = 0, least = serves_empty_zone(w, f) ? 0 : INT32_MAX;
    for (int z = 0; z < w->zone_count; z++) {
        if (!serves(f, w->zones[z]))
            continue;
        most = count[z] > most ? count[z] : most;
        least = count[z] < least ? count[z] : least;
    }
    if (least == INT32_MAX || most - least <= 1)
        return NULL;
    return explain_text(w, "its zones would be %d apart, and AZRebalance would end another", most - least);
}

// What leaves the group when all drains that are not yet sent end, this one included.
static int64_t leaving_units(struct work *w, int fleet, int with)
{
    int64_t milli = 0;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct memo_drain *d = work_drain(w, (int)i);
        bool ours = (int)i == with || w->inst[i].planned_drain || (d && d->state <= DRAIN_EMPTY && !w->inst[i].planned_undo);
        if (w->s->instances[i].fleet == fleet && ours && in_service(&w->s->instances[i]))
            milli += w->s->instances[i].weight_milli;
    }
    return (milli + 999) / 1000;
}

const char *groups_refuse(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    if (x->fleet < 0 || w->s->fleets[x->fleet].kind != FLEET_GROUP)
        return NULL;
    const struct fleet *f = &w->s->fleets[x->fleet];
    if (!in_service(x))
        return explain_text(w, "%s in its group", x->member && x->member[0] ? x->member : "not listed");
    if (f->refreshing)
        return "an instance refresh of its group is under way";
    if (f->no_terminate)
        return "Terminate is suspended in its group";
    int64_t leaves = leaving_units(w, x->fleet, i);
    if (f->target - leaves < f->min_size)
        return explain_text(w, "desired %" PRId64 " less %" PRId64 " is below MinSize %" PRId64, f->target, leaves, f->min_size);
    return unbalances(w, i);
}

// How often its end was sent in vain, as long as it drains.
static int32_t refused_ends(struct work *w, int i)
{
    const struct memo_stamp *was = work_old_stamp(w, STAMP_REFUSED, w->s->instances[i].id);
    if (!was || was->since_ms > w->s->now_ms)
        return 0;
    return work_stamp_set(w, *was)->count;
}

const char *groups_give_up(struct work *w, int i)
{
    const char *why = groups_refuse(w, i);
    if (refused_ends(w, i) >= REFUSED_MAX && !why)
        why = explain_text(w, "its end was sent to its group %d times, and it is in service", REFUSED_MAX);
    const struct memo_stamp *was = work_stamp(w, STAMP_EXCLUDED, w->s->instances[i].id);
    int64_t until_ms = w->s->now_ms + REFUSED_EXCLUDE_MS;
    if (why)
        work_stamp_set(w, (struct memo_stamp){STAMP_EXCLUDED, w->s->instances[i].id, w->s->now_ms, was ? i64_max(was->until_ms, until_ms) : until_ms,
                                              was ? was->count : 0, 0});
    return why;
}

// ---- ends ------------------------------------------------------------------------------------------------------------------
static void send_end(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    const struct fleet *f = &w->s->fleets[x->fleet];
    const char *fact = explain_text(w, "empty, desired %" PRId64 ", MinSize %" PRId64, f->target, f->min_size);
    work_action(w, (struct action){.kind = ACTION_END_MEMBER,
                                   .target = x->id,
                                   .instance = i,
                                   .fleet = x->fleet,
                                   .target_before = f->target,
                                   .recheck = RECHECK_EMPTY | RECHECK_DRAINING | RECHECK_GROUP,
                                   .after = -1,
                                   .fact = fact,
                                   .verdict = "end it and lower the group by it",
                                   .hourly_delta = {-work_price(w, i).micro}});
    explain_judge(w, i, VERDICT_END, fact, "end it and lower the group by it");
}

// A call whose answer was lost is never repeated as it is: a look shows the member going, or everything is decided anew.
static void look_again(struct work *w, int i, struct memo_drain *d)
{
    const struct instance *x = &w->s->instances[i];
    int64_t ago_ms = w->s->now_ms - d->state_since_ms;
    int32_t refused = refused_ends(w, i);
    bool looked = w->s->sources[SOURCE_FLEETS].state == SOURCE_OK && w->s->sources[SOURCE_FLEETS].read_ms > d->state_since_ms + LOOK_AGAIN_MS / 2;
    if (in_service(x) && looked && ago_ms >= LOOK_AGAIN_MS) {
        drain_move(w, d, DRAIN_DRAINING);
        d->empty_first_ms = 0;
        work_stamp_set(w, (struct memo_stamp){.kind = STAMP_REFUSED, .key = x->id, .since_ms = w->s->now_ms, .count = refused + 1});
        explain_judge(w, i, VERDICT_GO_ON, explain_text(w, "its end was sent %s ago, and it is in service", explain_duration(w, ago_ms)),
                      "look, and decide anew");
        return;
    }
    explain_judge(w, i, VERDICT_END, "its end was sent to the group", "ends");
}

void groups_end(struct work *w, int f, const char *hold)
{
    bool sent = false;  // one at a time: each call changes the desired capacity that the next must know
    for (size_t i = 0; i < w->s->instance_count; i++) {
        struct memo_drain *d = work_drain(w, (int)i);
        if (w->s->instances[i].fleet != f || !d || w->inst[i].planned_undo || w->inst[i].judged)
            continue;
        if (d->state == DRAIN_ENDING) {
            look_again(w, (int)i, d);
            continue;
        }
        if (d->state != DRAIN_EMPTY || w->s->instances[i].ecs != ECS_DRAINING || w->s->instances[i].notice_ms > 0)
            continue;
        const char *why = hold ? hold : sent ? "another of its group ends in this tick" : groups_refuse(w, (int)i);
        if (why) {
            explain_judge(w, (int)i, VERDICT_HOLD, explain_text(w, "empty; %s", why), "wait");
            continue;
        }
        send_end(w, (int)i);
        sent = true;
    }
}

// ---- what the group itself ends --------------------------------------------------------------------------------------------
static void send_hook(struct work *w, int i, enum action_kind kind, const char *fact, const char *verdict)
{
    const struct instance *x = &w->s->instances[i];
    work_action(w, (struct action){.kind = kind,
                                   .target = x->id,
                                   .instance = i,
                                   .fleet = x->fleet,
                                   .value = w->s->fleets[x->fleet].hook,
                                   .recheck = kind == ACTION_COMPLETE && x->arn[0] ? RECHECK_EMPTY : RECHECK_NONE,
                                   .after = -1,
                                   .fact = fact,
                                   .verdict = verdict});
    explain_judge(w, i, VERDICT_GO_ON, fact, verdict);
}

static bool is_empty(const struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    if (x->ecs == ECS_UNREGISTERED || x->ecs == ECS_INACTIVE)
        return true;
    return x->ecs == ECS_DRAINING && x->tasks_known && w->inst[i].tasks == 0 && x->ecs_running + x->ecs_pending <= w->inst[i].daemon_tasks &&
           w->s->sources[SOURCE_TASKS].state == SOURCE_OK;
}

static void wait_in_hook(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    const struct fleet *f = &w->s->fleets[x->fleet];
    const struct memo_stamp *was = work_old_stamp(w, STAMP_HOOK, x->id);
    struct memo_stamp now = {.kind = STAMP_HOOK, .key = x->id, .since_ms = w->s->now_ms, .until_ms = w->s->now_ms};
    if (was && was->since_ms <= w->s->now_ms)
        now = *was;
    int64_t waits_ms = w->s->now_ms - now.since_ms;
    const char *fact = explain_text(w, "%s for %s in hook %s, %d task%s", x->member, explain_duration(w, waits_ms), f->hook, w->inst[i].tasks,
                                    w->inst[i].tasks == 1 ? "" : "s");
    if (is_empty(w, i)) {
        send_hook(w, i, ACTION_COMPLETE, fact, "let it go");
    } else if (waits_ms >= f->hook_limit_ms - LET_GO_MS) {
        send_hook(w, i, ACTION_HEARTBEAT, fact, "the hook's limit: it ends by itself");
    } else if (w->s->now_ms + w->p->period_ms > now.until_ms && f->hook_heartbeat_ms > 0) {  // the next tick would be late
        now.until_ms = w->s->now_ms + f->hook_heartbeat_ms / 3;
        send_hook(w, i, ACTION_HEARTBEAT, fact, "keep it waiting");
    } else {
        explain_judge(w, i, VERDICT_GO_ON, fact, "drains");
    }
    work_stamp_set(w, now);
}

static void drain_it(struct work *w, int i)
{
    int32_t tasks = w->inst[i].tasks;
    drain_doomed(w, i, "reason=group", explain_text(w, "%s: its group ends it, %d task%s", w->s->instances[i].member, tasks, tasks == 1 ? "" : "s"));
}

void groups_hooks(struct work *w)
{
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        if (x->fleet < 0 || !instance_group_ends(x) || w->inst[i].judged || w->fleet[x->fleet].closed)
            continue;
        const char *hook = w->s->fleets[x->fleet].hook;
        if (x->ecs == ECS_ACTIVE)
            drain_it(w, (int)i);
        else if (strcmp(x->member, "Terminating:Wait") != 0)
            explain_judge(w, (int)i, VERDICT_END, explain_text(w, "%s in its group", x->member), "ends");
        else if (hook == NULL || hook[0] == '\0')
            explain_judge(w, (int)i, VERDICT_FOREIGN, "a lifecycle hook that the policy does not name holds it", "left to its owner");
        else
            wait_in_hook(w, (int)i);
    }
}
