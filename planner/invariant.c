#include "planner/invariant.h"

#include <assert.h>
#include <string.h>

#include "planner/drain.h"
#include "planner/modes.h"

static void check_mark(const struct work *w, const struct action *x)
{
    const struct instance *i = &w->s->instances[x->instance];
    assert(i->ecs == ECS_ACTIVE);
    assert(i->notice_ms == 0);
    assert(modes_may(w, x->fleet, DEED_DRAIN));
    assert(!w->no_removal);
    assert(strstr(x->value, "owner=" DRAIN_MARK_OWNER));
}

// A voluntary drain is of a fit member of an open fleet and comes after its mark; any other is of an interrupted instance.
static void check_drain(const struct work *w, const struct action *x)
{
    const struct instance *i = &w->s->instances[x->instance];
    assert(i->ecs == ECS_ACTIVE);
    if (x->value[0]) {
        assert(i->notice_ms > 0 || instance_group_ends(i));
        assert(x->recheck == RECHECK_NONE);
        return;
    }
    assert(i->notice_ms == 0);
    assert(x->recheck & RECHECK_PROTECTION);
    assert((x->recheck & RECHECK_TASKS) || i->rebalance_ms > 0);
    assert(x->after >= 0 || i->mark[0]);
    assert(x->after < 0 || w->plan->actions[x->after].kind == ACTION_MARK);
    assert(x->after < 0 || w->plan->actions[x->after].instance == x->instance);
    if (!w->inst[x->instance].planned_drain)
        return;  // sent again
    assert(i->fleet >= 0);
    assert(!w->fleet[i->fleet].closed || w->fleet[i->fleet].loose);
    assert(w->s->fleets[i->fleet].kind != FLEET_GROUP || w->fleet[i->fleet].loose || (x->recheck & RECHECK_GROUP));
    assert(!i->forbidden);
    assert(i->agent_connected);
    assert(i->tasks_known);
    for (size_t k = 0; k < i->holding_count; k++) {
        const struct holding *h = &i->holdings[k];
        assert(h->service >= 0 || h->running + h->pending + h->stopping == 0);
        assert(h->protected_ == 0 || work_is_daemon(w, h->service));
    }
}

static void check_undo(const struct work *w, const struct action *x)
{
    const struct instance *i = &w->s->instances[x->instance];
    assert(i->notice_ms == 0);
    assert(w->inst[x->instance].drain >= 0);
    assert(w->memo->drains[w->inst[x->instance].drain].state != DRAIN_ENDING);
    assert(w->memo->drains[w->inst[x->instance].drain].state != DRAIN_GONE);
}

static void check_target(const struct work *w, const struct action *x)
{
    const struct work_fleet *y = &w->fleet[x->fleet];
    assert(!y->closed);
    assert(w->s->fleets[x->fleet].state == FLEET_ACTIVE);
    assert(x->capacity != y->target || x->on_demand != w->s->fleets[x->fleet].on_demand_target);
    assert(x->target_before == w->s->fleets[x->fleet].target);
    if (x->capacity > y->target) {
        assert(!w->no_order);
        assert(x->capacity > w->s->fleets[x->fleet].target);
        assert(w->s->fleets[x->fleet].kind != FLEET_GROUP || (x->recheck & RECHECK_RAISE));  // A1
        assert(x->capacity <= i64_max(y->policy->max + y->doomed_milli / 1000, y->target));
        return;
    }
    assert(w->s->fleets[x->fleet].kind != FLEET_GROUP);  // B5
    if (x->capacity == y->target) {  // the on-demand part alone: it ends nothing
        assert(!w->no_order);
        assert(x->on_demand >= 0 && x->on_demand <= x->capacity);
        return;
    }
    // Lowered only to what the members that stay weigh, what is wanted beyond them, or the policy's min, or by the doomed; never on bad facts.
    assert(!w->no_removal);
    assert(!y->lagging);
    bool by_doomed = y->doomed_milli > 0 && x->capacity == y->target - y->doomed_milli / 1000;
    assert(by_doomed || x->capacity <= i64_max(i64_max((y->stay_milli + y->doomed_milli + y->od_short_milli) / 1000, y->need_target), y->policy->min));
    assert(x->recheck & RECHECK_FLEET_ACTIVE);
}

// V9: an orphan never was registered, as far as anybody saw, and ECS is asked for it once more.
static void check_orphan(const struct work *w, const struct action *x)
{
    const struct instance *i = &w->s->instances[x->instance];
    assert(!w->no_removal);
    assert(modes_may(w, x->fleet, DEED_REMOVE));
    assert(i->ecs == ECS_UNREGISTERED);
    assert(!i->ever_registered);
    assert(i->elsewhere[0] == '\0');
    assert(i->notice_ms == 0);
    assert(modes_aws_now_ms(w) - i->launched_ms > w->p->boot_limit_ms);
}

static void check_terminate(const struct work *w, const struct action *x)
{
    const struct instance *i = &w->s->instances[x->instance];
    if (x->recheck & RECHECK_UNREGISTERED) {
        check_orphan(w, x);
        return;
    }
    const struct memo_drain *d = &w->memo->drains[w->inst[x->instance].drain];
    assert(w->inst[x->instance].drain >= 0);
    assert(d->state == DRAIN_LOWERED || d->state == DRAIN_ENDING);
    assert(d->empty_first_ms > 0);
    assert(w->inst[x->instance].tasks == 0);
    assert(i->tasks_known);
    assert(!w->no_removal);
    assert(modes_may(w, x->fleet, DEED_REMOVE));
    assert((x->recheck & (RECHECK_EMPTY | RECHECK_DRAINING)) == (RECHECK_EMPTY | RECHECK_DRAINING));
}

static void check_end_member(const struct work *w, const struct action *x)
{
    const struct memo_drain *d = &w->memo->drains[w->inst[x->instance].drain];
    assert(w->s->fleets[x->fleet].kind == FLEET_GROUP);
    assert(w->inst[x->instance].drain >= 0);
    assert(d->state == DRAIN_EMPTY);
    assert(w->inst[x->instance].tasks == 0);
    assert(!w->no_removal);
    assert(modes_may(w, x->fleet, DEED_REMOVE));
    assert(x->recheck == (RECHECK_EMPTY | RECHECK_DRAINING | RECHECK_GROUP));
}

static void check_action(const struct work *w, const struct action *x)
{
    assert(x->fact[0]);
    assert(x->verdict[0]);
    switch (x->kind) {
    case ACTION_MARK:
        check_mark(w, x);
        break;
    case ACTION_DRAIN:
        check_drain(w, x);
        break;
    case ACTION_UNDRAIN:
        check_undo(w, x);
        break;
    case ACTION_SET_TARGET:
        check_target(w, x);
        break;
    case ACTION_TERMINATE:
        check_terminate(w, x);
        break;
    case ACTION_END_MEMBER:
        check_end_member(w, x);
        break;
    case ACTION_HEARTBEAT:
    case ACTION_COMPLETE:
        assert(x->instance >= 0 && x->value[0]);
        break;
    case ACTION_UNMARK:
        assert(x->instance >= 0);
        break;
    case ACTION_DEREGISTER:
        assert(x->instance >= 0);
        assert(!w->no_removal);
        assert(x->recheck & RECHECK_ENDED);
        break;
    case ACTION_CLAIM:
        assert(x->fleet >= 0);
        assert(x->recheck & RECHECK_OWNER);
        break;
    case ACTION_LAUNCH:  // made of a raise after this: launch.c
    case ACTION_COUNT:
        assert(false);
    }
}

void invariant_plan(struct work *w)
{
    const struct plan *p = w->plan;
    assert(w->p->mode != MODE_OBSERVE || p->action_count == 0);
    assert(w->mode.mode != PLAN_FREEZE || p->action_count == 0);
    for (size_t k = 0; k < p->action_count; k++) {
        check_action(w, &p->actions[k]);
        for (size_t n = 0; n < k; n++) {
            bool same = p->actions[n].kind == p->actions[k].kind && strcmp(p->actions[n].target, p->actions[k].target) == 0;
            assert(!same);
        }
    }
    for (size_t k = 0; k < p->demand_count; k++) {
        const struct demand *d = &p->demands[k];
        assert(d->missing >= 0 && d->leaving >= 0 && d->headroom >= 0);
        assert(d->fits + d->waits + d->ordered + d->never == d->missing + d->leaving + d->headroom);
    }
}

void invariant_memo(struct work *w)
{
    const struct memo *m = w->memo;
    for (size_t k = 0; k < m->drain_count; k++) {
        assert(m->drains[k].state < DRAIN_STATE_COUNT);
        assert(m->drains[k].state_since_ms <= w->s->now_ms);
        for (size_t n = 0; n < k; n++) {
            bool both_live = m->drains[k].state <= DRAIN_ENDING && m->drains[n].state <= DRAIN_ENDING;
            assert(!both_live || strcmp(m->drains[k].instance, m->drains[n].instance) != 0);
        }
    }
    for (size_t k = 0; k < m->stamp_count; k++)
        assert(m->stamps[k].since_ms <= i64_max(w->s->now_ms, w->s->started_ms));
    assert(m->target_count <= w->s->fleet_count);
    assert(m->drains_finished + m->drains_undone >= 0);
}
