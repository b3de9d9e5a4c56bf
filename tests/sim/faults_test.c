// Schedules of faults, ordeals by them, and what a failing one is shrunk to.
#include <string.h>

#include "planner/sim/shrink.h"
#include "tests/cm.h"

#define HOUR_MS 3600000LL
#define DAY_MS (24 * HOUR_MS)

static const char *printed(const struct fault *f, struct arena *a)
{
    struct buf b;
    buf_init(&b, 1024);
    fault_print(f, &b);
    const char *text = arena_strdup(a, buf_str(&b));
    buf_release(&b);
    return text;
}

static void a_seed_has_one_schedule_and_a_shorter_run_its_beginning(void **state)
{
    (void)state;
    struct arena a;
    int kinds[FAULT_KIND_COUNT] = {0};
    size_t items = 0;
    arena_init(&a, 0);
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct faults day = faults_make(seed, DAY_MS, &a), again = faults_make(seed, DAY_MS, &a), half = faults_make(seed, DAY_MS / 2, &a);
        assert_int_equal(day.count, again.count);
        assert_true(half.count <= day.count);
        for (size_t k = 0; k < day.count; k++) {
            const struct fault *f = &day.v[k];
            assert_string_equal(printed(f, &a), printed(&again.v[k], &a));
            assert_true(f->at_ms >= 40 * 60000 && f->at_ms < DAY_MS && (k == 0 || f->at_ms > f[-1].at_ms));
            assert_int_equal(k < half.count, f->at_ms < DAY_MS / 2);
            assert_true(k >= half.count || (half.v[k].kind == f->kind && half.v[k].at_ms == f->at_ms && half.v[k].chance == f->chance));
            assert_true(f->for_ms > 0 || f->kind == FAULT_RESTART || f->kind == FAULT_FRESH_DISK);
            kinds[f->kind]++;
        }
        items += day.count;
    }
    for (int k = 0; k < FAULT_KIND_COUNT; k++)
        assert_true(kinds[k] > 200);
    assert_true(items > 200 * 18 && items < 200 * 28);  // about one an hour
    arena_release(&a);
}

static void a_fault_says_what_when_where_and_for_how_long(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    assert_string_equal(printed(&(struct fault){.kind = FAULT_THROTTLE, .at_ms = 3 * HOUR_MS, .for_ms = 240000, .target = 1}, &a), "3 h throttle services for 4 min");
    assert_string_equal(printed(&(struct fault){.kind = FAULT_CLOCK, .at_ms = HOUR_MS, .for_ms = 60000, .amount_ms = -7000}, &a), "1 h clock-step by -7 s for 60 s");
    assert_string_equal(printed(&(struct fault){.kind = FAULT_DROUGHT, .at_ms = 2 * HOUR_MS, .for_ms = 600000, .target = 2}, &a), "2 h drought in us-east-1c for 10 min");
    assert_string_equal(printed(&(struct fault){.kind = FAULT_FRESH_DISK, .at_ms = 2 * HOUR_MS}, &a), "2 h restart-without-disk");
    arena_release(&a);
}

// ---- ordeals ------------------------------------------------------------------------------------------------------------------

static struct ordeal_result endure(const struct ordeal *o)
{
    struct ordeal_result r;
    struct err err = {0};
    if (ordeal_run(o, &r, &err) != 0)
        fail_msg("%s", err.msg);
    return r;
}

static void the_same_ordeal_is_the_same_to_the_byte_and_meets_its_faults(void **state)
{
    (void)state;
    int64_t met = 0;
    for (uint64_t seed = 0; seed < ORDEAL_FLEETS_COUNT; seed++) {
        struct ordeal o = ordeal_of(seed, 3 * HOUR_MS), quiet = o;
        struct ordeal_result r = endure(&o), again = endure(&o);
        assert_memory_equal(&r, &again, sizeof r);
        for (int64_t k = 0; k < r.violation_count && k < ORDEAL_VIOLATIONS_MAX; k++)
            print_error("seed %d: V%d %s\n", (int)seed, (int)r.violations[k].id, r.violations[k].text);
        assert_int_equal(r.violation_count, 0);
        assert_int_equal(r.tasks_killed, 0);
        assert_true(r.ticks > 600 && r.launches + r.drains > 0);
        met += r.faults_met;
        quiet.only = (size_t[]){0};
        quiet.only_count = 0;
        assert_int_equal(endure(&quiet).faults_met, 0);
    }
    assert_true(met > 0);
}

static void each_kind_of_fault_makes_itself_felt(void **state)
{
    (void)state;
    struct arena a;
    bool felt[FAULT_KIND_COUNT] = {false};
    arena_init(&a, 0);
    for (uint64_t seed = 0; seed < 80; seed++) {
        struct faults f = faults_make(seed, 2 * HOUR_MS, &a);
        bool by_chance = f.count == 0 || f.v[0].kind == FAULT_DEAF || f.v[0].kind == FAULT_TWICE || f.v[0].kind == FAULT_LOST ||
                         f.v[0].kind == FAULT_CLOCK || f.v[0].kind == FAULT_DROUGHT;
        if (by_chance || felt[f.v[0].kind])
            continue;
        struct ordeal o = ordeal_of(seed, f.v[0].at_ms + f.v[0].for_ms + 10 * 60000);
        o.only = (size_t[]){0};
        o.only_count = 1;
        struct ordeal_result with = endure(&o);
        o.only_count = 0;
        struct ordeal_result without = endure(&o);
        felt[f.v[0].kind] = memcmp(&with, &without, sizeof with) != 0;
    }
    // Those of events, answers and stock need one that would have come just then.
    for (int k = 0; k < FAULT_KIND_COUNT; k++)
        if (!felt[k] && k != FAULT_DEAF && k != FAULT_TWICE && k != FAULT_LOST && k != FAULT_CLOCK && k != FAULT_DROUGHT)
            fail_msg("%s changed nothing", fault_kind_name((enum fault_kind)k));
    arena_release(&a);
}

// ---- a planted bug is found, replayed and shrunk --------------------------------------------------------------------------------

// Where tasks cannot be read there are none: the first instance is ended.
static void v1_takes_unknown_tasks_for_none(void *arg, const struct planner_input *in, struct planner_result *r, struct arena *a)
{
    const struct snapshot *s = in->snapshot;
    (void)arg;
    if (s->sources[SOURCE_TASKS].state == SOURCE_OK)
        return;
    for (size_t i = 0; i < s->instance_count; i++) {
        const struct instance *x = &s->instances[i];
        if (x->ecs != ECS_ACTIVE || x->ec2 != EC2_RUNNING || x->fleet < 0 || x->ecs_running == 0)
            continue;
        r->plan.actions = arena_grow(a, r->plan.actions, r->plan.action_count, &r->plan.action_cap, sizeof *r->plan.actions);
        r->plan.actions[r->plan.action_count++] = (struct action){.kind = ACTION_TERMINATE, .target = x->id, .instance = (int)i, .fleet = x->fleet,
                                                                  .after = -1, .fact = "planted", .verdict = "bug"};
        return;
    }
}

static int endure_for_shrink(void *arg, const struct ordeal *o, struct ordeal_result *ret, struct err *err)
{
    (void)arg;
    return ordeal_run(o, ret, err);
}

static bool blinds_tasks(const struct fault *f)
{
    return f->kind == FAULT_ERRORS || f->kind == FAULT_TRUNCATED || ((f->kind == FAULT_THROTTLE || f->kind == FAULT_PARTIAL) && f->target == 2);
}

static void a_planted_bug_is_found_replayed_and_shrunk_to_what_it_needs(void **state)
{
    (void)state;
    struct ordeal o;
    struct ordeal_result r = {.violation_count = 0};
    uint64_t seed = 0;
    for (; seed < 20 && r.violation_count == 0; seed++) {
        o = ordeal_of(seed, 4 * HOUR_MS);
        o.plant = v1_takes_unknown_tasks_for_none;
        r = endure(&o);
    }
    assert_true(r.violation_count > 0);
    struct ordeal_result again = endure(&o);
    assert_memory_equal(&r, &again, sizeof r);
    struct arena a;
    struct ordeal least;
    struct err err = {0};
    arena_init(&a, 0);
    struct shrink s = {.run = endure_for_shrink};
    assert_int_equal(shrink_ordeal(&s, &o, r.violations[0].id, 200, &a, &least, &err), 0);
    struct faults f = ordeal_faults(&least, &a), all = ordeal_faults(&o, &a);
    struct ordeal_result shrunk = endure(&least);
    assert_true(f.count < all.count && f.count >= 1);
    assert_true(least.for_ms < o.for_ms && shrunk.first_ms < least.for_ms && shrunk.first_ms >= least.for_ms - 60000);
    bool needed = false;
    for (size_t k = 0; k < f.count; k++)
        needed |= blinds_tasks(&f.v[k]);
    assert_true(needed);
    for (size_t k = 0; k < least.only_count; k++) {  // none can be left out
        struct ordeal less = least;
        size_t only[32], n = 0;
        for (size_t i = 0; i < least.only_count; i++)
            if (i != k)
                only[n++] = least.only[i];
        less.only = only;
        less.only_count = n;
        struct ordeal_result without = endure(&less);
        for (int64_t v = 0; v < without.violation_count; v++)
            assert_int_not_equal(without.violations[v].id, r.violations[0].id);
    }
    least.plant = NULL;  // without the bug the same schedule breaks nothing
    assert_int_equal(endure(&least).violation_count, 0);
    arena_release(&a);
}

static void the_command_names_all_that_runs_it_again(void **state)
{
    (void)state;
    struct buf b;
    struct ordeal o = ordeal_of(17, 12 * HOUR_MS);
    buf_init(&b, 4096);
    ordeal_command(&o, false, &b);
    assert_string_equal(buf_str(&b), "masu simulate --faults --seed 17 --fleet ec2-fleet --for 720m");
    o.only = (size_t[]){3, 8};
    o.only_count = 2;
    buf_clear(&b);
    ordeal_command(&o, true, &b);
    assert_string_equal(buf_str(&b), "masu simulate --faults --on-wire --seed 17 --fleet ec2-fleet --for 720m --only 4,9");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_has_one_schedule_and_a_shorter_run_its_beginning),
        cmocka_unit_test(a_fault_says_what_when_where_and_for_how_long),
        cmocka_unit_test(the_same_ordeal_is_the_same_to_the_byte_and_meets_its_faults),
        cmocka_unit_test(each_kind_of_fault_makes_itself_felt),
        cmocka_unit_test(a_planted_bug_is_found_replayed_and_shrunk_to_what_it_needs),
        cmocka_unit_test(the_command_names_all_that_runs_it_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
