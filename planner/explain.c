#include "planner/explain.h"

#include <assert.h>
#include <string.h>

#include "base/parse.h"
#include "base/text.h"
#include "planner/ahead.h"
#include "planner/demand.h"
#include "planner/occasions.h"
#include "planner/placement.h"
#include "planner/spend.h"

const char *explain_text(struct work *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = arena_vprintf(w->a, fmt, ap);
    va_end(ap);
    return text;
}

const char *explain_duration(struct work *w, int64_t ms)
{
    char out[32];
    return arena_strdup(w->a, format_duration(i64_max(ms, 0), out));
}

const char *explain_time(struct work *w, int64_t wall_ms)
{
    char out[32];
    return arena_strdup(w->a, format_iso8601(wall_ms, false, out));
}

// n / 1024 with one or two digits behind the point, halves to even as printf has it.
static void put_1024th(struct text *x, int64_t n, int64_t scale)
{
    int64_t scaled = (n < 0 ? -n : n) * scale, whole = scaled / 1024, rest = scaled % 1024;
    whole += rest > 512 || (rest == 512 && whole % 2 == 1);
    text_put(x, n < 0 ? "-" : "");
    text_put_i64(x, whole / scale);
    text_put(x, ".");
    if (scale == 100 && whole % scale < 10)
        text_put(x, "0");
    text_put_i64(x, whole % scale);
}

static void put_res(struct text *x, struct res need)
{
    int64_t cpu = need.v[RES_CPU], mib = need.v[RES_MEMORY];
    if (cpu % 1024 == 0)
        text_put_i64(x, cpu / 1024);
    else
        put_1024th(x, cpu, cpu % 512 == 0 ? 10 : 100);
    text_put(x, " vCPU ");
    if (mib < 1024)
        text_put_i64(x, mib);
    else
        put_1024th(x, mib, 10);
    text_put(x, mib < 1024 ? " MiB" : " GiB");
    for (int k = RES_GPU; k <= RES_ENI; k++)
        if (need.v[k] > 0) {
            text_put(x, " ");
            text_put_i64(x, need.v[k]);
            text_put(x, k == RES_GPU ? " GPU" : " ENI");
        }
}

const char *explain_res(struct work *w, struct res need)
{
    char out[160];
    struct text t = {.out = out, .max = sizeof out};
    put_res(&t, need);
    return arena_strndup(w->a, out, t.n);
}

const char *explain_service(const struct work *w, int service)
{
    assert(service < (int)w->s->service_count);
    return service < 0 ? "standalone" : w->s->services[service].name;
}

const char *explain_tasks(struct work *w, int service, int shape, int64_t count)
{
    const struct shape *x = work_shape(w, shape);
    const char *name = service >= 0 ? explain_service(w, service) : x ? x->name : "an unknown shape";
    char out[256];
    struct text t = {.out = out, .max = sizeof out};
    text_put_i64(&t, count);
    text_put(&t, count == 1 ? " task of " : " tasks of ");
    text_put(&t, name);
    text_put(&t, " ");
    if (x && x->known)
        put_res(&t, x->need);
    else
        text_put(&t, "of unknown size");
    if (!t.cut)
        return arena_strndup(w->a, out, t.n);
    return explain_text(w, "%" PRId64 " task%s of %s %s", count, count == 1 ? "" : "s", name,
                        x && x->known ? explain_res(w, x->need) : "of unknown size");
}

void explain_judge(struct work *w, int instance, enum verdict_code code, const char *fact, const char *verdict)
{
    struct work_instance *x = &w->inst[instance];
    assert(!x->judged);
    assert(fact && verdict);
    x->judged = true;
    x->verdict = (struct verdict){.kind = CANDIDATE_INSTANCE,
                                  .code = code,
                                  .target = w->s->instances[instance].id,
                                  .fact = fact,
                                  .verdict = verdict};
}

void explain_verdict(struct work *w, struct verdict v)
{
    struct plan *p = w->plan;
    assert(v.fact && v.verdict && v.target);
    assert(v.code == VERDICT_CAPPED || (v.wanted == 0 && v.allowed == 0));
    p->verdicts = arena_grow(w->a, p->verdicts, p->verdict_count, &p->verdict_cap, sizeof *p->verdicts);
    p->verdicts[p->verdict_count++] = v;
}

void explain_collect(struct work *w)
{
    for (size_t i = 0; i < w->s->instance_count; i++) {
        assert(w->inst[i].judged);
        explain_verdict(w, w->inst[i].verdict);
    }
}

// ---- demand ---------------------------------------------------------------------------------------------------------------
#define COUNT_MAX (1 << 17)  // instances × shapes beyond which places are not counted for the text

// What has room is said with where, unless `rooms` is NULL; what has none with how much of it has.
static const char *room_fact(struct work *w, const struct small *rooms, const struct item *it)
{
    const char *what = it->headroom ? "headroom for " : "";
    int32_t fit = 0, without = it->count - it->now;
    if (without == 0 && !rooms)
        return explain_text(w, "%s%s have room", what, explain_tasks(w, it->service, it->shape, it->count));
    int32_t of = w->now.now_bins;
    if (without == 0)
        fit = placement_count(w, &w->now, rooms, it);
    if (without == 0)
        return explain_text(w, "%s%s fit on %d of %d instances", what, explain_tasks(w, it->service, it->shape, it->count), fit,
                            of);
    const char *rest = it->now > 0 ? explain_text(w, ", %d more have room", it->now) : "";
    return explain_text(w, "%s%s fit on 0 of %d instances%s", what, explain_tasks(w, it->service, it->shape, without), of, rest);
}

static void never_verdict(struct work *w, const struct item *it, const char *target, int32_t never)
{
    struct demand_cause cause;
    const char *tasks = explain_tasks(w, it->service, it->shape, never);
    struct verdict v = {.kind = CANDIDATE_SHAPE, .code = VERDICT_NEVER_FITS, .target = target};
    if (!demand_cause(w, it, &cause)) {
        v.code = VERDICT_UNKNOWN;
        v.fact = explain_text(w, "%s fit nowhere; %s", tasks, w->no_order ? w->no_order : "facts are missing");
        v.verdict = "no order on unknown facts";
    } else {
        if (cause.reason == DEMAND_SIZE_UNKNOWN)
            v.code = VERDICT_UNKNOWN;
        if (it->held > 0)
            v.code = cause.reason == DEMAND_PROBE ? VERDICT_WAIT : VERDICT_HOLD;
        v.fact = explain_text(w, "%s: %s", tasks, cause.fact);
        v.verdict = explain_text(w, "no order; %s", cause.remedy);
    }
    explain_verdict(w, v);
}

static void demand_verdict(struct work *w, const struct small *rooms, const struct item *it)
{
    int32_t never = demand_unanswered(it);
    const char *target = explain_text(w, "%s %s%s%s%s", explain_service(w, it->service),
                                      work_shape(w, it->shape) ? work_shape(w, it->shape)->name : "unknown",
                                      it->provider_name[0] ? " on " : "", it->provider_name, it->headroom ? " headroom" : "");
    assert(never >= 0);
    if (never > 0) {
        never_verdict(w, it, target, never);
        return;
    }
    struct verdict v = {.kind = CANDIDATE_SHAPE, .target = target, .fact = room_fact(w, rooms, it)};
    if (it->capped > 0) {
        v.code = VERDICT_CAPPED;
        v.verdict = "wait, the fleet is at its max";
        v.wanted = it->count;
        v.allowed = it->count - it->capped;
    } else if (it->ordered > 0) {
        v.code = VERDICT_LAUNCH;
        v.verdict = "launch";
    } else if (it->later + it->open > 0) {
        v.code = VERDICT_WAIT;
        v.verdict = explain_text(w, "%d wait for capacity that comes", it->later + it->open);
    } else {
        v.code = VERDICT_FITS;
        v.verdict = it->headroom ? "kept free" : "ECS places";
    }
    explain_verdict(w, v);
}

// `of_service`: each one's entry + 1. A service has one shape that is demand.
static struct demand *demand_entry(struct work *w, const struct item *it, int *of_service)
{
    struct plan *p = w->plan;
    int *of = &of_service[it->service];
    if (*of > 0) {
        assert(p->demands[*of - 1].shape == it->shape);
        return &p->demands[*of - 1];
    }
    *of = (int)p->demand_count + 1;
    p->demands = arena_grow(w->a, p->demands, p->demand_count, &p->demand_cap, sizeof *p->demands);
    p->demands[p->demand_count] = (struct demand){.service = it->service, .shape = it->shape};
    return &p->demands[p->demand_count++];
}

// Headroom that names a service which is not there is no headroom: said, so that nobody counts on it.
static void explain_unknown_headroom(struct work *w)
{
    for (size_t h = 0; h < w->p->headroom_task_count; h++) {
        const char *name = w->p->headroom_tasks[h].service;
        bool there = false;
        for (size_t k = 0; k < h && !there; k++)
            there = strcmp(w->p->headroom_tasks[k].service, name) == 0;  // said already
        for (size_t k = 0; k < w->s->service_count && !there; k++)
            there = strcmp(w->s->services[k].name, name) == 0;
        if (!there)
            explain_verdict(w, (struct verdict){.kind = CANDIDATE_SHAPE,
                                                .code = VERDICT_UNKNOWN,
                                                .target = name,
                                                .fact = "the policy's headroom names a service that is not in the cluster",
                                                .verdict = "no headroom for it"});
    }
}

const char *explain_raise(struct work *w, int f, int64_t target)
{
    int64_t from = w->fleet[f].target;
    if (w->s->fleets[f].kind == FLEET_INSTANT)
        return explain_text(w, "launch %" PRId64 " instance%s", target - from, target - from == 1 ? "" : "s");
    return explain_text(w, "raise the target from %" PRId64 " to %" PRId64, from, target);
}

void explain_demand(struct work *w)
{
    int *of_service = arena_array(w->a, int, w->s->service_count + 1);
    const struct small *rooms = w->now.item_count * w->s->instance_count > COUNT_MAX ? NULL : placement_rooms(w, &w->now);
    explain_unknown_headroom(w);
    for (size_t k = 0; k < w->now.item_count; k++) {
        const struct item *it = &w->now.items[k];
        struct demand *d = demand_entry(w, it, of_service);
        int32_t never = demand_unanswered(it);
        assert(never >= 0);
        assert(it->held <= never);
        d->missing += it->missing;
        d->leaving += it->leaving;
        d->headroom += it->headroom ? it->count : 0;
        d->fits += it->now;
        d->waits += it->later + it->open + it->capped + it->held;
        d->ordered += it->ordered;
        d->never += never - it->held;
        if (it->missing > 0 && it->service >= 0)
            d->since_ms = w->s->services[it->service].unplaced_since_ms;
        demand_verdict(w, rooms, it);
    }
    ahead_explain(w);
    occasions_explain(w);
}

// ---- summary --------------------------------------------------------------------------------------------------------------
// By type and zone, as the fleets' pools have them; 0 where none tells.
static int64_t *zone_prices(const struct work *w)
{
    int64_t *ret = arena_array(w->a, int64_t, w->s->type_count * (size_t)w->zone_count + 1);
    for (size_t f = 0; f < w->s->fleet_count; f++)
        for (size_t k = 0; k < w->s->fleets[f].pool_count; k++) {
            const struct fleet_pool *p = &w->s->fleets[f].pools[k];
            for (int z = 0; z < w->zone_count && p->type >= 0; z++)
                if (p->spot_usd_micro > 0 && !strcmp(w->zones[z], p->zone))
                    ret[p->type * w->zone_count + z] = p->spot_usd_micro;
        }
    return ret;
}

// What it costs: what spot costs is of its zone, where work_price is that of any. Unknown is the dearest known (H3).
static struct usd cost_of(const struct work *w, const int64_t *prices, int i)
{
    const struct work_instance *y = &w->inst[i];
    int64_t micro = w->s->instances[i].spot && y->type >= 0 && y->zone >= 0 ? prices[y->type * w->zone_count + y->zone] : 0;
    struct usd any = work_price(w, i);
    return micro > 0 ? (struct usd){micro} : any.micro > 0 ? any : (struct usd){spend_dearest(w)};
}

void explain_summary(struct work *w)
{
    struct plan_summary *m = &w->plan->summary;
    const int64_t *prices = zone_prices(w);
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        const struct work_instance *y = &w->inst[i];
        if (y->role == ROLE_GONE)
            continue;
        m->instances++;
        m->active += x->ecs == ECS_ACTIVE;
        m->draining += x->ecs == ECS_DRAINING;
        m->coming += y->role == ROLE_COMING;
        m->interrupted += x->notice_ms > 0;
        if (y->role == ROLE_ACTIVE) {
            m->capacity = res_add(m->capacity, x->registered);
            m->reserved = res_add(m->reserved, y->reserved);
        }
        if (y->role != ROLE_LEAVING)
            m->need = res_add(m->need, y->reserved);
        if (y->live && x->fleet >= 0)
            m->hourly = usd_add(m->hourly, cost_of(w, prices, (int)i));
    }
    for (size_t k = 0; k < w->now.item_count; k++) {
        const struct item *it = &w->now.items[k];
        m->waiting_tasks += it->missing;
        if (work_shape_known(w, it->shape))
            m->need = res_add(m->need, res_scale(work_shape(w, it->shape)->need, it->count));
    }
    assert(m->active + m->draining <= m->instances);
}

static bool capped_raise(const struct work *w, const struct verdict *v)
{
    for (size_t f = 0; f < w->s->fleet_count && v->kind == CANDIDATE_FLEET && v->code == VERDICT_CAPPED; f++)
        if (strcmp(w->s->fleets[f].id, v->target) == 0)
            return w->fleet[f].allowed > w->fleet[f].target;
    return false;
}

void explain_would(struct work *w)
{
    for (size_t k = 0; k < w->plan->verdict_count; k++) {
        struct verdict *v = &w->plan->verdicts[k];
        if (v->code == VERDICT_LAUNCH || v->code == VERDICT_DRAIN || v->code == VERDICT_LOWER || v->code == VERDICT_END ||
            v->code == VERDICT_UNDO || capped_raise(w, v))
            v->verdict = explain_text(w, "would %s", v->verdict);
    }
}
