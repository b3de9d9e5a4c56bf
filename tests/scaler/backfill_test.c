// A cluster's past from CloudWatch, as the virtual AWS recorded it: with Container Insights, without, and what cannot be known.
#include "tests/cm.h"

#include <math.h>

#include "planner/sim/world.h"
#include "scaler/aws/cloudwatch.h"
#include "scaler/backfill_cloudwatch.h"
#include "scaler/gather.h"
#include "scaler/requests.h"
#include "scaler/sandbox/inproc.h"
#include "state/state.h"

#define STEP_MS INT64_C(300000)
enum { STEPS = 6 };

struct bed {
    struct clock clock;
    struct world *world;
    struct sandbox *sandbox;
    struct transport *transport;
    struct aws_clients *clients;
    struct region *region;
    struct gather *gather;     // whose facts the snapshot points to
    struct arena arena;
    struct policy_cluster policy;
    struct policy_fleet fleet;
    struct snapshot s;
    int64_t from_ms;
    size_t line_count;
    double reserved[RES_MEMORY + 1], tasks;  // by the world, the mean of the first step
    double wanted[32];         // tasks of each service of the world, in that step
    double percent;            // of its first minute: CPU that is taken of what is registered,
    struct amount {
        double sum, most;      // of all tasks, and of that one which has most
    } amounts[4];              // in the order of amount_names
};

static const char *const amount_names[] = {"CpuReserved", "MemoryReserved", "CpuUtilized", "MemoryUtilized"};

static const struct aws_env_pair keys[] = {{"AWS_ACCESS_KEY_ID", SANDBOX_KEY_ID}, {"AWS_SECRET_ACCESS_KEY", SANDBOX_SECRET}};
static const struct aws_env env = {keys, 2};

static double percent_taken(const struct world_view *v)
{
    double registered = 0, taken = 0;
    for (int i = 0; i < v->instance_count; i++) {
        const struct world_instance *in = &v->instances[i];
        if (!in->used || in->cluster != 0 || (in->status.now != WE_ACTIVE && in->status.now != WE_DRAINING))
            continue;
        registered += (double)in->registered.v[RES_CPU];
        taken += (double)(in->registered.v[RES_CPU] - in->remaining.v[RES_CPU]);
    }
    return 100 * taken / registered;
}

static void note_amounts(struct bed *b, const struct world_view *v, const struct world_task *t)
{
    struct res use = sandbox_use_of(v->taskdefs[t->taskdef].family, t->need);
    const int64_t of[] = {t->need.v[RES_CPU], t->need.v[RES_MEMORY], use.v[RES_CPU], use.v[RES_MEMORY]};
    for (size_t k = 0; k < ARRAY_LEN(of); k++) {
        b->amounts[k].sum += (double)of[k];
        b->amounts[k].most = fmax(b->amounts[k].most, (double)of[k]);
    }
}

// Half an hour of the world goes by; of its first five minutes the truth is noted.
static void live(struct bed *b)
{
    b->from_ms = (b->clock.virtual_ms + STEP_MS) / STEP_MS * STEP_MS;
    for (int k = 0; k < STEPS * 5; k++) {
        clock_advance_to(&b->clock, b->from_ms + k * 60000);
        sandbox_sync(b->sandbox);
        struct world_view v = world_view(b->world);
        b->percent = k == 0 ? percent_taken(&v) : b->percent;
        for (int i = 0; i < v.service_count && k < 5; i++)
            b->wanted[i] += v.services[i].desired / 5.0;
        for (int i = 0; i < v.task_count && k < 5; i++) {
            const struct world_task *t = &v.tasks[i];
            if (!t->used || t->cluster != 0 || t->instance < 0 || t->last.now != WT_RUNNING)
                continue;
            b->tasks += 1.0 / 5;
            if (k == 0)
                note_amounts(b, &v, t);
            for (int r = RES_CPU; r <= RES_MEMORY; r++)
                b->reserved[r] += (double)t->need.v[r] / 5;
        }
    }
    clock_advance_to(&b->clock, b->from_ms + STEPS * STEP_MS);
}

static void begin(struct bed *b, bool insights)
{
    struct err err = {0};
    struct world_options o;
    const struct sandbox_options sandbox = {.seed = 1, .unlimited = true, .metrics = true, .insights = insights};
    memset(b, 0, sizeof *b);
    world_options_default(&o);
    o.interruptions_per_instance_day = 0;
    clock_init_virtual(&b->clock, o.start_ms);
    assert_int_equal(world_default(7, &o, &b->world, &err), 0);
    assert_int_equal(sandbox_new(&b->clock, &sandbox, &b->sandbox, &err), 0);
    assert_int_equal(sandbox_add_region(b->sandbox, NULL, NULL, b->world, &err), 0);
    assert_int_equal(inproc_new(b->sandbox, &b->clock, NULL, &b->transport, &err), 0);
    b->clients = aws_clients_new(&(struct aws_options){.transport = b->transport, .env = &env, .seed = 3});
    arena_init(&b->arena, 0);
    assert_int_equal(region_new(b->clients, "", SANDBOX_REGION, &b->region, &err), 0);
    live(b);
    policy_cluster_defaults(&b->policy);
    b->policy.name = world_view(b->world).clusters[0].name;
    b->fleet = (struct policy_fleet){.id = arena_strdup(&b->arena, world_view(b->world).fleets[0].id), .max = 100, .arch = "", .role = FLEET_ROLE_SPOT};
    b->policy.fleets = &b->fleet;
    b->policy.fleet_count = 1;
    b->gather = gather_new(b->region, &b->clock, b->policy.name);
    assert_int_equal(gather_look(b->gather, &b->policy, 30000, &b->arena, &b->s, &err), 0);
}

static void end(struct bed *b)
{
    gather_free(b->gather);
    region_free(b->region);
    aws_clients_free(b->clients);
    b->transport->ops->free(b->transport);
    sandbox_free(b->sandbox);
    world_free(b->world);
    arena_release(&b->arena);
}

static void read_past(struct bed *b, const struct cloudwatch_past *p, struct past_line **ret)
{
    struct err err = {0};
    int rc = cloudwatch_past_read(p, b->clients, region_aws(b->region), b->from_ms, b->from_ms + STEPS * STEP_MS, STEP_MS, b->clock.virtual_ms + 60000, &b->arena, ret, &b->line_count, &err);
    if (rc)
        fail_msg("%s", err.msg);
}

static const struct past_line *line(const struct past_line *lines, enum series series)
{
    for (size_t i = 0; i < 6; i++)  // the cluster's come first
        if (lines[i].series == series)
            return &lines[i];
    fail_msg("no line of %s", series_name(series));
    return NULL;
}

// Of each minute CloudWatch says what the world has; of before, and of what does not exist, nothing.
static void each_minute_is_that_of_the_world(void **state)
{
    (void)state;
    struct bed b;
    struct cloudwatch_data told, before;
    begin(&b, true);
    const char *cluster = b.policy.name;
    const struct cloudwatch_metric metrics[] = {
        {"AWS/ECS", "CPUReservation", {{"ClusterName", cluster}}, "Average"},
        {"AWS/ECS", "CPUReservation", {{"ClusterName", "nobody"}}, "Average"},
        {"AWS/ECS", "CPUReservation", {{"ClusterName", cluster}, {"ServiceName", "nobody"}}, "Average"},
    };
    struct cloudwatch_metric amounts[2 * ARRAY_LEN(amount_names)];
    struct cloudwatch_data amount;
    for (size_t k = 0; k < ARRAY_LEN(amounts); k++)
        amounts[k] = (struct cloudwatch_metric){"ECS/ContainerInsights", amount_names[k / 2], {{"ClusterName", cluster}}, k % 2 ? "Maximum" : "Sum"};
    const struct aws_with with = {.aws = region_aws(b.region), .arena = &b.arena};
    cloudwatch_get_metric_data(with, &(struct cloudwatch_ask){metrics, ARRAY_LEN(metrics), b.from_ms, b.from_ms + 600000, 60}, &told);
    cloudwatch_get_metric_data(with, &(struct cloudwatch_ask){amounts, ARRAY_LEN(amounts), b.from_ms, b.from_ms + 60000, 60}, &amount);
    cloudwatch_get_metric_data(with, &(struct cloudwatch_ask){metrics, 1, b.from_ms - 86400000, b.from_ms - 43200000, 300}, &before);
    aws_run(b.clients, b.clock.virtual_ms + 60000);
    assert_int_equal(told.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(before.call.state, AWS_CALL_COMPLETE);
    assert_int_equal(told.series[0].count, 10);
    assert_int_equal(told.series[0].points[0].at_ms, b.from_ms);
    assert_true(b.percent > 5 && b.percent < 100);
    assert_int_equal(llround(told.series[0].points[0].value * 1000), llround(b.percent * 1000));
    assert_int_equal(amount.call.state, AWS_CALL_COMPLETE);
    for (size_t k = 0; k < ARRAY_LEN(amounts); k++) {
        const struct amount *want = &b.amounts[k / 2];
        assert_true(want->most > 0 && want->most < want->sum);
        assert_int_equal(llround(amount.series[k].points[0].value), llround(k % 2 ? want->most : want->sum));
    }
    assert_int_equal(told.series[1].count + told.series[2].count + before.series[0].count, 0);
    assert_true(told.series[0].whole && told.series[1].whole);
    end(&b);
}

// Within so many per cent.
static void near(const struct past_line *l, double want, double percent)
{
    assert_int_equal(l->count, STEPS);
    double told = (double)l->points[0].value;
    if (fabs(told - want) > want * percent / 100)
        fail_msg("%s: %g where %g is true", series_name(l->series), told, want);
}

static void amounts_come_from_container_insights(void **state)
{
    (void)state;
    struct bed b;
    struct cloudwatch_past p;
    struct past_line *lines;
    begin(&b, true);
    cloudwatch_past_of(&p, &b.policy, NULL, &b.arena);
    assert_false(p.sizes_known);
    read_past(&b, &p, &lines);
    near(line(lines, SERIES_NEED_CPU_UNITS), b.reserved[RES_CPU], 0.1);
    near(line(lines, SERIES_NEED_MEMORY_MIB), b.reserved[RES_MEMORY], 0.1);
    near(line(lines, SERIES_RUNNING_TASKS), b.tasks, 2);  // a whole number
    near(line(lines, SERIES_DESIRED_TASKS), b.tasks, 2);
    assert_int_equal(line(lines, SERIES_NEED_CPU_UNITS)->points[1].at_ms, b.from_ms + STEP_MS);
    double used = (double)line(lines, SERIES_USED_CPU_UNITS)->points[0].value;
    assert_true(used > 0.3 * b.reserved[RES_CPU] && used < 0.7 * b.reserved[RES_CPU]);
    end(&b);
}

static uint64_t metric_calls(const struct bed *b)
{
    size_t count;
    const struct aws_stat *v = aws_stats(region_aws(b->region), &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(v[i].operation, "GetMetricData") == 0)
            return v[i].calls;
    return 0;
}

static size_t balanced(const struct cloudwatch_past *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->service_count; i++)
        n += p->services[i]->target_group_count > 0;
    return n;
}

static void of_services_too_where_insights_are_on(void **state)
{
    (void)state;
    struct bed b;
    struct cloudwatch_past p;
    struct past_line *lines;
    begin(&b, true);
    cloudwatch_past_of(&p, &b.policy, &b.s, &b.arena);
    assert_true(p.service_count > 3);
    read_past(&b, &p, &lines);
    assert_int_equal(b.line_count, 6 + 6 * p.service_count + balanced(&p));
    double reserved = 0, used = 0, tasks = 0;
    for (size_t i = 0; i < b.line_count; i++) {
        const struct past_line *l = &lines[i];
        double v = l->count > 0 ? (double)l->points[0].value : 0;
        reserved += l->series == SERIES_SERVICE_RESERVED_MEMORY_MIB ? v : 0;
        used += l->series == SERIES_SERVICE_USED_MEMORY_MIB ? v : 0;
        tasks += l->series == SERIES_SERVICE_RUNNING ? v : 0;
    }
    assert_true(tasks > 0.5 * b.tasks && tasks <= b.tasks * 1.1);  // some are of no service
    assert_true(reserved > 0.5 * b.reserved[RES_MEMORY] && reserved <= b.reserved[RES_MEMORY] * 1.05);
    assert_true(used > 0.5 * reserved && used < 0.85 * reserved);
    end(&b);
    begin(&b, false);  // and nobody is asked where they are off
    cloudwatch_past_of(&p, &b.policy, &b.s, &b.arena);
    read_past(&b, &p, &lines);
    assert_int_equal(b.line_count, 6 + balanced(&p));  // but for requests, which are the load balancers' to tell
    end(&b);
}

static const struct past_line *requests_of(const struct bed *b, const struct past_line *lines, const char *service)
{
    for (size_t i = 0; i < b->line_count; i++)
        if (lines[i].series == SERIES_SERVICE_REQUESTS_PER_MINUTE && strcmp(lines[i].subject, service) == 0)
            return &lines[i];
    return NULL;
}

// In the world callers ask for 20 a second of each vCPU that is wanted, whatever runs.
static void what_load_balancers_sent_is_their_mean_times_the_tasks(void **state)
{
    (void)state;
    struct bed b;
    struct cloudwatch_past p;
    struct past_line *lines;
    const struct past_line *l;
    begin(&b, true);
    cloudwatch_past_of(&p, &b.policy, &b.s, &b.arena);
    read_past(&b, &p, &lines);
    assert_true(balanced(&p) >= 3 && balanced(&p) < p.service_count);
    for (size_t i = 0; i < p.service_count; i++) {
        l = requests_of(&b, lines, p.services[i]->name);
        assert_int_equal(l != NULL, p.services[i]->target_group_count > 0);
        if (l == NULL)
            continue;
        assert_int_equal(l->count, STEPS);
        assert_int_equal(l->points[1].at_ms, b.from_ms + STEP_MS);
        double vcpus = (double)b.s.shapes[p.services[i]->deployments[0].shape].need.v[RES_CPU] / 1024;
        near(l, 1200 * vcpus * b.wanted[world_find_service(b.world, 0, p.services[i]->name)], 3);
    }
    end(&b);
}

// Where Container Insights are off the tasks are those of our own history, and without that nothing is known. Two groups add up; one that tells
// nothing is no Application Load Balancer's.
static void requests_need_the_tasks_of_the_same_time(void **state)
{
    (void)state;
    struct bed b;
    struct cloudwatch_past p;
    struct past_line *lines;
    struct state_opened opened;
    struct err err = {0};
    struct state *journal;
    int64_t id;
    begin(&b, false);
    cloudwatch_past_of(&p, &b.policy, &b.s, &b.arena);
    size_t web = 0;
    while (strcmp(p.services[web]->name, "web") != 0)
        web++;
    read_past(&b, &p, &lines);
    assert_int_equal(requests_of(&b, lines, "web")->count, 0);
    struct clock clock = b.clock;
    assert_int_equal(state_open(&(struct state_options){.path = ":memory:", .clock = &clock}, &journal, &opened, &err), 0);
    assert_int_equal(state_cluster(journal, "1", "r", "c", &id, &err), 0);
    const struct history_point seen[] = {{b.from_ms, 30}, {b.from_ms + 2 * STEP_MS, 0}};
    assert_int_equal(state_history_fill(journal, id, SERIES_SERVICE_RUNNING, "web", STEP_MS, seen, 2, &err), 0);
    p.state = journal;
    p.state_cluster = id;
    read_past(&b, &p, &lines);
    const struct past_line *one = requests_of(&b, lines, "web");
    assert_int_equal(one->count, 2);
    assert_int_equal(one->points[1].at_ms, b.from_ms + 2 * STEP_MS);
    assert_int_equal(one->points[1].value, 0);  // a zero is known
    int64_t told = one->points[0].value;
    assert_true(told > 0);
    struct service *both = (struct service *)(uintptr_t)p.services[web];
    const char *groups[] = {both->target_groups[0], "targetgroup/network/1", both->target_groups[0]};
    both->target_groups = groups;
    both->target_group_count = ARRAY_LEN(groups);
    read_past(&b, &p, &lines);
    assert_true(llabs(requests_of(&b, lines, "web")->points[0].value - 2 * told) <= 1);
    groups[0] = groups[2] = groups[1];
    read_past(&b, &p, &lines);
    assert_null(requests_of(&b, lines, "web"));
    state_close(journal);
    end(&b);
}

// The daemon asks at the policy's pace and no more; what fails leaves a gap that is unknown, and is filled by the next question.
static void masu_run_asks_for_requests_at_the_pace_of_the_policy(void **state)
{
    (void)state;
    struct bed b;
    struct err err = {0};
    struct state_opened opened;
    struct state *journal;
    int64_t id;
    double v[STEPS];
    begin(&b, false);
    assert_int_equal(state_open(&(struct state_options){.path = ":memory:", .clock = &b.clock}, &journal, &opened, &err), 0);
    assert_int_equal(state_cluster(journal, "1", "r", "c", &id, &err), 0);
    struct history_point seen[STEPS];
    for (int k = 0; k < STEPS; k++)
        seen[k] = (struct history_point){b.from_ms + k * STEP_MS, 30};
    assert_int_equal(state_history_fill(journal, id, SERIES_SERVICE_RUNNING, "web", STEP_MS, seen, STEPS, &err), 0);
    struct requests *q = requests_new(b.region, &b.clock);
    b.policy.requests_ms = 900000;
    const struct fault {
        bool fails, known;
        int filled;
    } turns[] = {{false, true, 5}, {true, true, 5}, {true, false, 5}, {false, true, STEPS}};
    for (size_t i = 0; i < ARRAY_LEN(turns); i++) {
        int filled = 0;
        if (turns[i].fails)
            assert_int_equal(sandbox_add_fault(b.sandbox, &(struct sandbox_fault){"cloudwatch:GetMetricData", SANDBOX_FAULT_DENIED, 0, 1}, &err), 0);
        uint64_t before = metric_calls(&b);
        for (int k = 0; k < 15; k++) {  // a look a minute
            requests_turn(q, &b.policy, &b.s, journal, id);
            aws_run_lane(b.clients, AWS_LANE_WAIT, b.clock.virtual_ms + 30000);
            clock_advance_to(&b.clock, b.clock.virtual_ms / 60000 * 60000 + 60000);
            sandbox_sync(b.sandbox);
        }
        assert_int_equal(metric_calls(&b) - before, 1);
        b.s.now_ms = b.clock.virtual_ms;
        requests_tell(q, &b.policy, &b.arena, &b.s);
        assert_int_equal(b.s.requests.state, turns[i].known ? SOURCE_OK : SOURCE_UNKNOWN);
        assert_int_equal(b.s.requests.detail[0] != '\0', turns[i].fails);
        assert_int_equal(state_history_values(journal, id, SERIES_SERVICE_REQUESTS_PER_MINUTE, "web", b.from_ms, STEP_MS, STEPS, v, &err), 0);
        for (int k = 0; k < STEPS; k++)
            filled += v[k] > 0;
        assert_int_equal(filled, turns[i].filled);
    }
    b.policy.requests_ms = 0;  // and not any more
    b.s.requests = (struct source){.detail = ""};
    requests_tell(q, &b.policy, &b.arena, &b.s);
    assert_int_equal(b.s.requests.read_ms, 0);
    requests_free(q);
    state_close(journal);
    end(&b);
}

static void without_them_from_percentages_and_the_sizes_of_the_spot_fleets(void **state)
{
    (void)state;
    struct bed b;
    struct cloudwatch_past p;
    struct past_line *lines;
    begin(&b, false);
    cloudwatch_past_of(&p, &b.policy, &b.s, &b.arena);
    assert_true(p.sizes_known);
    read_past(&b, &p, &lines);
    near(line(lines, SERIES_NEED_CPU_UNITS), b.reserved[RES_CPU], 10);
    near(line(lines, SERIES_NEED_MEMORY_MIB), b.reserved[RES_MEMORY], 15);  // types differ in memory a unit
    near(line(lines, SERIES_RUNNING_TASKS), b.tasks, 2);
    double used = (double)line(lines, SERIES_USED_CPU_UNITS)->points[0].value;
    assert_true(used > 0.3 * b.reserved[RES_CPU] && used < 0.8 * b.reserved[RES_CPU]);
    // A group, or a fleet without an instance: percentages of what is not known are not known.
    cloudwatch_past_of(&p, &b.policy, NULL, &b.arena);
    read_past(&b, &p, &lines);
    assert_int_equal(line(lines, SERIES_NEED_CPU_UNITS)->count, 0);
    assert_int_equal(line(lines, SERIES_USED_MEMORY_MIB)->count, 0);
    near(line(lines, SERIES_RUNNING_TASKS), b.tasks, 2);
    b.fleet.id = "sfr-nobody";
    cloudwatch_past_of(&p, &b.policy, &b.s, &b.arena);
    assert_false(p.sizes_known);
    end(&b);
}

static void a_call_that_fails_tells_nothing(void **state)
{
    (void)state;
    struct bed b;
    struct cloudwatch_past p;
    struct past_line *lines;
    struct err err = {0};
    begin(&b, true);
    cloudwatch_past_of(&p, &b.policy, NULL, &b.arena);
    assert_int_equal(sandbox_add_fault(b.sandbox, &(struct sandbox_fault){"cloudwatch:GetMetricData", SANDBOX_FAULT_DENIED, 0, 1}, &err), 0);
    assert_int_equal(cloudwatch_past_read(&p, b.clients, region_aws(b.region), b.from_ms, b.from_ms + STEP_MS, STEP_MS, b.clock.virtual_ms + 60000, &b.arena, &lines, &b.line_count, &err),
                     ERR_DENIED);
    assert_int_equal(sandbox_add_fault(b.sandbox, &(struct sandbox_fault){"cloudwatch:GetMetricData", SANDBOX_FAULT_THROTTLE, 0, 1}, &err), 0);
    read_past(&b, &p, &lines);  // throttled once, it is asked again
    assert_int_equal(line(lines, SERIES_NEED_CPU_UNITS)->count, STEPS);
    sandbox_set_empty_pages(b.sandbox, true);
    read_past(&b, &p, &lines);
    assert_int_equal(line(lines, SERIES_NEED_CPU_UNITS)->count, STEPS);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_minute_is_that_of_the_world),
        cmocka_unit_test(amounts_come_from_container_insights),
        cmocka_unit_test(of_services_too_where_insights_are_on),
        cmocka_unit_test(what_load_balancers_sent_is_their_mean_times_the_tasks),
        cmocka_unit_test(requests_need_the_tasks_of_the_same_time),
        cmocka_unit_test(masu_run_asks_for_requests_at_the_pace_of_the_policy),
        cmocka_unit_test(without_them_from_percentages_and_the_sizes_of_the_spot_fleets),
        cmocka_unit_test(a_call_that_fails_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
