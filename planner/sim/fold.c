#include "planner/sim/fold.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "planner/drain.h"
#include "planner/patience.h"
#include "planner/sim/fold_internal.h"

enum { ARENA_MAX_BYTES = 512 << 20, NOTICES_EVERY_MS = 15000, SERVE_MS = 60000 };

static void begin_cluster(struct fold *f, size_t i)
{
    struct err none;
    struct fold_cluster *c = &f->clusters[i];
    const struct policy_cluster *policy = &f->policies[i % f->count];
    int64_t second_ms = i < f->count ? 0 : policy->period_ms / 2;
    *c = (struct fold_cluster){.w = f->w, .cluster = world_find_cluster(f->w, policy->name), .policy = policy, .started_ms = f->w->now_ms,
                               .next_ms = f->w->now_ms + (int64_t)(i % f->count) * policy->period_ms / (int64_t)f->count + second_ms,
                               .soon_ms = INT64_MAX, .off = i >= f->count};
    arena_init(&c->arena, ARENA_MAX_BYTES);
    arena_init(&c->memo_arenas[0], ARENA_MAX_BYTES);
    arena_init(&c->memo_arenas[1], ARENA_MAX_BYTES);
    arena_init(&c->kept, ARENA_MAX_BYTES);
    c->pool_sets = arena_array(&c->kept, struct attribute_set, f->w->pool_count + 1);
    if (zone_load(c->policy->time_zone, &c->kept, &c->zone, &none) != 0)
        c->zone = NULL;
    c->calendar = c->policy->calendar.count > 0 ? calendar_load(&c->policy->calendar, &c->kept) : NULL;
}

static void watch(struct fold *f)
{
    struct invariants_options o;
    invariants_options_default(&o);
    for (size_t i = 0; i < f->count; i++) {
        const struct policy_cluster *p = &f->policies[i];
        o.drain_deadline_ms = p->drain_deadline_ms;
        o.drain_percent = p->drain_percent;
        o.service_percent = p->service_percent;
        o.shrink_percent = p->shrink_percent;
        o.step_instances = p->step_instances;
        o.headroom_permyriad = p->headroom_percent * 100;
        o.judge_orders = o.judge_money = true;
        o.serve_ms = SERVE_MS + 2 * p->period_ms + patience_of(p);
        o.max_usd_micro = p->max_usd_micro;
        for (size_t k = 0; k < p->headroom_task_count; k++)
            o.headroom_tasks += p->headroom_tasks[k].tasks;
    }
    f->invariants = invariants_attach(f->w, &o);
    for (size_t i = 0; i < f->count; i++)
        for (size_t k = 0; k < f->policies[i].fleet_count; k++) {
            const struct fold_fleet *x = &f->clusters[i].fleets[k];
            if (x->kind == FLEET_INSTANT)
                invariants_instant_bound(f->invariants, x->id, x->policy->max);
            else
                invariants_bounds(f->invariants, x->fleet, x->policy->min, x->policy->max);
        }
}

int fold_new(struct world *w, const struct policy_cluster *policies, size_t count, struct fold **ret, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (world_find_cluster(w, policies[i].name) < 0)
            return err_set(err, ERR_INVALID, "fold: no cluster %s in the world", policies[i].name);
    struct fold *f = calloc(1, sizeof *f);
    if (!f)
        return err_set(err, ERR_NOMEM, "fold: no memory");
    *f = (struct fold){.w = w, .clusters = calloc(2 * count + 1, sizeof *f->clusters), .policies = calloc(count + 1, sizeof *f->policies),
                       .count = count, .began_ms = w->now_ms};
    int rc = f->clusters && f->policies ? 0 : err_set(err, ERR_NOMEM, "fold: no memory");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        f->policies[i] = policies[i];
        f->all++;
        begin_cluster(f, i);
    }
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = fold_find_fleets(&f->clusters[i], err);
    if (rc == 0)
        watch(f);
    else
        fold_free(f);
    *ret = rc == 0 ? f : NULL;
    return rc;
}

void fold_free(struct fold *f)
{
    if (!f)
        return;
    invariants_free(f->invariants);
    for (size_t i = 0; i < f->all; i++) {
        arena_release(&f->clusters[i].arena);
        arena_release(&f->clusters[i].memo_arenas[0]);
        arena_release(&f->clusters[i].memo_arenas[1]);
        arena_release(&f->clusters[i].kept);
        outlook_release(&f->clusters[i].outlook);
    }
    free(f->clusters);
    free(f->policies);
    free(f);
}

void fold_set_faults(struct fold *f, const struct faults *faults)
{
    struct err none;
    f->faults = faults;
    for (; f->all < 2 * f->count; f->all++) {
        begin_cluster(f, f->all);
        (void)fold_find_fleets(&f->clusters[f->all], &none);  // as those of the first daemon
    }
}

void fold_set_plant(struct fold *f, void (*plant)(void *arg, const struct planner_input *in, struct planner_result *r, struct arena *a), void *arg)
{
    f->plant = plant;
    f->plant_arg = arg;
}

void fold_set_forecaster(struct fold *f, void (*lie)(void *arg, const struct snapshot *s, struct outlook *x), void *arg)
{
    f->lie = lie;
    f->lie_arg = arg;
}

int64_t fold_now_ms(const struct fold_cluster *c)
{
    return c->w->now_ms + c->clock_off_ms;
}

void fold_restart(struct fold *f, struct fold_cluster *c, bool disk)
{
    (void)f;
    c->has_memo = c->has_memo && disk;
    c->started_ms = fold_now_ms(c);
    c->looks = 0;
    c->listed_ms = 0;
    c->lost_count = 0;
    c->next_ms = c->w->now_ms + c->policy->period_ms / 4;
    c->soon_ms = INT64_MAX;
    outlook_release(&c->outlook);
    c->outlook = (struct outlook_keeper){0};
    c->usual = (struct usual){0};
    memset(c->read_ms, 0, sizeof c->read_ms);
    if (c->service_cap > 0)
        memset(c->services, 0, c->service_cap * sizeof *c->services);
    memset(c->pool_sets, 0, c->w->pool_count * sizeof *c->pool_sets);
    for (size_t k = 0; k < c->policy->fleet_count; k++) {
        c->fleets[k].refusal_count = 0;
        c->fleets[k].last_error = "";
        c->fleets[k].last_error_ms = c->fleets[k].capacity_error_ms = 0;
    }
}

// ---- act ------------------------------------------------------------------------------------------------------------------

// What became of the action, as far as the daemon knows.
static bool carry_out(struct fold *f, struct fold_cluster *c, const struct fold_sight *sight, const struct snapshot *s, const struct action *x)
{
    if (!fold_recheck(c, sight, s, x)) {
        memo_forget(&c->memo, x);
        return false;
    }
    enum fold_call call = fold_faults_call(f, c);
    if (call != CALL_ANSWERED)
        invariants_hindered(f->invariants);
    bool ok = call != CALL_REFUSED && fold_act(c, s, x, call == CALL_LOST) == WORLD_OK;
    if (ok && call == CALL_ANSWERED)
        memo_answered(&c->memo, x);
    else if (x->kind != ACTION_LAUNCH || call == CALL_ANSWERED)  // else it is asked again by its token
        memo_forget(&c->memo, x);
    return ok && call == CALL_ANSWERED;
}

static void act(struct fold *f, struct fold_cluster *c, const struct fold_sight *sight, const struct snapshot *s, const struct plan *p, int most)
{
    bool *done = arena_array(&c->arena, bool, p->action_count + 1);
    bool drained = true;  // all before it
    for (size_t k = 0; k < p->action_count && most != 0; k++) {
        const struct action *x = &p->actions[k];
        if ((x->after >= 0 && !done[x->after]) || (x->after_drains && !drained)) {
            memo_forget(&c->memo, x);
        } else {
            most--;
            invariants_intent(f->invariants, action_kind_name(x->kind), x->target);
            done[k] = carry_out(f, c, sight, s, x);
            if (most != 0)
                invariants_outcome(f->invariants, action_kind_name(x->kind), x->target);
        }
        drained = drained && (done[k] || x->kind != ACTION_DRAIN);
    }
}

// ---- one look -------------------------------------------------------------------------------------------------------------

// Every look reads the state and the tasks of what drains: V2 is judged by that.
static void note_reads(struct fold_cluster *c, const struct fold_sight *s)
{
    bool states = s->sources[SOURCE_CONTAINER_INSTANCES].state == SOURCE_OK, tasks = s->sources[SOURCE_TASKS].state == SOURCE_OK;
    for (size_t n = 0; n < c->w->instance_count; n++) {
        const struct world_instance *i = &c->w->instances[n];
        if (!i->used || i->cluster != c->cluster || i->status.now < WE_ACTIVE || (i->status.now != WE_DRAINING && i->notice_ms == 0))
            continue;  // of the others nobody asks what was read
        if (states && i->status.changed_ms <= fold_seen(s, SOURCE_CONTAINER_INSTANCES, i->serial))
            world_note_read(c->w, (int)n, WORLD_READ_STATE);
        if (tasks)
            world_note_read(c->w, (int)n, WORLD_READ_TASKS);
    }
}

// Ended in the middle: what it remembers is from the tick before, but for orders, whose intents are in the journal.
static void forget_tick(struct fold_cluster *c, const struct memo *before, const struct plan *p, int most)
{
    c->turn ^= 1;
    c->memo = *before;
    struct arena *a = &c->memo_arenas[c->turn];
    for (size_t k = 0; k < p->action_count && (int)k < most && c->has_memo; k++) {
        const struct action *x = &p->actions[k];
        if (x->kind != ACTION_LAUNCH)
            continue;
        c->memo.launches = arena_grow(a, c->memo.launches, c->memo.launch_count, &c->memo.launch_cap, sizeof *c->memo.launches);
        c->memo.launches[c->memo.launch_count++] = (struct memo_launch){
            arena_strdup(a, x->token), arena_strdup(a, x->target), arena_strdup(a, x->value), x->capacity, x->on_demand, fold_now_ms(c), false};
    }
}

static void see_calendar(struct fold_cluster *c, struct arena *a, struct snapshot *s)
{
    if (!c->calendar)
        return;
    if (!calendar_multiplies(c->calendar, s->now_ms))
        usual_see(&c->usual, s);
    calendar_tell(c->calendar, a, s);
    usual_tell(&c->usual, s);
}

int fold_tick(struct fold *f, struct fold_cluster *c, int most, struct err *err)
{
    struct arena *a = &c->arena;
    struct fold_sight sight;
    struct snapshot s;
    struct planner_result result;
    struct memo before = c->memo;
    c->turn ^= 1;
    arena_reset(a);
    fold_faults_sight(f, c, &sight);
    note_reads(c, &sight);
    fold_look(c, &sight, a, &s);
    c->usual.clock = c->outlook.clock = c->zone ? zone_last_change(c->zone, s.now_ms / 1000, OUTLOOK_CLOCK_S) : (struct zone_change){0};
    if (c->policy->waiting_costs_milli > 0)
        s.outlook = outlook_see(&c->outlook, &s, c->policy->waiting_costs_milli);
    if (c->policy->waiting_costs_milli > 0 && f->lie)
        f->lie(f->lie_arg, &s, &s.outlook);
    see_calendar(c, a, &s);
    struct planner_input in = {.snapshot = &s, .memo = c->has_memo ? &before : NULL, .policy = c->policy};
    int rc = planner_run(&in, a, &result, err);
    if (rc)
        return rc;
    invariants_check_plan(f->invariants, &in, &result);
    if (f->plant)
        f->plant(f->plant_arg, &in, &result, a);
    arena_reset(&c->memo_arenas[c->turn]);
    memo_copy(&c->memo_arenas[c->turn], &result.memo, &c->memo);
    act(f, c, &sight, &s, &result.plan, most);
    if (most >= 0) {
        forget_tick(c, &before, &result.plan, most);
        return 0;
    }
    for (size_t i = 0; i < result.memo.drain_count; i++)
        if (result.memo.drains[i].reported_ms == s.now_ms)
            invariants_reported(f->invariants, result.memo.drains[i].instance);
    c->has_memo = true;
    f->ticks++;
    return 0;
}

static bool noticed(const struct fold *f, struct fold_cluster *c)
{
    bool fresh = c->again;
    c->again = false;
    for (size_t n = c->w->notice_count; n-- > 0 && c->w->notices[n].seq >= c->notices_seen;) {
        const struct world_notice *x = &c->w->notices[n];
        const struct world_instance *i = &c->w->instances[x->instance];
        bool ours = i->used && i->cluster == c->cluster && !fold_faults_deaf(f);
        if (ours && !x->rebalance && strcmp(i->id, x->instance_id) == 0)  // another may have the slot by now
            world_note_read(c->w, x->instance, WORLD_READ_NOTICE);
        fresh |= ours;
        c->again |= ours && fold_faults_twice(f);
    }
    c->notices_seen = c->w->next_notice;
    return fresh;
}

static int64_t due_ms(const struct fold_cluster *c)
{
    return c->off ? INT64_MAX : c->soon_ms < c->next_ms ? c->soon_ms : c->next_ms;
}

static int tick_due(struct fold *f, struct fold_cluster *c, bool polled, struct err *err)
{
    bool urgent = polled && noticed(f, c);
    if (!urgent && f->w->now_ms < due_ms(c))
        return 0;
    int rc = fold_tick(f, c, -1, err);
    int64_t again_ms = c->has_memo ? drain_look_again_ms(&c->memo) : 0;
    c->soon_ms = again_ms > 0 ? f->w->now_ms + again_ms : INT64_MAX;
    c->next_ms += f->w->now_ms >= c->next_ms ? c->policy->period_ms : 0;
    return rc;
}

int fold_run(struct fold *f, int64_t to_ms, struct err *err)
{
    int64_t poll_ms = f->w->now_ms + NOTICES_EVERY_MS;
    while (f->w->now_ms < to_ms) {
        int64_t next_ms = poll_ms < to_ms ? poll_ms : to_ms, fault_ms = fold_faults_next_ms(f);
        next_ms = fault_ms < next_ms ? fault_ms : next_ms;
        for (size_t i = 0; i < f->all; i++)
            next_ms = due_ms(&f->clusters[i]) < next_ms ? due_ms(&f->clusters[i]) : next_ms;
        world_advance(f->w, next_ms > f->w->now_ms ? next_ms : f->w->now_ms);
        bool polled = f->w->now_ms >= poll_ms;
        poll_ms += polled ? NOTICES_EVERY_MS : 0;
        int rc = f->w->now_ms >= fault_ms ? fold_faults_step(f, err) : 0;
        for (size_t i = 0; i < f->all && rc == 0; i++)
            rc = f->clusters[i].off ? 0 : tick_due(f, &f->clusters[i], polled, err);
        if (rc)
            return rc;
    }
    return 0;
}

void fold_finish(struct fold *f)
{
    invariants_finish(f->invariants);
}

int64_t fold_faults_met(const struct fold *f)
{
    return f->faults_met;
}

int64_t fold_ticks(const struct fold *f)
{
    return f->ticks;
}

struct invariants *fold_invariants(struct fold *f)
{
    return f->invariants;
}

const struct memo *fold_memo(const struct fold *f, size_t cluster)
{
    assert(cluster < f->count);
    return f->clusters[cluster].has_memo ? &f->clusters[cluster].memo : NULL;
}
