// An independent packer for V7: it shares nothing with the planner's. Many orders and three ways to choose; when one of them
// finds a place for everything, a place exists. For few tasks all ways are tried after that.
#include "base/rng.h"
#include "planner/sim/invariants_internal.h"

enum { ORDERS = 3 + 12, WAYS = 3, ITEMS_MAX = 5000, SEARCHED_MAX = 16, TRIES_MAX = 2000000 };

struct item {
    int service;
    struct res need;
    double size;
};

struct bin {
    int instance;
    struct res room;
};

static struct res room_at(const struct world_view *v, int instance, int64_t at_ms)
{
    const struct world_instance *i = &v->instances[instance];
    struct res room = i->registered;
    for (int n = i->first_task; n >= 0; n = v->tasks[n].next_of_instance) {
        const struct world_task *t = &v->tasks[n];
        if (t->created_ms <= at_ms && (t->stopped_ms == 0 || t->stopped_ms > at_ms))
            room = res_sub(room, t->need);
    }
    return room;
}

static bool leaves_by_us(const struct world_view *v, int instance, int victim)
{
    return instance == victim || inv_drained_by_ours(&v->instances[instance]);
}

static const struct world_taskdef *primary_def(const struct world_view *v, const struct world_service *s)
{
    int d = 0;
    while (d + 1 < s->deployment_count && !s->deployments[d].primary)
        d++;
    return &v->taskdefs[s->deployments[d].taskdef];
}

// What must find another place: of each service its tasks on instances that leave by us, but no more than it lacks elsewhere.
static int collect(const struct world_view *v, int victim, int64_t at_ms, struct item *items)
{
    int count = 0;
    for (int n = 0; n < v->service_count; n++) {
        const struct world_service *s = &v->services[n];
        if (s->daemon || s->cluster != v->instances[victim].cluster)
            continue;
        int64_t leaving = 0, kept = 0;
        for (int t = s->first_task; t >= 0; t = v->tasks[t].next_of_service) {
            if (!moment_wanted(&v->tasks[t], at_ms) || v->tasks[t].instance < 0)
                continue;
            leaving += leaves_by_us(v, v->tasks[t].instance, victim);
            kept += !leaves_by_us(v, v->tasks[t].instance, victim) && moment_stays(&v->instances[v->tasks[t].instance], at_ms);
        }
        int64_t lacks = moment_desired(s, at_ms) - kept;
        for (int64_t k = 0; k < (leaving < lacks ? leaving : lacks) && count < ITEMS_MAX; k++)
            items[count++] = (struct item){n, primary_def(v, s)->need, 0};
    }
    return count;
}

static int collect_bins(const struct world_view *v, int victim, int64_t at_ms, struct bin *bins)
{
    int count = 0;
    for (int n = 0; n < v->instance_count; n++)
        if (v->instances[n].cluster == v->instances[victim].cluster && !leaves_by_us(v, n, victim) && moment_stays(&v->instances[n], at_ms))
            bins[count++] = (struct bin){n, room_at(v, n, at_ms)};
    return count;
}

// Rules and host ports of the service's next task, room apart: what is there now decides, moving tasks not counted.
static bool may_hold(const struct world *w, const struct world_view *v, int service, const struct bin *b, int64_t at_ms)
{
    const struct world_service *s = &v->services[service];
    const struct world_taskdef *d = primary_def(v, s);
    struct world_ask ask;
    world_ask_service(w, service, &ask);
    ask.provider = -1;
    bool bound = s->rules.share_count > 0;
    for (int k = 0; k < s->rules.share_count; k++)
        bound &= s->rules.shares[k].provider != v->instances[b->instance].provider;
    if (bound || !world_admits(w, &ask, b->instance))
        return false;
    for (int t = d->port_count > 0 ? v->instances[b->instance].first_task : -1; t >= 0; t = v->tasks[t].next_of_instance) {
        const struct world_taskdef *other = &v->taskdefs[v->tasks[t].taskdef];
        for (int p = 0; moment_wanted(&v->tasks[t], at_ms) && p < other->port_count; p++)
            for (int q = 0; q < d->port_count; q++)
                if (other->ports[p].host == d->ports[q].host && other->ports[p].udp == d->ports[q].udp)
                    return false;
    }
    return true;
}

static bool has_kin(const struct world_view *v, const struct bin *b, const struct item *items, const int *place, int done, int bin, int64_t at_ms)
{
    int service = items[done].service;
    for (int t = v->instances[b->instance].first_task; t >= 0; t = v->tasks[t].next_of_instance)
        if (v->tasks[t].service == service && moment_wanted(&v->tasks[t], at_ms))
            return true;
    for (int k = 0; k < done; k++)
        if (items[k].service == service && place[k] == bin)
            return true;
    return false;
}

// The bin for item `at`, by way 0 first fit, 1 the fullest that fits, 2 the emptiest; -1 none.
static int choose(const struct world *w, const struct world_view *v, const struct bin *bins, int bin_count, const struct item *items, const int *place, int at,
                  int way, int64_t at_ms)
{
    int best = -1;
    double best_left = 0;
    for (int b = 0; b < bin_count; b++) {
        int service = items[at].service;
        if (!res_fits(items[at].need, bins[b].room) || !may_hold(w, v, service, &bins[b], at_ms))
            continue;
        bool alone = v->services[service].rules.distinct_instance || primary_def(v, &v->services[service])->port_count > 0;
        if (alone && has_kin(v, &bins[b], items, place, at, b, at_ms))
            continue;
        if (way == 0)
            return b;
        double left = res_share(res_sub(bins[b].room, items[at].need), v->instances[bins[b].instance].registered);
        if (best < 0 || (way == 1 ? left < best_left : left > best_left)) {
            best = b;
            best_left = left;
        }
    }
    return best;
}

static bool headroom_left(const struct world_view *v, const struct bin *bins, int count, int64_t permyriad)
{
    struct res free = {{0}}, used = {{0}};
    if (permyriad == 0)
        return true;  // none is asked for; room alone can be below nothing, where tasks still stop
    for (int b = 0; b < count; b++) {
        free = res_add(free, bins[b].room);
        used = res_add(used, res_sub(v->instances[bins[b].instance].registered, bins[b].room));
    }
    // A share of what services want: tasks that still stop are none of it. Headroom is whole tasks: what is left of the share beside them
    // is less than one task of the largest service.
    struct res one = {{0}}, wanted = {{0}};
    for (int s = 0; s < v->service_count && count > 0; s++) {
        const struct world_service *x = &v->services[s];
        if (x->daemon || x->cluster != v->instances[bins[0].instance].cluster)
            continue;
        one = res_max(one, primary_def(v, x)->need);
        wanted = res_add(wanted, res_scale(primary_def(v, x)->need, x->desired));
    }
    used = res_min(used, wanted);
    for (int k = 0; k < RES_COUNT; k++)
        if (used.v[k] * permyriad / 10000 > free.v[k] + one.v[k])
            return false;
    return true;
}

static void order_items(struct item *items, int n, int order, struct rng *rng)
{
    for (int i = 0; i < n; i++) {
        double cpu = (double)items[i].need.v[RES_CPU], memory = (double)items[i].need.v[RES_MEMORY] / 2;
        items[i].size = order == 0 ? (cpu > memory ? cpu : memory) : order == 1 ? cpu : order == 2 ? memory : rng_double(rng);
    }
    for (int i = 1; i < n; i++) {  // stable, and n is small
        struct item x = items[i];
        int k = i;
        for (; k > 0 && items[k - 1].size < x.size; k--)
            items[k] = items[k - 1];
        items[k] = x;
    }
}

// Every way to place few tasks, within a limit of tries: what the orders above miss in a knot.
struct search {
    const struct world *w;
    const struct world_view *v;
    struct bin *bins;
    const struct item *items;
    int *place;
    int bin_count, count, tries;
    int64_t at_ms, headroom_permyriad;
};

static bool search_place(struct search *s, int at)
{
    if (at == s->count)
        return headroom_left(s->v, s->bins, s->bin_count, s->headroom_permyriad);
    const struct item *i = &s->items[at];
    const struct world_service *service = &s->v->services[i->service];
    bool alone = service->rules.distinct_instance || primary_def(s->v, service)->port_count > 0;
    // Tasks of one service are alike: the next of them goes no further back than the one before.
    for (int b = at > 0 && s->items[at - 1].service == i->service ? s->place[at - 1] : 0; b < s->bin_count; b++) {
        if (s->tries-- <= 0)
            return false;
        if (!res_fits(i->need, s->bins[b].room) || !may_hold(s->w, s->v, i->service, &s->bins[b], s->at_ms) ||
            (alone && has_kin(s->v, &s->bins[b], s->items, s->place, at, b, s->at_ms)))
            continue;
        struct res was = s->bins[b].room;
        s->place[at] = b;
        s->bins[b].room = res_sub(was, i->need);
        if (search_place(s, at + 1))
            return true;
        s->bins[b].room = was;
    }
    return false;
}

bool pack_possible(const struct world *w, const struct world_view *v, int victim, int64_t at_ms, int64_t headroom_permyriad, struct arena *a, char *why,
                   size_t why_size)
{
    size_t most = v->task_count < ITEMS_MAX ? (size_t)v->task_count + 1 : ITEMS_MAX;
    struct item *items = arena_array(a, struct item, most);
    struct bin *bins = arena_array(a, struct bin, (size_t)v->instance_count + 1), *left = arena_array(a, struct bin, (size_t)v->instance_count + 1);
    int *place = arena_array(a, int, most);
    int n = collect(v, victim, at_ms, items), bin_count = collect_bins(v, victim, at_ms, bins);
    struct rng rng;
    rng_init(&rng, 42);
    snprintf(why, why_size, "no headroom is left on %d instances", bin_count);
    for (int order = 0; order < ORDERS; order++) {
        order_items(items, n, order, &rng);
        for (int way = 0; way < WAYS; way++) {
            for (int b = 0; b < bin_count; b++)
                left[b] = bins[b];
            int at = 0;
            for (; at < n; at++) {
                place[at] = choose(w, v, left, bin_count, items, place, at, way, at_ms);
                if (place[at] < 0)
                    break;
                left[place[at]].room = res_sub(left[place[at]].room, items[at].need);
            }
            if (at == n && headroom_left(v, left, bin_count, headroom_permyriad))
                return true;
            if (at < n)
                snprintf(why, why_size, "%d of %d tasks, one of %s among them, have no place on %d instances", n - at, n,
                         v->services[items[at].service].name, bin_count);
        }
    }
    order_items(items, n, 0, &rng);
    struct search all = {.w = w, .v = v, .bins = bins, .items = items, .place = place, .bin_count = bin_count, .count = n, .tries = TRIES_MAX, .at_ms = at_ms,
                         .headroom_permyriad = headroom_permyriad};
    return n <= SEARCHED_MAX && search_place(&all, 0);
}
