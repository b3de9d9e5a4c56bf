// A scripted scaler for tests of the invariants: it ends one instance by the book, or with one planted bug.
#pragma once

#include "planner/sim/invariants.h"
#include "tests/sim/fixture.h"

enum bug {
    BUG_NONE,
    BUG_LATE_MARK,        // mark after DRAINING
    BUG_NO_READ_BACK,
    BUG_ONE_LOOK,
    BUG_NO_LAST_LOOK,     // terminates while tasks still stop
    BUG_OLD_LOOK,         // a minute between the last look and the end
    BUG_NO_POLICY,
    BUG_NOT_LOWERED,      // terminates while the target still asks for it
    BUG_DRIFT,            // target − weight once more than there is to take
    BUG_NO_INTENT,
    BUG_NO_OUTCOME,
    BUG_TWO_OUTCOMES,
    BUG_NOT_DRAINED,
};

struct rig {
    struct world *w;
    struct invariants *inv;
    int fleet, web;
    int hosts[8];
    int host_count;
    bool looks;           // tells what was read, as the sandbox does
};

static inline struct rig rig_of(struct world *w, int hosts, struct a_service web)
{
    struct rig r = {.w = w, .host_count = hosts, .looks = true};
    r.fleet = add_fleet(w, 0, "m5.xlarge", 1);
    for (int i = 0; i < hosts; i++)
        r.hosts[i] = add_host(w, r.fleet, i % 3);
    r.web = add_service(w, web);
    later(w, 1000);
    assert_int_equal(world_modify_spot_fleet(w, WORLD_PERSON, r.fleet, hosts, -1, WX_NO_TERMINATION), WORLD_OK);
    later(w, 180000);
    struct invariants_options o;
    invariants_options_default(&o);
    r.inv = invariants_attach(w, &o);
    return r;
}

static inline struct rig a_rig(void)
{
    return rig_of(calm_world(), 5, (struct a_service){"web", 512, 1024, 8, 100, 200, WS_SPREAD_INSTANCE, 0, 0});
}

static inline void rig_release(struct rig *r)
{
    invariants_free(r->inv);
    world_free(r->w);
}

static inline const char *id_of(struct rig *r, int n)
{
    return world_view(r->w).instances[n].id;
}

static inline void act_mark(struct rig *r, int n)
{
    invariants_intent(r->inv, "mark", id_of(r, n));
    world_tag(r->w, WORLD_OURS, n, "masu:drain", "by masu");
    invariants_outcome(r->inv, "mark", id_of(r, n));
}

static inline void act_unmark(struct rig *r, int n)
{
    invariants_intent(r->inv, "unmark", id_of(r, n));
    world_untag(r->w, WORLD_OURS, n, "masu:drain");
    invariants_outcome(r->inv, "unmark", id_of(r, n));
}

static inline void act_drain(struct rig *r, int n)
{
    invariants_intent(r->inv, "drain", id_of(r, n));
    drain(r->w, WORLD_OURS, n);
    invariants_outcome(r->inv, "drain", id_of(r, n));
}

static inline void drain_one(struct rig *r, int n)
{
    act_mark(r, n);
    act_drain(r, n);
}

static inline void act_undrain(struct rig *r, int n)
{
    invariants_intent(r->inv, "undrain", id_of(r, n));
    world_set_container_instance_state(r->w, WORLD_OURS, 0, n, WE_ACTIVE);
    invariants_outcome(r->inv, "undrain", id_of(r, n));
}

static inline void act_parts(struct rig *r, int64_t target, int64_t on_demand, int excess)
{
    const char *id = world_view(r->w).fleets[r->fleet].id;
    invariants_intent(r->inv, "set_target", id);
    assert_int_equal(world_modify_spot_fleet(r->w, WORLD_OURS, r->fleet, target, on_demand, excess), WORLD_OK);
    invariants_outcome(r->inv, "set_target", id);
    later(r->w, 20000);
}

static inline void act_target(struct rig *r, int64_t target, int excess)
{
    act_parts(r, target, -1, excess);
}

static inline void act_end(struct rig *r, int n, enum bug bug)
{
    if (bug != BUG_NO_INTENT)
        invariants_intent(r->inv, "terminate", id_of(r, n));
    world_terminate(r->w, WORLD_OURS, &n, 1);
    if (bug != BUG_NO_OUTCOME && bug != BUG_NO_INTENT)
        invariants_outcome(r->inv, "terminate", id_of(r, n));
    if (bug == BUG_TWO_OUTCOMES)
        invariants_outcome(r->inv, "terminate", id_of(r, n));
}

static inline void look(struct rig *r, int n, enum world_read kind)
{
    if (r->looks)
        world_note_read(r->w, n, kind);
}

static inline void wait_empty(struct rig *r, int n)
{
    for (int i = 0; i < 200 && alive_on(r->w, n) > 0; i++)
        later(r->w, 5000);
    assert_int_equal(alive_on(r->w, n), 0);
}

// From choice to the end of the n-th host.
static inline void end_host(struct rig *r, int n, enum bug bug)
{
    int stay = members(r->w, r->fleet) - 1;
    if (bug != BUG_LATE_MARK)
        act_mark(r, n);
    if (bug != BUG_NOT_DRAINED)
        act_drain(r, n);
    if (bug == BUG_LATE_MARK)
        act_mark(r, n);
    later(r->w, 2000);
    if (bug != BUG_NO_READ_BACK)
        look(r, n, WORLD_READ_STATE);
    if (bug == BUG_NOT_DRAINED || bug == BUG_NO_LAST_LOOK) {
        act_target(r, stay, WX_NO_TERMINATION);
        act_end(r, n, bug);
        return;
    }
    wait_empty(r, n);
    look(r, n, WORLD_READ_TASKS);
    if (bug != BUG_ONE_LOOK) {
        later(r->w, 16000);
        look(r, n, WORLD_READ_TASKS);
    }
    if (bug != BUG_NOT_LOWERED)
        act_target(r, bug == BUG_DRIFT ? stay - 1 : stay, bug == BUG_NO_POLICY ? -1 : WX_NO_TERMINATION);
    if (bug == BUG_OLD_LOOK)
        later(r->w, 60000);
    else if (bug != BUG_ONE_LOOK)
        look(r, n, WORLD_READ_TASKS);
    act_end(r, n, bug);
    later(r->w, 400000);
}

// The first `of` a violation must be what is asked for; says what was found when it is not.
static inline void expect(struct rig *r, enum invariant id)
{
    size_t n;
    const struct violation *v = invariants_list(r->inv, &n);
    if (invariants_count_of(r->inv, id) == 0)
        fail_msg("V%d did not trip; %zu others, first: %s", (int)id, n, n ? v[0].text : "");
}

static inline void expect_clean(struct rig *r)
{
    size_t n;
    const struct violation *v = invariants_list(r->inv, &n);
    if (n > 0)
        fail_msg("V%d: %s", (int)v[0].id, v[0].text);
    assert_int_equal(invariants_count(r->inv), 0);
}
