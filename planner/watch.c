#include "planner/watch.h"

#include <string.h>

#include "base/parse.h"
#include "planner/alert.h"
#include "planner/capacity_rebalance.h"
#include "planner/demand.h"
#include "planner/drain.h"
#include "planner/explain.h"

#define MINUTE_MS (60 * 1000LL)
#define UNPLACED_MS (5 * MINUTE_MS)    // F2
#define STALLED_MS (20 * MINUTE_MS)    // L11
#define MODIFYING_MS (10 * MINUTE_MS)  // A5
#define UNFULFILLED_MS (5 * MINUTE_MS)
#define ERROR_KEPT_MS (60 * MINUTE_MS)
#define EXPIRES_MS (7 * 24 * 60 * MINUTE_MS)  // A7
#define AWAY_MS (10 * MINUTE_MS)       // E4
#define DEPLOYMENT_MS (60 * MINUTE_MS) // C4
#define TASK_LONG_MS (24 * 60 * MINUTE_MS)  // C6
#define HELD_MS (10 * MINUTE_MS)       // a limit that caps for so long is worth a look
#define EACH_MAX 20                    // of one kind are named one by one

// ---- demand ---------------------------------------------------------------------------------------------------------------
static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

// What capacity cannot cure is told with the words of its verdict: the part after the semicolon is the remedy.
static void watch_incurable(struct work *w)
{
    for (size_t k = 0; k < w->plan->verdict_count; k++) {
        const struct verdict *v = &w->plan->verdicts[k];
        if (v->kind != CANDIDATE_SHAPE || v->code != VERDICT_NEVER_FITS || ends_with(v->target, " headroom"))
            continue;
        const char *remedy = strstr(v->verdict, "; ");
        alert_raise(w, ALERT_DEMAND_INCURABLE, v->target, v->fact, remedy ? remedy + 2 : NULL);
    }
}

// Tasks that have room, and ECS does not place them: one condition with two names, of which the worse is told.
static void watch_missing(struct work *w, const struct item *it, const char *name)
{
    const char *why, *event = w->s->services[it->service].last_event;
    if (it->missing == 0 || it->now < it->count)
        return;
    const char *tasks = explain_tasks(w, it->service, it->shape, it->missing);
    if (demand_incurable(w, it->service, &why)) {
        const char *shape = explain_text(w, "%s %s", name, work_shape(w, it->shape)->name);
        alert_raise(w, ALERT_DEMAND_INCURABLE, shape, explain_text(w, "%s: %s", tasks, why), NULL);
        return;
    }
    int64_t since = alert_since(w, ALERT_DEMAND_UNPLACED, name);
    const char *what = explain_text(w, "%s have room for %s and ECS has not placed them%s%s", tasks,
                                    explain_duration(w, w->s->now_ms - since), event[0] ? "; it says: " : "", event);
    if (w->s->now_ms - since < STALLED_MS) {
        alert_raise_after(w, ALERT_DEMAND_UNPLACED, name, UNPLACED_MS, what, NULL);
    } else {
        alert_keep(w, ALERT_DEMAND_UNPLACED, name);
        alert_raise_since(w, ALERT_DEMAND_STALLED, name, since, what, NULL);
    }
}

static void watch_items(struct work *w)
{
    for (size_t k = 0; k < w->now.item_count; k++) {
        const struct item *it = &w->now.items[k];
        if (it->headroom || it->service < 0 || it->shape < 0)
            continue;
        const char *name = explain_service(w, it->service);
        if (it->capped > 0)
            alert_raise(w, ALERT_DEMAND_CAPPED, name,
                        explain_text(w, "%s wait, and no fleet may grow for them",
                                     explain_tasks(w, it->service, it->shape, it->capped)),
                        NULL);
        if (it->held > 0 && !it->probing && !it->in_turn)
            alert_raise(w, ALERT_DEMAND_RUNAWAY, explain_text(w, "%s %s", name, work_shape(w, it->shape)->name),
                        explain_text(w, "%s: %s", explain_tasks(w, it->service, it->shape, it->held), it->hold), it->remedy);
        watch_missing(w, it, name);
    }
}

// ---- services -------------------------------------------------------------------------------------------------------------
static const struct deployment *primary_of(const struct service *s)
{
    return s->primary < 0 ? NULL : &s->deployments[s->primary];
}

static void watch_service(struct work *w, const struct service *s)
{
    if (!s->on_ec2) {
        if (s->desired > 0 && strstr(s->not_ours, "managed"))
            alert_raise(w, ALERT_SERVICE_MANAGED, s->name, explain_text(w, "%s: %s", s->name, s->not_ours), NULL);
        return;
    }
    bool starts = percent_floor(s->desired, i64_max(s->max_percent, 100)) > s->desired;
    bool stops = percent_ceil(s->desired, s->min_percent) < s->desired;
    if (s->kind == SERVICE_REPLICA && s->desired > 0 && !starts && !stops)
        alert_raise(w, ALERT_SERVICE_UNMOVABLE, s->name,
                    explain_text(w, "%s, desired %d at %d/%d %%, can neither start nor stop a task", s->name, s->desired,
                                 s->min_percent, s->max_percent),
                    NULL);
    int host = drain_only_host(w, (int)(s - w->s->services));
    if (host >= 0 && w->s->instances[host].spot && !drain_room_elsewhere(w, (int)(s - w->s->services), host))
        alert_raise(w, ALERT_SERVICE_ALONE, s->name,
                    explain_text(w, "All of %s, desired %d at %d %% minimum, runs on %s, which is spot, and there is room for it nowhere else", s->name,
                                 s->desired, s->min_percent, w->s->instances[host].id),
                    NULL);
    const struct deployment *d = primary_of(s);
    if (!work_in_deployment(s) || !d)
        return;
    const char *what = explain_text(w, "%s is in deployment: %d of %d tasks run, %d failed", s->name, d->running, d->desired, d->failed);
    if (d->created_ms <= 0)
        alert_raise_after(w, ALERT_DEPLOYMENT_STUCK, s->name, DEPLOYMENT_MS, what, NULL);
    else if (w->s->now_ms - d->created_ms >= DEPLOYMENT_MS)
        alert_raise_since(w, ALERT_DEPLOYMENT_STUCK, s->name, d->created_ms, what, NULL);
}

// ---- fleets ---------------------------------------------------------------------------------------------------------------
static void watch_life(struct work *w, const struct fleet *f)
{
    if (w->s->sources[SOURCE_FLEETS].state != SOURCE_OK)
        return;
    bool over = f->state == FLEET_CANCELLED_RUNNING || f->state == FLEET_CANCELLED_TERMINATING || f->state == FLEET_CANCELLED ||
                f->state == FLEET_FAILED;
    if (!f->found || over)
        alert_raise(w, ALERT_FLEET_GONE, f->id,
                    f->found ? explain_text(w, "The fleet is %s", fleet_state_name(f->state)) : "AWS does not know this fleet", NULL);
    if (f->state == FLEET_MODIFYING)
        alert_raise_after(w, ALERT_FLEET_MODIFYING, f->id, MODIFYING_MS,
                          explain_text(w, "The fleet is modifying since %s, target %" PRId64,
                                       explain_time(w, alert_since(w, ALERT_FLEET_MODIFYING, f->id)), f->target),
                          NULL);
    if (f->found && !over && f->valid_until_ms > 0 && f->valid_until_ms - w->s->now_ms < EXPIRES_MS)
        alert_raise(w, ALERT_FLEET_EXPIRES, f->id,
                    explain_text(w, "The fleet is valid until %s", explain_time(w, f->valid_until_ms)), NULL);
}

static void watch_fleet(struct work *w, int index)
{
    const struct fleet *f = &w->s->fleets[index];
    const struct work_fleet *y = &w->fleet[index];
    watch_life(w, f);
    if (f->last_error[0] && (f->last_error_ms == 0 || w->s->now_ms - f->last_error_ms < ERROR_KEPT_MS))
        alert_raise(w, ALERT_FLEET_ERROR, f->id, f->last_error, NULL);
    else if (f->no_launch)
        alert_raise(w, ALERT_FLEET_ERROR, f->id, "Launch is suspended in the group, by a person or by AWS after a day of failures", NULL);
    if (!y->closed && y->target * 1000 > y->live_milli)
        alert_raise_after(w, ALERT_FLEET_UNFULFILLED, f->id, UNFULFILLED_MS,
                          explain_text(w, "Target %" PRId64 ", members weigh %g", y->target, (double)y->live_milli / 1000), NULL);
    if (y->code == VERDICT_CAPPED && y->policy && y->allowed < y->policy->max)
        alert_raise_after(w, ALERT_FLEET_HELD, f->id, HELD_MS,
                          explain_text(w, "Target %" PRId64 " wanted, %" PRId64 " allowed: %s", y->wanted, y->allowed, y->fact), NULL);
    const char *hasty = y->closed ? NULL : capacity_rebalance_too_short(w, f);
    if (hasty)
        alert_raise(w, ALERT_FLEET_HASTY, f->id, hasty, NULL);
    if (f->foreign_scaling)
        alert_raise(w, ALERT_FLEET_FOREIGN, f->id,
                    explain_text(w, "%s scales it too; it is only read", f->foreign[0] ? f->foreign : "Another controller"), NULL);
    if (f->denied[0])
        alert_raise(w, ALERT_FLEET_DENIED, f->id, explain_text(w, "AWS denied us %s; no new drain begins there", f->denied), NULL);
}

// ---- instances ------------------------------------------------------------------------------------------------------------
static bool is_away(const struct work *w, size_t i)
{
    const struct instance *x = &w->s->instances[i];
    return w->inst[i].role == ROLE_UNREACHABLE && x->disconnected_since_ms > 0 &&
           w->s->now_ms - x->disconnected_since_ms >= AWAY_MS;
}

static void watch_away(struct work *w)
{
    int away = 0;
    for (size_t i = 0; i < w->s->instance_count; i++)
        away += is_away(w, i);
    if (away > EACH_MAX)
        alert_raise(w, ALERT_INSTANCE_AWAY, w->s->cluster,
                    explain_text(w, "The agents of %d instances are disconnected for 10 min or longer", away), NULL);
    for (size_t i = 0; i < w->s->instance_count && away <= EACH_MAX; i++)
        if (is_away(w, i))
            alert_raise_since(w, ALERT_INSTANCE_AWAY, w->s->instances[i].id, w->s->instances[i].disconnected_since_ms,
                              explain_text(w, "Its agent is disconnected since %s, %d tasks on it",
                                           explain_time(w, w->s->instances[i].disconnected_since_ms),
                                           w->inst[i].tasks),
                              NULL);
}

// Standalone tasks keep their instance as long as they run: that is right, and people should know what it costs.
static void watch_long_tasks(struct work *w)
{
    int told = 0;
    for (size_t i = 0; i < w->s->instance_count && told < EACH_MAX; i++) {
        const struct instance *x = &w->s->instances[i];
        int64_t oldest_ms = 0;
        int shape = -1;
        for (size_t k = 0; k < x->holding_count; k++) {
            const struct holding *h = &x->holdings[k];
            if (h->service >= 0 || h->running == 0 || h->oldest_ms == 0 || (oldest_ms > 0 && h->oldest_ms >= oldest_ms))
                continue;
            oldest_ms = h->oldest_ms;
            shape = h->shape;
        }
        if (oldest_ms == 0 || w->s->now_ms - oldest_ms < TASK_LONG_MS)
            continue;
        char usd[32];
        int64_t micro = work_price(w, (int)i).micro;
        told++;
        alert_raise_since(w, ALERT_TASK_LONG, x->id, oldest_ms + TASK_LONG_MS,
                          explain_text(w, "A task of %s, of no service, runs there for %s%s%s%s",
                                       work_shape(w, shape) ? work_shape(w, shape)->name : "an unknown definition",
                                       explain_duration(w, w->s->now_ms - oldest_ms), micro > 0 ? "; the instance costs " : "",
                                       micro > 0 ? format_usd(micro, usd) : "", micro > 0 ? "/h" : ""),
                          NULL);
    }
}

static void watch_drains(struct work *w)
{
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct memo_drain *d = work_drain(w, (int)i);
        if (!d || d->state > DRAIN_ENDING || w->inst[i].planned_undo || d->deadline_ms >= w->s->now_ms)
            continue;
        alert_raise_since(w, ALERT_DRAIN_STUCK, w->s->instances[i].id, d->deadline_ms, w->inst[i].verdict.fact, NULL);
    }
}

void watch_run(struct work *w)
{
    watch_incurable(w);
    watch_items(w);
    for (size_t k = 0; k < w->s->service_count; k++)
        watch_service(w, &w->s->services[k]);
    for (size_t f = 0; f < w->s->fleet_count; f++)
        watch_fleet(w, (int)f);
    watch_away(w);
    watch_long_tasks(w);
    watch_drains(w);
    alert_sort(w);
}
