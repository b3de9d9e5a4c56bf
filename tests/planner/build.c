#include "tests/planner/build.h"

#include <string.h>

void build_init(struct build *b)
{
    memset(b, 0, sizeof *b);
    arena_init(&b->a, 0);
    b->s = (struct snapshot){.now_ms = T0,
                             .account = "111122223333",
                             .region = "eu-west-1",
                             .cluster = "c",
                             .started_ms = T0 - 2 * HOUR,
                             .owner = "masu",
                             .policy_hash = "0123456789abcdef",
                             .confirmed = "",
                             .control = {.who = "", .why = ""},
                             .complete_looks = 240};
    b->p = (struct policy_cluster){.name = "c",
                                   .region = "eu-west-1",
                                   .account = "",
                                   .mode = MODE_ACT,
                                   .time_zone = "UTC",
                                   .period_ms = 30 * SECOND,
                                   .max_age_ms = 90 * SECOND,
                                   .step_instances = 50,
                                   .surge_services = 3,
                                   .boot_limit_ms = 10 * MINUTE,
                                   .fallback_ms = MINUTE,
                                   .on_demand_ms = 2 * MINUTE,
                                   .scale_in = true,
                                   .start_hold_ms = 30 * MINUTE,
                                   .unneeded_ms = 60 * SECOND,
                                   .min_age_ms = 5 * MINUTE,
                                   .drain_percent = 10,
                                   .service_percent = 10,
                                   .settle_ms = 60 * SECOND,
                                   .shrink_percent = 50,
                                   .drain_deadline_ms = 15 * MINUTE,
                                   .on_deadline = ON_DEADLINE_UNDO,
                                   .exclude_ms = 6 * HOUR,
                                   .demand_hold_ms = 20 * MINUTE};
    b->p.fleets = arena_array(&b->a, struct policy_fleet, 16);
    build_later(b, 0);
}

void build_release(struct build *b)
{
    arena_release(&b->a);
}

#define GROW(b, items, count, cap) ((items) = arena_grow(&(b)->a, (items), (count), &(b)->cap, sizeof *(items)))

int build_type(struct build *b, const char *name, int64_t cpu_units, int64_t memory_mib)
{
    GROW(b, b->s.types, b->s.type_count, type_cap);
    b->s.types[b->s.type_count] = (struct instance_type){.name = name,
                                                         .nominal = res_make(cpu_units, memory_mib + 512),
                                                         .registered = res_make(cpu_units, memory_mib),
                                                         .arch = "x86_64"};
    return (int)b->s.type_count++;
}

int build_fleet(struct build *b, const char *id, int64_t target)
{
    GROW(b, b->s.fleets, b->s.fleet_count, fleet_cap);
    b->s.fleets[b->s.fleet_count] = (struct fleet){.id = id,
                                                   .kind = FLEET_SPOT_FLEET,
                                                   .state = FLEET_ACTIVE,
                                                   .found = true,
                                                   .maintain = true,
                                                   .activity = "fulfilled",
                                                   .target = target,
                                                   .allocation = "lowestPrice",
                                                   .owner = "masu",
                                                   .foreign = "",
                                                   .control = "",
                                                   .denied = "",
                                                   .last_error = ""};
    b->s.fleets[b->s.fleet_count].pools = arena_array(&b->a, struct fleet_pool, 32);
    b->p.fleets[b->p.fleet_count++] = (struct policy_fleet){.id = id, .max = 1000};
    return (int)b->s.fleet_count++;
}

void build_pool(struct build *b, int fleet, int type, int64_t weight_milli)
{
    struct fleet *f = &b->s.fleets[fleet];
    assert_true(f->pool_count < 32);
    f->pools[f->pool_count++] =
        (struct fleet_pool){.type = type, .type_name = b->s.types[type].name, .zone = "", .weight_milli = weight_milli,
                            .subnet = "", .launch_template = ""};
}

int build_shape(struct build *b, const char *name, int64_t cpu_units, int64_t memory_mib)
{
    GROW(b, b->s.shapes, b->s.shape_count, shape_cap);
    b->s.shapes[b->s.shape_count] = (struct shape){.name = name,
                                                   .need = res_make(cpu_units, memory_mib),
                                                   .known = true,
                                                   .arch = "",
                                                   .unmodelled = "",
                                                   .vpc = "",
                                                   .strategies = {{PLACE_BINPACK_MEMORY, ""}},
                                                   .strategy_count = 1,
                                                   .stop_timeout_ms = 30 * SECOND};
    return (int)b->s.shape_count++;
}

int build_service(struct build *b, const char *name, int shape, int32_t desired)
{
    GROW(b, b->s.services, b->s.service_count, service_cap);
    struct service *s = &b->s.services[b->s.service_count];
    *s = (struct service){.name = name,
                          .arn = name,
                          .kind = SERVICE_REPLICA,
                          .on_ec2 = true,
                          .desired = desired,
                          .min_percent = 100,
                          .max_percent = 200,
                          .not_ours = "",
                          .last_event = ""};
    s->deployments = arena_array(&b->a, struct deployment, 4);
    s->deployments[0] = (struct deployment){.id = "d1", .primary = true, .shape = shape, .desired = desired};
    s->deployment_count = 1;
    return (int)b->s.service_count++;
}

int build_daemon(struct build *b, const char *name, int shape)
{
    int service = build_service(b, name, shape, 0);
    b->s.services[service].kind = SERVICE_DAEMON;
    b->s.services[service].min_percent = 0;
    b->s.services[service].max_percent = 100;
    return service;
}

int build_instance(struct build *b, int fleet, int type)
{
    static const char *const zones[] = {"eu-west-1a", "eu-west-1b", "eu-west-1c"};
    GROW(b, b->s.instances, b->s.instance_count, instance_cap);
    size_t n = b->s.instance_count;
    struct res has = b->s.types[type].registered;
    b->s.instances[n] = (struct instance){.id = arena_printf(&b->a, "i-%03zu", n + 1),
                                          .arn = arena_printf(&b->a, "ci-%03zu", n + 1),
                                          .type = b->s.types[type].name,
                                          .zone = zones[n % 3],
                                          .arch = "x86_64",
                                          .spot = true,
                                          .fleet = fleet,
                                          .weight_milli = 1000,
                                          .ecs = ECS_ACTIVE,
                                          .ec2 = EC2_RUNNING,
                                          .agent_connected = true,
                                          .provider = "",
                                          .launch_template = "", .agent_version = "",
                                          .elsewhere = "",
                                          .ever_registered = true,
                                          .ports = port_set_reserved,
                                          .launched_ms = b->s.now_ms - HOUR,
                                          .registered_ms = b->s.now_ms - HOUR + 2 * MINUTE,
                                          .registered = has,
                                          .remaining = has,
                                          .tasks_known = true,
                                          .mark = ""};
    if (fleet >= 0)
        for (size_t k = 0; k < b->s.fleets[fleet].pool_count; k++)
            if (b->s.fleets[fleet].pools[k].type == type)
                b->s.instances[n].weight_milli = b->s.fleets[fleet].pools[k].weight_milli;
    b->s.instances[n].holdings = arena_array(&b->a, struct holding, 24);
    return (int)b->s.instance_count++;
}

void build_hold_shape(struct build *b, int instance, int service, int shape, int32_t running)
{
    struct instance *x = &b->s.instances[instance];
    assert_true(x->holding_count < 24);
    x->holdings[x->holding_count++] =
        (struct holding){.service = service, .shape = shape, .running = running, .example_task = "t-1"};
    x->remaining = res_sub(x->remaining, res_scale(b->s.shapes[shape].need, running));
    x->ecs_running += running;
    if (service >= 0) {
        b->s.services[service].running += running;
        b->s.services[service].deployments[0].running += running;
    }
}

void build_hold(struct build *b, int instance, int service, int32_t running)
{
    build_hold_shape(b, instance, service, b->s.services[service].deployments[0].shape, running);
}

void build_drained(struct build *b, int instance)
{
    struct instance *x = &b->s.instances[instance];
    x->ecs = ECS_DRAINING;
    x->mark = "owner=masu;at=2026-09-21T14:12:20Z;reason=unneeded";
    x->marked_ms = b->s.now_ms - MINUTE;
}

void build_noticed(struct build *b, int instance)
{
    b->s.instances[instance].notice_ms = b->s.now_ms - 10 * SECOND;
}

void build_settle(struct build *b)
{
    for (size_t f = 0; f < b->s.fleet_count; f++) {
        b->s.fleets[f].fulfilled_milli = b->unseen_milli;
        for (size_t i = 0; i < b->s.instance_count; i++) {
            const struct instance *x = &b->s.instances[i];
            if (x->fleet == (int)f && (x->ec2 == EC2_PENDING || x->ec2 == EC2_RUNNING))
                b->s.fleets[f].fulfilled_milli += x->weight_milli;
        }
    }
}

struct plan *build_plan(struct build *b)
{
    struct err err = {0};
    build_settle(b);
    struct planner_input in = {&b->s, b->has_memo ? &b->memo : NULL, &b->p};
    int r = planner_run(&in, &b->a, &b->r, &err);
    if (r)
        fail_msg("planner_run: %s", err.msg);
    b->memo = b->r.memo;
    b->has_memo = true;
    return &b->r.plan;
}

void build_later(struct build *b, int64_t ms)
{
    b->s.now_ms += ms;
    for (int k = 0; k < SOURCE_COUNT; k++)
        b->s.sources[k] = (struct source){.state = SOURCE_OK, .read_ms = b->s.now_ms - 2 * SECOND, .detail = ""};
}

void build_age(struct build *b, enum source_kind k, int64_t ms)
{
    b->s.sources[k].read_ms = b->s.now_ms - ms;
}

struct plan *build_ticks(struct build *b, int n)
{
    struct plan *p = build_plan(b);
    for (int k = 1; k < n; k++) {
        build_later(b, 30 * SECOND);
        p = build_plan(b);
    }
    return p;
}

// ---- questions ------------------------------------------------------------------------------------------------------------
int plan_count(const struct plan *p, enum action_kind k)
{
    int n = 0;
    for (size_t i = 0; i < p->action_count; i++)
        n += p->actions[i].kind == k;
    return n;
}

const struct action *plan_action(const struct plan *p, enum action_kind k, const char *target)
{
    for (size_t i = 0; i < p->action_count; i++)
        if (p->actions[i].kind == k && strcmp(p->actions[i].target, target) == 0)
            return &p->actions[i];
    return NULL;
}

int64_t plan_target(const struct plan *p, const char *fleet)
{
    const struct action *x = plan_action(p, ACTION_SET_TARGET, fleet);
    return x ? x->capacity : -1;
}

const struct verdict *plan_verdict(const struct plan *p, const char *target)
{
    const struct verdict *found = NULL;
    for (size_t i = 0; i < p->verdict_count; i++) {
        const struct verdict *v = &p->verdicts[i];
        if (strcmp(v->target, target) != 0)
            continue;
        if (found)
            fail_msg("%s has two verdicts: %s -> %s; %s -> %s", target, found->fact, found->verdict, v->fact, v->verdict);
        found = v;
    }
    if (!found)
        fail_msg("%s has no verdict", target);
    return found;
}

const struct verdict *plan_capped(const struct plan *p, const char *target)
{
    for (size_t i = 0; i < p->verdict_count; i++)
        if (p->verdicts[i].code == VERDICT_CAPPED && strcmp(p->verdicts[i].target, target) == 0)
            return &p->verdicts[i];
    return NULL;
}

const struct memo_drain *memo_drain_of(const struct memo *m, const char *instance)
{
    for (size_t k = 0; k < m->drain_count; k++)
        if (strcmp(m->drains[k].instance, instance) == 0)
            return &m->drains[k];
    return NULL;
}

const struct memo_stamp *memo_stamp_of(const struct memo *m, enum memo_stamp_kind k, const char *key)
{
    for (size_t n = 0; n < m->stamp_count; n++)
        if (m->stamps[n].kind == k && strcmp(m->stamps[n].key, key) == 0)
            return &m->stamps[n];
    return NULL;
}

const struct alert *plan_alert(const struct plan *p, const char *id, const char *target)
{
    for (size_t k = 0; k < p->alert_count; k++)
        if (strcmp(p->alerts[k].id, id) == 0 && strcmp(p->alerts[k].target, target) == 0)
            return &p->alerts[k];
    plan_print(p);
    fail_msg("no alert %s of %s", id, target);
    return NULL;
}

void plan_print(const struct plan *p)
{
    for (size_t k = 0; k < p->action_count; k++)
        print_message("%d %s: %s -> %s\n", (int)p->actions[k].kind, p->actions[k].target, p->actions[k].fact, p->actions[k].verdict);
    for (size_t k = 0; k < p->verdict_count; k++)
        print_message("= %s: %s -> %s\n", p->verdicts[k].target, p->verdicts[k].fact, p->verdicts[k].verdict);
}
