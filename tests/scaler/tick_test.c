// The tick: its order, the `after` chain, and what happens when the journal cannot be written.
#include "tests/cm.h"

#include "scaler/tick.h"

enum { ACTIONS = 8 };

struct script {
    struct clock clock;
    struct action actions[ACTIONS];
    size_t action_count;
    struct instance instances[2];
    char log[4096];
    bool gather_fails, plan_fails, begin_fails, intent_fails, record_fails;
    int recheck_fails, apply_fails;  // index of the action, -1 none
    enum policy_mode mode_seen;
    const struct memo *memo_seen;
    struct memo_drain drains[1];
    struct memo_target targets[1];
    int64_t plans;
    size_t targets_seen, drains_seen;  // in the memo given to the last plan
};

static void note(struct script *s, const char *what)
{
    size_t len = strlen(s->log);
    snprintf(s->log + len, sizeof s->log - len, "%s%s", len ? " " : "", what);
}

static void note_action(struct script *s, const char *what, long index)
{
    char text[64];
    snprintf(text, sizeof text, "%s%ld", what, index);
    note(s, text);
}

static int s_gather(void *arg, struct tick_frame *f, struct snapshot *ret, struct err *err)
{
    struct script *s = arg;
    (void)f;
    note(s, "gather");
    if (s->gather_fails)
        return err_set(err, ERR_TRANSIENT, "who are we?");
    *ret = (struct snapshot){.now_ms = clock_wall_ms(&s->clock), .account = "", .region = "", .cluster = "c", .instances = s->instances, .instance_count = 2};
    return 0;
}

static int s_plan(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    struct script *s = arg;
    (void)f;
    note(s, "plan");
    s->mode_seen = in->policy->mode;
    s->memo_seen = in->memo;
    s->targets_seen = in->memo ? in->memo->target_count : 0;
    s->drains_seen = in->memo ? in->memo->drain_count : 0;
    if (s->plan_fails)
        return err_set(err, ERR_INVALID, "an index is out of range");
    *ret = (struct planner_result){.plan = {.cluster = "c", .mode = "act", .actions = s->actions, .action_count = s->action_count}};
    s->drains[0] = (struct memo_drain){.instance = "i-1", .reason = "unneeded", .since_ms = ++s->plans};
    s->targets[0] = (struct memo_target){.fleet = "sfr-1", .target = 10, .sent_ms = 1};
    ret->memo = (struct memo){.version = MEMO_VERSION, .now_ms = s->plans, .drains = s->drains, .drain_count = 1, .targets = s->targets, .target_count = 1};
    return 0;
}

static int s_begin(void *arg, struct tick_frame *f, struct err *err)
{
    struct script *s = arg;
    note(s, "begin");
    f->id = s->begin_fails ? 0 : 7;
    return s->begin_fails ? err_set(err, ERR_IO, "disk full") : 0;
}

static long index_of(const struct script *s, const struct action *a)
{
    return a - s->actions;
}

static int s_recheck(void *arg, struct tick_frame *f, const struct action *a, struct err *err)
{
    struct script *s = arg;
    (void)f;
    note_action(s, "recheck", index_of(s, a));
    return s->recheck_fails == index_of(s, a) ? err_set(err, ERR_CONFLICT, "not empty") : 0;
}

static int s_intent(void *arg, struct tick_frame *f, int action, int64_t *ret_intent, struct err *err)
{
    struct script *s = arg;
    (void)f;
    note_action(s, "intent", action);
    *ret_intent = 100 + action;
    return s->intent_fails || s->begin_fails ? err_set(err, ERR_IO, "disk full") : 0;
}

static int s_apply(void *arg, struct tick_frame *f, const struct action *a, struct err *err)
{
    struct script *s = arg;
    (void)f;
    note_action(s, "apply", index_of(s, a));
    return s->apply_fails == index_of(s, a) ? err_set(err, ERR_THROTTLED, "slow down") : 0;
}

static int s_outcome(void *arg, struct tick_frame *f, int action, int64_t intent, enum outcome_kind kind, const struct err *of_call, struct err *err)
{
    struct script *s = arg;
    (void)f;
    (void)of_call;
    (void)intent;
    note_action(s, outcome_kind_name(kind), action);
    return s->begin_fails ? err_set(err, ERR_IO, "disk full") : 0;
}

static int s_record(void *arg, struct tick_frame *f, struct err *err)
{
    struct script *s = arg;
    (void)f;
    note(s, "record");
    return s->record_fails || s->begin_fails ? err_set(err, ERR_IO, "disk full") : 0;
}

static void s_publish(void *arg, struct tick_frame *f)
{
    (void)f;
    note(arg, "publish");
}

static struct action an_action(enum action_kind kind, int instance, int after)
{
    return (struct action){.kind = kind, .target = "i-1", .instance = instance, .fleet = -1, .after = after, .fact = "f", .verdict = "v", .value = ""};
}

struct bed {
    struct script s;
    struct tick t;
    struct policy_cluster policy;
};

static struct bed *bed_new(void)
{
    struct bed *b = calloc(1, sizeof *b);
    assert_non_null(b);
    clock_init_virtual(&b->s.clock, 1000000);
    b->s.recheck_fails = b->s.apply_fails = -1;
    b->policy.mode = MODE_ACT;
    b->policy.scale_in = true;
    struct tick_ops ops = {.arg = &b->s, .gather = s_gather, .plan = s_plan, .begin = s_begin, .recheck = s_recheck, .intent = s_intent,
                           .apply = s_apply, .outcome = s_outcome, .record = s_record, .publish = s_publish};
    tick_init(&b->t, &b->s.clock, &b->policy, &ops);
    return b;
}

static void add_action(struct bed *b, struct action a)
{
    b->s.actions[b->s.action_count++] = a;
}

static struct tick_frame *run(struct bed *b, int expected)
{
    struct tick_frame *f;
    struct err err = {0};
    b->s.log[0] = '\0';
    assert_int_equal(tick_run(&b->t, &f, &err), expected);
    return f;
}

static void bed_free(struct bed *b)
{
    tick_release(&b->t);
    free(b);
}

static void a_tick_goes_through_its_steps_in_order(void **state)
{
    (void)state;
    struct bed *b = bed_new();
    add_action(b, an_action(ACTION_MARK, 0, -1));
    add_action(b, an_action(ACTION_DRAIN, 0, 0));
    struct tick_frame *f = run(b, 0);
    assert_string_equal(b->s.log, "gather begin plan intent0 recheck0 apply0 ok0 intent1 recheck1 apply1 ok1 record publish");
    assert_int_equal(f->ok, 2);
    bed_free(b);
}

static void what_depends_on_a_failed_action_is_skipped_and_the_rest_goes_on(void **state)
{
    (void)state;
    struct bed *b = bed_new();
    add_action(b, an_action(ACTION_MARK, 0, -1));
    add_action(b, an_action(ACTION_DRAIN, 0, 0));
    add_action(b, an_action(ACTION_UNDRAIN, 1, -1));
    b->s.apply_fails = 0;
    struct tick_frame *f = run(b, 0);
    assert_string_equal(b->s.log, "gather begin plan intent0 recheck0 apply0 failed0 intent2 recheck2 apply2 ok2 record publish");
    assert_int_equal(f->failed, 1);
    assert_int_equal(f->skipped, 1);
    assert_int_equal(f->acts[1].outcome, OUTCOME_SKIPPED);
    assert_non_null(strstr(f->acts[1].detail, "did not happen"));
    bed_free(b);
}

// MARK and DRAIN of three members, the third's mark after all drains.
static void add_drains(struct bed *b)
{
    for (int k = 0; k < 3; k++) {
        struct action mark = an_action(ACTION_MARK, k, -1);
        mark.after_drains = k == 2;
        add_action(b, mark);
        add_action(b, an_action(ACTION_DRAIN, k, 2 * k));
    }
}

static void v33_a_drain_that_leans_on_others_waits_for_all_of_them(void **state)
{
    (void)state;
    for (int fails = -1; fails < 4; fails++) {  // no call; the first's mark, its drain, the second's mark, its drain
        struct bed *b = bed_new();
        add_drains(b);
        b->s.apply_fails = fails;
        struct tick_frame *f = run(b, 0);
        assert_int_equal(f->acts[4].outcome, fails < 0 ? OUTCOME_OK : OUTCOME_SKIPPED);
        assert_int_equal(f->acts[5].outcome, fails < 0 ? OUTCOME_OK : OUTCOME_SKIPPED);
        assert_true(fails < 0 || strstr(f->acts[4].detail, "left to the next look"));
        bed_free(b);
    }
}

static void a_target_whose_call_failed_is_not_waited_for(void **state)
{
    (void)state;
    struct bed *b = bed_new();
    struct action raise = an_action(ACTION_SET_TARGET, -1, -1);
    raise.target = "sfr-1";
    raise.capacity = 10;
    add_action(b, raise);
    run(b, 0);
    run(b, 0);
    assert_int_equal(b->s.targets_seen, 1);  // sent: the next tick knows
    b->s.apply_fails = 0;
    run(b, 0);
    b->s.apply_fails = -1;
    run(b, 0);
    assert_int_equal(b->s.targets_seen, 0);
    b->s.recheck_fails = 0;
    run(b, 0);
    run(b, 0);
    assert_int_equal(b->s.targets_seen, 0);
    bed_free(b);
}

static void v6_a_drain_that_was_not_sent_is_not_remembered(void **state)
{
    (void)state;
    struct bed *b = bed_new();
    add_action(b, an_action(ACTION_MARK, 1, -1));
    add_action(b, an_action(ACTION_DRAIN, 1, 0));
    run(b, 0);
    run(b, 0);
    assert_int_equal(b->s.drains_seen, 1);
    for (int fails = 0; fails < 2; fails++) {  // the mark, so that the drain is skipped; the drain itself
        b->s.apply_fails = fails;
        run(b, 0);
        b->s.apply_fails = -1;
        run(b, 0);
        assert_int_equal(b->s.drains_seen, 0);
    }
    bed_free(b);
}

static void a_recheck_that_says_no_keeps_the_call_from_being_made(void **state)
{
    (void)state;
    struct bed *b = bed_new();
    add_action(b, an_action(ACTION_TERMINATE, 0, -1));
    b->s.recheck_fails = 0;
    struct tick_frame *f = run(b, 0);
    assert_string_equal(b->s.log, "gather begin plan intent0 recheck0 skipped0 record publish");
    assert_string_equal(f->acts[0].detail, "not empty");
    bed_free(b);
}

static void i5_without_a_journal_nothing_is_removed_but_need_is_served_and_drains_are_undone(void **state)
{
    (void)state;
    struct bed *b = bed_new();
    struct action raise = an_action(ACTION_SET_TARGET, -1, -1);
    raise.capacity = 10;
    raise.target_before = 8;
    struct action lower = raise;
    lower.capacity = 6;
    add_action(b, raise);
    add_action(b, lower);
    add_action(b, an_action(ACTION_TERMINATE, 0, -1));
    add_action(b, an_action(ACTION_UNDRAIN, 0, -1));
    b->s.begin_fails = true;
    run(b, 0);
    assert_string_equal(b->s.log, "gather begin plan intent0 recheck0 apply0 ok0 intent3 recheck3 apply3 ok3 record publish");
    assert_int_equal(b->s.mode_seen, MODE_ADD_ONLY);
    b->s.begin_fails = false;
    run(b, 0);
    assert_int_equal(b->s.mode_seen, MODE_ACT);
    bed_free(b);
}

static void i5_a_journal_that_breaks_in_mid_tick_stops_the_removals_that_follow(void **state)
{
    (void)state;
    struct bed *b = bed_new();
    add_action(b, an_action(ACTION_UNDRAIN, 0, -1));
    add_action(b, an_action(ACTION_TERMINATE, 0, -1));
    b->s.intent_fails = true;
    struct tick_frame *f = run(b, 0);
    assert_string_equal(b->s.log, "gather begin plan intent0 recheck0 apply0 ok0 record publish");
    assert_int_equal(f->acts[1].outcome, OUTCOME_SKIPPED);
    bed_free(b);
}

static void d1_a_doomed_instance_is_drained_even_without_a_journal(void **state)
{
    (void)state;
    struct bed *b = bed_new();
    b->s.instances[1].notice_ms = 5;
    add_action(b, an_action(ACTION_DRAIN, 1, -1));
    b->s.begin_fails = true;
    run(b, 0);
    assert_non_null(strstr(b->s.log, "apply0 ok0"));
    bed_free(b);
}

static void a_tick_without_facts_or_without_a_plan_does_nothing_and_keeps_the_memo(void **state)
{
    (void)state;
    struct bed *b = bed_new();
    add_action(b, an_action(ACTION_TERMINATE, 0, -1));
    b->s.recheck_fails = 0;
    run(b, 0);
    b->s.gather_fails = true;
    struct tick_frame *f = run(b, ERR_TRANSIENT);
    assert_string_equal(b->s.log, "gather begin record publish");
    assert_string_equal(f->error, "who are we?");
    b->s.gather_fails = false;
    b->s.plan_fails = true;
    run(b, ERR_INVALID);
    assert_string_equal(b->s.log, "gather begin plan record publish");
    b->s.plan_fails = false;
    run(b, 0);
    assert_int_equal(b->s.memo_seen->drains[0].since_ms, 1);  // that of the first tick
    bed_free(b);
}

static void the_memo_of_a_tick_is_the_input_of_the_next(void **state)
{
    (void)state;
    struct bed *b = bed_new();
    run(b, 0);
    assert_null(b->s.memo_seen);
    for (int i = 1; i < 6; i++) {
        run(b, 0);
        assert_int_equal(b->s.memo_seen->drains[0].since_ms, i);
        assert_string_equal(b->s.memo_seen->drains[0].instance, "i-1");
    }
    bed_free(b);
}

static void the_shell_can_only_weaken_the_policy(void **state)
{
    (void)state;
    struct bed *b = bed_new();
    b->t.add_only = true;
    run(b, 0);
    assert_int_equal(b->s.mode_seen, MODE_ADD_ONLY);
    b->policy.mode = MODE_OBSERVE;
    run(b, 0);
    assert_int_equal(b->s.mode_seen, MODE_OBSERVE);
    b->t.hold_drains = true;
    assert_false(run(b, 0)->policy.scale_in);
    bed_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tick_goes_through_its_steps_in_order),
        cmocka_unit_test(what_depends_on_a_failed_action_is_skipped_and_the_rest_goes_on),
        cmocka_unit_test(v33_a_drain_that_leans_on_others_waits_for_all_of_them),
        cmocka_unit_test(a_target_whose_call_failed_is_not_waited_for),
        cmocka_unit_test(v6_a_drain_that_was_not_sent_is_not_remembered),
        cmocka_unit_test(a_recheck_that_says_no_keeps_the_call_from_being_made),
        cmocka_unit_test(i5_without_a_journal_nothing_is_removed_but_need_is_served_and_drains_are_undone),
        cmocka_unit_test(i5_a_journal_that_breaks_in_mid_tick_stops_the_removals_that_follow),
        cmocka_unit_test(d1_a_doomed_instance_is_drained_even_without_a_journal),
        cmocka_unit_test(a_tick_without_facts_or_without_a_plan_does_nothing_and_keeps_the_memo),
        cmocka_unit_test(the_memo_of_a_tick_is_the_input_of_the_next),
        cmocka_unit_test(the_shell_can_only_weaken_the_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
