#include "planner/demand.h"

#include <assert.h>
#include <string.h>

#include "planner/ahead.h"
#include "planner/explain.h"

int64_t demand_movable(const struct service *s)
{
    int64_t surge = percent_floor(s->desired, i64_max(s->max_percent, 100)) - s->running - s->pending;
    int64_t stoppable = s->running - s->young - percent_ceil(s->desired, s->min_percent);
    return i64_max(surge, 0) + i64_max(stoppable, 0);
}

// ---- tasks ----------------------------------------------------------------------------------------------------------------
struct leaving {
    int64_t doomed, drained, own;
};

static struct leaving count_leaving(const struct work *w, int service)
{
    struct leaving n = {0};
    const struct work_service *v = &w->svc[service];
    for (size_t k = 0; w->leaving && k < v->hold_count; k++) {
        const struct work_hold *x = &w->holds[v->hold_start + k];
        const struct work_instance *y = &w->inst[x->instance];
        const struct holding *h = &w->s->instances[x->instance].holdings[x->holding];
        int64_t tasks = h->running + h->pending;
        if (y->role != ROLE_LEAVING)
            continue;
        if (y->doomed)
            n.doomed += tasks;
        else if (y->planned_drain || work_drains(w, x->instance))
            n.own += tasks;
        else
            n.drained += tasks;
    }
    return n;
}

// Every instance tells as many tasks as we know on it.
static bool tasks_agree(const struct work *w)
{
    if (w->s->sources[SOURCE_TASKS].state != SOURCE_OK)
        return false;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        int64_t told = (int64_t)x->ecs_running + x->ecs_pending;
        for (size_t h = 0; h < x->holding_count; h++)
            told -= (int64_t)x->holdings[h].running + x->holdings[h].pending;
        if (!x->tasks_known || told > 0)
            return false;
    }
    return true;
}

// Pending tasks that no instance holds: PROVISIONING ones, and those of servers that count a task before it has a place.
static int64_t count_unplaced(const struct work *w, int service)
{
    const struct service *s = &w->s->services[service];
    const struct work_service *v = &w->svc[service];
    int64_t unplaced = (int64_t)s->running + s->pending;
    for (size_t k = 0; s->pending > 0 && k < v->hold_count; k++) {
        const struct work_hold *x = &w->holds[v->hold_start + k];
        const struct holding *h = &w->s->instances[x->instance].holdings[x->holding];
        unplaced -= (int64_t)h->running + h->pending;
    }
    unplaced = i64_max(0, i64_min(unplaced, s->pending));
    return unplaced > 0 && tasks_agree(w) ? unplaced : 0;
}

// What ECS would start now if there were room: desired less what the PRIMARY deployment has, within the maximum per cent.
static int64_t count_missing(const struct service *s, int64_t unplaced)
{
    int64_t total = (int64_t)s->running + s->pending - unplaced;
    int64_t missing = s->desired - total;
    if (s->deployment_count > 1 && s->primary >= 0) {
        const struct deployment *d = &s->deployments[s->primary];
        missing = (int64_t)d->desired - d->running - d->pending + i64_min(unplaced, d->pending);
    }
    int64_t room = percent_floor(s->desired, i64_max(s->max_percent, 100)) - total;
    return i64_max(0, i64_min(missing, room));
}

// Whether a fleet of ours may bring a place on instances of the provider.
static bool provider_helps(const struct work *w, int shape, int provider, bool headroom)
{
    struct shape_pools x = pools_for(w, shape, provider);
    // Nobody orders an instance to find out whether it could be headroom.
    return x.sure || x.doubt || (x.maybe && !headroom);
}

static int provider_of(const struct work *w, const char *name)
{
    int provider = kinds_provider(w, name);
    return provider < 0 ? PROVIDER_ABSENT : provider;
}

static bool ours_help(const struct work *w, int service, bool headroom)
{
    const struct service *s = &w->s->services[service];
    bool helps = s->provider_count == 0 && provider_helps(w, w->svc[service].shape, PROVIDER_ANY, headroom);
    for (size_t p = 0; p < s->provider_count && !helps; p++)
        helps = provider_helps(w, w->svc[service].shape, provider_of(w, s->providers[p].provider), headroom);
    return helps;
}

static struct item service_item(const struct work *w, int service, struct demand_options o)
{
    const struct service *s = &w->s->services[service];
    struct leaving n = count_leaving(w, service);
    int64_t unplaced = count_unplaced(w, service);
    int64_t total = (int64_t)s->running + s->pending - unplaced;
    int64_t missing = count_missing(s, unplaced);
    int64_t all = n.doomed + n.drained + n.own;
    int64_t paced = n.drained + n.own;
    if (o.all_movable)
        paced = n.own + i64_min(n.drained, demand_movable(s));
    else
        paced = i64_min(paced, demand_movable(s));
    // Never more of a service than its desired count: what already stays needs no second place.
    int64_t wanting = i64_max(0, s->desired - (total - all) - missing);
    int64_t leaving = i64_min(n.doomed + paced, wanting);
    int64_t surge = i64_max(0, missing - i64_max(0, s->desired - total));
    assert(missing >= 0);
    assert(leaving >= 0);
    return (struct item){.service = service,
                         .shape = w->svc[service].shape,
                         .size = w->svc[service].size,
                         .hopeless = w->svc[service].incurable || !ours_help(w, service, false),
                         .missing = (int32_t)missing,
                         .leaving = (int32_t)leaving,
                         .surge = (int32_t)surge,
                         .count = (int32_t)(missing + leaving)};
}

// ---- providers ------------------------------------------------------------------------------------------------------------
// A task of a service with a strategy runs on one provider's instances: the first ones on the provider with a base until that is
// filled, then each where most is missing by weight. What stays counts; `n` more are dealt out. One item each.
static size_t deal_out(struct work *w, struct item whole, struct item *ret)
{
    const struct service *s = &w->s->services[whole.service];
    const struct work_service *v = &w->svc[whole.service];
    int64_t *have = arena_array(w->a, int64_t, s->provider_count + 1);
    size_t n = s->provider_count;
    for (size_t p = 0; p < n; p++) {
        int provider = provider_of(w, s->providers[p].provider);
        ret[p] = whole;
        ret[p].missing = ret[p].leaving = ret[p].count = 0;
        ret[p].provider = provider;
        ret[p].hopeless = whole.hopeless || !provider_helps(w, whole.shape, provider, whole.headroom);
        ret[p].provider_name = s->providers[p].provider;
        for (size_t k = 0; k < v->hold_count; k++) {
            const struct work_hold *x = &w->holds[v->hold_start + k];
            const struct holding *h = &w->s->instances[x->instance].holdings[x->holding];
            if (provider >= 0 && w->inst[x->instance].role != ROLE_LEAVING && w->kinds.v[w->kinds.kind_of[x->instance]].provider == provider)
                have[p] += h->running + h->pending;
        }
    }
    for (int32_t t = 0; t < whole.count; t++) {
        size_t best = n;
        for (size_t p = 0; p < n; p++) {
            const struct provider_share *x = &s->providers[p];
            if (have[p] < x->base) {
                best = p;
                break;
            }
            if (x->weight > 0 && (best == n || (have[p] - x->base) * s->providers[best].weight < (have[best] - s->providers[best].base) * x->weight))
                best = p;
        }
        best = best == n ? 0 : best;
        have[best]++;
        ret[best].count++;
        ret[best].missing += t < whole.missing;
        ret[best].leaving += !whole.headroom && t >= whole.missing;
    }
    for (size_t p = 0; p < n; p++)
        ret[p].surge = (int32_t)i64_min(whole.surge, ret[p].missing);
    return n;
}

// The item, or its parts in the order of provider; those of no tasks are left out.
static size_t add_item(struct work *w, struct item whole, struct item *list)
{
    size_t n = 0, parts;
    whole.provider = PROVIDER_ANY;
    whole.provider_name = "";
    if (w->s->services[whole.service].provider_count == 0) {
        list[0] = whole;
        return whole.count > 0;
    }
    parts = deal_out(w, whole, list);
    for (size_t k = 0; k < parts; k++) {
        struct item x = list[k];
        size_t at = n;
        if (x.count == 0)
            continue;
        for (n++; at > 0 && list[at - 1].provider > x.provider; at--)
            list[at] = list[at - 1];
        list[at] = x;
    }
    return n;
}

// ---- headroom -------------------------------------------------------------------------------------------------------------
static bool has_headroom(const struct work *w, int service)
{
    const struct service *s = &w->s->services[service];
    return s->on_ec2 && s->kind == SERVICE_REPLICA && s->desired > 0 && !w->svc[service].incurable;
}

// Per cent of what the services reserve, or what the forecast or the calendar wants ahead if that is more, in whole tasks: each service's share, the fractions handed down from large tasks to
// small ones so that none is lost. One task of the largest common shape is there in any case: room in fragments is none. The sum
// up to each service never falls when a task is added anywhere (V13).
static void percent_headroom(const struct work *w, struct item *list, size_t count, bool keep)
{
    int64_t ahead = w->ahead.off ? 0 : i64_max(ahead_permille(w, keep), keep ? w->ahead.keep : w->ahead.order);
    int64_t permille = i64_max(10 * w->p->headroom_percent, ahead);
    int64_t share = 0, given = 0, tasks = 0;
    bool common = false;
    for (size_t k = 0; k < count; k++)
        tasks += list[k].hopeless ? 0 : w->s->services[list[k].service].desired;
    for (size_t k = 0; k < count && permille > 0; k++) {
        if (list[k].hopeless)
            continue;
        int64_t desired = w->s->services[list[k].service].desired;
        share += desired * permille;
        common = common || desired * 20 >= tasks;
        int64_t upto = i64_max(share / 1000, common ? 1 : 0);
        assert(upto >= given);
        list[k].count = (int32_t)(upto - given);
        given = upto;
    }
    assert(given <= i64_max(1, tasks * permille / 1000));
}

static size_t collect_headroom(struct work *w, struct item *list, bool keep)
{
    size_t n = 0;
    for (size_t k = 0; k < w->s->service_count; k++) {
        int service = w->by_size[k];
        if (has_headroom(w, service))
            list[n++] = (struct item){.service = service,
                                      .shape = w->svc[service].shape,
                                      .headroom = true,
                                      .hopeless = !ours_help(w, service, true),
                                      .size = w->svc[service].size};
    }
    percent_headroom(w, list, n, keep);
    for (size_t h = 0; h < w->p->headroom_task_count; h++)
        for (size_t k = 0; k < n; k++)
            if (strcmp(w->s->services[list[k].service].name, w->p->headroom_tasks[h].service) == 0)
                list[k].count += (int32_t)w->p->headroom_tasks[h].tasks;
    return n;
}

size_t demand_collect(struct work *w, struct demand_options o, struct item **ret)
{
    size_t most = 1, n = 0;
    for (size_t k = 0; k < w->s->service_count; k++)
        most += 2 * (1 + w->s->services[k].provider_count);
    struct item *list = arena_array(w->a, struct item, most);
    for (size_t k = 0; k < w->s->service_count; k++) {
        const struct service *s = &w->s->services[w->by_size[k]];
        if (s->on_ec2 && s->kind == SERVICE_REPLICA)
            n += add_item(w, service_item(w, w->by_size[k], o), list + n);
    }
    struct item *extra = arena_array(w->a, struct item, w->s->service_count + 1);
    size_t extras = collect_headroom(w, extra, o.all_movable);
    for (size_t k = 0; k < extras; k++)
        if (extra[k].count > 0)
            n += add_item(w, extra[k], list + n);
    assert(n < most);
    *ret = list;
    return n;
}
