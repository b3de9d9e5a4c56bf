// Every rule of placement by an example, and on random clusters against a slow scheduler that knows nothing but the rules' words.
#include "tests/sim/fixture.h"
#include "tests/sim/random_cluster.h"

#include "planner/sim/query.h"

static int host_of(struct world *w, const char *type, int zone)
{
    return world_add_instance(w, 0, -1, world_type_index(w, type), zone);
}

static size_t places(struct world *w, int service_index, int **ret, struct arena *a)
{
    struct world_ask ask;
    world_ask_service(w, service_index, &ask);
    return world_places(w, &ask, a, ret);
}

static int with_rules(struct world *w, const char *name, int taskdef, int32_t desired, const struct world_rules *rules)
{
    return world_add_service(w, &(struct world_service_spec){.name = name, .taskdef = taskdef, .desired = desired, .max_percent = 200, .rules = rules});
}

static void what_is_reserved_follows_task_then_soft_then_hard_limits(void **state)
{
    (void)state;
    struct world *w = calm_world();
    struct world_container k[] = {{.name = "a", .cpu_units = 100, .memory_mib = 512, .soft_mib = 256, .gpus = 1},
                                  {.name = "b", .cpu_units = 28, .memory_mib = 300}};
    struct world_taskdef d = {.family = "f", .containers = k, .container_count = 2};
    int at = world_add_taskdef(w, &d);
    struct res r = world_view(w).taskdefs[at].need;
    assert_int_equal(r.v[RES_CPU], 128);
    assert_int_equal(r.v[RES_MEMORY], 556);
    assert_int_equal(r.v[RES_GPU], 1);
    assert_int_equal(r.v[RES_ENI], 0);
    d.cpu_units = 256;
    d.memory_mib = 1024;
    d.network = WN_AWSVPC;
    at = world_add_taskdef(w, &d);
    r = world_view(w).taskdefs[at].need;
    assert_int_equal(r.v[RES_CPU], 256);
    assert_int_equal(r.v[RES_MEMORY], 1024);
    assert_int_equal(r.v[RES_ENI], 1);
    struct world_container_override o[] = {{"b", 50, 700, WORLD_LEFT_OUT, 2}};
    struct world_task_override by_container = {WORLD_LEFT_OUT, WORLD_LEFT_OUT, o, 1}, by_task = {512, 2048, o, 1};
    struct world_taskdef plain = {.family = "g", .containers = k, .container_count = 2};
    at = world_add_taskdef(w, &plain);
    r = world_reservation(&world_view(w).taskdefs[at], &by_container);
    assert_int_equal(r.v[RES_CPU], 150);
    assert_int_equal(r.v[RES_MEMORY], 956);
    assert_int_equal(r.v[RES_GPU], 3);
    r = world_reservation(&world_view(w).taskdefs[at], &by_task);
    assert_int_equal(r.v[RES_CPU], 512);
    assert_int_equal(r.v[RES_MEMORY], 2048);
    world_free(w);
}

static void host_ports_count_by_network_mode_and_protocol_and_some_are_the_agents(void **state)
{
    (void)state;
    struct world *w = calm_world();
    add_host(w, -1, 0);
    struct world_container k[] = {{.name = "a", .memory_mib = 64, .ports = {{.host = 53, .container = 53, .udp = true}, {.container = 80}}, .port_count = 2}};
    struct world_taskdef d = {.family = "dns", .containers = k, .container_count = 1, .start_ms = 1000};
    int udp = world_add_taskdef(w, &d), task;
    assert_int_equal(world_view(w).taskdefs[udp].port_count, 1);  // the dynamic one is not reserved
    assert_int_equal(world_run_task(w, WORLD_PERSON, 0, udp, 0, &task), WORLD_OK);
    assert_int_equal(world_run_task(w, WORLD_PERSON, 0, udp, 0, &task), WORLD_NO_ROOM);
    k[0].ports[0].udp = false;
    int tcp = world_add_taskdef(w, &d);
    assert_int_equal(world_run_task(w, WORLD_PERSON, 0, tcp, 0, &task), WORLD_OK);  // another protocol
    d.network = WN_HOST;
    int host_mode = world_add_taskdef(w, &d);
    assert_int_equal(world_view(w).taskdefs[host_mode].port_count, 2);
    d.network = WN_AWSVPC;
    int awsvpc = world_add_taskdef(w, &d);
    assert_int_equal(world_view(w).taskdefs[awsvpc].port_count, 0);
    d.network = WN_BRIDGE;
    k[0].ports[0].host = 51679;
    int agents = world_add_taskdef(w, &d), closest;
    enum world_place why;
    struct world_run run = {.taskdef = agents, .instance = -1, .provider = -1};
    assert_int_equal(world_run(w, WORLD_PERSON, &run, &task, &why, &closest), WORLD_NO_ROOM);
    assert_string_equal(world_place_reason(why), "RESOURCE:PORTS");
    world_free(w);
}

static void gpus_are_slots_with_ids_that_no_two_tasks_share(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int type = world_add_type(w, &(struct world_type){"p3.8xlarge", "x86_64", 32, 249856, 8, 4, 60, 12240000});
    int plain = add_host(w, -1, 0), gpu = world_add_instance(w, 0, -1, type, 1), task;
    struct world_container k[] = {{.name = "a", .memory_mib = 64, .gpus = 2}};
    struct world_taskdef d = {.family = "train", .containers = k, .container_count = 1, .start_ms = 1000, .stops_in_ms = 100, .stop_timeout_ms = 1000};
    int def = world_add_taskdef(w, &d), first, second;
    assert_int_equal(world_run_task(w, WORLD_PERSON, 0, def, 0, &first), WORLD_OK);
    assert_int_equal(world_run_task(w, WORLD_PERSON, 0, def, 0, &second), WORLD_OK);
    struct world_view v = world_view(w);
    assert_int_equal(v.tasks[first].instance, gpu);
    assert_int_equal(v.tasks[first].gpu_mask & v.tasks[second].gpu_mask, 0);
    assert_int_equal(v.tasks[first].gpu_mask | v.tasks[second].gpu_mask, 15);
    enum world_place why;
    int closest;
    struct world_run run = {.taskdef = def, .instance = -1, .provider = -1};
    assert_int_equal(world_run(w, WORLD_PERSON, &run, &task, &why, &closest), WORLD_NO_ROOM);
    assert_string_equal(world_place_reason(why), "RESOURCE:GPU");
    assert_int_equal(host(w, plain).remaining.v[RES_GPU], 0);
    world_stop_task(w, WORLD_PERSON, first);
    assert_int_equal(world_run(w, WORLD_PERSON, &run, &task, &why, &closest), WORLD_OK);
    assert_int_equal(world_view(w).tasks[task].gpu_mask, v.tasks[first].gpu_mask);
    world_free(w);
}

static void trunking_gives_more_interfaces_and_an_attribute(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int trunk = world_add_template(w, &(struct world_template){.id = "lt-0trunk", .ami = "ami-1", .agent_version = "1.98.0", .trunking = true});
    struct world_override o = {world_type_index(w, "c5.large"), -1, 1000};
    int f = world_add_fleet(w, &(struct world_fleet_spec){.overrides = &o, .override_count = 1, .template = trunk});
    int plain = host_of(w, "c5.large", 0), trunked = world_add_instance(w, 0, f, world_type_index(w, "c5.large"), 0);
    assert_int_equal(host(w, plain).registered.v[RES_ENI], 2);
    assert_int_equal(host(w, trunked).registered.v[RES_ENI], 10);
    assert_null(world_attribute(w, plain, "ecs.awsvpc-trunk-id"));
    assert_int_equal(strncmp(world_attribute(w, trunked, "ecs.awsvpc-trunk-id"), "eni-", 4), 0);
    struct world_container k[] = {{.name = "a", .cpu_units = 10, .memory_mib = 10}};
    struct world_taskdef d = {.family = "eni", .containers = k, .container_count = 1, .network = WN_AWSVPC, .start_ms = 1000};
    int def = world_add_taskdef(w, &d), task, n = 0;
    while (world_run_task(w, WORLD_PERSON, 0, def, 0, &task) == WORLD_OK)
        n++;
    assert_int_equal(n, 12);
    world_free(w);
}

static void an_awsvpc_task_goes_only_where_its_subnets_are(void **state)
{
    (void)state;
    struct world *w = calm_world();
    add_host(w, -1, 0);
    int b = add_host(w, -1, 1), task, closest;
    struct world_container k[] = {{.name = "a", .cpu_units = 10, .memory_mib = 10}};
    struct world_taskdef d = {.family = "eni", .containers = k, .container_count = 1, .network = WN_AWSVPC, .start_ms = 1000};
    int def = world_add_taskdef(w, &d);
    struct world_rules in_b = {.subnets = {1}, .subnet_count = 1}, in_c = {.subnets = {2}, .subnet_count = 1};
    struct world_run run = {.taskdef = def, .instance = -1, .provider = -1, .rules = &in_b};
    enum world_place why;
    assert_int_equal(world_run(w, WORLD_PERSON, &run, &task, &why, &closest), WORLD_OK);
    assert_int_equal(world_view(w).tasks[task].instance, b);
    run.rules = &in_c;
    assert_int_equal(world_run(w, WORLD_PERSON, &run, &task, &why, &closest), WORLD_NO_ROOM);
    assert_string_equal(world_place_reason(why), "LOCATION");
    d.network = WN_BRIDGE;
    run.taskdef = world_add_taskdef(w, &d);
    assert_int_equal(world_run(w, WORLD_PERSON, &run, &task, &why, &closest), WORLD_OK);  // subnets bind awsvpc tasks alone
    world_free(w);
}

static void required_attributes_and_member_of_bind_from_the_definition_and_from_the_service(void **state)
{
    (void)state;
    struct world *w = calm_world();
    struct arena a;
    arena_init(&a, 0);
    int old = world_add_template(w, &(struct world_template){.id = "lt-0old", .ami = "ami-1", .agent_version = "1.9.0", .lacks_capabilities = true});
    struct world_override o = {world_type_index(w, "m5.xlarge"), -1, 1000};
    int f = world_add_fleet(w, &(struct world_fleet_spec){.overrides = &o, .override_count = 1, .template = old});
    int agent_of_old = world_add_instance(w, 0, f, o.type, 0), now = add_host(w, -1, 1), marked = add_host(w, -1, 2), *at;
    assert_int_equal(world_put_attribute(w, WORLD_PERSON, marked, "stack", "prod"), WORLD_OK);
    static const struct world_attribute role = {"com.amazonaws.ecs.capability.task-iam-role", ""};
    struct world_taskdef d = {.family = "r", .need = res_make(10, 10), .requires = &role, .require_count = 1};
    int needs_role = world_add_taskdef(w, &d), s = with_rules(w, "role", needs_role, 0, NULL);
    assert_int_equal(places(w, s, &at, &a), 2);
    assert_int_equal(at[0], now);
    struct world_rules prod = {.member_of = {"attribute:stack == prod"}, .member_of_count = 1};
    s = with_rules(w, "prod", needs_role, 0, &prod);
    assert_int_equal(places(w, s, &at, &a), 1);
    assert_int_equal(at[0], marked);
    struct world_taskdef by_def = {.family = "m", .need = res_make(10, 10), .member_of = {"agentVersion < 1.10"}, .member_of_count = 1};
    s = with_rules(w, "old", world_add_taskdef(w, &by_def), 0, NULL);
    assert_int_equal(places(w, s, &at, &a), 1);
    assert_int_equal(at[0], agent_of_old);
    s = with_rules(w, "none", world_add_taskdef(w, &by_def), 1, &prod);
    later(w, 1);
    assert_non_null(strstr(service(w, s).events[0].text, "encountered error \"MemberOf placement constraint unsatisfied.\""));
    struct world_taskdef gone = {.family = "x", .need = res_make(10, 10), .requires = &(struct world_attribute){"nobody", ""}, .require_count = 1};
    s = with_rules(w, "attr", world_add_taskdef(w, &gone), 1, NULL);
    later(w, 1);
    assert_non_null(strstr(service(w, s).events[0].text, "is missing an attribute required by your task."));
    assert_int_equal(world_delete_attribute(w, WORLD_PERSON, marked, "stack"), WORLD_OK);
    assert_int_equal(world_delete_attribute(w, WORLD_PERSON, marked, "stack"), WORLD_NOT_FOUND);
    assert_int_equal(world_put_attribute(w, WORLD_PERSON, marked, "ecs.instance-type", "x"), WORLD_INVALID);
    arena_release(&a);
    world_free(w);
}

static void spread_over_any_attribute_puts_those_without_it_in_one_group(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int hosts[5];
    for (int i = 0; i < 5; i++)
        hosts[i] = add_host(w, -1, i % 3);
    world_put_attribute(w, WORLD_PERSON, hosts[0], "rack", "1");
    world_put_attribute(w, WORLD_PERSON, hosts[1], "rack", "1");
    world_put_attribute(w, WORLD_PERSON, hosts[2], "rack", "2");
    struct world_rules rules = {.strategies = {{.kind = WS_SPREAD_ATTRIBUTE, .attribute = "rack"}}, .strategy_count = 1};
    int s = with_rules(w, "web", a_def(w, "web", 64, 64), 9, &rules);
    later(w, 1);
    assert_int_equal(tasks_on(w, s, hosts[0]) + tasks_on(w, s, hosts[1]), 3);
    assert_int_equal(tasks_on(w, s, hosts[2]), 3);
    assert_int_equal(tasks_on(w, s, hosts[3]) + tasks_on(w, s, hosts[4]), 3);
    world_free(w);
}

static void strategies_narrow_in_their_order(void **state)
{
    (void)state;
    struct world *w = calm_world();
    struct arena a;
    arena_init(&a, 0);
    int small = host_of(w, "c5.xlarge", 0), *at;
    host_of(w, "m5.xlarge", 0);
    int other = host_of(w, "c5.2xlarge", 1);
    struct world_rules zone_then_memory = {.strategies = {{.kind = WS_SPREAD_ZONE}, {.kind = WS_BINPACK_MEMORY}}, .strategy_count = 2};
    int s = with_rules(w, "web", a_def(w, "web", 64, 64), 0, &zone_then_memory);
    assert_int_equal(places(w, s, &at, &a), 1);
    assert_int_equal(at[0], small);
    world_set_desired(w, WORLD_PERSON, s, 1);
    later(w, 1);
    assert_int_equal(places(w, s, &at, &a), 1);
    assert_int_equal(at[0], other);
    arena_release(&a);
    world_free(w);
}

static void a_service_without_strategies_spreads_over_zones_and_run_task_takes_any(void **state)
{
    (void)state;
    struct world *w = calm_world();
    struct arena a;
    arena_init(&a, 0);
    add_host(w, -1, 0);
    add_host(w, -1, 0);
    int alone = add_host(w, -1, 1), *at, def = a_def(w, "web", 64, 64);
    int s = with_rules(w, "web", def, 3, NULL);
    later(w, 1);
    assert_true(tasks_on(w, s, alone) >= 1);
    static const struct world_rules none;
    struct world_ask run = {.taskdef = def, .service = -1, .provider = -1, .rules = &none, .need = res_make(64, 64), .group = "family:web"};
    assert_int_equal(world_places(w, &run, &a, &at), 3);
    arena_release(&a);
    world_free(w);
}

static void standalone_tasks_are_kept_apart_by_their_group(void **state)
{
    (void)state;
    struct world *w = calm_world();
    add_host(w, -1, 0);
    add_host(w, -1, 1);
    int def = a_def(w, "job", 64, 64), task, closest;
    struct world_rules apart = {.distinct_instance = true};
    struct world_run run = {.taskdef = def, .instance = -1, .provider = -1, .rules = &apart, .group = "nightly"};
    enum world_place why;
    assert_int_equal(world_run(w, WORLD_PERSON, &run, &task, &why, &closest), WORLD_OK);
    assert_int_equal(world_run(w, WORLD_PERSON, &run, &task, &why, &closest), WORLD_OK);
    assert_int_equal(world_run(w, WORLD_PERSON, &run, &task, &why, &closest), WORLD_NO_ROOM);
    assert_int_equal(why, WPLACE_DISTINCT);
    run.group = "weekly";
    assert_int_equal(world_run(w, WORLD_PERSON, &run, &task, &why, &closest), WORLD_OK);
    assert_string_equal(world_view(w).tasks[task].group, "weekly");
    world_free(w);
}

static void a_strategy_of_providers_binds_each_task_by_base_and_weight(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int steady = world_add_provider(w, "steady", false), spot = world_add_provider(w, "spot", false);
    int hosts[3];
    for (int i = 0; i < 3; i++)
        hosts[i] = add_host(w, -1, i);
    world_set_provider(w, hosts[0], steady);
    world_set_provider(w, hosts[1], spot);
    struct world_rules rules = {.shares = {{steady, 2, 1}, {spot, 0, 3}}, .share_count = 2};
    int s = with_rules(w, "web", a_def(w, "web", 64, 64), 10, &rules);
    later(w, 1);
    assert_int_equal(tasks_on(w, s, hosts[0]), 4);  // base 2, then 1 in 4 of the other 8
    assert_int_equal(tasks_on(w, s, hosts[1]), 6);
    assert_int_equal(tasks_on(w, s, hosts[2]), 0);
    int any = with_rules(w, "any", a_def(w, "any", 64, 64), 9, NULL);
    later(w, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tasks_on(w, any, hosts[i]), 3);  // launch type EC2 goes on all of them
    world_free(w);
}

static void without_its_provider_a_task_waits_if_that_is_managed_and_does_not_exist_otherwise(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int plain = world_add_provider(w, "plain", false), managed = world_add_provider(w, "managed", true);
    int h = add_host(w, -1, 0), task, closest;
    struct world_rules by_plain = {.shares = {{plain, 0, 1}}, .share_count = 1}, by_managed = {.shares = {{managed, 0, 1}}, .share_count = 1};
    int a = with_rules(w, "a", a_def(w, "a", 64, 64), 2, &by_plain), b = with_rules(w, "b", a_def(w, "b", 64, 64), 2, &by_managed);
    later(w, 1);
    assert_int_equal(service(w, a).pending, 0);
    assert_non_null(strstr(service(w, a).events[0].text, "No Container Instances were found in your capacity provider."));
    assert_int_equal(service(w, b).pending, 2);
    struct world_run run = {.taskdef = a_def(w, "job", 64, 64), .instance = -1, .provider = managed};
    enum world_place why;
    assert_int_equal(world_run(w, WORLD_PERSON, &run, &task, &why, &closest), WORLD_OK);
    assert_int_equal(world_view(w).tasks[task].instance, -1);
    assert_int_equal(world_view(w).tasks[task].last.now, WT_PROVISIONING);
    world_set_provider(w, h, managed);
    later(w, 40000);
    assert_int_equal(service(w, b).running, 2);
    assert_int_equal(world_view(w).tasks[task].instance, h);
    assert_int_equal(world_view(w).tasks[task].last.now, WT_RUNNING);
    world_free(w);
}

static void a_waiting_task_can_be_stopped(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int managed = world_add_provider(w, "managed", true), task, closest;
    struct world_run run = {.taskdef = a_def(w, "job", 64, 64), .instance = -1, .provider = managed};
    enum world_place why;
    assert_int_equal(world_run(w, WORLD_PERSON, &run, &task, &why, &closest), WORLD_OK);
    world_stop_task(w, WORLD_PERSON, task);
    later(w, 3600001);
    assert_false(world_view(w).tasks[task].used);
    world_free(w);
}

static void a_daemon_is_wanted_only_where_its_constraints_hold(void **state)
{
    (void)state;
    struct world *w = calm_world();
    add_host(w, -1, 0);
    int b = add_host(w, -1, 1);
    struct world_rules rules = {.member_of = {"attribute:ecs.availability-zone == us-east-1b"}, .member_of_count = 1};
    int s = world_add_service(w, &(struct world_service_spec){.name = "d", .taskdef = a_def(w, "d", 64, 64), .daemon = true, .max_percent = 100, .rules = &rules});
    later(w, 1);
    assert_int_equal(service(w, s).desired, 1);
    assert_int_equal(tasks_on(w, s, b), 1);
    world_free(w);
}

// ---- random clusters -----------------------------------------------------------------------------------------------------------
// A slow scheduler: one instance at a time, each rule again from the view alone.
static bool takes(const struct world *w, const struct world_ask *ask, int n)
{
    struct world_view v = world_view(w);
    const struct world_instance *i = &v.instances[n];
    const struct world_taskdef *d = &v.taskdefs[ask->taskdef];
    if (!i->used || i->cluster != ask->cluster || i->status.now != WE_ACTIVE || !i->agent_connected || (ask->provider >= 0 && i->provider != ask->provider))
        return false;
    struct res used = {{0}};
    for (int t = 0; t < v.task_count; t++) {
        const struct world_task *k = &v.tasks[t];
        if (!k->used || k->instance != n || k->desired.now != WD_RUNNING || k->last.now == WT_STOPPED)
            continue;
        used = res_add(used, k->need);
        bool kin = ask->service >= 0 ? k->service == ask->service : k->service < 0 && !strcmp(k->group, ask->group);
        if (ask->rules->distinct_instance && kin)
            return false;
        for (int a = 0; a < d->port_count; a++)
            for (int b = 0; b < v.taskdefs[k->taskdef].port_count; b++)
                if (d->ports[a].host == v.taskdefs[k->taskdef].ports[b].host && d->ports[a].udp == v.taskdefs[k->taskdef].ports[b].udp)
                    return false;
    }
    for (int a = 0; a < d->port_count; a++)
        if (!d->ports[a].udp && (d->ports[a].host == 22 || d->ports[a].host == 51678))
            return false;
    if (!res_fits(ask->need, res_sub(i->registered, used)))
        return false;
    for (int a = 0; a < d->require_count; a++) {
        const char *value = world_attribute(w, n, d->requires[a].name);
        if (!value || (*d->requires[a].value && strcmp(d->requires[a].value, value)))
            return false;
    }
    bool located = ask->need.v[RES_ENI] == 0 || ask->rules->subnet_count == 0;
    for (int a = 0; a < ask->rules->subnet_count; a++)
        located |= ask->rules->subnets[a] == i->subnet;
    for (int a = 0; a < d->member_of_count; a++)
        located &= world_query_matches(w, n, d->queries[a]);
    for (int a = 0; a < ask->rules->member_of_count; a++)
        located &= world_query_matches(w, n, ask->rules->queries[a]);
    return located;
}

static const char *value_by(const struct world *w, const struct world_strategy *s, int n)
{
    const char *name = s->kind == WS_SPREAD_ZONE ? "ecs.availability-zone" : s->kind == WS_SPREAD_TYPE ? "ecs.instance-type" : s->attribute;
    const char *value = s->kind == WS_SPREAD_INSTANCE ? world_view(w).instances[n].id : world_attribute(w, n, name);
    return value ? value : "\x01 none";
}

static int64_t cost(const struct world *w, const struct world_ask *ask, const struct world_strategy *s, int n)
{
    struct world_view v = world_view(w);
    if (s->kind == WS_RANDOM)
        return 0;
    if (s->kind == WS_BINPACK_CPU || s->kind == WS_BINPACK_MEMORY)
        return v.instances[n].remaining.v[s->kind == WS_BINPACK_CPU ? RES_CPU : RES_MEMORY];
    int64_t sum = 0;
    for (int t = 0; t < v.task_count; t++) {
        const struct world_task *k = &v.tasks[t];
        bool kin = ask->service >= 0 ? k->service == ask->service : k->service < 0 && !strcmp(k->group, ask->group);
        if (k->used && kin && k->instance >= 0 && k->desired.now == WD_RUNNING && k->last.now != WT_STOPPED)
            sum += !strcmp(value_by(w, s, k->instance), value_by(w, s, n));
    }
    return sum;
}

static void compare(const struct world *w, const struct world_ask *ask, struct arena *a, int *judged)
{
    struct world_view v = world_view(w);
    static const struct world_strategy zones = {.kind = WS_SPREAD_ZONE};
    int *at, slow[256], n = 0;
    size_t count = world_places(w, ask, a, &at);
    for (int i = 0; i < v.instance_count; i++)
        if (takes(w, ask, i))
            slow[n++] = i;
    bool by_default = ask->service >= 0 && ask->rules->strategy_count == 0;
    for (int s = 0; s < ask->rules->strategy_count + by_default; s++) {
        const struct world_strategy *how = by_default ? &zones : &ask->rules->strategies[s];
        int64_t best = INT64_MAX;
        int kept = 0;
        for (int i = 0; i < n; i++)
            best = cost(w, ask, how, slow[i]) < best ? cost(w, ask, how, slow[i]) : best;
        for (int i = 0; i < n; i++)
            if (cost(w, ask, how, slow[i]) == best)
                slow[kept++] = slow[i];
        n = kept;
    }
    assert_int_equal(count, n);
    for (int i = 0; i < n; i++)
        assert_int_equal(at[i], slow[i]);
    *judged += n > 0;
}

static void the_equally_good_instances_are_those_of_a_slow_scheduler(void **state)
{
    (void)state;
    int judged = 0, asked = 0;
    for (uint64_t seed = 1; seed <= 120; seed++) {
        struct random_cluster c;
        struct arena a;
        arena_init(&a, 0);
        random_cluster_make(seed, 24, &c);
        for (int i = 0; i < c.service_count; i++) {
            struct world_ask ask;
            world_ask_service(c.w, c.services[i], &ask);
            if (!world_view(c.w).services[c.services[i]].daemon)
                compare(c.w, &ask, &a, &judged);
            asked++;
        }
        for (int i = 0; i < c.run_count; i++) {
            struct world_ask ask = random_ask(&c, i);
            compare(c.w, &ask, &a, &judged);
            asked++;
        }
        arena_release(&a);
        world_free(c.w);
    }
    assert_true(asked > 2000);
    assert_true(judged > asked / 4);
}

static void random_clusters_hold_all_their_rules_and_are_the_same_again(void **state)
{
    (void)state;
    int strategies[WS_RANDOM + 1] = {0}, networks[4] = {0}, members = 0, waiting = 0, gpus = 0, trunks = 0, distinct = 0, shares = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct random_cluster c, again;
        random_cluster_make(seed, 24, &c);
        random_cluster_make(seed, 24, &again);
        struct world_view v = world_view(c.w), u = world_view(again.w);
        assert_int_equal(v.task_count, u.task_count);
        for (int t = 0; t < v.task_count; t++) {
            assert_string_equal(v.tasks[t].id, u.tasks[t].id);
            assert_int_equal(v.tasks[t].instance, u.tasks[t].instance);
            waiting += v.tasks[t].used && v.tasks[t].instance < 0;
            gpus += v.tasks[t].gpu_mask != 0;
            networks[v.taskdefs[v.tasks[t].taskdef].network]++;
        }
        for (int s = 0; s < v.service_count; s++) {
            const struct world_rules *r = &v.services[s].rules;
            for (int k = 0; k < r->strategy_count; k++)
                strategies[r->strategies[k].kind]++;
            members += r->member_of_count;
            distinct += r->distinct_instance;
            shares += r->share_count;
        }
        for (int i = 0; i < v.instance_count; i++)
            trunks += v.instances[i].trunk_id[0] != '\0';
        world_free(c.w);
        world_free(again.w);
    }
    for (size_t i = 0; i < ARRAY_LEN(strategies); i++)
        assert_true(strategies[i] > 10);
    for (size_t i = 0; i < ARRAY_LEN(networks); i++)
        assert_true(networks[i] > 10);
    assert_true(members > 20 && waiting > 10 && gpus > 5 && trunks > 50 && distinct > 20 && shares > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_reserved_follows_task_then_soft_then_hard_limits),
        cmocka_unit_test(host_ports_count_by_network_mode_and_protocol_and_some_are_the_agents),
        cmocka_unit_test(gpus_are_slots_with_ids_that_no_two_tasks_share),
        cmocka_unit_test(trunking_gives_more_interfaces_and_an_attribute),
        cmocka_unit_test(an_awsvpc_task_goes_only_where_its_subnets_are),
        cmocka_unit_test(required_attributes_and_member_of_bind_from_the_definition_and_from_the_service),
        cmocka_unit_test(spread_over_any_attribute_puts_those_without_it_in_one_group),
        cmocka_unit_test(strategies_narrow_in_their_order),
        cmocka_unit_test(a_service_without_strategies_spreads_over_zones_and_run_task_takes_any),
        cmocka_unit_test(standalone_tasks_are_kept_apart_by_their_group),
        cmocka_unit_test(a_strategy_of_providers_binds_each_task_by_base_and_weight),
        cmocka_unit_test(without_its_provider_a_task_waits_if_that_is_managed_and_does_not_exist_otherwise),
        cmocka_unit_test(a_waiting_task_can_be_stopped),
        cmocka_unit_test(a_daemon_is_wanted_only_where_its_constraints_hold),
        cmocka_unit_test(the_equally_good_instances_are_those_of_a_slow_scheduler),
        cmocka_unit_test(random_clusters_hold_all_their_rules_and_are_the_same_again),
    };
    return cmocka_run_group_tests_name("placement", tests, NULL, NULL);
}
