// The demo's generated past: what the world's services would have wanted, for each of them and the cluster, once.
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>

#include "scaler/demo_history.h"
#include "state/query.h"

#define DAY_MS INT64_C(86400000)

static void count_services(void *arg, int done, int all)
{
    int *seen = arg;
    assert_int_equal(done, *seen + 1);
    assert_true(done <= all);
    *seen = done;
}

static void expect_sum_of_services(struct rig *r, const struct world_view *v, int64_t cluster, int64_t at_ms)
{
    double need, sum = 0, capacity;
    assert_int_equal(state_history_values(r->state, cluster, SERIES_NEED_CPU_UNITS, "", at_ms, 300000, 1, &need, NULL), 0);
    assert_int_equal(state_history_values(r->state, cluster, SERIES_CAPACITY_CPU_UNITS, "", at_ms, 300000, 1, &capacity, NULL), 0);
    for (int s = 0; s < v->service_count; s++) {
        double one;
        if (v->services[s].cluster != 0 || v->services[s].daemon)
            continue;
        assert_int_equal(state_history_values(r->state, cluster, SERIES_SERVICE_NEED_CPU_UNITS, v->services[s].name, at_ms, 300000, 1, &one, NULL), 0);
        sum += one;
    }
    double used, target;
    assert_int_equal(state_history_values(r->state, cluster, SERIES_USED_CPU_UNITS, "", at_ms, 300000, 1, &used, NULL), 0);
    assert_true(used > 0.25 * need - (double)v->task_count);  // a task's use is in whole units
    assert_true(used < 0.7 * need);
    for (int f = 0; f < v->fleet_count; f++) {
        if (v->fleets[f].cluster != 0)
            continue;
        const char *subject = history_limit_fleet(&r->arena, &(struct fleet){.id = v->fleets[f].id, .name = ""});
        assert_int_equal(state_history_values(r->state, cluster, SERIES_LIMIT_USED, subject, at_ms, 300000, 1, &target, NULL), 0);
        assert_true(target > 0 && target < 4 * (double)v->fleets[f].wanted);
    }
    assert_true(need > 0);
    const char *quota = history_limit_quota(&r->arena, &(struct quota){.class_ = QUOTA_STANDARD_SPOT});
    double reserved, vcpus;
    assert_int_equal(state_history_values(r->state, cluster, SERIES_LIMIT_USED, quota, at_ms, 300000, 1, &vcpus, NULL), 0);
    assert_true(vcpus * 1024 > capacity);  // that of all clusters
    assert_int_equal(state_history_values(r->state, cluster, SERIES_RESERVED_CPU_UNITS, "", at_ms, 300000, 1, &reserved, NULL), 0);
    assert_true(reserved == sum);
    assert_true(need > 1.05 * sum);  // and the policy's headroom
    assert_true(need < 1.3 * sum);
    assert_true(capacity >= need);
}

static void each_service_has_the_past_that_its_profile_says(void **state)
{
    (void)state;
    struct rig r;
    struct err err = {0};
    int seen = 0;
    assert_int_equal(rig_open(&(struct rig_options){.seed = 7}, &r, &err), 0);
    const struct demo_history_options o = {.span_ms = 2 * DAY_MS, .progress = count_services, .arg = &seen};
    for (int twice = 0; twice < 2; twice++) {
        seen = 0;
        assert_int_equal(demo_history_fill(&r, &o, &err), 0);
    }
    struct world_view v = world_view(r.worlds[0]);
    int64_t cluster = 0, from_ms = (r.start_ms - 2 * DAY_MS) / 300000 * 300000;
    assert_int_equal(seen, v.service_count);
    assert_int_equal(state_cluster(r.state, v.account, v.region, v.clusters[0].name, &cluster, NULL), 0);
    expect_sum_of_services(&r, &v, cluster, from_ms);
    expect_sum_of_services(&r, &v, cluster, from_ms + DAY_MS);
    double before;
    assert_int_equal(state_history_values(r.state, cluster, SERIES_NEED_CPU_UNITS, "", from_ms - 300000, 300000, 1, &before, NULL), 0);
    assert_true(isnan(before));
    for (int s = 0; s < v.service_count; s++) {
        double tasks;
        const struct world_service *x = &v.services[s];
        if (x->cluster != 0 || x->daemon || x->mean_tasks == 0 || x->max_percent <= 100)
            continue;
        assert_int_equal(state_history_values(r.state, cluster, SERIES_SERVICE_DESIRED, x->name, from_ms + DAY_MS, 300000, 1, &tasks, NULL), 0);
        assert_true(fabs(tasks - (double)x->mean_tasks * workload_profile_at(7000 + (uint64_t)s, from_ms + DAY_MS)) <= 1);
        double requests, vcpus = (double)v.taskdefs[x->deployments[0].taskdef].need.v[RES_CPU] / 1024;
        assert_int_equal(state_history_values(r.state, cluster, SERIES_SERVICE_REQUESTS_PER_MINUTE, x->name, from_ms + DAY_MS, 300000, 1, &requests, NULL), 0);
        assert_true(x->balancer_count > 0 ? requests == tasks * vcpus * SANDBOX_REQUESTS_A_VCPU_MINUTE : isnan(requests));
    }
    rig_close(&r);
}

static void price_waiting(struct policy_cluster *c)
{
    c->waiting_costs_milli = 10000;
}

// The past is of the very clusters that the daemon looks at: one row each in the journal, and the forecast in its plans begins with it.
static void the_daemon_finds_its_past(void **state)
{
    (void)state;
    struct rig r;
    struct err err = {0};
    struct arena a;
    struct state_cluster_row *rows;
    size_t count;
    assert_int_equal(rig_open(&(struct rig_options){.seed = 7, .settings = price_waiting}, &r, &err), 0);
    const struct demo_history_options o = {.span_ms = 2 * DAY_MS};
    assert_int_equal(demo_history_fill(&r, &o, &err), 0);
    loop_run(r.loop, r.start_ms + 120000);
    const struct snapshot *s = &loop_frame(r.loop, 0)->snapshot;
    assert_int_equal(s->outlook.at_ms, s->now_ms);
    arena_init(&a, 0);
    assert_int_equal(state_query_clusters(state_reader_of(r.state), &a, &rows, &count, &err), 0);
    assert_int_equal(count, world_view(r.worlds[0]).cluster_count);
    arena_release(&a);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_daemon_finds_its_past),
        cmocka_unit_test(each_service_has_the_past_that_its_profile_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
