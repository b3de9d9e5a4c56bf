#include "planner/sim/fold.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "planner/sim/fold_internal.h"

enum { ARENA_MAX_BYTES = 512 << 20, NOTICES_EVERY_MS = 15000 };

struct fold {
    struct world *w;
    struct invariants *invariants;
    struct fold_cluster *clusters;
    struct policy_cluster *policies;
    size_t count;
    int64_t ticks;
};

static void begin_cluster(struct fold *f, size_t i, const struct policy_cluster *policy)
{
    struct fold_cluster *c = &f->clusters[i];
    f->policies[i] = *policy;
    *c = (struct fold_cluster){.w = f->w, .cluster = world_find_cluster(f->w, policy->name), .policy = &f->policies[i], .started_ms = f->w->now_ms,
                               .next_ms = f->w->now_ms + (int64_t)i * policy->period_ms / (int64_t)f->count};
    arena_init(&c->arena, ARENA_MAX_BYTES);
    arena_init(&c->memo_arenas[0], ARENA_MAX_BYTES);
    arena_init(&c->memo_arenas[1], ARENA_MAX_BYTES);
    arena_init(&c->kept, ARENA_MAX_BYTES);
    c->pool_sets = arena_array(&c->kept, struct attribute_set, f->w->pool_count + 1);
}

static void watch(struct fold *f)
{
    struct invariants_options o;
    invariants_options_default(&o);
    for (size_t i = 0; i < f->count; i++) {
        const struct policy_cluster *p = &f->policies[i];
        o.drain_deadline_ms = p->drain_deadline_ms;
        o.drain_percent = p->drain_percent;
        o.step_instances = p->step_instances;
        o.headroom_permyriad = p->headroom_percent * 100;
        o.swap_instances = INVARIANTS_SWAP_MAX;
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
    *f = (struct fold){.w = w, .clusters = calloc(count + 1, sizeof *f->clusters), .policies = calloc(count + 1, sizeof *f->policies), .count = count};
    int rc = f->clusters && f->policies ? 0 : err_set(err, ERR_NOMEM, "fold: no memory");
    for (size_t i = 0; rc == 0 && i < count; i++)
        begin_cluster(f, i, &policies[i]);
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
    for (size_t i = 0; i < f->count; i++) {
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

// ---- act ------------------------------------------------------------------------------------------------------------------

static void act(struct fold *f, struct fold_cluster *c, const struct snapshot *s, const struct plan *p, struct arena *a)
{
    bool *done = arena_array(a, bool, p->action_count + 1);
    for (size_t k = 0; k < p->action_count; k++) {
        const struct action *x = &p->actions[k];
        if (x->after < 0 || done[x->after]) {
            invariants_intent(f->invariants, action_kind_name(x->kind), x->target);
            done[k] = fold_recheck(c, s, x) && fold_act(c, s, x) == WORLD_OK;
            invariants_outcome(f->invariants, action_kind_name(x->kind), x->target);
        }
        if (done[k])
            memo_answered(&c->memo, x);
        else
            memo_forget(&c->memo, x);
    }
}

// ---- one look -------------------------------------------------------------------------------------------------------------

// Every look reads the state and the tasks of what drains: V2 is judged by that.
static void note_reads(struct fold_cluster *c)
{
    for (size_t n = 0; n < c->w->instance_count; n++) {
        const struct world_instance *i = &c->w->instances[n];
        if (!i->used || i->cluster != c->cluster || i->status.now != WE_DRAINING)
            continue;
        world_note_read(c->w, (int)n, WORLD_READ_STATE);
        world_note_read(c->w, (int)n, WORLD_READ_TASKS);
    }
}

static int tick(struct fold *f, struct fold_cluster *c, struct err *err)
{
    c->turn ^= 1;
    struct arena *a = &c->arena;
    struct snapshot s;
    struct planner_result result;
    arena_reset(a);
    note_reads(c);
    fold_look(c, a, &s);
    if (c->policy->waiting_costs > 0)
        s.outlook = outlook_see(&c->outlook, &s, c->policy->waiting_costs);
    struct planner_input in = {.snapshot = &s, .memo = c->has_memo ? &c->memo : NULL, .policy = c->policy};
    int rc = planner_run(&in, a, &result, err);
    if (rc)
        return rc;
    invariants_check_plan(f->invariants, &in, &result);
    arena_reset(&c->memo_arenas[c->turn]);
    memo_copy(&c->memo_arenas[c->turn], &result.memo, &c->memo);
    act(f, c, &s, &result.plan, a);
    for (size_t i = 0; i < result.memo.drain_count; i++)
        if (result.memo.drains[i].reported_ms == s.now_ms)
            invariants_reported(f->invariants, result.memo.drains[i].instance);
    c->has_memo = true;
    f->ticks++;
    return 0;
}

static bool noticed(struct fold_cluster *c)
{
    bool fresh = false;
    for (size_t n = c->w->notice_count; n-- > 0 && c->w->notices[n].seq >= c->notices_seen;) {
        const struct world_notice *x = &c->w->notices[n];
        fresh |= c->w->instances[x->instance].used && c->w->instances[x->instance].cluster == c->cluster;
    }
    c->notices_seen = c->w->next_notice;
    return fresh;
}

int fold_run(struct fold *f, int64_t to_ms, struct err *err)
{
    int64_t poll_ms = f->w->now_ms + NOTICES_EVERY_MS;
    while (f->w->now_ms < to_ms) {
        int64_t next_ms = poll_ms < to_ms ? poll_ms : to_ms;
        for (size_t i = 0; i < f->count; i++)
            next_ms = f->clusters[i].next_ms < next_ms ? f->clusters[i].next_ms : next_ms;
        world_advance(f->w, next_ms > f->w->now_ms ? next_ms : f->w->now_ms);
        bool polled = f->w->now_ms >= poll_ms;
        poll_ms += polled ? NOTICES_EVERY_MS : 0;
        for (size_t i = 0; i < f->count; i++) {
            struct fold_cluster *c = &f->clusters[i];
            bool urgent = polled && noticed(c);
            if (!urgent && f->w->now_ms < c->next_ms)
                continue;
            int rc = tick(f, c, err);
            if (rc)
                return rc;
            c->next_ms += f->w->now_ms >= c->next_ms ? c->policy->period_ms : 0;
        }
    }
    return 0;
}

void fold_finish(struct fold *f)
{
    invariants_finish(f->invariants);
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
