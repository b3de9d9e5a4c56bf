// V17: the same input gives the same plan and memo, to the byte of their JSON form. Writing JSON costs more than planning, so it
// is done when the plan acts, when a quick comparison of the fields sees a difference, and at every tenth plan in any case.
#include <jansson.h>
#include <string.h>

#include "planner/model/model_json.h"
#include "planner/sim/invariants_internal.h"

static char *plan_text(const struct plan *p, const struct snapshot *s)
{
    json_t *j = plan_to_json(p, s);
    char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    return text;
}

static char *memo_text(const struct memo *m)
{
    json_t *j = memo_to_json(m);
    char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    return text;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static bool same_plan(const struct plan *a, const struct plan *b)
{
    bool same = a->now_ms == b->now_ms && a->action_count == b->action_count && a->verdict_count == b->verdict_count &&
                a->demand_count == b->demand_count && !memcmp(&a->summary, &b->summary, sizeof a->summary);
    for (size_t i = 0; same && i < a->verdict_count; i++) {
        const struct verdict *x = &a->verdicts[i], *y = &b->verdicts[i];
        same = x->kind == y->kind && x->code == y->code && x->wanted == y->wanted && x->allowed == y->allowed &&
               same_text(x->target, y->target) && same_text(x->fact, y->fact) && same_text(x->verdict, y->verdict);
    }
    for (size_t i = 0; same && i < a->demand_count; i++)
        same = !memcmp(&a->demands[i], &b->demands[i], sizeof a->demands[i]);
    return same;
}

static bool same_memo(const struct memo *a, const struct memo *b)
{
    bool same = a->now_ms == b->now_ms && a->drain_count == b->drain_count && a->stamp_count == b->stamp_count &&
                a->target_count == b->target_count && a->drains_begun == b->drains_begun &&
                a->drains_finished == b->drains_finished && a->drains_undone == b->drains_undone;
    for (size_t i = 0; same && i < a->drain_count; i++) {
        const struct memo_drain *x = &a->drains[i], *y = &b->drains[i];
        same = x->state == y->state && x->since_ms == y->since_ms && x->state_since_ms == y->state_since_ms &&
               x->read_back_ms == y->read_back_ms && x->empty_first_ms == y->empty_first_ms && x->deadline_ms == y->deadline_ms &&
               x->reported_ms == y->reported_ms && same_text(x->instance, y->instance) && same_text(x->reason, y->reason);
    }
    for (size_t i = 0; same && i < a->stamp_count; i++) {
        const struct memo_stamp *x = &a->stamps[i], *y = &b->stamps[i];
        same = x->kind == y->kind && x->since_ms == y->since_ms && x->until_ms == y->until_ms && x->count == y->count &&
               x->amount == y->amount && same_text(x->key, y->key);
    }
    for (size_t i = 0; same && i < a->target_count; i++)
        same = a->targets[i].target == b->targets[i].target && a->targets[i].sent_ms == b->targets[i].sent_ms &&
               same_text(a->targets[i].fleet, b->targets[i].fleet);
    return same;
}

static void judge_same(struct invariants *inv, const char *what, char *first, char *second)
{
    size_t at = 0;
    while (first[at] && first[at] == second[at])
        at++;
    if (first[at] != second[at])
        inv_tell(inv, V17, "%s planned twice differs at byte %zu: %.60s / %.60s", what, at, first + at, second + at);
    free(first);
    free(second);
}

void inv_judge_again(struct invariants *inv, const struct planner_input *in, const struct planner_result *result)
{
    struct arena a;
    struct planner_result again;
    struct err err;
    arena_init(&a, 0);
    if (planner_run(in, &a, &again, &err) < 0) {
        inv_tell(inv, V17, "planned again: %s", err.msg);
    } else if (result->plan.action_count > 0 || inv->plans % 10 == 0 || !same_plan(&result->plan, &again.plan) ||
               !same_memo(&result->memo, &again.memo)) {
        judge_same(inv, "plan", plan_text(&result->plan, in->snapshot), plan_text(&again.plan, in->snapshot));
        judge_same(inv, "memo", memo_text(&result->memo), memo_text(&again.memo));
    }
    arena_release(&a);
}
