#include "tests/planner/build.h"

#include <string.h>

#include "base/rng.h"
#include "tests/planner/random_world.h"

enum { SEEDS = 150, TICKS = 4 };

static bool is_notice(const struct build *b, const struct action *x)
{
    return x->instance >= 0 && b->s.instances[x->instance].notice_ms > 0;
}

// The table of safety.md section 4 over random worlds: calls made are among those that the mode allows.
static void v14_a_plan_holds_only_what_its_mode_allows(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct rng r;
        struct build b;
        rng_init(&r, 40000 + seed);
        random_world(&b, &r);
        for (int tick = 0; tick < TICKS; tick++) {
            b.s.control.mode = (enum control_mode)rng_below(&r, CONTROL_COUNT);
            struct plan *p = build_plan(&b);
            if (b.s.control.mode == CONTROL_FREEZE)
                assert_int_equal(p->action_count, 0);
            for (size_t k = 0; k < p->action_count && b.s.control.mode > CONTROL_RUN; k++) {
                const struct action *x = &p->actions[k];
                if (x->kind == ACTION_MARK || x->kind == ACTION_TERMINATE || x->kind == ACTION_DEREGISTER ||
                    (x->kind == ACTION_DRAIN && !is_notice(&b, x))) {
                    plan_print(p);
                    fail_msg("seed %d: %s in %s", (int)seed, action_kind_name(x->kind), control_mode_name(b.s.control.mode));
                }
            }
            random_obey(&b, &r);
            random_events(&b, &r);
            build_later(&b, 30 * SECOND);
        }
        build_release(&b);
    }
}

// What holds drains (a start, a changed policy, a pause that was left, a loop, another's raise) never holds an order.
static void no_cooldown_delays_an_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct rng r;
        struct build b;
        rng_init(&r, 50000 + seed);
        random_world(&b, &r);
        build_plan(&b);
        random_obey(&b, &r);
        random_events(&b, &r);
        build_later(&b, 30 * SECOND);
        struct memo memo = b.memo;
        build_plan(&b);
        struct plan free = b.r.plan;
        for (size_t f = 0; f < b.s.fleet_count; f++) {
            memo.stamps = arena_grow(&b.a, memo.stamps, memo.stamp_count, &memo.stamp_cap, sizeof *memo.stamps);
            memo.stamps[memo.stamp_count++] =
                (struct memo_stamp){STAMP_REVERSAL, b.s.fleets[f].id, b.s.now_ms - MINUTE, b.s.now_ms + HOUR, 0, 1};
        }
        b.s.policy_hash = "fedcba9876543210";
        b.s.complete_looks = 0;
        b.memo = memo;
        build_plan(&b);
        for (size_t f = 0; f < b.s.fleet_count; f++) {
            int64_t was = plan_target(&free, b.s.fleets[f].id), now = plan_target(&b.r.plan, b.s.fleets[f].id);
            if (was > b.s.fleets[f].target && now < was) {
                plan_print(&b.r.plan);
                fail_msg("seed %d: target %d held at %d", (int)seed, (int)was, (int)now);
            }
        }
        build_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v14_a_plan_holds_only_what_its_mode_allows),
        cmocka_unit_test(no_cooldown_delays_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
