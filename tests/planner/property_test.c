#include "tests/planner/random_world.h"
#include "tests/planner/take.h"

#include <string.h>

#include "base/parse.h"

// MASU_SEEDS=20 runs twenty times as many worlds.
static uint64_t seeds(uint64_t n)
{
    const char *times = getenv("MASU_SEEDS");
    uint64_t by = 1;
    (void)(times && parse_u64(slice_of(times), &by));
    return n * by;
}

// ---- the same plan twice --------------------------------------------------------------------------------------------------
static void same_plan(const struct plan *a, const struct plan *b, uint64_t seed)
{
    if (a->action_count != b->action_count || a->verdict_count != b->verdict_count)
        fail_msg("seed %d: %zu actions, then %zu", (int)seed, a->action_count, b->action_count);
    for (size_t k = 0; k < a->action_count; k++) {
        const struct action *x = &a->actions[k], *y = &b->actions[k];
        assert_int_equal(x->kind, y->kind);
        assert_string_equal(x->target, y->target);
        assert_int_equal(x->capacity, y->capacity);
        assert_string_equal(x->fact, y->fact);
        assert_string_equal(x->verdict, y->verdict);
    }
    for (size_t k = 0; k < a->verdict_count; k++) {
        assert_string_equal(a->verdicts[k].target, b->verdicts[k].target);
        assert_string_equal(a->verdicts[k].fact, b->verdicts[k].fact);
        assert_string_equal(a->verdicts[k].verdict, b->verdicts[k].verdict);
    }
}

// ---- a packer of its own: backtracking over tasks one by one ----------------------------------------------------------------
#define FIT_STEPS_MAX 2000000
struct fit {
    struct res need[64];
    int service[64];
    bool distinct[64];
    int tasks;
    struct res room[16];
    bool has[16][16];  // bin, service
    int bins;
    int64_t steps;
};

static bool fit_from(struct fit *f, int k)
{
    if (k == f->tasks)
        return true;
    if (++f->steps > FIT_STEPS_MAX)
        return true;  // not decided: no accusation
    for (int i = 0; i < f->bins; i++) {
        if (!res_fits(f->need[k], f->room[i]) || (f->distinct[k] && f->has[i][f->service[k]]))
            continue;
        bool had = f->has[i][f->service[k]];
        f->room[i] = res_sub(f->room[i], f->need[k]);
        f->has[i][f->service[k]] = true;
        if (fit_from(f, k + 1))
            return true;
        f->has[i][f->service[k]] = had;
        f->room[i] = res_add(f->room[i], f->need[k]);
    }
    return false;
}

// All tasks of all our drains, old and new, on ACTIVE connected instances that stay.
static void drains_fit(struct build *b, const struct plan *p, uint64_t seed)
{
    static struct fit f;
    memset(&f, 0, sizeof f);
    bool any = false;
    for (size_t i = 0; i < b->s.instance_count; i++) {
        const struct instance *x = &b->s.instances[i];
        bool begins = plan_action(p, ACTION_MARK, x->id) != NULL;
        bool ours = begins || (x->ecs == ECS_DRAINING && x->mark[0] && !plan_action(p, ACTION_UNDRAIN, x->id));
        any = any || begins;
        if (ours && x->notice_ms == 0) {
            for (size_t k = 0; k < x->holding_count; k++)
                for (int32_t n = 0; n < x->holdings[k].running && f.tasks < 64; n++) {
                    int s = x->holdings[k].service;
                    if (s < 0 || b->s.services[s].kind == SERVICE_DAEMON)
                        continue;
                    f.need[f.tasks] = b->s.shapes[x->holdings[k].shape].need;
                    f.service[f.tasks] = s;
                    f.distinct[f.tasks++] = b->s.shapes[x->holdings[k].shape].distinct_instance;
                }
        } else if (x->ecs == ECS_ACTIVE && x->agent_connected && x->notice_ms == 0 && x->ec2 <= EC2_RUNNING && f.bins < 16) {
            f.room[f.bins] = x->remaining;
            for (size_t k = 0; k < x->holding_count; k++)
                if (x->holdings[k].service >= 0 && x->holdings[k].running > 0)
                    f.has[f.bins][x->holdings[k].service] = true;
            f.bins++;
        }
    }
    if (any && !fit_from(&f, 0)) {
        plan_print(p);
        fail_msg("seed %d: %d tasks of drains have no place at the same time", (int)seed, f.tasks);
    }
}

// ---- the properties -------------------------------------------------------------------------------------------------------
static void each_candidate_once(const struct build *b, const struct plan *p)
{
    for (size_t i = 0; i < b->s.instance_count; i++)
        plan_verdict(p, b->s.instances[i].id);
    for (size_t f = 0; f < b->s.fleet_count; f++)
        plan_verdict(p, b->s.fleets[f].id);
    for (size_t i = 0; i < p->verdict_count; i++)
        for (size_t k = 0; k < i; k++)
            if (p->verdicts[i].kind == p->verdicts[k].kind && strcmp(p->verdicts[i].target, p->verdicts[k].target) == 0)
                fail_msg("%s has two verdicts: %s; %s", p->verdicts[i].target, p->verdicts[k].fact, p->verdicts[i].fact);
}

// Nothing is known at all: many verdicts on one cluster, each of its own source.
static void blind_plan(struct build *b, const struct memo *memo, bool has_memo)
{
    struct source was[SOURCE_COUNT];
    memcpy(was, b->s.sources, sizeof was);
    for (int k = 0; k < SOURCE_COUNT; k++)
        b->s.sources[k].state = SOURCE_UNKNOWN;
    struct plan blind = take_plan(b, memo, has_memo);
    each_candidate_once(b, &blind);
    memcpy(b->s.sources, was, sizeof was);
}

static void v10_v11_v17_v26_hold_in_random_worlds(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= seeds(400); seed++) {
        struct rng r;
        struct build b;
        rng_init(&r, seed);
        random_world(&b, &r);
        if (seed % 4 == 0)
            random_memo(&b, &r);
        for (int tick = 0; tick < 6; tick++) {
            struct memo memo = b.memo;
            bool has_memo = b.has_memo;
            struct plan base = take_plan(&b, &memo, has_memo), again = take_plan(&b, &memo, has_memo);
            same_plan(&base, &again, seed);
            each_candidate_once(&b, &base);
            if (seed % 4 != 0)  // a memo of nonsense may call a drain undone
                drains_fit(&b, &base, seed);
            blind_plan(&b, &memo, has_memo);
            for (int k = 0; k < SOURCE_COUNT; k++) {
                struct source was = b.s.sources[k];
                static const char *const how[] = {"unknown", "partial", "old"};
                for (int h = 0; h < 3; h++) {
                    b.s.sources[k] = was;
                    if (h == 2)
                        b.s.sources[k].read_ms -= HOUR;
                    else
                        b.s.sources[k].state = h == 0 ? SOURCE_UNKNOWN : SOURCE_PARTIAL;
                    struct plan worse = take_plan(&b, &memo, has_memo);
                    each_candidate_once(&b, &worse);
                    takes_no_more(&b, &base, &worse, arena_printf(&b.a, "source %d %s", k, how[h]), seed);
                }
                b.s.sources[k] = was;
            }
            build_plan(&b);
            random_obey(&b, &r);
            random_events(&b, &r);
            build_later(&b, 30 * SECOND);
        }
        build_release(&b);
    }
}

// Without what `other` withdraws: no member of it ever came.
static int64_t planned_weight(const struct build *b, const struct plan *p, const struct plan *other)
{
    int64_t sum = 0;
    for (size_t f = 0; f < b->s.fleet_count; f++) {
        int64_t target = take_target_after(p, &b->s.fleets[f]);
        sum += 1000 * (take_withdraws(other, b->s.fleets[f].id) && take_target_after(other, &b->s.fleets[f]) < target ? take_target_after(other, &b->s.fleets[f]) : target);
    }
    for (size_t i = 0; i < b->s.instance_count; i++)
        if (plan_action(p, ACTION_UNDRAIN, b->s.instances[i].id))
            sum += b->s.instances[i].weight_milli;
    return sum;
}

static int64_t largest_weight(const struct build *b)
{
    int64_t most = 0;
    for (size_t f = 0; f < b->s.fleet_count; f++)
        for (size_t k = 0; k < b->s.fleets[f].pool_count; k++)
            if (b->s.fleets[f].pools[k].weight_milli > most)
                most = b->s.fleets[f].pools[k].weight_milli;
    return most;
}

static void v13_one_more_pending_task_removes_nothing_and_lowers_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= seeds(400); seed++) {
        struct rng r;
        struct build b;
        rng_init(&r, 7000 + seed);
        random_world(&b, &r);
        if (seed % 2)
            b.p.headroom_percent = 0;
        for (int tick = 0; tick < 6; tick++) {
            struct memo memo = b.memo;
            bool has_memo = b.has_memo;
            struct plan base = take_plan(&b, &memo, has_memo);
            for (size_t k = 0; k < b.s.service_count; k++) {
                if (b.s.services[k].kind != SERVICE_REPLICA || b.s.services[k].crash_looping)
                    continue;  // no capacity for these, and none kept for them
                if (b.s.services[k].running > b.s.services[k].desired)
                    continue;  // one more desired is no task more
                b.s.services[k].desired++;
                b.s.services[k].deployments[0].desired++;
                struct plan more = take_plan(&b, &memo, has_memo);
                takes_no_more(&b, &base, &more, b.s.services[k].name, seed);
                // First fit of mixed sizes is not monotone: a task more can save one instance, never two.
                if (planned_weight(&b, &more, &more) < planned_weight(&b, &base, &more) - largest_weight(&b) - 1000) {
                    plan_print(&base);
                    plan_print(&more);
                    fail_msg("seed %d: one more %s plans %d instead of %d", (int)seed, b.s.services[k].name,
                             (int)planned_weight(&b, &more, &more), (int)planned_weight(&b, &base, &more));
                }
                b.s.services[k].desired--;
                b.s.services[k].deployments[0].desired--;
            }
            build_plan(&b);
            random_obey(&b, &r);
            random_events(&b, &r);
            build_later(&b, 30 * SECOND);
        }
        build_release(&b);
    }
}

// ---- V12 ------------------------------------------------------------------------------------------------------------------
// L13 in its own words: in per cent of what is wanted.
static int64_t l13_percent(const struct outlook *x)
{
    int64_t most = x->most_28d_milli > x->need_milli ? x->most_28d_milli : x->need_milli;
    int64_t above = x->most_28d_milli > 0 && x->need_milli > 0 ? (120 * most + x->need_milli - 1) / x->need_milli - 100 : 100;
    return above < 100 ? above : 100;
}

// At most what a policy with so much headroom plans; one instance more by first fit, as for V13.
static void adds_at_most_l13(struct build *b, const struct memo *memo, bool has_memo, const struct plan *with, uint64_t seed)
{
    struct outlook x = b->s.outlook;
    int64_t headroom = b->p.headroom_percent, most = l13_percent(&x);
    b->s.outlook = (struct outlook){0};
    b->p.headroom_percent = most > headroom ? most : headroom;
    struct plan bound = take_plan(b, memo, has_memo);
    if (planned_weight(b, with, &bound) > planned_weight(b, &bound, &bound) + largest_weight(b) + 1000) {
        plan_print(with);
        plan_print(&bound);
        fail_msg("seed %d: %d planned, %d with headroom of %d %%", (int)seed, (int)planned_weight(b, with, &bound), (int)planned_weight(b, &bound, &bound),
                 (int)b->p.headroom_percent);
    }
    b->p.headroom_percent = headroom;
    b->s.outlook = x;
}

static void v12_a_forecast_only_adds_and_only_holds(void **state)
{
    (void)state;
    int added = 0, held = 0;
    for (uint64_t seed = 1; seed <= seeds(400); seed++) {
        struct rng r;
        struct build b;
        rng_init(&r, 12000 + seed);
        random_world(&b, &r);
        if (seed % 2)
            b.p.headroom_percent = 0;
        b.p.waiting_costs_milli = seed % 3 ? 10000 : 500;
        for (int tick = 0; tick < 6; tick++) {
            struct memo memo = b.memo;
            bool has_memo = b.has_memo;
            b.s.outlook = (struct outlook){0};
            struct plan without = take_plan(&b, &memo, has_memo);
            b.s.outlook = random_outlook(&b, &r);
            struct plan with = take_plan(&b, &memo, has_memo);
            takes_no_more(&b, &without, &with, "a forecast", seed);
            adds_at_most_l13(&b, &memo, has_memo, &with, seed);
            added += planned_weight(&b, &with, &with) > planned_weight(&b, &without, &with);
            held += plan_count(&with, ACTION_MARK) < plan_count(&without, ACTION_MARK);
            if (seed % 3 == 0)
                b.s.outlook = (struct outlook){0};
            build_plan(&b);
            random_obey(&b, &r);
            random_events(&b, &r);
            build_later(&b, 30 * SECOND);
        }
        build_release(&b);
    }
    assert_true(added > 50);
    assert_true(held > 10);
}

// V3 at each end, V4 at each target, V23 at rest, over fleets whose weights divide nothing.
// What the running members weigh, those left out that this plan ends; without an on-demand part all of them are of the spot part.
static int64_t part_milli(const struct build *b, bool spot, bool ended)
{
    const struct fleet *f = &b->s.fleets[0];
    int64_t sum = 0;
    for (size_t i = 0; i < b->s.instance_count; i++) {
        const struct instance *x = &b->s.instances[i];
        bool of_it = f->on_demand_target == 0 ? spot : x->spot == spot;
        if (x->ec2 == EC2_RUNNING && of_it && (!ended || !plan_action(&b->r.plan, ACTION_TERMINATE, x->id)))
            sum += x->weight_milli;
    }
    return sum;
}

static void check_ends(const struct build *b, uint64_t seed)
{
    const struct plan *p = &b->r.plan;
    const struct fleet *f = &b->s.fleets[0];
    for (int spot = 0; spot < 2; spot++) {
        int64_t part = spot ? f->target - f->on_demand_target : f->on_demand_target, others = part_milli(b, spot, true);
        if (others < part_milli(b, spot, false) && others < part * 1000)
            fail_msg("seed %d: the others weigh %d of %s part %d", (int)seed, (int)others, spot ? "spot" : "on-demand", (int)part);
    }
    for (size_t i = 0; i < b->s.instance_count; i++)
        if (plan_action(p, ACTION_TERMINATE, b->s.instances[i].id))
            assert_int_equal(b->s.instances[i].ecs, ECS_DRAINING);
}

static void at_rest(const struct build *b, uint64_t seed)
{
    const struct fleet *f = &b->s.fleets[0];
    int64_t most = 0, spot = part_milli(b, true, false), part = f->target - f->on_demand_target;
    for (size_t k = 0; k < f->pool_count; k++)
        most = f->pools[k].weight_milli > most ? f->pools[k].weight_milli : most;
    if (part * 1000 > spot || spot >= part * 1000 + most + 1000)
        fail_msg("seed %d: at rest spot part %d, fulfilled %d", (int)seed, (int)part, (int)spot);
    assert_true(part_milli(b, false, false) >= f->on_demand_target * 1000);
}

// ECS places what it can: services reach their desired count where there is room.
static void place_missing(struct build *b)
{
    for (size_t k = 0; k < b->s.service_count; k++) {
        struct service *s = &b->s.services[k];
        const struct shape *x = &b->s.shapes[s->deployments[0].shape];
        for (size_t i = 0; i < b->s.instance_count && s->kind == SERVICE_REPLICA; i++) {
            struct instance *y = &b->s.instances[i];
            bool has = false;
            for (size_t h = 0; h < y->holding_count; h++)
                has = has || (y->holdings[h].service == (int)k && y->holdings[h].running > 0);
            if (y->ecs != ECS_ACTIVE || y->ec2 != EC2_RUNNING || y->holding_count >= 20 || (has && x->distinct_instance))
                continue;
            int64_t n = res_times(x->need, y->remaining);
            n = n > s->desired - s->running ? s->desired - s->running : n;
            n = x->distinct_instance && n > 1 ? 1 : n;
            if (n > 0)
                build_hold(b, (int)i, (int)k, (int32_t)n);
        }
        for (size_t i = 0; i < b->s.instance_count; i++) {
            struct instance *y = &b->s.instances[i];
            for (size_t h = 0; h < y->holding_count && s->running > s->desired; h++) {
                struct holding *z = &y->holdings[h];
                if (z->service != (int)k)
                    continue;
                int32_t n = z->running < s->running - s->desired ? z->running : s->running - s->desired;
                z->running -= n;
                y->ecs_running -= n;
                s->running -= n;
                s->deployments[0].running -= n;
                y->remaining = res_add(y->remaining, res_scale(x->need, n));
            }
        }
    }
}

// Some of the members are on demand, and the target has a part for them.
static void make_parts(struct build *b, struct rng *r)
{
    struct fleet *f = &b->s.fleets[0];
    int64_t on_demand = 0, spot = 0;
    for (size_t i = 0; i < b->s.instance_count; i++) {
        b->s.instances[i].spot = rng_below(r, 2) == 0;
        *(b->s.instances[i].spot ? &spot : &on_demand) += b->s.instances[i].weight_milli;
    }
    f->on_demand_target = on_demand / 1000;
    f->target = f->on_demand_target + spot / 1000;
}

static void a2_v23_targets_never_drift_over_random_weights(void **state)
{
    bool parts = *state != NULL;
    for (uint64_t seed = 1; seed <= seeds(60); seed++) {
        struct rng r;
        struct build b;
        rng_init(&r, 90000 + seed);
        random_calm_world(&b, &r);
        if (parts)
            make_parts(&b, &r);
        for (int change = 0; change < 4; change++) {
            for (size_t k = 0; k < b.s.service_count; k++) {
                struct service *s = &b.s.services[k];
                if (s->kind != SERVICE_REPLICA)
                    continue;
                s->desired = s->deployments[0].desired = (int32_t)rng_below(&r, 20);
            }
            int quiet = 0;
            for (int tick = 0; tick < 400 && quiet < 30; tick++) {
                place_missing(&b);
                build_plan(&b);
                check_ends(&b, seed);
                quiet = b.r.plan.action_count == 0 ? quiet + 1 : 0;
                random_obey(&b, &r);
                random_launch(&b, &r);
                build_later(&b, 30 * SECOND);
            }
            if (quiet < 30) {
                plan_print(&b.r.plan);
                fail_msg("seed %d: no rest in 400 ticks", (int)seed);
            }
            build_settle(&b);
            at_rest(&b, seed);
        }
        build_release(&b);
    }
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(v10_v11_v17_v26_hold_in_random_worlds),
        TEST(v13_one_more_pending_task_removes_nothing_and_lowers_nothing),
        TEST(v12_a_forecast_only_adds_and_only_holds),
        TEST(a2_v23_targets_never_drift_over_random_weights),
        {"a2 a victim lowers its own part of the target, and no part is left short or drifts", a2_v23_targets_never_drift_over_random_weights, NULL, NULL, (void *)(uintptr_t)1},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
