// V17: the same input gives the same plan and memo, to the byte of their JSON form.
#include <jansson.h>

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
    } else {
        judge_same(inv, "plan", plan_text(&result->plan, in->snapshot), plan_text(&again.plan, in->snapshot));
        judge_same(inv, "memo", memo_text(&result->memo), memo_text(&again.memo));
    }
    arena_release(&a);
}
