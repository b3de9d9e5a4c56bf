#include "planner/owner.h"

#include <assert.h>
#include <string.h>

#include "planner/alert.h"
#include "planner/explain.h"

#define MOVED_KEPT_MS (30 * 60 * 1000)  // L16

// ---- the tag --------------------------------------------------------------------------------------------------------------
const char *owner_other(struct work *w, const struct fleet *f)
{
    if (w->s->owner[0] == '\0' || f->owner[0] == '\0' || strcmp(f->owner, w->s->owner) == 0)
        return NULL;
    return explain_text(w, "owned by %s, we are %s", f->owner, w->s->owner);
}

static bool unclaimed(const struct work *w, int f)
{
    return w->s->owner[0] && w->s->fleets[f].owner[0] == '\0' && !w->fleet[f].closed && w->s->fleets[f].kind != FLEET_INSTANT;
}

// A claim that is denied does not keep capacity from tasks: it is told, and orders go on.
static bool denied_to_tag(const struct fleet *f)
{
    return strstr(f->denied, "CreateTags") != NULL;
}

void owner_claim(struct work *w)
{
    w->claims = arena_array(w->a, int, w->s->fleet_count + 1);
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct fleet *x = &w->s->fleets[f];
        const char *other = owner_other(w, x);
        w->claims[f] = -1;
        if (other)
            alert_raise(w, ALERT_FLEET_OWNER, x->id, explain_text(w, "The fleet is %s; it is only read", other), NULL);
        if (!unclaimed(w, (int)f) || w->s->sources[SOURCE_FLEETS].state != SOURCE_OK)
            continue;
        int n = work_action(w, (struct action){.kind = ACTION_CLAIM,
                                               .target = x->id,
                                               .instance = -1,
                                               .fleet = (int)f,
                                               .value = w->s->owner,
                                               .recheck = RECHECK_OWNER,
                                               .after = -1,
                                               .fact = "the fleet has no tag masu:owner",
                                               .verdict = explain_text(w, "claim it for %s", w->s->owner)});
        if (!denied_to_tag(x))
            w->claims[f] = n;
    }
}

int owner_after(const struct work *w, int fleet)
{
    return fleet < 0 ? -1 : w->claims[fleet];
}

// ---- the target -----------------------------------------------------------------------------------------------------------
static bool sent_lately(const struct work *w, const struct fleet *f, bool *ret_ours)
{
    *ret_ours = false;
    for (size_t k = 0; w->old && k < w->old->target_count; k++) {
        const struct memo_target *t = &w->old->targets[k];
        if (strcmp(t->fleet, f->id) != 0)
            continue;
        *ret_ours = t->target == f->target;
        return t->sent_ms <= w->s->now_ms && w->s->now_ms - t->sent_ms <= WORK_LAG_MS;
    }
    return false;
}

void owner_watch_targets(struct work *w)
{
    for (size_t k = 0; k < w->s->fleet_count; k++) {
        const struct fleet *f = &w->s->fleets[k];
        const struct memo_stamp *was = work_old_stamp(w, STAMP_TARGET_SEEN, f->id);
        if (was == NULL && (w->s->sources[SOURCE_FLEETS].state != SOURCE_OK || !f->found))
            continue;  // never read: no target to compare with
        struct memo_stamp x = {.kind = STAMP_TARGET_SEEN, .key = f->id, .amount = f->target};
        bool ours, lately = sent_lately(w, f, &ours);
        if (was && was->since_ms <= w->s->now_ms && w->s->now_ms - was->since_ms < MOVED_KEPT_MS)
            x = (struct memo_stamp){STAMP_TARGET_SEEN, f->id, was->since_ms, was->until_ms, was->count, was->amount};
        if (was && (w->s->sources[SOURCE_FLEETS].state != SOURCE_OK || (lately && !ours)))
            x.amount = was->amount;  // not read, or not yet ours: no news
        else
            x.amount = f->target;
        if (was && x.amount != was->amount && !ours && was->amount <= INT32_MAX) {
            x.since_ms = w->s->now_ms;
            x.count = (int32_t)was->amount;
            x.until_ms = f->target > was->amount ? w->s->now_ms + MOVED_KEPT_MS : 0;
        }
        work_stamp_set(w, x);
        if (x.since_ms > 0)
            alert_raise_since(w, ALERT_FLEET_MOVED, f->id, x.since_ms,
                              explain_text(w, "Another moved the target from %d at %s; it is %" PRId64 " now", x.count,
                                           explain_time(w, x.since_ms), f->target),
                              NULL);
    }
}

const char *owner_hold(struct work *w, int fleet)
{
    const struct memo_stamp *s = work_stamp(w, STAMP_TARGET_SEEN, w->s->fleets[fleet].id);
    if (unclaimed(w, fleet))
        return "its fleet is not yet claimed";
    if (!s || s->until_ms <= w->s->now_ms)
        return NULL;
    return explain_text(w, "another raised the target of %s from %d, kept until %s", w->s->fleets[fleet].id, s->count,
                        explain_time(w, s->until_ms));
}
