#include "planner/work.h"

#include <assert.h>
#include <string.h>

#include "planner/drain.h"

// ---- small questions ------------------------------------------------------------------------------------------------------
const struct shape *work_shape(const struct work *w, int shape)
{
    assert(shape < (int)w->s->shape_count);
    return shape < 0 ? NULL : &w->s->shapes[shape];
}

bool work_shape_known(const struct work *w, int shape)
{
    const struct shape *x = work_shape(w, shape);
    return x && x->known;
}

bool work_is_daemon(const struct work *w, int service)
{
    assert(service < (int)w->s->service_count);
    return service >= 0 && w->s->services[service].kind == SERVICE_DAEMON;
}

int32_t work_task_count(const struct work *w, int instance, bool daemons)
{
    assert(instance >= 0 && instance < (int)w->s->instance_count);
    const struct instance *x = &w->s->instances[instance];
    int32_t n = 0;
    for (size_t k = 0; k < x->holding_count; k++) {
        const struct holding *h = &x->holdings[k];
        if (work_is_daemon(w, h->service) == daemons)
            n += h->running + h->pending + h->stopping;
    }
    return n;
}

struct memo_drain *work_drain(struct work *w, int instance)
{
    int d = w->inst[instance].drain;
    assert(d < (int)w->memo->drain_count);
    return d < 0 ? NULL : &w->memo->drains[d];
}

bool work_drains(const struct work *w, int instance)
{
    int d = w->inst[instance].drain;
    return d >= 0 && w->memo->drains[d].state <= DRAIN_ENDING;
}

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

static int find_type(const struct work *w, const char *name)
{
    for (size_t k = 0; k < w->s->type_count; k++)
        if (strcmp(w->s->types[k].name, name) == 0)
            return (int)k;
    return -1;
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

struct res work_fresh_room(const struct work *w, const struct instance_type *t)
{
    struct res room = instance_type_capacity(t);
    if (res_is_zero(room))
        return room;
    for (size_t k = 0; k < w->daemon_count; k++) {
        const struct shape *x = work_shape(w, w->svc[w->daemons[k]].shape);
        if (work_arch_fits(x->arch, t->arch))
            room = res_sub(room, x->need);
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

static struct memo_stamp *find_stamp(const struct memo *m, enum memo_stamp_kind kind, const char *key)
{
    for (size_t k = 0; m && k < m->stamp_count; k++)
        if (m->stamps[k].kind == kind && strcmp(m->stamps[k].key, key) == 0)
            return &m->stamps[k];
    return NULL;
}

struct memo_stamp *work_stamp(struct work *w, enum memo_stamp_kind kind, const char *key)
{
    return find_stamp(w->memo, kind, key);
}

const struct memo_stamp *work_old_stamp(const struct work *w, enum memo_stamp_kind kind, const char *key)
{
    return find_stamp(w->old, kind, key);
}

struct memo_stamp *work_stamp_set(struct work *w, struct memo_stamp x)
{
    struct memo *m = w->memo;
    struct memo_stamp *there = find_stamp(m, x.kind, x.key);
    assert(x.key && x.kind < STAMP_COUNT);
    if (!there) {
        m->stamps = arena_grow(w->a, m->stamps, m->stamp_count, &m->stamp_cap, sizeof *m->stamps);
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
    w->old = in->memo && in->memo->version == MEMO_VERSION ? in->memo : NULL;
    w->p = in->policy;
    w->a = a;
    w->plan = &ret->plan;
    w->memo = &ret->memo;
    w->memo->version = MEMO_VERSION;
    w->memo->now_ms = s->now_ms;
    w->plan->now_ms = s->now_ms;
    w->plan->cluster = s->cluster;
    w->plan->mode = policy_mode_name(in->policy->mode);
    w->inst = arena_array(a, struct work_instance, s->instance_count + 1);
    w->svc = arena_array(a, struct work_service, s->service_count + 1);
    w->fleet = arena_array(a, struct work_fleet, s->fleet_count + 1);
    w->zones = arena_array(a, const char *, s->instance_count + 1);
    w->scratch = arena_array(a, int32_t, s->instance_count + 1);
    for (size_t i = 0; i < s->instance_count; i++) {
        w->inst[i].drain = -1;
        w->inst[i].undo_action = -1;
        w->inst[i].zone = zone_index(w, s->instances[i].zone);
        w->inst[i].type = find_type(w, s->instances[i].type);
    }
    index_daemons(w);
    index_holds(w);
    w->scratch_zones = arena_array(a, int32_t, (size_t)w->zone_count + 1);
    w->scratch_set = arena_array(a, int, s->instance_count + 1);
    find_reference(w);
    w->fresh = arena_array(a, struct res, s->type_count + 1);
    w->has_pool = arena_array(a, bool, s->shape_count + 1);
    for (size_t k = 0; k < s->type_count; k++)
        w->fresh[k] = work_fresh_room(w, &s->types[k]);
}

// ---- roles ----------------------------------------------------------------------------------------------------------------
static bool ec2_ends(enum ec2_state s)
{
    return s == EC2_SHUTTING_DOWN || s == EC2_TERMINATED || s == EC2_STOPPING || s == EC2_STOPPED;
}

static enum role role_unregistered(const struct work *w, const struct instance *x)
{
    if (x->fleet < 0 || x->notice_ms > 0)
        return ROLE_OTHER;
    return w->s->now_ms - x->launched_ms <= w->p->boot_limit_ms ? ROLE_COMING : ROLE_LATE;
}

static enum role role_active(const struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    if (w->inst[i].planned_drain)
        return ROLE_LEAVING;
    if (w->inst[i].planned_undo)
        return ROLE_SHAKY;
    if (work_drains(w, i))  // DRAINING was sent and is not yet to be seen
        return ROLE_LEAVING;
    if (x->mark[0] && w->s->now_ms - x->marked_ms <= WORK_LAG_MS)
        return ROLE_SHAKY;  // marked, and no drain of ours that we know of: DRAINING may be about to show
    if (x->agent_connected)
        return ROLE_ACTIVE;
    if (x->disconnected_since_ms > 0 && w->s->now_ms - x->disconnected_since_ms > WORK_DISCONNECTED_MS)
        return ROLE_UNREACHABLE;
    return ROLE_SHAKY;
}

static enum role role_draining(const struct work *w, int i)
{
    const struct work_instance *x = &w->inst[i];
    if (x->planned_undo)
        return ROLE_SHAKY;
    if (x->drain >= 0) {
        const struct memo_drain *d = &w->memo->drains[x->drain];
        if (d->state == DRAIN_UNDOING && w->s->now_ms - d->state_since_ms <= WORK_LAG_MS)
            return ROLE_SHAKY;
    }
    return ROLE_LEAVING;
}

static enum role role_of(const struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    if (ec2_ends(x->ec2))
        return x->ecs == ECS_UNREGISTERED ? ROLE_GONE : ROLE_LEAVING;
    switch (x->ecs) {
    case ECS_UNREGISTERED:
    case ECS_REGISTERING:
        return role_unregistered(w, x);
    case ECS_REGISTRATION_FAILED:
        return ROLE_LATE;
    case ECS_ACTIVE:
        return x->notice_ms > 0 ? ROLE_LEAVING : role_active(w, i);
    case ECS_DRAINING:
        return x->notice_ms > 0 ? ROLE_LEAVING : role_draining(w, i);
    case ECS_DEREGISTERING:
    case ECS_INACTIVE:
        return ROLE_LEAVING;
    case ECS_OTHER:
    case ECS_STATE_COUNT:
        break;
    }
    return ROLE_OTHER;
}

// Room is registered minus what is still in the box (remainingResources forgets tasks that are stopping), or what ECS says,
// whichever is smaller; daemons that have not come yet keep their share.
static struct res free_room(const struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    struct res used = {{0}};
    bool all_known = true;
    for (size_t k = 0; k < x->holding_count; k++) {
        const struct holding *h = &x->holdings[k];
        if (!work_shape_known(w, h->shape))
            all_known = false;
        else
            used = res_add(used, res_scale(work_shape(w, h->shape)->need, h->running + h->pending + h->stopping));
    }
    struct res room = x->remaining;
    if (all_known)
        room = res_min(room, res_sub(x->registered, used));
    return room;
}

static struct res keep_for_daemons(const struct work *w, int i, struct res room)
{
    const struct instance *x = &w->s->instances[i];
    for (size_t d = 0; d < w->daemon_count; d++) {
        const struct shape *shape = work_shape(w, w->svc[w->daemons[d]].shape);
        bool there = !work_arch_fits(shape->arch, x->arch);
        for (size_t k = 0; k < x->holding_count && !there; k++)
            there = x->holdings[k].service == w->daemons[d];
        if (!there && res_fits(shape->need, room))
            room = res_sub(room, shape->need);
    }
    return room;
}

// A member whose type is unknown counts as the smallest that its fleet may launch.
static struct res coming_room(const struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    struct res room = w->inst[i].type >= 0 ? w->fresh[w->inst[i].type] : (struct res){{0}};
    if (!res_is_zero(room) || x->fleet < 0)
        return room;
    const struct fleet *f = &w->s->fleets[x->fleet];
    for (size_t k = 0; k < f->pool_count; k++) {
        if (f->pools[k].type < 0)
            continue;
        struct res other = w->fresh[f->pools[k].type];
        if (!res_is_zero(other))
            room = res_is_zero(room) ? other : res_min(room, other);
    }
    return room;
}

void work_roles(struct work *w)
{
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        struct work_instance *y = &w->inst[i];
        y->role = role_of(w, (int)i);
        y->live = x->ec2 == EC2_PENDING || x->ec2 == EC2_RUNNING;
        y->doomed = x->notice_ms > 0 || ec2_ends(x->ec2) || x->ecs == ECS_INACTIVE;
        if (y->role == ROLE_COMING)
            y->free = coming_room(w, (int)i);
        else
            y->free = keep_for_daemons(w, (int)i, free_room(w, (int)i));
    }
}

// ---- fleets ---------------------------------------------------------------------------------------------------------------
static const char *fleet_closed(const struct fleet *f, const struct policy_fleet *policy)
{
    if (!policy)
        return "not in the policy";
    if (!f->found)
        return "AWS does not know it";
    if (!f->maintain)
        return "not of type maintain";
    if (f->foreign_scaling)
        return "scaled by another controller";
    if (f->kind != FLEET_SPOT_FLEET)
        return "of a kind this build does not change";
    if (f->state != FLEET_ACTIVE && f->state != FLEET_MODIFYING && f->state != FLEET_SUBMITTED)
        return fleet_state_name(f->state);
    return NULL;
}

static void fleet_target(struct work *w, const struct fleet *f, struct work_fleet *y)
{
    y->target = f->target;
    for (size_t k = 0; w->old && k < w->old->target_count; k++) {
        const struct memo_target *t = &w->old->targets[k];
        if (strcmp(t->fleet, f->id) == 0 && t->target != f->target && t->sent_ms <= w->s->now_ms &&
            w->s->now_ms - t->sent_ms <= WORK_LAG_MS) {
            y->target = t->target;
            y->lagging = true;
        }
    }
}

static void fleet_members(struct work *w, int index, struct work_fleet *y)
{
    const struct fleet *f = &w->s->fleets[index];
    int64_t doomed = 0, first_notice = 0, newest = 0;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        if (x->fleet != index || !w->inst[i].live)
            continue;
        const struct memo_drain *d = work_drain(w, (int)i);
        bool lowered = d && (d->state == DRAIN_LOWERED || d->state == DRAIN_ENDING) && !w->inst[i].planned_undo;
        y->live++;
        y->live_milli += x->weight_milli;
        y->coming += w->inst[i].role == ROLE_COMING;
        if (x->notice_ms > 0) {
            doomed += x->weight_milli;
            first_notice = first_notice == 0 ? x->notice_ms : i64_min(first_notice, x->notice_ms);
        } else if (!lowered) {
            y->stay_milli += x->weight_milli;
            newest = i64_max(newest, x->launched_ms);
        }
    }
    assert(y->stay_milli <= y->live_milli);
    // Whether a fleet drops a doomed instance from what it counts at the notice or at its end is not documented: ask it.
    y->doomed_milli = i64_max(0, i64_min(doomed, f->fulfilled_milli - (y->live_milli - doomed)));
    y->replaced = first_notice > 0 && (newest > first_notice || w->s->now_ms > first_notice + 110 * 1000);
}

bool work_pool_in_doubt(const struct work *w, const struct fleet_pool *pool, const struct shape *x)
{
    if (pool->type < 0)
        return true;
    const struct instance_type *t = &w->s->types[pool->type];
    return res_is_zero(instance_type_capacity(t)) && (!x || work_arch_fits(x->arch, t->arch));
}

static void mark_pools(struct work *w, const struct fleet *f)
{
    for (size_t n = 0; n < f->pool_count; n++) {
        int type = f->pools[n].type;
        for (size_t k = 0; k < w->s->shape_count; k++) {
            const struct shape *x = &w->s->shapes[k];
            if (x->known && work_pool_in_doubt(w, &f->pools[n], x))
                w->has_pool[k] = true;  // it may hold one: headroom and scale-in wait for its size
            if (type < 0 || res_is_zero(w->fresh[type]))
                continue;
            if (x->known && work_arch_fits(x->arch, w->s->types[type].arch) && res_fits(x->need, w->fresh[type]))
                w->has_pool[k] = true;
        }
    }
}

void work_fleets(struct work *w)
{
    for (size_t k = 0; k < w->s->fleet_count; k++) {
        const struct fleet *f = &w->s->fleets[k];
        struct work_fleet *y = &w->fleet[k];
        *y = (struct work_fleet){0};
        for (size_t n = 0; n < w->p->fleet_count; n++)
            if (strcmp(w->p->fleets[n].id, f->id) == 0)
                y->policy = &w->p->fleets[n];
        y->closed = fleet_closed(f, y->policy);
        fleet_target(w, f, y);
        fleet_members(w, (int)k, y);
        if (!y->closed)
            mark_pools(w, f);
        for (size_t n = 0; n < f->pool_count; n++) {
            int64_t weight = f->pools[n].weight_milli;
            y->sizes_in_doubt = y->sizes_in_doubt || work_pool_in_doubt(w, &f->pools[n], NULL);
            y->weight_max_milli = i64_max(y->weight_max_milli, weight);
            y->weight_min_milli = y->weight_min_milli == 0 ? weight : i64_min(y->weight_min_milli, weight);
        }
        if (y->weight_max_milli == 0)
            y->weight_max_milli = y->weight_min_milli = 1000;
    }
}
