#include "planner/placement.h"

#include <assert.h>
#include <string.h>

#include "planner/demand.h"

bool placement_fits(const struct work *w, int shape, int instance, struct res room)
{
    const struct shape *x = work_shape(w, shape);
    assert(x);
    return x->known && work_arch_fits(x->arch, w->s->instances[instance].arch) && res_fits(x->need, room);
}

// ---- tasks of one service, by instance and zone ---------------------------------------------------------------------------
// What ECS's strategies look at: tasks of the service that run or start on an instance; one that is stopping no longer counts.
struct crowd {
    int32_t *on;       // by instance: the work's scratch, zeroed again by crowd_clear
    int32_t *in_zone;  // by zone
};

static void crowd_add(const struct work *w, struct crowd *c, int instance, int32_t n)
{
    c->on[instance] += n;
    if (w->inst[instance].zone >= 0)
        c->in_zone[w->inst[instance].zone] += n;
}

static struct crowd crowd_make(struct work *w, const struct pass *p, int service)
{
    struct crowd c = {.on = w->scratch, .in_zone = w->scratch_zones};
    memset(c.in_zone, 0, ((size_t)w->zone_count + 1) * sizeof *c.in_zone);
    const struct work_service *v = &w->svc[service];
    for (size_t k = 0; k < v->hold_count; k++) {
        const struct work_hold *x = &w->holds[v->hold_start + k];
        const struct holding *h = &w->s->instances[x->instance].holdings[x->holding];
        crowd_add(w, &c, x->instance, h->running + h->pending);
    }
    for (int k = p->service_head[service]; k >= 0; k = p->planned[k].next_of_service)
        crowd_add(w, &c, p->planned[k].bin, p->planned[k].count);
    return c;
}

static void crowd_clear(struct work *w, const struct pass *p, int service)
{
    const struct work_service *v = &w->svc[service];
    for (size_t k = 0; k < v->hold_count; k++)
        w->scratch[w->holds[v->hold_start + k].instance] = 0;
    for (int k = p->service_head[service]; k >= 0; k = p->planned[k].next_of_service)
        w->scratch[p->planned[k].bin] = 0;
}

// ---- strategies -----------------------------------------------------------------------------------------------------------
static const struct place_strategy spread_zones = {PLACE_SPREAD, "attribute:ecs.availability-zone"};

static int64_t strategy_key(const struct work *w, const struct pass *p, const struct crowd *c, const struct place_strategy *s,
                            int i)
{
    switch (s->kind) {
    case PLACE_SPREAD:
        if (strcmp(s->field, "attribute:ecs.availability-zone") == 0)
            return w->inst[i].zone < 0 ? 0 : c->in_zone[w->inst[i].zone];
        if (strcmp(s->field, "instanceId") == 0 || strcmp(s->field, "host") == 0)
            return c->on[i];
        return 0;
    case PLACE_BINPACK_CPU:
        return p->free[i].v[RES_CPU];
    case PLACE_BINPACK_MEMORY:
        return p->free[i].v[RES_MEMORY];
    case PLACE_RANDOM:
        return 0;
    }
    return 0;
}

// Negative when a is the better place, 0 when ECS sees no difference.
static int compare_places(const struct work *w, const struct pass *p, const struct crowd *c, const struct shape *x, int a, int b)
{
    int n = x->strategy_count > 0 ? x->strategy_count : 1;
    assert(n <= PLACE_MAX);
    for (int k = 0; k < n; k++) {
        const struct place_strategy *s = x->strategy_count > 0 ? &x->strategies[k] : &spread_zones;
        int64_t ka = strategy_key(w, p, c, s, a), kb = strategy_key(w, p, c, s, b);
        if (ka != kb)
            return ka < kb ? -1 : 1;
    }
    return 0;
}

static bool may_take(const struct work *w, const struct pass *p, const struct crowd *c, const struct item *it, enum takes takes,
                     int i)
{
    if (p->takes[i] != takes || !placement_fits(w, it->shape, i, p->free[i]))
        return false;
    return !work_shape(w, it->shape)->distinct_instance || c->on[i] == 0;
}

// Distinct services' tasks never share an instance, and where all that ECS compares first is how full an instance is, the
// fullest stays the fullest as it fills: many tasks can be put there at once.
static bool fills(const struct shape *x, bool headroom)
{
    if (x->distinct_instance)
        return false;
    return headroom || (x->strategy_count > 0 && x->strategies[0].kind != PLACE_SPREAD);
}

static int best_place(const struct work *w, const struct pass *p, const struct crowd *c, const struct item *it, const int *set,
                      size_t n, enum takes takes)
{
    int best = -1;
    for (size_t k = 0; k < n; k++) {
        int i = set[k];
        if (!may_take(w, p, c, it, takes, i))
            continue;
        if (it->headroom)
            return i;
        if (best < 0 || compare_places(w, p, c, work_shape(w, it->shape), i, best) < 0)
            best = i;
    }
    return best;
}

// ---- blocks of bins -------------------------------------------------------------------------------------------------------
void placement_touch(struct work *w, struct pass *p, int bin)
{
    size_t block = (size_t)bin / PASS_BLOCK, end = (block + 1) * PASS_BLOCK;
    struct res most = {{-1, -1, -1, -1}};
    assert(bin >= 0 && bin < (int)w->s->instance_count);
    for (size_t i = block * PASS_BLOCK; i < end && i < w->s->instance_count; i++)
        if (p->takes[i] == TAKES_NOW)
            most = res_max(most, p->free[i]);
    p->block[block] = most;
}

size_t placement_next(const struct work *w, const struct pass *p, int shape, size_t from)
{
    const struct shape *x = work_shape(w, shape);
    size_t n = w->s->instance_count;
    for (size_t i = from; i < n;) {
        if (!res_fits(x->need, p->block[i / PASS_BLOCK])) {
            i = (i / PASS_BLOCK + 1) * PASS_BLOCK;
            continue;
        }
        if (p->takes[i] == TAKES_NOW && placement_fits(w, shape, (int)i, p->free[i]))
            return i;
        i++;
    }
    return n;
}

size_t placement_set(struct work *w, const struct pass *p, int item, enum takes takes, int *ret)
{
    const struct item *it = &p->items[item];
    struct crowd c = crowd_make(w, p, it->service);
    size_t n = 0, all = w->s->instance_count;
    int best = -1;
    for (size_t i = 0; i < all; i++) {
        if (!may_take(w, p, &c, it, takes, (int)i))
            continue;
        int order = best < 0 ? -1 : compare_places(w, p, &c, work_shape(w, it->shape), (int)i, best);
        if (order < 0) {
            best = (int)i;
            n = 0;
        }
        if (order <= 0)
            ret[n++] = (int)i;
    }
    assert(n <= all);
    crowd_clear(w, p, it->service);
    return n;
}

void placement_put(struct work *w, struct pass *p, int service, int shape, int bin, int32_t count)
{
    assert(count > 0);
    assert(bin >= 0 && bin < (int)w->s->instance_count);
    assert(service >= 0 && service < (int)w->s->service_count);
    p->planned = arena_grow(w->a, p->planned, p->planned_count, &p->planned_cap, sizeof *p->planned);
    p->planned[p->planned_count] = (struct planned){.service = service,
                                                    .shape = shape,
                                                    .bin = bin,
                                                    .count = count,
                                                    .next_of_bin = p->bin_head[bin],
                                                    .next_of_service = p->service_head[service]};
    p->bin_head[bin] = p->service_head[service] = (int)p->planned_count++;
    p->free[bin] = res_sub(p->free[bin], res_scale(work_shape(w, shape)->need, count));
    placement_touch(w, p, bin);
}

// Headroom stops at the first place; tasks need all places to choose from.
static size_t list_places(struct work *w, const struct pass *p, const struct crowd *c, const struct item *it, enum takes takes,
                          int32_t enough)
{
    size_t n = 0, all = w->s->instance_count;
    size_t i = takes == TAKES_NOW ? placement_next(w, p, it->shape, 0) : 0;
    while (i < all && !(it->headroom && n >= (size_t)enough)) {
        if (may_take(w, p, c, it, takes, (int)i))
            w->scratch_set[n++] = (int)i;
        i = takes == TAKES_NOW ? placement_next(w, p, it->shape, i + 1) : i + 1;
    }
    return n;
}

static int32_t place_item(struct work *w, struct pass *p, int item, enum takes takes)
{
    const struct item *it = &p->items[item];
    int32_t left = it->count - it->now - it->later, put = 0;
    if (left == 0 || !work_shape_known(w, it->shape))
        return 0;
    const struct shape *x = work_shape(w, it->shape);
    struct crowd c = crowd_make(w, p, it->service);
    size_t n = list_places(w, p, &c, it, takes, left);
    while (put < left) {
        int i = best_place(w, p, &c, it, w->scratch_set, n, takes);
        if (i < 0)
            break;
        int32_t many = 1;
        if (fills(x, it->headroom))
            many = (int32_t)i64_min(left - put, res_times(x->need, p->free[i]));
        assert(many > 0);
        placement_put(w, p, it->service, it->shape, i, many);
        crowd_add(w, &c, i, many);
        put += many;
    }
    crowd_clear(w, p, it->service);
    assert(put <= left);
    return put;
}

// ---- an assessment --------------------------------------------------------------------------------------------------------
static enum takes takes_of(enum role r, bool now_only)
{
    switch (r) {
    case ROLE_ACTIVE:
        return TAKES_NOW;
    case ROLE_SHAKY:
    case ROLE_COMING:
        return now_only ? TAKES_NONE : TAKES_LATER;
    case ROLE_UNREACHABLE:
    case ROLE_LATE:
    case ROLE_LEAVING:
    case ROLE_GONE:
    case ROLE_OTHER:
        break;
    }
    return TAKES_NONE;
}

void placement_pass(struct work *w, struct pass_options o, struct pass *ret)
{
    size_t n = w->s->instance_count;
    struct pass *p = ret;
    memset(p, 0, sizeof *p);
    p->free = arena_array(w->a, struct res, n + 1);
    p->takes = arena_array(w->a, unsigned char, n + 1);
    p->block = arena_array(w->a, struct res, n / PASS_BLOCK + 1);
    p->bin_head = arena_array(w->a, int, n + 1);
    p->service_head = arena_array(w->a, int, w->s->service_count + 1);
    for (size_t i = 0; i < n; i++) {
        p->free[i] = w->inst[i].free;
        p->takes[i] = (unsigned char)takes_of(w->inst[i].role, o.now_only);
        p->bin_head[i] = -1;
    }
    for (size_t i = 0; i < n; i += PASS_BLOCK)
        placement_touch(w, p, (int)i);
    for (size_t k = 0; k < w->s->service_count; k++)
        p->service_head[k] = -1;
    p->item_count = demand_collect(w, (struct demand_options){.all_movable = o.all_movable}, &p->items);
    for (size_t k = 0; k < p->item_count; k++)
        p->items[k].now = place_item(w, p, (int)k, TAKES_NOW);
    bool any_later = false;
    for (size_t i = 0; i < n && !any_later; i++)
        any_later = p->takes[i] == TAKES_LATER;
    for (size_t k = 0; k < p->item_count; k++) {
        struct item *it = &p->items[k];
        it->later = any_later ? place_item(w, p, (int)k, TAKES_LATER) : 0;
        assert(it->now + it->later <= it->count);
        if (it->hopeless) {
            p->hopeless += it->count - it->now - it->later;
        } else {
            p->unplaced_now += it->count - it->now;
            p->unplaced += it->count - it->now - it->later;
        }
    }
}
