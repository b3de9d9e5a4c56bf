#include "planner/orphans.h"

#include <assert.h>
#include <string.h>

#include "base/parse.h"
#include "planner/alert.h"
#include "planner/breaker.h"
#include "planner/explain.h"
#include "planner/groups.h"
#include "planner/modes.h"
#include "planner/scale_in.h"

#define MINUTE_MS (60 * 1000LL)
#define AGE_MIN_MS (10 * MINUTE_MS)  // L9
#define AGE_MAX_MS (20 * MINUTE_MS)
#define SHARE_PERCENT 10
#define TERMINATED_MS (5 * MINUTE_MS)  // ECS drops what EC2 ended by itself, if all is well
#define UNKNOWN_MS (60 * MINUTE_MS)    // E6
#define GHOSTS_MAX 10                  // a tick
#define NAMED_MAX 20

static bool read_whole(const struct work *w, enum source_kind k)
{
    return w->s->sources[k].state == SOURCE_OK && w->s->now_ms - w->s->sources[k].read_ms <= w->p->max_age_ms;
}

// The stamp counts the looks in which it was so, each with a list of its own.
static const struct memo_stamp *seen(struct work *w, const char *id)
{
    const struct memo_stamp *was = work_old_stamp(w, STAMP_ORPHAN, id);
    struct memo_stamp x = {.kind = STAMP_ORPHAN, .key = id, .since_ms = w->s->now_ms, .count = 1, .amount = w->s->listed_ms};
    if (was && was->since_ms <= w->s->now_ms) {
        x = *was;
        x.key = id;
        x.count += w->s->listed_ms > was->amount && x.count < INT32_MAX;
        x.amount = w->s->listed_ms;
    }
    return work_stamp_set(w, x);
}

// ---- orphans --------------------------------------------------------------------------------------------------------------
static int64_t age_limit_ms(const struct work *w)
{
    return i64_max(i64_max(AGE_MIN_MS, w->p->boot_limit_ms), i64_min(3 * w->s->boot_p95_ms, AGE_MAX_MS));
}

static bool is_orphan(const struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    return x->ecs == ECS_UNREGISTERED && x->ec2 == EC2_RUNNING && x->fleet >= 0 && !group_idle(x) && !instance_group_ends(x) && !x->ever_registered && x->elsewhere[0] == '\0' &&
           x->notice_ms == 0 && x->launched_ms > 0 && modes_aws_now_ms(w) - x->launched_ms > age_limit_ms(w);
}

struct fleet_orphans {
    int orphans, members;
    bool shared;  // a member is registered in another cluster
    bool ending;  // one of them is on its way out
};

static struct fleet_orphans count_orphans(struct work *w, int fleet)
{
    struct fleet_orphans n = {0};
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        const struct memo_stamp *s = work_old_stamp(w, STAMP_ORPHAN, x->id);
        if (x->fleet != fleet)
            continue;
        n.members += w->inst[i].live;
        n.shared = n.shared || x->elsewhere[0] != '\0';
        n.orphans += is_orphan(w, (int)i);
        n.ending = n.ending || (s && (x->ec2 == EC2_SHUTTING_DOWN || s->until_ms > w->s->now_ms));
    }
    return n;
}

static bool raised_now(const struct work *w, int fleet)
{
    for (size_t k = 0; k < w->plan->action_count; k++)
        if (w->plan->actions[k].kind == ACTION_SET_TARGET && w->plan->actions[k].fleet == fleet)
            return true;
    return false;
}

// Why no orphan of the fleet is ended in this tick.
static const char *fleet_keeps(struct work *w, int f, const struct fleet_orphans *n)
{
    int share = n->members * SHARE_PERCENT / 100 > 1 ? n->members * SHARE_PERCENT / 100 : 1;
    if (w->fleet[f].closed)
        return w->fleet[f].closed;
    if (n->orphans > share) {
        const char *why = explain_text(w, "%d of %d members never registered, limit %d: fleet and cluster do not match", n->orphans,
                                       n->members, share);
        alert_raise(w, ALERT_FLEET_MISMATCH, w->s->fleets[f].id, why, NULL);
        return why;
    }
    if (n->shared)
        return "members of its fleet are registered in another cluster";
    if (w->no_removal)
        return w->no_removal;
    if (!modes_may(w, f, DEED_REMOVE))
        return modes_why(w, f);
    const char *hold = scale_in_start_hold(w);
    if (hold)
        return hold;
    if (!read_whole(w, SOURCE_CONTAINER_INSTANCES) || !read_whole(w, SOURCE_EC2_INSTANCES) || !read_whole(w, SOURCE_FLEETS) ||
        w->s->now_ms - w->s->listed_ms > w->p->period_ms)
        return "not in this look's list: the next whole list decides";
    if (n->ending)
        return "one at a time";
    if (breaker_why(w, f) && (n->orphans < 2 || breaker_open(w, f) || w->fleet[f].coming > 0 || raised_now(w, f)))
        return explain_text(w, "kept for inspection: %s", breaker_why(w, f));
    return NULL;
}

static const char *instance_keeps(struct work *w, int i, const struct memo_stamp *s)
{
    const struct instance *x = &w->s->instances[i];
    if (x->forbidden)
        return "tag masu:keep";
    if (x->mark[0])
        return "it carries the tag masu:drain";
    return s->count < 2 || s->since_ms >= w->s->now_ms ? "seen once" : NULL;
}

static void end_orphan(struct work *w, int i, const char *fact)
{
    const struct instance *x = &w->s->instances[i];
    work_action(w, (struct action){.kind = ACTION_TERMINATE,
                                   .target = x->id,
                                   .instance = i,
                                   .fleet = x->fleet,
                                   .target_before = w->s->fleets[x->fleet].target,
                                   .recheck = RECHECK_UNREGISTERED,
                                   .after = -1,
                                   .fact = fact,
                                   .verdict = "end it, the fleet replaces it"});
    work_stamp(w, STAMP_ORPHAN, x->id)->until_ms = w->s->now_ms + WORK_LAG_MS;
    explain_judge(w, i, VERDICT_END, fact, "end it, the fleet replaces it");
}

static void tell_kept(struct work *w, int i, const char *fact, const char *why, int *told)
{
    int64_t micro = work_price(w, i).micro;
    char usd[32];
    const char *cost = micro > 0 ? explain_text(w, ", %s/h", format_usd(micro, usd)) : "";
    if (++*told <= NAMED_MAX)
        alert_raise(w, ALERT_INSTANCE_UNREGISTERED, w->s->instances[i].id, explain_text(w, "%s%s; %s", fact, cost, why), NULL);
}

static void fleet_orphans(struct work *w, int f)
{
    struct fleet_orphans n = count_orphans(w, f);
    const char *keeps = n.orphans > 0 ? fleet_keeps(w, f, &n) : NULL;
    int told = 0;
    for (size_t i = 0; i < w->s->instance_count && n.orphans > 0; i++) {
        const struct instance *x = &w->s->instances[i];
        if (x->fleet != f || !is_orphan(w, (int)i) || w->inst[i].judged)
            continue;
        const struct memo_stamp *s = seen(w, x->id);
        const char *fact = explain_text(w, "launched %s ago, never registered", explain_duration(w, modes_aws_now_ms(w) - x->launched_ms));
        const char *why = keeps ? keeps : instance_keeps(w, (int)i, s);
        if (why) {
            explain_judge(w, (int)i, VERDICT_KEEP, explain_text(w, "%s; %s", fact, why), "not counted as coming, kept");
            tell_kept(w, (int)i, fact, why, &told);
        } else {
            end_orphan(w, (int)i, fact);
            keeps = "one at a time";
        }
    }
}

// ---- ghosts ---------------------------------------------------------------------------------------------------------------
static bool is_ghost(const struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    bool registered = x->ecs == ECS_ACTIVE || x->ecs == ECS_DRAINING;
    bool gone = x->ec2 == EC2_TERMINATED || (x->ec2 == EC2_UNKNOWN && strncmp(x->id, "i-", 2) == 0);
    return registered && gone && x->arn[0] && !x->agent_connected && !w->inst[i].judged;
}

static void ghost(struct work *w, int i, int *count)
{
    const struct instance *x = &w->s->instances[i];
    const struct memo_stamp *s = seen(w, x->id);
    int64_t wait_ms = x->ec2 == EC2_TERMINATED ? TERMINATED_MS : UNKNOWN_MS;
    const char *fact = x->ec2 == EC2_TERMINATED
                           ? "EC2 says terminated, ECS still has it"
                           : explain_text(w, "EC2 does not know it since %s, ECS still has it", explain_time(w, s->since_ms));
    bool due = s->count >= 2 && w->s->now_ms - s->since_ms >= wait_ms && s->until_ms <= w->s->now_ms;
    if (!due || w->no_removal || !modes_may(w, x->fleet, DEED_REMOVE) || scale_in_start_hold(w) || *count >= GHOSTS_MAX) {
        explain_judge(w, i, VERDICT_HOLD, fact, "not capacity; deregistered once that is sure");
        return;
    }
    ++*count;
    work_action(w, (struct action){.kind = ACTION_DEREGISTER,
                                   .target = x->id,
                                   .instance = i,
                                   .fleet = x->fleet,
                                   .recheck = RECHECK_ENDED,
                                   .after = -1,
                                   .fact = fact,
                                   .verdict = "deregister the ghost"});
    work_stamp(w, STAMP_ORPHAN, x->id)->until_ms = w->s->now_ms + WORK_LAG_MS;
    explain_judge(w, i, VERDICT_END, fact, "deregister the ghost");
}

void orphans_plan(struct work *w)
{
    int ghosts = 0;
    for (size_t f = 0; f < w->s->fleet_count; f++)
        fleet_orphans(w, (int)f);
    for (size_t i = 0; i < w->s->instance_count && read_whole(w, SOURCE_EC2_INSTANCES); i++)
        if (is_ghost(w, (int)i))
            ghost(w, (int)i, &ghosts);
    assert(ghosts <= GHOSTS_MAX);
}
