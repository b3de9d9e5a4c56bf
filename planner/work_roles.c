// What each instance is to placement now, and what room it has.
#include "planner/groups.h"
#include "planner/modes.h"
#include "planner/work.h"

// ---- roles ----------------------------------------------------------------------------------------------------------------
static bool ec2_ends(enum ec2_state s)
{
    return s == EC2_SHUTTING_DOWN || s == EC2_TERMINATED || s == EC2_STOPPING || s == EC2_STOPPED;
}

static enum role role_unregistered(const struct work *w, const struct instance *x)
{
    if (x->fleet < 0 || x->notice_ms > 0)
        return ROLE_OTHER;
    return modes_aws_now_ms(w) - x->launched_ms <= w->p->boot_limit_ms ? ROLE_COMING : ROLE_LATE;
}

static enum role role_active(const struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    if (w->inst[i].planned_drain || w->inst[i].moves)
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
    if (group_idle(x))
        return ROLE_OTHER;
    if (instance_group_ends(x))
        return x->ecs == ECS_UNREGISTERED ? ROLE_GONE : ROLE_LEAVING;
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
    struct res used = w->inst[i].reserved;
    bool all_known = true;
    for (size_t k = 0; k < x->holding_count; k++) {
        const struct holding *h = &x->holdings[k];
        if (!work_shape_known(w, h->shape))
            all_known = false;
        else
            used = res_add(used, res_scale(work_shape(w, h->shape)->need, h->stopping));
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
        bool there = kinds_fit(w, w->svc[w->daemons[d]].shape, w->kinds.kind_of[i]) == FIT_NO;
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

static void count_tasks(const struct work *w, int i, struct work_instance *ret)
{
    const struct instance *x = &w->s->instances[i];
    ret->tasks_move = true;
    for (size_t k = 0; k < x->holding_count; k++) {
        const struct holding *h = &x->holdings[k];
        int32_t tasks = h->running + h->pending;
        bool daemon = work_is_daemon(w, h->service);
        *(daemon ? &ret->daemon_tasks : &ret->tasks) += tasks + h->stopping;
        if (!daemon && tasks + h->stopping > 0)
            ret->tasks_move = ret->tasks_move && h->service >= 0 && h->shape >= 0 && h->protected_ == 0 &&
                              w->svc[h->service].moves && w->facts[h->shape].moves;
        if (work_shape_known(w, h->shape))
            ret->reserved = res_add(ret->reserved, res_scale(work_shape(w, h->shape)->need, tasks));
    }
}

void work_rooms(struct work *w)
{
    for (size_t i = 0; i < w->s->instance_count; i++) {
        count_tasks(w, (int)i, &w->inst[i]);
        w->inst[i].room = keep_for_daemons(w, (int)i, free_room(w, (int)i));
    }
}

void work_roles(struct work *w)
{
    w->leaving = false;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        struct work_instance *y = &w->inst[i];
        y->role = role_of(w, (int)i);
        w->leaving = w->leaving || y->role == ROLE_LEAVING;
        y->live = (x->ec2 == EC2_PENDING || x->ec2 == EC2_RUNNING) && !group_idle(x) && !instance_group_ends(x);
        y->doomed = x->notice_ms > 0 || ec2_ends(x->ec2) || x->ecs == ECS_INACTIVE;
        y->free = y->role == ROLE_COMING ? coming_room(w, (int)i) : y->room;
    }
}
