#include "planner/use.h"

#include <assert.h>
#include <string.h>

#include "planner/ahead.h"
#include "planner/alert.h"
#include "planner/explain.h"
#include "planner/packing.h"

#define LOST_MS (30 * 60 * 1000)  // G1

bool use_counts(const struct work *w)
{
    return policy_usage_named(&w->p->usage);
}

static bool fresh(const struct work *w, int64_t at_ms)
{
    return at_ms > 0 && w->s->now_ms - at_ms <= policy_usage_age_ms(&w->p->usage);
}

static bool holds_unknown(const struct work *w)
{
    return w->p->usage.on_unknown == USAGE_UNKNOWN_HOLD;
}

static bool source_known(const struct work *w)
{
    return w->s->usage.state == SOURCE_OK && fresh(w, w->s->usage.read_ms);
}

static const char *source_words(struct work *w)
{
    const struct source *u = &w->s->usage;
    const char *why = u->detail && u->detail[0] ? explain_text(w, ": %s", u->detail) : "";
    if (u->read_ms <= 0)
        return explain_text(w, "what tasks use is not known%s", why);
    return explain_text(w, "what tasks use was last known %s ago%s", explain_duration(w, w->s->now_ms - u->read_ms), why);
}

// ---- circuit breakers -----------------------------------------------------------------------------------------------------
static bool overflow_known(const struct work *w)
{
    return w->s->overflow.state == SOURCE_OK && fresh(w, w->s->overflow.read_ms);
}

// NULL: known, and none is open.
static const char *overflow_words(struct work *w)
{
    const struct source *o = &w->s->overflow;
    const char *why = o->detail && o->detail[0] ? explain_text(w, ": %s", o->detail) : "";
    if (overflow_known(w))
        return snapshot_overflows(w->s) ? explain_text(w, "circuit breakers of %s are open", w->s->overflowing) : NULL;
    if (o->read_ms <= 0)
        return explain_text(w, "whether circuit breakers are open is not known%s", why);
    return explain_text(w, "whether circuit breakers are open was last known %s ago%s", explain_duration(w, w->s->now_ms - o->read_ms), why);
}

static void overflow_explain(struct work *w)
{
    if (!policy_usage_overflow_asked(&w->p->usage))
        return;
    const char *fact = overflow_words(w), *target = explain_text(w, "%s overflow", w->s->cluster);
    bool known = overflow_known(w);
    if (fact && known)
        alert_raise(w, ALERT_OVERFLOW, target, fact, NULL);
    else if (fact)
        alert_raise_after(w, ALERT_SOURCE_LOST, target, LOST_MS, fact, "Look at clusters[].usage.prometheus.overflow_query in the policy, and at who counts.");
    explain_verdict(w, (struct verdict){.kind = CANDIDATE_CLUSTER,
                                        .code = !fact ? VERDICT_FITS : known ? VERDICT_HOLD : VERDICT_UNKNOWN,
                                        .target = target,
                                        .fact = fact ? fact : explain_text(w, "no circuit breaker was open %s ago", explain_duration(w, w->s->now_ms - w->s->overflow.read_ms)),
                                        .verdict = fact ? "scale-in is held, scale-out goes on" : "what is wanted less may go"});
}

const char *use_hold(struct work *w)
{
    const char *overflow = policy_usage_overflow_asked(&w->p->usage) ? overflow_words(w) : NULL;
    if (overflow)
        return overflow;
    return use_counts(w) && holds_unknown(w) && !source_known(w) ? source_words(w) : NULL;
}

// ---- the view -------------------------------------------------------------------------------------------------------------
static bool shape_known(const struct work *w, const struct shape *x)
{
    return fresh(w, x->used_at_ms);
}

// More than any instance has: where tasks run and nobody knows what they use, no room is known for one more.
static const int64_t UNKNOWN_AMOUNT = INT64_C(1) << 30;

// Of a shape of which none runs nothing can be measured: what it reserves counts, whatever was measured before.
static struct res need_by_use(const struct work *w, const struct shape *x, bool runs)
{
    struct res need = x->need;
    int64_t ceiling = w->p->usage.ceiling_percent;
    if (!runs)
        return need;
    if (!shape_known(w, x) && holds_unknown(w))
        need.v[RES_CPU] = need.v[RES_MEMORY] = UNKNOWN_AMOUNT;
    for (int k = RES_CPU; k <= RES_MEMORY && shape_known(w, x); k++)
        need.v[k] = i64_max(need.v[k], (x->used_p95.v[k] * 100 + ceiling - 1) / ceiling);
    return need;
}

static bool use_unknown(const struct work *w, const struct holding *h)
{
    bool any = h->running > 0;
    return any && holds_unknown(w) && (h->shape < 0 || !shape_known(w, &w->s->shapes[h->shape]));
}

// Where the use of some task is not known nothing more is put.
static struct res room_by_use(const struct work *w, const struct snapshot *by_use, int i)
{
    const struct instance *x = &by_use->instances[i];
    struct res used = {{0}};
    for (size_t k = 0; k < x->holding_count; k++) {
        const struct holding *h = &x->holdings[k];
        if (use_unknown(w, h))
            return (struct res){{0}};
        if (h->shape >= 0)
            used = res_add(used, res_scale(by_use->shapes[h->shape].need, (int64_t)h->running + h->pending + h->stopping));
    }
    return res_min(w->inst[i].room, res_sub(x->registered, used));
}

static const bool *shapes_that_run(const struct work *w)
{
    bool *runs = arena_array(w->a, bool, w->s->shape_count + 1);
    for (size_t i = 0; i < w->s->instance_count; i++)
        for (size_t k = 0; k < w->s->instances[i].holding_count; k++) {
            const struct holding *h = &w->s->instances[i].holdings[k];
            if (h->shape >= 0)
                runs[h->shape] |= h->running > 0;
        }
    return runs;
}

const struct pass *use_view_begin(struct use_view *v, struct work *w, const struct pass *plain, struct pass_options o)
{
    *v = (struct use_view){.on = use_counts(w), .snapshot = w->s, .facts = w->facts};
    if (!v->on)
        return plain;
    size_t n = w->s->shape_count;
    const bool *runs = shapes_that_run(w);
    struct snapshot *s = arena_new(w->a, struct snapshot);
    *s = *w->s;
    s->shapes = arena_array(w->a, struct shape, n + 1);
    w->facts = arena_array(w->a, struct shape_facts, n + 1);
    for (size_t k = 0; k < n; k++) {
        s->shapes[k] = w->s->shapes[k];
        s->shapes[k].need = need_by_use(w, &w->s->shapes[k], runs[k]);
        w->facts[k] = v->facts[k];
        w->facts[k].need = small_of(s->shapes[k].need);
        w->facts[k].exact = small_exact(w->facts[k].need);
    }
    v->rooms = arena_array(w->a, struct res, s->instance_count + 1);
    for (size_t i = 0; i < s->instance_count; i++) {
        v->rooms[i] = w->inst[i].room;
        w->inst[i].room = room_by_use(w, s, (int)i);
    }
    w->s = s;
    work_roles(w);
    struct pass *p = arena_new(w->a, struct pass);
    placement_pass(w, o, p);
    return p;
}

void use_view_end(struct use_view *v, struct work *w)
{
    if (!v->on)
        return;
    w->s = v->snapshot;
    w->facts = v->facts;
    for (size_t i = 0; i < w->s->instance_count; i++)
        w->inst[i].room = v->rooms[i];
    work_roles(w);
    v->on = false;
}

// ---- the proof ------------------------------------------------------------------------------------------------------------
static const char *unknown_on(struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    for (size_t k = 0; k < x->holding_count; k++)
        if (use_unknown(w, &x->holdings[k]) && !work_is_daemon(w, x->holdings[k].service))
            return explain_text(w, "what its %d task%s of %s use is not known", x->holdings[k].running, x->holdings[k].running == 1 ? "" : "s",
                                explain_service(w, x->holdings[k].service));
    return NULL;
}

static const char *ceiling_words(struct work *w)
{
    return explain_text(w, "95th percentile over %" PRId64 " %%", w->p->usage.ceiling_percent);
}

static const char *full_words(struct work *w, const struct pass *p)
{
    for (size_t k = 0; k < p->item_count; k++) {
        const struct item *it = &p->items[k];
        if (it->now < it->count && work_shape_known(w, it->shape) && work_shape(w, it->shape)->need.v[RES_CPU] == UNKNOWN_AMOUNT)
            return explain_text(w, "what tasks of %s use is not known, nor what room %s of it takes", work_shape(w, it->shape)->name,
                                it->headroom ? "headroom" : "more");
    }
    return explain_text(w, "by what is used (%s) all room that is there is taken by tasks and headroom", ceiling_words(w));
}

static const char *kept_words(struct work *w, int32_t tasks)
{
    return tasks == 0 ? "kept for what forecast or calendar want"
                      : explain_text(w, "its %d task%s elsewhere, but not beside what forecast or calendar want kept", tasks, tasks == 1 ? " fits" : "s fit");
}

// What goes by use alone has been proven before: then it is what is foreseen that holds.
static bool foreseen(const struct work *w)
{
    return !w->ahead.off && ahead_keeps(w);
}

// One after the other, as they were chosen; each that may go has its tasks elsewhere for those that follow.
static void prove_each(struct work *w, struct pass *base, const int *instances, size_t count, const char **ret)
{
    for (size_t k = 0; k < count; k++) {
        int32_t tasks = w->inst[instances[k]].tasks;
        ret[k] = use_counts(w) ? unknown_on(w, instances[k]) : NULL;
        if (ret[k] || packing_moves_off(w, base, instances[k], true))
            continue;
        ret[k] = foreseen(w) ? kept_words(w, tasks) :
                 explain_text(w, "its %d task%s elsewhere by what is reserved, not by what is used (%s)", tasks, tasks == 1 ? " fits" : "s fit", ceiling_words(w));
    }
}

// As in scale-in itself: all of them together are assessed as the next tick will see them, and the last are given up until that holds.
static void prove_together(struct work *w, const struct pass *before, const int *instances, size_t count, const char **ret)
{
    struct pass after;
    size_t n = count;
    for (size_t k = 0; k < count; k++)
        w->inst[instances[k]].planned_drain = ret[k] == NULL;
    while (n > 0 && !packing_proves(w, before, &after)) {
        size_t fewer = n / 2;
        for (size_t k = fewer; k < n; k++) {
            w->inst[instances[k]].planned_drain = false;
            ret[k] = ret[k] ? ret[k] : explain_text(w, "its tasks fit elsewhere %s, but not as ECS would place them",
                                                    foreseen(w) ? "beside what is foreseen" : explain_text(w, "by what is used (%s)", ceiling_words(w)));
        }
        n = fewer;
    }
}

void use_prove(struct work *w, const int *instances, size_t count, const char **ret)
{
    struct use_view v;
    bool *was = arena_array(w->a, bool, count + 1);
    for (size_t k = 0; k < count; k++)
        ret[k] = NULL;
    if (count == 0 || !(w->ahead.off ? use_counts(w) : ahead_keeps(w)))
        return;
    for (size_t k = 0; k < count; k++) {
        was[k] = w->inst[instances[k]].planned_drain;
        w->inst[instances[k]].planned_drain = false;
    }
    const struct pass_options o = {.all_movable = true, .now_only = true};
    struct pass plain;
    work_roles(w);
    placement_pass(w, o, &plain);
    const struct pass *before = use_view_begin(&v, w, &plain, o);
    // Nor is there a place for what no fleet cures and ECS has room for by what is reserved.
    if (before->unplaced > 0 || before->hopeless > plain.hopeless) {
        const char *why = foreseen(w) ? "what forecast or calendar want kept takes all room that is there" : full_words(w, before);
        for (size_t k = 0; k < count; k++)
            ret[k] = why;
    } else {
        struct pass base;
        placement_pass(w, o, &base);
        prove_each(w, &base, instances, count, ret);
        prove_together(w, before, instances, count, ret);
    }
    for (size_t k = 0; k < count; k++)
        w->inst[instances[k]].planned_drain = was[k];
    use_view_end(&v, w);
    work_roles(w);
}

// ---- words ----------------------------------------------------------------------------------------------------------------
static const char *known_words(struct work *w)
{
    struct res used = {{0}}, there = {{0}};
    size_t tasks = 0, measured = 0;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        there = res_add(there, x->ecs == ECS_ACTIVE ? x->registered : (struct res){{0}});
        for (size_t k = 0; k < x->holding_count; k++) {
            const struct holding *h = &x->holdings[k];
            bool known = h->shape >= 0 && shape_known(w, &w->s->shapes[h->shape]);
            tasks += (size_t)h->running;
            measured += known ? (size_t)h->running : 0;
            used = known ? res_add(used, res_scale(w->s->shapes[h->shape].used_p95, h->running)) : used;
        }
    }
    const int64_t *u = used.v, *t = there.v;
    return explain_text(w, "%zu of %zu tasks measured %s ago; %" PRId64 " %% of CPU and %" PRId64 " %% of memory used", measured, tasks,
                        explain_duration(w, w->s->now_ms - w->s->usage.read_ms), t[RES_CPU] > 0 ? u[RES_CPU] * 100 / t[RES_CPU] : 0,
                        t[RES_MEMORY] > 0 ? u[RES_MEMORY] * 100 / t[RES_MEMORY] : 0);
}

void use_explain(struct work *w)
{
    overflow_explain(w);
    if (!use_counts(w))
        return;
    bool known = source_known(w);
    const char *fact = known ? known_words(w) : source_words(w);
    if (!known)
        alert_raise_after(w, ALERT_SOURCE_LOST, explain_text(w, "%s usage", w->s->cluster), LOST_MS, fact,
                          "Look at clusters[].usage in the policy, and at who measures.");
    explain_verdict(w, (struct verdict){.kind = CANDIDATE_CLUSTER,
                                        .code = known ? VERDICT_FITS : VERDICT_UNKNOWN,
                                        .target = explain_text(w, "%s usage", w->s->cluster),
                                        .fact = fact,
                                        .verdict = known             ? "scale-in is proven on it too"
                                                   : holds_unknown(w) ? "scale-in is held, scale-out goes on"
                                                                      : "what is reserved counts in its place"});
}
