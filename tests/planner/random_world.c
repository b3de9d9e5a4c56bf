#include "tests/planner/random_world.h"

#include <string.h>

static bool chance(struct rng *r, uint64_t percent)
{
    return rng_below(r, 100) < percent;
}

static void random_types(struct build *b, struct rng *r)
{
    static const char *const names[] = {"m5.large", "m5.xlarge", "r5.xlarge", "c5.2xlarge"};
    size_t n = 1 + rng_below(r, 3);
    for (size_t k = 0; k < n; k++) {
        int t = build_type(b, names[k], 2048 * rng_between(r, 1, 4), 3500 * rng_between(r, 1, 8));
        b->s.types[t].spot_usd_micro = chance(r, 70) ? rng_between(r, 20000, 200000) : 0;
    }
}

static void random_fleet(struct build *b, struct rng *r, const char *id)
{
    int f = build_fleet(b, id, 0);
    for (size_t t = 0; t < b->s.type_count; t++)
        build_pool(b, f, (int)t, chance(r, 50) ? 1000 * rng_between(r, 1, 8) : rng_between(r, 300, 9000));
    b->p.fleets[f].max = rng_between(r, 5, 200);
    b->p.fleets[f].min = chance(r, 30) ? rng_between(r, 0, 5) : 0;
}

static void random_services(struct build *b, struct rng *r)
{
    static const int mins[] = {0, 50, 90, 100, 100, 100}, maxs[] = {100, 150, 200, 200, 200};
    static const enum place_kind kinds[] = {PLACE_SPREAD, PLACE_BINPACK_CPU, PLACE_BINPACK_MEMORY, PLACE_RANDOM};
    size_t n = 1 + rng_below(r, 6);
    for (size_t k = 0; k < n; k++) {
        int shape = build_shape(b, arena_printf(&b->a, "s%zu:1", k), 128 * rng_between(r, 1, 16), 256 * rng_between(r, 1, 16));
        b->s.shapes[shape].distinct_instance = chance(r, 15);
        b->s.shapes[shape].strategies[0] = (struct place_strategy){kinds[rng_below(r, 4)], "instanceId"};
        int service = chance(r, 10) ? build_daemon(b, arena_printf(&b->a, "s%zu", k), shape)
                                    : build_service(b, arena_printf(&b->a, "s%zu", k), shape, 0);
        struct service *s = &b->s.services[service];
        if (s->kind == SERVICE_DAEMON) {
            b->s.shapes[shape].need = res_make(64, 128);
            continue;
        }
        s->min_percent = mins[rng_below(r, 6)];
        s->max_percent = maxs[rng_below(r, 5)];
    }
}

static void fill_instance(struct build *b, struct rng *r, int i)
{
    for (size_t k = 0; k < b->s.service_count; k++) {
        const struct shape *x = &b->s.shapes[b->s.services[k].deployments[0].shape];
        int64_t fit = res_times(x->need, b->s.instances[i].remaining);
        int32_t n = (int32_t)rng_below(r, 4);
        n = x->distinct_instance || b->s.services[k].kind == SERVICE_DAEMON ? n > 0 : n;
        n = n > fit ? (int32_t)fit : n;
        if (n > 0)
            build_hold(b, i, (int)k, n);
    }
}

static void settle_desired(struct build *b)
{
    for (size_t k = 0; k < b->s.service_count; k++) {
        struct service *s = &b->s.services[k];
        s->desired = s->running + s->pending;
        s->deployments[0].desired = s->desired;
    }
}

static void settle_targets(struct build *b, struct rng *r, bool calm)
{
    build_settle(b);
    for (size_t f = 0; f < b->s.fleet_count; f++) {
        int64_t sum = b->s.fleets[f].fulfilled_milli / 1000;
        b->s.fleets[f].target = calm || chance(r, 60) ? sum : rng_between(r, sum > 4 ? sum - 4 : 0, sum + 3);
    }
}

void random_calm_world(struct build *b, struct rng *r)
{
    build_init(b);
    random_types(b, r);
    random_fleet(b, r, "sfr-1");
    b->p.fleets[0].max = 100000;
    b->p.headroom_percent = chance(r, 50) ? rng_between(r, 0, 30) : 0;
    random_services(b, r);
    size_t n = rng_below(r, 12);
    for (size_t k = 0; k < n; k++)
        fill_instance(b, r, build_instance(b, 0, (int)rng_below(r, b->s.type_count)));
    settle_desired(b);
    settle_targets(b, r, true);
}

static void odd_instance(struct build *b, struct rng *r, int i)
{
    struct instance *x = &b->s.instances[i];
    switch (rng_below(r, 16)) {
    case 12:
        x->ecs = (enum ecs_state)rng_below(r, ECS_STATE_COUNT);
        break;
    case 13:
        x->ec2 = (enum ec2_state)rng_below(r, EC2_STATE_COUNT);
        break;
    case 14:
        x->rebalance_ms = b->s.now_ms - MINUTE;
        break;
    case 15:
        x->mark = chance(r, 50) ? "owner=masu;at=2026-09-21T14:00:00Z;reason=unneeded" : "owner=ann";
        x->marked_ms = b->s.now_ms - rng_between(r, 0, 20) * MINUTE;
        break;
    case 0:
        build_drained(b, i);
        break;
    case 1:
        x->ecs = ECS_DRAINING;
        break;
    case 2:
        build_noticed(b, i);
        break;
    case 3:
        x->agent_connected = false;
        x->disconnected_since_ms = b->s.now_ms - rng_between(r, 1, 10) * MINUTE;
        break;
    case 4:
        x->launched_ms = b->s.now_ms - 30 * SECOND;
        break;
    case 5:
        x->tasks_known = false;
        break;
    case 6:
        if (x->holding_count == 0) {
            x->ecs = ECS_UNREGISTERED;
            x->launched_ms = b->s.now_ms - rng_between(r, 0, 20) * MINUTE;
        }
        break;
    case 7:
        if (b->s.shape_count > 0)
            build_hold_shape(b, i, -1, 0, 1);
        break;
    case 8:
        if (x->holding_count > 0)
            x->holdings[0].protected_ = x->holdings[0].running;
        break;
    default:
        break;
    }
}

void random_world(struct build *b, struct rng *r)
{
    build_init(b);
    random_types(b, r);
    random_fleet(b, r, "sfr-1");
    if (chance(r, 30))
        random_fleet(b, r, "sfr-2");
    b->p.headroom_percent = chance(r, 50) ? rng_between(r, 0, 30) : 0;
    b->p.drain_percent = rng_between(r, 10, 60);
    b->p.service_percent = rng_between(r, 10, 60);
    b->p.unneeded_ms = 30 * SECOND;
    b->p.payback_ms = chance(r, 50) ? 30 * MINUTE : 0;
    b->p.min_saving_percent = 5;
    random_services(b, r);
    size_t n = rng_below(r, 14);
    for (size_t k = 0; k < n; k++) {
        int fleet = chance(r, 5) ? -1 : (int)rng_below(r, b->s.fleet_count);
        int i = build_instance(b, fleet, (int)rng_below(r, b->s.type_count));
        if (chance(r, 70))
            fill_instance(b, r, i);
        if (chance(r, 60))
            odd_instance(b, r, i);
    }
    settle_desired(b);
    settle_targets(b, r, false);
    for (size_t f = 0; f < b->s.fleet_count; f++)
        if (chance(r, 20))
            b->s.fleets[f].state = (enum fleet_state)rng_below(r, FLEET_STATE_COUNT);
    random_events(b, r);
}

void random_memo(struct build *b, struct rng *r)
{
    struct memo *m = &b->memo;
    *m = (struct memo){.version = MEMO_VERSION, .now_ms = b->s.now_ms - rng_between(r, -5, 60) * MINUTE};
    m->drains = arena_array(&b->a, struct memo_drain, b->s.instance_count + 2);
    for (size_t i = 0; i < b->s.instance_count + 1; i++) {
        if (!chance(r, 50))
            continue;
        m->drains[m->drain_count++] =
            (struct memo_drain){.instance = i < b->s.instance_count ? b->s.instances[i].id : "i-gone",
                                .state = (enum drain_state)rng_below(r, DRAIN_STATE_COUNT),
                                .since_ms = b->s.now_ms - rng_between(r, -10, 40) * MINUTE,
                                .state_since_ms = b->s.now_ms - rng_between(r, -10, 20) * MINUTE,
                                .empty_first_ms = chance(r, 50) ? b->s.now_ms - rng_between(r, -1, 5) * MINUTE : 0,
                                .read_back_ms = chance(r, 50) ? b->s.now_ms - rng_between(r, -1, 5) * MINUTE : 0,
                                .deadline_ms = b->s.now_ms + rng_between(r, -10, 10) * MINUTE,
                                .reason = "unneeded"};
    }
    m->targets = arena_array(&b->a, struct memo_target, b->s.fleet_count + 1);
    for (size_t f = 0; f < b->s.fleet_count; f++)
        m->targets[m->target_count++] =
            (struct memo_target){b->s.fleets[f].id, rng_between(r, 0, 60), b->s.now_ms - rng_between(r, -1, 4) * MINUTE};
    b->has_memo = true;
}

void random_events(struct build *b, struct rng *r)
{
    for (size_t k = 0; k < b->s.service_count; k++) {
        struct service *s = &b->s.services[k];
        if (s->kind != SERVICE_REPLICA || !chance(r, 30))
            continue;
        s->desired = (int32_t)(s->desired + rng_between(r, -2, 4));
        s->desired = s->desired < 0 ? 0 : s->desired;
        s->deployments[0].desired = s->desired;
        s->deployments[0].in_progress = chance(r, 5);
        s->crash_looping = chance(r, 3);
    }
    for (size_t i = 0; i < b->s.instance_count; i++) {
        struct instance *x = &b->s.instances[i];
        if (chance(r, 3) && x->ec2 == EC2_RUNNING)
            x->notice_ms = x->notice_ms ? x->notice_ms : b->s.now_ms;
    }
    for (size_t f = 0; f < b->s.fleet_count; f++)
        if (b->s.fleets[f].state == FLEET_MODIFYING)
            b->s.fleets[f].state = FLEET_ACTIVE;
}

// ---- AWS ------------------------------------------------------------------------------------------------------------------
static void drop_tasks(struct build *b, struct instance *x)
{
    for (size_t k = 0; k < x->holding_count; k++) {
        struct holding *h = &x->holdings[k];
        if (h->service >= 0) {
            b->s.services[h->service].running -= h->running;
            b->s.services[h->service].deployments[0].running -= h->running;
        }
    }
    x->holding_count = 0;
    x->ecs_running = 0;
    x->remaining = x->registered;
}

static void end_instance(struct build *b, struct instance *x)
{
    drop_tasks(b, x);
    x->ec2 = EC2_TERMINATED;
    x->ecs = ECS_UNREGISTERED;
}

static void move_one(struct build *b, struct rng *r, struct instance *x)
{
    for (size_t k = 0; k < x->holding_count; k++) {
        struct holding *h = &x->holdings[k];
        if (h->running == 0 || h->service < 0)
            continue;
        bool daemon = b->s.services[h->service].kind == SERVICE_DAEMON;
        h->running--;
        x->ecs_running--;
        x->remaining = res_add(x->remaining, b->s.shapes[h->shape].need);
        b->s.services[h->service].running--;
        b->s.services[h->service].deployments[0].running--;
        size_t n = b->s.instance_count, from = rng_below(r, n);
        for (size_t i = 0; i < n && !daemon; i++) {
            struct instance *y = &b->s.instances[(from + i) % n];
            if (y->ecs != ECS_ACTIVE || y->notice_ms > 0 || y->holding_count >= 20 ||
                !res_fits(b->s.shapes[h->shape].need, y->remaining))
                continue;
            build_hold_shape(b, (int)((from + i) % n), h->service, h->shape, 1);
            break;
        }
        return;
    }
}

void random_obey(struct build *b, struct rng *r)
{
    const struct plan *p = &b->r.plan;
    for (size_t k = 0; k < p->action_count; k++) {
        const struct action *x = &p->actions[k];
        struct instance *i = x->instance < 0 ? NULL : &b->s.instances[x->instance];
        switch (x->kind) {
        case ACTION_MARK:
            i->mark = x->value;
            i->marked_ms = b->s.now_ms;
            break;
        case ACTION_UNMARK:
            i->mark = "";
            break;
        case ACTION_DRAIN:
            i->ecs = i->ecs == ECS_ACTIVE ? ECS_DRAINING : i->ecs;
            break;
        case ACTION_UNDRAIN:
            i->ecs = i->ecs == ECS_DRAINING ? ECS_ACTIVE : i->ecs;
            break;
        case ACTION_SET_TARGET:
            b->s.fleets[x->fleet].target = x->capacity;
            b->s.fleets[x->fleet].on_demand_target = x->on_demand;
            break;
        case ACTION_TERMINATE:
        case ACTION_END_MEMBER:
            end_instance(b, i);
            break;
        case ACTION_LAUNCH:
        case ACTION_HEARTBEAT:
        case ACTION_COMPLETE:
        case ACTION_DEREGISTER:
        case ACTION_CLAIM:
        case ACTION_COUNT:
            break;
        }
    }
    for (size_t i = 0; i < b->s.instance_count; i++) {
        struct instance *x = &b->s.instances[i];
        if (x->ecs == ECS_DRAINING)
            for (int k = 0; k < 3; k++)
                move_one(b, r, x);
        if (x->notice_ms > 0 && b->s.now_ms - x->notice_ms > 2 * MINUTE && x->ec2 == EC2_RUNNING)
            end_instance(b, x);
    }
}

void random_launch(struct build *b, struct rng *r)
{
    build_settle(b);
    for (size_t f = 0; f < b->s.fleet_count; f++) {
        struct fleet *x = &b->s.fleets[f];
        int64_t on_demand = 0, wanted = x->on_demand_target * 1000;
        for (size_t i = 0; i < b->s.instance_count; i++)
            on_demand += b->s.instances[i].fleet == (int)f && !b->s.instances[i].spot && b->s.instances[i].ec2 == EC2_RUNNING ? b->s.instances[i].weight_milli : 0;
        // Each part is fulfilled by itself.
        while (on_demand < wanted || x->fulfilled_milli - (wanted > 0 ? on_demand - wanted : 0) < x->target * 1000) {
            const struct fleet_pool *p = &x->pools[rng_below(r, x->pool_count)];
            int i = build_instance(b, (int)f, p->type);
            b->s.instances[i].weight_milli = p->weight_milli;
            b->s.instances[i].launched_ms = b->s.instances[i].registered_ms = b->s.now_ms;
            x->fulfilled_milli += p->weight_milli;
            b->s.instances[i].spot = on_demand >= wanted;
            on_demand += b->s.instances[i].spot ? 0 : p->weight_milli;
        }
    }
}

struct outlook random_outlook(const struct build *b, struct rng *r)
{
    int64_t desired = 0;
    for (size_t k = 0; k < b->s.service_count; k++)
        desired += b->s.services[k].kind == SERVICE_REPLICA ? b->s.services[k].desired : 0;
    int64_t need_milli = desired * 125 + rng_between(r, 0, 500), now = need_milli / 1000;
    struct outlook x = {b->s.now_ms, need_milli, (int32_t)(now + rng_between(r, 0, 6)), 0, 2 * MINUTE, rng_below(r, 2) ? 0 : rng_between(r, 0, 3 * need_milli)};
    x.up = rng_below(r, 8) == 0 ? INT32_MAX : x.up;
    x.keep = x.up == INT32_MAX || rng_below(r, 8) == 0 ? INT32_MAX : x.up + (int32_t)rng_between(r, rng_below(r, 10) == 0 ? -3 : 0, 6);
    return x;
}
