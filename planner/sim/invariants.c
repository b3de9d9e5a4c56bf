#include "planner/sim/invariants.h"

#include <string.h>

#include "planner/sim/invariants_internal.h"

void invariants_options_default(struct invariants_options *o)
{
    *o = (struct invariants_options){
        .drain_deadline_ms = 15 * 60000,
        .facts_age_ms = 10000,
        .empty_ms = 15000,
        .drain_percent = 10,
        .service_percent = 10,
        .shrink_percent = 50,
        .owner = "masu",
        .step_instances = 50,
        .rest_ms = 180000,
        .notice_ms = 1500,
    };
}

void inv_tell(struct invariants *inv, enum invariant id, const char *fmt, ...)
{
    assert(id > 0 && id < V_LIMIT);
    inv->count++;
    inv->count_of[id]++;
    if (inv->listed == INV_LISTED)
        return;
    struct violation *v = &inv->list[inv->listed++];
    v->id = id;
    v->at_ms = world_view(inv->w).now_ms;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(v->text, sizeof v->text, fmt, ap);
    va_end(ap);
}

struct inv_instance *inv_of(struct invariants *inv, const struct world_view *v, int instance)
{
    struct inv_instance *x = &inv->instances[instance];
    if (x->serial != v->instances[instance].serial)
        *x = (struct inv_instance){.serial = v->instances[instance].serial};
    return x;
}

bool inv_drained_by_ours(const struct world_instance *i)
{
    return i->used && i->status.now == WE_DRAINING && i->drained_by == WORLD_OURS && i->state.now <= WL_RUNNING;
}

bool inv_alive_nondaemon(const struct world_view *v, const struct world_task *t)
{
    return t->used && t->last.now != WT_STOPPED && !(t->service >= 0 && v->services[t->service].daemon);
}

int64_t inv_moments(const struct invariants *inv, int64_t now_ms, int k)
{
    int64_t ago_ms = (int64_t)k * 1000;
    return ago_ms <= inv->o.facts_age_ms ? now_ms - ago_ms : -1;
}

int64_t inv_moments_stale(const struct invariants *inv, int64_t now_ms, int k)
{
    int64_t ago_ms = (int64_t)k * 1000;
    return ago_ms <= inv->o.facts_age_ms + inv->older_ms ? now_ms - ago_ms : -1;
}

static void *grown(struct invariants *inv, void *old, size_t *cap, int count, size_t size)
{
    size_t want = *cap ? *cap : 64;
    while (want < (size_t)count)
        want *= 2;
    if (want == *cap)
        return old;
    char *bigger = arena_alloc(&inv->arena, want, size);
    if (*cap)
        memcpy(bigger, old, *cap * size);
    *cap = want;
    return bigger;
}

// The view, with room in our own tables for all that is in it.
static struct world_view look(struct invariants *inv, const struct world *w)
{
    struct world_view v = world_view(w);
    inv->instances = grown(inv, inv->instances, &inv->instance_cap, v.instance_count, sizeof *inv->instances);
    inv->services = grown(inv, inv->services, &inv->service_cap, v.service_count, sizeof *inv->services);
    inv->fleets = grown(inv, inv->fleets, &inv->fleet_cap, v.fleet_count, sizeof *inv->fleets);
    return v;
}

static void before(void *arg, const struct world *w, const struct world_call *c)
{
    struct invariants *inv = arg;
    struct world_view v = look(inv, w);
    if (c->actor != WORLD_OURS) {
        inv_need_foreign(inv, &v);
        return;
    }
    inv->calls++;
    if (inv->o.dry_run)
        inv_tell(inv, V34, "call %d by ours in a dry run", (int)c->op);
    inv_judge_calm(inv, &v);
    inv_before_any(inv, &v, c);
    switch (c->op) {
    case WOP_SET_STATE:
        inv_before_state(inv, &v, c);
        break;
    case WOP_MODIFY_FLEET:
        inv_before_write(inv, &v, c->fleet, "target");
        inv_before_modify(inv, &v, c);
        break;
    case WOP_TERMINATE:
        for (int k = 0; k < c->instance_count; k++)
            if (c->instances[k] >= 0 && c->instances[k] < v.instance_count)
                inv_before_write(inv, &v, v.instances[c->instances[k]].fleet, "end of a member");
        inv_before_reap(inv, &v, c);
        inv_before_terminate(inv, &v, c);
        break;
    case WOP_TAG:
    case WOP_UNTAG:
        inv_before_tag(inv, &v, c);
        break;
    case WOP_DEREGISTER:
        if (c->instance >= 0 && v.instances[c->instance].state.now != WL_TERMINATED)
            inv_tell(inv, V9, "%s was deregistered -> its EC2 instance is not terminated", v.instances[c->instance].id);
        break;
    case WOP_CREATE_FLEET:
        inv_before_launch(inv, &v, c);
        break;
    case WOP_GROUP_DESIRED:
        inv_before_desired(inv, &v, c);
        break;
    case WOP_GROUP_TERMINATE:
        inv_before_group_end(inv, &v, c);
        break;
    case WOP_GROUP_PROTECT:
    case WOP_GROUP_SUSPEND:
    case WOP_GROUP_HOOK:
        inv_before_write(inv, &v, c->fleet, c->op == WOP_GROUP_HOOK ? "lifecycle hook" : "protection or processes");
        break;
    case WOP_PROTECT:
    case WOP_DESIRED:
    case WOP_DEPLOY:
    case WOP_RUN_TASK:
    case WOP_STOP_TASK:
    case WOP_COUNT:
        inv_tell(inv, V5, "call %d by ours -> masu never changes services and tasks", (int)c->op);
        break;
    }
}

static void after(void *arg, const struct world *w, const struct world_call *c, enum world_answer answer)
{
    struct invariants *inv = arg;
    struct world_view v = look(inv, w);
    if (answer != WORLD_OK)
        return;
    if (c->op == WOP_SET_STATE)
        inv_after_state(inv, &v, c);
    else if (c->op == WOP_MODIFY_FLEET)
        inv_after_modify(inv, &v, c);
    else if (c->op == WOP_TAG || c->op == WOP_UNTAG)
        inv_after_tag(inv, &v, c);
    else if (c->op == WOP_GROUP_TERMINATE && c->actor == WORLD_OURS)
        inv_after_group_end(inv, &v, c);
}

static void ending(void *arg, const struct world *w, int instance)
{
    struct invariants *inv = arg;
    struct world_view v = look(inv, w);
    inv_ending(inv, &v, instance);
}

static void reading(void *arg, const struct world *w, int instance, int kind)
{
    struct invariants *inv = arg;
    struct world_view v = look(inv, w);
    if (kind == WORLD_READ_NOTICE)
        inv_notice_read(inv, &v, instance);
    else
        inv_read(inv, &v, instance, kind);
}

static void step(void *arg, const struct world *w)
{
    struct invariants *inv = arg;
    struct world_view v = look(inv, w);
    inv_drain_step(inv, &v);
    inv_need_step(inv, &v);
    if (v.now_ms - inv->slow_ms < 15000)
        return;
    inv->slow_ms = v.now_ms;
    inv_drain_slow(inv, &v);
    inv_fleet_slow(inv, &v);
    inv_unregistered_slow(inv, &v);
    inv_served_slow(inv, &v);
    inv_notices_slow(inv, &v);
}

struct invariants *invariants_attach(struct world *w, const struct invariants_options *o)
{
    struct invariants *inv = calloc(1, sizeof *inv);
    assert(inv);
    inv->w = w;
    inv->o = *o;
    for (int t = 0; t < INV_TEMPLATES; t++)
        inv->templates[t].since_ms = world_view(w).now_ms;
    arena_init(&inv->arena, 0);
    arena_init(&inv->scratch, 0);
    look(inv, w);
    world_set_hook(w, &(struct world_hook){before, after, ending, step, reading, inv});
    return inv;
}

void invariants_free(struct invariants *inv)
{
    if (!inv)
        return;
    world_set_hook(inv->w, NULL);
    arena_release(&inv->arena);
    arena_release(&inv->scratch);
    free(inv);
}

void invariants_bounds(struct invariants *inv, int fleet, int64_t min, int64_t max)
{
    struct world_view v = look(inv, inv->w);
    assert(fleet >= 0 && fleet < v.fleet_count);
    inv->fleets[fleet].bounded = true;
    inv->fleets[fleet].min = min;
    inv->fleets[fleet].max = max;
}

void invariants_instant_bound(struct invariants *inv, const char *tag, int64_t max)
{
    assert(inv->bound_count < INV_BOUNDS);
    struct inv_bound *b = &inv->bounds[inv->bound_count++];
    snprintf(b->tag, sizeof b->tag, "%s", tag);
    b->max = max;
}

void invariants_stale(struct invariants *inv, int64_t older_ms, bool two)
{
    inv->older_ms = older_ms;
    inv->apart = two && older_ms > 0;
}

void invariants_reported(struct invariants *inv, const char *instance_id)
{
    struct world_view v = look(inv, inv->w);
    int n = world_find_instance(inv->w, instance_id);
    if (n >= 0)
        inv_of(inv, &v, n)->reported_ms = v.now_ms;
}

void invariants_finish(struct invariants *inv)
{
    struct world_view v = look(inv, inv->w);
    inv_drain_slow(inv, &v);
    for (int i = 0; i < INV_INTENTS; i++) {
        struct inv_intent *t = &inv->intents[i];
        if (t->open)
            inv_tell(inv, V27, "intent %s %s never had an outcome", t->op, t->target);
        t->open = false;
    }
}

void invariants_judged(const struct invariants *inv, int64_t *ret_calls, int64_t *ret_plans)
{
    *ret_calls = inv->calls;
    *ret_plans = inv->plans;
}

int64_t invariants_count(const struct invariants *inv)
{
    return inv->count;
}

int64_t invariants_count_of(const struct invariants *inv, enum invariant id)
{
    return inv->count_of[id];
}

const struct violation *invariants_list(const struct invariants *inv, size_t *ret_n)
{
    *ret_n = inv->listed;
    return inv->list;
}
