#include "planner/confirm.h"

#include <assert.h>
#include <string.h>

#include "planner/alert.h"
#include "planner/explain.h"

#define SETTLE_MS (10 * 60 * 1000)  // L14
#define MOST_PERCENT 20
#define HASH_LEAST 7                // digits of a hash that name it

// STAMP_CONFIRM of the policy in force: `count` is one of these; `amount` what was removable before, or what would be removed more.
enum { UNMEASURED, SETTLED, WAITS_REMOVAL, WAITS_FLEET };

static bool confirmed(const struct work *w)
{
    size_t n = strlen(w->s->confirmed);
    return n >= HASH_LEAST && strncmp(w->s->confirmed, w->s->policy_hash, n) == 0;
}

static const struct memo_stamp *dropped_fleet(const struct work *w)
{
    for (size_t k = 0; w->old && k < w->old->stamp_count; k++) {
        const struct memo_stamp *x = &w->old->stamps[k];
        bool named = x->kind != STAMP_FLEET;
        for (size_t f = 0; f < w->p->fleet_count && !named; f++)
            named = strcmp(policy_fleet_name(&w->p->fleets[f]), x->key) == 0;
        if (!named)
            return x;
    }
    return NULL;
}

static int64_t unneeded_before(const struct work *w)
{
    int64_t n = 0;
    for (size_t k = 0; w->old && k < w->old->stamp_count; k++)
        n += w->old->stamps[k].kind == STAMP_UNNEEDED && work_find(w, w->old->stamps[k].key) >= 0;
    return n;
}

static void remember_fleets(struct work *w, const struct memo_stamp *dropped)
{
    for (size_t f = 0; f < w->p->fleet_count; f++) {
        const struct memo_stamp *was = work_old_stamp(w, STAMP_FLEET, policy_fleet_name(&w->p->fleets[f]));
        int64_t since = was && was->since_ms <= w->s->now_ms ? was->since_ms : w->s->now_ms;
        work_stamp_set(w, (struct memo_stamp){.kind = STAMP_FLEET, .key = policy_fleet_name(&w->p->fleets[f]), .since_ms = since});
    }
    if (dropped)
        work_stamp_set(w, *dropped);  // until it is confirmed, or named again
}

static void begin(struct work *w, const struct memo_stamp *dropped)
{
    struct memo_stamp x = {.kind = STAMP_CONFIRM, .key = w->s->policy_hash, .since_ms = w->s->now_ms};
    x.amount = unneeded_before(w);
    x.count = dropped ? WAITS_FLEET : UNMEASURED;
    work_stamp_set(w, x);
}

static void tell(struct work *w, const struct memo_stamp *x, const struct memo_stamp *dropped)
{
    const char *what;
    if (x->count == WAITS_FLEET)
        what = explain_text(w, "The policy %.7s no longer names the fleet %s; no drain begins until it is confirmed", w->s->policy_hash,
                            dropped ? dropped->key : "");
    else
        what = explain_text(w, "The policy %.7s would remove %" PRId64 " instances more; no drain begins until it is confirmed",
                            w->s->policy_hash, x->amount);
    alert_raise(w, ALERT_POLICY_CONFIRM, w->s->cluster, what,
                explain_text(w, "Write \"confirm\": \"%s\" into the policy if it is meant, else take the change back.", w->s->policy_hash));
}

void confirm_init(struct work *w)
{
    struct memo *m = w->memo;
    bool known = w->old && w->old->policy_hash && w->old->policy_hash[0];
    bool changed = known && w->s->policy_hash[0] && strcmp(w->old->policy_hash, w->s->policy_hash) != 0;
    const struct memo_stamp *dropped = known ? dropped_fleet(w) : NULL;
    m->policy_hash = w->s->policy_hash[0] ? w->s->policy_hash : known ? w->old->policy_hash : "";
    m->policy_since_ms = changed ? w->s->now_ms : known ? i64_min(w->old->policy_since_ms, w->s->now_ms) : 0;
    const struct memo_stamp *was = work_old_stamp(w, STAMP_CONFIRM, w->s->policy_hash);
    if (changed)
        begin(w, dropped);
    else if (was && was->since_ms <= w->s->now_ms && was->count != SETTLED)
        work_stamp_set(w, *was);
    struct memo_stamp *x = work_stamp(w, STAMP_CONFIRM, w->s->policy_hash);
    if (x && confirmed(w))
        x->count = SETTLED;
    bool waits = x && x->count > SETTLED;
    remember_fleets(w, waits || !known ? dropped : NULL);
    if (waits)
        tell(w, x, dropped);
}

const char *confirm_hold(struct work *w)
{
    const struct memo_stamp *x = work_stamp(w, STAMP_CONFIRM, w->s->policy_hash);
    int64_t age_ms = w->s->now_ms - w->memo->policy_since_ms;
    if (w->memo->policy_since_ms > 0 && age_ms < SETTLE_MS)
        return explain_text(w, "the policy changed %s ago, settles for %s", explain_duration(w, age_ms), explain_duration(w, SETTLE_MS));
    if (x && x->count == WAITS_FLEET)
        return explain_text(w, "the policy %.7s drops a fleet and waits for confirmation", w->s->policy_hash);
    if (x && x->count == WAITS_REMOVAL)
        return explain_text(w, "the policy %.7s would remove %" PRId64 " instances more and waits for confirmation", w->s->policy_hash,
                            x->amount);
    return NULL;
}

bool confirm_asks(struct work *w)
{
    const struct memo_stamp *x = work_stamp(w, STAMP_CONFIRM, w->s->policy_hash);
    return x && x->count == UNMEASURED;
}

void confirm_measured(struct work *w, int64_t removable, int64_t members)
{
    struct memo_stamp *x = work_stamp(w, STAMP_CONFIRM, w->s->policy_hash);
    assert(x && x->count == UNMEASURED);
    int64_t more = i64_max(0, removable - x->amount);
    x->count = more * 100 > members * MOST_PERCENT ? WAITS_REMOVAL : SETTLED;
    x->amount = more;
    if (x->count == WAITS_REMOVAL)
        tell(w, x, NULL);
}
