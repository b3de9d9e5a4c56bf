#include "planner/budget.h"

#include <assert.h>
#include <string.h>

#include "planner/explain.h"
#include "policies/window.h"

static bool holds(const struct work *w, const struct policy_window *x)
{
    if (x->days[0] == '\0' && x->from[0] == '\0' && x->to[0] == '\0')
        return true;
    for (size_t k = 0; k < w->s->local_time_count; k++)
        if (strcmp(w->s->local_times[k].zone, x->zone) == 0 && w->s->local_times[k].minute_of_week >= 0)
            return window_holds(x, w->s->local_times[k].minute_of_week);
    return true;
}

static int64_t limit_of(const struct policy_budget *b, int32_t members)
{
    int64_t share = b->percent == 0 ? 0 : i64_max(1, members * b->percent / 100);
    return i64_min(share, b->instances);
}

static const char *window_text(struct work *w, const struct policy_window *x)
{
    if (x->days[0] == '\0' && x->from[0] == '\0')
        return "";
    return explain_text(w, ", %s%s%s%s%s %s", x->days, x->days[0] && x->from[0] ? " " : "", x->from, x->from[0] ? "-" : "", x->to,
                        x->zone);
}

const char *budget_hold(struct work *w, const int32_t drains[BUDGET_REASON_COUNT], int32_t members, bool empty)
{
    static const char *const of[BUDGET_REASON_COUNT] = {
        [BUDGET_ANY] = "drains", [BUDGET_EMPTY] = "drains of instances without tasks", [BUDGET_TASKS] = "drains of instances with tasks"};
    for (size_t k = 0; k < w->p->budget_count; k++) {
        const struct policy_budget *b = &w->p->budgets[k];
        bool counts = b->reason == BUDGET_ANY || (b->reason == BUDGET_EMPTY) == empty;
        assert(b->reason < BUDGET_REASON_COUNT);
        if (counts && drains[b->reason] >= limit_of(b, members) && holds(w, &b->window))
            return explain_text(w, "%d %s, budget %" PRId64 "%s", drains[b->reason], of[b->reason], limit_of(b, members),
                                window_text(w, &b->window));
    }
    return NULL;
}
