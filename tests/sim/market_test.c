// The spot market that follows a record: what is read, who goes, what is told, and whether it was made good in time.
#include "planner/sim/market_trace.h"
#include "tests/sim/fixture.h"

#define HEAD "timestamp,zone,instance_type,available\n"
#define PRICED "timestamp,zone,instance_type,price_usd_hour\n"

struct market {
    struct arena a;
    struct market_trace t;
};

static void read_market(struct market *m, const char *text)
{
    struct err err = {0};
    arena_init(&m->a, 0);
    if (market_trace_parse(slice_of(text), "m.csv", &m->a, &m->t, &err) != 0)
        fail_msg("%s", err.msg);
}

static struct world *world_on(const struct market *m)
{
    struct world_options o = calm_options();
    o.market = &m->t;
    return calm_world_with(&o);
}

static int pool_of(const struct world *w, const char *type, int zone)
{
    struct world_view v = world_view(w);
    for (int p = 0; p < v.pool_count; p++)
        if (v.pools[p].zone == zone && !strcmp(v.types[v.pools[p].type].name, type))
            return p;
    return -1;
}

static int noticed(const struct world *w)
{
    struct world_view v = world_view(w);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].notice_ms > 0;
    return n;
}

static void mistakes_name_their_line_and_column_and_what_is_expected(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "m.csv:0: column 1: header begins with \"\": expected the columns timestamp, zone, instance_type, and available or price_usd_hour"},
        {"time,zone,instance_type,available\n", "m.csv:1: column 1: header begins with \"time\": expected the columns timestamp"},
        {HEAD, "m.csv:1: no rows: expected one for each change of a pool"},
        {HEAD "0,a,x,1\n0,a,x,-2\n", "m.csv:3: column 4: value \"-2\": expected a number available, 0 to 1000000, or -1"},
        {HEAD "yesterday,a,x,1\n", "m.csv:2: column 1: time \"yesterday\": expected epoch seconds"},
        {HEAD "60,a,x,1\n0,a,x,0\n", "m.csv:3: column 1: time \"0\": expected no earlier than in the row before: sort the file by time"},
        {HEAD "0,,x,1\n", "m.csv:2: column 2: zone \"\": expected a name as us-east-1a"},
        {HEAD "0,a,x y,1\n", "m.csv:2: column 3: instance type \"x y\": expected a name as c5.2xlarge"},
        {HEAD "0,a,x,-1\n", "m.csv: pool x a has no value before its -1"},
        {HEAD "0,a,x,1\n60,a,x\n", "m.csv:3: column 4: 3 fields: expected 4 as in the first row"},
        {PRICED "0,a,x,0\n", "m.csv:2: column 4: value \"0\": expected USD an hour"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        struct market_trace t;
        struct err err = {0};
        arena_init(&a, 0);
        assert_int_not_equal(market_trace_parse(slice_of(cases[i].text), "m.csv", &a, &t, &err), 0);
        if (strncmp(err.msg, cases[i].says, strlen(cases[i].says)))
            fail_msg("%s\nexpected %s", err.msg, cases[i].says);
        arena_release(&a);
    }
}

static void a_record_is_a_step_function_that_loops_where_its_pool_closes(void **state)
{
    (void)state;
    struct market m;
    read_market(&m, HEAD "1000,a,x,4\n1000,b,x,1\n1600,a,x,2\n2200,a,x,-1\n4600,b,x,0\n");
    const struct market_series *a = &m.t.series[0], *b = &m.t.series[1];
    assert_int_equal(m.t.series_count, 2);
    assert_int_equal(m.t.type_count, 1);
    assert_int_equal(a->length_s, 1200);
    assert_int_equal(b->length_s, 3600);
    static const int64_t at_s[] = {0, 599, 600, 1199, 1200, 1800};
    static const double is[] = {4, 4, 2, 2, 4, 2};
    for (size_t i = 0; i < ARRAY_LEN(at_s); i++)
        assert_float_equal(market_trace_at(a, at_s[i]), is[i], 0);
    assert_int_equal(market_trace_next_s(a, 0), 600);
    assert_int_equal(market_trace_next_s(a, 600), 1200);
    assert_int_equal(market_trace_next_s(a, 1250), 1800);
    assert_float_equal(a->most, 4, 0);
    arena_release(&m.a);
}

static void when_availability_falls_as_large_a_share_of_the_pool_gets_its_notice(void **state)
{
    (void)state;
    struct market m;
    read_market(&m, HEAD "0,us-east-1a,m5.xlarge,4\n0,us-east-1b,m5.xlarge,4\n600,us-east-1a,m5.xlarge,3\n1200,us-east-1a,m5.xlarge,0\n"
                         "9000,us-east-1a,m5.xlarge,4\n");
    struct world *w = world_on(&m);
    int f = add_fleet(w, 0, "m5.xlarge", 1);
    for (int i = 0; i < 8; i++)
        add_host(w, f, 0);
    add_host(w, f, 1);
    later(w, 599000);
    assert_int_equal(noticed(w), 0);
    later(w, 1000);
    assert_int_equal(noticed(w), 2);  // a quarter of eight
    later(w, 600000);
    assert_int_equal(world_view(w).counters->interruptions, 8);
    assert_int_equal(host(w, 8).notice_ms, 0);  // another zone's pool
    assert_int_equal(world_view(w).pools[pool_of(w, "m5.xlarge", 0)].depth, 0);
    later(w, 7800000);
    assert_true(world_view(w).pools[pool_of(w, "m5.xlarge", 0)].depth > 0);
    world_free(w);
    arena_release(&m.a);
}

static int stock_of_m5(const struct world *w)
{
    return world_view(w).pools[pool_of(w, "m5.xlarge", 0)].depth;
}

static void what_is_given_back_is_in_stock_again_and_what_aws_takes_is_not(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 0, "m5.xlarge", 1), hosts[3];
    for (int k = 0; k < 3; k++)
        hosts[k] = add_host(w, f, 0);
    later(w, 1000);
    int was = stock_of_m5(w);
    assert_int_equal(world_terminate(w, WORLD_PERSON, &hosts[0], 1), WORLD_OK);
    later(w, 60000);
    assert_int_equal(stock_of_m5(w), was + 1);
    world_interrupt(w, hosts[1]);
    later(w, 240000);
    assert_int_equal(host(w, hosts[1]).state.now, WL_TERMINATED);
    assert_int_equal(stock_of_m5(w), was + 1);
    world_set_shortage(w, pool_of(w, "m5.xlarge", 0), world_view(w).now_ms + 3600000);
    assert_int_equal(world_terminate(w, WORLD_PERSON, &hosts[2], 1), WORLD_OK);
    later(w, 60000);
    assert_int_equal(stock_of_m5(w), 0);  // nothing is to be had meanwhile
    world_free(w);
}

static void a_fleet_gets_nothing_from_pools_that_are_out_and_its_history_says_so(void **state)
{
    (void)state;
    struct market m;
    read_market(&m, HEAD "0,us-east-1a,m5.xlarge,0\n0,us-east-1b,m5.xlarge,0\n0,us-east-1c,m5.xlarge,0\n3600,us-east-1c,m5.xlarge,1\n"
                         "7200,us-east-1c,m5.xlarge,0\n");
    struct world *w = world_on(&m);
    int f = add_fleet(w, 2, "m5.xlarge", 1);
    later(w, 600000);
    assert_int_equal(members(w, f), 0);
    assert_true(world_view(w).counters->launch_failures > 0);
    bool all = false, one = false;
    struct world_fleet x = fleet(w, f);
    for (int k = 0; k < WORLD_FLEET_EVENTS && x.events[k].at_ms > 0; k++) {
        all |= !strcmp(x.events[k].sub_type, "allLaunchSpecsTemporarilyBlacklisted");
        one |= !strcmp(x.events[k].sub_type, "launchSpecTemporarilyBlacklisted") && x.events[k].pool >= 0;
    }
    assert_true(all);
    assert_true(one);
    later(w, 3100000);  // zone c has some again
    assert_int_equal(members(w, f), 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(world_view(w).pools[host(w, i).pool].zone, 2);
    world_free(w);
    arena_release(&m.a);
}

static void on_demand_instances_launch_while_spot_is_out_and_stay(void **state)
{
    (void)state;
    struct market m;
    read_market(&m, HEAD "0,a,x,0\n600,a,x,0\n");
    struct world *w = world_on(&m);
    int f = add_fleet(w, 0, "m5.xlarge", 1);
    later(w, 60000);
    assert_int_equal(world_modify_spot_fleet(w, WORLD_PERSON, f, 3, 2, WX_NO_TERMINATION), WORLD_OK);
    later(w, 300000);
    assert_int_equal(members(w, f), 2);
    assert_false(host(w, 0).spot);
    world_free(w);
    arena_release(&m.a);
}

static void a_price_is_told_as_recorded_and_one_above_on_demand_interrupts(void **state)
{
    (void)state;
    struct market m;
    read_market(&m, PRICED "0,us-east-1a,m5.xlarge,0.05\n600,us-east-1a,m5.xlarge,0.0712\n1200,us-east-1a,m5.xlarge,0.3\n1800,us-east-1a,m5.xlarge,0.06\n");
    struct world *w = world_on(&m);
    int f = add_fleet(w, 0, "m5.xlarge", 1), p = pool_of(w, "m5.xlarge", 0);
    add_host(w, f, 0);
    assert_int_equal(world_view(w).pools[p].spot_usd_micro, 50000);
    later(w, 600000);
    assert_int_equal(world_view(w).pools[p].spot_usd_micro, 71200);
    assert_int_equal(world_view(w).pools[p].price_changed_ms, world_view(w).now_ms);
    assert_int_equal(noticed(w), 0);
    later(w, 600000);
    assert_int_equal(world_view(w).pools[p].spot_usd_micro, 192000);
    assert_int_equal(noticed(w), 1);
    later(w, 590000);
    assert_int_equal(world_view(w).pools[p].depth, 0);
    world_free(w);
    arena_release(&m.a);
}

static void records_of_other_types_are_dealt_to_all_pools_the_same_in_every_run(void **state)
{
    (void)state;
    struct market m;
    read_market(&m, HEAD "0,a,x,1\n0,b,x,2\n0,a,y,1\n600,a,x,0\n1200,b,x,1\n1800,a,y,0\n9000,a,x,1\n");
    struct world *w = world_on(&m), *again = world_on(&m);
    struct world_view v = world_view(w), u = world_view(again);
    int follow[3] = {0}, same_record_and_time = 0;
    for (int p = 0; p < v.pool_count; p++) {
        assert_in_range(v.pools[p].series, 0, 2);
        follow[v.pools[p].series]++;
        assert_int_equal(v.pools[p].series, u.pools[p].series);
        assert_int_equal(v.pools[p].shift_s, u.pools[p].shift_s);
        for (int q = 0; q < p; q++)
            same_record_and_time += v.pools[p].series == v.pools[q].series && v.pools[p].shift_s == v.pools[q].shift_s;
    }
    for (int s = 0; s < 3; s++)
        assert_true(follow[s] > 0);
    assert_int_equal(same_record_and_time, 0);
    world_free(w);
    world_free(again);
    arena_release(&m.a);
}

// ---- made good in time ------------------------------------------------------------------------------------------------------

static void interrupt_and_wait(struct world *w, int instance)
{
    world_interrupt(w, instance);
    world_set_container_instance_state(w, WORLD_OURS, 0, instance, WE_DRAINING);
    later(w, 150000);
}

static void assert_in_time(const struct world *w, int64_t tasks, int64_t in_time)
{
    struct world_summary s;
    world_summary(w, &s);
    assert_int_equal(s.interrupted_tasks, tasks);
    assert_int_equal(s.interrupted_tasks_in_time, in_time);
}

static void tasks_with_room_elsewhere_were_replaced_in_time_and_the_others_were_not(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 0, "m5.xlarge", 1);
    add_host(w, f, 0);
    add_service(w, (struct a_service){"web", 1024, 1024, 4, 50, 200, WS_BINPACK_CPU, false, false});
    later(w, 120000);
    assert_int_equal(tasks_on(w, 0, 0), 4);
    int b = add_host(w, f, 1);
    add_service(w, (struct a_service){"other", 2048, 1024, 1, 100, 200, WS_BINPACK_CPU, false, false});
    later(w, 120000);
    assert_int_equal(tasks_on(w, 1, b), 1);
    interrupt_and_wait(w, 0);
    assert_in_time(w, 4, 2);  // two of 1 vCPU beside one of 2
    world_free(w);
}

// A service of two at 100/100 can neither start nor stop a task: ECS uses no room before the instance is gone.
static struct world *clock_and_spare(int *ret_spare)
{
    struct world *w = calm_world();
    int f = add_fleet(w, 0, "m5.xlarge", 1);
    add_host(w, f, 0);
    add_service(w, (struct a_service){"clock", 1024, 1024, 2, 100, 100, WS_BINPACK_CPU, false, false});
    later(w, 120000);
    *ret_spare = add_host(w, f, 1);
    world_interrupt(w, 0);
    later(w, 60000);
    return w;
}

static void room_that_ecs_has_not_used_yet_counts(void **state)
{
    (void)state;
    int spare;
    struct world *w = clock_and_spare(&spare);
    assert_int_equal(tasks_on(w, 0, spare), 0);
    later(w, 61000);
    assert_in_time(w, 2, 2);
    world_free(w);
}

static void room_of_a_doomed_instance_does_not_count(void **state)
{
    (void)state;
    int spare;
    struct world *w = clock_and_spare(&spare);
    world_interrupt(w, spare);
    later(w, 70000);
    assert_in_time(w, 2, 0);
    world_free(w);
}

static void a_missing_task_is_late_once_however_many_instances_its_service_lost(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int f = add_fleet(w, 0, "m5.xlarge", 1);
    add_host(w, f, 0);
    add_host(w, f, 1);
    add_service(w, (struct a_service){"web", 2048, 1024, 4, 50, 200, WS_SPREAD_INSTANCE, false, false});
    later(w, 120000);
    int c = add_host(w, f, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tasks_on(w, 0, i), 2);
        world_interrupt(w, i);
    }
    for (int i = 0; i < 2; i++)
        world_set_container_instance_state(w, WORLD_OURS, 0, i, WE_DRAINING);
    later(w, 150000);
    assert_int_equal(tasks_on(w, 0, c), 2);
    assert_in_time(w, 4, 2);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_name_their_line_and_column_and_what_is_expected),
        cmocka_unit_test(a_record_is_a_step_function_that_loops_where_its_pool_closes),
        cmocka_unit_test(when_availability_falls_as_large_a_share_of_the_pool_gets_its_notice),
        cmocka_unit_test(what_is_given_back_is_in_stock_again_and_what_aws_takes_is_not),
        cmocka_unit_test(a_fleet_gets_nothing_from_pools_that_are_out_and_its_history_says_so),
        cmocka_unit_test(on_demand_instances_launch_while_spot_is_out_and_stay),
        cmocka_unit_test(a_price_is_told_as_recorded_and_one_above_on_demand_interrupts),
        cmocka_unit_test(records_of_other_types_are_dealt_to_all_pools_the_same_in_every_run),
        cmocka_unit_test(tasks_with_room_elsewhere_were_replaced_in_time_and_the_others_were_not),
        cmocka_unit_test(room_that_ecs_has_not_used_yet_counts),
        cmocka_unit_test(room_of_a_doomed_instance_does_not_count),
        cmocka_unit_test(a_missing_task_is_late_once_however_many_instances_its_service_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
