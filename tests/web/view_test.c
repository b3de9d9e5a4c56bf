#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "scaler/view.h"
#include "tests/state/facts.h"

struct world {
    struct facts facts;
    struct view_box box;
};

static const struct view_daemon plain_daemon = {.version = "1", .speed = 1, .state_ok = true};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    facts_fill(&w->facts, FACTS_NOW_MS);
    view_box_init(&w->box, &w->facts.policy, &plain_daemon);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    view_box_release(&w->box);
    free(w);
    return 0;
}

static void publish(struct world *w, int64_t tick, size_t acts)
{
    const struct view_act act = view_act_of(&w->facts.actions[0], VIEW_FAILED, "fleet is modifying");
    const struct view_tick t = {.snapshot = &w->facts.snapshot, .plan = &w->facts.plan, .memo = &w->facts.memo, .acts = &act,
                                .act_count = acts, .tick = tick, .duration_ms = 9, .policy_hash = "abc"};
    view_box_publish(&w->box, 0, &w->facts.policy_clusters[0], &t);
}

static void a_box_knows_its_clusters_before_the_first_tick(void **state)
{
    struct world *w = *state;
    struct view *v = view_acquire(&w->box);
    assert_int_equal(v->cluster_count, 2);
    assert_string_equal(v->clusters[0]->name, "east");
    assert_string_equal(v->clusters[1]->name, "west");  // the short name of an ARN
    assert_false(v->clusters[0]->ticked);
    view_release(v);
}

static void a_view_owns_its_memory(void **state)
{
    struct world *w = *state;
    char fleet[] = "Team=web", name[] = "i-0aaa000000000001", fact[] = "a fact of the tick's arena";
    w->facts.fleets[0].name = fleet;
    w->facts.instances[0].id = name;
    w->facts.verdicts[0].target = name;
    w->facts.verdicts[0].fact = fact;
    publish(w, 1, 0);
    memset(fleet, 'x', sizeof(fleet) - 1);
    memset(name, 'x', sizeof(name) - 1);
    memset(fact, 'x', sizeof(fact) - 1);
    memset(w->facts.holdings, 0xff, sizeof(w->facts.holdings));
    memset(w->facts.services, 0xff, sizeof(w->facts.services));
    struct view *v = view_acquire(&w->box);
    const struct view_cluster *c = v->clusters[0];
    assert_string_equal(c->snapshot->instances[0].id, "i-0aaa000000000001");
    assert_string_equal(c->bounds[0].id, "Team=web");
    assert_string_equal(c->instance_verdict[0]->fact, "a fact of the tick's arena");
    assert_int_equal(c->snapshot->instances[0].holdings[0].running, 2);
    assert_string_equal(c->snapshot->services[1].name, "worker");
    view_release(v);
}

static void an_old_view_stays_readable_and_equal_while_new_ones_come(void **state)
{
    struct world *w = *state;
    publish(w, 1, 0);
    struct view *old = view_acquire(&w->box);
    for (int i = 2; i < 10; i++)
        publish(w, i, 1);
    struct view *new = view_acquire(&w->box);
    assert_int_equal(old->clusters[0]->tick, 1);
    assert_int_equal(old->clusters[0]->decision_count, 0);
    assert_int_equal(new->clusters[0]->tick, 9);
    assert_ptr_equal(old->clusters[1], new->clusters[1]);  // what did not change is shared
    view_release(old);
    assert_string_equal(new->clusters[1]->name, "west");
    view_release(new);
}

// Three overrides of m5.xlarge in two subnets of 1a, one without addresses, and one in 1b; m5.2xlarge in any zone, has a member in one and failed
// in another.
static void pools_are_a_type_in_a_zone_with_their_members_and_their_memory(void **state)
{
    struct world *w = *state;
    struct fleet_pool pools[] = {
        {.type = 0, .type_name = "m5.xlarge", .zone = "eu-west-1b", .weight_milli = 4000, .spot_usd_micro = 50000},
        {.type = 1, .type_name = "m5.2xlarge", .zone = "", .weight_milli = 8000},
        {.type = 0, .type_name = "m5.xlarge", .zone = "eu-west-1a", .weight_milli = 4000, .subnet = "subnet-1", .subnet_full = true},
        {.type = 0, .type_name = "m5.xlarge", .zone = "eu-west-1a", .weight_milli = 4000, .subnet = "subnet-2"},
    };
    struct memo_stamp stamps[] = {{STAMP_POOL, "m5.xlarge eu-west-1", 1, 2, 1, POOL_SLOW},
                                  {STAMP_POOL, "m5.xlarge eu-west-1b", FACTS_NOW_MS - 60000, FACTS_NOW_MS + 60000, 2, POOL_REFUSED},
                                  {STAMP_POOL, "m5.2xlarge eu-west-1c", FACTS_NOW_MS - 60000, FACTS_NOW_MS + 60000, 1, POOL_REFUSED},
                                  {STAMP_POOL, "m5.large eu-west-1c", FACTS_NOW_MS - 60000, FACTS_NOW_MS + 60000, 1, POOL_REFUSED}};
    w->facts.fleets[0].pools = pools;
    w->facts.fleets[0].pool_count = 4;
    w->facts.memo.stamps = stamps;
    w->facts.memo.stamp_count = 4;
    w->facts.types[1].registered = (struct res){0};
    for (int i = 0; i < 4; i++)
        w->facts.instances[i].fleet = 0;
    w->facts.instances[1].type = "m5.2xlarge";
    w->facts.instances[3].ec2 = EC2_TERMINATED;
    publish(w, 1, 0);
    struct view *v = view_acquire(&w->box);
    const struct view_cluster *c = v->clusters[0];
    assert_int_equal(c->pool_count, 5);
    const struct view_pool *here = &c->pools[0], *large = &c->pools[1], *failed = &c->pools[2], *ill = &c->pools[3], *any = &c->pools[4];
    assert_string_equal(here->zone, "eu-west-1a");
    assert_int_equal(here->spot_instances, 1);
    assert_int_equal(here->on_demand_instances, 1);
    assert_int_equal(here->subnets, 2);
    assert_int_equal(here->full_subnets, 1);
    assert_int_equal(here->spot_usd_micro, 76000);  // the type's, where its zone has none
    assert_true(here->measured);
    assert_null(here->failed);
    assert_string_equal(large->type, "m5.2xlarge");
    assert_string_equal(large->zone, w->facts.instances[1].zone);
    assert_int_equal(large->spot_instances, 1);
    assert_int_equal(large->weight_milli, 8000);
    assert_string_equal(failed->zone, "eu-west-1c");
    assert_int_equal(failed->failed->count, 1);
    assert_string_equal(any->type, "m5.2xlarge");
    assert_string_equal(any->zone, "");
    assert_int_equal(any->spot_instances + any->on_demand_instances, 0);
    assert_false(any->measured);
    assert_int_equal(any->capacity.v[RES_MEMORY], 32768 * 94 / 100 - 256);
    assert_string_equal(ill->zone, "eu-west-1b");
    assert_int_equal(ill->spot_usd_micro, 50000);
    assert_int_equal(ill->failed->count, 2);
    view_release(v);
}

static int64_t saved_of(struct world *w)
{
    publish(w, 1, 0);
    struct view *v = view_acquire(&w->box);
    int64_t saved = v->clusters[0]->saved_usd_micro;
    view_release(v);
    return saved;
}

static void what_spot_saves_is_told_where_all_prices_are_known(void **state)
{
    struct world *w = *state;
    struct instance_type *t = &w->facts.types[0];
    int64_t spot = 0;
    for (size_t i = 0; i < w->facts.snapshot.instance_count; i++) {
        w->facts.instances[i].fleet = i > 0 ? 0 : -1;  // one is of no fleet, as in the plan's cost
        w->facts.instances[i].type = t->name;
        spot += i > 0 && w->facts.instances[i].spot && w->facts.instances[i].ec2 != EC2_TERMINATED && w->facts.instances[i].ec2 != EC2_SHUTTING_DOWN;
    }
    assert_true(spot > 0);
    t->on_demand_usd_micro = 200000;
    t->spot_usd_micro = 76000;
    assert_int_equal(saved_of(w), spot * 124000);
    t->spot_usd_micro = 210000;  // dearer than on demand saves nothing
    assert_int_equal(saved_of(w), 0);
    t->spot_usd_micro = 0;
    assert_int_equal(saved_of(w), -1);
}

static void spot_is_counted_of_the_instances_that_the_plan_counts(void **state)
{
    struct world *w = *state;
    int64_t all = 0;
    assert_true(w->facts.instances[2].spot && w->facts.instances[2].ecs == ECS_UNREGISTERED);
    for (int i = 0; i < 2; i++) {
        w->facts.instances[2].ec2 = i ? EC2_TERMINATED : EC2_PENDING;
        publish(w, 1 + i, 0);
        struct view *v = view_acquire(&w->box);
        all = i ? all : v->clusters[0]->spot_count;
        assert_int_equal(v->clusters[0]->spot_count, all - i);
        view_release(v);
    }
}

static void a_failed_tick_keeps_the_last_facts_and_says_why(void **state)
{
    struct world *w = *state;
    publish(w, 7, 1);
    view_box_publish_failed(&w->box, 0, 8, FACTS_NOW_MS + 30000, "ListTasks: 503");
    view_box_publish_failed(&w->box, 0, 9, FACTS_NOW_MS + 60000, "ListTasks: 500");
    struct view *v = view_acquire(&w->box);
    const struct view_cluster *c = v->clusters[0];
    assert_true(c->ticked);
    assert_true(c->failed);
    assert_string_equal(c->error, "ListTasks: 500");
    assert_int_equal(c->tick, 7);
    assert_int_equal(c->at_ms, FACTS_NOW_MS);
    assert_int_equal(c->snapshot->instance_count, 4);
    assert_int_equal(c->bounds[0].max, 24);
    assert_int_equal(c->counts.ticks_failed, 2);
    assert_int_equal(c->counts.ticks_ok, 1);
    assert_int_equal(c->decision_count, 3);
    assert_string_equal(c->decisions[0].error, "ListTasks: 500");
    view_release(v);
    publish(w, 10, 0);
    v = view_acquire(&w->box);
    assert_false(v->clusters[0]->failed);
    assert_string_equal(v->clusters[0]->error, "");
    view_release(v);
}

static void a_cluster_that_fails_from_the_start_is_not_ticked(void **state)
{
    struct world *w = *state;
    view_box_publish_failed(&w->box, 1, 1, FACTS_NOW_MS, "cluster west not found");
    struct view *v = view_acquire(&w->box);
    assert_false(v->clusters[1]->ticked);
    assert_true(v->clusters[1]->failed);
    view_release(v);
}

static void decisions_are_the_newest_fifty_that_acted(void **state)
{
    struct world *w = *state;
    for (int i = 1; i <= 120; i++)
        publish(w, i, i % 2);
    struct view *v = view_acquire(&w->box);
    const struct view_cluster *c = v->clusters[0];
    assert_int_equal(c->decision_count, VIEW_DECISIONS_MAX);
    assert_int_equal(c->decisions[0].tick, 119);
    assert_int_equal(c->decisions[VIEW_DECISIONS_MAX - 1].tick, 119 - 2 * (VIEW_DECISIONS_MAX - 1));
    assert_string_equal(c->decisions[0].acts[0].outcome_detail, "fleet is modifying");
    assert_int_equal(c->counts.ticks_ok, 120);
    assert_int_equal(c->counts.actions[ACTION_SET_TARGET][VIEW_FAILED], 60);
    view_release(v);
}

static void what_is_in_progress_stands_worst_first(void **state)
{
    struct world *w = *state;
    publish(w, 1, 0);
    struct view *v = view_acquire(&w->box);
    const struct view_cluster *c = v->clusters[0];
    assert_int_equal(c->progress_count, 4);
    assert_int_equal(c->progress[0].kind, PROGRESS_NOTICE);
    assert_int_equal(c->progress[0].deadline_ms, w->facts.instances[3].notice_ms + 120000);
    assert_int_equal(c->progress[0].tasks_left, 1);
    assert_int_equal(c->progress[1].kind, PROGRESS_DRAIN);
    assert_true(c->progress[1].held);
    assert_string_equal(c->progress[1].holder_why, "protected");
    assert_int_equal(c->progress[2].kind, PROGRESS_LAUNCH);
    assert_string_equal(c->progress[2].state, "ordered");  // 20 wanted, 16 there, asked for longer ago than the next
    assert_int_equal(c->progress[2].weight_milli, 4000);
    assert_string_equal(c->progress[3].state, "pending");
    assert_string_equal(c->progress[3].instance, "i-0ccc000000000003");
    view_release(v);
}

static const char *box_of(struct world *w, int instance)
{
    publish(w, 1, 0);
    struct view *v = view_acquire(&w->box);
    const char *word = v->clusters[0]->instance_box[instance];
    view_release(v);  // the words are literals
    return word;
}

static void the_word_of_a_box_follows_instance_and_drain(void **state)
{
    struct world *w = *state;
    struct instance *i = w->facts.instances;
    assert_string_equal(box_of(w, 0), "active");
    i[0].agent_connected = false;
    assert_string_equal(box_of(w, 0), "disconnected");
    i[0].fleet = -1;
    assert_string_equal(box_of(w, 0), "foreign");
    assert_string_equal(box_of(w, 1), "held");
    w->facts.holdings[2].protected_ = 0;
    assert_string_equal(box_of(w, 1), "draining");
    w->facts.drains[0].deadline_ms = FACTS_NOW_MS - 1;
    assert_string_equal(box_of(w, 1), "held");
    w->facts.drains[0].state = DRAIN_LOWERED;
    assert_string_equal(box_of(w, 1), "empty");
    w->facts.drains[0].state = DRAIN_ENDING;
    assert_string_equal(box_of(w, 1), "leaving");
    w->facts.drains[0].state = DRAIN_UNDONE;
    i[1].mark = "";
    assert_string_equal(box_of(w, 1), "foreign");  // DRAINING without our mark is a person's
    assert_string_equal(box_of(w, 2), "coming");
    assert_string_equal(box_of(w, 3), "interrupted");
    i[3].ec2 = EC2_SHUTTING_DOWN;
    assert_string_equal(box_of(w, 3), "leaving");
}

static void services_stand_by_reserved_cpu_and_know_who_waits(void **state)
{
    struct world *w = *state;
    publish(w, 1, 0);
    struct view *v = view_acquire(&w->box);
    const struct view_cluster *c = v->clusters[0];
    assert_int_equal(c->service_count, 3);
    assert_int_equal(c->services[0].index, 0);
    assert_true(res_eq(c->services[0].reserved, res_make(2048, 4096)));
    assert_int_equal(c->services[0].instances, 1);
    assert_int_equal(c->services[0].waiting, 1);
    assert_int_equal(c->services[0].waiting_since_ms, FACTS_NOW_MS - 71000);
    assert_int_equal(c->service_rank[2], 2);
    view_release(v);
}

static void a_source_is_stale_when_partial_or_older_than_the_policy_allows(void **state)
{
    struct world *w = *state;
    w->facts.snapshot.sources[SOURCE_FLEETS].read_ms = FACTS_NOW_MS - w->facts.policy_clusters[0].max_age_ms - 1;
    w->facts.snapshot.sources[SOURCE_SERVICES].read_ms = FACTS_NOW_MS - w->facts.policy_clusters[0].max_age_ms;
    publish(w, 1, 0);
    struct view *v = view_acquire(&w->box);
    assert_int_equal(v->clusters[0]->stale_sources, 2);
    assert_true(v->clusters[0]->source_stale[SOURCE_FLEETS]);
    assert_true(v->clusters[0]->source_stale[SOURCE_TASKS]);
    view_release(v);
}

static void the_daemons_facts_change_without_the_clusters(void **state)
{
    struct world *w = *state;
    char why[] = "disk full";
    const struct view_daemon d = {.version = "1", .speed = 1, .state_detail = why, .shell_mode = "add-only", .shell_mode_reason = why};
    publish(w, 1, 0);
    struct view *before = view_acquire(&w->box);
    view_box_publish_daemon(&w->box, &d);
    memset(why, 'x', sizeof(why) - 1);
    struct view *after = view_acquire(&w->box);
    assert_true(before->daemon.state_ok);
    assert_string_equal(before->daemon.shell_mode, "act");
    assert_string_equal(after->daemon.shell_mode_reason, "disk full");
    assert_ptr_equal(before->clusters[0], after->clusters[0]);
    view_release(before);
    view_release(after);
}

static void risk_is(struct world *w, int32_t min_percent, int32_t max_percent, int64_t stop_timeout_ms, enum view_risk_kind kind, int count)
{
    struct service *web = &w->facts.services[0];
    web->min_percent = min_percent;
    web->max_percent = max_percent;
    w->facts.shapes[web->deployments[web->primary].shape].stop_timeout_ms = stop_timeout_ms;
    publish(w, 1, 0);
    struct view *v = view_acquire(&w->box);
    const struct view_service *s = &v->clusters[0]->services[v->clusters[0]->service_rank[0]];
    assert_int_equal(s->risk_count, count);
    if (count)
        assert_int_equal(s->risks[0].kind, kind);
    view_release(v);
}

static void a_service_says_what_becomes_of_it_when_its_instance_goes(void **state)
{
    struct world *w = *state;
    risk_is(w, 100, 200, 120000, VIEW_RISK_COUNT, 0);
    risk_is(w, 100, 100, 30000, VIEW_RISK_CANNOT_MOVE, 1);
    risk_is(w, 0, 100, 30000, VIEW_RISK_AWAY, 1);
    risk_is(w, 100, 200, 120001, VIEW_RISK_SLOW_STOP, 1);
    risk_is(w, 100, 100, 330000, VIEW_RISK_CANNOT_MOVE, 2);
    w->facts.services[0].on_ec2 = false;
    risk_is(w, 100, 100, 330000, VIEW_RISK_COUNT, 0);
}

static void a_price_that_is_not_known_costs_nobody_nothing(void **state)
{
    struct world *w = *state;
    publish(w, 1, 0);
    struct view *v = view_acquire(&w->box);
    assert_true(v->clusters[0]->services[0].cost.known && v->clusters[0]->services[0].cost.usd_micro > 0);
    assert_true(v->clusters[0]->free_cost.known);
    view_release(v);
    w->facts.types[0].spot_usd_micro = w->facts.types[0].on_demand_usd_micro = 0;
    publish(w, 2, 0);
    v = view_acquire(&w->box);
    assert_false(v->clusters[0]->services[0].cost.known);
    assert_false(v->clusters[0]->free_cost.known);
    view_release(v);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_box_knows_its_clusters_before_the_first_tick),
        T(a_view_owns_its_memory),
        T(an_old_view_stays_readable_and_equal_while_new_ones_come),
        T(pools_are_a_type_in_a_zone_with_their_members_and_their_memory),
        T(what_spot_saves_is_told_where_all_prices_are_known),
        T(spot_is_counted_of_the_instances_that_the_plan_counts),
        T(a_failed_tick_keeps_the_last_facts_and_says_why),
        T(a_cluster_that_fails_from_the_start_is_not_ticked),
        T(decisions_are_the_newest_fifty_that_acted),
        T(what_is_in_progress_stands_worst_first),
        T(the_word_of_a_box_follows_instance_and_drain),
        T(services_stand_by_reserved_cpu_and_know_who_waits),
        T(a_source_is_stale_when_partial_or_older_than_the_policy_allows),
        T(a_service_says_what_becomes_of_it_when_its_instance_goes),
        T(a_price_that_is_not_known_costs_nobody_nothing),
        T(the_daemons_facts_change_without_the_clusters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
