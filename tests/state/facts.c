#include "tests/state/facts.h"

#define MINUTE_MS 60000
// Hostile on purpose: a page and a metrics line must carry it as text.
#define HOSTILE "web\"<b>\\&'"

static void fill_shapes(struct facts *f)
{
    static const char *const names[] = {"web:7", "worker:3", "logs:1"};
    for (int i = 0; i < 3; i++) {
        f->shapes[i] = (struct shape){.name = names[i], .need = res_make(i == 2 ? 128 : 1024, i == 2 ? 256 : 2048), .known = true,
                                      .arch = "", .unmodelled = "", .stop_timeout_ms = 30000};
        f->deployments[i] = (struct deployment){.id = "ecs-svc/1", .primary = true, .shape = i, .desired = 2, .running = 2};
    }
    f->shapes[0].strategies[0] = (struct place_strategy){PLACE_SPREAD, "instanceId"};
    f->shapes[0].strategy_count = 1;
}

static void fill_services(struct facts *f)
{
    static const char *const names[] = {HOSTILE, "worker", "logs"};
    for (int i = 0; i < 3; i++)
        f->services[i] = (struct service){.name = names[i], .arn = "arn:aws:ecs:eu-west-1:123456789012:service/east/x",
                                          .kind = i == 2 ? SERVICE_DAEMON : SERVICE_REPLICA, .on_ec2 = true, .desired = 3,
                                          .running = 2, .min_percent = 100, .max_percent = 200, .deployments = &f->deployments[i],
                                          .deployment_count = 1, .last_event = ""};
}

static void fill_instances(struct facts *f, int64_t now)
{
    static const char *const ids[] = {"i-0aaa000000000001", "i-0bbb000000000002", "i-0ccc000000000003", "i-0ddd000000000004"};
    for (int i = 0; i < 4; i++)
        f->instances[i] = (struct instance){.id = ids[i], .arn = "arn:x", .type = "m5.xlarge", .zone = "eu-west-1a", .arch = "x86_64",
                                            .spot = i > 0, .weight_milli = 4000, .ecs = ECS_ACTIVE, .ec2 = EC2_RUNNING,
                                            .agent_connected = true, .launched_ms = now - 600 * MINUTE_MS,
                                            .registered_ms = now - 599 * MINUTE_MS, .registered = res_make(4096, 15680),
                                            .remaining = res_make(1920, 11328), .tasks_known = true, .mark = ""};
    // The first runs web and logs; the second drains, held by a protected worker; the third boots; the fourth has a notice.
    f->holdings[0] = (struct holding){.service = 0, .shape = 0, .running = 2, .example_task = "t-1"};
    f->holdings[1] = (struct holding){.service = 2, .shape = 2, .running = 1, .example_task = "t-2"};
    f->holdings[2] = (struct holding){.service = 1, .shape = 1, .running = 1, .protected_ = 1, .example_task = "t-3"};
    f->holdings[3] = (struct holding){.service = -1, .shape = 1, .running = 1, .example_task = "t-4"};
    f->instances[0].holdings = &f->holdings[0];
    f->instances[0].holding_count = 2;
    f->instances[1].holdings = &f->holdings[2];
    f->instances[1].holding_count = 1;
    f->instances[1].ecs = ECS_DRAINING;
    f->instances[1].mark = "masu 2026-01-15T13:41:02Z";
    f->instances[1].marked_ms = now - 23 * MINUTE_MS;
    f->instances[2].ecs = ECS_UNREGISTERED;
    f->instances[2].ec2 = EC2_PENDING;
    f->instances[2].arn = "";
    f->instances[2].agent_connected = false;
    f->instances[2].registered = f->instances[2].remaining = (struct res){0};
    f->instances[2].registered_ms = 0;
    f->instances[2].launched_ms = now - MINUTE_MS;
    f->instances[3].holdings = &f->holdings[3];
    f->instances[3].holding_count = 1;
    f->instances[3].notice_ms = now - 20000;
}

static void fill_snapshot(struct facts *f, int64_t now)
{
    fill_shapes(f);
    fill_services(f);
    fill_instances(f, now);
    f->types[0] = (struct instance_type){.name = "m5.xlarge", .nominal = res_make(4096, 16384), .registered = res_make(4096, 15680),
                                         .arch = "x86_64", .spot_usd_micro = 76000, .on_demand_usd_micro = 214000};
    f->types[1] = (struct instance_type){.name = "m5.2xlarge", .nominal = res_make(8192, 32768), .arch = "x86_64"};
    f->pools[0] = (struct fleet_pool){.type = 0, .type_name = "m5.xlarge", .zone = "eu-west-1a", .weight_milli = 4000};
    f->fleets[0] = (struct fleet){.id = "sfr-00000000-1111-2222-3333-444444444444", .kind = FLEET_SPOT_FLEET, .state = FLEET_ACTIVE,
                                  .found = true, .maintain = true, .activity = "fulfilled", .target = 20, .fulfilled_milli = 16000,
                                  .pools = f->pools, .pool_count = 1, .allocation = "lowestPrice", .owner = ""};
    f->snapshot = (struct snapshot){.now_ms = now, .account = "123456789012", .region = "eu-west-1", .cluster = "east",
                                    .started_ms = now - 90 * MINUTE_MS, .complete_looks = 90, .types = f->types, .type_count = 2,
                                    .fleets = f->fleets, .fleet_count = 1, .shapes = f->shapes, .shape_count = 3,
                                    .services = f->services, .service_count = 3, .instances = f->instances, .instance_count = 4};
    for (int i = 0; i < SOURCE_COUNT; i++)
        f->snapshot.sources[i] = (struct source){SOURCE_OK, now - 500, ""};
    f->snapshot.sources[SOURCE_TASKS] = (struct source){SOURCE_PARTIAL, now - 4 * MINUTE_MS, "ListTasks: 503"};
}

static void fill_plan(struct facts *f, int64_t now)
{
    f->actions[0] = (struct action){.kind = ACTION_SET_TARGET, .target = f->fleets[0].id, .instance = -1, .fleet = 0, .capacity = 24,
                                    .target_before = 20, .value = "", .after = -1, .fact = "1 task of web fits on 0 of 3 instances",
                                    .verdict = "launch", .hourly_delta = {76000}};
    f->verdicts[0] = (struct verdict){CANDIDATE_INSTANCE, VERDICT_KEEP, f->instances[0].id, "its 2 tasks fit nowhere else", "keep", 0, 0};
    f->verdicts[1] = (struct verdict){CANDIDATE_INSTANCE, VERDICT_GO_ON, f->instances[1].id, "1 protected task", "wait", 0, 0};
    f->verdicts[2] = (struct verdict){CANDIDATE_FLEET, VERDICT_CAPPED, f->fleets[0].id, "wanted 40, max 24", "capped", 40, 24};
    f->demands[0] = (struct demand){.service = 0, .shape = 0, .missing = 1, .headroom = 1, .ordered = 2, .since_ms = now - 71000};
    f->plan = (struct plan){.now_ms = now, .cluster = "east", .mode = "act", .actions = f->actions, .action_count = 1,
                            .verdicts = f->verdicts, .verdict_count = 3, .demands = f->demands, .demand_count = 1};
    f->plan.summary = (struct plan_summary){.instances = 4, .active = 1, .draining = 1, .coming = 1, .interrupted = 1,
                                            .waiting_tasks = 1, .capacity = res_make(4096, 15680), .reserved = res_make(2176, 4352),
                                            .need = res_make(5120, 10240), .hourly = {442000}};
    f->quiet_plan = f->plan;
    f->quiet_plan.actions = NULL;
    f->quiet_plan.action_count = 0;
}

static void fill_memo(struct facts *f, int64_t now)
{
    f->drains[0] = (struct memo_drain){.instance = f->instances[1].id, .state = DRAIN_DRAINING, .since_ms = now - 23 * MINUTE_MS,
                                       .state_since_ms = now - 22 * MINUTE_MS, .read_back_ms = now - 22 * MINUTE_MS,
                                       .deadline_ms = now + 7 * MINUTE_MS, .reason = "its 2 tasks fit on 1 other -> drain"};
    f->targets[0] = (struct memo_target){f->fleets[0].id, 20, now - 2 * MINUTE_MS};
    f->stamps[0] = (struct memo_stamp){STAMP_POOL, "m5.xlarge eu-west-1a", now - MINUTE_MS, now + 2 * MINUTE_MS, 1, POOL_INTERRUPTED | POOL_REFUSED};
    f->stamps[1] = (struct memo_stamp){STAMP_SCORE, "sfr-00000000-1111-2222-3333-444444444444 eu-west-1a", now - 31 * MINUTE_MS, 0, 3, 0};
    f->memo = (struct memo){.version = MEMO_VERSION, .now_ms = now, .drains = f->drains, .drain_count = 1, .targets = f->targets,
                            .target_count = 1, .stamps = f->stamps, .stamp_count = 2, .drains_begun = 5, .drains_finished = 3, .drains_undone = 1};
}

void facts_fill(struct facts *f, int64_t now_ms)
{
    *f = (struct facts){0};
    fill_snapshot(f, now_ms);
    fill_plan(f, now_ms);
    fill_memo(f, now_ms);
    f->policy_fleets[0] = (struct policy_fleet){.id = f->fleets[0].id, .min = 0, .max = 24};
    for (int i = 0; i < 2; i++)
        f->policy_clusters[i] = (struct policy_cluster){.name = i ? "arn:aws:ecs:eu-west-1:123456789012:cluster/west" : "east",
                                                        .region = "eu-west-1", .account = "", .fleets = f->policy_fleets,
                                                        .fleet_count = 1, .mode = MODE_ACT, .period_ms = 30000, .max_age_ms = 120000};
    f->event = (struct policy_event){.name = "sale \"<b>\\&'", .start = "", .end = "", .date = "", .window = {"mon-fri", "08:00", "10:00", "Asia/Tokyo"},
                                     .times_milli = 1500, .least_vcpus = 64};
    f->occasions[0] = (struct occasion){f->event.name, now_ms - 7200000, now_ms - 3600000, 0};
    f->occasions[1] = (struct occasion){f->event.name, now_ms - 600000, now_ms + 3600000, 5};
    f->policy_clusters[0].calendar = (struct policy_calendar){&f->event, 1};
    f->snapshot.occasions = f->occasions;
    f->snapshot.occasion_count = 2;
    f->policy = (struct policy){.path = "policy.json", .hash = "0123456789abcdef", .clusters = f->policy_clusters, .cluster_count = 2};
}
