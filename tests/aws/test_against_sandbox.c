// Our client against the virtual AWS in process: every operation, what it reads against the world's truth, and the faults that
// only a peer with effects can show.
#include "tests/cm.h"

#include "planner/sim/orders.h"
#include "planner/sim/world.h"
#include "planner/sim/group.h"
#include "scaler/aws/autoscaling.h"
#include "scaler/aws/autoscaling_app.h"
#include "scaler/aws/cloudwatch.h"
#include "scaler/aws/ec2_fleets.h"
#include "scaler/aws/ec2_templates.h"
#include "scaler/aws/ec2_types.h"
#include "scaler/aws/ecs_definition.h"
#include "scaler/aws/ecs_providers.h"
#include "scaler/aws/quotas.h"
#include "scaler/aws/sqs.h"
#include "scaler/aws/sts.h"
#include "scaler/permissions.h"
#include "scaler/sandbox/inproc.h"

#define HOUR_MS INT64_C(3600000)

struct account {
    struct clock clock;
    struct world *world, *other;
    struct sandbox *sandbox;
    struct transport *transport;
    struct aws_env env;
    struct aws_clients *clients;
    struct arena arena;
    struct aws_with with;
};

static const struct aws_env_pair static_keys[] = {{"AWS_ACCESS_KEY_ID", SANDBOX_KEY_ID}, {"AWS_SECRET_ACCESS_KEY", SANDBOX_SECRET}};
static const struct aws_env_pair task_role[] = {
    {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", SANDBOX_CREDENTIALS_PATH SANDBOX_TASK_ID}, {"HOME", "/nonexistent"}};

static void begin(struct account *t, const struct sandbox_options *options, const struct aws_env_pair *env)
{
    struct err err = {0};
    struct world_options o;
    world_options_default(&o);
    o.interruptions_per_instance_day = 0;
    clock_init_virtual(&t->clock, o.start_ms);
    assert_int_equal(world_default(7, &o, &t->world, &err), 0);
    assert_int_equal(world_default(8, &o, &t->other, &err), 0);
    assert_int_equal(sandbox_new(&t->clock, options, &t->sandbox, &err), 0);
    assert_int_equal(sandbox_add_region(t->sandbox, SANDBOX_ACCOUNT, SANDBOX_REGION, t->world, &err), 0);
    assert_int_equal(sandbox_add_region(t->sandbox, SANDBOX_ACCOUNT, "eu-west-1", t->other, &err), 0);
    assert_int_equal(inproc_new(t->sandbox, &t->clock, NULL, &t->transport, &err), 0);
    t->env = (struct aws_env){env, 2};
    t->clients = aws_clients_new(&(struct aws_options){.transport = t->transport, .env = &t->env, .seed = 3});
    arena_init(&t->arena, 0);
    t->with = (struct aws_with){.arena = &t->arena};
    assert_int_equal(aws_clients_get(t->clients, "", SANDBOX_REGION, &t->with.aws, &err), 0);
}

static void end(struct account *t)
{
    aws_clients_free(t->clients);
    t->transport->ops->free(t->transport);
    sandbox_free(t->sandbox);
    world_free(t->world);
    world_free(t->other);
    arena_release(&t->arena);
}

static void run(struct account *t)
{
    assert_int_equal(aws_run(t->clients, t->clock.virtual_ms + HOUR_MS), 0);
}

static void pass(struct account *t, int64_t ms)
{
    t->clock.virtual_ms += ms;
    sandbox_sync(t->sandbox);
}

static void complete(const struct aws_call *c)
{
    if (c->state != AWS_CALL_COMPLETE)
        print_message("%s\n", c->err.msg);
    assert_int_equal(c->state, AWS_CALL_COMPLETE);
}

static int instances_of(const struct world *w, int cluster)
{
    struct world_view v = world_view(w);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].cluster == cluster && v.instances[i].ci_id[0] != '\0';
    return n;
}

static void clusters_instances_services_and_tasks_are_those_of_the_world(void **state)
{
    (void)state;
    const struct sandbox_options options = {.seed = 1, .empty_pages = true};
    struct account t;
    begin(&t, &options, static_keys);
    struct world_view v = world_view(t.world);
    struct ecs_arns clusters, instances, services, tasks;
    ecs_list_clusters(t.with, &clusters);
    run(&t);
    complete(&clusters.call);
    assert_int_equal(clusters.count, v.cluster_count);
    const char *cluster = v.clusters[0].name;
    ecs_list_container_instances(t.with, cluster, &instances);
    ecs_list_services(t.with, cluster, &services);
    ecs_list_tasks(t.with, cluster, &(struct ecs_task_filter){.desired_status = "RUNNING"}, &tasks);
    run(&t);
    complete(&instances.call);
    complete(&services.call);
    complete(&tasks.call);
    assert_int_equal(instances.count, instances_of(t.world, 0));
    assert_true(tasks.count > 10);
    struct ecs_container_instances ci;
    struct ecs_services sv;
    struct ecs_tasks tk;
    struct ecs_clusters cl;
    ecs_describe_clusters(t.with, clusters.items, clusters.count, &cl);
    ecs_describe_container_instances(t.with, cluster, instances.items, instances.count, &ci);
    ecs_describe_services(t.with, cluster, services.items, services.count, &sv);
    ecs_describe_tasks(t.with, cluster, tasks.items, tasks.count, &tk);
    run(&t);
    complete(&cl.call);
    complete(&ci.call);
    complete(&sv.call);
    complete(&tk.call);
    assert_int_equal(ci.count, instances.count);
    assert_int_equal(sv.count, services.count);
    int desired = 0, seen = 0;
    for (int i = 0; i < v.service_count; i++)
        if (v.services[i].cluster == 0 && v.services[i].name[0]) {
            seen++;
            desired += v.services[i].daemon ? 0 : (int)v.services[i].desired;
        }
    assert_int_equal(sv.count, seen);
    for (size_t i = 0; i < sv.count; i++)
        desired -= strcmp(sv.items[i].scheduling, "DAEMON") == 0 ? 0 : sv.items[i].desired;
    assert_int_equal(desired, 0);
    // What a task definition says is reserved fits what the instances say is free.
    struct res taken = {{0}}, reserved = {{0}};
    for (size_t i = 0; i < ci.count; i++)
        taken = res_add(taken, res_sub(ci.items[i].registered.amount, ci.items[i].remaining.amount));
    for (size_t i = 0; i < tk.count; i++) {
        struct ecs_task_definition *d = arena_new(&t.arena, struct ecs_task_definition);
        ecs_describe_task_definition(t.with, tk.items[i].task_definition, d);
        run(&t);
        complete(&d->call);
        reserved = res_add(reserved, ecs_task_need(d, &tk.items[i]));
    }
    assert_int_equal(reserved.v[RES_CPU], taken.v[RES_CPU]);
    assert_int_equal(reserved.v[RES_MEMORY], taken.v[RES_MEMORY]);
    end(&t);
}

static void fleets_instances_types_and_prices_are_those_of_the_world(void **state)
{
    (void)state;
    const struct sandbox_options options = {.seed = 1, .empty_pages = true};
    struct account t;
    begin(&t, &options, static_keys);
    struct world_view v = world_view(t.world);
    const char *fleet = v.fleets[0].id;
    struct ec2_spot_fleets fleets;
    struct ec2_instances members, by_id;
    struct ec2_fleet_members listed;
    struct sts_identity who;
    ec2_describe_spot_fleets(t.with, &fleet, 1, &fleets);
    ec2_describe_fleet_instances(t.with, fleet, &members);
    ec2_describe_spot_fleet_instances(t.with, fleet, &listed);
    sts_get_caller_identity(t.with, &who);
    run(&t);
    complete(&fleets.call);
    complete(&members.call);
    complete(&listed.call);
    complete(&who.call);
    assert_string_equal(who.account, SANDBOX_ACCOUNT);
    assert_int_equal(fleets.items[0].target, v.fleets[0].wanted);
    assert_int_equal(fleets.items[0].fulfilled_milli, v.fleets[0].fulfilled_milli);
    assert_int_equal(listed.count, members.count);
    assert_true(members.count > 0);
    const char *type = members.items[0].type, *ids[] = {members.items[0].id, "i-0123456789abcdef0"};
    struct ec2_types types;
    struct ec2_prices prices;
    ec2_describe_instances_by_id(t.with, ids, 2, &by_id);  // an unknown id is merely absent
    ec2_describe_types(t.with, &type, 1, &types);
    ec2_describe_spot_prices(t.with, &type, 1, t.clock.virtual_ms, &prices);
    run(&t);
    complete(&by_id.call);
    complete(&types.call);
    complete(&prices.call);
    assert_int_equal(by_id.count, 1);
    assert_int_equal(types.items[0].vcpus, v.types[world_type_index(t.world, type)].vcpus);
    assert_true(prices.count >= 1);
    assert_true(prices.items[0].usd_micro > 0);
    end(&t);
}

static void a_removal_step_by_step(void **state)
{
    (void)state;
    struct account t;
    begin(&t, NULL, static_keys);
    struct world_view v = world_view(t.world);
    const char *cluster = v.clusters[0].name, *fleet = v.fleets[0].id;
    struct ec2_instances members;
    ec2_describe_fleet_instances(t.with, fleet, &members);
    struct ecs_arns arns;
    ecs_list_container_instances(t.with, cluster, &arns);
    run(&t);
    struct ecs_container_instances ci, changed;
    ecs_describe_container_instances(t.with, cluster, arns.items, 1, &ci);
    run(&t);
    const char *id = ci.items[0].ec2_id, *arn = ci.items[0].arn;
    struct aws_call call;
    ec2_create_tags(t.with, &id, 1, &(struct aws_tag){"masu:drain", "x"}, 1, &call);
    run(&t);
    complete(&call);
    ecs_set_instance_state(t.with, cluster, &arn, 1, "DRAINING", &changed);
    run(&t);
    complete(&changed.call);
    assert_string_equal(changed.items[0].status, "DRAINING");
    struct ec2_instances one;
    ec2_describe_instances_by_id(t.with, &id, 1, &one);
    run(&t);
    assert_string_equal(aws_tag_get(&one.items[0].tags, "masu:drain"), "x");
    ec2_modify_spot_fleet(t.with, &(struct ec2_fleet_target){fleet, v.fleets[0].wanted + 1, 0, false}, &call);
    run(&t);
    complete(&call);
    ec2_modify_spot_fleet(t.with, &(struct ec2_fleet_target){fleet, v.fleets[0].wanted, 0, false}, &call);
    run(&t);
    assert_int_equal(call.state, AWS_CALL_FAILED);
    assert_int_equal(call.err.kind, ERR_CONFLICT);  // still modifying
    ecs_set_instance_state(t.with, cluster, &arn, 1, "ACTIVE", &changed);
    ec2_delete_tags(t.with, &id, 1, &(struct aws_tag){"masu:drain", NULL}, 1, &call);
    run(&t);
    complete(&changed.call);
    complete(&call);
    struct ec2_state_changes ended;
    ec2_terminate_instances(t.with, &id, 1, true, &ended);  // permitted
    run(&t);
    complete(&ended.call);
    const char *unknown = "i-0123456789abcdef0";
    ec2_terminate_instances(t.with, &unknown, 1, false, &ended);
    run(&t);
    assert_int_equal(ended.call.err.kind, ERR_NOT_FOUND);
    ec2_terminate_instances(t.with, &id, 1, false, &ended);
    run(&t);
    complete(&ended.call);
    assert_string_equal(ended.items[0].instance_id, id);
    assert_string_equal(ended.items[0].after, "shutting-down");
    end(&t);
}

static void a_termination_whose_answer_is_lost_happened_and_is_not_repeated(void **state)
{
    (void)state;
    struct account t;
    begin(&t, NULL, static_keys);
    struct err err = {0};
    struct world_view v = world_view(t.world);
    const char *id = NULL;
    for (int i = 0; i < v.instance_count && !id; i++)
        if (v.instances[i].used)
            id = arena_strdup(&t.arena, v.instances[i].id);
    const struct sandbox_fault fault = {"ec2:TerminateInstances", SANDBOX_FAULT_TIMEOUT_AFTER, 0, 1};
    assert_int_equal(sandbox_add_fault(t.sandbox, &fault, &err), 0);
    struct ec2_state_changes ended;
    struct ec2_instances now;
    ec2_terminate_instances(t.with, &id, 1, false, &ended);
    run(&t);
    assert_int_equal(ended.call.state, AWS_CALL_FAILED);
    assert_true(ended.call.timed_out);
    ec2_describe_instances_by_id(t.with, &id, 1, &now);
    run(&t);
    assert_string_not_equal(now.items[0].state, "running");
    size_t n;
    const struct aws_stat *s = aws_stats(t.with.aws, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(s[i].operation, "TerminateInstances") == 0)
            assert_int_equal(s[i].calls, 1);
    end(&t);
}

static void reads_survive_the_faults_of_a_bad_minute(void **state)
{
    (void)state;
    static const enum sandbox_fault_kind kinds[] = {SANDBOX_FAULT_THROTTLE, SANDBOX_FAULT_500, SANDBOX_FAULT_503, SANDBOX_FAULT_TIMEOUT_BEFORE,
                                                    SANDBOX_FAULT_TRUNCATED};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct account t;
        begin(&t, NULL, static_keys);
        struct err err = {0};
        struct sandbox_fault fault = {"*:*", kinds[i], 0, 2};
        assert_int_equal(sandbox_add_fault(t.sandbox, &fault, &err), 0);
        struct ecs_arns list;
        ecs_list_clusters(t.with, &list);
        run(&t);
        complete(&list.call);
        assert_int_equal(list.count, 2);
        end(&t);
    }
}

static void the_task_role_serves_for_a_day(void **state)
{
    (void)state;
    const struct sandbox_options options = {.seed = 1, .role_key_life_ms = HOUR_MS};
    struct account t;
    begin(&t, &options, task_role);
    const char *source;
    struct err err = {0};
    assert_int_equal(aws_check_credentials(t.with.aws, t.clock.virtual_ms + 60000, &source, &err), 0);
    assert_string_equal(source, "container endpoint");
    for (int i = 0; i < 24 * 4; i++) {  // every quarter of an hour, over 24 sets of keys
        struct ecs_arns list;
        ecs_list_clusters(t.with, &list);
        run(&t);
        complete(&list.call);
        clock_advance_to(&t.clock, t.clock.virtual_ms + HOUR_MS / 4);
    }
    size_t n;
    const struct aws_stat *s = aws_stats(t.with.aws, &n);
    assert_int_equal(s[0].calls, 24 * 4);  // none was refused for expired keys
    end(&t);
}

// The virtual AWS checks each signature and refuses a session at its end, to the second.
static void an_assumed_role_serves_for_a_day(void **state)
{
    (void)state;
    static const char config[] = "[default]\nrole_arn = arn:aws:iam::" SANDBOX_ACCOUNT ":role/scaler\nsource_profile = base\nduration_seconds = 900\n"
                                 "[profile base]\naws_access_key_id = " SANDBOX_KEY_ID "\naws_secret_access_key = " SANDBOX_SECRET "\n";
    char path[] = "/tmp/masu-role-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, config, sizeof config - 1), sizeof config - 1);
    close(fd);
    const struct aws_env_pair env[] = {{"AWS_CONFIG_FILE", path}, {"AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/x"}};
    struct account t;
    begin(&t, NULL, env);
    struct sts_identity who;
    sts_get_caller_identity(t.with, &who);
    run(&t);
    complete(&who.call);
    assert_string_equal(who.arn, "arn:aws:sts::" SANDBOX_ACCOUNT ":assumed-role/scaler/sandbox");
    for (int i = 0; i < 24 * 12; i++) {  // every five minutes, over more than a hundred sessions
        struct ecs_arns list;
        ecs_list_clusters(t.with, &list);
        run(&t);
        complete(&list.call);
        clock_advance_to(&t.clock, t.clock.virtual_ms + HOUR_MS / 12);
    }
    size_t n;
    const struct aws_stat *s = aws_stats(t.with.aws, &n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(s[i].retries, 0);  // none was refused for an expired session
    struct aws_health h = aws_health(t.with.aws);
    assert_string_equal(h.source, "profile default, role arn:aws:iam::" SANDBOX_ACCOUNT ":role/scaler");
    assert_true(h.expires_ms - h.now_ms <= 900 * 1000);
    unlink(path);
    end(&t);
}

static void two_regions_have_their_own_worlds(void **state)
{
    (void)state;
    struct account t;
    begin(&t, NULL, static_keys);
    struct err err = {0};
    struct aws_with there = t.with;
    assert_int_equal(aws_clients_get(t.clients, "", "eu-west-1", &there.aws, &err), 0);
    const char *here_id = world_view(t.world).fleets[0].id, *there_id = world_view(t.other).fleets[0].id;
    assert_string_not_equal(here_id, there_id);
    struct ec2_spot_fleets here, away, wrong;
    ec2_describe_spot_fleets(t.with, &here_id, 1, &here);
    ec2_describe_spot_fleets(there, &there_id, 1, &away);
    ec2_describe_spot_fleets(there, &here_id, 1, &wrong);
    run(&t);
    complete(&here.call);
    complete(&away.call);
    assert_int_equal(wrong.call.err.kind, ERR_NOT_FOUND);
    end(&t);
}

static void a_wrong_secret_is_refused_and_not_repeated(void **state)
{
    (void)state;
    static const struct aws_env_pair wrong[] = {{"AWS_ACCESS_KEY_ID", SANDBOX_KEY_ID}, {"AWS_SECRET_ACCESS_KEY", "wrong"}};
    struct account t;
    begin(&t, NULL, wrong);
    struct ecs_arns list;
    ecs_list_clusters(t.with, &list);
    run(&t);
    assert_int_equal(list.call.err.kind, ERR_AUTH);
    size_t n;
    assert_int_equal(aws_stats(t.with.aws, &n)->calls, 1);
    end(&t);
}

// ---- every operation --------------------------------------------------------------------------------------------------------
static void each_read_of_ecs(struct account *t, const char *cluster)
{
    struct ecs_arns clusters, instances, services, tasks, found;
    ecs_list_clusters(t->with, &clusters);
    ecs_list_container_instances(t->with, cluster, &instances);
    ecs_list_services(t->with, cluster, &services);
    ecs_list_tasks(t->with, cluster, &(struct ecs_task_filter){.desired_status = "RUNNING"}, &tasks);
    run(t);
    struct ecs_clusters cl;
    struct ecs_container_instances ci;
    struct ecs_services sv;
    struct ecs_tasks tk;
    struct ecs_protections pr;
    struct ecs_task_definition d;
    struct ecs_providers cp;
    const char *names[] = {"by-ecs", "by-us", "nobody"};
    ecs_describe_clusters(t->with, clusters.items, clusters.count, &cl);
    ecs_describe_container_instances(t->with, cluster, instances.items, 2, &ci);
    ecs_describe_services(t->with, cluster, services.items, services.count, &sv);
    ecs_describe_tasks(t->with, cluster, tasks.items, 1, &tk);
    ecs_get_task_protection(t->with, cluster, tasks.items, 1, &pr);
    ecs_describe_providers(t->with, names, ARRAY_LEN(names), &cp);
    run(t);
    ecs_describe_task_definition(t->with, tk.items[0].task_definition, &d);
    ecs_find_container_instances(t->with, cluster, arena_printf(&t->arena, "ec2InstanceId == %s", ci.items[1].ec2_id), &found);
    run(t);
    const struct aws_call *calls[] = {&clusters.call, &instances.call, &services.call, &tasks.call, &cl.call, &ci.call, &sv.call, &tk.call, &pr.call,
                                      &cp.call, &d.call, &found.call};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        complete(calls[i]);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0], ci.items[1].arn);
    assert_int_equal(cp.count, 2);
    assert_int_equal(cp.failures.count, 1);
    for (size_t i = 0; i < cp.count; i++)
        assert_int_equal(cp.items[i].managed_scaling, strcmp(cp.items[i].name, "by-ecs") == 0);
    assert_int_equal(cl.count, clusters.count);
    assert_true(d.container_count > 0);
}

static void each_read_of_ec2(struct account *t, const char *fleet_id)
{
    struct world_view v = world_view(t->world);
    const char *type = v.types[0].name, *subnets[] = {v.subnets[0].id, "subnet-00000000000000000"};
    struct ec2_instances members, by_id;
    struct ec2_spot_fleets fleets;
    struct ec2_fleet_members listed;
    struct ec2_fleet_events history;
    struct ec2_subnets sn;
    struct ec2_spot_requests interrupted;
    struct ec2_scheduled_events scheduled;
    struct ec2_types types, all;
    struct ec2_offerings offered;
    struct ec2_scores scores;
    struct ec2_prices prices;
    struct sts_identity who;
    sts_get_caller_identity(t->with, &who);
    ec2_describe_fleet_instances(t->with, fleet_id, &members);
    ec2_describe_spot_fleets(t->with, &fleet_id, 1, &fleets);
    ec2_describe_spot_fleet_instances(t->with, fleet_id, &listed);
    ec2_describe_fleet_history(t->with, fleet_id, t->clock.virtual_ms - HOUR_MS, &history);
    ec2_describe_subnets(t->with, subnets, 2, &sn);
    ec2_describe_interrupted(t->with, &interrupted);
    assert_int_equal(world_schedule_event(t->world, 0, "instance-retirement", t->clock.virtual_ms + HOUR_MS), WORLD_OK);
    ec2_describe_scheduled(t->with, &scheduled);
    ec2_describe_types(t->with, &type, 1, &types);
    ec2_describe_spot_prices(t->with, &type, 1, t->clock.virtual_ms, &prices);
    ec2_describe_all_types(t->with, &all);
    ec2_describe_offerings(t->with, &offered);
    ec2_placement_scores(t->with, "us-east-1", &type, 1, 10, &scores);
    run(t);
    ec2_describe_instances_by_id(t->with, &members.items[0].id, 1, &by_id);
    run(t);
    const struct aws_call *calls[] = {&who.call, &members.call, &fleets.call, &listed.call, &history.call, &sn.call, &interrupted.call, &scheduled.call, &types.call, &prices.call, &by_id.call, &all.call, &offered.call, &scores.call};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        complete(calls[i]);
    assert_int_equal(scheduled.count, 1);
    assert_string_equal(scheduled.items[0].instance, v.instances[0].id);
    assert_string_equal(scheduled.items[0].code, "instance-retirement");
    assert_in_range(t->clock.virtual_ms + HOUR_MS - scheduled.items[0].starts_ms, 0, 1000);
    assert_int_equal(all.count, v.type_count);
    assert_int_equal(offered.count, v.pool_count);
    assert_string_equal(offered.items[0].zone, v.zones[v.pools[0].zone]);
    assert_int_equal(scores.count, v.zone_count);
    assert_in_range(scores.items[0].score, 1, 3);  // of one type alone it is always low
    assert_int_equal(sn.count, 1);  // the unknown one is merely absent
    assert_string_equal(sn.items[0].zone, v.zones[v.subnets[0].zone]);
    assert_string_equal(sn.items[0].zone_id, scores.items[v.subnets[0].zone].zone_id);
    assert_string_equal(sn.items[0].vpc, v.subnets[0].vpc);
    assert_int_equal(sn.items[0].free_addresses, world_free_addresses(t->world, 0));
    assert_true(history.count > 0);
    assert_string_equal(history.items[0].sub_kind, "launchSpecUnusable");
    assert_string_equal(history.items[0].kind, "error");
}

// The second fleet of the world is an EC2 Fleet.
static void each_call_of_ec2_fleets(struct account *t, const char *fleet_id)
{
    struct ec2_spot_fleets fleets, all, wrong;
    struct ec2_fleet_members listed;
    struct ec2_instances members;
    struct ec2_fleet_events history;
    struct aws_call modified;
    const char *none = "fleet-00000000-0000-4000-8000-000000000000";
    ec2_describe_ec2_fleets(t->with, &fleet_id, 1, &fleets);
    ec2_describe_ec2_fleets(t->with, NULL, 0, &all);
    ec2_describe_ec2_fleets(t->with, &none, 1, &wrong);
    ec2_describe_ec2_fleet_members(t->with, fleet_id, &listed);
    ec2_describe_fleet_instances(t->with, fleet_id, &members);
    ec2_describe_ec2_fleet_history(t->with, fleet_id, t->clock.virtual_ms - HOUR_MS, &history);
    run(t);
    const struct aws_call *calls[] = {&fleets.call, &all.call, &listed.call, &members.call, &history.call};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        complete(calls[i]);
    assert_int_equal(wrong.call.err.kind, ERR_NOT_FOUND);
    assert_int_equal(fleets.count, 1);
    assert_int_equal(all.count, 1);
    assert_string_equal(fleets.items[0].type, "maintain");
    assert_int_equal(fleets.items[0].target, 5);
    assert_int_equal(fleets.items[0].on_demand_target, 2);
    assert_int_equal(fleets.items[0].on_demand_fulfilled_milli, 2000);
    assert_int_equal(members.count, 5);
    assert_int_equal(listed.count, 5);
    assert_true(history.count > 0);
    assert_string_equal(history.items[0].kind, "fleet-change");
    ec2_modify_ec2_fleet(t->with, &(struct ec2_fleet_target){.fleet_id = fleet_id, .target = 6, .on_demand = 1}, &modified);
    run(t);
    complete(&modified);
    pass(t, 60000);
    ec2_describe_ec2_fleets(t->with, &fleet_id, 1, &fleets);
    run(t);
    assert_int_equal(fleets.items[0].target, 6);
    assert_int_equal(fleets.items[0].on_demand_target, 1);
    assert_string_equal(fleets.items[0].excess_policy, "no-termination");
}

static void on_answer(void *good, const struct aws_response *r)
{
    *(bool *)good = r->err.kind == ERR_OK;
}

// Another tool at work on the fleet: it registers a target and a policy.
static void scale_by_another(struct account *t, const char *fleet_id, const char *operation, const char *more)
{
    const char *body = arena_printf(&t->arena, "{\"ServiceNamespace\":\"ec2\",\"ScalableDimension\":\"ec2:spot-fleet-request:TargetCapacity\","
                                               "\"ResourceId\":\"spot-fleet-request/%s\",%s}", fleet_id, more);
    bool good = false;
    aws_submit(t->with.aws, &(struct aws_request){.service = AWS_APPLICATION_AUTOSCALING, .operation = operation, .body = slice_of(body), .mutating = true},
               on_answer, &good);
    run(t);
    assert_true(good);
}

static void each_read_of_scalers(struct account *t, const char *fleet_id)
{
    const char *resources[] = {arena_printf(&t->arena, "spot-fleet-request/%s", fleet_id), "spot-fleet-request/sfr-00000000-0000-4000-8000-000000000000"};
    struct appscaling_targets targets;
    struct appscaling_policies policies;
    appscaling_describe_targets(t->with, resources, 2, &targets);
    run(t);
    complete(&targets.call);
    assert_int_equal(targets.count, 0);
    scale_by_another(t, fleet_id, "RegisterScalableTarget", "\"MinCapacity\":2,\"MaxCapacity\":9");
    scale_by_another(t, fleet_id, "PutScalingPolicy", "\"PolicyName\":\"cpu70\",\"PolicyType\":\"TargetTrackingScaling\","
                                                      "\"TargetTrackingScalingPolicyConfiguration\":{\"TargetValue\":70}");
    appscaling_describe_targets(t->with, resources, 2, &targets);
    appscaling_describe_policies(t->with, resources[0], &policies);
    run(t);
    complete(&targets.call);
    complete(&policies.call);
    assert_int_equal(targets.count, 1);
    assert_string_equal(targets.items[0].resource, resources[0]);
    assert_int_equal(targets.items[0].min, 2);
    assert_int_equal(targets.items[0].max, 9);
    assert_int_equal(policies.count, 1);
    assert_string_equal(policies.items[0].name, "cpu70");
    assert_string_equal(policies.items[0].type, "TargetTrackingScaling");
}

static void each_of_quotas_and_metrics(struct account *t)
{
    struct quota_answer standard, never, fallback;
    struct cloudwatch_data told;
    const struct cloudwatch_metric metric = {"AWS/ECS", "CPUReservation", {{"ClusterName", "main"}}, "Average"};
    cloudwatch_get_metric_data(t->with, &(struct cloudwatch_ask){&metric, 1, t->clock.virtual_ms - 600000, t->clock.virtual_ms + 60000, 60}, &told);
    quotas_get(t->with, "L-34B43A08", &standard);
    quotas_get(t->with, "L-3819A6DF", &never);
    quotas_get_default(t->with, "L-3819A6DF", &fallback);
    run(t);
    complete(&standard.call);
    complete(&fallback.call);
    assert_true(told.series[0].whole && told.series[0].count > 0);
    assert_true(standard.value > 0);
    assert_int_equal(never.call.state, AWS_CALL_FAILED);
    assert_int_equal(never.call.err.kind, ERR_NOT_FOUND);
}

static void each_of_the_queue(struct account *t)
{
    struct sqs_messages got;
    struct sqs_deleted deleted;
    struct sqs_queue_attributes attributes;
    world_rebalance_hint(t->world, 0);
    clock_advance_to(&t->clock, t->clock.virtual_ms + 1000);
    sqs_receive(t->with, SANDBOX_EVENTS_URL, 20, 20, &got);
    run(t);
    complete(&got.call);
    assert_true(got.count >= 1);
    assert_true(got.items[0].sent_ms > 0 && got.items[0].receives == 1);
    sqs_delete(t->with, SANDBOX_EVENTS_URL, &got.items[0].handle, 1, &deleted);
    run(t);
    sqs_get_attributes(t->with, SANDBOX_EVENTS_URL, &attributes);
    run(t);
    complete(&deleted.call);
    complete(&attributes.call);
    assert_int_equal(attributes.hidden, (int64_t)got.count - 1);
    assert_int_equal(attributes.visibility_s, 30);
    sqs_receive(t->with, "http://127.0.0.1:4566/" SANDBOX_ACCOUNT "/nobody", 0, 20, &got);
    run(t);
    assert_int_equal(got.call.err.kind, ERR_NOT_FOUND);
}

static void each_write(struct account *t, const char *cluster, const char *fleet_id)
{
    struct ecs_arns arns;
    struct ecs_container_instances ci, changed;
    struct ec2_state_changes ended;
    struct aws_call tried, claimed, marked, unmarked, modified, forgotten;
    ecs_list_container_instances(t->with, cluster, &arns);
    run(t);
    ecs_describe_container_instances(t->with, cluster, arns.items, 1, &ci);
    run(t);
    const char *id = ci.items[0].ec2_id, *arn = ci.items[0].arn;
    const struct aws_tag drain = {"masu:drain", "x"}, owner = {"masu:owner", "masu"};
    ec2_try_tags(t->with, &id, 1, &drain, false, &tried);
    ec2_create_tags(t->with, &fleet_id, 1, &owner, 1, &claimed);
    ec2_create_tags(t->with, &id, 1, &drain, 1, &marked);
    ec2_modify_spot_fleet(t->with, &(struct ec2_fleet_target){fleet_id, world_view(t->world).fleets[0].wanted + 1, 0, false}, &modified);
    ecs_set_instance_state(t->with, cluster, &arn, 1, "DRAINING", &changed);
    run(t);
    ec2_delete_tags(t->with, &id, 1, &drain, 1, &unmarked);
    ec2_terminate_instances(t->with, &id, 1, false, &ended);
    ecs_deregister_container_instance(t->with, cluster, arn, &forgotten);
    run(t);
    const struct aws_call *calls[] = {&tried, &claimed, &marked, &modified, &changed.call, &unmarked, &ended.call, &forgotten};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        complete(calls[i]);
    assert_string_equal(world_tag_value(world_view(t->world).fleets[0].tags, world_view(t->world).fleets[0].tag_count, "masu:owner"), "masu");
    int forgot = world_find_container_instance(t->world, 0, strrchr(arn, '/') + 1);
    assert_true(forgot < 0 || world_view(t->world).instances[forgot].status.now == WE_INACTIVE);
}

// Everything about a group, against the world's truth.
static void each_call_of_groups(struct account *t)
{
    struct asg_groups groups;
    struct asg_members warm;
    struct asg_refreshes refreshes;
    struct asg_policies policies;
    struct asg_hooks hooks;
    struct asg_activities activities;
    struct aws_call calls[5];
    struct world_override o = {world_type_index(t->world, "m5.large"), -1, 2000};
    int fleet = world_add_group(t->world, &(struct world_group_spec){.name = "g", .cluster = 0, .desired = 4, .max = 20, .overrides = &o,
                                                                     .override_count = 1, .mixed = true, .on_demand_percent = 50});
    world_group_add_hook(t->world, fleet, &(struct world_hook_of_group){.name = "drain", .heartbeat_ms = 600000});
    world_group_add_policy(t->world, fleet, "cpu60", "TargetTrackingScaling");
    t->clock.virtual_ms += 300000;
    sandbox_sync(t->sandbox);
    world_group_add_warm(t->world, fleet, o.type, 0, WM_WARMED_STOPPED, false);
    const char *name = "g";
    asg_describe_groups(t->with, &name, 1, &groups);
    asg_describe_warm_pool(t->with, "g", &warm);
    asg_describe_refreshes(t->with, "g", &refreshes);
    asg_describe_policies(t->with, "g", &policies);
    asg_describe_hooks(t->with, "g", &hooks);
    asg_describe_activities(t->with, "g", &activities);
    run(t);
    const struct aws_call *reads[] = {&groups.call, &warm.call, &refreshes.call, &policies.call, &hooks.call, &activities.call};
    for (size_t i = 0; i < ARRAY_LEN(reads); i++)
        complete(reads[i]);
    assert_int_equal(groups.count, 1);
    assert_int_equal(groups.items[0].desired, 4);
    assert_int_equal(groups.items[0].overrides[0].weight_milli, 2000);
    assert_int_equal(groups.items[0].on_demand_percent, 50);
    assert_true(groups.items[0].has_warm_pool);
    assert_string_equal(warm.items[0].lifecycle, "Warmed:Stopped");
    assert_string_equal(policies.items[0].type, "TargetTrackingScaling");
    assert_int_equal(hooks.items[0].heartbeat_ms, 600000);
    assert_int_equal(refreshes.count, 0);
    assert_true(activities.count > 0);
    assert_true(groups.items[0].instance_count >= 2);
    const char *id = groups.items[0].instances[0].id;
    asg_tag(t->with, "g", &(struct aws_tag){"masu:owner", "masu"}, &calls[0]);
    asg_set_desired(t->with, "g", 8, &calls[1]);
    run(t);
    asg_terminate(t->with, id, true, &calls[2]);
    run(t);
    asg_heartbeat(t->with, "g", "drain", id, &calls[3]);
    run(t);
    asg_complete(t->with, "g", "drain", id, &calls[4]);
    run(t);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        complete(&calls[i]);
    assert_int_equal(world_view(t->world).fleets[fleet].wanted, 6);
    assert_true(world_view(t->world).instances[world_find_instance(t->world, id)].state.now >= WL_SHUTTING_DOWN);
}

static void a_launch(struct account *t)
{
    static const struct ec2_launch_pool pools[] = {{"m5.large", "subnet-0b0c5a4db0c500001"}, {"c5.large", "subnet-0b0c5a4db0c500002"}};
    static const struct aws_tag tags[] = {{"masu:fleet", "main/spare"}};
    struct ec2_launch_answer told;
    ec2_create_fleet(t->with, &(struct ec2_launch){.token = "t", .launch_template = "lt-0b0c5a4db0c500001", .version = "$Latest", .count = 2, .pools = pools,
                                                   .pool_count = 2, .tags = tags, .tag_count = 1}, &told);
    run(t);
    complete(&told.call);
    assert_int_equal(told.count, 2);
    assert_string_equal(told.items[0].lifecycle, "spot");
    assert_true(world_find_instance(t->world, told.items[1].instance) >= 0);
    int64_t launches = world_view(t->world).counters->launches;
    struct ec2_launch_answer tried;
    ec2_create_fleet(t->with, &(struct ec2_launch){.dry_run = true, .launch_template = "lt-0b0c5a4db0c500001", .version = "$Latest", .count = 2, .pools = pools, .pool_count = 2},
                     &tried);
    run(t);
    complete(&tried.call);  // DryRunOperation: it would be allowed
    assert_int_equal(tried.count, 0);
    assert_int_equal(world_view(t->world).counters->launches, launches);
}

static void a_template(struct account *t)
{
    struct ec2_templates told, absent[3];
    ec2_describe_template(t->with, "lt-0b0c5a4db0c500001", "$Default", &told);
    ec2_describe_template(t->with, "lt-00000000000000000", "$Default", &absent[0]);
    ec2_describe_template(t->with, "nobody", "$Default", &absent[1]);
    ec2_describe_template(t->with, "lt-0b0c5a4db0c500001", "4711", &absent[2]);
    run(t);
    complete(&told.call);
    assert_int_equal(told.count, 1);
    assert_string_equal(told.items[0].id, "lt-0b0c5a4db0c500001");
    assert_true(told.items[0].version >= 1);
    assert_string_equal(told.items[0].image, world_view(t->world).templates[0].ami);
    assert_true(told.items[0].profile[0] != '\0');
    for (size_t i = 0; i < ARRAY_LEN(absent); i++)
        assert_int_equal(absent[i].call.err.kind, ERR_NOT_FOUND);
}

// The table of permissions names each operation that the client can send: another test holds it against the client's source.
// IAM allows a batch as its single action.
static bool of_batch(const char *operation, const char *action)
{
    size_t n = strlen(action);
    return strncmp(operation, action, n) == 0 && strcmp(operation + n, "Batch") == 0;
}

// AWS asks for them beside ec2:CreateFleet; nobody sends them.
static bool permission_only(const char *action)
{
    return strcmp(action, "ec2:RunInstances") == 0 || strcmp(action, "iam:PassRole") == 0;
}

static void every_operation_of_the_client_is_sent_and_understood(void **state)
{
    (void)state;
    struct account t;
    struct sandbox_call_count counts[128];
    begin(&t, &(struct sandbox_options){.seed = 1, .metrics = true, .insights = true}, static_keys);
    world_add_provider(t.world, "by-ecs", true);
    world_add_provider(t.world, "by-us", false);
    world_stick_fleet(t.world, 0, "launchSpecUnusable");
    struct world_override any = {0, -1, 1000};
    int added = world_add_fleet(t.world, &(struct world_fleet_spec){.cluster = 0, .target = 5, .on_demand = 2, .overrides = &any, .override_count = 1, .ec2_fleet = true});
    const char *ec2_fleet_id = arena_strdup(&t.arena, world_view(t.world).fleets[added].id);
    pass(&t, 60000);
    const char *cluster = world_view(t.world).clusters[0].name, *fleet_id = arena_strdup(&t.arena, world_view(t.world).fleets[0].id);
    each_read_of_ecs(&t, cluster);
    each_read_of_ec2(&t, fleet_id);
    each_read_of_scalers(&t, fleet_id);
    each_call_of_ec2_fleets(&t, ec2_fleet_id);
    a_launch(&t);
    a_template(&t);
    each_write(&t, cluster, fleet_id);
    each_of_the_queue(&t);
    each_call_of_groups(&t);
    each_of_quotas_and_metrics(&t);
    size_t n = sandbox_calls(t.sandbox, counts, ARRAY_LEN(counts));
    for (size_t p = 0; p < permission_count; p++) {
        int64_t calls = 0;
        for (size_t i = 0; i < n; i++)
            calls += permission_only(permissions[p].action) || strcmp(counts[i].operation, permissions[p].action) == 0 || of_batch(counts[i].operation, permissions[p].action) ? counts[i].calls : 0;
        if (calls == 0)
            fail_msg("%s was not sent", permissions[p].action);
    }
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clusters_instances_services_and_tasks_are_those_of_the_world),
        cmocka_unit_test(fleets_instances_types_and_prices_are_those_of_the_world),
        cmocka_unit_test(a_removal_step_by_step),
        cmocka_unit_test(a_termination_whose_answer_is_lost_happened_and_is_not_repeated),
        cmocka_unit_test(reads_survive_the_faults_of_a_bad_minute),
        cmocka_unit_test(the_task_role_serves_for_a_day),
        cmocka_unit_test(an_assumed_role_serves_for_a_day),
        cmocka_unit_test(two_regions_have_their_own_worlds),
        cmocka_unit_test(a_wrong_secret_is_refused_and_not_repeated),
        cmocka_unit_test(every_operation_of_the_client_is_sent_and_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
