// V1, V2, V5 to V8, V24, V25: what is drained, what is ended, what is undone.
#include <string.h>

#include "planner/sim/invariants_internal.h"

#define SHRINK_MS (10 * 60000)
#define TOLD_MS 20000  // the poll of spot requests is every 15 s

static bool marked(const struct world_instance *i)
{
    return world_tag_value(i->tags, i->tag_count, INV_MARK) != NULL;
}

// Why the instance may not be drained by the facts of that moment; NULL: it may.
static const char *untouchable(const struct world_view *v, int n, int64_t at_ms)
{
    const struct world_instance *i = &v->instances[n];
    if (world_tag_value(i->tags, i->tag_count, INV_KEEP))
        return "it carries masu:keep";
    for (int k = i->first_task; k >= 0; k = v->tasks[k].next_of_instance) {
        const struct world_task *t = &v->tasks[k];
        if (t->service >= 0 && v->services[t->service].daemon)
            continue;
        bool alive = t->used && t->created_ms <= at_ms && (t->stopped_ms == 0 || t->stopped_ms > at_ms);
        if (alive && t->service < 0)
            return "a standalone task runs there";
        if (!moment_wanted(t, at_ms))
            continue;
        if (t->protected_until_ms > at_ms && t->protected_since_ms <= at_ms)
            return "a protected task runs there";
        if (moment_in_deployment(&v->services[t->service], at_ms))
            return "a task of a service in deployment runs there";
        if (!moment_movable(v, t->service, at_ms))
            return "a task runs there whose service can neither start nor stop one";
    }
    return NULL;
}

static void judge_place(struct invariants *inv, const struct world_view *v, int n)
{
    const char *why = NULL;
    for (int k = 0; inv_moments(inv, v->now_ms, k) >= 0; k++) {
        const char *now_why = untouchable(v, n, inv_moments(inv, v->now_ms, k));
        if (!now_why)
            return;
        why = why ? why : now_why;
    }
    inv_tell(inv, V5, "drain of %s: %s", v->instances[n].id, why);
}

static void judge_packing(struct invariants *inv, const struct world_view *v, int n)
{
    char why[160] = "", first[160] = "";
    struct arena a;
    arena_init(&a, 0);
    bool fits = false;
    for (int k = 0; !fits && inv_moments(inv, v->now_ms, k) >= 0; k++) {
        fits = pack_possible(inv->w, v, n, inv_moments(inv, v->now_ms, k), inv->o.headroom_permyriad, &a, why, sizeof why);
        if (k == 0)
            memcpy(first, why, sizeof first);
        arena_reset(&a);
    }
    if (!fits)
        inv_tell(inv, V7, "drain of %s: %s", v->instances[n].id, first);
    arena_release(&a);
}

static bool holds_movable(const struct world_view *v, int n)
{
    for (int t = v->instances[n].first_task; t >= 0; t = v->tasks[t].next_of_instance)
        if (inv_alive_nondaemon(v, &v->tasks[t]))
            return true;
    return false;
}

// L4: so many at once; empty ones three times as many.
static void judge_number(struct invariants *inv, const struct world_view *v, int n)
{
    int64_t all = 0, full = holds_movable(v, n), empty = !full;
    for (int k = 0; k < v->instance_count; k++) {
        const struct world_instance *i = &v->instances[k];
        if (!i->used || i->cluster != v->instances[n].cluster || (i->status.now != WE_ACTIVE && i->status.now != WE_DRAINING))
            continue;
        all++;
        if (k == n || !inv_drained_by_ours(i) || i->notice_ms > 0)
            continue;
        *(holds_movable(v, k) ? &full : &empty) += 1;
    }
    int64_t limit = (all * inv->o.drain_percent + 99) / 100, wide = (all * 30 + 99) / 100;
    limit = limit < 1 ? 1 : limit > 50 ? 50 : limit;
    wide = wide < limit ? limit : wide;
    if (full > limit || full + empty > wide)
        inv_tell(inv, V8, "drain of %s: %" PRId64 " with tasks and %" PRId64 " empty of %" PRId64 " at once", v->instances[n].id, full, empty, all);
}

// Tasks of the service on the instance that it wanted at that moment.
static int64_t held_by(const struct world_view *v, int n, int service, int64_t at_ms)
{
    int64_t sum = 0;
    for (int t = v->instances[n].first_task; t >= 0; t = v->tasks[t].next_of_instance)
        sum += v->tasks[t].service == service && moment_wanted(&v->tasks[t], at_ms);
    return sum;
}

// L5: how much of a service moves. One instance may hold more of one that never runs below its desired count.
static bool moves_too_much(const struct invariants *inv, const struct world_view *v, int n, int service, int64_t at_ms, int64_t *ret_moving, int64_t *ret_share)
{
    int64_t here = held_by(v, n, service, at_ms), share = moment_desired(&v->services[service], at_ms) * inv->o.service_percent / 100;
    *ret_moving = here;
    *ret_share = (share > 1 ? share : 1) * (inv->apart ? 2 : 1);
    for (int k = 0; k < v->instance_count && here > 0; k++)
        if (k != n && inv_drained_by_ours(&v->instances[k]) && inv->instances[k].voluntary && v->instances[k].notice_ms == 0)
            *ret_moving += held_by(v, k, service, at_ms);
    return *ret_moving > *ret_share && (*ret_moving > here || v->services[service].min_percent < 100);
}

static void judge_services(struct invariants *inv, const struct world_view *v, int n)
{
    for (int s = 0; s < v->service_count; s++) {
        int64_t moving = 0, share = 0;
        bool ever = v->services[s].daemon || v->services[s].cluster != v->instances[n].cluster;
        for (int k = 0; !ever && inv_moments(inv, v->now_ms, k) >= 0; k++)
            ever = !moves_too_much(inv, v, n, s, inv_moments(inv, v->now_ms, k), &moving, &share);
        if (!ever)
            inv_tell(inv, V8, "drain of %s: %" PRId64 " tasks of %s would move, limit %" PRId64, v->instances[n].id, moving, v->services[s].name, share);
    }
}

// L7: how much of the cluster went in ten minutes, by when the plans were made, not their calls; what is empty is exempt.
static void judge_shrinking(struct invariants *inv, const struct world_view *v, int n)
{
    int64_t all = 0, recent = 0;
    if (!holds_movable(v, n))
        return;
    for (int k = 0; k < v->instance_count; k++) {
        const struct world_instance *i = &v->instances[k];
        const struct inv_instance *x = &inv->instances[k];
        if (!i->used || i->cluster != v->instances[n].cluster)
            continue;
        bool begun = x->serial == i->serial && x->draining_ms > v->now_ms - SHRINK_MS + inv->o.facts_age_ms && x->voluntary;
        all += i->status.now == WE_ACTIVE || i->status.now == WE_DRAINING || begun;
        recent += k != n && begun;
    }
    int64_t limit = all * inv->o.shrink_percent / 100;
    if (recent >= (limit > 1 ? limit : 1))
        inv_tell(inv, V8, "drain of %s: %" PRId64 " of %" PRId64 " went in the last 10 min", v->instances[n].id, recent, all);
}

// Who reads notices cannot know of one before it was told, nor call back what was sent then; after TOLD_MS the poll of spot requests has shown
// it, whatever became of the event.
static bool notice_is_told(struct invariants *inv, const struct world_view *v, int n)
{
    const struct world_instance *i = &v->instances[n];
    int64_t told_ms = inv_of(inv, v, n)->noticed_ms;
    return i->notice_ms > 0 && (inv->o.notice_ms == 0 || (told_ms > 0 && v->now_ms >= told_ms + inv->o.under_way_ms) || v->now_ms - i->notice_ms > TOLD_MS);
}

static void judge_undo(struct invariants *inv, const struct world_view *v, int n)
{
    const struct world_instance *i = &v->instances[n];
    bool doomed = notice_is_told(inv, v, n);
    if (i->status.now != WE_DRAINING)
        return;
    if (i->drained_by != WORLD_OURS || !marked(i))
        inv_tell(inv, V25, "undo of %s: the drain is not ours", i->id);
    else if (doomed || i->rebalance_ms > 0 || i->event)
        inv_tell(inv, V25, "undo of %s: it is %s", i->id, doomed ? "doomed" : "at risk");
    else if (i->state.now > WL_RUNNING)
        inv_tell(inv, V25, "undo of %s: it is being terminated", i->id);
}

// A7, B2: its fleet ends with its instances within the half hour, or its group is being deleted.
static bool fleet_takes_it(const struct world_view *v, const struct world_instance *i)
{
    const struct world_fleet *f = i->fleet < 0 ? NULL : &v->fleets[i->fleet];
    return f && ((f->group >= 0 && v->groups[f->group].deleting) || (f->ends_with_expiration && f->valid_until_ms - v->now_ms <= 30 * 60000));
}

// D7: no more time is left until an event of EC2 than the slowest drain takes.
static bool event_is_due(const struct invariants *inv, const struct world_view *v, const struct world_instance *i)
{
    return i->event && v->now_ms >= i->event_ms - inv->o.drain_deadline_ms;
}

void inv_before_state(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    int n = c->instance;
    if (n < 0 || n >= v->instance_count || !v->instances[n].used)
        return;
    const struct world_instance *i = &v->instances[n];
    if (c->status == WE_ACTIVE) {
        judge_undo(inv, v, n);
        return;
    }
    if (i->status.now != WE_ACTIVE)
        return;
    struct inv_instance *x = inv_of(inv, v, n);
    x->marked_first = marked(i);
    bool group_ends = fleet_takes_it(v, i) || (i->member.state.now >= WM_TERMINATING && i->member.state.now <= WM_TERMINATING_PROCEED);
    x->voluntary = i->notice_ms == 0 && i->rebalance_ms == 0 && !group_ends && !event_is_due(inv, v, i);
    if (!x->voluntary)
        return;  // it ends by itself: judged only if a call of ours ends it
    if (!x->marked_first)
        inv_tell(inv, V2, "drain of %s: it is not marked", i->id);
    judge_place(inv, v, n);
    judge_packing(inv, v, n);
    judge_number(inv, v, n);
    judge_services(inv, v, n);
    judge_shrinking(inv, v, n);
    inv_judge_zones(inv, v, n);
    inv_before_write(inv, v, i->fleet, "drain of a member");
}

static void watch_services(struct invariants *inv, const struct world_view *v, int n)
{
    for (int t = v->instances[n].first_task; t >= 0; t = v->tasks[t].next_of_instance) {
        int s = v->tasks[t].service;
        if (s < 0 || v->services[s].daemon || inv->services[s].watched || v->tasks[t].last.now == WT_STOPPED)
            continue;
        // That a service grows in the moment of a drain is not among the facts which that goes by.
        int32_t desired = v->services[s].desired, known = (int32_t)moment_desired(&v->services[s], v->now_ms - inv->o.facts_age_ms);
        inv->services[s] = (struct inv_service){.watched = true, .since_ms = v->now_ms, .was = moment_healthy_count(v, s, v->now_ms),
                                                .desired = desired, .desired_least = known < desired ? known : desired};
    }
}

void inv_after_state(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    struct inv_instance *x = inv_of(inv, v, c->instance);
    if (c->status == WE_ACTIVE) {
        x->draining_ms = x->read_back_ms = x->empty_first_ms = x->empty_last_ms = x->empty_since_ms = x->asked_ms = 0;
        return;
    }
    if (c->actor != WORLD_OURS || x->draining_ms > 0 || !inv_drained_by_ours(&v->instances[c->instance]))
        return;
    x->draining_ms = v->now_ms;
    x->reported_ms = x->told_ms = 0;
    x->empty_since_ms = holds_movable(v, c->instance) ? 0 : v->now_ms;
    if (x->voluntary)
        watch_services(inv, v, c->instance);
}

void inv_before_tag(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    int n = c->instance;
    if (n < 0 || n >= v->instance_count || !v->instances[n].used || strcmp(c->key, INV_MARK))
        return;
    if (c->op == WOP_UNTAG && inv_drained_by_ours(&v->instances[n]) && v->instances[n].notice_ms == 0)
        inv_tell(inv, V24, "mark taken off %s while it drains: from now on nobody's", v->instances[n].id);
}

void inv_after_tag(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    if (c->instance < 0 || strcmp(c->key, INV_MARK))
        return;
    inv_of(inv, v, c->instance)->marked_ms = c->op == WOP_TAG && c->actor == WORLD_OURS ? v->now_ms : 0;
}

// What it knew when it asked is what counts: a hook of another may hold the end for long.
void inv_after_group_end(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    struct inv_instance *x = inv_of(inv, v, c->instance);
    x->asked_ms = v->now_ms;
    x->asked_look_ms = x->empty_last_ms;
}

void inv_read(struct invariants *inv, const struct world_view *v, int n, int kind)
{
    inv->reads_known = true;
    struct inv_instance *x = inv_of(inv, v, n);
    if (kind == WORLD_READ_STATE && x->registered_ms == 0)
        x->registered_ms = v->now_ms;
    if (x->draining_ms == 0)
        return;
    if (kind == WORLD_READ_STATE) {
        if (x->read_back_ms == 0)
            x->read_back_ms = v->now_ms;
        return;
    }
    if (holds_movable(v, n)) {
        x->empty_first_ms = x->empty_last_ms = 0;
    } else if (x->read_back_ms > 0) {
        x->empty_first_ms = x->empty_first_ms ? x->empty_first_ms : v->now_ms;
        x->empty_last_ms = v->now_ms;
    }
}

static void judge_looks(struct invariants *inv, const struct world_view *v, int n)
{
    const struct world_instance *i = &v->instances[n];
    const struct inv_instance *x = inv_of(inv, v, n);
    int64_t look_age_ms = x->asked_ms > 0 ? x->asked_ms - x->asked_look_ms : v->now_ms - x->empty_last_ms;
    if (i->status.now == WE_NONE)
        return;  // never registered: reaping has rules of its own (V9)
    if (x->draining_ms == 0 || i->status.now != WE_DRAINING)
        inv_tell(inv, V2, "end of %s: it was not drained by ours", i->id);
    else if (!x->marked_first)
        inv_tell(inv, V2, "end of %s: it was not marked before it was drained", i->id);
    else if (inv->reads_known && (x->read_back_ms == 0 || x->empty_first_ms == 0))
        inv_tell(inv, V2, "end of %s: %s", i->id, x->read_back_ms ? "no look saw it empty" : "DRAINING was never read back");
    else if (inv->reads_known && x->empty_last_ms - x->empty_first_ms < inv->o.empty_ms)
        inv_tell(inv, V2, "end of %s: seen empty for %" PRId64 " ms only", i->id, x->empty_last_ms - x->empty_first_ms);
    else if (inv->reads_known && look_age_ms > inv->o.facts_age_ms)
        inv_tell(inv, V2, "end of %s: the last look is %" PRId64 " ms old", i->id, look_age_ms);
    else if (!inv->reads_known && (x->empty_since_ms == 0 || v->now_ms - x->empty_since_ms < inv->o.empty_ms))
        inv_tell(inv, V2, "end of %s: not empty for long enough to be seen so twice", i->id);
}

void inv_ending(struct invariants *inv, const struct world_view *v, int n)
{
    const struct world_instance *i = &v->instances[n];
    bool by_call = i->end == WEND_BY_ID || i->end == WEND_FLEET_EXCESS || i->end == WEND_FLEET_CANCELLED || i->end == WEND_GROUP;
    if (i->ended_by != WORLD_OURS || !by_call)
        return;
    for (int k = i->first_task; k >= 0; k = v->tasks[k].next_of_instance) {
        const struct world_task *t = &v->tasks[k];
        if (!inv_alive_nondaemon(v, t))
            continue;
        bool just_placed = t->service < 0 && v->now_ms - t->created_ms < 2000;
        if (!just_placed) {
            inv_tell(inv, V1, "end of %s: task %.8s of %s is not STOPPED", i->id, t->id,
                     t->service >= 0 ? v->services[t->service].name : v->taskdefs[t->taskdef].family);
            break;
        }
    }
    if (i->end == WEND_BY_ID)
        judge_looks(inv, v, n);
    else
        inv_tell(inv, V3, "end of %s: chosen by AWS because of a call of ours", i->id);
}

// ---- V6 --------------------------------------------------------------------------------------------------------------------

static bool stopped_by_our_drain(struct invariants *inv, const struct world_view *v, const struct world_task *t)
{
    if (t->instance < 0)
        return false;
    const struct inv_instance *x = inv_of(inv, v, t->instance);
    return x->draining_ms > 0 && x->voluntary && x->draining_ms <= t->stopping_ms && v->instances[t->instance].notice_ms == 0 &&
           t->stopped_by == WORLD_ECS && t->stop_reason && strstr(t->stop_reason, "draining");  // and not because the service shrinks at that moment
}

static bool still_on_ours(struct invariants *inv, const struct world_view *v, int s)
{
    for (int t = v->services[s].first_task; t >= 0; t = v->tasks[t].next_of_service)
        if (v->tasks[t].last.now != WT_STOPPED && v->tasks[t].instance >= 0 && inv_of(inv, v, v->tasks[t].instance)->draining_ms > 0)
            return true;
    return false;
}

static int32_t i32_min(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

// Of the service's healthy tasks, those that stopped since the drain began: the last of ours, and how many for other reasons before
// it and from then on.
struct stops {
    int64_t ours_ms;  // 0 none
    int before, after;
};

static void note_stop(struct invariants *inv, const struct world_view *v, const struct world_task *t, bool last_of_ours, struct stops *c)
{
    if (t->stopping_ms < inv->services[t->service].since_ms || t->healthy_ms == 0 || t->healthy_ms > t->stopping_ms)
        return;
    bool ours = stopped_by_our_drain(inv, v, t);
    if (last_of_ours && ours && t->stopping_ms > c->ours_ms)
        c->ours_ms = t->stopping_ms;
    else if (!last_of_ours && !ours)
        *(t->stopping_ms < c->ours_ms ? &c->before : &c->after) += 1;
}

// Those that are STOPPED are on the service's list no more: `whole` looks for them among all tasks, too.
static struct stops count_stops(struct invariants *inv, const struct world_view *v, int s, bool whole)
{
    struct stops c = {0};
    for (int pass = 0; pass < 2; pass++) {
        for (int k = v->services[s].first_task; !whole && k >= 0; k = v->tasks[k].next_of_service)
            note_stop(inv, v, &v->tasks[k], pass == 0, &c);
        for (int k = 0; whole && k < v->task_count; k++)
            if (v->tasks[k].used && v->tasks[k].service == s)
                note_stop(inv, v, &v->tasks[k], pass == 0, &c);
    }
    return c;
}

// What others had taken before ours did is what it was; what they take later, be it a deployment that ECS lets go down to the
// minimum, a service that shrinks or AWS, is theirs.
static int64_t least_healthy(const struct inv_service *x, const struct stops *c, int32_t min_percent)
{
    int64_t desired = x->desired_least, tenth = desired / 10 > 1 ? desired / 10 : 1, was = x->was - c->before;
    int64_t by_percent = (desired * min_percent + 99) / 100, floor = desired - tenth > by_percent ? desired - tenth : by_percent;
    return (was < floor ? was : floor) - c->after;
}

static void judge_health(struct invariants *inv, const struct world_view *v, int s)
{
    struct inv_service *x = &inv->services[s];
    const struct world_service *w = &v->services[s];
    int healthy = moment_healthy_count(v, s, v->now_ms);
    x->desired_least = i32_min(w->desired, x->desired_least);
    struct stops c = count_stops(inv, v, s, false);
    if (healthy < least_healthy(x, &c, w->min_percent) || healthy + c.after == 0)
        c = count_stops(inv, v, s, true);
    int64_t least = least_healthy(x, &c, w->min_percent);
    bool none_left = healthy + c.after == 0 && x->was - c.before > 0 && w->desired > 0;
    if (c.ours_ms > 0 && !x->told && (healthy < least || none_left)) {
        inv_tell(inv, V6, "service %s: %d healthy of %d desired, %d of %d when the drain began %" PRId64 " s ago: it may leave %" PRId64, w->name,
                 healthy, w->desired, x->was, x->desired, (v->now_ms - x->since_ms) / 1000, least > 1 ? least : 1);
        x->told = true;
    }
    if (!still_on_ours(inv, v, s) && (healthy >= least || v->now_ms - x->since_ms > 1200000))
        x->watched = false;
}

void inv_drain_step(struct invariants *inv, const struct world_view *v)
{
    for (int s = 0; s < v->service_count; s++)
        if (inv->services[s].watched)
            judge_health(inv, v, s);
    for (int n = 0; n < v->instance_count; n++) {
        if (!inv_drained_by_ours(&v->instances[n]))
            continue;
        struct inv_instance *x = inv_of(inv, v, n);
        if (holds_movable(v, n))
            x->empty_since_ms = x->empty_first_ms = x->empty_last_ms = 0;
        else if (x->empty_since_ms == 0)
            x->empty_since_ms = v->now_ms;
    }
}

// ---- V24 -------------------------------------------------------------------------------------------------------------------

void inv_drain_slow(struct invariants *inv, const struct world_view *v)
{
    const int64_t grace_ms = 90000;
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (!i->used || i->state.now > WL_RUNNING || i->notice_ms > 0 || fleet_takes_it(v, i))
            continue;
        struct inv_instance *x = inv_of(inv, v, n);
        if (inv_drained_by_ours(i) && x->draining_ms > 0) {
            int64_t due_ms = x->draining_ms + inv->o.drain_deadline_ms;
            if (x->reported_ms > 0 && x->reported_ms + 3600000 > due_ms)
                due_ms = x->reported_ms + 3600000;
            if (v->now_ms > due_ms + grace_ms && x->told_ms < due_ms) {
                x->told_ms = v->now_ms;
                inv_tell(inv, V24, "drain of %s: %" PRId64 " s old, neither gone nor undone nor reported", i->id,
                         (v->now_ms - x->draining_ms) / 1000);
            }
        } else if (x->marked_ms > 0 && i->status.now == WE_ACTIVE && v->now_ms - x->marked_ms > 600000 &&
                   v->now_ms - i->status.changed_ms > 600000 && x->told_ms < x->marked_ms) {
            x->told_ms = v->now_ms;
            inv_tell(inv, V24, "%s is marked by ours and ACTIVE for more than 10 min", i->id);
        }
    }
}
