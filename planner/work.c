#include "planner/work.h"

#include <assert.h>
#include <string.h>

#include "planner/capacity_rebalance.h"
#include "planner/demand.h"
#include "planner/drain.h"
#include "planner/launch.h"
#include "planner/modes.h"
#include "planner/owner.h"

// ---- small questions ------------------------------------------------------------------------------------------------------
int work_find(const struct work *w, const char *instance_id)
{
    size_t low = 0, high = w->s->instance_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(w->s->instances[mid].id, instance_id);
        if (order == 0)
            return (int)mid;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return -1;
}

bool work_in_deployment(const struct service *s)
{
    for (size_t k = 0; k < s->deployment_count; k++)
        if (s->deployments[k].in_progress)
            return true;
    return false;
}

static int find_type(const struct work *w, const struct intern *types, const char *name)
{
    uint64_t h = intern_hash(INTERN_SEED, name);
    size_t at = intern_start(h);
    int k;
    while ((k = intern_next(types, h, &at)) >= 0 && strcmp(w->s->types[k].name, name) != 0)
        continue;
    return k;
}

struct usd work_price(const struct work *w, int instance)
{
    const struct instance *x = &w->s->instances[instance];
    if (w->inst[instance].type < 0)
        return (struct usd){0};
    const struct instance_type *t = &w->s->types[w->inst[instance].type];
    return (struct usd){x->spot && t->spot_usd_micro > 0 ? t->spot_usd_micro : t->on_demand_usd_micro};
}

bool work_arch_fits(const char *need, const char *have)
{
    return need[0] == '\0' || have[0] == '\0' || strcmp(need, have) == 0;
}

// A daemon whose rules speak against every instance and pool of the type takes no room there.
static bool daemon_comes(const struct work *w, int shape, const struct instance_type *t)
{
    bool any = false;
    for (size_t k = 0; k < w->kinds.class_count; k++) {
        const struct kind_class *c = &w->kinds.classes[k];
        if (strcmp(c->type, t->name) != 0)
            continue;
        if (c->fits[w->kinds.rule_of[shape]] != FIT_NO)
            return true;
        any = true;
    }
    return !any && work_arch_fits(work_shape(w, shape)->arch, t->arch);
}

struct res work_fresh_room(const struct work *w, const struct instance_type *t)
{
    struct res room = instance_type_capacity(t);
    if (res_is_zero(room))
        return room;
    for (size_t k = 0; k < w->daemon_count; k++) {
        int shape = w->svc[w->daemons[k]].shape;
        if (daemon_comes(w, shape, t))
            room = res_sub(room, work_shape(w, shape)->need);
    }
    for (int k = 0; k < RES_COUNT; k++)
        room.v[k] = i64_max(room.v[k], 0);
    return room;
}

// ---- lists ----------------------------------------------------------------------------------------------------------------
int work_action(struct work *w, struct action x)
{
    struct plan *p = w->plan;
    assert(x.fact && x.verdict);
    assert(x.after < (int)p->action_count);
    assert(x.instance < (int)w->s->instance_count && x.fleet < (int)w->s->fleet_count);
    x.value = x.value ? x.value : "";
    p->actions = arena_grow(w->a, p->actions, p->action_count, &p->action_cap, sizeof *p->actions);
    p->actions[p->action_count] = x;
    return (int)p->action_count++;
}

static uint64_t stamp_hash(enum memo_stamp_kind kind, const char *key)
{
    return intern_hash(intern_mix(INTERN_SEED, (uint64_t)kind), key);
}

// The first of its kind and key, in the order of the memo.
static struct memo_stamp *find_stamp(const struct memo *m, const struct stamp_index *x, enum memo_stamp_kind kind, const char *key)
{
    if (!(x->kinds & UINT64_C(1) << kind))
        return NULL;
    uint64_t h = stamp_hash(kind, key);
    size_t at = intern_start(h);
    for (int k = intern_next(&x->t, h, &at); k >= 0; k = intern_next(&x->t, h, &at))
        if (m->stamps[k].kind == kind && strcmp(m->stamps[k].key, key) == 0)
            return &m->stamps[k];
    return NULL;
}

static void index_stamp(struct work *w, struct stamp_index *x, const struct memo_stamp *s, size_t index)
{
    static_assert(STAMP_COUNT <= 64, "a bit each");
    assert(s->kind < STAMP_COUNT);
    intern_put(&x->t, w->a, stamp_hash(s->kind, s->key), (int)index);
    x->kinds |= UINT64_C(1) << s->kind;
}

struct memo_stamp *work_stamp(struct work *w, enum memo_stamp_kind kind, const char *key)
{
    return find_stamp(w->memo, &w->stamps, kind, key);
}

const struct memo_stamp *work_old_stamp(const struct work *w, enum memo_stamp_kind kind, const char *key)
{
    return find_stamp(w->old, &w->old_stamps, kind, key);
}

struct memo_stamp *work_stamp_set(struct work *w, struct memo_stamp x)
{
    struct memo *m = w->memo;
    struct memo_stamp *there = find_stamp(m, &w->stamps, x.kind, x.key);
    assert(x.key);
    if (!there) {
        m->stamps = arena_grow(w->a, m->stamps, m->stamp_count, &m->stamp_cap, sizeof *m->stamps);
        index_stamp(w, &w->stamps, &x, m->stamp_count);
        there = &m->stamps[m->stamp_count++];
    }
    *there = x;
    return there;
}

// ---- making it ------------------------------------------------------------------------------------------------------------
static int zone_index(struct work *w, const char *zone)
{
    if (zone[0] == '\0')
        return -1;
    for (int k = 0; k < w->zone_count; k++)
        if (strcmp(w->zones[k], zone) == 0)
            return k;
    w->zones[w->zone_count] = zone;
    return w->zone_count++;
}

static void index_holds(struct work *w)
{
    const struct snapshot *s = w->s;
    size_t total = 0;
    for (size_t i = 0; i < s->instance_count; i++)
        for (size_t k = 0; k < s->instances[i].holding_count; k++)
            if (s->instances[i].holdings[k].service >= 0) {
                w->svc[s->instances[i].holdings[k].service].hold_count++;
                total++;
            }
    w->holds = arena_array(w->a, struct work_hold, total + 1);
    size_t start = 0;
    for (size_t k = 0; k < s->service_count; k++) {
        w->svc[k].hold_start = start;
        start += w->svc[k].hold_count;
        w->svc[k].hold_count = 0;
    }
    assert(start == total);
    for (size_t i = 0; i < s->instance_count; i++)
        for (size_t k = 0; k < s->instances[i].holding_count; k++) {
            int service = s->instances[i].holdings[k].service;
            if (service < 0)
                continue;
            struct work_service *x = &w->svc[service];
            w->holds[x->hold_start + x->hold_count++] = (struct work_hold){(int)i, (int)k};
        }
}

static void index_daemons(struct work *w)
{
    w->daemons = arena_array(w->a, int, w->s->service_count + 1);
    for (size_t k = 0; k < w->s->service_count; k++) {
        const struct service *x = &w->s->services[k];
        w->svc[k].shape = x->primary < 0 ? -1 : x->deployments[x->primary].shape;
        if (x->kind == SERVICE_DAEMON && x->on_ec2 && work_shape_known(w, w->svc[k].shape))
            w->daemons[w->daemon_count++] = (int)k;
    }
    assert(w->daemon_count <= w->s->service_count);
}

// Once kinds are known: a rule may not be understood.
static void find_facts(struct work *w)
{
    w->facts = arena_array(w->a, struct shape_facts, w->s->shape_count + 1);
    for (size_t k = 0; k < w->s->shape_count; k++) {
        const struct shape *x = &w->s->shapes[k];
        bool clash = x->ports.count > 0 && port_sets_meet(x->ports, port_set_reserved);
        for (size_t d = 0; d < w->daemon_count && !clash && x->ports.count > 0; d++)
            clash = port_sets_meet(x->ports, work_shape(w, w->svc[w->daemons[d]].shape)->ports);
        w->facts[k] = (struct shape_facts){.need = small_of(x->need), .ports_clash = clash, .anywhere = x->known && !clash,
                                           .exact = small_exact(small_of(x->need)), .reserved = x, .reserved_need = small_of(x->need),
                                           .moves = !x->local_data && kinds_unmodelled(w, (int)k)[0] == '\0'};
    }
    for (size_t k = 0; k < w->s->service_count; k++) {
        const char *why;
        w->svc[k].moves = !work_in_deployment(&w->s->services[k]) && demand_movable(&w->s->services[k]) > 0;
        w->svc[k].incurable = demand_incurable(w, (int)k, &why);
    }
}

struct size_key {
    double size;
    int service;
};

static int by_size(const void *a, const void *b)
{
    const struct size_key *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->service - y->service;
}

static void sort_services(struct work *w)
{
    size_t n = w->s->service_count;
    struct size_key *keys = arena_array(w->a, struct size_key, n + 1);
    for (size_t k = 0; k < n; k++) {
        int shape = w->svc[k].shape;
        if (work_shape_known(w, shape))
            w->svc[k].size = res_share(work_shape(w, shape)->need, w->reference);
        keys[k] = (struct size_key){w->svc[k].size, (int)k};
    }
    if (n > 1)
        qsort(keys, n, sizeof *keys, by_size);
    w->by_size = arena_array(w->a, int, n + 1);
    for (size_t k = 0; k < n; k++)
        w->by_size[k] = keys[k].service;
}

static void find_reference(struct work *w)
{
    for (size_t i = 0; i < w->s->instance_count; i++)
        w->reference = res_max(w->reference, w->s->instances[i].registered);
    for (size_t k = 0; k < w->s->type_count; k++)
        w->reference = res_max(w->reference, instance_type_capacity(&w->s->types[k]));
}

void work_init(struct work *w, const struct planner_input *in, struct arena *a, struct planner_result *ret)
{
    const struct snapshot *s = in->snapshot;
    memset(w, 0, sizeof *w);
    memset(ret, 0, sizeof *ret);
    w->s = s;
    w->old = in->memo && in->memo->version == MEMO_VERSION ? memo_at(a, in->memo, s->now_ms) : NULL;
    w->p = in->policy;
    w->a = a;
    w->plan = &ret->plan;
    w->memo = &ret->memo;
    w->memo->version = MEMO_VERSION;
    w->memo->now_ms = s->now_ms;
    w->plan->now_ms = s->now_ms;
    w->plan->cluster = s->cluster;
    w->plan->mode = policy_mode_name(in->policy->mode);
    // About what there will be: an entry each, two a service.
    w->plan->verdict_cap = s->instance_count + 2 * s->service_count + s->fleet_count + 8;
    w->plan->verdicts = arena_array(a, struct verdict, w->plan->verdict_cap);
    w->inst = arena_array(a, struct work_instance, s->instance_count + 1);
    w->svc = arena_array(a, struct work_service, s->service_count + 1);
    w->fleet = arena_array(a, struct work_fleet, s->fleet_count + 1);
    w->zones = arena_array(a, const char *, s->instance_count + 1);
    w->scratch = arena_array(a, int32_t, s->instance_count + 1);
    struct intern types = {0};
    for (size_t k = 0; k < s->type_count; k++)
        intern_put(&types, a, intern_hash(INTERN_SEED, s->types[k].name), (int)k);
    for (size_t i = 0; i < s->instance_count; i++) {
        w->inst[i].drain = -1;
        w->inst[i].undo_action = -1;
        w->inst[i].zone = zone_index(w, s->instances[i].zone);
        w->inst[i].type = find_type(w, &types, s->instances[i].type);
    }
    index_daemons(w);
    index_holds(w);
    for (size_t k = 0; w->old && k < w->old->stamp_count; k++)
        index_stamp(w, &w->old_stamps, &w->old->stamps[k], k);
    kinds_init(w);
    find_facts(w);
    work_rooms(w);
    w->scratch_kinds = arena_array(a, int, w->kinds.count + 1);
    w->scratch_groups = arena_array(a, int32_t *, w->kinds.field_count + 1);
    for (size_t k = 0; k < w->kinds.field_count; k++)
        w->scratch_groups[k] = arena_array(a, int32_t, (size_t)w->kinds.group_count[k] + 1);
    find_reference(w);
    sort_services(w);
    w->fresh = arena_array(a, struct res, s->type_count + 1);
    for (size_t k = 0; k < s->type_count; k++)
        w->fresh[k] = work_fresh_room(w, &s->types[k]);
    w->pools = arena_array(a, struct shape_pools, s->shape_count + 1);
    pools_init(w);
}

#define FLEET_ENDS_MS (30 * 60 * 1000)  // A7

// ---- fleets ---------------------------------------------------------------------------------------------------------------
static const char *fleet_closed(struct work *w, const struct fleet *f, const struct policy_fleet *policy)
{
    if (!policy)
        return "not in the policy";
    if (!f->found)
        return f->unfound && f->unfound[0] ? f->unfound : "AWS does not know it";
    if (!f->maintain && f->kind != FLEET_INSTANT)
        return "not of type maintain";
    if (f->foreign_scaling)
        return f->foreign[0] ? arena_printf(w->a, "scaled by another controller: %s", f->foreign) : "scaled by another controller";
    const char *other = owner_other(w, f);
    if (other)
        return other;
    if (f->state != FLEET_ACTIVE && f->state != FLEET_MODIFYING && f->state != FLEET_SUBMITTED)
        return fleet_state_name(f->state);
    if (f->ends_with_expiration && f->valid_until_ms > 0 && f->valid_until_ms - w->s->now_ms <= FLEET_ENDS_MS)
        return "about to end with its instances (ValidUntil)";
    return NULL;
}

// A7, A11: of type request, or cancelled with its members running.
static bool is_loose(struct work *w, const struct fleet *f, const struct policy_fleet *policy)
{
    bool kind = f->kind == FLEET_SPOT_FLEET || f->kind == FLEET_EC2_FLEET;
    return policy && f->found && kind && !f->foreign_scaling && !owner_other(w, f) &&
           (f->state == FLEET_CANCELLED_RUNNING || (!f->maintain && f->state == FLEET_ACTIVE));
}

// What we sent counts until a look that began long enough after it shows something else: where looks fail, for as long as they do.
static void fleet_target(struct work *w, const struct fleet *f, struct work_fleet *y)
{
    int64_t look_ms = i64_min(w->s->sources[SOURCE_FLEETS].read_ms, w->s->now_ms);
    y->target = f->target;
    for (size_t k = 0; w->old && k < w->old->target_count; k++) {
        const struct memo_target *t = &w->old->targets[k];
        if (strcmp(t->fleet, f->id) == 0 && t->target != f->target && t->sent_ms <= w->s->now_ms &&
            look_ms - t->sent_ms <= WORK_LAG_MS) {
            y->target = t->target;
            y->lagging = true;
        }
    }
}

static void fleet_members(struct work *w, int index, struct work_fleet *y)
{
    const struct fleet *f = &w->s->fleets[index];
    int64_t seen = 0, doomed = 0, first_notice = 0, newest = 0, on_demand = 0, most = f->on_demand_target * 1000;
    y->leaving = true;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        y->ending = y->ending || (x->fleet == index && x->ec2 == EC2_SHUTTING_DOWN);
        if (x->fleet != index || !w->inst[i].live || capacity_rebalance_forgets(w->s, (int)i))
            continue;
        const struct memo_drain *d = work_drain(w, (int)i);
        bool lowered = d && (d->state == DRAIN_LOWERED || d->state == DRAIN_ENDING) && !w->inst[i].planned_undo;
        y->live++;
        y->live_milli += x->weight_milli;
        seen += x->weight_milli;
        on_demand += x->spot ? 0 : x->weight_milli;
        y->on_demand_milli += x->spot ? 0 : x->weight_milli;
        y->coming += w->inst[i].role == ROLE_COMING;
        if (x->notice_ms > 0) {
            doomed += x->weight_milli;
            first_notice = first_notice == 0 ? x->notice_ms : i64_min(first_notice, x->notice_ms);
            y->leaving = y->leaving && (x->ecs == ECS_DRAINING || x->ecs == ECS_DEREGISTERING || x->ecs == ECS_INACTIVE);
        } else if (!lowered) {
            y->stay_milli += x->weight_milli;
            y->od_stay_milli += x->spot ? 0 : x->weight_milli;
            newest = i64_max(newest, x->launched_ms);
        }
    }
    // Whether a fleet drops a doomed instance from what it counts at the notice or at its end is not documented: ask it.
    y->doomed_milli = i64_max(0, i64_min(doomed, f->fulfilled_milli - (y->live_milli - doomed)));
    if (most > 0) {
        y->live_milli -= i64_max(0, on_demand - most);
        y->stay_milli -= i64_max(0, y->od_stay_milli - most);
        y->od_short_milli = i64_max(0, most - y->od_stay_milli);
    }
    y->unseen_milli = y->ending ? 0 : i64_max(0, f->fulfilled_milli - seen);
    assert(y->stay_milli <= y->live_milli);
    y->first_notice_ms = first_notice;
    y->launched = first_notice > 0 && newest > first_notice;
    y->replaced = y->launched || (first_notice > 0 && modes_aws_now_ms(w) > first_notice + WORK_DOOMED_MS);
}

bool work_pool_in_doubt(const struct work *w, const struct fleet_pool *pool, const struct shape *x)
{
    if (pool->type < 0)
        return true;
    const struct instance_type *t = &w->s->types[pool->type];
    return res_is_zero(instance_type_capacity(t)) && (!x || work_arch_fits(x->arch, t->arch));
}

void work_fleets(struct work *w)
{
    for (size_t k = 0; k < w->s->fleet_count; k++) {
        const struct fleet *f = &w->s->fleets[k];
        struct work_fleet *y = &w->fleet[k];
        *y = (struct work_fleet){0};
        y->policy = policy_fleet_find(w->p, fleet_name(f));
        y->closed = fleet_closed(w, f, y->policy);
        y->loose = y->closed && is_loose(w, f, y->policy);
        fleet_target(w, f, y);
        fleet_members(w, (int)k, y);
        if (f->kind == FLEET_INSTANT)
            launch_sums(w, (int)k);
        if (!y->closed && !w->pools_marked)
            pools_mark(w, k);
        for (size_t n = 0; n < f->pool_count; n++) {
            int64_t weight = f->pools[n].weight_milli;
            y->sizes_in_doubt = y->sizes_in_doubt || work_pool_in_doubt(w, &f->pools[n], NULL);
            y->weight_max_milli = i64_max(y->weight_max_milli, weight);
            y->weight_min_milli = y->weight_min_milli == 0 ? weight : i64_min(y->weight_min_milli, weight);
        }
        if (y->weight_max_milli == 0)
            y->weight_max_milli = y->weight_min_milli = 1000;
    }
    w->pools_marked = true;  // what they hold does not change within a tick
}
