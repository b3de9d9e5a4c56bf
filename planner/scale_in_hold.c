// What holds all scale-in of a cluster, whichever instance it would be.
#include <string.h>

#include "planner/confirm.h"
#include "planner/demand.h"
#include "planner/explain.h"
#include "planner/modes.h"
#include "planner/scale_in.h"

#define ECS_BACKOFF_MS (5 * 60 * 1000)      // tasks that fit and wait longer no longer hold all scale-in; they are packed

const char *scale_in_start_hold(struct work *w)
{
    const struct memo_stamp *s = work_stamp(w, STAMP_EXCLUDED, w->s->cluster);
    if (w->s->complete_looks < 2)
        return explain_text(w, "%d complete look%s since the start, 2 needed", w->s->complete_looks,
                            w->s->complete_looks == 1 ? "" : "s");
    if (s && s->until_ms > w->s->now_ms)
        return explain_text(w, "seen for %s, drains nothing before %s", explain_duration(w, w->s->now_ms - w->s->started_ms),
                            explain_time(w, s->until_ms));
    const struct memo_stamp *trouble = work_stamp(w, STAMP_TROUBLE, w->s->cluster);
    return trouble ? explain_text(w, "mass trouble until %s, drains nothing before %s", explain_time(w, trouble->since_ms), explain_time(w, trouble->until_ms)) : NULL;
}

// Tasks that have room, and that ECS has not placed yet.
static const char *yet_to_place(struct work *w, const struct item *it)
{
    int64_t since = w->s->services[it->service].unplaced_since_ms;
    bool waits = it->missing > 0 && (since == 0 || w->s->now_ms - since < ECS_BACKOFF_MS);
    return waits ? explain_text(w, "ECS has yet to place %s", explain_tasks(w, it->service, it->shape, it->missing)) : NULL;
}

const char *scale_in_waiting(struct work *w)
{
    for (size_t k = 0; k < w->now.item_count; k++) {
        const struct item *it = &w->now.items[k];
        const char *cause;
        if (it->hopeless && (it->now < it->count || demand_incurable(w, it->service, &cause)))
            continue;
        if (it->now < it->count)
            return explain_text(w, "no room yet for %s%s", it->headroom ? "headroom, " : "",
                                explain_tasks(w, it->service, it->shape, it->count - it->now));
        const char *why = yet_to_place(w, it);
        if (why)
            return why;
    }
    return NULL;
}

// What an undone drain gives back of limits is for the next tick: it may be undone for a forecast's room alone, and none goes for that (V12).
static const char *undo_hold(const struct work *w)
{
    return w->ahead.undid ? "a drain is undone for room, limits are counted anew in the next tick" : NULL;
}

const char *scale_in_risk_waiting(struct work *w)
{
    const char *why = w->no_removal ? w->no_removal : modes_hold(w, -1);
    why = why ? why : undo_hold(w);
    why = why ? why : scale_in_start_hold(w);
    why = why ? why : confirm_hold(w);
    for (size_t k = 0; k < w->now.item_count && !why; k++)
        why = w->now.items[k].hopeless ? NULL : yet_to_place(w, &w->now.items[k]);
    return why;
}

static const char *coming_hold(struct work *w)
{
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct work_fleet *y = &w->fleet[f];
        if (y->closed)
            continue;
        if (y->coming > 0)
            return explain_text(w, "%d instance%s of %s boot", y->coming, y->coming == 1 ? "" : "s", w->s->fleets[f].id);
        if (y->target * 1000 > y->live_milli)
            return explain_text(w, "%s has target %" PRId64 " and %g", w->s->fleets[f].id, y->target,
                                (double)y->live_milli / 1000);
    }
    return NULL;
}

const char *scale_in_hold(struct work *w)
{
    if (w->no_removal)
        return w->no_removal;
    const char *why = modes_hold(w, -1);
    why = why || w->p->scale_in ? why : "scale_in is false in the policy";
    why = why ? why : scale_in_start_hold(w);
    why = why ? why : scale_in_waiting(w);
    why = why ? why : undo_hold(w);
    return why ? why : coming_hold(w);
}
