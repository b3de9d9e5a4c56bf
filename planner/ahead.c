#include "planner/ahead.h"

#include "planner/explain.h"
#include "planner/model/trouble.h"

// A level is needed as soon as demand passes the one below it; tasks come whole, an eighth of an instance about.
enum { LEVEL_BEGINS_MILLI = 125, LARGEST_PERCENT = 120 };

#define NEED_MOST_MILLI INT64_C(1000000000)  // of a million instances

// D8: in trouble what was said last goes on.
static bool frozen(const struct work *w)
{
    int64_t age_ms = w->s->now_ms - w->s->outlook.at_ms;
    return age_ms > WORK_LAG_MS && age_ms <= FORECAST_FREEZES_MS && snapshot_troubled(w->s);
}

// Why it is not to be believed; NULL when it is.
static const char *wrong(const struct work *w)
{
    const struct outlook *x = &w->s->outlook;
    if (x->at_ms > w->s->now_ms || (w->s->now_ms - x->at_ms > WORK_LAG_MS && !frozen(w)))
        return "late";
    bool amounts = x->need_milli >= 0 && x->need_milli <= NEED_MOST_MILLI && x->most_28d_milli >= 0 && x->most_28d_milli <= NEED_MOST_MILLI;
    return amounts && x->up >= 0 && x->keep >= x->up ? NULL : "contradicts itself";
}

static bool there_is(const struct work *w)
{
    return w->p->waiting_costs_milli > 0 && w->s->outlook.at_ms > 0 && !wrong(w);
}

// L13, beside what is needed now. Where the largest need is not known, the present one is the only bound.
static int64_t most_more_milli(const struct outlook *x)
{
    int64_t over = x->most_28d_milli > 0 ? LARGEST_PERCENT * i64_max(x->most_28d_milli, x->need_milli) / 100 - x->need_milli : x->need_milli;
    return i64_min(x->need_milli, over);
}

static int64_t more_milli(const struct outlook *x, bool keep)
{
    return 1000 * ((int64_t)(keep ? x->keep : x->up) - 1) + LEVEL_BEGINS_MILLI - x->need_milli;
}

int64_t ahead_level(const struct work *w, bool keep)
{
    const struct outlook *x = &w->s->outlook;
    if (!there_is(w))
        return AHEAD_NONE;
    int64_t need = ahead_need(w), most = (x->need_milli + most_more_milli(x) - LEVEL_BEGINS_MILLI) / 1000 + 1;
    return need == 0 ? 0 : i64_min(keep ? x->keep : x->up, i64_max(most, need));
}

int64_t ahead_need(const struct work *w)
{
    return there_is(w) ? (w->s->outlook.need_milli + 999) / 1000 : AHEAD_NONE;
}

int64_t ahead_permille(const struct work *w, bool keep)
{
    const struct outlook *x = &w->s->outlook;
    if (!there_is(w) || x->need_milli == 0)
        return 0;  // a share of nothing
    int64_t more = i64_min(more_milli(x, keep), most_more_milli(x));
    return more <= 0 ? 0 : (1000 * more + x->need_milli - 1) / x->need_milli;
}

bool ahead_keeps(const struct work *w)
{
    return ahead_permille(w, true) > 0 || w->ahead.keep > 0;
}

void ahead_explain(struct work *w)
{
    const struct outlook *x = &w->s->outlook;
    struct verdict v = {.kind = CANDIDATE_CLUSTER, .code = VERDICT_FITS, .target = explain_text(w, "%s forecast", w->s->cluster), .verdict = "nothing more"};
    int64_t now = ahead_need(w);
    if (w->p->waiting_costs_milli <= 0 || x->at_ms <= 0 || x->need_milli == 0)
        return;
    if (wrong(w)) {
        v.fact = explain_text(w, "a forecast that is %s", wrong(w));
        v.verdict = "not believed";
        explain_verdict(w, v);
        return;
    }
    const char *since = frozen(w) ? explain_text(w, ", as foreseen %s: frozen while there is trouble", explain_time(w, x->at_ms)) : "";
    v.fact = explain_text(w, "%" PRId64 " instances' worth wanted now, %d worth a boot of %s ahead, %d worth keeping%s", now, x->up,
                          explain_duration(w, x->boot_ms), x->keep, since);
    if (x->keep > now) {
        const char *cap = more_milli(x, true) > most_more_milli(x) ? x->most_28d_milli > 0 && most_more_milli(x) < x->need_milli
                              ? ": no more than 1.2 times the most of 28 days" : ": no more than as much again" : "";
        v.code = x->up > now ? VERDICT_LAUNCH : VERDICT_KEEP;
        v.verdict = explain_text(w, "headroom of %" PRId64 " %% to order, %" PRId64 " %% to keep%s", (ahead_permille(w, false) + 9) / 10,
                                 (ahead_permille(w, true) + 9) / 10, cap);
    }
    explain_verdict(w, v);
}
