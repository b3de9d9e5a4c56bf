// Hours on Auto Scaling groups: the whole daemon on the wire, all invariants on (group B of safety.md).
#include "tests/cm.h"

#include "scaler/rig.h"

static int64_t calls_of(const struct rig *r, const char *operation)
{
    struct sandbox_call_count calls[128];
    size_t n = sandbox_calls(r->sandbox, calls, ARRAY_LEN(calls));
    for (size_t i = 0; i < n; i++)
        if (strcmp(calls[i].operation, operation) == 0)
            return calls[i].calls;
    return 0;
}

static void b5_six_hours_on_groups_breaks_no_invariant_and_shrinks_them_too(void **state)
{
    (void)state;
    struct world_options w;
    world_options_default(&w);
    w.groups = true;
    struct rig r;
    struct rig_figures f;
    struct err err = {0};
    if (rig_open(&(struct rig_options){.seed = 7, .world = &w}, &r, &err) != 0)
        fail_msg("%s", err.msg);
    loop_run(r.loop, r.start_ms + 6 * 3600000);
    rig_finish(&r);
    rig_figures(&r, &f);
    assert_int_equal(f.violations, 0);
    assert_int_equal(f.sum.tasks_killed, 0);
    assert_true(f.sum.drains_finished > 0);
    assert_true(f.sum.task_seconds > 0 && f.sum.task_seconds_waited * 100 <= f.sum.task_seconds * 3);
    assert_true(calls_of(&r, "autoscaling:TerminateInstanceInAutoScalingGroup") > 0);
    assert_true(calls_of(&r, "autoscaling:SetDesiredCapacity") > 0);
    assert_int_equal(calls_of(&r, "ec2:TerminateInstances") + calls_of(&r, "ec2:ModifySpotFleetRequest"), 0);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(b5_six_hours_on_groups_breaks_no_invariant_and_shrinks_them_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
