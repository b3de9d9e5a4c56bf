#include "planner/modes.h"

#include <assert.h>
#include <string.h>

#include "planner/alert.h"
#include "planner/explain.h"

#define CLOCK_BAD_MS (60 * 1000)  // G6

static const bool may[PLAN_MODE_COUNT][DEED_COUNT] = {
    [PLAN_ACT] = {true, true, true, true, true, true},
    [PLAN_ADD_ONLY] = {true, true, true, true, false, false},
    [PLAN_PAUSE] = {false, true, true, true, false, false},
    [PLAN_FREEZE] = {false, false, false, false, false, false},
};
static const char *const mode_names[PLAN_MODE_COUNT] = {
    [PLAN_ACT] = "act", [PLAN_ADD_ONLY] = "add-only", [PLAN_PAUSE] = "pause", [PLAN_FREEZE] = "freeze"};

const char *plan_mode_name(enum plan_mode m)
{
    assert(m < PLAN_MODE_COUNT);
    return mode_names[m];
}

enum plan_mode modes_of(const struct work *w, int fleet)
{
    assert(fleet < (int)w->s->fleet_count);
    return fleet < 0 ? w->mode.mode : w->fleet_modes[fleet].mode;
}

bool modes_may(const struct work *w, int fleet, enum deed d)
{
    return may[modes_of(w, fleet)][d];
}

const char *modes_why(const struct work *w, int fleet)
{
    return fleet < 0 ? w->mode.why : w->fleet_modes[fleet].why;
}

// ---- finding them ---------------------------------------------------------------------------------------------------------
static void stricter(struct work_mode *m, enum plan_mode mode, const char *why)
{
    if (mode <= m->mode)
        return;
    m->mode = mode;
    m->why = why;
}

static enum plan_mode mode_of_control(enum control_mode m)
{
    switch (m) {
    case CONTROL_RUN:
        return PLAN_ACT;
    case CONTROL_ADD_ONLY:
        return PLAN_ADD_ONLY;
    case CONTROL_PAUSE:
        return PLAN_PAUSE;
    case CONTROL_FREEZE:
        return PLAN_FREEZE;
    case CONTROL_COUNT:
        break;
    }
    return PLAN_PAUSE;
}

static struct work_mode cluster_mode(struct work *w)
{
    struct work_mode m = {PLAN_ACT, NULL};
    const struct control *c = &w->s->control;
    int64_t off_ms = w->s->clock_off_ms < 0 ? -w->s->clock_off_ms : w->s->clock_off_ms;
    if (w->p->mode == MODE_ADD_ONLY)
        stricter(&m, PLAN_ADD_ONLY, "mode add-only");
    if (off_ms > CLOCK_BAD_MS)
        stricter(&m, PLAN_ADD_ONLY, explain_text(w, "mode add-only, our clock is off by %s", explain_duration(w, off_ms)));
    enum plan_mode told = mode_of_control(c->mode);
    if (told > PLAN_ACT)
        stricter(&m, told,
                 explain_text(w, "mode %s%s%s%s%s%s%s", mode_names[told], c->who[0] ? " by " : "", c->who,
                              c->since_ms > 0 ? " since " : "", c->since_ms > 0 ? explain_time(w, c->since_ms) : "",
                              c->why[0] ? ": " : "", c->why));
    return m;
}

// Whoever wrote a word that we do not know wanted less to be done, not more.
static enum plan_mode mode_of_tag(const char *value)
{
    for (int k = 0; k < PLAN_MODE_COUNT; k++)
        if (strcmp(value, mode_names[k]) == 0)
            return (enum plan_mode)k;
    return strcmp(value, "run") == 0 ? PLAN_ACT : PLAN_PAUSE;
}

// L1 anew where pause or freeze was left.
static void remember(struct work *w, const char *key, enum plan_mode mode)
{
    const struct memo_stamp *was = work_old_stamp(w, STAMP_MODE, key);
    struct memo_stamp x = {.kind = STAMP_MODE, .key = key, .since_ms = w->s->now_ms, .count = (int32_t)mode};
    if (was && was->since_ms <= w->s->now_ms) {
        x.since_ms = was->count == x.count ? was->since_ms : w->s->now_ms;
        x.until_ms = i64_min(was->until_ms, w->s->now_ms + w->p->start_hold_ms / 2);
        if (was->count >= PLAN_PAUSE && mode < PLAN_PAUSE)
            x.until_ms = w->s->now_ms + w->p->start_hold_ms / 2;
    }
    work_stamp_set(w, x);
}

void modes_init(struct work *w)
{
    w->mode = cluster_mode(w);
    w->fleet_modes = arena_array(w->a, struct work_mode, w->s->fleet_count + 1);
    // A pause because the shell itself does not know yet is nobody's: what is not known holds by itself.
    bool unknown = strcmp(w->s->control.who, "masu") == 0 && w->mode.mode > PLAN_ADD_ONLY;
    remember(w, w->s->cluster, unknown ? PLAN_ADD_ONLY : w->mode.mode);
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct fleet *x = &w->s->fleets[f];
        w->fleet_modes[f] = w->mode;
        if (x->control[0])
            stricter(&w->fleet_modes[f], mode_of_tag(x->control),
                     explain_text(w, "mode %s by the fleet's tag masu:mode=%s", mode_names[mode_of_tag(x->control)], x->control));
        remember(w, x->id, unknown && w->fleet_modes[f].why == w->mode.why ? PLAN_ADD_ONLY : w->fleet_modes[f].mode);
        assert(w->fleet_modes[f].mode >= w->mode.mode);
    }
    w->plan->mode = w->p->mode == MODE_OBSERVE ? policy_mode_name(MODE_OBSERVE) : mode_names[w->mode.mode];
}

// ---- what follows ---------------------------------------------------------------------------------------------------------
const char *modes_hold(struct work *w, int fleet)
{
    if (!modes_may(w, fleet, DEED_DRAIN))
        return modes_why(w, fleet);
    const struct memo_stamp *s = work_stamp(w, STAMP_MODE, fleet < 0 ? w->s->cluster : w->s->fleets[fleet].id);
    if (!s || s->until_ms <= w->s->now_ms)
        return NULL;
    return explain_text(w, "pause or freeze was left, drains nothing before %s", explain_time(w, s->until_ms));
}

static int interrupted(const struct work *w, int fleet)
{
    int n = 0;
    for (size_t i = 0; i < w->s->instance_count; i++)
        n += w->s->instances[i].notice_ms > 0 && w->inst[i].live && (fleet < 0 || w->s->instances[i].fleet == fleet);
    return n;
}

static void tell(struct work *w, int fleet, const char *target)
{
    enum plan_mode mode = modes_of(w, fleet);
    int n = mode == PLAN_FREEZE ? interrupted(w, fleet) : 0;
    const char *what = modes_why(w, fleet);
    if (n > 0)
        what = explain_text(w, "%s; %d interrupted instance%s not answered", what, n, n == 1 ? " is" : "s are");
    alert_raise(w, n > 0 ? ALERT_MODE_UNANSWERED : ALERT_MODE, target, what, NULL);
}

void modes_alert(struct work *w)
{
    if (w->mode.mode > PLAN_ACT)
        tell(w, -1, w->s->cluster);
    for (size_t f = 0; f < w->s->fleet_count; f++)
        if (w->fleet_modes[f].mode > w->mode.mode)
            tell(w, (int)f, w->s->fleets[f].id);
}
