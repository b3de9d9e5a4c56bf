#include "planner/placement.h"

#include <assert.h>
#include <string.h>

#include "planner/bins.h"
#include "planner/demand.h"

// ---- may it be there ------------------------------------------------------------------------------------------------------
bool placement_ports_clash(const struct work *w, const struct pass *p, int shape, int instance)
{
    const struct shape *x = work_shape(w, shape);
    const struct instance *y = &w->s->instances[instance];
    if (x->ports.count == 0)
        return false;
    if (port_sets_meet(x->ports, y->ports) || w->facts[shape].ports_clash)
        return true;
    for (size_t k = 0; k < y->holding_count; k++)  // of tasks that are stopping, too: ECS forgets these
        if (y->holdings[k].shape >= 0 && y->holdings[k].running + y->holdings[k].pending + y->holdings[k].stopping > 0 &&
            port_sets_meet(x->ports, work_shape(w, y->holdings[k].shape)->ports))
            return true;
    for (int k = p ? p->bin_head[instance] : -1; k >= 0; k = p->planned[k].next_of_bin)
        if (port_sets_meet(x->ports, work_shape(w, p->planned[k].shape)->ports))
            return true;
    return false;
}

// The rules of a kind may leave it to the single instance, and to what is planned there.
static bool asked(struct work *w, const struct pass *p, int shape, int instance)
{
    const char *planned[64];
    size_t n = 0;
    for (int k = p ? p->bin_head[instance] : -1; k >= 0 && n < ARRAY_LEN(planned); k = p->planned[k].next_of_bin)
        planned[n++] = arena_printf(w->a, "service:%s", w->s->services[p->planned[k].service].name);
    return n < ARRAY_LEN(planned) && kinds_ask(w, shape, instance, planned, n);
}

bool placement_fits(struct work *w, int shape, int instance, struct res room)
{
    const struct shape *x = work_shape(w, shape);
    assert(x);
    enum fit fit = kinds_fit(w, shape, w->kinds.kind_of[instance]);
    return x->known && res_fits(x->need, room) && !placement_ports_clash(w, NULL, shape, instance) &&
           (fit == FIT_YES || (fit == FIT_ASK && asked(w, NULL, shape, instance)));
}

static bool kind_holds(const struct work *w, int shape, int provider, bool avoid_gpu, int kind)
{
    const struct kind *k = &w->kinds.v[kind];
    enum fit fit = kinds_fit(w, shape, kind);
    return (fit == FIT_YES || fit == FIT_ASK) && (provider == PROVIDER_ANY || provider == k->provider) && !(avoid_gpu && k->gpu);
}

struct small *placement_rooms(struct work *w, const struct pass *p)
{
    struct small *rooms = arena_array(w->a, struct small, w->s->instance_count + 1);
    for (size_t b = 0; b < w->s->instance_count; b++)
        if (p->takes[w->kinds.bins[b]] == TAKES_NOW)
            rooms[b] = small_of(w->inst[w->kinds.bins[b]].free);
    return rooms;
}

int32_t placement_count(struct work *w, const struct pass *p, const struct small *rooms, const struct item *it)
{
    int32_t n = 0;
    const struct small need = w->facts[it->shape].need;
    const struct shape *x = work_shape(w, it->shape);
    for (size_t k = 0; k < w->kinds.count && x->known; k++) {
        const struct kind *kind = &w->kinds.v[k];
        if (!kind_holds(w, it->shape, it->provider, false, (int)k))
            continue;
        bool plain = x->ports.count == 0 && w->facts[it->shape].exact && !res_is_zero(x->need) && kinds_fit(w, it->shape, (int)k) == FIT_YES;
        for (size_t b = kind->first; b < kind->first + kind->count; b++) {
            int i = w->kinds.bins[b];
            if (plain)
                n += small_fits(need, rooms[b]);
            else if (small_fits(need, rooms[b]) && p->takes[i] == TAKES_NOW)
                n += placement_fits(w, it->shape, i, w->inst[i].free);
        }
    }
    return n;
}

// Room for tasks without GPUs that nobody has started yet is not worth a GPU host where another type can hold them.
static bool avoids_gpu(const struct work *w, const struct item *it)
{
    return it->headroom && work_shape(w, it->shape)->need.v[RES_GPU] == 0 && w->pools[it->shape].plain;
}

// ---- tasks of one service, by instance and group --------------------------------------------------------------------------
// What ECS's strategies look at: tasks of the service that run or start on an instance; one that is stopping no longer counts.
struct crowd {
    const struct item *it;
    const struct shape *x;
    enum takes takes;
    bool asks;             // some rule is about single instances
    bool avoid_gpu;
    bool first_fit;        // headroom, and all on room that comes: nobody asks who is where
    int32_t *on;           // by instance: the work's scratch, zeroed again by crowd_clear
    int fields[PLACE_MAX], field_count;  // that the strategies spread over
    int first;             // the first strategy that tells instances of one kind apart, -1 none
};

static int strategy_field(const struct work *w, const struct crowd *c, int strategy)
{
    return w->kinds.field_of[(size_t)c->it->shape * PLACE_MAX + (size_t)strategy];
}

static int strategy_count(const struct shape *x)
{
    return x->strategy_count > 0 ? x->strategy_count : 1;
}

static bool is_binpack(const struct shape *x, int strategy)
{
    return x->strategy_count > 0 && (x->strategies[strategy].kind == PLACE_BINPACK_CPU || x->strategies[strategy].kind == PLACE_BINPACK_MEMORY);
}

static enum res_kind binpack_of(const struct shape *x, int strategy)
{
    return x->strategies[strategy].kind == PLACE_BINPACK_CPU ? RES_CPU : RES_MEMORY;
}

static void crowd_add(const struct work *w, struct crowd *c, int instance, int32_t n)
{
    const int *groups = w->kinds.v[w->kinds.kind_of[instance]].groups;
    c->on[instance] += n;
    for (int k = 0; k < c->field_count; k++)
        w->scratch_groups[c->fields[k]][groups[c->fields[k]]] += n;
}

static struct crowd crowd_make(struct work *w, const struct pass *p, const struct item *it, enum takes takes)
{
    struct crowd c = {.it = it, .x = work_shape(w, it->shape), .takes = takes, .on = w->scratch, .first = -1,
                      .asks = w->kinds.rules[w->kinds.rule_of[it->shape]].asks, .avoid_gpu = avoids_gpu(w, it),
                      .first_fit = it->headroom || takes == TAKES_LATER};
    for (int k = 0; k < strategy_count(c.x); k++) {
        int field = strategy_field(w, &c, k);
        if (c.first < 0 && (field == FIELD_INSTANCE || is_binpack(c.x, k)))
            c.first = k;
        if (field < 0)
            continue;
        c.fields[c.field_count++] = field;
        memset(w->scratch_groups[field], 0, (size_t)w->kinds.group_count[field] * sizeof **w->scratch_groups);
        for (int n = 0; n < c.field_count - 1; n++)
            if (c.fields[n] == field)
                c.field_count--;
    }
    if (c.first_fit && !c.x->distinct_instance)
        return c;
    const struct work_service *v = &w->svc[it->service];
    for (size_t k = 0; k < v->hold_count; k++) {
        const struct work_hold *x = &w->holds[v->hold_start + k];
        const struct holding *h = &w->s->instances[x->instance].holdings[x->holding];
        crowd_add(w, &c, x->instance, h->running + h->pending);
    }
    for (int k = p->service_head[it->service]; k >= 0; k = p->planned[k].next_of_service)
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

static bool may_take(struct work *w, const struct pass *p, const struct crowd *c, int i)
{
    if (p->takes[i] != c->takes || !res_fits(c->x->need, p->free[i]) || (c->x->distinct_instance && c->on[i] > 0))
        return false;
    return !placement_ports_clash(w, p, c->it->shape, i) &&
           (kinds_fit(w, c->it->shape, w->kinds.kind_of[i]) != FIT_ASK || asked(w, p, c->it->shape, i));
}

// ---- strategies -----------------------------------------------------------------------------------------------------------
static int64_t strategy_key(const struct work *w, const struct pass *p, const struct crowd *c, int strategy, int i)
{
    int field = strategy_field(w, c, strategy);
    if (field == FIELD_INSTANCE)
        return c->on[i];
    if (field >= 0)
        return w->scratch_groups[field][w->kinds.v[w->kinds.kind_of[i]].groups[field]];
    return is_binpack(c->x, strategy) ? p->free[i].v[binpack_of(c->x, strategy)] : 0;
}

// Negative when a is the better place, 0 when ECS sees no difference.
static int compare_places(const struct work *w, const struct pass *p, const struct crowd *c, int a, int b)
{
    for (int k = 0; k < strategy_count(c->x) && !c->first_fit; k++) {
        int64_t ka = strategy_key(w, p, c, k, a), kb = strategy_key(w, p, c, k, b);
        if (ka != kb)
            return ka < kb ? -1 : 1;
    }
    return 0;
}

static int better(const struct work *w, const struct pass *p, const struct crowd *c, int a, int b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    int order = compare_places(w, p, c, a, b);
    return order == 0 ? (a < b ? a : b) : order < 0 ? a : b;
}

size_t placement_set(struct work *w, const struct pass *p, int item, enum takes takes, int *ret)
{
    const struct item *it = &p->items[item];
    struct crowd c = crowd_make(w, p, it, takes);
    size_t n = 0, all = w->s->instance_count;
    int best = -1;
    for (size_t i = 0; i < all && c.x->known; i++) {
        if (!kind_holds(w, it->shape, it->provider, c.avoid_gpu, w->kinds.kind_of[i]) || !may_take(w, p, &c, (int)i))
            continue;
        int order = best < 0 ? -1 : compare_places(w, p, &c, (int)i, best);
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

// ---- the best of a kind ---------------------------------------------------------------------------------------------------
static int first_of_kind(struct work *w, const struct pass *p, const struct crowd *c, int kind, size_t from, bool empty)
{
    const struct kind *k = &w->kinds.v[kind];
    for (int n = bins_first(w, p, c->takes, kind, c->it->shape, from); n >= 0;
         n = bins_first(w, p, c->takes, kind, c->it->shape, (size_t)n + 1)) {
        int i = w->kinds.bins[k->first + (size_t)n];
        if (!(empty && c->on[i] > 0) && may_take(w, p, c, i))
            return i;
    }
    return -1;
}

// The fullest that takes one; where several are equally full, the other strategies choose among them.
static int fullest_of_kind(struct work *w, struct pass *p, const struct crowd *c, int kind, enum res_kind component, bool empty)
{
    size_t from, n;
    const struct bin_key *v = bins_order(w, p, c->takes, kind, component, c->x->need.v[component], &from, &n);
    int best = -1;
    for (size_t k = from; k < n && (best < 0 || v[k].free == p->free[best].v[component]); k++)
        if (!(empty && c->on[v[k].bin] > 0) && may_take(w, p, c, v[k].bin))
            best = better(w, p, c, best, v[k].bin);
    return best;
}

static int by_strategies(struct work *w, struct pass *p, const struct crowd *c, int kind, int from, bool empty)
{
    for (int k = from; k >= 0 && k < strategy_count(c->x); k++)
        if (is_binpack(c->x, k))
            return fullest_of_kind(w, p, c, kind, binpack_of(c->x, k), empty);
    return first_of_kind(w, p, c, kind, 0, empty);
}

static int fewest_of_kind(struct work *w, struct pass *p, const struct crowd *c, int kind)
{
    int best = by_strategies(w, p, c, kind, c->first + 1, true);
    if (best >= 0 || c->x->distinct_instance)
        return best;
    const struct work_service *v = &w->svc[c->it->service];
    for (size_t k = 0; k < v->hold_count; k++) {
        int i = w->holds[v->hold_start + k].instance;
        if (w->kinds.kind_of[i] == kind && may_take(w, p, c, i))
            best = better(w, p, c, best, i);
    }
    for (int k = p->service_head[c->it->service]; k >= 0; k = p->planned[k].next_of_service) {
        int i = p->planned[k].bin;
        if (w->kinds.kind_of[i] == kind && may_take(w, p, c, i))
            best = better(w, p, c, best, i);
    }
    return best;
}

// `was`: the last one of this kind, -1 none: what came before it has no room, unless a rule is about what is planned.
static int best_of_kind(struct work *w, struct pass *p, const struct crowd *c, int kind, int was)
{
    if (!kind_holds(w, c->it->shape, c->it->provider, c->avoid_gpu, kind))
        return -1;
    if (c->first_fit || c->first < 0)
        return first_of_kind(w, p, c, kind, was < 0 || c->asks ? 0 : (size_t)w->kinds.pos_of[was], false);
    if (is_binpack(c->x, c->first))
        return fullest_of_kind(w, p, c, kind, binpack_of(c->x, c->first), false);
    return fewest_of_kind(w, p, c, kind);
}

// ---- placing --------------------------------------------------------------------------------------------------------------
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
    bins_touch(w, p, bin);
}

// Where all that ECS compares first is how full an instance is, the fullest stays the fullest as it fills: many tasks can be put
// there at once; so by first fit.
static int32_t at_once(const struct pass *p, const struct crowd *c, int bin, int32_t left)
{
    int k = 0;
    while (k < c->x->strategy_count && c->x->strategies[k].kind == PLACE_RANDOM)
        k++;
    bool fills = c->first_fit || (c->x->strategy_count > 0 && (k == c->x->strategy_count || is_binpack(c->x, k)));
    if (!fills || c->asks || c->x->distinct_instance || c->x->ports.count > 0)
        return 1;
    return (int32_t)i64_min(left, res_times(c->x->need, p->free[bin]));
}

static int best_place(struct work *w, const struct pass *p, const struct crowd *c, const int *best)
{
    int i = -1;
    for (size_t k = 0; k < w->kinds.count; k++)
        i = better(w, p, c, i, best[k]);
    return i;
}

int32_t placement_item(struct work *w, struct pass *p, int item, enum takes takes)
{
    const struct item *it = &p->items[item];
    int32_t left = it->count - it->now - it->later, put = 0;
    if (left == 0 || !work_shape_known(w, it->shape) || it->provider == PROVIDER_ABSENT)
        return 0;
    struct crowd c = crowd_make(w, p, it, takes);
    int *best = w->scratch_kinds;
    for (size_t k = 0; k < w->kinds.count; k++)
        best[k] = best_of_kind(w, p, &c, (int)k, -1);
    while (put < left) {
        int i = best_place(w, p, &c, best);
        if (i < 0)
            break;
        int32_t many = at_once(p, &c, i, left - put);
        assert(many > 0);
        placement_put(w, p, it->service, it->shape, i, many);
        crowd_add(w, &c, i, many);
        put += many;
        if (put < left) {
            int kind = w->kinds.kind_of[i];
            best[kind] = best_of_kind(w, p, &c, kind, i);
        }
    }
    crowd_clear(w, p, it->service);
    assert(put <= left);
    return put;
}

// ---- first fit over all kinds ---------------------------------------------------------------------------------------------
void placement_walk(struct work *w, const struct pass *p, int shape, int provider, bool avoid_gpu, struct place_walk *ret)
{
    *ret = (struct place_walk){.shape = shape, .provider = provider, .avoid_gpu = avoid_gpu, .next = w->scratch_kinds, .last = -1};
    for (size_t k = 0; k < w->kinds.count; k++)
        ret->next[k] = kind_holds(w, shape, provider, avoid_gpu, (int)k) ? bins_first(w, p, TAKES_NOW, (int)k, shape, 0) : -1;
}

int placement_step(struct work *w, const struct pass *p, struct place_walk *walk)
{
    for (;;) {
        int best = -1, last = walk->last;
        if (last >= 0)
            walk->next[last] = bins_first(w, p, TAKES_NOW, last, walk->shape, (size_t)walk->next[last] + 1);
        walk->last = -1;
        for (size_t k = 0; k < w->kinds.count; k++) {
            int i = walk->next[k] < 0 ? -1 : w->kinds.bins[w->kinds.v[k].first + (size_t)walk->next[k]];
            if (i >= 0 && (best < 0 || i < best)) {
                best = i;
                walk->last = (int)k;
            }
        }
        if (best < 0)
            return -1;
        if (kinds_fit(w, walk->shape, walk->last) == FIT_YES || asked(w, p, walk->shape, best))
            return best;
    }
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

void placement_begin(struct work *w, struct pass_options o, struct pass *ret)
{
    size_t n = w->s->instance_count;
    struct pass *p = ret;
    memset(p, 0, sizeof *p);
    p->free = arena_array(w->a, struct res, n + 1);
    p->takes = arena_array(w->a, unsigned char, n + 1);
    p->bin_head = arena_array(w->a, int, n + 1);
    p->service_head = arena_array(w->a, int, w->s->service_count + 1);
    for (size_t i = 0; i < n; i++) {
        p->free[i] = w->inst[i].free;
        p->takes[i] = (unsigned char)takes_of(w->inst[i].role, o.now_only);
        p->now_bins += p->takes[i] == TAKES_NOW;
        p->bin_head[i] = -1;
    }
    for (size_t k = 0; k < w->s->service_count; k++)
        p->service_head[k] = -1;
    bins_init(w, p);
    p->item_count = demand_collect(w, (struct demand_options){.all_movable = o.all_movable}, &p->items);
}

void placement_pass(struct work *w, struct pass_options o, struct pass *ret)
{
    struct pass *p = ret;
    placement_begin(w, o, p);
    for (size_t k = 0; k < p->item_count; k++)
        p->items[k].now = placement_item(w, p, (int)k, TAKES_NOW);
    bool any_later = false;
    for (size_t i = 0; i < w->s->instance_count && !any_later; i++)
        any_later = p->takes[i] == TAKES_LATER;
    for (size_t k = 0; k < p->item_count; k++) {
        struct item *it = &p->items[k];
        it->later = any_later ? placement_item(w, p, (int)k, TAKES_LATER) : 0;
        assert(it->now + it->later <= it->count);
        if (it->hopeless) {
            p->hopeless += it->count - it->now - it->later;
        } else {
            p->unplaced_now += it->count - it->now;
            p->unplaced += it->count - it->now - it->later;
        }
    }
}
