#include "planner/service_hold.h"

#include <string.h>

#include "planner/demand.h"
#include "planner/explain.h"

void service_hold_count(struct work *w)
{
    for (size_t k = 0; k < w->s->service_count; k++) {
        struct work_service *v = &w->svc[k];
        v->moving = v->doomed = 0;
        for (size_t n = 0; (w->leaving || w->memo->drain_count > 0) && n < v->hold_count; n++) {
            const struct work_hold *x = &w->holds[v->hold_start + n];
            const struct holding *h = &w->s->instances[x->instance].holdings[x->holding];
            bool ours = work_drains(w, x->instance) && !w->inst[x->instance].planned_undo;
            v->moving += ours ? h->running + h->pending : 0;
            v->doomed += !ours && w->s->instances[x->instance].notice_ms > 0 ? h->running : 0;
        }
    }
}

// L5, L6 and V6, over all our drains and this one.
static const char *hold_of(struct work *w, const struct holding *h)
{
    const struct service *s = &w->s->services[h->service];
    int64_t moving = w->svc[h->service].moving + h->running + h->pending;
    int64_t share = i64_max(1, s->desired * w->p->service_percent / 100);
    if (moving > share && moving > h->running + h->pending)
        return explain_text(w, "%" PRId64 " tasks of %s on drains, limit %" PRId64, moving, s->name, share);
    // One instance may hold more than the share of a service that ECS never runs below its desired count: where a service is
    // dense, nothing could ever leave otherwise.
    if (moving > share && s->min_percent < 100)
        return explain_text(w, "%" PRId64 " of %d tasks of %s here, limit %" PRId64, moving, s->desired, s->name, share);
    const struct memo_stamp *settling = work_old_stamp(w, STAMP_SETTLING, s->name);
    if (settling && w->s->now_ms - settling->since_ms < w->p->settle_ms)
        return explain_text(w, "%s was moved or unsteady %s ago, settles for %s", s->name,
                            explain_duration(w, w->s->now_ms - settling->since_ms), explain_duration(w, w->p->settle_ms));
    // ECS stops first whatever it may: in the worst case all of these go before one comes, and what AWS takes goes whatever we do.
    // Of a service that lacks tasks, the desired count may fall before they have moved, and with it what ECS keeps.
    int64_t stay = s->running - w->svc[h->service].doomed;
    for (int64_t stopped = 1; stopped <= moving && stopped <= stay; stopped++) {
        int64_t desired = s->desired;
        if (s->min_percent > 0)
            desired = i64_min(desired, (stay - stopped) * 100 / s->min_percent);
        if (desired < s->desired && s->min_percent >= 100)
            break;
        int64_t healthy = stay - s->young - stopped, least = i64_max(percent_ceil(desired, s->min_percent), desired - i64_max(1, desired / 10));
        if (desired > 0 && (healthy < least || healthy <= 0))
            return explain_text(w, "%s would run %" PRId64 " of %" PRId64 " healthy, least %" PRId64, s->name, healthy, desired, i64_max(least, 1));
    }
    return NULL;
}

const char *service_hold(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    for (size_t k = 0; k < x->holding_count; k++) {
        const struct holding *h = &x->holdings[k];
        if (h->service < 0 || work_is_daemon(w, h->service) || h->running + h->pending == 0)
            continue;
        const char *why = hold_of(w, h);
        if (why)
            return why;
    }
    return NULL;
}

void service_hold_settle(struct work *w)
{
    service_hold_count(w);  // by what was really begun
    for (size_t k = 0; k < w->s->service_count; k++) {
        const struct service *s = &w->s->services[k];
        const struct memo_stamp *was = work_old_stamp(w, STAMP_SETTLING, s->name);
        bool moves = w->svc[k].moving > 0 && !work_is_daemon(w, (int)k);
        if (moves || (was && s->unsteady_since_ms > 0))
            work_stamp_set(w, (struct memo_stamp){STAMP_SETTLING, s->name, w->s->now_ms, 0, 0, 0});
        else if (was && was->since_ms <= w->s->now_ms && w->s->now_ms - was->since_ms < w->p->settle_ms)
            work_stamp_set(w, *was);
    }
}
