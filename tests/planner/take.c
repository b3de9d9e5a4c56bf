#include "tests/planner/take.h"

#include <string.h>

bool take_removes(const struct plan *p, const char *instance)
{
    for (size_t k = 0; k < p->action_count; k++) {
        const struct action *x = &p->actions[k];
        bool voluntary = x->kind == ACTION_MARK || x->kind == ACTION_TERMINATE || (x->kind == ACTION_DRAIN && !x->value[0]);
        if (voluntary && strcmp(x->target, instance) == 0)
            return true;
    }
    return false;
}

int64_t take_target_after(const struct plan *p, const struct fleet *f)
{
    int64_t sent = plan_target(p, f->id);
    return sent < 0 ? f->target : sent;
}

struct plan take_plan(struct build *b, const struct memo *memo, bool has_memo)
{
    struct planner_input in = {&b->s, has_memo ? memo : NULL, &b->p};
    struct planner_result r;
    struct err err = {0};
    build_settle(b);
    if (planner_run(&in, &b->a, &r, &err))
        fail_msg("planner_run: %s", err.msg);
    return r.plan;
}

bool take_withdraws(const struct plan *p, const char *fleet)
{
    const struct action *a = plan_action(p, ACTION_SET_TARGET, fleet);
    return a && strstr(a->fact, "its need moved");
}

void takes_no_more(const struct build *b, const struct plan *base, const struct plan *other, const char *what, uint64_t seed)
{
    for (size_t i = 0; i < b->s.instance_count; i++)
        if (take_removes(other, b->s.instances[i].id) && !take_removes(base, b->s.instances[i].id)) {
            plan_print(base);
            plan_print(other);
            fail_msg("seed %d, %s: %s is removed", (int)seed, what, b->s.instances[i].id);
        }
    for (size_t f = 0; f < b->s.fleet_count; f++) {
        const struct fleet *x = &b->s.fleets[f];
        int64_t now = take_target_after(other, x);
        if (now < x->target && now < take_target_after(base, x) && !take_withdraws(other, x->id)) {
            plan_print(base);
            plan_print(other);
            fail_msg("seed %d, %s: target lowered to %d, not %d", (int)seed, what, (int)now, (int)take_target_after(base, x));
        }
    }
}
