#include "planner/occasions.h"

#include <string.h>

#include "planner/ahead.h"
#include "planner/alert.h"
#include "planner/explain.h"

#define BOOT_MS (2 * 60 * 1000LL)       // while none was measured
#define MARGIN_MS (30 * 1000LL)         // beside two periods: calls, and ECS that places
#define ALERT_AHEAD_MS (7 * 24 * 3600 * 1000LL)
#define STEPS_MAX 16
#define WAITING_COSTS 10                // where the policy does not say
#define RETURN_WAITS_PERCENT 30         // decision.md, section 3: in so many returns of an instance tasks wait for it

// What services want now, of those whose tasks come and go.
struct wants {
    int64_t tasks;
    struct res need;
    struct res instance;  // the mean one
    int64_t active;
};

static struct wants wants_of(const struct work *w)
{
    struct wants x = {0};
    for (size_t k = 0; k < w->s->service_count; k++) {
        const struct service *s = &w->s->services[k];
        if (!s->on_ec2 || s->kind != SERVICE_REPLICA || !work_shape_known(w, w->svc[k].shape))
            continue;
        x.tasks += s->desired;
        x.need = res_add(x.need, res_scale(work_shape(w, w->svc[k].shape)->need, s->desired));
    }
    for (size_t i = 0; i < w->s->instance_count; i++)
        if (w->s->instances[i].ecs == ECS_ACTIVE && w->s->instances[i].registered.v[RES_CPU] > 0) {
            x.instance = res_add(x.instance, w->s->instances[i].registered);
            x.active++;
        }
    for (int r = 0; r < RES_COUNT; r++)
        x.instance.v[r] = x.active > 0 ? x.instance.v[r] / x.active : 0;
    return x;
}

static const struct policy_event *event_of(const struct work *w, const struct occasion *o)
{
    for (size_t k = 0; k < w->p->calendar.count; k++)
        if (strcmp(w->p->calendar.events[k].name, o->name) == 0)
            return &w->p->calendar.events[k];
    return NULL;
}

static const char *key_of(const struct work *w, const struct occasion *o)
{
    return arena_printf(w->a, "%s %" PRId64, o->name, o->start_ms);
}

// ---- what it wants ---------------------------------------------------------------------------------------------------------------
// Per mille of have, rounded up.
static int64_t permille_of(int64_t want, int64_t have)
{
    if (want <= have)
        return 0;
    return have <= 0 || want / have > OCCASION_MOST_PERMILLE / 1000 ? OCCASION_MOST_PERMILLE : (1000 * (want - have) + have - 1) / have;
}

// Tasks that would be wanted without the entry. In its midst, where nothing tells of before, what is wanted now is taken for what came with it.
static int64_t base_of(struct work *w, const struct policy_event *e, const struct occasion *o, const struct wants *now)
{
    const struct memo_stamp *x = work_stamp(w, STAMP_OCCASION, key_of(w, o));
    if (o->usual_tasks > 0)
        return o->usual_tasks * (x ? i64_max(1000, x->count) : 1000) / 1000;
    return x ? x->amount : o->start_ms > w->s->now_ms ? now->tasks : now->tasks * 1000 / e->times_milli;
}

static int64_t floor_permille(const struct policy_event *e, const struct wants *now)
{
    int64_t vcpus = e->least_vcpus * 1024, mib = e->least_memory_gib * 1024, most = 0;
    if (vcpus > 0)
        most = i64_max(most, permille_of(vcpus, now->need.v[RES_CPU]));
    if (mib > 0)
        most = i64_max(most, permille_of(mib, now->need.v[RES_MEMORY]));
    if (e->least_instances == 0 || now->active == 0)
        return most;
    // As many instances are filled by what fills them first.
    int64_t cpu = permille_of(e->least_instances * now->instance.v[RES_CPU], now->need.v[RES_CPU]);
    int64_t memory = permille_of(e->least_instances * now->instance.v[RES_MEMORY], now->need.v[RES_MEMORY]);
    return i64_max(most, i64_min(cpu, memory));
}

// Beside what is wanted now.
static int64_t more_permille(struct work *w, const struct policy_event *e, const struct occasion *o, const struct wants *now)
{
    if (now->tasks <= 0)
        return 0;
    int64_t base = base_of(w, e, o, now);
    return i64_max(permille_of((e->times_milli * base + 999) / 1000, now->tasks), floor_permille(e, now));
}

// ---- when ------------------------------------------------------------------------------------------------------------------------
static int64_t boot_of(const struct work *w)
{
    return w->s->boot_p90_ms > 0 ? w->s->boot_p90_ms : BOOT_MS;
}

// L10 lets so many come at once; the next step begins when these are there.
static int64_t lead_of(const struct work *w, int64_t permille, const struct wants *now)
{
    int64_t have = i64_max(1, now->active), wanted = have + (have * permille + 999) / 1000, steps = 0;
    for (; have < wanted && steps < STEPS_MAX; steps++)
        have += i64_max(w->p->step_instances, have);
    return i64_max(1, steps) * boot_of(w) + 2 * w->p->period_ms + MARGIN_MS;
}

// An instance is worth keeping idle for so long: else it is ended, and booted again while its tasks may wait.
static int64_t return_of(const struct work *w)
{
    int64_t costs_milli = w->p->waiting_costs_milli > 0 ? w->p->waiting_costs_milli : 1000 * WAITING_COSTS;
    return boot_of(w) * (100 + RETURN_WAITS_PERCENT * costs_milli / 1000) / 100;
}

static void stamp(struct work *w, const struct occasion *o, const struct wants *now)
{
    const char *key = key_of(w, o);
    const struct memo_stamp *was = work_old_stamp(w, STAMP_OCCASION, key);
    int64_t tasks = now->tasks * (1000 + ahead_permille(w, false)) / 1000;
    struct memo_stamp x = {STAMP_OCCASION, key, w->s->now_ms, o->end_ms, 0, tasks};
    x.count = o->usual_tasks > 0 ? (int32_t)i64_min(OCCASION_MOST_PERMILLE, 1000 * tasks / o->usual_tasks) : 0;
    if (o->start_ms > w->s->now_ms || (!was && w->old))
        work_stamp_set(w, x);
    else if (was)
        work_stamp_set(w, *was);
}

// ---- alerts ----------------------------------------------------------------------------------------------------------------------
// What all fleets at their max hold at most, each of its best pool.
static struct res most_of(const struct work *w)
{
    struct res sum = {0};
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct fleet *x = &w->s->fleets[f];
        for (int r = 0; r < RES_COUNT && w->fleet[f].policy; r++) {
            int64_t best = 0;
            for (size_t k = 0; k < x->pool_count; k++)
                if (x->pools[k].type >= 0)
                    best = i64_max(best, instance_type_capacity(&w->s->types[x->pools[k].type]).v[r] * 1000 / x->pools[k].weight_milli);
            sum.v[r] += best * w->fleet[f].policy->max;
        }
    }
    return sum;
}

static void watch(struct work *w, const struct policy_event *e, const struct occasion *o, const struct wants *now)
{
    const char *times = explain_text(w, "\"%s\" from %s", o->name, explain_time(w, o->start_ms));
    if (now->tasks <= 0) {
        alert_raise_after(w, ALERT_CALENDAR_UNMET, o->name, w->p->boot_limit_ms, explain_text(w, "%s: no service wants a task", times),
                          "Nothing is ordered before a service wants a task, which says what to make room for.");
        return;
    }
    int64_t permille = more_permille(w, e, o, now);
    struct res want = {0}, most = most_of(w);
    for (int r = RES_CPU; r <= RES_MEMORY; r++)
        want.v[r] = now->need.v[r] * (1000 + permille) / 1000;
    if (most.v[RES_CPU] > 0 && most.v[RES_MEMORY] > 0 && (want.v[RES_CPU] > most.v[RES_CPU] || want.v[RES_MEMORY] > most.v[RES_MEMORY])) {
        struct res seen = {0};
        seen.v[RES_CPU] = most.v[RES_CPU];
        seen.v[RES_MEMORY] = most.v[RES_MEMORY];
        alert_raise(w, ALERT_CALENDAR_UNMET, o->name,
                    explain_text(w, "%s asks for room for %s; all fleets at their max have %s", times, explain_res(w, want), explain_res(w, seen)), NULL);
    }
}

// ---- the tick --------------------------------------------------------------------------------------------------------------------
struct sight {
    int64_t more, order_ms;
    bool order, keep;
};

static struct sight look(struct work *w, const struct policy_event *e, const struct occasion *o, const struct wants *now)
{
    struct sight x = {.more = more_permille(w, e, o, now)};
    x.order_ms = o->start_ms - lead_of(w, x.more, now);
    bool over = w->s->now_ms >= o->end_ms;
    x.order = !over && w->s->now_ms >= x.order_ms;
    x.keep = !over && w->s->now_ms >= x.order_ms - return_of(w);
    return x;
}

void occasions_observe(struct work *w)
{
    struct wants now = {0};
    if (w->s->occasion_count > 0)
        now = wants_of(w);
    for (size_t k = 0; k < w->s->occasion_count; k++) {
        const struct occasion *o = &w->s->occasions[k];
        const struct policy_event *e = event_of(w, o);
        if (!e || o->end_ms <= w->s->now_ms || o->start_ms - w->s->now_ms > ALERT_AHEAD_MS)
            continue;
        struct sight x = look(w, e, o, &now);
        if (x.keep) {
            stamp(w, o, &now);
            x = look(w, e, o, &now);
        }
        w->ahead.order = i64_max(w->ahead.order, x.order ? x.more : 0);
        w->ahead.keep = i64_max(w->ahead.keep, x.keep ? x.more : 0);
        watch(w, e, o, &now);
    }
}

static const char *effect(struct work *w, const struct policy_event *e)
{
    const char *text = "";
    if (e->times_milli == 2000)
        text = "twice the forecast";
    else if (e->times_milli > 1000)
        text = explain_text(w, "%" PRId64 "%s%.*s times the forecast", e->times_milli / 1000, e->times_milli % 1000 ? "." : "",
                            e->times_milli % 1000 == 0 ? 0 : e->times_milli % 100 == 0 ? 1 : 3,
                            explain_text(w, "%03" PRId64, e->times_milli % 1000));
    const struct { int64_t n; const char *unit; } least[] = {{e->least_vcpus, "vCPU"}, {e->least_memory_gib, "GiB"}, {e->least_instances, "instances' worth"}};
    for (size_t k = 0; k < sizeof least / sizeof least[0]; k++)
        if (least[k].n > 0)
            text = explain_text(w, "%s%s%" PRId64 " %s", text, *text ? ", " : "at least ", least[k].n, least[k].unit);
    return text;
}

void occasions_explain(struct work *w)
{
    const char *told = "";  // of windows of one entry the first
    struct wants now = {0};
    if (w->s->occasion_count > 0)
        now = wants_of(w);
    for (size_t k = 0; k < w->s->occasion_count; k++) {
        const struct occasion *o = &w->s->occasions[k];
        const struct policy_event *e = event_of(w, o);
        struct sight x = e ? look(w, e, o, &now) : (struct sight){0};
        if (!x.keep || strcmp(told, o->name) == 0)
            continue;
        told = o->name;
        const char *rows = x.more == 0 ? "nothing more" :
                           x.order ? explain_text(w, "headroom of %" PRId64 " %% to order and to keep", (x.more + 9) / 10)
                                   : explain_text(w, "headroom of %" PRId64 " %% to keep, orders from %s", (x.more + 9) / 10, explain_time(w, x.order_ms));
        explain_verdict(w, (struct verdict){.kind = CANDIDATE_CLUSTER,
                                            .code = x.more == 0 ? VERDICT_FITS : x.order ? VERDICT_LAUNCH : VERDICT_KEEP,
                                            .target = explain_text(w, "calendar '%s'", o->name),
                                            .fact = explain_text(w, "from %s to %s: %s; %" PRId64 " tasks wanted now, %" PRId64 " without it", explain_time(w, o->start_ms),
                                                                 explain_time(w, o->end_ms), effect(w, e), now.tasks, base_of(w, e, o, &now)),
                                            .verdict = rows});
    }
}
