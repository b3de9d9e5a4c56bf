#include "planner/ahead.h"

#include "planner/explain.h"

// A level is needed as soon as demand passes the one below it; tasks come whole, an eighth of an instance about.
enum { LEVEL_BEGINS_MILLI = 125 };

static bool there_is(const struct work *w)
{
    const struct outlook *x = &w->s->outlook;
    return w->p->waiting_costs > 0 && x->at_ms > 0 && x->need_milli > 0 && w->s->now_ms - x->at_ms <= WORK_LAG_MS;
}

int64_t ahead_level(const struct work *w, bool keep)
{
    return there_is(w) ? (keep ? w->s->outlook.keep : w->s->outlook.up) : 0;
}

int64_t ahead_permille(const struct work *w, bool keep)
{
    const struct outlook *x = &w->s->outlook;
    if (!there_is(w))
        return 0;
    int64_t more = 1000 * (ahead_level(w, keep) - 1) + LEVEL_BEGINS_MILLI - x->need_milli;
    return more <= 0 ? 0 : i64_min(AHEAD_MOST_PERMILLE, (1000 * more + x->need_milli - 1) / x->need_milli);
}

void ahead_explain(struct work *w)
{
    const struct outlook *x = &w->s->outlook;
    if (!there_is(w))
        return;
    int64_t now = (x->need_milli + 999) / 1000;
    explain_verdict(w, (struct verdict){.kind = CANDIDATE_CLUSTER,
                                        .code = x->up > now ? VERDICT_LAUNCH : x->keep > now ? VERDICT_KEEP : VERDICT_FITS,
                                        .target = explain_text(w, "%s forecast", w->s->cluster),
                                        .fact = explain_text(w, "%" PRId64 " instances' worth wanted now, %d worth a boot of %s ahead, %d worth keeping", now, x->up,
                                                             explain_duration(w, x->boot_ms), x->keep),
                                        .verdict = x->keep > now ? explain_text(w, "headroom of %" PRId64 " %% to order, %" PRId64 " %% to keep",
                                                                                 (ahead_permille(w, false) + 9) / 10, (ahead_permille(w, true) + 9) / 10)
                                                                 : "nothing more"});
}
