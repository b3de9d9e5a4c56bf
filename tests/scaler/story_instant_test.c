// Stories of instant fleets on the wire: orders that outlive the daemon (a11), need bound to a zone (a8).
#include <unistd.h>

#include "base/check.h"
#include "planner/alert.h"
#include "planner/sim/instant.h"
#include "tests/scaler/story.h"

enum { HOSTS = 4 };

// The story's world on instances that were launched one order at a time.
static int instant_world(const struct world_options *o, struct world **ret, struct err *err)
{
    struct world *w = NULL;
    int rc = world_empty(7, o, &w, err);
    if (rc)
        return rc;
    world_add_cluster(w, "main");
    struct world_template t = {.id = "lt-0b0c5a4db0c500002", .ami = "ami-0b0c5a4db0c500001", .agent_version = "1.98.0", .name = "main"};
    struct world_override any = {world_type_index(w, "m5.xlarge"), -1, 1000};
    int fleet_index = world_add_fleet(w, &(struct world_fleet_spec){.cluster = 0, .allocation = WALLOC_PRICE_CAPACITY_OPTIMIZED, .overrides = &any, .override_count = 1,
                                                                    .template = world_add_template(w, &t), .ec2_fleet = true, .request_type = true,
                                                                    .instant = true, .tag = "main/instant"});
    for (int i = 0; i < HOSTS; i++)
        add_host(w, fleet_index, i % 3);
    add_service(w, (struct a_service){"web", 512, 1024, WEB_DESIRED, 100, 200, WS_SPREAD_ZONE, 0, 0});
    *ret = w;
    return 0;
}

// ---- a daemon that is killed --------------------------------------------------------------------------------------------------
enum moment { BEFORE_THE_CALL, BEFORE_ITS_OUTCOME, BEFORE_THE_RECORD, MOMENTS };

// Ends a life at a moment of its next launch: nothing of it reaches AWS or the disk any more.
struct killer {
    struct tick_ops inner;
    struct story *story;
    enum moment moment;
    bool armed, launches, dead;
};

static void kill_at(struct killer *k, enum moment m)
{
    if (k->armed && k->launches && k->moment == m) {
        k->armed = false;
        k->dead = true;
        loop_stop(k->story->rig.loop);
    }
}

static int killed(struct err *err)
{
    return err_set(err, ERR_IO, "dead");
}

#define INNER(arg) (((struct killer *)(arg))->inner)
static int killer_gather(void *arg, struct tick_frame *f, struct snapshot *ret, struct err *err)
{
    return INNER(arg).gather(INNER(arg).arg, f, ret, err);
}

static int killer_plan(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    return INNER(arg).plan(INNER(arg).arg, f, in, ret, err);
}

static int killer_begin(void *arg, struct tick_frame *f, struct err *err)
{
    return INNER(arg).begin(INNER(arg).arg, f, err);
}

static int killer_recheck(void *arg, struct tick_frame *f, const struct action *a, struct err *err)
{
    return INNER(arg).recheck(INNER(arg).arg, f, a, err);
}

static void killer_publish(void *arg, struct tick_frame *f)
{
    INNER(arg).publish(INNER(arg).arg, f);
}

static int killer_intent(void *arg, struct tick_frame *f, int action, int64_t *ret_intent, struct err *err)
{
    struct killer *k = arg;
    return k->dead ? killed(err) : k->inner.intent(k->inner.arg, f, action, ret_intent, err);
}

static int killer_apply(void *arg, struct tick_frame *f, const struct action *a, struct err *err)
{
    struct killer *k = arg;
    k->launches = a->kind == ACTION_LAUNCH;
    kill_at(k, BEFORE_THE_CALL);
    return k->dead ? killed(err) : k->inner.apply(k->inner.arg, f, a, err);
}

static int killer_outcome(void *arg, struct tick_frame *f, int action, int64_t intent, enum outcome_kind kind, const struct err *of_call, struct err *err)
{
    struct killer *k = arg;
    kill_at(k, BEFORE_ITS_OUTCOME);
    int rc = k->dead ? killed(err) : k->inner.outcome(k->inner.arg, f, action, intent, kind, of_call, err);
    kill_at(k, BEFORE_THE_RECORD);
    return rc;
}

static int killer_record(void *arg, struct tick_frame *f, struct err *err)
{
    struct killer *k = arg;
    return k->dead ? killed(err) : k->inner.record(k->inner.arg, f, err);
}

static void put_killer(void *arg, struct tick_ops *ops)
{
    struct killer *k = arg;
    k->inner = *ops;
    *ops = (struct tick_ops){.arg = k, .gather = killer_gather, .plan = killer_plan, .begin = killer_begin, .recheck = killer_recheck, .intent = killer_intent,
                             .apply = killer_apply, .outcome = killer_outcome, .record = killer_record, .publish = killer_publish};
}

static void clear_folder(const char *folder, const char *path)
{
    static const char *const TAILS[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < ARRAY_LEN(TAILS); i++) {
        char name[160];
        snprintf(name, sizeof name, "%s%s", path, TAILS[i]);
        unlink(name);
    }
    rmdir(folder);
}

// How many instances come for twelve tasks more, when the daemon is killed at that moment and starts again at once; MOMENTS: never. At
// first: in the first tick of all, that leaves no memo.
// Reads lag by a minute and a half, so that no look of the new life shows what the old one ordered.
static int64_t launched_over_a_kill(enum moment m, bool at_first)
{
    struct story s;
    struct err err = {0};
    struct killer k = {.story = &s, .moment = m};
    char folder[] = "/tmp/masu-instant-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/state.db", folder);
    story_open(&s, (struct rig_options){.build = instant_world, .state_path = path, .plant = put_killer, .plant_arg = &k});
    if (!at_first)
        pass(&s, 20);
    sandbox_set_read_lag(s.rig.sandbox, 90000);
    int64_t had = see(&s).counters->launches;
    k.armed = m != MOMENTS;
    want(&s, WEB_DESIRED + 12);
    pass(&s, 4);
    assert_int_equal(k.dead, m != MOMENTS);
    if (k.dead) {
        k.dead = false;
        assert_int_equal(rig_restart(&s.rig, true, &err), 0);
        pass(&s, 4);
    }
    int64_t launched = see(&s).counters->launches - had;
    sandbox_set_read_lag(s.rig.sandbox, 0);
    pass(&s, 10);
    assert_int_equal(running(&s, s.web), WEB_DESIRED + 12);
    nothing_broke(&s);
    story_close(&s);
    clear_folder(folder, path);
    return launched;
}

static void a11_an_order_of_a_daemon_that_was_killed_is_not_given_twice(void **state)
{
    (void)state;
    for (int at_first = 0; at_first < 2; at_first++) {
        int64_t undisturbed = launched_over_a_kill(MOMENTS, at_first);
        assert_true(undisturbed > 0);
        for (int m = 0; m < MOMENTS; m++) {
            int64_t n = launched_over_a_kill((enum moment)m, at_first);
            print_message("killed at moment %d: %" PRId64 " launched, undisturbed %" PRId64 "\n", m, n, undisturbed);
            assert_int_equal(n, undisturbed);
        }
    }
}

// A Spot Fleet over all zones beside the instant fleet, and a service whose tasks must be in the first of them.
static int bound_world(const struct world_options *o, struct world **ret, struct err *err)
{
    int rc = instant_world(o, ret, err);
    if (rc)
        return rc;
    add_fleet(*ret, 0, "m5.xlarge", 1);
    struct world_rules rules = {.member_of = {"attribute:ecs.availability-zone == us-east-1a"}, .member_of_count = 1};
    world_add_service(*ret, &(struct world_service_spec){.name = "bound", .cluster = 0, .taskdef = a_def(*ret, "bound", 3000, 8000), .desired = 0, .min_percent = 100,
                                                         .max_percent = 200, .rules = &rules});
    return 0;
}

static void a8_need_bound_to_a_zone_is_launched_there_by_the_instant_fleet(void **state)
{
    (void)state;
    struct story s;
    story_open(&s, (struct rig_options){.build = bound_world});
    pass(&s, 20);
    int64_t since = now_ms(&s);
    int bound = world_find_service(world_of(&s), 0, "bound"), there = 0;
    assert_int_equal(world_set_desired(world_of(&s), WORLD_PERSON, bound, 4), WORLD_OK);
    pass(&s, 20);
    struct world_view v = see(&s);
    for (int i = 0; i < v.instance_count; i++)
        if (v.instances[i].used && v.instances[i].launched_ms >= since) {
            assert_int_equal(v.pools[v.instances[i].pool].zone, 0);
            there++;
        }
    assert_true(there > 0);
    assert_int_equal(running(&s, bound), 4);
    assert_int_equal(applied_since(&s, "ec2:ModifySpotFleetRequest", since), 0);
    nothing_broke(&s);
    story_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a8_need_bound_to_a_zone_is_launched_there_by_the_instant_fleet),
        cmocka_unit_test(a11_an_order_of_a_daemon_that_was_killed_is_not_given_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
