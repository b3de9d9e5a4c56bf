#include "planner/scale_in.h"

#include <assert.h>
#include <string.h>

#include "planner/ahead.h"
#include "planner/budget.h"
#include "planner/confirm.h"
#include "planner/consolidate.h"
#include "planner/demand.h"
#include "planner/drain.h"
#include "planner/explain.h"
#include "planner/fallback.h"
#include "planner/groups.h"
#include "planner/modes.h"
#include "planner/on_demand.h"
#include "planner/packing.h"
#include "planner/placement.h"
#include "planner/risk.h"
#include "planner/scale_in_rules.h"
#include "planner/service_hold.h"
#include "planner/use.h"

#define DRAINS_MAX 50                       // L4
#define EMPTY_PERCENT 30                    // L4, for instances without tasks
#define SHRINK_WINDOW_MS (10 * 60 * 1000)   // L7

// ---- all drains together --------------------------------------------------------------------------------------------------
struct tally {
    int32_t members;                // ACTIVE and DRAINING of our fleets
    int32_t drains, recent;         // now; begun in the last 10 min
    int32_t by_reason[BUDGET_REASON_COUNT];  // of the drains
    int32_t *zone_drains, *zone_members;
    bool *zone_live;                // some instance is there, if a leaving one
    int64_t *fleet_keep_milli;      // less all our drains
};

static struct tally count_all(struct work *w)
{
    struct tally t = {.zone_drains = arena_array(w->a, int32_t, (size_t)w->zone_count + 1),
                      .zone_members = arena_array(w->a, int32_t, (size_t)w->zone_count + 1),
                      .zone_live = arena_array(w->a, bool, (size_t)w->zone_count + 1),
                      .fleet_keep_milli = arena_array(w->a, int64_t, w->s->fleet_count + 1)};
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        const struct work_instance *y = &w->inst[i];
        bool drains = work_drains(w, (int)i) && !y->planned_undo;
        if (x->fleet < 0 || !y->live)
            continue;
        t.members += x->ecs == ECS_ACTIVE || x->ecs == ECS_DRAINING;
        t.drains += drains;
        t.by_reason[BUDGET_ANY] += drains;
        if (drains)
            t.by_reason[drain_was_empty(work_drain(w, (int)i)) ? BUDGET_EMPTY : BUDGET_TASKS]++;
        if (y->zone >= 0) {
            t.zone_drains[y->zone] += drains;
            t.zone_members[y->zone] += !drains && y->role != ROLE_LEAVING;
            t.zone_live[y->zone] = true;
        }
        if (!drains && x->notice_ms == 0)
            t.fleet_keep_milli[x->fleet] += x->weight_milli;
    }
    for (size_t k = 0; k < w->memo->drain_count; k++) {
        const struct memo_drain *d = &w->memo->drains[k];
        bool counts = d->state != DRAIN_UNDOING && d->state != DRAIN_UNDONE;
        t.recent += counts && w->s->now_ms - d->since_ms <= SHRINK_WINDOW_MS;
    }
    return t;
}

static int64_t limit_of(int64_t n, int64_t percent, int64_t most)
{
    return i64_min(i64_max(n * percent / 100, 1), most);
}

// `idle`: empty for so long that what leaves in 10 min does not count it (L7).
static const char *drains_hold(struct work *w, const struct tally *t, int i, bool empty, bool idle)
{
    int64_t limit = limit_of(t->members, empty ? i64_max(EMPTY_PERCENT, w->p->drain_percent) : w->p->drain_percent, DRAINS_MAX);
    if (t->drains >= limit)
        return explain_text(w, "%d drain%s, limit %" PRId64 " at once%s", t->drains, t->drains == 1 ? "" : "s", limit,
                            empty ? "" : " with tasks");
    const char *budget = budget_hold(w, t->by_reason, t->members, empty);
    if (budget)
        return budget;
    int zone = w->inst[i].zone;
    if (zone >= 0 && w->zone_count > 1 && t->zone_drains[zone] >= i64_max(1, (limit + 1) / 2))
        return explain_text(w, "%d drains in %s, limit %" PRId64, t->zone_drains[zone], w->zones[zone],
                            i64_max(1, (limit + 1) / 2));
    int64_t shrink = limit_of(t->members + t->recent - t->drains, w->p->shrink_percent, INT32_MAX);
    if (!idle && t->recent >= shrink)
        return explain_text(w, "%d drains begun in 10 min, limit %" PRId64, t->recent, shrink);
    return NULL;
}

// V33: the difference between zones stays what it was, or 1. The fullest zone where it would not; 0 where it may go.
static int32_t fullest_zone(const struct work *w, const struct tally *t, const int32_t *members, int zone)
{
    int32_t most = 0, least = INT32_MAX, here = t->zone_members[zone] - 1;
    for (int z = 0; z < w->zone_count; z++) {
        if (!t->zone_live[z])
            continue;  // of instances that have ended
        most = members[z] > most ? members[z] : most;
        least = members[z] < least ? members[z] : least;
    }
    return here >= least || most - here <= 1 ? 0 : most;
}

static const char *balance_hold(struct work *w, const struct tally *t, int i)
{
    int zone = w->inst[i].zone;
    int32_t most = zone < 0 || w->zone_count < 2 ? 0 : fullest_zone(w, t, t->zone_members, zone);
    return most == 0 ? NULL : explain_text(w, "%d instances in %s, %d in the fullest zone", t->zone_members[zone], w->zones[zone], most);
}

// Its zone can spare it only when the drains of this tick in other zones take place, whose calls may fail.
static bool leans_on_drains(const struct work *w, const struct tally *t, const int32_t *members_before, int i)
{
    return w->inst[i].zone >= 0 && w->zone_count > 1 && fullest_zone(w, t, members_before, w->inst[i].zone) > 0;
}

static const char *fleet_hold(struct work *w, const struct tally *t, int i)
{
    const struct instance *x = &w->s->instances[i];
    const struct work_fleet *y = &w->fleet[x->fleet];
    int64_t keep_milli = t->fleet_keep_milli[x->fleet] - x->weight_milli, keep = keep_milli / 1000;
    if (keep < y->policy->min && !y->loose)
        return explain_text(w, "%" PRId64 " would stay of min %" PRId64 " in %s", keep, y->policy->min, w->s->fleets[x->fleet].id);
    return on_demand_hold(w, i, keep_milli);
}

static void take_part(struct work *w, struct tally *t, int i, int sign)
{
    const struct instance *x = &w->s->instances[i];
    for (size_t k = 0; k < x->holding_count; k++)
        if (x->holdings[k].service >= 0)
            w->svc[x->holdings[k].service].moving += sign * (x->holdings[k].running + x->holdings[k].pending);
    t->drains += sign;
    t->by_reason[BUDGET_ANY] += sign;
    t->by_reason[w->inst[i].tasks == 0 ? BUDGET_EMPTY : BUDGET_TASKS] += sign;
    t->recent += sign;
    if (w->inst[i].zone >= 0) {
        t->zone_drains[w->inst[i].zone] += sign;
        t->zone_members[w->inst[i].zone] -= sign;
    }
    t->fleet_keep_milli[x->fleet] -= sign * x->weight_milli;
    on_demand_take(w, i, sign);
    assert(t->drains >= 0);
    assert(t->fleet_keep_milli[x->fleet] >= 0);
}

// ---- candidates -----------------------------------------------------------------------------------------------------------
struct candidate {
    int i;
    int rank;            // those at risk first; then by the role of the fleet: burst shrinks first, base last
    bool idle;           // without tasks for SHRINK_WINDOW_MS
    bool risk, warned;   // warned: by AWS, so that its zone is no reason to stay
    int32_t tasks;
    double saved;        // money an hour, or size where some price is not known
    int64_t since_ms;    // proven since, INT64_MAX when not yet
    int32_t zone_members;
};

// Fewest tasks moved for what is saved, and the dearest of those without: what is kept is to be the cheapest.
static int by_merit(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank - y->rank;
    if ((x->tasks == 0) != (y->tasks == 0))
        return x->tasks == 0 ? -1 : 1;
    double moved = x->tasks * y->saved - y->tasks * x->saved;
    if (moved != 0)
        return moved < 0 ? -1 : 1;
    if (x->saved != y->saved)
        return x->saved > y->saved ? -1 : 1;
    if (x->since_ms != y->since_ms)
        return x->since_ms < y->since_ms ? -1 : 1;
    if (x->zone_members != y->zone_members)
        return y->zone_members - x->zone_members;
    return x->i - y->i;
}

static const int SHRINKS[FLEET_ROLE_COUNT] = {[FLEET_ROLE_BURST] = 0, [FLEET_ROLE_SPOT] = 1, [FLEET_ROLE_BATCH] = 1, [FLEET_ROLE_BASE] = 2};

static int64_t empty_since_ms(struct work *w, const char *id)
{
    const struct memo_stamp *was = work_old_stamp(w, STAMP_EMPTY, id);
    int64_t since_ms = was ? i64_min(was->since_ms, w->s->now_ms) : w->s->now_ms;
    work_stamp_set(w, (struct memo_stamp){STAMP_EMPTY, id, since_ms, 0, 0, 0});
    return since_ms;
}

static struct candidate candidate_of(struct work *w, const struct tally *t, int i)
{
    const struct instance *x = &w->s->instances[i];
    const struct memo_stamp *s = work_old_stamp(w, STAMP_UNNEEDED, x->id);
    int32_t tasks = w->inst[i].tasks;
    int risk = risk_order(w, i);
    return (struct candidate){.i = i,
                              .risk = risk > 0, .warned = risk > 0 && (x->rebalance_ms > 0 || x->event_ms > 0),
                              .rank = risk > 0 ? risk - 1000000 : w->fleet[x->fleet].loose ? -1 : SHRINKS[w->fleet[x->fleet].policy->role],
                              .tasks = tasks,
                              .idle = tasks == 0 && w->s->now_ms - empty_since_ms(w, x->id) >= SHRINK_WINDOW_MS,
                              .since_ms = s && s->since_ms <= w->s->now_ms ? s->since_ms : INT64_MAX,
                              .zone_members = w->inst[i].zone < 0 ? 0 : t->zone_members[w->inst[i].zone]};
}

static void weigh(const struct work *w, struct candidate *v, size_t n)
{
    bool priced = true;
    for (size_t k = 0; k < n; k++)
        priced = priced && work_price(w, v[k].i).micro > 0;
    for (size_t k = 0; k < n; k++)
        v[k].saved = priced ? (double)work_price(w, v[k].i).micro : res_share(w->s->instances[v[k].i].registered, w->reference);
}

// `ret_zone`: the balance of zones alone holds it.
static const char *first_hold(struct work *w, const struct tally *t, const struct candidate *c, bool *ret_zone)
{
    // L18: spot that is given back in a drought does not come again. What is at risk is not kept by keeping it.
    const char *why = c->risk ? NULL : w->s->instances[c->i].spot ? fallback_hold(w) : fallback_keep(w, w->s->instances[c->i].fleet);
    why = why ? why : drains_hold(w, t, c->i, c->tasks == 0, c->idle);
    why = why ? why : fleet_hold(w, t, c->i);
    const char *zone = why || c->warned ? NULL : balance_hold(w, t, c->i);
    why = why ? why : service_hold(w, c->i);
    *ret_zone = zone && !why;
    return zone ? zone : why;
}

static const char *fit_fact(struct work *w, const struct candidate *c)
{
    int32_t tasks = c->tasks;
    if (c->risk)
        return explain_text(w, "%s, its %d task%s elsewhere", risk_fact(w, c->i), tasks, tasks == 1 ? " fits" : "s fit");
    return tasks == 0 ? "no tasks, not needed for headroom"
                      : explain_text(w, "its %d task%s elsewhere, headroom kept", tasks, tasks == 1 ? " fits" : "s fit");
}

// L2: proven in two ticks and for the policy's time; where that is none, once.
static bool is_due(const struct work *w, const struct candidate *c)
{
    return w->p->unneeded_ms == 0 || (c->since_ms < w->s->now_ms && w->s->now_ms - c->since_ms >= w->p->unneeded_ms);
}

// Returns the hold of L2, NULL when it is due.
static const char *unneeded_hold(struct work *w, const struct candidate *c)
{
    const char *id = w->s->instances[c->i].id;
    int64_t since = i64_min(c->since_ms, w->s->now_ms);
    work_stamp_set(w, (struct memo_stamp){STAMP_UNNEEDED, id, since, 0, 0, 0});
    if (is_due(w, c))
        return NULL;
    return explain_text(w, "%s; unneeded for %s of %s", fit_fact(w, c), explain_duration(w, w->s->now_ms - since),
                        explain_duration(w, w->p->unneeded_ms));
}

struct chosen {
    const struct candidate **v;
    size_t n;
    int64_t looks;  // candidates held by an interlock whose time is still counted
    int *stay;      // that only a replacement lets go
    size_t stays;
};

static void try_candidate(struct work *w, struct tally *t, struct pass *base, const struct candidate *c, struct chosen *ret)
{
    bool zone;
    const char *why = first_hold(w, t, c, &zone);
    if (why) {
        // On-demand that its zone cannot spare goes when spot has come in its place, which may be there.
        if (zone && c->tasks > 0 && !c->risk && !w->s->instances[c->i].spot)
            ret->stay[ret->stays++] = c->i;
        // What an interlock holds is no less unneeded: its time goes on.
        if (!c->risk && ret->looks-- > 0 && packing_moves_off(w, base, c->i, false))
            (void)unneeded_hold(w, c);
        explain_judge(w, c->i, VERDICT_HOLD, why, "hold");
    } else if (packing_moves_off(w, base, c->i, true)) {
        take_part(w, t, c->i, 1);
        ret->v[ret->n++] = c;
    } else if (c->risk) {
        explain_judge(w, c->i, VERDICT_HOLD, risk_fact(w, c->i), "drain when its replacement is ACTIVE");
    } else {
        ret->stay[ret->stays] = c->i;
        ret->stays += c->tasks > 0;
        explain_judge(w, c->i, VERDICT_KEEP,
                      c->tasks == 0 ? "needed for headroom"
                                    : explain_text(w, "its %d task%s and headroom fit nowhere else", c->tasks,
                                                   c->tasks == 1 ? "" : "s"),
                      "keep");
    }
}

// The chosen ones are packed by first fit; ECS places otherwise. So all of them together are assessed as the next tick will see
// them, and the last ones are given up until that holds: a drain begun now is not undone then.
static size_t prove_chosen(struct work *w, const struct pass *base, const struct chosen *x)
{
    struct pass after;
    size_t n = x->n;
    for (size_t k = 0; k < x->n; k++)
        w->inst[x->v[k]->i].planned_drain = true;
    while (n > 0 && !packing_proves(w, base, &after)) {
        size_t fewer = n / 2;
        for (size_t k = fewer; k < n; k++)
            w->inst[x->v[k]->i].planned_drain = false;
        n = fewer;
    }
    return n;
}

// Those that go so far go by this view too, or say why not. What is at risk is not kept by keeping it.
static const char *const *prove_again(struct work *w, const struct chosen *x, size_t proven, const char *const *so_far)
{
    int *instances = arena_array(w->a, int, proven + 1), *places = arena_array(w->a, int, proven + 1);
    const char **ret = arena_array(w->a, const char *, x->n + 1), **whys = arena_array(w->a, const char *, proven + 1);
    size_t n = 0;
    for (size_t k = 0; k < proven; k++) {
        ret[k] = so_far[k];
        places[n] = (int)k;
        instances[n] = x->v[k]->i;
        n += !so_far[k] && !x->v[k]->risk;
    }
    use_prove(w, instances, n, whys);
    for (size_t k = 0; k < n; k++)
        ret[places[k]] = whys[k];
    return ret;
}

static const char *place_hold(struct work *w, const struct tally *t, const struct candidate *c)
{
    const char *why = c->warned ? NULL : balance_hold(w, t, c->i);
    return why ? why : groups_refuse(w, c->i);
}

// Which of those that go so far would go if no more were known, zones weighed by these: no other may go (V12). Says what holds those whose time has come
// and that would not.
static const char *const *weigh_zones(struct work *w, struct tally *t, const struct chosen *x, size_t proven, const char *const *so_far)
{
    const char **why = arena_array(w->a, const char *, x->n + 1);
    for (size_t k = 0; k < proven; k++) {
        const struct candidate *c = x->v[k];
        bool due = !so_far[k] && (c->risk || is_due(w, c));
        why[k] = due ? place_hold(w, t, c) : so_far[k];
        w->inst[c->i].planned_drain = due && !why[k];
        if (w->inst[c->i].planned_drain)
            take_part(w, t, c->i, 1);
    }
    for (size_t k = 0; k < proven; k++) {
        if (w->inst[x->v[k]->i].planned_drain)
            take_part(w, t, x->v[k]->i, -1);
        w->inst[x->v[k]->i].planned_drain = false;
    }
    return why;
}

// Three proofs, each of those that go by the one before: by what is reserved (the chosen), by what is used, beside what is foreseen. Zones are weighed anew by
// those that go: one that is not due stays.
static void judge_chosen(struct work *w, struct tally *t, const struct chosen *x, size_t proven)
{
    const char **none = arena_array(w->a, const char *, x->n + 1), **so_far = arena_array(w->a, const char *, x->n + 1);
    w->ahead.off = true;
    const char *const *by_use = prove_again(w, x, proven, none);
    w->ahead.off = false;
    const char *const *again = prove_again(w, x, proven, by_use);
    for (size_t k = 0; k < x->n; k++) {
        take_part(w, t, x->v[k]->i, -1);
        w->inst[x->v[k]->i].planned_drain = false;
    }
    const char *const *zones = weigh_zones(w, t, x, proven, none);
    for (size_t k = 0; k < proven; k++)
        so_far[k] = by_use[k] ? by_use[k] : zones[k];
    zones = weigh_zones(w, t, x, proven, so_far);
    int32_t *members_before = arena_array(w->a, int32_t, (size_t)w->zone_count + 1);
    memcpy(members_before, t->zone_members, (size_t)w->zone_count * sizeof *members_before);
    for (size_t k = 0; k < x->n; k++) {
        const struct candidate *c = x->v[k];
        if (k >= proven) {
            explain_judge(w, c->i, VERDICT_HOLD, "its tasks fit elsewhere, but not as ECS would place them", "hold");
            continue;
        }
        const char *why = c->risk ? NULL : again[k] ? again[k] : unneeded_hold(w, c);
        why = why ? why : zones[k] ? zones[k] : place_hold(w, t, c);
        bool leans = !c->warned && leans_on_drains(w, t, members_before, c->i);
        w->inst[c->i].planned_drain = why == NULL;
        if (!why)
            take_part(w, t, c->i, 1);
        if (why)
            explain_judge(w, c->i, VERDICT_HOLD, why, "hold");
        else
            drain_begin(w, c->i, leans, fit_fact(w, c), "drain");
    }
    work_roles(w);
}

static void try_all(struct work *w, struct candidate *v, size_t n, struct tally *t)
{
    struct chosen chosen = {.v = arena_array(w->a, const struct candidate *, n + 1), .looks = DRAINS_MAX, .stay = arena_array(w->a, int, n + 1)};
    const struct pass_options o = {.all_movable = true, .now_only = true};
    struct pass base, before;
    w->ahead.off = true;  // V12: forecast and calendar only hold, in the second proof
    placement_pass(w, o, &base);
    before = base;
    for (size_t k = 0; k < n; k++) {
        if (before.unplaced > 0)
            explain_judge(w, v[k].i, VERDICT_HOLD, "tasks of drains and headroom take all room that is there", "hold");
        else
            try_candidate(w, t, &base, &v[k], &chosen);
    }
    size_t proven = prove_chosen(w, &before, &chosen);
    assert(proven <= chosen.n);
    w->ahead.off = false;
    judge_chosen(w, t, &chosen, proven);
    if (chosen.n > 0 || t->drains > 0 || w->risk.count > 0)
        return;
    struct use_view view = {.on = false};
    if (ahead_keeps(w))
        placement_pass(w, o, &before);
    if (before.unplaced == 0)
        consolidate_find(w, use_view_begin(&view, w, &before, o), chosen.stay, chosen.stays);
    use_view_end(&view, w);
}

// What the policy would remove in all, limits of pace left out (L14). True when it waits for a person: all are judged then.
static bool measure(struct work *w, const struct candidate *v, size_t n, const struct tally *t)
{
    struct pass base;
    int64_t removable = 0;
    w->ahead.off = true;
    placement_pass(w, (struct pass_options){.all_movable = true, .now_only = true}, &base);
    for (size_t k = 0; k < n && base.unplaced == 0; k++)
        removable += packing_moves_off(w, &base, v[k].i, true);
    w->ahead.off = false;
    confirm_measured(w, removable, t->members);
    const char *hold = confirm_hold(w);
    for (size_t k = 0; k < n && hold; k++)
        explain_judge(w, v[k].i, VERDICT_HOLD, hold, "scale-in is held");
    return hold != NULL;
}

void scale_in(struct work *w)
{
    struct tally t = count_all(w);
    struct candidate *v = arena_array(w->a, struct candidate, w->s->instance_count + 1);
    size_t n = 0;
    const char *hold = scale_in_hold(w);
    hold = hold ? hold : confirm_hold(w);
    hold = hold ? hold : use_hold(w);
    hold = hold ? hold : risk_first(w);
    const char *risk_why = scale_in_risk_waiting(w);
    service_hold_count(w);
    on_demand_count(w);
    scale_in_ask_fleets(w);
    for (size_t i = 0; i < w->s->instance_count; i++) {
        if (w->inst[i].judged || scale_in_spares(w, (int)i))
            continue;
        const char *why = risk_order(w, (int)i) > 0 ? risk_why : hold;
        if (why)
            explain_judge(w, (int)i, VERDICT_HOLD, why, "scale-in is held");
        else
            v[n++] = candidate_of(w, &t, (int)i);
    }
    weigh(w, v, n);
    if (n > 1)
        qsort(v, n, sizeof *v, by_merit);
    if (!hold && confirm_asks(w) && measure(w, v, n, &t))
        return;
    if (n > 0)
        try_all(w, v, n, &t);
}
