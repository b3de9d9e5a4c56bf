// Stories of the on-demand base and share on the wire, for each kind of fleet: growth brings the part, rest makes it whole, shrinking
// keeps it.
#include "planner/alert.h"
#include "planner/sim/group.h"
#include "tests/scaler/story.h"

enum fleet_of_story { SPOT, EC2, GROUP, INSTANT };
static struct {
    enum fleet_of_story kind;
    int64_t base, percent;
} story;

static int add_kind(struct world *w, const struct world_override *any)
{
    struct world_template t = {.id = "lt-0b0c5a4db0c500002", .ami = "ami-0b0c5a4db0c500001", .agent_version = "1.98.0", .name = "main"};
    if (story.kind == GROUP) {
        int group = world_add_group(w, &(struct world_group_spec){.name = "web-asg", .cluster = 0, .max = 40, .desired = WEB_HOSTS, .overrides = any, .override_count = 1,
                                                                  .mixed = true, .on_demand_base = story.base, .on_demand_percent = story.percent,
                                                                  .allocation = WALLOC_LOWEST_PRICE});
        world_group_suspend(w, WORLD_PERSON, group, 1u << WP_AZ_REBALANCE, true);
        return group;
    }
    struct world_fleet_spec s = {.cluster = 0, .target = WEB_HOSTS, .allocation = WALLOC_LOWEST_PRICE, .overrides = any, .override_count = 1,
                                 .ec2_fleet = story.kind != SPOT};
    if (story.kind == INSTANT) {
        s.template = world_add_template(w, &t);
        s.request_type = s.instant = true;
        s.tag = "main/instant";
    }
    return world_add_fleet(w, &s);
}

static int its_world(const struct world_options *o, struct world **ret, struct err *err)
{
    struct world *w = NULL;
    int rc = world_empty(7, o, &w, err);
    if (rc)
        return rc;
    world_add_cluster(w, "main");
    struct world_override any = {world_type_index(w, "m5.xlarge"), -1, 1000};
    int fleet = add_kind(w, &any);
    for (int i = 0; i < WEB_HOSTS; i++)
        add_host(w, fleet, i % 3);
    add_service(w, (struct a_service){"web", 512, 1024, WEB_DESIRED, 100, 200, WS_SPREAD_ZONE, 0, 0});
    *ret = w;
    return 0;
}

static void settings(struct policy_cluster *c)
{
    impatient(c);
    if (story.kind == GROUP)
        return;  // its own distribution says it
    c->fleets[0].on_demand_base = story.base;
    c->on_demand_percent = story.percent;
}

static int64_t asked(int64_t total)
{
    return total <= story.base ? total : story.base + ((total - story.base) * story.percent + 99) / 100;
}

// Members that no drain and no end takes; of them on demand.
static int kept(struct story *s, bool on_demand)
{
    struct world_view v = see(s);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++) {
        const struct world_instance *x = &v.instances[i];
        bool member = x->used && x->fleet >= 0 && x->state.now <= WL_RUNNING && x->status.now == WE_ACTIVE;
        n += member && (!on_demand || !x->spot);
    }
    return n;
}

// Nothing of a part that was whole is taken away: minute by minute what is kept on demand is what is asked of all that is kept.
static void pass_and_watch(struct story *s, int64_t minutes, bool whole)
{
    for (int64_t k = 0; k < minutes; k++) {
        int before = kept(s, true);
        pass(s, 1);
        int now = kept(s, true);
        whole = whole || now >= asked(kept(s, false));
        if (now < before)
            assert_true(now >= asked(kept(s, false)));
    }
    assert_true(whole);
}

static void grows_and_shrinks(enum fleet_of_story kind, int64_t base, int64_t percent)
{
    struct story s;
    story.kind = kind;
    story.base = base;
    story.percent = percent;
    story_open(&s, (struct rig_options){.build = its_world, .settings = settings});
    pass(&s, 5);
    want(&s, 70);
    pass_and_watch(&s, 30, false);
    int most = kept(&s, true);
    assert_true(most >= asked(kept(&s, false)));
    assert_true(most < kept(&s, false));  // no more of it than asked, but for a rounding
    assert_true(most <= asked(kept(&s, false)) + 1);
    assert_int_equal(running(&s, s.web), 70);
    want(&s, 10);
    pass_and_watch(&s, 90, true);
    assert_true(kept(&s, false) <= 5);  // 3 would do, but for the zones that on-demand came in
    assert_true(kept(&s, true) >= asked(kept(&s, false)));
    assert_true(applied_since(&s, NULL, 0) > 0);
    rig_finish(&s.rig);
    assert_int_equal(rig_violations(&s.rig), 0);
    story_close(&s);
}

static void a_spot_fleet_keeps_base_and_share_on_demand_through_growth_and_shrinking(void **state)
{
    (void)state;
    grows_and_shrinks(SPOT, 1, 30);
}

static void an_ec2_fleet_keeps_base_and_share_on_demand_through_growth_and_shrinking(void **state)
{
    (void)state;
    grows_and_shrinks(EC2, 2, 20);
}

static void a_group_keeps_its_own_distribution_through_growth_and_shrinking(void **state)
{
    (void)state;
    grows_and_shrinks(GROUP, 1, 25);
}

static void an_instant_fleet_launches_its_share_on_demand_and_keeps_it(void **state)
{
    (void)state;
    grows_and_shrinks(INSTANT, 1, 25);
}

// Four on spot, and a policy that wants half on demand: these come, and as many on spot leave.
static void a_share_that_is_new_in_the_policy_replaces_spot(void **state)
{
    (void)state;
    struct story s;
    story.kind = EC2;
    story.base = 0;
    story.percent = 50;
    story_open(&s, (struct rig_options){.build = its_world, .settings = settings});
    pass(&s, 60);
    int all = kept(&s, false), on_demand = kept(&s, true);
    assert_true(on_demand >= (all + 1) / 2);
    assert_true(all <= WEB_HOSTS);
    assert_int_equal(running(&s, s.web), WEB_DESIRED);
    int64_t settled_ms = now_ms(&s);
    pass(&s, 60);
    assert_int_equal(applied_since(&s, NULL, settled_ms), 0);  // at rest
    rig_finish(&s.rig);
    assert_int_equal(rig_violations(&s.rig), 0);
    story_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spot_fleet_keeps_base_and_share_on_demand_through_growth_and_shrinking),
        cmocka_unit_test(an_ec2_fleet_keeps_base_and_share_on_demand_through_growth_and_shrinking),
        cmocka_unit_test(a_group_keeps_its_own_distribution_through_growth_and_shrinking),
        cmocka_unit_test(an_instant_fleet_launches_its_share_on_demand_and_keeps_it),
        cmocka_unit_test(a_share_that_is_new_in_the_policy_replaces_spot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
