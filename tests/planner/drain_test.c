#include "tests/planner/drain_bed.h"

static enum drain_state state_of(const char *id)
{
    const struct memo_drain *d = memo_drain_of(&b.memo, id);
    if (!d)
        fail_msg("%s has no drain", id);
    return d->state;
}

static void to_draining(void)
{
    build_ticks(&b, 3);
    assert_int_equal(state_of("i-004"), DRAIN_CHOSEN);
    build_drained(&b, inst[3]);
    assert_int_equal(next()->action_count, 0);
    assert_int_equal(state_of("i-004"), DRAIN_DRAINING);
}

static void leave(void)
{
    victim()->holdings[0].running = 0;
    victim()->ecs_running = 0;
    victim()->remaining = victim()->registered;
    b.s.instances[inst[0]].holdings[0].running = 4;
    b.s.instances[inst[0]].ecs_running = 4;
}

static void to_empty(void)
{
    to_draining();
    leave();
    next();
    assert_int_equal(state_of("i-004"), DRAIN_DRAINING);
}

static void a_drain_asks_for_a_look_for_each_step_for_a_minute(void **state)
{
    (void)state;
    to_draining();
    assert_int_equal(drain_look_again_ms(&b.memo), 15 * SECOND);  // whether its task is gone
    leave();
    next();
    assert_int_equal(drain_look_again_ms(&b.memo), 15 * SECOND);  // C8: the second look
    next();
    assert_int_equal(state_of("i-004"), DRAIN_EMPTY);
    assert_int_equal(drain_look_again_ms(&b.memo), 10 * SECOND);
    b.s.fleets[fleet].state = FLEET_MODIFYING;
    next();
    assert_int_equal(drain_look_again_ms(&b.memo), 10 * SECOND);
    next();
    assert_int_equal(state_of("i-004"), DRAIN_EMPTY);
    assert_int_equal(drain_look_again_ms(&b.memo), 0);  // the fleet holds it
}

static void one_that_was_empty_from_the_start_asks_at_once(void **state)
{
    (void)state;
    leave();
    build_ticks(&b, 3);
    assert_int_equal(state_of("i-004"), DRAIN_CHOSEN);
    assert_int_equal(drain_look_again_ms(&b.memo), 10 * SECOND);
}

static void to_lowered(void)
{
    to_empty();
    assert_int_equal(plan_target(next(), "sfr-1"), 3);
    b.s.fleets[fleet].target = 3;
}

static void a1_a_drain_goes_mark_draining_empty_lower_end_gone(void **state)
{
    (void)state;
    to_draining();
    leave();
    struct plan *p = next();  // first empty look
    assert_int_equal(p->action_count, 0);
    p = next();  // second: 30 s later
    assert_int_equal(p->action_count, 1);
    assert_int_equal(plan_target(p, "sfr-1"), 3);
    const struct action *x = plan_action(p, ACTION_SET_TARGET, "sfr-1");
    assert_int_equal(x->recheck, RECHECK_EMPTY | RECHECK_DRAINING | RECHECK_FLEET_ACTIVE);
    assert_int_equal(x->target_before, 4);
    assert_int_equal(plan_verdict(p, "i-004")->code, VERDICT_LOWER);

    b.s.fleets[fleet].state = FLEET_MODIFYING;  // not yet shown: nothing is ended
    assert_int_equal(next()->action_count, 0);
    b.s.fleets[fleet].state = FLEET_ACTIVE;
    b.s.fleets[fleet].target = 3;
    p = next();
    assert_int_equal(p->action_count, 1);
    x = plan_action(p, ACTION_TERMINATE, "i-004");
    assert_non_null(x);
    assert_int_equal(x->recheck, RECHECK_EMPTY | RECHECK_DRAINING | RECHECK_FLEET_ACTIVE);
    assert_int_equal(x->target_before, 3);
    assert_int_equal(state_of("i-004"), DRAIN_ENDING);

    victim()->ec2 = EC2_SHUTTING_DOWN;
    p = next();
    assert_int_equal(p->action_count, 0);
    assert_int_equal(state_of("i-004"), DRAIN_GONE);
    assert_int_equal(b.memo.drains_finished, 1);
    assert_int_equal(plan_verdict(p, "i-004")->code, VERDICT_END);
}

static void c8_one_empty_look_is_not_enough(void **state)
{
    (void)state;
    to_empty();
    build_later(&b, 10 * SECOND);
    assert_int_equal(build_plan(&b)->action_count, 0);
    assert_int_equal(state_of("i-004"), DRAIN_DRAINING);
}

static void c8_a_tick_without_a_new_look_is_not_a_second_look(void **state)
{
    (void)state;
    to_empty();
    b.s.now_ms += 30 * SECOND;  // planned again from the same facts
    assert_int_equal(build_plan(&b)->action_count, 0);
    assert_int_equal(state_of("i-004"), DRAIN_DRAINING);
}

static void c8_a_stopping_task_is_still_a_task(void **state)
{
    (void)state;
    to_draining();
    leave();
    victim()->holdings[0].stopping = 1;
    next();
    assert_int_equal(next()->action_count, 0);
    assert_int_equal(memo_drain_of(&b.memo, "i-004")->empty_first_ms, 0);
}

static void c8_a_look_that_does_not_know_the_tasks_begins_the_count_anew(void **state)
{
    (void)state;
    to_empty();
    victim()->tasks_known = false;
    next();
    victim()->tasks_known = true;
    next();
    assert_int_equal(state_of("i-004"), DRAIN_DRAINING);
    assert_int_equal(plan_target(next(), "sfr-1"), 3);
}

static void c8_daemons_get_two_minutes_to_stop(void **state)
{
    (void)state;
    int log = build_daemon(&b, "log", build_shape(&b, "log:1", 0, 64));
    for (int k = 0; k < 4; k++)
        build_hold(&b, inst[k], log, 1);
    to_draining();
    leave();
    victim()->ecs_running = 1;
    for (int k = 0; k < 4; k++)
        assert_int_equal(next()->action_count, 0);
    assert_int_equal(plan_target(next(), "sfr-1"), 3);
}

static void a_target_that_the_others_already_cover_needs_no_lowering(void **state)
{
    (void)state;
    to_empty();
    b.s.fleets[fleet].target = 3;  // the fleet overshoots by one
    struct plan *p = next();
    assert_int_equal(p->action_count, 1);
    assert_non_null(plan_action(p, ACTION_TERMINATE, "i-004"));
}

static void a2_weights_that_do_not_divide_the_target_do_not_drift(void **state)
{
    (void)state;
    // Target 26 with four members of weight 8: 32 fulfilled. Without one 24 stay: the new target is 24, not 18.
    for (int k = 0; k < 4; k++)
        b.s.instances[inst[k]].weight_milli = 8000;
    b.s.fleets[fleet].pools[0].weight_milli = 8000;
    b.s.fleets[fleet].target = 26;
    to_empty();
    assert_int_equal(plan_target(next(), "sfr-1"), 24);
}

static void v4_a_member_that_a_look_leaves_out_is_of_the_sum_so_that_no_target_is_lowered_without_it(void **state)
{
    (void)state;
    to_empty();
    b.unseen_milli = 1000;
    int64_t begun_ms = b.s.now_ms;
    struct plan *p = next();
    assert_int_equal(plan_target(p, "sfr-1"), -1);
    assert_string_equal(plan_verdict(p, "i-004")->fact, "empty; sfr-1 counts 5, its members that are seen weigh 4");
    while (plan_target(p, "sfr-1") < 0 && b.s.now_ms - begun_ms < HOUR)
        p = next();
    assert_in_range(b.s.now_ms - begun_ms, 30 * MINUTE, 32 * MINUTE);  // then it is none
}

static void v3_nothing_is_ended_while_the_fleet_would_replace_it(void **state)
{
    (void)state;
    to_lowered();
    b.s.fleets[fleet].target = 6;  // another raised it: the fleet launches until it has 6, and would replace ours too
    assert_int_equal(next()->action_count, 0);
    build_later(&b, 3 * MINUTE);
    struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_int_equal(plan_verdict(p, "i-004")->code, VERDICT_HOLD);
    for (int k = 0; k < 3; k++)
        build_instance(&b, fleet, type);
    p = next();  // launched: 7 members, the others weigh 6
    assert_int_equal(plan_count(p, ACTION_TERMINATE), 1);
}

static void a3_a_neighbour_that_died_after_lowering_does_not_leave_the_drain_stuck(void **state)
{
    (void)state;
    to_lowered();
    assert_int_equal(plan_count(next(), ACTION_TERMINATE), 1);  // and its answer was lost
    b.s.instances[inst[0]].ec2 = EC2_TERMINATED;
    b.s.instances[inst[0]].holding_count = 0;
    b.s.instances[inst[0]].ecs = ECS_UNREGISTERED;
    b.s.services[web].desired = b.s.services[web].running = 6;
    assert_int_equal(plan_target(next(), "sfr-1"), 2);
    b.s.fleets[fleet].target = 2;
    assert_int_equal(plan_count(next(), ACTION_TERMINATE), 1);
}

static void a3_a_neighbour_interrupted_after_lowering_brings_our_victim_back(void **state)
{
    (void)state;
    to_lowered();
    build_noticed(&b, inst[0]);
    struct plan *p = next();
    assert_non_null(plan_action(p, ACTION_DRAIN, "i-001"));
    assert_non_null(plan_action(p, ACTION_UNDRAIN, "i-004"));
    const struct action *unmark = plan_action(p, ACTION_UNMARK, "i-004");
    assert_int_equal(p->actions[unmark->after].kind, ACTION_UNDRAIN);
    assert_int_equal(plan_target(p, "sfr-1"), -1);  // three stay, and the target is three already
    assert_int_equal(plan_count(p, ACTION_TERMINATE), 0);
    assert_int_equal(state_of("i-004"), DRAIN_UNDOING);
}

static void demand_that_returns_undoes_a_drain_before_anything_is_ordered(void **state)
{
    (void)state;
    to_draining();
    b.s.services[web].desired = 14;
    struct plan *p = next();
    assert_int_equal(plan_count(p, ACTION_SET_TARGET), 0);
    assert_non_null(plan_action(p, ACTION_UNDRAIN, "i-004"));
    assert_int_equal(plan_verdict(p, "i-004")->code, VERDICT_UNDO);
    assert_int_equal(plan_verdict(p, "web web:1")->code, VERDICT_WAIT);
    victim()->ecs = ECS_ACTIVE;
    victim()->mark = "";
    next();
    assert_int_equal(state_of("i-004"), DRAIN_UNDONE);
    assert_int_equal(b.memo.drains_undone, 1);
    next();
    assert_null(memo_drain_of(&b.memo, "i-004"));
}

static void a3_an_undone_drain_puts_a_lowered_target_back_to_the_sum(void **state)
{
    (void)state;
    to_lowered();
    b.s.services[web].desired = 14;
    struct plan *p = next();
    assert_int_equal(plan_target(p, "sfr-1"), 4);
    const struct action *x = plan_action(p, ACTION_SET_TARGET, "sfr-1");
    assert_int_equal(p->actions[x->after].kind, ACTION_UNDRAIN);
}

static void target_back_once_active(bool undone)
{
    to_lowered();
    b.s.services[web].desired = 14;
    b.s.fleets[fleet].state = FLEET_MODIFYING;
    assert_non_null(plan_action(next(), ACTION_UNDRAIN, "i-004"));
    assert_null(plan_action(&b.r.plan, ACTION_SET_TARGET, "sfr-1"));
    b.s.fleets[fleet].state = FLEET_ACTIVE;
    b.s.services[web].desired = 10;  // nobody wants it any more: it is the sum all the same
    if (undone) {
        victim()->ecs = ECS_ACTIVE;
        victim()->mark = "";
    }
    assert_int_equal(plan_target(next(), "sfr-1"), 4);
    assert_int_equal(state_of("i-004"), undone ? DRAIN_UNDONE : DRAIN_UNDOING);
}

static void a3_an_undone_drain_puts_the_target_back_once_the_fleet_is_active(void **state)
{
    (void)state;
    target_back_once_active(false);
}

static void a3_a_drain_that_is_undone_meanwhile_puts_it_back_too(void **state)
{
    (void)state;
    target_back_once_active(true);
}

static void a_drain_whose_room_does_not_help_goes_on(void **state)
{
    (void)state;
    to_draining();
    build_service(&b, "big", build_shape(&b, "big:1", 4096, 8192), 1);
    struct plan *p = next();
    assert_int_equal(plan_count(p, ACTION_UNDRAIN), 0);
    assert_int_equal(plan_verdict(p, "i-004")->code, VERDICT_GO_ON);
    assert_int_equal(plan_target(p, "sfr-1"), 5);
}

static void c4_a_deployment_that_begins_undoes_the_drain(void **state)
{
    (void)state;
    to_draining();
    b.s.services[web].deployments[0].in_progress = true;
    struct plan *p = next();
    assert_non_null(plan_action(p, ACTION_UNDRAIN, "i-004"));
    assert_non_null(strstr(plan_verdict(p, "i-004")->fact, "deployment"));
}

static void c5_protection_that_appears_undoes_the_drain(void **state)
{
    (void)state;
    to_draining();
    victim()->holdings[0].protected_ = 1;
    assert_non_null(plan_action(next(), ACTION_UNDRAIN, "i-004"));
}

static void c6_a_standalone_task_that_lands_on_a_drain_is_waited_for_and_undone_at_the_deadline(void **state)
{
    (void)state;
    to_draining();
    leave();
    build_hold_shape(&b, inst[3], -1, shape, 1);
    struct plan *p = NULL;
    for (int k = 0; k < 20; k++) {
        p = next();
        assert_int_equal(plan_count(p, ACTION_TERMINATE) + plan_count(p, ACTION_SET_TARGET), 0);
    }
    assert_int_equal(state_of("i-004"), DRAIN_DRAINING);
    build_later(&b, 6 * MINUTE);
    p = build_plan(&b);
    assert_non_null(plan_action(p, ACTION_UNDRAIN, "i-004"));
    assert_non_null(strstr(plan_verdict(p, "i-004")->fact, "of no service"));
}

static void c12_a_drain_past_its_deadline_names_its_holder_and_excludes_the_instance(void **state)
{
    (void)state;
    to_draining();
    build_later(&b, 20 * MINUTE);
    struct plan *p = build_plan(&b);
    assert_non_null(plan_action(p, ACTION_UNDRAIN, "i-004"));
    assert_non_null(strstr(plan_verdict(p, "i-004")->fact, "1 task of web"));
    const struct memo_stamp *s = memo_stamp_of(&b.memo, STAMP_EXCLUDED, "i-004");
    assert_int_equal(s->count, 1);
    assert_int_equal(s->until_ms, b.s.now_ms + 6 * HOUR);
}

static void c12_the_second_failure_excludes_for_a_day(void **state)
{
    (void)state;
    struct memo_stamp stamps[] = {{STAMP_EXCLUDED, "i-004", T0 - 7 * HOUR, T0 - HOUR, 1, 0}};
    b.memo = (struct memo){.version = MEMO_VERSION, .now_ms = T0 - 30 * SECOND, .stamps = stamps, .stamp_count = 1};
    b.has_memo = true;
    to_draining();
    build_later(&b, 20 * MINUTE);
    build_plan(&b);
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_EXCLUDED, "i-004")->until_ms, b.s.now_ms + 24 * HOUR);
}

static void c12_wait_where_the_policy_says_so_is_reported_each_hour(void **state)
{
    (void)state;
    b.p.on_deadline = ON_DEADLINE_WAIT;
    to_draining();
    build_later(&b, 20 * MINUTE);
    struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_int_equal(plan_verdict(p, "i-004")->code, VERDICT_GO_ON);
    int64_t first = memo_drain_of(&b.memo, "i-004")->reported_ms;
    assert_int_equal(first, b.s.now_ms);
    build_later(&b, 30 * MINUTE);
    build_plan(&b);
    assert_int_equal(memo_drain_of(&b.memo, "i-004")->reported_ms, first);
    build_later(&b, 31 * MINUTE);
    build_plan(&b);
    assert_int_equal(memo_drain_of(&b.memo, "i-004")->reported_ms, b.s.now_ms);
}

static void c12_one_that_no_look_shows_or_that_cannot_be_undone_is_reported(void **state)
{
    (void)state;
    to_draining();
    build_later(&b, 20 * MINUTE);
    b.s.sources[SOURCE_CONTAINER_INSTANCES].state = SOURCE_UNKNOWN;
    build_plan(&b);
    assert_int_equal(memo_drain_of(&b.memo, "i-004")->reported_ms, b.s.now_ms);
    b.s.sources[SOURCE_CONTAINER_INSTANCES].state = SOURCE_OK;
    b.memo.drains[0].reported_ms = 0;
    next();
    assert_int_equal(state_of("i-004"), DRAIN_UNDOING);
    assert_int_equal(memo_drain_of(&b.memo, "i-004")->reported_ms, 0);
    next();
    next();
    next();  // it still shows DRAINING
    assert_int_equal(state_of("i-004"), DRAIN_UNDOING);
    assert_int_equal(memo_drain_of(&b.memo, "i-004")->reported_ms, b.s.now_ms);
}

static void c7_ours_made_active_by_another_is_a_veto_for_a_day(void **state)
{
    (void)state;
    to_draining();
    victim()->ecs = ECS_ACTIVE;
    build_later(&b, 3 * MINUTE);
    struct plan *p = build_plan(&b);
    assert_non_null(plan_action(p, ACTION_UNMARK, "i-004"));
    assert_int_equal(memo_stamp_of(&b.memo, STAMP_EXCLUDED, "i-004")->until_ms, b.s.now_ms + 24 * HOUR);
    victim()->mark = "";
    next();
    assert_int_equal(plan_verdict(next(), "i-004")->code, VERDICT_HOLD);
}

static void j1_draining_not_yet_read_back_is_no_veto(void **state)
{
    (void)state;
    build_ticks(&b, 3);
    victim()->mark = "owner=masu;at=2026-09-21T14:14:20Z;reason=unneeded";
    victim()->marked_ms = b.s.now_ms;
    struct plan *p = next();
    assert_int_equal(plan_count(p, ACTION_UNMARK) + plan_count(p, ACTION_UNDRAIN), 0);
    assert_int_equal(plan_verdict(p, "i-004")->code, VERDICT_GO_ON);
    assert_null(plan_action(p, ACTION_DRAIN, "i-004"));  // sent again it would begin without a proof
    assert_null(plan_action(p, ACTION_MARK, "i-004"));
}

static void c9_active_with_our_mark_and_no_memo_is_unmarked_after_five_minutes(void **state)
{
    (void)state;
    victim()->mark = "owner=masu;at=2026-09-21T14:10:00Z;reason=unneeded";
    victim()->marked_ms = T0 - 4 * MINUTE;
    assert_int_equal(build_plan(&b)->action_count, 0);
    victim()->marked_ms = T0 - 6 * MINUTE;
    build_later(&b, 30 * SECOND);
    struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 1);
    assert_non_null(plan_action(p, ACTION_UNMARK, "i-004"));
}

static void v24_a_marked_drain_without_memo_is_resumed_from_the_marks_time(void **state)
{
    (void)state;
    build_drained(&b, inst[3]);
    victim()->marked_ms = T0 - 5 * MINUTE;
    leave();
    struct plan *p = build_plan(&b);
    assert_int_equal(plan_verdict(p, "i-004")->code, VERDICT_GO_ON);
    assert_int_equal(state_of("i-004"), DRAIN_DRAINING);
    assert_int_equal(memo_drain_of(&b.memo, "i-004")->since_ms, T0 - 5 * MINUTE);
    next();
    next();
    assert_int_equal(state_of("i-004"), DRAIN_EMPTY);
}

static void c10_a_doomed_drain_is_never_undone(void **state)
{
    (void)state;
    to_draining();
    build_noticed(&b, inst[3]);
    b.s.services[web].desired = 14;
    struct plan *p = next();
    assert_int_equal(plan_count(p, ACTION_UNDRAIN), 0);
    assert_int_equal(plan_target(p, "sfr-1"), 5);
}

static void v14_add_only_answers_notices_and_undoes_but_lowers_nothing(void **state)
{
    (void)state;
    to_empty();
    b.p.mode = MODE_ADD_ONLY;
    build_noticed(&b, inst[1]);
    b.s.instances[inst[1]].holdings[0].running = 0;
    b.s.instances[inst[1]].ecs_running = 0;
    b.s.services[web].desired = b.s.services[web].running = 7;
    struct plan *p = next();
    assert_non_null(plan_action(p, ACTION_DRAIN, "i-002"));
    assert_int_equal(plan_count(p, ACTION_TERMINATE), 0);
    assert_int_equal(plan_target(p, "sfr-1"), -1);
    assert_int_equal(plan_verdict(p, "i-004")->code, VERDICT_HOLD);
}

static void v10_stale_facts_end_nothing(void **state)
{
    (void)state;
    to_lowered();
    build_later(&b, 30 * SECOND);
    build_age(&b, SOURCE_TASKS, 5 * MINUTE);
    struct plan *p = build_plan(&b);
    assert_int_equal(p->action_count, 0);
    assert_int_equal(plan_verdict(p, "i-004")->code, VERDICT_HOLD);
}

static void a_task_that_appears_on_an_empty_drain_begins_it_anew(void **state)
{
    (void)state;
    to_lowered();
    build_hold_shape(&b, inst[3], -1, shape, 1);
    struct plan *p = next();
    assert_int_equal(plan_count(p, ACTION_TERMINATE), 0);
    assert_int_equal(state_of("i-004"), DRAIN_DRAINING);
}

static void terminate_is_repeated_for_the_same_id_after_a_minute(void **state)
{
    (void)state;
    to_lowered();
    assert_int_equal(plan_count(next(), ACTION_TERMINATE), 1);
    assert_int_equal(plan_count(next(), ACTION_TERMINATE), 0);
    assert_int_equal(plan_count(next(), ACTION_TERMINATE), 1);
}

static void the_mark_says_whose_since_when_and_why(void **state)
{
    (void)state;
    struct drain_mark m;
    const char *text = drain_mark_format(&b.a, T0, "unneeded");
    assert_true(drain_mark_parse(&b.a, text, &m));
    assert_int_equal(m.at_ms, T0);
    assert_string_equal(m.reason, "unneeded");
    assert_false(drain_mark_parse(&b.a, "", &m));
    assert_false(drain_mark_parse(&b.a, "owner=somebody;at=never", &m));
    assert_int_equal(m.at_ms, 0);
    assert_false(drain_mark_parse(&b.a, ";;=;owner", &m));
}

static void every_state_of_a_drain_has_its_name_and_only_its_edges(void **state)
{
    (void)state;
    for (int k = 0; k < DRAIN_STATE_COUNT; k++)
        assert_string_equal(fsm_name(&drain_fsm, k), drain_state_name((enum drain_state)k));
    assert_false(fsm_allows(&drain_fsm, DRAIN_ENDING, DRAIN_UNDOING));
    assert_false(fsm_allows(&drain_fsm, DRAIN_DRAINING, DRAIN_LOWERED));
    assert_false(fsm_allows(&drain_fsm, DRAIN_DRAINING, DRAIN_ENDING));
    assert_false(fsm_allows(&drain_fsm, DRAIN_CHOSEN, DRAIN_ENDING));
    assert_true(fsm_allows(&drain_fsm, DRAIN_EMPTY, DRAIN_ENDING));  // in an Auto Scaling group: one call lowers and ends
    assert_true(fsm_allows(&drain_fsm, DRAIN_LOWERED, DRAIN_UNDOING));
    assert_true(fsm_allows(&drain_fsm, DRAIN_UNDOING, DRAIN_UNDONE));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a1_a_drain_goes_mark_draining_empty_lower_end_gone),
        TEST(c8_one_empty_look_is_not_enough),
        TEST(c8_a_tick_without_a_new_look_is_not_a_second_look),
        TEST(c8_a_stopping_task_is_still_a_task),
        TEST(c8_a_look_that_does_not_know_the_tasks_begins_the_count_anew),
        TEST(c8_daemons_get_two_minutes_to_stop),
        TEST(a_drain_asks_for_a_look_for_each_step_for_a_minute),
        TEST(one_that_was_empty_from_the_start_asks_at_once),
        TEST(a_target_that_the_others_already_cover_needs_no_lowering),
        TEST(a2_weights_that_do_not_divide_the_target_do_not_drift),
        TEST(v4_a_member_that_a_look_leaves_out_is_of_the_sum_so_that_no_target_is_lowered_without_it),
        TEST(v3_nothing_is_ended_while_the_fleet_would_replace_it),
        TEST(a3_a_neighbour_that_died_after_lowering_does_not_leave_the_drain_stuck),
        TEST(a3_a_neighbour_interrupted_after_lowering_brings_our_victim_back),
        TEST(demand_that_returns_undoes_a_drain_before_anything_is_ordered),
        TEST(a3_an_undone_drain_puts_a_lowered_target_back_to_the_sum),
        TEST(a3_an_undone_drain_puts_the_target_back_once_the_fleet_is_active),
        TEST(a3_a_drain_that_is_undone_meanwhile_puts_it_back_too),
        TEST(a_drain_whose_room_does_not_help_goes_on),
        TEST(c4_a_deployment_that_begins_undoes_the_drain),
        TEST(c5_protection_that_appears_undoes_the_drain),
        TEST(c6_a_standalone_task_that_lands_on_a_drain_is_waited_for_and_undone_at_the_deadline),
        TEST(c12_a_drain_past_its_deadline_names_its_holder_and_excludes_the_instance),
        TEST(c12_the_second_failure_excludes_for_a_day),
        TEST(c12_wait_where_the_policy_says_so_is_reported_each_hour),
        TEST(c12_one_that_no_look_shows_or_that_cannot_be_undone_is_reported),
        TEST(c7_ours_made_active_by_another_is_a_veto_for_a_day),
        TEST(j1_draining_not_yet_read_back_is_no_veto),
        TEST(c9_active_with_our_mark_and_no_memo_is_unmarked_after_five_minutes),
        TEST(v24_a_marked_drain_without_memo_is_resumed_from_the_marks_time),
        TEST(c10_a_doomed_drain_is_never_undone),
        TEST(v14_add_only_answers_notices_and_undoes_but_lowers_nothing),
        TEST(v10_stale_facts_end_nothing),
        TEST(a_task_that_appears_on_an_empty_drain_begins_it_anew),
        TEST(terminate_is_repeated_for_the_same_id_after_a_minute),
        TEST(the_mark_says_whose_since_when_and_why),
        TEST(every_state_of_a_drain_has_its_name_and_only_its_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
