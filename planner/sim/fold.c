#include "planner/sim/fold.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "planner/sim/fold_internal.h"
#include "planner/sim/orders.h"

enum { ARENA_MAX_BYTES = 512 << 20, NOTICES_EVERY_MS = 15000, SWAP_MAX = 8 };

struct fold {
    struct world *w;
    struct invariants *invariants;
    struct fold_cluster *clusters;
    struct policy_cluster *policies;
    size_t count;
    int64_t ticks;
};

int fold_new(struct world *w, const struct policy_cluster *policies, size_t count, struct fold **ret, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (world_find_cluster(w, policies[i].name) < 0)
            return err_set(err, ERR_INVALID, "fold: no cluster %s in the world", policies[i].name);
        for (size_t k = 0; k < policies[i].fleet_count; k++)
            if (world_find_fleet(w, policies[i].fleets[k].id) < 0)
                return err_set(err, ERR_INVALID, "fold: no fleet %s in the world", policies[i].fleets[k].id);
    }
    struct fold *f = calloc(1, sizeof *f);
    struct fold_cluster *clusters = calloc(count + 1, sizeof *clusters);
    struct policy_cluster *own = calloc(count + 1, sizeof *own);
    if (!f || !clusters || !own) {
        free(f);
        free(clusters);
        free(own);
        return err_set(err, ERR_NOMEM, "fold: no memory");
    }
    struct invariants_options o;
    invariants_options_default(&o);
    for (size_t i = 0; i < count; i++) {
        struct fold_cluster *c = &clusters[i];
        own[i] = policies[i];
        *c = (struct fold_cluster){.w = w, .cluster = world_find_cluster(w, own[i].name), .policy = &own[i], .started_ms = w->now_ms,
                                   .next_ms = w->now_ms + (int64_t)i * own[i].period_ms / (int64_t)count};
        arena_init(&c->arena, ARENA_MAX_BYTES);
        arena_init(&c->memo_arenas[0], ARENA_MAX_BYTES);
        arena_init(&c->memo_arenas[1], ARENA_MAX_BYTES);
        arena_init(&c->kept, ARENA_MAX_BYTES);
        c->pool_sets = arena_array(&c->kept, struct attribute_set, w->pool_count + 1);
        o.drain_deadline_ms = own[i].drain_deadline_ms;
        o.drain_percent = own[i].drain_percent;
        o.step_instances = own[i].step_instances;
        o.headroom_permyriad = own[i].headroom_percent * 100;
        o.swap_instances = SWAP_MAX;
        o.max_usd_micro = own[i].max_usd_micro;
        for (size_t k = 0; k < own[i].headroom_task_count; k++)
            o.headroom_tasks += own[i].headroom_tasks[k].tasks;
    }
    *f = (struct fold){.w = w, .clusters = clusters, .policies = own, .count = count, .invariants = invariants_attach(w, &o)};
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < own[i].fleet_count; k++)
            invariants_bounds(f->invariants, world_find_fleet(w, own[i].fleets[k].id), own[i].fleets[k].min, own[i].fleets[k].max);
    *ret = f;
    return 0;
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

static enum world_answer apply(struct fold_cluster *c, const struct action *a)
{
    struct world *w = c->w;
    int fleet = a->kind == ACTION_SET_TARGET || a->kind == ACTION_CLAIM ? world_find_fleet(w, a->target) : -1;
    int instance = fleet < 0 ? world_find_instance(w, a->target) : -1;
    if (fleet < 0 && instance < 0)
        return WORLD_NOT_FOUND;
    switch (a->kind) {
    case ACTION_MARK:
        return world_tag(w, WORLD_OURS, instance, "masu:drain", a->value);
    case ACTION_UNMARK:
        return world_untag(w, WORLD_OURS, instance, "masu:drain");
    case ACTION_DRAIN:
        return world_set_container_instance_state(w, WORLD_OURS, c->cluster, instance, WE_DRAINING);
    case ACTION_UNDRAIN:
        return world_set_container_instance_state(w, WORLD_OURS, c->cluster, instance, WE_ACTIVE);
    case ACTION_SET_TARGET:
        return world_modify_spot_fleet(w, WORLD_OURS, fleet, a->capacity, a->on_demand, WX_NO_TERMINATION);
    case ACTION_TERMINATE:
        return world_terminate(w, WORLD_OURS, &instance, 1);
    case ACTION_DEREGISTER:
        return world_deregister(w, WORLD_OURS, c->cluster, instance, true);
    case ACTION_CLAIM:
        return world_tag_fleet(w, WORLD_OURS, fleet, "masu:owner", a->value);
    case ACTION_LAUNCH:
    case ACTION_END_MEMBER:  // of groups, which this rig has none of
    case ACTION_HEARTBEAT:
    case ACTION_COMPLETE:
    case ACTION_COUNT:
        break;
    }
    return WORLD_INVALID;
}

static void act(struct fold *f, struct fold_cluster *c, const struct plan *p, struct arena *a)
{
    bool *done = arena_array(a, bool, p->action_count + 1);
    for (size_t k = 0; k < p->action_count; k++) {
        const struct action *x = &p->actions[k];
        if (x->after < 0 || done[x->after]) {
            invariants_intent(f->invariants, action_kind_name(x->kind), x->target);
            done[k] = apply(c, x) == WORLD_OK;
            invariants_outcome(f->invariants, action_kind_name(x->kind), x->target);
        }
        if (!done[k])
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
    act(f, c, &result.plan, a);
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
