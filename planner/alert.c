#include "planner/alert.h"

#include <assert.h>
#include <string.h>

#include "planner/explain.h"

static const struct alert_row {
    const char *id;
    enum alert_severity severity;
    const char *remedy;
} rows[ALERT_KIND_COUNT] = {
    [ALERT_DEMAND_INCURABLE] = {"demand-incurable", ALERT_WARNING, "Mend what the fact names; more instances do not help."},
    [ALERT_DEMAND_UNPLACED] = {"demand-unplaced", ALERT_WARNING,
                               "ECS may wait up to 15 min after a failed placement; the service's events say why."},
    [ALERT_DEMAND_STALLED] = {"demand-stalled", ALERT_CRITICAL,
                              "There is room and ECS does not use it: read the service's events, its constraints and subnets."},
    [ALERT_DEMAND_RUNAWAY] = {"demand-runaway", ALERT_CRITICAL,
                              "See why new instances cannot hold the task: zone, attributes, or less memory than before."},
    [ALERT_DEMAND_CAPPED] = {"demand-capped", ALERT_WARNING, "Raise the fleet's max in the policy, or lower desired counts."},
    [ALERT_FLEET_HELD] = {"fleet-held", ALERT_WARNING, "Raise the limit in the policy if so much at once is wanted."},
    [ALERT_FLEET_MODIFYING] = {"fleet-modifying", ALERT_WARNING, "Nothing can be sent to it until AWS has done: look at its history."},
    [ALERT_FLEET_MOVED] = {"fleet-moved", ALERT_INFO, "Nothing, if it was meant; it is kept for 30 min and then judged by need."},
    [ALERT_FLEET_ERROR] = {"fleet-error", ALERT_WARNING, "Mend what AWS names; the fleet launches nothing until then."},
    [ALERT_FLEET_UNFULFILLED] = {"fleet-unfulfilled", ALERT_WARNING, "Add pools (types, zones) to the fleet, or another fleet."},
    [ALERT_FLEET_HASTY] = {"fleet-hasty", ALERT_WARNING, "Use launch, or a longer termination delay; for a group, name a termination hook in the policy."},
    [ALERT_FLEET_EXPIRES] = {"fleet-expires", ALERT_WARNING, "Replace the fleet before, by one without ValidUntil."},
    [ALERT_FLEET_GONE] = {"fleet-gone", ALERT_CRITICAL, "Name the fleet that took its place in the policy."},
    [ALERT_FLEET_OWNER] = {"fleet-owner", ALERT_CRITICAL,
                           "One owner a fleet: take it out of one policy, or remove the tag masu:owner if that one is gone."},
    [ALERT_FLEET_FOREIGN] = {"fleet-foreign", ALERT_CRITICAL, "Two controllers undo each other's work: remove the other one."},
    [ALERT_FLEET_DENIED] = {"fleet-denied", ALERT_CRITICAL, "Give the permission back: `masu iam-policy` prints what is needed."},
    [ALERT_FLEET_LOOP] = {"fleet-loop", ALERT_WARNING, "Two rules disagree: read both reasons; raise unneeded_s or headroom."},
    [ALERT_BREAKER_OPEN] = {"breaker-open", ALERT_WARNING, "Look at the console output of the instance that is kept: image, user data, role."},
    [ALERT_BREAKER_ALL] = {"breaker-all-open", ALERT_CRITICAL,
                           "Nothing that this fleet launches joins the cluster: mend its launch template; only probes go on."},
    [ALERT_FLEET_MISMATCH] = {"fleet-mismatch", ALERT_CRITICAL,
                              "Fleet and cluster do not match: see that its instances join this cluster. None is ended."},
    [ALERT_INSTANCE_UNREGISTERED] = {"instance-unregistered", ALERT_INFO, "Look at its console output, then end it by hand."},
    [ALERT_INSTANCE_AWAY] = {"instance-away", ALERT_WARNING, "Look at the agent and the network of the instance; it is not ended."},
    [ALERT_DRAIN_STUCK] = {"drain-stuck", ALERT_WARNING, "Move or end by hand what the fact names, or set on_deadline to undo."},
    [ALERT_MASS_TROUBLE] = {"mass-trouble", ALERT_CRITICAL, "Nothing is removed until it is over: look at ECS, the network, the image."},
    [ALERT_SOURCE_LOST] = {"source-lost", ALERT_WARNING, "Nothing is removed until it is read again: permissions, throttling, network."},
    [ALERT_OVERFLOW] = {"overflow", ALERT_WARNING, "Nothing is removed and nothing is learned from this time until it is over: look at what these services wait for."},
    [ALERT_SERVICE_UNMOVABLE] = {"service-unmovable", ALERT_INFO,
                                 "Its hosts are never drained: give it a maximumPercent that lets one more task start."},
    [ALERT_SERVICE_ALONE] = {"service-alone", ALERT_INFO, "Give it a minimumHealthyPercent above 0, a task on another host, or headroom."},
    [ALERT_POOL_SHARE] = {"pool-share", ALERT_INFO,
                          "Where a task runs is ECS's choice: spread the service over zones and instance types, or give its fleets more pools."},
    [ALERT_ZONES_UNEVEN] = {"zones-uneven", ALERT_INFO,
                            "Where a fleet launches is AWS's choice: give it the strategy diversified or price-capacity-optimized, or each zone a fleet of its own."},
    [ALERT_SERVICE_MANAGED] = {"service-managed", ALERT_INFO, "masu orders nothing for it; turn managed scaling off to have it do so."},
    [ALERT_DEPLOYMENT_STUCK] = {"deployment-stuck", ALERT_WARNING,
                                "Finish or roll back the deployment; instances that hold its tasks are not drained until then."},
    [ALERT_TASK_LONG] = {"task-long", ALERT_INFO, "Nothing, if it is meant; it keeps its instance."},
    [ALERT_COST_NEAR] = {"cost-near", ALERT_WARNING, "Raise max_usd_per_hour, or expect headroom to be held back soon."},
    [ALERT_COST_OVER] = {"cost-over", ALERT_CRITICAL,
                         "Headroom gets no capacity until it is less; tasks that exist do. Raise max_usd_per_hour if it is meant."},
    [ALERT_CALENDAR_UNMET] = {"calendar-unmet", ALERT_WARNING, "Raise the max of fleets in the policy, or ask for less in the entry."},
    [ALERT_QUOTA_NEAR] = {"quota-near", ALERT_WARNING, "Ask for more in Service Quotas (service ec2) before orders stop at 95 %."},
    [ALERT_QUOTA_REFUSED] = {"quota-refused", ALERT_CRITICAL, "Ask for more in Service Quotas (service ec2); other classes take the need where the policy has them."},
    [ALERT_POLICY_CONFIRM] = {"policy-confirm", ALERT_CRITICAL, "Write the hash into `confirm` of the policy if it is meant, else take the change back."},
    [ALERT_MODE] = {"mode", ALERT_INFO, "Take it back when it is over."},
    [ALERT_MODE_UNANSWERED] = {"mode-unanswered", ALERT_CRITICAL, "Their tasks die with them: go from freeze to pause to have them drained."},
};

const char *alert_id(enum alert_kind k)
{
    assert(k < ALERT_KIND_COUNT);
    return rows[k].id;
}

static const char *key_of(const struct work *w, enum alert_kind k, const char *target)
{
    return arena_printf(w->a, "%s %s", rows[k].id, target);
}

int64_t alert_since(const struct work *w, enum alert_kind k, const char *target)
{
    const struct memo_stamp *was = work_old_stamp(w, STAMP_ALERT, key_of(w, k, target));
    return was && was->since_ms > 0 && was->since_ms <= w->s->now_ms ? was->since_ms : w->s->now_ms;
}

static bool is_raised(const struct work *w, enum alert_kind k, const char *target)
{
    for (size_t n = 0; n < w->plan->alert_count; n++)
        if (w->plan->alerts[n].id == rows[k].id && strcmp(w->plan->alerts[n].target, target) == 0)
            return true;
    return false;
}

static void add(struct work *w, enum alert_kind k, const char *target, int64_t since_ms, const char *what, const char *remedy)
{
    struct plan *p = w->plan;
    assert(what[0] && target);
    if (is_raised(w, k, target))
        return;
    p->alerts = arena_grow(w->a, p->alerts, p->alert_count, &p->alert_cap, sizeof *p->alerts);
    p->alerts[p->alert_count++] = (struct alert){.id = rows[k].id,
                                                 .target = target,
                                                 .severity = rows[k].severity,
                                                 .since_ms = since_ms,
                                                 .what = what,
                                                 .remedy = remedy ? remedy : rows[k].remedy};
}

static void stamp(struct work *w, enum alert_kind k, const char *target, int64_t since_ms)
{
    work_stamp_set(w, (struct memo_stamp){.kind = STAMP_ALERT, .key = key_of(w, k, target), .since_ms = since_ms});
}

void alert_keep(struct work *w, enum alert_kind k, const char *target)
{
    stamp(w, k, target, alert_since(w, k, target));
}

void alert_raise(struct work *w, enum alert_kind k, const char *target, const char *what, const char *remedy)
{
    alert_raise_after(w, k, target, 0, what, remedy);
}

void alert_raise_after(struct work *w, enum alert_kind k, const char *target, int64_t for_ms, const char *what, const char *remedy)
{
    int64_t since = alert_since(w, k, target);
    stamp(w, k, target, since);
    if (w->s->now_ms - since >= for_ms)
        add(w, k, target, since, what, remedy);
}

void alert_raise_since(struct work *w, enum alert_kind k, const char *target, int64_t since_ms, const char *what, const char *remedy)
{
    add(w, k, target, i64_min(since_ms, w->s->now_ms), what, remedy);
}

static int by_id(const void *a, const void *b)
{
    const struct alert *x = a, *y = b;
    int order = strcmp(x->id, y->id);
    return order ? order : strcmp(x->target, y->target);
}

void alert_sort(struct work *w)
{
    if (w->plan->alert_count > 1)
        qsort(w->plan->alerts, w->plan->alert_count, sizeof *w->plan->alerts, by_id);
}
