// A task that dies and is replaced between two looks leaves the counts of its service as they were: it is young all the same (V6).
#include "tests/cm.h"

#include "scaler/rig.h"

#define HEALTHY_MS 40000  // the world's, and AWS's own: masu reckons with more, never with less
enum { MINUTES = 40, WARM_LOOKS = 4 };

static struct tick_ops inner;
static struct world *world;
static bool planted;
static int32_t last_running;
static int looks, hidden, wrong;  // hidden: looks whose count, the same as before, could not tell of the young

// Of the service, by the world's truth: what ran when the tasks were read and is not healthy yet.
static int truly_young(const struct world_view *v, int service, int64_t read_ms)
{
    int n = 0;
    for (int i = 0; i < v->task_count; i++) {
        const struct world_task *t = &v->tasks[i];
        n += t->used && t->service == service && t->last.now == WT_RUNNING && t->desired.now == WD_RUNNING && t->started_ms <= read_ms &&
             v->now_ms - t->started_ms < HEALTHY_MS;
    }
    return n;
}

static int a_healthy_task(const struct world_view *v, int service)
{
    for (int i = 0; i < v->task_count; i++) {
        const struct world_task *t = &v->tasks[i];
        if (t->used && t->service == service && t->last.now == WT_RUNNING && t->desired.now == WD_RUNNING && v->now_ms - t->started_ms > 120000)
            return i;
    }
    return -1;
}

static const struct service *first_replica(const struct snapshot *s)
{
    for (size_t i = 0; i < s->service_count; i++)
        if (s->services[i].kind == SERVICE_REPLICA && s->services[i].desired >= 3)
            return &s->services[i];
    return NULL;
}

// After each look a task of the service is stopped: before the next one another runs in its place.
static int watch_plan(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    struct world_view v = world_view(world);
    const struct service *s = first_replica(in->snapshot);
    assert_non_null(s);
    int service = world_find_service(world, world_find_cluster(world, in->snapshot->cluster), s->name);
    assert_true(service >= 0);
    if (looks++ >= WARM_LOOKS) {
        int young = truly_young(&v, service, in->snapshot->sources[SOURCE_TASKS].read_ms);
        hidden += young > 0 && s->running == last_running;
        wrong += s->young < young;
        assert_true(s->young <= s->running);
    }
    last_running = s->running;
    int task = a_healthy_task(&v, service);
    if (task >= 0)
        assert_int_equal(world_stop_task(world, WORLD_PERSON, task), WORLD_OK);
    return inner.plan(arg, f, in, ret, err);
}

static void plant(void *arg, struct tick_ops *ops)
{
    (void)arg;
    if (planted)
        return;  // one cluster is enough
    planted = true;
    inner = *ops;
    ops->plan = watch_plan;
}

static void v6_a_task_replaced_between_two_looks_is_not_healthy_yet(void **state)
{
    (void)state;
    struct rig r;
    struct err err = {0};
    if (rig_open(&(struct rig_options){.seed = 7, .dry_run = true, .plant_outer = plant}, &r, &err) != 0)
        fail_msg("%s", err.msg);
    world = r.worlds[0];
    loop_run(r.loop, r.start_ms + MINUTES * 60000);
    assert_true(hidden >= 10);
    assert_int_equal(wrong, 0);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(v6_a_task_replaced_between_two_looks_is_not_healthy_yet)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
