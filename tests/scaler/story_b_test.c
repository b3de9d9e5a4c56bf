// Group B of safety.md: Auto Scaling groups, and what they do by themselves.
#include "planner/alert.h"
#include "planner/sim/group.h"
#include "tests/scaler/story_events.h"

#define HEARTBEAT_MS (300 * (int64_t)1000)
#define DRAINS "ecs:UpdateContainerInstancesState"
#define ENDS "autoscaling:TerminateInstanceInAutoScalingGroup"
#define DESIRES "autoscaling:SetDesiredCapacity"
#define BEATS "autoscaling:RecordLifecycleActionHeartbeat"
#define COMPLETES "autoscaling:CompleteLifecycleAction"

// The next world that is built.
static struct {
    int64_t min;
    int hosts, zones;
    bool rebalances, hook, slow, other, provider;
} asg;

static const struct policy_hook HOOK = {"masu-drain"};

static void add_slow_service(struct world *w)
{
    struct world_taskdef d = {.family = "slow", .need = res_make(256, 256), .stop_timeout_ms = 900000, .stops_in_ms = 600000, .start_ms = 10000};
    struct world_rules rules = {.strategies = {{.kind = WS_SPREAD_INSTANCE}}, .strategy_count = 1};
    world_add_service(w, &(struct world_service_spec){.name = "slow", .cluster = 0, .taskdef = world_add_taskdef(w, &d), .desired = asg.hosts, .min_percent = 100,
                                                      .max_percent = 200, .rules = &rules});
}

// A second group, at zero, of a provider that AWS does not scale, and a service that runs there only.
static void add_providers_group(struct world *w)
{
    struct world_override any = {world_type_index(w, "m5.xlarge"), -1, 1000};
    int group = world_add_group(w, &(struct world_group_spec){.name = "jobs-asg", .cluster = 0, .max = 20, .overrides = &any, .override_count = 1, .mixed = true,
                                                              .allocation = WALLOC_LOWEST_PRICE});
    int provider = world_add_provider(w, "jobs", false);
    world_bind_provider(w, provider, group);
    world_group_suspend(w, WORLD_PERSON, group, 1u << WP_AZ_REBALANCE, true);
    struct world_rules rules = {.shares = {{provider, 0, 1}}, .share_count = 1};
    world_add_service(w, &(struct world_service_spec){.name = "jobs", .cluster = 0, .taskdef = a_def(w, "jobs", 1024, 2048), .desired = 0, .min_percent = 100,
                                                      .max_percent = 200, .rules = &rules});
}

static int group_world(const struct world_options *o, struct world **ret, struct err *err)
{
    struct world *w = NULL;
    int rc = world_empty(7, o, &w, err);
    if (rc)
        return rc;
    world_add_cluster(w, "main");
    struct world_override any = {world_type_index(w, "m5.xlarge"), -1, 1000};
    int group = world_add_group(w, &(struct world_group_spec){.name = "web-asg", .cluster = 0, .min = asg.min, .max = 40, .desired = asg.hosts, .overrides = &any,
                                                              .override_count = 1, .mixed = true, .allocation = WALLOC_LOWEST_PRICE});
    for (int i = 0; i < asg.hosts; i++)
        add_host(w, group, i % asg.zones);
    if (!asg.rebalances)
        world_group_suspend(w, WORLD_PERSON, group, 1u << WP_AZ_REBALANCE, true);
    if (asg.hook)
        world_group_add_hook(w, group, &(struct world_hook_of_group){.name = "masu-drain", .heartbeat_ms = HEARTBEAT_MS});
    if (asg.other)
        add_fleet(w, 0, "m5.xlarge", 1);
    add_service(w, (struct a_service){"web", 512, 1024, WEB_DESIRED, 100, 200, WS_SPREAD_ZONE, 0, 0});
    if (asg.provider)
        add_providers_group(w);
    if (asg.slow)
        add_slow_service(w);
    for (int p = 0; p < world_view(w).pool_count; p++)
        if (world_view(w).pools[p].zone >= asg.zones)
            world_set_shortage(w, p, INT64_MAX);
    *ret = w;
    return 0;
}

static void with_hook(struct policy_cluster *c)
{
    static struct policy_hook hook;
    hook = HOOK;
    impatient(c);
    c->fleets[0].hooks = &hook;
    c->fleets[0].hook_count = 1;
}

static void open_group(struct story *s, void (*settings)(struct policy_cluster *c))
{
    story_open(s, (struct rig_options){.build = group_world, .settings = settings});
    s->fleet = world_find_group(world_of(s), "web-asg");
}

// Of the group and in service; the zone -1: any.
static int serving(struct story *s, int zone)
{
    struct world_view v = see(s);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].fleet == s->fleet && v.instances[i].member.state.now == WM_IN_SERVICE &&
             v.instances[i].state.now == WL_RUNNING && (zone < 0 || v.pools[v.instances[i].pool].zone == zone);
    return n;
}

static int zone_gap(struct story *s)
{
    int most = 0, least = INT32_MAX;
    for (int z = 0; z < see(s).zone_count; z++) {
        int n = serving(s, z);
        most = n > most ? n : most;
        least = n < least ? n : least;
    }
    return most - least;
}

// Members that ended since then by nobody's call but the group's.
static int ended_by_group(struct story *s, int64_t since_ms)
{
    struct world_view v = see(s);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].ended_ms >= since_ms && v.instances[i].ended_by == WORLD_AWS;
    return n;
}

static int one_with(struct story *s, enum world_ecs_status status, enum world_member state)
{
    struct world_view v = see(s);
    for (int i = 0; i < v.instance_count; i++)
        if (v.instances[i].used && v.instances[i].status.now == (int64_t)status && v.instances[i].member.state.now == (int64_t)state &&
            v.instances[i].state.now == WL_RUNNING)
            return i;
    return -1;
}

// Steps until ours drains one; fails after an hour.
static int until_a_drain(struct story *s)
{
    for (int k = 0; k < 3600 / 5; k++) {
        int n = one_with(s, WE_DRAINING, WM_IN_SERVICE);
        if (n >= 0)
            return n;
        loop_run(s->rig.loop, now_ms(s) + 5000);
    }
    fail_msg("nothing was drained");
    return -1;
}

static bool plan_says(struct story *s, const char *words)
{
    const struct plan *p = plan_of(s);
    for (size_t k = 0; k < p->verdict_count; k++)
        if (strstr(p->verdicts[k].fact, words))
            return true;
    return false;
}

// ---- B1 ---------------------------------------------------------------------------------------------------------------------
static void b1_a_rebalancing_group_grows_and_shrinks_and_ends_nothing_of_its_choice(void **state)
{
    (void)state;
    struct story s;
    asg = (__typeof__(asg)){.hosts = 6, .zones = 3, .rebalances = true};
    open_group(&s, NULL);
    int64_t since = now_ms(&s);
    static const int32_t waves[] = {WEB_DESIRED, 70, 12, 50, WEB_DESIRED};
    for (size_t k = 0; k < ARRAY_LEN(waves); k++) {
        want(&s, waves[k]);
        pass(&s, 75);
        assert_int_equal(running(&s, s.web), waves[k]);
        assert_true(zone_gap(&s) <= 1);
    }
    assert_true(applied_since(&s, ENDS, since) >= 6);
    assert_int_equal(ended_by_group(&s, since), 0);
    assert_int_equal(applied_since(&s, "ec2:TerminateInstances", since), 0);
    nothing_broke(&s);
    story_close(&s);
}

static void b1_where_rebalancing_would_end_another_it_is_refused_in_words_until_it_is_suspended(void **state)
{
    (void)state;
    struct story s;
    asg = (__typeof__(asg)){.hosts = 6, .zones = 2, .rebalances = true};  // the third zone has nothing, now and later
    open_group(&s, NULL);
    int64_t since = now_ms(&s);
    pass(&s, 60);
    assert_int_equal(applied_since(&s, DRAINS, since), 0);
    assert_true(plan_says(&s, "AZRebalance would end another"));
    assert_int_equal(world_group_suspend(world_of(&s), WORLD_PERSON, s.fleet, 1u << WP_AZ_REBALANCE, true), WORLD_OK);
    pass(&s, 60);
    assert_true(serving(&s, -1) < 6);
    assert_int_equal(running(&s, s.web), WEB_DESIRED);
    assert_int_equal(ended_by_group(&s, since), 0);
    nothing_broke(&s);
    story_close(&s);
}

// ---- B2 ---------------------------------------------------------------------------------------------------------------------
static void set_obstacle(struct story *s, int kind, bool on)
{
    struct world *w = world_of(s);
    if (kind == 0)
        assert_int_equal(world_group_bounds(w, s->fleet, on ? 6 : 0, 40), WORLD_OK);
    else
        assert_int_equal(world_group_suspend(w, WORLD_PERSON, s->fleet, 1u << WP_TERMINATE, on), WORLD_OK);
}

static void b2_what_the_group_would_refuse_is_known_before_anything_is_drained(void **state)
{
    (void)state;
    static const char *const words[] = {"MinSize 6", "Terminate is suspended"};
    for (int k = 0; k < 2; k++) {
        struct story s;
        asg = (__typeof__(asg)){.hosts = 6, .zones = 3};
        open_group(&s, NULL);
        set_obstacle(&s, k, true);
        int64_t since = now_ms(&s);
        pass(&s, 45);
        assert_int_equal(applied_since(&s, DRAINS, since), 0);
        assert_int_equal(applied_since(&s, ENDS, since), 0);
        assert_true(plan_says(&s, words[k]));
        set_obstacle(&s, k, false);
        pass(&s, 45);
        assert_true(applied_since(&s, ENDS, since) > 0);
        nothing_broke(&s);
        story_close(&s);
    }
}

static void b2_a_group_that_is_being_deleted_is_left_for_another_and_never_written_to(void **state)
{
    (void)state;
    struct story s;
    asg = (__typeof__(asg)){.hosts = 6, .zones = 3, .other = true};
    open_group(&s, NULL);
    assert_int_equal(world_group_delete(world_of(&s), s.fleet), WORLD_OK);
    int64_t since = now_ms(&s);
    pass(&s, 20);
    assert_int_equal(applied_since(&s, ENDS, since) + applied_since(&s, DESIRES, since), 0);
    assert_true(applied_since(&s, "ec2:ModifySpotFleetRequest", since) > 0);
    expect_alert(&s, ALERT_FLEET_GONE, "web-asg");
    assert_int_equal(running(&s, s.web), WEB_DESIRED);
    nothing_broke(&s);
    story_close(&s);
}

static void b2_a_refusal_in_mid_drain_undoes_it_and_spares_that_one_for_an_hour(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct story s;
        asg = (__typeof__(asg)){.hosts = 6, .zones = 3};
        open_group(&s, NULL);
        int one = until_a_drain(&s);
        int64_t since = now_ms(&s);
        set_obstacle(&s, k, true);
        pass(&s, 4);
        assert_int_equal(see(&s).instances[one].status.now, WE_ACTIVE);
        assert_null(world_tag_value(see(&s).instances[one].tags, see(&s).instances[one].tag_count, "masu:drain"));
        assert_int_equal(applied_since(&s, ENDS, since), 0);
        set_obstacle(&s, k, false);
        pass(&s, 50);
        assert_int_equal(see(&s).instances[one].status.now, WE_ACTIVE);
        assert_true(applied_since(&s, ENDS, since) > 0);  // others are as good
        nothing_broke(&s);
        story_close(&s);
    }
}

// A look shows nothing of what AWS refuses: its answer does.
static void b2_an_end_that_aws_refuses_undoes_the_drain_and_spares_that_one_for_an_hour(void **state)
{
    (void)state;
    struct story s;
    asg = (__typeof__(asg)){.hosts = 6, .zones = 3};
    open_group(&s, NULL);
    int one = until_a_drain(&s);
    int64_t since = now_ms(&s), asked = calls_of(&s, ENDS);
    fault(&s, ENDS, SANDBOX_FAULT_INVALID, 0, -1);
    for (int k = 0; k < 10 && see(&s).instances[one].status.now != WE_ACTIVE; k++)
        pass(&s, 1);
    assert_true(calls_of(&s, ENDS) > asked);
    assert_int_equal(applied_since(&s, ENDS, since), 0);
    assert_int_equal(see(&s).instances[one].status.now, WE_ACTIVE);
    assert_null(world_tag_value(see(&s).instances[one].tags, see(&s).instances[one].tag_count, "masu:drain"));
    sandbox_clear_faults(s.rig.sandbox);
    pass(&s, 50);
    assert_int_equal(see(&s).instances[one].status.now, WE_ACTIVE);
    nothing_broke(&s);
    story_close(&s);
}

// ---- B3 ---------------------------------------------------------------------------------------------------------------------
// The longest time between two heartbeats of one instance that waits.
static int64_t longest_pause(struct story *s, int *ret_beats)
{
    static struct sandbox_change changes[STORY_CHANGES];
    size_t count = sandbox_changes(s->rig.sandbox, changes, STORY_CHANGES);
    int64_t longest = 0;
    *ret_beats = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(changes[i].operation, BEATS) != 0)
            continue;
        ++*ret_beats;
        for (size_t k = i + 1; k < count; k++) {
            bool next = strcmp(changes[k].operation, BEATS) == 0 && strcmp(changes[k].detail, changes[i].detail) == 0;
            if (!next)
                continue;
            int64_t pause_ms = changes[k].world_ms - changes[i].world_ms;
            longest = pause_ms > longest ? pause_ms : longest;
            break;
        }
    }
    return longest;
}

static void b3_an_instance_refresh_waits_for_each_member_to_be_empty(void **state)
{
    (void)state;
    struct story s;
    asg = (__typeof__(asg)){.hosts = 4, .zones = 3, .hook = true, .slow = true};
    open_group(&s, with_hook);
    pass(&s, 10);
    int64_t since = now_ms(&s);
    assert_int_equal(world_group_refresh(world_of(&s), s.fleet), WORLD_OK);
    int64_t desired = target_of(&s), ended = see(&s).counters->terminations;
    for (int k = 0; k < 150 && see(&s).groups[0].refresh != WR_SUCCESSFUL; k++)
        pass(&s, 1);
    assert_int_equal(see(&s).groups[0].refresh, WR_SUCCESSFUL);
    assert_true(see(&s).counters->terminations - ended >= 4);
    assert_int_equal(see(&s).counters->tasks_lost, 0);
    assert_int_equal(applied_since(&s, ENDS, since), 0);  // nothing voluntary meanwhile
    assert_true(target_of(&s) >= desired);
    assert_true(applied_since(&s, COMPLETES, since) >= 4);
    int beats;
    int64_t pause_ms = longest_pause(&s, &beats);
    print_message("%d heartbeats, at most %" PRId64 " s apart\n", beats, pause_ms / 1000);
    assert_true(beats >= 4 * 4);  // ten minutes of stopping each
    assert_true(pause_ms <= HEARTBEAT_MS / 3);
    pass(&s, 20);
    assert_int_equal(running(&s, s.web), WEB_DESIRED);
    nothing_broke(&s);
    story_close(&s);
}

static void b3_a_refresh_that_begins_undoes_our_drain_and_holds_the_next(void **state)
{
    (void)state;
    struct story s;
    asg = (__typeof__(asg)){.hosts = 6, .zones = 3, .slow = true};
    open_group(&s, NULL);
    int one = until_a_drain(&s);
    assert_int_equal(world_group_protect(world_of(&s), WORLD_PERSON, s.fleet, (int[]){one}, 1, true, NULL), WORLD_OK);  // so that it waits
    int64_t since = now_ms(&s);
    assert_int_equal(world_group_refresh(world_of(&s), s.fleet), WORLD_OK);
    pass(&s, 4);
    assert_true(see(&s).groups[0].refresh == WR_IN_PROGRESS);
    assert_int_equal(see(&s).instances[one].status.now, WE_ACTIVE);
    pass(&s, 20);
    assert_int_equal(applied_since(&s, ENDS, since), 0);
    assert_true(plan_says(&s, "instance refresh"));
    nothing_broke(&s);
    story_close(&s);
}

// What a look knows of refreshes is up to two minutes old; before DRAINING it is asked once more.
static void b3_a_refresh_that_began_since_the_look_is_seen_before_draining(void **state)
{
    (void)state;
    int64_t first_ms = 0, since = 0;
    int one = -1;
    for (int begun = 0; begun < 2; begun++) {  // the same story twice: a second before its drain a refresh begins
        struct story s;
        asg = (__typeof__(asg)){.hosts = 6, .zones = 3, .slow = true};
        open_group(&s, NULL);
        since = now_ms(&s);
        if (begun) {
            loop_run(s.rig.loop, since + first_ms - 1000);
            assert_int_equal(applied_since(&s, "ecs:UpdateContainerInstancesState", since), 0);
            assert_int_equal(world_group_protect(world_of(&s), WORLD_PERSON, s.fleet, (int[]){one}, 1, true, NULL), WORLD_OK);  // so that it waits
            assert_int_equal(world_group_refresh(world_of(&s), s.fleet), WORLD_OK);
            for (int k = 0; k < 20; k++) {
                loop_run(s.rig.loop, now_ms(&s) + 3000);
                assert_int_equal(see(&s).instances[one].status.now, WE_ACTIVE);
            }
        } else {
            one = until_a_drain(&s);
            first_ms = first_after(&s, "ecs:UpdateContainerInstancesState", "", since);
            assert_true(first_ms > 1000);
        }
        nothing_broke(&s);
        story_close(&s);
    }
}

static void b3_a_hook_that_the_policy_does_not_name_is_anothers_to_complete(void **state)
{
    (void)state;
    struct story s;
    asg = (__typeof__(asg)){.hosts = 4, .zones = 3, .hook = true};
    open_group(&s, NULL);
    pass(&s, 10);
    int64_t since = now_ms(&s);
    assert_int_equal(world_group_unhealthy(world_of(&s), an_active(&s)), WORLD_OK);
    pass(&s, 3);
    assert_true(one_with(&s, WE_DRAINING, WM_TERMINATING_WAIT) >= 0);  // but it is drained
    pass(&s, 30);
    assert_int_equal(applied_since(&s, COMPLETES, since) + applied_since(&s, BEATS, since), 0);
    assert_int_equal(ended_by_group(&s, since), 1);
    assert_int_equal(running(&s, s.web), WEB_DESIRED);
    nothing_broke(&s);
    story_close(&s);
}

// ---- B4 ---------------------------------------------------------------------------------------------------------------------
static void b4_members_of_the_warm_pool_and_in_standby_are_left_alone(void **state)
{
    (void)state;
    struct story s;
    asg = (__typeof__(asg)){.hosts = 6, .zones = 3};
    open_group(&s, NULL);
    int type = world_type_index(world_of(&s), "m5.xlarge");
    int idle[] = {
        world_group_add_warm(world_of(&s), s.fleet, type, 0, WM_WARMED_RUNNING, true),
        world_group_add_warm(world_of(&s), s.fleet, type, 1, WM_WARMED_RUNNING, false),
        world_group_add_warm(world_of(&s), s.fleet, type, 2, WM_WARMED_STOPPED, false),
        an_active(&s),
    };
    assert_int_equal(world_group_set_member(world_of(&s), idle[3], WM_STANDBY), WORLD_OK);
    int64_t since = now_ms(&s);
    pass(&s, 90);
    assert_true(applied_since(&s, ENDS, since) > 0);  // others went
    for (size_t k = 0; k < ARRAY_LEN(idle); k++) {
        assert_true(see(&s).instances[idle[k]].state.now == WL_RUNNING || see(&s).instances[idle[k]].state.now == WL_STOPPED);
        assert_int_not_equal(see(&s).instances[idle[k]].status.now, WE_DRAINING);
    }
    assert_int_equal(applied_since(&s, "ec2:TerminateInstances", since), 0);
    assert_int_equal(applied_since(&s, "ecs:DeregisterContainerInstance", since), 0);
    nothing_broke(&s);
    story_close(&s);
}

// ---- B5 ---------------------------------------------------------------------------------------------------------------------
static void b5_an_end_whose_answer_is_lost_costs_no_second_instance(void **state)
{
    (void)state;
    struct story s;
    asg = (__typeof__(asg)){.hosts = 8, .zones = 3};
    open_group(&s, NULL);
    fault(&s, ENDS, SANDBOX_FAULT_TIMEOUT_AFTER, 0, 3);
    int64_t since = now_ms(&s), had = target_of(&s);
    pass(&s, 90);
    assert_true(applied_since(&s, ENDS, since) >= 3);
    assert_int_equal(had - target_of(&s), applied_since(&s, ENDS, since));
    assert_int_equal(serving(&s, -1), target_of(&s));
    assert_int_equal(applied_since(&s, DESIRES, since), 0);
    assert_int_equal(running(&s, s.web), WEB_DESIRED);
    nothing_broke(&s);
    story_close(&s);
}

static void b5_an_order_whose_answer_is_lost_is_not_given_twice_and_never_taken_back(void **state)
{
    (void)state;
    struct story s;
    asg = (__typeof__(asg)){.hosts = 4, .zones = 3};
    open_group(&s, NULL);
    pass(&s, 10);
    fault(&s, DESIRES, SANDBOX_FAULT_TIMEOUT_AFTER, 0, 2);
    want(&s, 60);
    pass(&s, 6);
    int64_t ordered = target_of(&s), since = now_ms(&s);
    assert_true(ordered * 8 >= 60 && (ordered - 2) * 8 <= 60);  // eight fit on each; headroom
    assert_int_equal(world_group_desired(world_of(&s), WORLD_PERSON, s.fleet, ordered + 3, false), WORLD_OK);
    want(&s, 40);
    pass(&s, 90);
    assert_int_equal(applied_since(&s, DESIRES, since), 0);  // what nobody needs goes drained, one by one
    assert_true(target_of(&s) < ordered);
    assert_int_equal(ended_by_group(&s, since), 0);
    nothing_broke(&s);
    story_close(&s);
}

// ---- B6 ---------------------------------------------------------------------------------------------------------------------
static void b6_a_group_whose_launch_is_suspended_is_out_of_stock_and_the_need_goes_elsewhere(void **state)
{
    (void)state;
    struct story s;
    asg = (__typeof__(asg)){.hosts = 4, .zones = 3, .other = true};
    open_group(&s, NULL);
    pass(&s, 10);
    assert_int_equal(world_group_suspend(world_of(&s), WORLD_PERSON, s.fleet, 1u << WP_LAUNCH, true), WORLD_OK);
    int64_t since = now_ms(&s);
    want(&s, 60);
    pass(&s, 10);
    assert_int_equal(applied_since(&s, DESIRES, since), 0);
    expect_alert(&s, ALERT_FLEET_ERROR, "web-asg");
    assert_true(applied_since(&s, "ec2:ModifySpotFleetRequest", since) > 0);
    assert_int_equal(running(&s, s.web), 60);
    nothing_broke(&s);
    story_close(&s);
}

static void b6_a_group_that_another_scales_is_named_and_not_touched(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct story s;
        asg = (__typeof__(asg)){.hosts = 6, .zones = 3};
        open_group(&s, NULL);
        if (k == 0)
            assert_int_equal(world_group_add_policy(world_of(&s), s.fleet, "cpu60", "TargetTrackingScaling"), WORLD_OK);
        else
            world_bind_provider(world_of(&s), world_add_provider(world_of(&s), "managed", true), s.fleet);
        int64_t since = now_ms(&s);
        want(&s, 90);
        pass(&s, 15);
        want(&s, 4);
        pass(&s, 45);
        assert_int_equal(applied_since(&s, NULL, since), 0);
        expect_alert(&s, ALERT_FLEET_FOREIGN, "web-asg");
        assert_true(plan_says(&s, k == 0 ? "cpu60" : "managed"));
        nothing_broke(&s);
        story_close(&s);
    }
}

static void f3_a_group_of_an_unmanaged_provider_is_scaled_from_zero_and_back(void **state)
{
    (void)state;
    struct story s;
    asg = (__typeof__(asg)){.hosts = 4, .zones = 3, .provider = true};
    open_group(&s, NULL);
    pass(&s, 10);
    int jobs = world_find_service(world_of(&s), 0, "jobs"), group = world_find_group(world_of(&s), "jobs-asg");
    assert_int_equal(see(&s).fleets[group].wanted, 0);
    int64_t had = target_of(&s);
    assert_int_equal(world_set_desired(world_of(&s), WORLD_PERSON, jobs, 9), WORLD_OK);
    pass(&s, 10);
    assert_int_equal(running(&s, jobs), 9);
    assert_in_range(see(&s).fleets[group].wanted, 3, 4);
    assert_true(target_of(&s) <= had);
    assert_int_equal(world_set_desired(world_of(&s), WORLD_PERSON, jobs, 0), WORLD_OK);
    pass(&s, 60);
    assert_int_equal(see(&s).fleets[group].wanted, 0);
    nothing_broke(&s);
    story_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(b1_a_rebalancing_group_grows_and_shrinks_and_ends_nothing_of_its_choice),
        cmocka_unit_test(b1_where_rebalancing_would_end_another_it_is_refused_in_words_until_it_is_suspended),
        cmocka_unit_test(b2_what_the_group_would_refuse_is_known_before_anything_is_drained),
        cmocka_unit_test(b2_a_group_that_is_being_deleted_is_left_for_another_and_never_written_to),
        cmocka_unit_test(b2_a_refusal_in_mid_drain_undoes_it_and_spares_that_one_for_an_hour),
        cmocka_unit_test(b2_an_end_that_aws_refuses_undoes_the_drain_and_spares_that_one_for_an_hour),
        cmocka_unit_test(b3_an_instance_refresh_waits_for_each_member_to_be_empty),
        cmocka_unit_test(b3_a_refresh_that_begins_undoes_our_drain_and_holds_the_next),
        cmocka_unit_test(b3_a_refresh_that_began_since_the_look_is_seen_before_draining),
        cmocka_unit_test(b3_a_hook_that_the_policy_does_not_name_is_anothers_to_complete),
        cmocka_unit_test(b4_members_of_the_warm_pool_and_in_standby_are_left_alone),
        cmocka_unit_test(b5_an_end_whose_answer_is_lost_costs_no_second_instance),
        cmocka_unit_test(b5_an_order_whose_answer_is_lost_is_not_given_twice_and_never_taken_back),
        cmocka_unit_test(b6_a_group_whose_launch_is_suspended_is_out_of_stock_and_the_need_goes_elsewhere),
        cmocka_unit_test(b6_a_group_that_another_scales_is_named_and_not_touched),
        cmocka_unit_test(f3_a_group_of_an_unmanaged_provider_is_scaled_from_zero_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
