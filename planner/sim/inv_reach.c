// V9, V14, V16, V19, V33: how far a call of ours may reach: orphans, modes, what is another's, growth, zones.
#include <string.h>

#include "planner/sim/invariants_internal.h"

#define ORPHAN_AGE_MS (10 * 60000)  // L9
#define OWNER_TAG "masu:owner"

// ---- V9: orphans ------------------------------------------------------------------------------------------------------------
static bool unregistered(const struct world_view *v, int n, int fleet)
{
    const struct world_instance *i = &v->instances[n];
    return i->used && i->fleet == fleet && i->state.now <= WL_RUNNING && i->status.now == WE_NONE && i->notice_ms == 0;
}

static void judge_orphan(struct invariants *inv, const struct world_view *v, const struct world_call *c, int n)
{
    const struct world_instance *i = &v->instances[n];
    int old = 0, members = 0, going = 0;
    for (int k = 0; k < v->instance_count; k++) {
        const struct world_instance *x = &v->instances[k];
        members += x->used && x->fleet == i->fleet && x->state.now <= WL_RUNNING;
        old += unregistered(v, k, i->fleet) && v->now_ms - x->launched_ms > ORPHAN_AGE_MS;
        going += x->used && x->fleet == i->fleet && x->status.now == WE_NONE && x->state.now == WL_SHUTTING_DOWN && x->ended_by == WORLD_OURS;
    }
    int64_t age_ms = v->now_ms - i->launched_ms;
    if (age_ms < ORPHAN_AGE_MS)
        inv_tell(inv, V9, "end of %s: it never registered, but is only %" PRId64 " s old", i->id, age_ms / 1000);
    if (going > 0 || c->instance_count > 1)
        inv_tell(inv, V9, "end of %s: another that never registered is being ended", i->id);
    if (old > (members < 20 ? 1 : members / 10))
        inv_tell(inv, V9, "end of %s: %d of %d members never registered, more than the share", i->id, old, members);
}

void inv_before_reap(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    for (int k = 0; k < c->instance_count; k++) {
        int n = c->instances[k];
        if (n >= 0 && n < v->instance_count && v->instances[n].fleet >= 0 && unregistered(v, n, v->instances[n].fleet))
            judge_orphan(inv, v, c, n);
    }
}

// ---- V16: another's -----------------------------------------------------------------------------------------------------------
void inv_before_write(struct invariants *inv, const struct world_view *v, int fleet, const char *what)
{
    if (fleet < 0 || fleet >= v->fleet_count)
        return;
    const struct world_fleet *f = &v->fleets[fleet];
    const char *owner = world_tag_value(f->tags, f->tag_count, OWNER_TAG);
    if (owner && owner[0] && strcmp(owner, inv->o.owner) != 0)
        inv_tell(inv, V16, "%s of %s: its owner is %s, not %s", what, f->id, owner, inv->o.owner);
    inv_before_foreign(inv, v, fleet, what);
}

// ---- V19: growth --------------------------------------------------------------------------------------------------------------
// How many the call makes come beyond the limit, as of a moment. What is launched and not registered counts as it is, what is still to
// be launched in the lightest instances that may come; what is doomed may come once more, whether ordered or launched by now.
static int64_t grows_beyond(const struct invariants *inv, const struct world_view *v, const struct world_call *c, int64_t at_ms, int64_t *limit)
{
    const struct world_fleet *f = &v->fleets[c->fleet];
    int64_t live_milli = 0, doomed_milli = 0, active = 0, booting = 0, lightest = inv_lightest_milli(f);
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (!i->used || i->created_ms > at_ms || world_seen(&i->state, at_ms) > WL_RUNNING)
            continue;
        bool doomed = i->notice_ms > 0 && i->notice_ms <= at_ms;
        int64_t status = world_seen(&i->status, at_ms);
        active += i->cluster == f->cluster && status == WE_ACTIVE;
        if (i->fleet != c->fleet)
            continue;
        live_milli += i->weight_milli;
        booting += status == WE_NONE && !doomed;  // one that AWS takes back while it boots brings nothing
        doomed_milli += doomed ? i->weight_milli : 0;
    }
    int64_t open_milli = c->target * 1000 - live_milli;
    *limit = (active > inv->o.step_instances ? active : inv->o.step_instances) + doomed_milli / lightest;
    return booting + (open_milli > 0 ? open_milli / lightest : 0) - *limit;
}

void inv_judge_growth(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    int64_t limit = 0, beyond = 1;
    for (int k = 0; c->target > v->fleets[c->fleet].wanted && beyond > 0; k++) {
        int64_t at_ms = inv_moments(inv, v->now_ms, k);
        if (at_ms < 0) {
            inv_tell(inv, V19, "target of %s: %" PRId64 " would have %" PRId64 " instances coming, limit %" PRId64, v->fleets[c->fleet].id,
                     c->target, limit + beyond, limit);
            return;
        }
        beyond = grows_beyond(inv, v, c, at_ms, &limit);
    }
}

// ---- V33: zones -----------------------------------------------------------------------------------------------------------------
enum { ZONES = 16 };

// How far the fullest and the emptiest zone are apart, with and without the instance.
static int zone_gap(const struct world_view *v, int cluster, int without, int64_t at_ms)
{
    int count[ZONES] = {0}, most = 0, least = INT32_MAX;
    bool used[ZONES] = {false};
    // Where the cluster's fleets may launch; a zone that the market has emptied is one of them.
    for (int f = 0; f < v->fleet_count; f++)
        for (int o = 0; v->fleets[f].cluster == cluster && o < v->fleets[f].override_count; o++)
            for (int z = 0; z < v->zone_count && z < ZONES; z++)
                used[z] |= v->fleets[f].overrides[o].zone < 0 || v->fleets[f].overrides[o].zone == z;
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (!i->used || i->cluster != cluster || i->fleet < 0 || i->created_ms > at_ms || world_seen(&i->state, at_ms) > WL_RUNNING)
            continue;
        int64_t member = world_seen(&i->member.state, at_ms);
        if (member != WM_NONE && !world_member_counts(member))
            continue;  // in standby, in the warm pool: no capacity that a zone has
        int zone = v->pools[i->pool].zone;
        assert(zone >= 0 && zone < ZONES);
        used[zone] = true;
        bool stays = n != without && world_seen(&i->status, at_ms) != WE_DRAINING && (i->notice_ms == 0 || i->notice_ms > at_ms);
        count[zone] += stays;
    }
    for (int z = 0; z < ZONES; z++) {
        if (!used[z])
            continue;
        most = count[z] > most ? count[z] : most;
        least = count[z] < least ? count[z] : least;
    }
    return least == INT32_MAX ? 0 : most - least;
}

void inv_judge_zones(struct invariants *inv, const struct world_view *v, int n)
{
    int was = 0, gap = 0;
    for (int k = 0; inv_moments(inv, v->now_ms, k) >= 0; k++) {
        int64_t at_ms = inv_moments(inv, v->now_ms, k);
        was = zone_gap(v, v->instances[n].cluster, -1, at_ms);
        gap = zone_gap(v, v->instances[n].cluster, n, at_ms);
        if (gap <= (was > 1 ? was : 1))
            return;
    }
    inv_tell(inv, V33, "drain of %s: zones would be %d instances apart, were %d", v->instances[n].id, gap, was);
}

// ---- V14: modes -----------------------------------------------------------------------------------------------------------------
static bool raises(const struct planner_input *in, const struct action *a)
{
    return a->kind == ACTION_SET_TARGET && a->fleet >= 0 && a->capacity > in->snapshot->fleets[a->fleet].target;
}

static bool replaces(const struct planner_input *in, const struct action *a)
{
    for (size_t i = 0; i < in->snapshot->instance_count; i++)
        if (in->snapshot->instances[i].fleet == a->fleet && in->snapshot->instances[i].notice_ms > 0)
            return true;
    return false;
}

// The table of modes in safety.md, section 4: what takes part in it, and where it stops.
static bool mode_allows(const struct planner_input *in, enum control_mode mode, const struct action *a)
{
    bool noticed = a->instance >= 0 && (in->snapshot->instances[a->instance].notice_ms > 0 || instance_group_ends(&in->snapshot->instances[a->instance]));
    switch (a->kind) {
    case ACTION_UNMARK:
    case ACTION_UNDRAIN:
    case ACTION_CLAIM:
        return mode < CONTROL_FREEZE;
    case ACTION_DRAIN:
        return mode == CONTROL_RUN || (noticed && mode < CONTROL_FREEZE);
    case ACTION_SET_TARGET:
        return mode == CONTROL_RUN || (mode < CONTROL_FREEZE && (!raises(in, a) || mode == CONTROL_ADD_ONLY || replaces(in, a)));
    case ACTION_LAUNCH:
        return mode == CONTROL_RUN || mode == CONTROL_ADD_ONLY || (mode == CONTROL_PAUSE && replaces(in, a));
    case ACTION_HEARTBEAT:
    case ACTION_COMPLETE:
        return mode < CONTROL_FREEZE;
    case ACTION_MARK:
    case ACTION_END_MEMBER:
    case ACTION_TERMINATE:
    case ACTION_DEREGISTER:
        return mode == CONTROL_RUN;
    case ACTION_COUNT:
        break;
    }
    return false;
}

void inv_judge_mode(struct invariants *inv, const struct planner_input *in, const struct plan *p)
{
    enum control_mode mode = in->snapshot->control.mode;
    if (in->policy->mode == MODE_ADD_ONLY && mode < CONTROL_ADD_ONLY)
        mode = CONTROL_ADD_ONLY;
    if (in->policy->mode == MODE_OBSERVE)
        mode = CONTROL_FREEZE;
    for (size_t k = 0; k < p->action_count; k++)
        if (!mode_allows(in, mode, &p->actions[k]))
            inv_tell(inv, V14, "%s %s in mode %s", action_kind_name(p->actions[k].kind), p->actions[k].target,
                     in->policy->mode == MODE_OBSERVE ? "observe" : control_mode_name(mode));
}
