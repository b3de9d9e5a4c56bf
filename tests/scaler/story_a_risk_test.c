// Group A of safety.md, members that nothing keeps: of a cancelled fleet (A7), or replaced by their fleet itself (A9).
#include "planner/alert.h"
#include "planner/sim/group.h"
#include "tests/scaler/story_events.h"

#define DRAINS "ecs:UpdateContainerInstancesState"
#define MODIFIES "ec2:ModifySpotFleetRequest"
#define ENDS "ec2:TerminateInstances"
enum { FULL = 28 };  // tasks of web on the four hosts, with the two of headroom

// The old fleet, and the one that a deploy made, which has as many in each zone: else who moves would leave a zone too thin (V33).
static int two_fleets(const struct world_options *o, struct world **ret, struct err *err)
{
    int rc = story_world(o, ret, err);
    if (rc)
        return rc;
    struct world_override any = {world_type_index(*ret, "m5.xlarge"), -1, 1000};
    world_add_fleet(*ret, &(struct world_fleet_spec){.cluster = 0, .allocation = WALLOC_DIVERSIFIED, .overrides = &any, .override_count = 1});
    return 0;
}

static int of_fleet(struct story *s, int fleet_index, enum world_ecs_status status)
{
    struct world_view v = see(s);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].fleet == fleet_index && v.instances[i].state.now <= WL_RUNNING && v.instances[i].status.now == (int64_t)status;
    return n;
}

static int changes_of(struct story *s, const char *operation, const char *target, int64_t since_ms)
{
    static struct sandbox_change changes[STORY_CHANGES];
    size_t count = sandbox_changes(s->rig.sandbox, changes, STORY_CHANGES);
    int n = 0;
    for (size_t i = 0; i < count; i++)
        n += changes[i].actor == WORLD_OURS && changes[i].world_ms >= since_ms && strcmp(changes[i].operation, operation) == 0 && strcmp(changes[i].target, target) == 0;
    return n;
}

static void a7_members_of_a_cancelled_fleet_move_when_the_new_capacity_is_active(void **state)
{
    (void)state;
    struct story s;
    open_full(&s, (struct rig_options){.build = two_fleets});
    int64_t since = now_ms(&s);
    const char *old = see(&s).fleets[s.fleet].id;
    int lost = (int)see(&s).counters->tasks_lost;
    assert_int_equal(world_cancel_fleet(world_of(&s), WORLD_PERSON, s.fleet, false), WORLD_OK);
    bool ahead = false;
    for (int minute = 0; minute < 120 && live(&s) > 0; minute++) {
        bool before = applied_since(&s, DRAINS, since) == 0;
        int there = of_fleet(&s, 1, WE_ACTIVE);
        pass(&s, 1);
        // The first drain finds a replacement that was ACTIVE when it began.
        if (before && applied_since(&s, DRAINS, since) > 0)
            ahead = there + of_fleet(&s, 1, WE_ACTIVE) > 0 && first_after(&s, MODIFIES, see(&s).fleets[1].id, since) < first_after(&s, DRAINS, "", since);
        assert_true(running(&s, s.web) >= FULL - FULL / 10);
    }
    assert_true(ahead);
    assert_int_equal(live(&s), 0);
    assert_int_equal(changes_of(&s, MODIFIES, old, since), 0);  // it is never written to
    assert_int_equal(running(&s, s.web), FULL);
    assert_int_equal(see(&s).counters->tasks_lost, lost);
    nothing_broke(&s);
    story_close(&s);
}

// One at risk: its fleet launches another. Nothing is ordered, the old one is drained when that is ACTIVE, and the target stays.
static void a9_what_its_fleet_replaces_is_drained_and_nothing_is_ordered(void **state)
{
    (void)state;
    for (int how = WREB_LAUNCH; how <= WREB_LAUNCH_BEFORE_TERMINATE; how++) {
        struct story s;
        open_full(&s, (struct rig_options){.events = true});
        assert_int_equal(world_rebalance_fleet(world_of(&s), s.fleet, (enum world_rebalance)how, 30 * MINUTE_MS), WORLD_OK);
        pass(&s, 10);
        int64_t since = now_ms(&s), target = target_of(&s);
        int one = an_active(&s), lost = (int)see(&s).counters->tasks_lost, healthy = of_fleet(&s, s.fleet, WE_ACTIVE);
        assert_int_equal(world_rebalance_hint(world_of(&s), one), WORLD_OK);
        for (int i = 0; i < 60 && see(&s).instances[one].status.now == WE_ACTIVE; i++)
            seconds(&s, 10);
        assert_int_equal(see(&s).instances[one].status.now, WE_DRAINING);
        assert_true(of_fleet(&s, s.fleet, WE_ACTIVE) >= healthy);  // the other is there
        pass(&s, 45);
        assert_true(see(&s).instances[one].state.now >= WL_SHUTTING_DOWN || !see(&s).instances[one].used);
        assert_int_equal(applied_since(&s, MODIFIES, since), 0);
        assert_int_equal(applied_since(&s, DRAINS, since), 1);
        assert_int_equal(applied_since(&s, ENDS, since), how == WREB_LAUNCH);
        assert_int_equal(target_of(&s), target);
        assert_int_equal(running(&s, s.web), FULL);
        assert_int_equal(see(&s).counters->tasks_lost, lost);
        nothing_broke(&s);
        story_close(&s);
    }
}

static int group_world(const struct world_options *o, struct world **ret, struct err *err)
{
    struct world *w = NULL;
    int rc = world_empty(7, o, &w, err);
    if (rc)
        return rc;
    world_add_cluster(w, "main");
    struct world_override any = {world_type_index(w, "m5.xlarge"), -1, 1000};
    int group = world_add_group(w, &(struct world_group_spec){.name = "web-asg", .cluster = 0, .max = 40, .desired = WEB_HOSTS, .overrides = &any,
                                                              .override_count = 1, .mixed = true, .allocation = WALLOC_LOWEST_PRICE});
    for (int i = 0; i < WEB_HOSTS; i++)
        add_host(w, group, i % 3);
    world_group_suspend(w, WORLD_PERSON, group, 1u << WP_AZ_REBALANCE, true);
    world_group_add_hook(w, group, &(struct world_hook_of_group){.name = "masu-drain", .heartbeat_ms = 300000});
    world_group_capacity_rebalance(w, group);
    add_service(w, (struct a_service){"web", 512, 1024, WEB_DESIRED, 100, 200, WS_SPREAD_ZONE, 0, 0});
    *ret = w;
    return 0;
}

static void with_hook(struct policy_cluster *c)
{
    static struct policy_hook hook = {"masu-drain"};
    impatient(c);
    c->fleets[0].hooks = &hook;
    c->fleets[0].hook_count = 1;
}

static void a9_what_its_group_replaces_is_drained_before_the_group_ends_it(void **state)
{
    (void)state;
    struct story s;
    open_full(&s, (struct rig_options){.events = true, .build = group_world, .settings = with_hook});
    pass(&s, 10);
    int64_t since = now_ms(&s), target = target_of(&s), launches = see(&s).counters->launches;
    int one = an_active(&s), lost = (int)see(&s).counters->tasks_lost;
    assert_int_equal(world_rebalance_hint(world_of(&s), one), WORLD_OK);
    pass(&s, 45);
    assert_true(see(&s).instances[one].state.now >= WL_SHUTTING_DOWN || !see(&s).instances[one].used);
    assert_int_equal(see(&s).counters->launches - launches, 1);  // the group's own, and no second one
    assert_int_equal(applied_since(&s, "autoscaling:SetDesiredCapacity", since), 0);
    assert_int_equal(applied_since(&s, "autoscaling:TerminateInstanceInAutoScalingGroup", since), 0);
    assert_true(applied_since(&s, DRAINS, since) > 0);
    assert_int_equal(target_of(&s), target);
    assert_int_equal(running(&s, s.web), FULL);
    assert_int_equal(see(&s).counters->tasks_lost, lost);
    nothing_broke(&s);
    story_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a7_members_of_a_cancelled_fleet_move_when_the_new_capacity_is_active),
        cmocka_unit_test(a9_what_its_fleet_replaces_is_drained_and_nothing_is_ordered),
        cmocka_unit_test(a9_what_its_group_replaces_is_drained_before_the_group_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
