// What gather keeps of types: how many tasks with an address of their own an instance holds; and when it lists again.
#include "tests/cm.h"

#include "scaler/gather_notices.h"
#include "scaler/gather_region.h"
#include "tests/scaler/gather_bed.h"

static int64_t slots(const char *name, int64_t vcpus, int64_t interfaces, bool trunk)
{
    struct cached_type t = {.type = {.name = name, .vcpus = vcpus, .max_network_interfaces = interfaces}, .known = true};
    return region_eni_slots(&t, trunk);
}

// Type, vCPUs, branch interfaces with a trunk as AWS lists them (April 2023).
static void e7_a_trunk_never_promises_more_than_the_type_holds(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t vcpus, listed;
    } types[] = {
        {"c5.large", 2, 10},      {"c5.2xlarge", 8, 40},   {"c5.12xlarge", 48, 60}, {"c5.18xlarge", 72, 120}, {"m5.8xlarge", 32, 60},
        {"m5.12xlarge", 48, 60},  {"m5.16xlarge", 64, 120}, {"c6i.8xlarge", 32, 90}, {"c6i.12xlarge", 48, 120}, {"c6g.medium", 1, 4},
        {"g4ad.xlarge", 4, 12},   {"g4ad.16xlarge", 64, 12}, {"g5.xlarge", 4, 6},    {"g5.2xlarge", 8, 19},    {"g5.4xlarge", 16, 40},
        {"g5.12xlarge", 48, 120}, {"i4i.xlarge", 4, 8},    {"i4i.4xlarge", 16, 58}, {"i4i.32xlarge", 128, 498}, {"x2iedn.xlarge", 4, 13},
        {"u-6tb1.56xlarge", 224, 12}, {"trn1.2xlarge", 8, 19}, {"x2iedn.2xlarge", 8, 29},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        int64_t n = slots(types[i].name, types[i].vcpus, 4, true);
        if (n <= 0 || n > types[i].listed)
            fail_msg("%s: %d slots, AWS lists %d", types[i].name, (int)n, (int)types[i].listed);
    }
    assert_int_equal(slots("c5.2xlarge", 8, 4, true), 40);
}

static void e7_without_a_trunk_one_interface_is_the_instances_own(void **state)
{
    (void)state;
    assert_int_equal(slots("c5.large", 2, 3, false), 2);
    assert_int_equal(slots("c5.large", 2, 0, false), 0);
    assert_int_equal(region_eni_slots(NULL, true), 2);
}

static void instances_of_no_fleet_do_not_hide_that_a_member_boots(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 1, "m5.xlarge", 1);
    add_host(w, f, 0);
    for (int i = 0; i < 3; i++)
        add_host(w, -1, 0);
    later(w, 60000);
    assert_int_equal(world_modify_spot_fleet(w, WORLD_PERSON, f, 2, -1, WX_NO_TERMINATION), WORLD_OK);
    struct bed b;
    bed_open(&b, w);
    bed_look(&b);
    int64_t boots = 0, lists = 0;
    for (int i = 0; i < 12; i++) {
        int64_t before = bed_calls(&b, "ecs:ListContainerInstances");
        bool booted = b.s.instance_count == 5 && bed_instance(&b, 4)->ecs == ECS_UNREGISTERED;
        bed_look_later(&b, 15000);
        boots += booted;
        lists += booted && bed_calls(&b, "ecs:ListContainerInstances") > before;
    }
    assert_int_equal(bed_instance(&b, 4)->ecs, ECS_ACTIVE);
    assert_true(boots >= 3);
    assert_int_equal(lists, boots);
    int64_t before = bed_calls(&b, "ecs:ListContainerInstances");
    for (int i = 0; i < 10; i++)
        bed_look_later(&b, 30000);
    assert_int_equal(bed_calls(&b, "ecs:ListContainerInstances") - before, 2);  // in their own turn again
    bed_close(&b);
}

// An answer says of one that it is missing: it is found again in the next look, not when the lists have their turn.
static void a_running_instance_that_ecs_did_not_show_is_listed_again(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 2, "m5.xlarge", 1);
    for (int i = 0; i < 2; i++)
        add_host(w, f, 0);
    struct bed b;
    struct err err = {0};
    bed_open(&b, w);
    bed_look_later(&b, 60000);
    for (int after = 1; after <= 5; after++) {  // whenever the lists had their turn
        for (int i = 0; i < after; i++)
            bed_look_later(&b, 30000);
        assert_int_equal(bed_instance(&b, 1)->ecs, ECS_ACTIVE);
        assert_int_equal(sandbox_add_fault(b.sandbox, &(struct sandbox_fault){"ecs:DescribeContainerInstances", SANDBOX_FAULT_PARTIAL, 0, 1}, &err), 0);
        bed_later(&b, 30000);
        assert_int_equal(gather_look(b.gather, &b.policy, 20000, &b.arena, &b.s, &err), 0);
        assert_int_equal(bed_instance(&b, 1)->ecs, ECS_UNREGISTERED);
        bed_look_later(&b, 30000);
        assert_int_equal(bed_instance(&b, 1)->ecs, ECS_ACTIVE);
    }
    bed_close(&b);
}

static void each_boot_teaches_once_how_long_it_took(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 4, "m5.xlarge", 1);
    for (int i = 0; i < 4; i++)
        add_host(w, f, 0);  // 75 s each
    struct bed b;
    bed_open(&b, w);
    for (int i = 0; i < 6; i++)
        assert_int_equal(bed_look_later(&b, 15000)->boot_p90_ms, 0);  // of fewer than five nothing is said
    assert_int_equal(world_modify_spot_fleet(w, WORLD_PERSON, f, 5, -1, WX_NO_TERMINATION), WORLD_OK);
    for (int i = 0; i < 20; i++)
        bed_look_later(&b, 15000);
    struct world_instance last = host(w, 4);
    int64_t last_ms = last.registered_ms - last.launched_ms;
    assert_true(last_ms > 0);
    assert_int_equal(b.s.boot_p95_ms / 1000, (last_ms > 75000 ? last_ms : 75000) / 1000);
    bed_close(&b);
}

static void learn_boot(struct bed *b, const char *type, int64_t ms)
{
    struct fact_container c = {.type = type, .state = ECS_ACTIVE, .registered_ms = 1000000 + ms};
    struct fact_ec2 e = {.type = type, .launched_ms = 1000000};
    gather_learn(b->gather, &c, &e);
}

// What waits for capacity waits for the slowest pool that is used.
static void the_type_that_boots_slowest_tells_how_long_a_boot_takes(void **state)
{
    (void)state;
    struct world *w = calm_world();
    add_fleet(w, 1, "m5.xlarge", 1);
    struct bed b;
    bed_open(&b, w);
    for (int i = 0; i < 59; i++)
        learn_boot(&b, "m5.xlarge", 60000);
    for (int i = 0; i < 4; i++)
        learn_boot(&b, "m5.metal", 400000);
    assert_int_equal(gather_boot_ms(b.gather, 90), 60000);
    learn_boot(&b, "m5.metal", 390000);
    assert_int_equal(gather_boot_ms(b.gather, 90), 400000);
    for (int i = 0; i < 60; i++)
        learn_boot(&b, "m5.xlarge", 120000);  // a slower image; the other type is in use no more
    assert_int_equal(gather_boot_ms(b.gather, 90), 120000);
    bed_close(&b);
}

// D1: a look lists the instances, then we write, then the look ends. A notice is answered by what was written last, not by the list.
static void d1_what_was_written_while_a_look_went_on_is_laid_over_it(void **state)
{
    (void)state;
    static const enum action_kind orders[2][2] = {{ACTION_DRAIN, ACTION_UNDRAIN}, {ACTION_UNDRAIN, ACTION_DRAIN}};
    static const enum ecs_state listed[2] = {ECS_DRAINING, ECS_ACTIVE}, then[2] = {ECS_ACTIVE, ECS_DRAINING};
    struct world *w = calm_world();
    int f = add_fleet(w, 1, "m5.xlarge", 1);
    add_host(w, f, 0);
    struct bed b;
    bed_open(&b, w);
    for (int k = 0; k < 2; k++) {
        bed_look_later(&b, 60000);
        struct snapshot last = b.s, told;
        assert_int_equal(last.instance_count, 1);
        last.instances[0].ecs = listed[k];
        bed_later(&b, 100);
        for (int i = 0; i < 2; i++)
            gather_wrote(b.gather, orders[k][i], last.instances[0].id, NULL);
        bed_later(&b, 500);
        last.now_ms = clock_wall_ms(&b.clock);
        gather_notice_snapshot(b.gather, &last, false, AWS_LANE_NOTICE, &b.arena, &told);
        assert_int_equal(told.instances[0].ecs, then[k]);
    }
    bed_close(&b);
}

// D8: two fleets have members in three zones; while a call that spans the first of them fails, the others are asked for alone.
static void d8_where_a_zone_fails_the_others_are_known_by_calls_of_their_own(void **state)
{
    (void)state;
    enum { HOSTS = 12 };
    struct world *w = calm_world();
    for (int f = 0; f < 2; f++)
        add_fleet(w, HOSTS / 2, "m5.xlarge", 1);
    for (int i = 0; i < HOSTS; i++)
        add_host(w, i % 2, i % 3);
    struct bed b;
    struct err err = {0};
    bed_open(&b, w);
    struct policy_fleet fleets[] = {b.fleets[0], b.fleets[0]};
    fleets[1].id = arena_strdup(&b.arena, fleet(w, 1).id);
    b.policy.fleets = fleets;
    b.policy.fleet_count = ARRAY_LEN(fleets);
    bed_look_later(&b, 60000);
    sandbox_impair_zone(b.sandbox, world_view(w).zones[0]);
    const char *ids[4];
    for (int i = 0; i < 4; i++)
        ids[i] = arena_strdup(&b.arena, host(w, i).id);
    for (int i = 0; i < 2; i++)  // one here, one there
        assert_int_equal(world_terminate(w, WORLD_PERSON, &i, 1), WORLD_OK);
    for (int look = 0; look < 6; look++) {
        int64_t calls = bed_calls(&b, "ec2:DescribeInstances");
        bed_later(&b, 30000);
        assert_int_equal(gather_look(b.gather, &b.policy, 20000, &b.arena, &b.s, &err), 0);
        assert_int_equal(b.s.sources[SOURCE_EC2_INSTANCES].state, SOURCE_PARTIAL);  // holds removal, not orders
        assert_int_equal(b.s.sources[SOURCE_FLEETS].state, SOURCE_OK);              // EC2 as such is not given up
        bool runs[4] = {false};
        for (size_t i = 0; i < b.s.instance_count; i++)
            for (int k = 0; k < 4; k++)
                runs[k] |= strcmp(b.s.instances[i].id, ids[k]) == 0 && b.s.instances[i].ec2 == EC2_RUNNING;
        assert_true(runs[0] && runs[3]);  // as they were last seen
        assert_true(runs[2] && !runs[1]);
        calls = bed_calls(&b, "ec2:DescribeInstances") - calls;
        assert_in_range(calls, 1, look == 0 ? 12 : 6);  // the zones, of the failed one once, and one for those without a fleet
    }
    sandbox_impair_zone(b.sandbox, "");
    bed_look_later(&b, 30000);
    int64_t calls = bed_calls(&b, "ec2:DescribeInstances");
    bed_look_later(&b, 30000);
    assert_in_range(bed_calls(&b, "ec2:DescribeInstances") - calls, 2, 3);  // at once again
    bed_close(&b);
}

// V2: ListTasks names a task that stops, DescribeTasks calls it MISSING, as the two may be of different ages. The box is not empty.
static void v2_a_task_that_is_listed_and_missing_still_holds_its_box(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 2, "m5.xlarge", 1), before = 0, partial = 0;
    for (int i = 0; i < 2; i++)
        add_host(w, f, i);
    add_service(w, (struct a_service){"web", 1024, 1024, 4, 100, 200, WS_SPREAD_ZONE, false, false});
    struct bed b;
    struct err err = {0};
    bed_open(&b, w);
    bed_look_later(&b, 60000);
    assert_int_equal(world_tag(w, WORLD_OURS, 0, "masu:drain", "owner=masu;at=2026-01-12T00:00:00Z;reason=unneeded"), WORLD_OK);
    assert_int_equal(world_set_container_instance_state(w, WORLD_OURS, 0, 0, WE_DRAINING), WORLD_OK);
    bed_look_later(&b, 1000);
    assert_true(alive_on(w, 0) > 0);
    assert_int_equal(sandbox_add_fault(b.sandbox, &(struct sandbox_fault){"ecs:DescribeTasks", SANDBOX_FAULT_PARTIAL, 0, -1}, &err), 0);
    for (int look = 0; look < 60; look++) {
        bed_later(&b, 2000);
        int alive = alive_on(w, 0);
        assert_int_equal(gather_look(b.gather, &b.policy, 20000, &b.arena, &b.s, &err), 0);
        bool ok = b.s.sources[SOURCE_TASKS].state == SOURCE_OK;
        int32_t held = 0;
        for (size_t k = 0; k < bed_instance(&b, 0)->holding_count; k++)
            held += bed_instance(&b, 0)->holdings[k].running + bed_instance(&b, 0)->holdings[k].pending + bed_instance(&b, 0)->holdings[k].stopping;
        assert_true(!ok || held > 0 || alive == 0);
        before += alive > 0;
        partial += !ok;
    }
    assert_int_equal(alive_on(w, 0), 0);
    assert_true(before > 3);
    assert_true(partial > 0);
    bed_close(&b);
}

static void a7_members_of_a_fleet_that_is_cancelled_with_its_instances_are_doomed(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 2, "m5.xlarge", 1);
    for (int i = 0; i < 2; i++)
        add_host(w, f, i);
    struct bed b;
    bed_open(&b, w);
    bed_look_later(&b, 60000);
    assert_int_equal(bed_instance(&b, 0)->notice_ms, 0);
    bed_say(&b, "DescribeSpotFleetRequests", "<spotFleetRequestState>active<", "<spotFleetRequestState>cancelled_terminating<");
    bed_look_later(&b, 30000);
    assert_true(b.replaced > 0);
    int64_t told_ms = bed_instance(&b, 0)->notice_ms;
    assert_in_range(told_ms, b.s.now_ms - 5000, b.s.now_ms);
    bed_look_later(&b, 30000);
    for (int i = 0; i < 2; i++)
        assert_int_equal(bed_instance(&b, i)->notice_ms, told_ms);  // since it was first seen
    bed_close(&b);
}

static void learn(struct bed *b, int64_t memory_mib, int64_t registered_ms)
{
    struct fact_container c = {.type = "m5.xlarge", .state = ECS_ACTIVE, .registered = res_make(4096, memory_mib), .registered_ms = registered_ms};
    gather_learn(b->gather, &c, &(struct fact_ec2){.type = "m5.xlarge", .ever_registered = true});
}

// E3: both are looked at again and again, in whatever order.
static void e3_of_two_images_of_a_type_the_newest_registration_is_learned(void **state)
{
    (void)state;
    struct bed b;
    int64_t changes, was = 0;
    size_t count;
    struct world *w = calm_world();
    add_fleet(w, 0, "m5.xlarge", 1);
    bed_open(&b, w);
    for (int k = 0; k < 6; k++) {
        learn(&b, k % 2 ? 14000 : 15000, k % 2 ? 2000 : 1000);
        learn(&b, k % 2 ? 15000 : 14000, k % 2 ? 1000 : 2000);
        assert_int_equal(gather_learned(b.gather, "m5.xlarge")->registered.v[RES_MEMORY], 14000);
        gather_learned_types(b.gather, &count, &changes);
        assert_true(k == 0 || changes == was);
        was = changes;
    }
    bed_close(&b);
}

// ---- the poll of spot requests ------------------------------------------------------------------------------------------------

enum { REQUESTS = 3000 };
static const char *request_names(int i)
{
    static char names[REQUESTS][24];
    snprintf(names[i], sizeof names[i], "i-0%016d", i);
    return names[i];
}

static size_t poll(struct bed *b, int64_t status_ms, int64_t now)
{
    static struct ec2_spot_request items[REQUESTS];
    const char *ids[8];
    for (int i = 0; i < REQUESTS; i++)
        items[i] = (struct ec2_spot_request){.instance = request_names(i), .status_ms = status_ms + i};
    return region_notices_polled(b->region, &(struct ec2_spot_requests){.items = items, .count = REQUESTS}, now, ids, ARRAY_LEN(ids));
}

static struct world *a_host(void)
{
    struct world *w = calm_world();
    add_host(w, add_fleet(w, 1, "m5.xlarge", 1), 0);
    return w;
}

// The requests of a whole region are told of, those of other teams among them, and for hours.
static void d5_requests_of_a_large_region_leave_room_for_notices(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, a_host());
    int64_t now = clock_wall_ms(&b.clock), launched = now - 7200000;
    assert_int_equal(poll(&b, now - 3600000, now), 0);  // of an hour ago: nobody's any more
    assert_false(region_notice_known(b.region, request_names(0)));

    assert_true(region_notice_add(b.region, "i-told", &(struct notice_fact){.at_ms = now - 30000, .heard_ms = now}));
    assert_int_equal(poll(&b, now - 20000, now), 8);  // as many as there is room for, all of now
    assert_int_equal(region_notice_ms(b.region, "i-told", launched), now - 30000);
    assert_true(region_notice_known(b.region, request_names(REQUESTS - 1)));  // the newest are kept
    assert_true(region_notice_add(b.region, "i-told-too", &(struct notice_fact){.at_ms = now - 40000, .heard_ms = now}));
    assert_true(region_notice_add(b.region, "i-warned", &(struct notice_fact){.at_ms = now - 40000, .heard_ms = now, .risk = true}));
    poll(&b, now - 20000, now + 15000);
    assert_int_equal(region_notice_ms(b.region, "i-told", launched), now - 30000);
    assert_int_equal(region_notice_ms(b.region, "i-told-too", launched), now - 40000);
    assert_int_equal(region_risk_ms(b.region, "i-warned", launched), now - 40000);
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a7_members_of_a_fleet_that_is_cancelled_with_its_instances_are_doomed),
        cmocka_unit_test(d1_what_was_written_while_a_look_went_on_is_laid_over_it),
        cmocka_unit_test(d5_requests_of_a_large_region_leave_room_for_notices),
        cmocka_unit_test(d8_where_a_zone_fails_the_others_are_known_by_calls_of_their_own),
        cmocka_unit_test(e3_of_two_images_of_a_type_the_newest_registration_is_learned),
        cmocka_unit_test(e7_a_trunk_never_promises_more_than_the_type_holds),
        cmocka_unit_test(e7_without_a_trunk_one_interface_is_the_instances_own),
        cmocka_unit_test(a_running_instance_that_ecs_did_not_show_is_listed_again),
        cmocka_unit_test(each_boot_teaches_once_how_long_it_took),
        cmocka_unit_test(the_type_that_boots_slowest_tells_how_long_a_boot_takes),
        cmocka_unit_test(instances_of_no_fleet_do_not_hide_that_a_member_boots),
        cmocka_unit_test(v2_a_task_that_is_listed_and_missing_still_holds_its_box),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
