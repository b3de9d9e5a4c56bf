// What a schedule of faults does to a fold: to what a look sees, to what becomes of a call, to the daemon and to the market.
#include "planner/sim/fold_internal.h"

static const enum source_kind SOURCES[FAULT_WRITES] = {SOURCE_CONTAINER_INSTANCES, SOURCE_SERVICES, SOURCE_TASKS, SOURCE_EC2_INSTANCES, SOURCE_FLEETS};

static int64_t since_ms(const struct fold *f)
{
    return f->w->now_ms - f->began_ms;
}

static bool holds(const struct fold *f, const struct fault *x)
{
    return since_ms(f) >= x->at_ms && since_ms(f) < x->at_ms + x->for_ms;
}

static size_t fault_count(const struct fold *f)
{
    return f->faults ? f->faults->count : 0;
}

// ---- looks --------------------------------------------------------------------------------------------------------------------

static void fails(struct fold *f, struct fold_cluster *c, struct fold_sight *s, enum source_kind k, enum source_state state)
{
    s->sources[k].state = state < s->sources[k].state ? state : s->sources[k].state;
    s->sources[k].detail = "the schedule says so";
    s->half[k] = s->sources[k].state == SOURCE_PARTIAL;
    s->seen_ms[k] = c->read_ms[k];
    s->sources[k].read_ms = c->read_ms[k] > 0 ? c->read_ms[k] + c->clock_off_ms : 0;
    f->faults_met++;
}

static void blur(struct fold *f, struct fold_cluster *c, struct fold_sight *s, const struct fault *x)
{
    switch (x->kind) {
    case FAULT_THROTTLE:
        if (x->target < FAULT_WRITES)
            fails(f, c, s, SOURCES[x->target], SOURCE_UNKNOWN);
        return;
    case FAULT_PARTIAL:
        fails(f, c, s, SOURCES[x->target], SOURCE_PARTIAL);
        return;
    case FAULT_ERRORS:
    case FAULT_TRUNCATED:
        for (int k = 0; k < FAULT_WRITES; k++)
            if (fault_strikes(x, f->w->now_ms, (uint64_t)k))
                fails(f, c, s, SOURCES[k], SOURCE_UNKNOWN);
        return;
    case FAULT_STALE:
        for (int k = 0; k < FAULT_WRITES; k++) {
            int64_t at_ms = f->w->now_ms - x->amount_ms;
            s->seen_ms[SOURCES[k]] = at_ms < s->seen_ms[SOURCES[k]] ? at_ms : s->seen_ms[SOURCES[k]];
        }
        f->faults_met++;
        return;
    case FAULT_LOST:
    case FAULT_DEAF:
    case FAULT_TWICE:
    case FAULT_CLOCK:
    case FAULT_RESTART:
    case FAULT_FRESH_DISK:
    case FAULT_TWO:
    case FAULT_DROUGHT:
    case FAULT_KIND_COUNT:
        break;
    }
}

void fold_faults_sight(struct fold *f, struct fold_cluster *c, struct fold_sight *ret)
{
    for (int k = 0; k < SOURCE_COUNT; k++) {
        ret->sources[k] = (struct source){SOURCE_OK, fold_now_ms(c), ""};
        ret->seen_ms[k] = f->w->now_ms;
        ret->half[k] = false;
    }
    for (size_t i = 0; i < fault_count(f); i++)
        if (holds(f, &f->faults->v[i]))
            blur(f, c, ret, &f->faults->v[i]);
    for (int k = 0; k < SOURCE_COUNT; k++)
        if (ret->sources[k].state == SOURCE_OK)
            c->read_ms[k] = f->w->now_ms;
}

// ---- calls --------------------------------------------------------------------------------------------------------------------

enum fold_call fold_faults_call(struct fold *f, struct fold_cluster *c)
{
    enum fold_call ret = CALL_ANSWERED;
    uint64_t call = ++c->calls;
    for (size_t i = 0; i < fault_count(f) && ret == CALL_ANSWERED; i++) {
        const struct fault *x = &f->faults->v[i];
        if (!holds(f, x))
            continue;
        bool refused = x->kind == FAULT_THROTTLE ? x->target == FAULT_WRITES : x->kind == FAULT_ERRORS && fault_strikes(x, f->w->now_ms, call);
        bool lost = (x->kind == FAULT_LOST || x->kind == FAULT_TRUNCATED) && fault_strikes(x, f->w->now_ms, call);
        ret = refused ? CALL_REFUSED : lost ? CALL_LOST : CALL_ANSWERED;
    }
    f->faults_met += ret != CALL_ANSWERED;
    return ret;
}

static bool any(const struct fold *f, enum fault_kind k)
{
    for (size_t i = 0; i < fault_count(f); i++)
        if (f->faults->v[i].kind == k && holds(f, &f->faults->v[i]))
            return true;
    return false;
}

bool fold_faults_deaf(const struct fold *f)
{
    return any(f, FAULT_DEAF);
}

bool fold_faults_twice(const struct fold *f)
{
    return any(f, FAULT_TWICE);
}

// ---- what begins and ends -------------------------------------------------------------------------------------------------------

int64_t fold_faults_next_ms(const struct fold *f)
{
    int64_t next_ms = INT64_MAX;
    for (size_t i = 0; i < fault_count(f); i++) {
        int64_t at_ms = f->began_ms + f->faults->v[i].at_ms, end_ms = at_ms + f->faults->v[i].for_ms;
        next_ms = at_ms > f->w->now_ms && at_ms < next_ms ? at_ms : next_ms;
        next_ms = end_ms > f->w->now_ms && end_ms < next_ms ? end_ms : next_ms;
    }
    return next_ms;
}

// The daemon ends in the middle of a tick, after some of its actions.
static int crash(struct fold *f, const struct fault *x, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < f->all && rc == 0; i++) {
        struct fold_cluster *c = &f->clusters[i];
        if (c->off)
            continue;
        rc = fold_tick(f, c, (int)((x->chance >> i) % 4), err);
        fold_restart(f, c, x->kind == FAULT_RESTART);
    }
    invariants_crashed(f->invariants);
    return rc;
}

static void dry(struct fold *f, const struct fault *x)
{
    for (size_t p = 0; p < f->w->pool_count; p++)
        if (x->target < 0 || f->w->pools[p].zone == x->target)
            world_set_shortage(f->w, (int)p, f->w->now_ms + x->for_ms);
}

static int begin(struct fold *f, const struct fault *x, struct err *err)
{
    if (x->kind == FAULT_RESTART || x->kind == FAULT_FRESH_DISK) {
        f->faults_met++;
        return crash(f, x, err);
    }
    if (x->kind == FAULT_DROUGHT)
        dry(f, x);
    return 0;
}

int fold_faults_step(struct fold *f, struct err *err)
{
    int64_t off_ms = 0, older_ms = 0;
    int rc = 0;
    for (size_t i = 0; i < fault_count(f); i++) {
        const struct fault *x = &f->faults->v[i];
        off_ms += x->kind == FAULT_CLOCK && holds(f, x) ? x->amount_ms : 0;
        older_ms = x->kind == FAULT_STALE && holds(f, x) && x->amount_ms > older_ms ? x->amount_ms : older_ms;
    }
    for (size_t i = 0; i < f->all; i++)
        f->clusters[i].clock_off_ms = off_ms;
    invariants_stale(f->invariants, older_ms, any(f, FAULT_TWO));
    for (size_t i = f->count; i < f->all; i++) {
        bool was_off = f->clusters[i].off;
        f->clusters[i].off = !any(f, FAULT_TWO);
        if (was_off && !f->clusters[i].off)
            fold_restart(f, &f->clusters[i], false);
    }
    for (size_t i = 0; i < fault_count(f) && rc == 0; i++)
        if (f->faults->v[i].at_ms == since_ms(f))
            rc = begin(f, &f->faults->v[i], err);
    return rc;
}
