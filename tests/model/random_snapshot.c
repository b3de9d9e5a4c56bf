#include "tests/model/random_snapshot.h"

#include <string.h>

static int64_t below(struct rng *r, int64_t n)
{
    return (int64_t)rng_below(r, (uint64_t)n);
}

static bool coin(struct rng *r)
{
    return rng_below(r, 2) == 1;
}

static int64_t some_time(struct rng *r)
{
    return coin(r) ? 0 : INT64_C(1760000000000) + below(r, 1000000000);
}

static const char *some_text(struct rng *r, struct arena *a, const char *stem)
{
    static const char *const odd[] = {"", "plain", "with \"quotes\" and \\", "\xe6\x9e\xa1", "a\nb"};
    return coin(r) ? odd[below(r, ARRAY_LEN(odd))] : arena_printf(a, "%s-%d", stem, (int)below(r, 1000));
}

static struct res some_res(struct rng *r)
{
    return (struct res){{below(r, 100000), below(r, 100000), below(r, 8), below(r, 100) - 50}};
}

static int32_t some_count(struct rng *r)
{
    return coin(r) ? (int32_t)below(r, 3) : (int32_t)below(r, 5000);
}

static struct attribute_set some_attributes(struct rng *r, struct arena *a)
{
    struct attribute_set set = {.count = (size_t)below(r, 4)};
    set.v = arena_array(a, struct attribute, set.count);
    for (size_t i = 0; i < set.count; i++)
        set.v[i] = (struct attribute){arena_printf(a, "ecs.attribute-%zu", i), some_text(r, a, "value")};
    return set;
}

static void make_sets(struct snapshot *s, struct rng *r, struct arena *a)
{
    s->attribute_set_count = (size_t)below(r, 3);
    s->attribute_sets = arena_array(a, struct attribute_set, s->attribute_set_count);
    for (size_t i = 0; i < s->attribute_set_count; i++)
        s->attribute_sets[i] = some_attributes(r, a);
}

static const struct attribute_set *some_set(const struct snapshot *s, struct rng *r)
{
    int64_t n = below(r, (int64_t)s->attribute_set_count + 1);
    return n == 0 ? NULL : &s->attribute_sets[n - 1];
}

static struct port_set some_ports(struct rng *r, struct arena *a)
{
    size_t n = (size_t)below(r, 3);
    uint32_t *v = arena_array(a, uint32_t, n);
    for (size_t i = 0; i < n; i++)
        v[i] = port_make((uint32_t)(i * 1000 + (size_t)below(r, 1000)), coin(r));
    return (struct port_set){v, n};
}

static const char **some_texts(struct rng *r, struct arena *a, size_t *ret_count)
{
    *ret_count = (size_t)below(r, 3);
    const char **v = arena_array(a, const char *, *ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        v[i] = some_text(r, a, "text");
    return v;
}

static void make_types(struct snapshot *s, struct rng *r, struct arena *a)
{
    s->type_count = (size_t)below(r, 4);
    s->types = arena_array(a, struct instance_type, s->type_count);
    for (size_t i = 0; i < s->type_count; i++)
        s->types[i] = (struct instance_type){
            .name = arena_printf(a, "c%zu.large", i),
            .nominal = some_res(r),
            .registered = some_res(r),
            .arch = some_text(r, a, "arch"),
            .spot_usd_micro = below(r, 1000000),
            .on_demand_usd_micro = below(r, 1000000),
        };
}

static void make_fleets(struct snapshot *s, struct rng *r, struct arena *a)
{
    s->fleet_count = (size_t)below(r, 3);
    s->fleets = arena_array(a, struct fleet, s->fleet_count);
    for (size_t i = 0; i < s->fleet_count; i++) {
        struct fleet *f = &s->fleets[i];
        *f = (struct fleet){
            .id = arena_printf(a, "sfr-%zu", i),
            .name = some_text(r, a, "name"),
            .kind = (enum fleet_kind)below(r, FLEET_KIND_COUNT),
            .unfound = some_text(r, a, "unfound"),
            .state = (enum fleet_state)below(r, FLEET_STATE_COUNT),
            .found = coin(r),
            .maintain = coin(r),
            .activity = some_text(r, a, "activity"),
            .target = below(r, 1000),
            .on_demand_target = below(r, 10),
            .fulfilled_milli = below(r, 1000000),
            .allocation = some_text(r, a, "allocation"),
            .valid_until_ms = some_time(r),
            .ends_with_expiration = coin(r),
            .replaces = coin(r) ? "launch" : "", .replace_delay_ms = (int64_t)rng_below(r, 9999),
            .provider = some_text(r, a, "provider"), .min_size = (int64_t)rng_below(r, 9), .max_size = (int64_t)rng_below(r, 99), .on_demand_base = (int64_t)rng_below(r, 5), .on_demand_percent = (int64_t)rng_below(r, 101), .no_launch = coin(r), .no_terminate = coin(r),
            .rebalances = coin(r), .refreshing = coin(r), .hook = coin(r) ? "drain" : "", .hook_heartbeat_ms = (int64_t)rng_below(r, 999),
            .hook_limit_ms = (int64_t)rng_below(r, 9999),
            .owner = some_text(r, a, "owner"),
            .foreign_scaling = coin(r),
            .foreign = some_text(r, a, "foreign"),
            .control = some_text(r, a, "control"),
            .denied = some_text(r, a, "denied"),
            .last_error = some_text(r, a, "error"),
            .last_error_ms = some_time(r),
            .capacity_error_ms = some_time(r),
            .pool_count = (size_t)below(r, 3),
        };
        f->pools = arena_array(a, struct fleet_pool, f->pool_count);
        for (size_t k = 0; k < f->pool_count; k++) {
            int type = (int)below(r, (int64_t)s->type_count + 1) - 1;
            f->pools[k] = (struct fleet_pool){
                .type = type,
                .type_name = type >= 0 ? s->types[type].name : "x9.unknown",
                .zone = some_text(r, a, "zone"),
                .weight_milli = 1 + below(r, 8000),
                .subnet = some_text(r, a, "subnet"),
                .subnet_full = coin(r),
                .launch_template = some_text(r, a, "lt"),
                .attributes = some_set(s, r),
                .attributes_known = coin(r),
                .spot_usd_micro = below(r, 1000000),
                .refused_ms = some_time(r),
                .score = (int32_t)below(r, 11),
                .scored_ms = some_time(r),
            };
        }
    }
}

static void make_shapes(struct snapshot *s, struct rng *r, struct arena *a)
{
    s->shape_count = (size_t)below(r, 6);
    s->shapes = arena_array(a, struct shape, s->shape_count);
    for (size_t i = 0; i < s->shape_count; i++) {
        struct shape *shape = &s->shapes[i];
        *shape = (struct shape){
            .name = arena_printf(a, "web:%d", (int)below(r, 3)),  // often the same: unique with their service only
            .need = some_res(r),
            .used_p95 = some_res(r),
            .used_now = some_res(r),
            .used_largest_mib = rng_between(r, 0, 9000),
            .used_at_ms = some_time(r),
            .known = coin(r),
            .distinct_instance = coin(r),
            .arch = some_text(r, a, "arch"),
            .unmodelled = some_text(r, a, "memberOf"),
            .strategy_count = (int)below(r, PLACE_MAX + 1),
            .local_data = coin(r),
            .stop_timeout_ms = below(r, 120000),
            .vpc = some_text(r, a, "vpc"),
            .ports = some_ports(r, a),
        };
        shape->member_of = some_texts(r, a, &shape->member_of_count);
        shape->zones = some_texts(r, a, &shape->zone_count);
        struct attribute_set required = some_attributes(r, a);
        shape->required = required.v;
        shape->required_count = required.count;
        for (int k = 0; k < shape->strategy_count; k++) {
            enum place_kind kind = (enum place_kind)below(r, PLACE_RANDOM + 1);
            shape->strategies[k] = (struct place_strategy){kind, kind == PLACE_SPREAD ? "attribute:zone" : ""};
        }
    }
}

static int some_index(struct rng *r, size_t count)
{
    return (int)below(r, (int64_t)count + 1) - 1;
}

static void make_services(struct snapshot *s, struct rng *r, struct arena *a)
{
    s->service_count = (size_t)below(r, 5);
    s->services = arena_array(a, struct service, s->service_count);
    for (size_t i = 0; i < s->service_count; i++) {
        struct service *v = &s->services[i];
        *v = (struct service){
            .name = arena_printf(a, "service-%zu", i),
            .arn = some_text(r, a, "arn"),
            .kind = (enum service_kind)below(r, 2),
            .on_ec2 = coin(r),
            .desired = some_count(r),
            .running = some_count(r),
            .pending = some_count(r),
            .min_percent = some_count(r),
            .max_percent = some_count(r),
            .deployment_count = (size_t)below(r, 4),
            .young = (int32_t)rng_below(r, 3),
            .unsteady_since_ms = some_time(r),
            .unplaced_since_ms = some_time(r),
            .crash_looping = coin(r),
            .last_event = some_text(r, a, "event"),
            .not_ours = some_text(r, a, "not-ours"),
            .provider_count = (size_t)below(r, 3),
        };
        v->target_groups = some_texts(r, a, &v->target_group_count);
        v->providers = arena_array(a, struct provider_share, v->provider_count);
        for (size_t k = 0; k < v->provider_count; k++)
            v->providers[k] = (struct provider_share){some_text(r, a, "provider"), (int32_t)below(r, 3), (int32_t)below(r, 5)};
        v->primary = some_index(r, v->deployment_count);
        v->deployments = arena_array(a, struct deployment, v->deployment_count);
        for (size_t k = 0; k < v->deployment_count; k++)
            v->deployments[k] = (struct deployment){
                .id = some_text(r, a, "ecs-svc"),
                .primary = coin(r),
                .shape = some_index(r, s->shape_count),
                .desired = some_count(r),
                .running = some_count(r),
                .pending = some_count(r),
                .failed = some_count(r),
                .in_progress = coin(r),
                .created_ms = some_time(r),
            };
    }
}

static void make_holdings(struct snapshot *s, struct instance *in, struct rng *r, struct arena *a)
{
    in->holding_count = (size_t)below(r, 4);
    in->holdings = arena_array(a, struct holding, in->holding_count);
    for (size_t k = 0; k < in->holding_count; k++)
        in->holdings[k] = (struct holding){
            .service = some_index(r, s->service_count),
            .shape = some_index(r, s->shape_count),
            .running = some_count(r),
            .pending = some_count(r),
            .stopping = some_count(r),
            .protected_ = some_count(r),
            .example_task = some_text(r, a, "task"),
            .oldest_ms = some_time(r),
        };
}

static void make_instances(struct snapshot *s, struct rng *r, struct arena *a)
{
    s->instance_count = (size_t)below(r, 8);
    s->instances = arena_array(a, struct instance, s->instance_count);
    for (size_t i = 0; i < s->instance_count; i++) {
        s->instances[i] = (struct instance){
            .id = arena_printf(a, "i-%zu", i),
            .arn = some_text(r, a, "arn"),
            .type = coin(r) && s->type_count ? s->types[0].name : some_text(r, a, "type"),
            .zone = some_text(r, a, "zone"),
            .arch = some_text(r, a, "arch"),
            .spot = coin(r),
            .fleet = some_index(r, s->fleet_count),
            .weight_milli = 1 + below(r, 8000),
            .ecs = (enum ecs_state)below(r, ECS_STATE_COUNT),
            .ec2 = (enum ec2_state)below(r, EC2_STATE_COUNT),
            .agent_connected = coin(r),
            .disconnected_since_ms = some_time(r),
            .launched_ms = some_time(r),
            .registered_ms = some_time(r),
            .registered = some_res(r),
            .remaining = some_res(r),
            .tasks_known = coin(r),
            .ecs_running = some_count(r),
            .ecs_pending = some_count(r),
            .mark = some_text(r, a, "mark"),
            .marked_ms = some_time(r),
            .forbidden = coin(r),
            .notice_ms = some_time(r),
            .rebalance_ms = some_time(r),
            .event_ms = some_time(r),
            .attributes = some_set(s, r),
            .ports = some_ports(r, a),
            .provider = some_text(r, a, "provider"),
            .agent_version = some_text(r, a, "1"),
            .launch_template = some_text(r, a, "lt"),
            .elsewhere = some_text(r, a, "elsewhere"),
            .ever_registered = coin(r),
            .volume_attached = coin(r), .member = coin(r) ? "InService" : "", .scale_in_protected = coin(r),
        };
        make_holdings(s, &s->instances[i], r, a);
    }
}

struct snapshot random_snapshot(struct rng *r, struct arena *a)
{
    struct snapshot s = {
        .now_ms = INT64_C(1770000000000) + below(r, 1000000),
        .account = some_text(r, a, "account"),
        .region = some_text(r, a, "region"),
        .cluster = "web",
        .started_ms = some_time(r),
        .complete_looks = coin(r) ? some_count(r) : INT32_MAX,  // a year of looks is more than any count of tasks
        .boot_p90_ms = below(r, 200000),
        .boot_p95_ms = below(r, 300000),
        .confirmed = some_text(r, a, "confirmed"),
        .dearest_usd_micro = below(r, 1000000),
        .quota_count = (size_t)below(r, 3),
        .subnet_count = (size_t)below(r, 3),
        .local_time_count = (size_t)below(r, 3),
        .occasion_count = (size_t)below(r, 3),
        .owner = some_text(r, a, "owner"),
        .policy_hash = some_text(r, a, "hash"),
        .control = {.who = "", .why = ""},
        .listed_ms = some_time(r),
        .clock_off_ms = below(r, 2000) - 1000,
    };
    if (coin(r))
        s.control = (struct control){(enum control_mode)(1 + below(r, CONTROL_COUNT - 1)), some_text(r, a, "who"), some_text(r, a, "why"),
                                     some_time(r), some_time(r)};
    s.usage = coin(r) ? (struct source){(enum source_state)below(r, SOURCE_OK + 1), some_time(r), some_text(r, a, "usage")} : (struct source){.detail = ""};
    s.overflow = coin(r) ? (struct source){(enum source_state)below(r, SOURCE_OK + 1), some_time(r), some_text(r, a, "overflow")} : (struct source){.detail = ""};
    s.requests = coin(r) ? (struct source){(enum source_state)below(r, SOURCE_OK + 1), some_time(r), some_text(r, a, "requests")} : (struct source){.detail = ""};
    s.overflowing = some_text(r, a, "whose");
    if (coin(r))
        s.outlook = (struct outlook){s.now_ms, below(r, 1000000), (int32_t)below(r, 1000), (int32_t)below(r, 1000), below(r, 200000), below(r, 2000000)};
    s.local_times = arena_array(a, struct local_time, s.local_time_count);
    for (size_t k = 0; k < s.local_time_count; k++)
        s.local_times[k] = (struct local_time){some_text(r, a, "zone"), (int32_t)below(r, 7 * 24 * 60 + 1) - 1};
    s.occasions = arena_array(a, struct occasion, s.occasion_count);
    for (size_t k = 0; k < s.occasion_count; k++)
        s.occasions[k] = (struct occasion){some_text(r, a, "occasion"), some_time(r), some_time(r), some_count(r)};
    s.subnets = arena_array(a, struct subnet, s.subnet_count);
    for (size_t k = 0; k < s.subnet_count; k++)
        s.subnets[k] = (struct subnet){some_text(r, a, "subnet"), below(r, 65536), below(r, 65536)};
    s.quotas = arena_array(a, struct quota, s.quota_count);
    for (size_t k = 0; k < s.quota_count; k++)
        s.quotas[k] = (struct quota){(enum quota_kind)below(r, QUOTA_CLASS_COUNT), below(r, 5000), below(r, 5000), coin(r) ? some_time(r) : 0};
    for (int k = 0; k < SOURCE_COUNT; k++)
        s.sources[k] = (struct source){(enum source_state)below(r, SOURCE_OK + 1), some_time(r), some_text(r, a, "detail")};
    make_sets(&s, r, a);
    make_types(&s, r, a);
    make_fleets(&s, r, a);
    make_shapes(&s, r, a);
    make_services(&s, r, a);
    make_instances(&s, r, a);
    return s;
}

struct memo random_memo(struct rng *r, struct arena *a)
{
    struct memo m = {
        .version = MEMO_VERSION,
        .now_ms = some_time(r),
        .policy_hash = some_text(r, a, "hash"),
        .policy_since_ms = some_time(r),
        .drains_begun = below(r, 100),
        .drains_finished = below(r, 100),
        .drains_undone = below(r, 100),
        .drain_count = (size_t)below(r, 4),
        .stamp_count = (size_t)below(r, 4),
        .target_count = (size_t)below(r, 4),
        .launch_count = (size_t)below(r, 4),
    };
    m.drains = arena_array(a, struct memo_drain, m.drain_count);
    m.stamps = arena_array(a, struct memo_stamp, m.stamp_count);
    m.targets = arena_array(a, struct memo_target, m.target_count);
    for (size_t i = 0; i < m.drain_count; i++)
        m.drains[i] = (struct memo_drain){"i-1",        (enum drain_state)below(r, DRAIN_STATE_COUNT),
                                          some_time(r), some_time(r),
                                          some_time(r), some_time(r),
                                          some_time(r), some_time(r),
                                          some_text(r, a, "reason")};
    for (size_t i = 0; i < m.stamp_count; i++)
        m.stamps[i] = (struct memo_stamp){(enum memo_stamp_kind)below(r, STAMP_COUNT), some_text(r, a, "key"), some_time(r),
                                          some_time(r), some_count(r), below(r, 5000)};
    for (size_t i = 0; i < m.target_count; i++)
        m.targets[i] = (struct memo_target){some_text(r, a, "fleet"), below(r, 1000), some_time(r)};
    m.launches = arena_array(a, struct memo_launch, m.launch_count);
    for (size_t i = 0; i < m.launch_count; i++)
        m.launches[i] = (struct memo_launch){some_text(r, a, "token"), some_text(r, a, "fleet"), some_text(r, a, "lt-1:2 c5.large@subnet-1"),
                                             below(r, 100), below(r, 100), some_time(r), below(r, 2) == 1};
    return m;
}
