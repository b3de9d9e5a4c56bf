#include <math.h>

#include "tests/sim/fixture.h"

static struct world *a_default(uint64_t seed, const struct world_options *o)
{
    struct world *w = NULL;
    struct err err = {0};
    if (world_default(seed, o, &w, &err) < 0)
        fail_msg("%s", err.msg);
    return w;
}

static void text_of(const struct world *w, struct buf *b)
{
    struct world_summary s;
    world_summary(w, &s);
    buf_printf(b, "%" PRId64 " %" PRId64 " %" PRId64 " %.17g %" PRId64 " %" PRId64 " %" PRId64 " %.17g %.17g %" PRId64 " %" PRId64 "\n",
               s.virtual_ms, s.task_seconds, s.task_seconds_waited, s.instance_hours, s.cost_usd_micro, s.instances_min, s.instances_max,
               s.instances_mean, s.need_mean, s.interruptions, s.counters.tasks_started);
    for (size_t i = 0; i < s.series_count; i++)
        buf_printf(b, "%.17g %.17g %.17g %.17g %" PRId64 "\n", s.series[i].instances, s.series[i].need, s.series[i].demanded,
                   s.series[i].waiting, s.series[i].cost_usd_micro);
    struct world_view v = world_view(w);
    for (int i = 0; i < v.task_count; i++)
        buf_printf(b, "%s %d\n", v.tasks[i].id, v.tasks[i].instance);
}

static void a_day_of(uint64_t seed, int64_t step_ms, struct buf *b)
{
    struct world_options o;
    world_options_default(&o);
    struct world *w = a_default(seed, &o);
    for (int64_t t = 0; t < 86400000; t += step_ms)
        world_advance(w, o.start_ms + t + step_ms);
    buf_init(b, 8 << 20);
    text_of(w, b);
    world_free(w);
}

static void the_same_seed_gives_the_same_day_to_the_byte(void **state)
{
    (void)state;
    struct buf a, b, c;
    a_day_of(7, 86400000, &a);
    a_day_of(7, 30000, &b);  // however often it is asked to go on
    a_day_of(8, 86400000, &c);
    assert_string_equal(buf_str(&a), buf_str(&b));
    assert_string_not_equal(buf_str(&a), buf_str(&c));
    buf_release(&a);
    buf_release(&b);
    buf_release(&c);
}

static void the_default_world_has_the_promised_size_and_begins_in_order(void **state)
{
    (void)state;
    struct world_options o;
    world_options_default(&o);
    struct world *w = a_default(3, &o);
    struct world_view v = world_view(w);
    int32_t waiting = 0, daemons = 0;
    bool types[64] = {0}, zones[8] = {0};
    int type_count = 0, zone_count = 0;
    for (int s = 0; s < v.service_count; s++) {
        daemons += v.services[s].daemon;
        waiting += v.services[s].desired - v.services[s].running;
    }
    for (int i = 0; i < v.instance_count; i++) {
        type_count += !types[v.pools[v.instances[i].pool].type];
        zone_count += !zones[v.pools[v.instances[i].pool].zone];
        types[v.pools[v.instances[i].pool].type] = zones[v.pools[v.instances[i].pool].zone] = true;
    }
    assert_int_equal(v.cluster_count, 2);
    assert_int_equal(v.service_count, 20);
    assert_int_equal(daemons, 2);
    assert_int_equal(type_count, 5);
    assert_int_equal(zone_count, 3);
    assert_in_range(v.instance_count, 15, 35);
    assert_int_equal(waiting, 0);
    for (int f = 0; f < v.fleet_count; f++) {
        assert_int_equal(v.fleets[f].state.now, WF_ACTIVE);
        assert_int_equal(v.fleets[f].target.now * 1000, v.fleets[f].fulfilled_milli);
    }
    world_free(w);
}

static void counts_of_ecs_agree_with_its_tasks_after_a_day(void **state)
{
    (void)state;
    struct world_options o;
    world_options_default(&o);
    o.interruptions_per_instance_day = 3;
    o.deployments_per_day = 40;
    struct world *w = a_default(11, &o);
    for (int h = 1; h <= 24; h++) {
        world_advance(w, o.start_ms + h * 3600000LL);
        struct world_view v = world_view(w);
        struct res *used = calloc((size_t)v.instance_count, sizeof *used);
        int32_t running = 0, pending = 0, told = 0;
        for (int t = 0; t < v.task_count; t++) {
            if (!v.tasks[t].used || v.tasks[t].desired.now == WD_STOPPED)
                continue;
            used[v.tasks[t].instance] = res_add(used[v.tasks[t].instance], v.tasks[t].need);
            if (v.tasks[t].service >= 0)
                *(v.tasks[t].last.now == WT_RUNNING ? &running : &pending) += 1;
        }
        for (int s = 0; s < v.service_count; s++)
            told += v.services[s].running + v.services[s].pending;
        assert_int_equal(told, running + pending);
        for (int i = 0; i < v.instance_count; i++)
            if (v.instances[i].used && v.instances[i].status.now != WE_NONE)
                assert_true(res_eq(res_add(used[i], v.instances[i].remaining), v.instances[i].registered));
        free(used);
    }
    world_free(w);
}

static void the_summary_adds_up(void **state)
{
    (void)state;
    struct world_options o;
    world_options_default(&o);
    struct world *w = a_default(5, &o);
    world_advance(w, o.start_ms + 86400000);
    struct world_summary s;
    world_summary(w, &s);
    assert_int_equal(s.series_count, 288);
    assert_int_equal(s.hour_count, 24);
    int64_t cost = 0, demanded = 0;
    double instance_hours = 0;
    for (size_t i = 0; i < s.series_count; i++) {
        cost += s.series[i].cost_usd_micro;
        instance_hours += s.series[i].instances / 12;
    }
    for (size_t i = 0; i < s.hour_count; i++)
        demanded += s.hours[i].task_seconds;
    assert_true(llabs(cost - s.cost_usd_micro) <= 1);
    assert_true(llabs(demanded - s.task_seconds) <= 24);
    assert_true(fabs(instance_hours - s.instance_hours) < 1e-6);
    assert_true(s.task_seconds > s.task_seconds_waited);
    assert_true(s.instances_min <= s.instances_mean && s.instances_mean <= s.instances_max);
    assert_true(s.need_mean > 0);
    assert_true(s.lowest2h_instances > 0);
    assert_int_equal(s.tasks_killed, 0);  // nobody called anything
    world_free(w);
}

// Counted each second by what the world shows: an instance boots, runs empty, is drained; another holds the tasks.
static void spare_is_booting_draining_and_empty_instance_time(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int fleet = add_fleet(w, 0, "m5.xlarge", 1);
    add_host(w, -1, 0);
    int web = add_service(w, (struct a_service){"web", 256, 256, 4, 100, 200, WS_SPREAD_ZONE, 0, 0});
    later(w, 60000);
    assert_int_equal(world_modify_spot_fleet(w, WORLD_PERSON, fleet, 2, -1, WX_NO_TERMINATION), WORLD_OK);
    struct world_summary from, to;
    world_summary(w, &from);
    double booting = 0, draining = 0, empty = 0;
    for (int t = 0; t < 900; t++) {
        struct world_view v = world_view(w);
        for (int i = 0; i < v.instance_count; i++) {
            const struct world_instance *x = &v.instances[i];
            if (!x->used || x->state.now > WL_RUNNING)
                continue;
            booting += x->status.now == WE_NONE || x->status.now == WE_REGISTERING;
            draining += x->status.now == WE_DRAINING;
            empty += x->status.now == WE_ACTIVE && tasks_on(w, web, i) == 0;
            if (t == 600 && x->fleet == fleet && draining == 0)
                assert_int_equal(drain(w, WORLD_PERSON, i), WORLD_OK);
        }
        later(w, 1000);
    }
    world_summary(w, &to);
    assert_true(booting > 60 && draining > 250 && empty > 250);
    double before_s = (double)from.virtual_ms / 1000, all_s = (double)to.virtual_ms / 1000;
    assert_true(fabs(to.spare_mean.booting * all_s - from.spare_mean.booting * before_s - booting) < 5);
    assert_true(fabs(to.spare_mean.draining * all_s - from.spare_mean.draining * before_s - draining) < 5);
    assert_true(fabs(to.spare_mean.empty * all_s - from.spare_mean.empty * before_s - empty) < 5);
    world_free(w);
}

static void a_trace_drives_the_first_cluster_or_the_service_it_is_bound_to(void **state)
{
    (void)state;
    struct arena a;
    struct workload_trace t;
    struct err err;
    arena_init(&a, 0);
    assert_int_equal(workload_trace_parse(slice_of("timestamp,value\n0,10\n3600,20\n7200,30\n10800,20\n"), "t", &a, &t, &err), 0);
    struct world_options o;
    world_options_default(&o);
    o.trace = &t;
    o.trace_mean = 100;
    struct world *w = a_default(5, &o);
    world_advance(w, o.start_ms + 2 * 3600000);
    struct world_view v = world_view(w);
    int64_t sum = 0;
    for (int s = 0; s < v.service_count; s++)
        if (v.services[s].cluster == 0 && !v.services[s].daemon && !v.services[s].rules.distinct_instance)
            sum += v.services[s].desired;
    assert_int_equal(sum, (int64_t)(30 / t.mean * 100 + 0.5));
    world_free(w);
    o.trace_service = "api";
    w = a_default(5, &o);
    world_advance(w, o.start_ms + 2 * 3600000);
    assert_int_equal(service(w, world_find_service(w, 0, "api")).desired, (int64_t)(30 / t.mean * 100 + 0.5));
    world_free(w);
    o.trace_service = "nobody";
    assert_int_equal(world_default(5, &o, &w, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "nobody"));
    arena_release(&a);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    struct world_options o;
    struct world *w;
    struct err err;
    world_options_default(&o);
    o.boot_p90_ms = o.boot_p50_ms - 1;
    assert_int_equal(world_default(1, &o, &w, &err), ERR_INVALID);
    world_options_default(&o);
    o.scale_permyriad = 1;
    assert_int_equal(world_default(1, &o, &w, &err), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_day_to_the_byte),
        cmocka_unit_test(the_default_world_has_the_promised_size_and_begins_in_order),
        cmocka_unit_test(counts_of_ecs_agree_with_its_tasks_after_a_day),
        cmocka_unit_test(the_summary_adds_up),
        cmocka_unit_test(spare_is_booting_draining_and_empty_instance_time),
        cmocka_unit_test(a_trace_drives_the_first_cluster_or_the_service_it_is_bound_to),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests_name("day", tests, NULL, NULL);
}
