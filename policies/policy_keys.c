#include "policies/policy_keys.h"

#include <string.h>

#include "policies/policy.h"

static const char *const mode_names[MODE_COUNT] = {[MODE_ACT] = "act", [MODE_ADD_ONLY] = "add-only", [MODE_OBSERVE] = "observe"};
static const char *const freeze_names[FREEZE_MODE_COUNT] = {[FREEZE_ADD_ONLY] = "add-only", [FREEZE_PAUSE] = "pause",
                                                            [FREEZE_FREEZE] = "freeze"};
static const char *const budget_names[BUDGET_REASON_COUNT] = {[BUDGET_ANY] = "any", [BUDGET_EMPTY] = "empty",
                                                              [BUDGET_TASKS] = "tasks"};
static const char *const format_names[WEBHOOK_FORMAT_COUNT] = {[WEBHOOK_MASU] = "masu", [WEBHOOK_SLACK] = "slack",
                                                               [WEBHOOK_ALERTMANAGER] = "alertmanager"};
static const char *const level_names[ALERT_LEVEL_COUNT] = {[ALERT_LEVEL_INFO] = "info", [ALERT_LEVEL_WARNING] = "warning",
                                                           [ALERT_LEVEL_CRITICAL] = "critical"};
static const char *const role_names[FLEET_ROLE_COUNT] = {[FLEET_ROLE_BASE] = "base", [FLEET_ROLE_SPOT] = "spot",
                                                         [FLEET_ROLE_BATCH] = "batch", [FLEET_ROLE_BURST] = "burst"};
static const char *const gpus_names[GPUS_COUNT] = {[GPUS_NONE] = "none", [GPUS_ANY] = "any", [GPUS_ONLY] = "only"};
static const char *const generation_names[GENERATION_COUNT] = {[GENERATION_CURRENT] = "current", [GENERATION_ANY] = "any"};
static const char *const unknown_names[USAGE_UNKNOWN_COUNT] = {[USAGE_UNKNOWN_HOLD] = "hold", [USAGE_UNKNOWN_RESERVATION] = "reservation"};
static const char *const on_deadline_names[] = {[ON_DEADLINE_UNDO] = "undo", [ON_DEADLINE_WAIT] = "wait"};

#define CLUSTER "clusters[]"
#define NEEDS CLUSTER ".fleets[].requirements"
#define INSTANT CLUSTER ".fleets[].instant"
#define EVENT CLUSTER ".calendar[]"
#define USAGE CLUSTER ".usage"
#define PROMETHEUS USAGE ".prometheus"
#define CADVISOR USAGE ".cadvisor"
#define OF_CLUSTER "{container_label_com_amazonaws_ecs_cluster=~\"(.*/)?$cluster\"}"
#define AT(type, member) .offset = offsetof(struct type, member)
#define STRING(in, key, place, ...) {.parent = (in), .name = (key), .kind = KEY_STRING, place, .unit = "", __VA_ARGS__}
#define NUMBER(in, key, of, default_, low, high, place, text) \
    {.parent = (in), .name = (key), .kind = KEY_INTEGER, .unit = (of), .fallback = (default_), .min = (low), .max = (high), \
     .scale = 1, place, .help = (text)}
#define SECONDS(in, key, default_, low, high, place, text) \
    {.parent = (in), .name = (key), .kind = KEY_INTEGER, .unit = "s", .fallback = (default_), .min = (low), .max = (high), \
     .scale = 1000, place, .help = (text)}
#define DOLLARS(in, key, default_, low, high, place, text_) \
    {.parent = (in), .name = (key), .kind = KEY_MONEY, .unit = "USD", .fallback = (default_), .min = (low), .max = (high), \
     .scale = 1000000, place, .help = (text_)}
#define BOOL(in, key, default_, place, text) \
    {.parent = (in), .name = (key), .kind = KEY_BOOL, .unit = "", .fallback = (default_), place, .help = (text)}
#define ENUM(in, key, default_, list, place, text) \
    {.parent = (in), .name = (key), .kind = KEY_ENUM, .unit = "", .fallback = (default_), .names = (list), \
     .name_count = (int)ARRAY_LEN(list), place, .help = (text)}
#define OBJECT(in, key, text) {.parent = (in), .name = (key), .kind = KEY_OBJECT, .unit = "", .help = (text)}
#define ARRAY(in, key, type, items, number, of, ...) \
    {.parent = (in), .name = (key), .kind = KEY_ARRAY, .unit = "", .offset = offsetof(struct type, items), \
     .count_offset = offsetof(struct type, number), .item_size = sizeof(struct of), __VA_ARGS__}

#define WINDOW(in, type) \
    STRING(in, "days", AT(type, window.days), \
           .help = "Days on which it begins, such as \"mon-fri\" or \"sat,sun\"; left out: every day."), \
    STRING(in, "from", AT(type, window.from), .help = "Begins at \"HH:MM\"; left out with `to`: the whole day."), \
    STRING(in, "to", AT(type, window.to), .help = "Ends at \"HH:MM\"; at or before `from`: on the next day."), \
    STRING(in, "zone", AT(type, window.zone), .text = "UTC", .help = "Time zone by name, such as \"Asia/Tokyo\".")

// Rows of one parent stand together, in the order in which a person would write them. The defaults of scale-in are the
// interlocks' (L1 to L7, L16, L19, F2 in the headers of planner/).
const struct policy_key policy_keys[] = {
    STRING("", "$schema", .offset = KEY_IGNORED, .help = "Where an editor finds this schema; masu does not read it."),
    ARRAY("", "clusters", policy, clusters, cluster_count, policy_cluster, .required = true,
          .example = "[{\"name\": \"production\", \"fleets\": []}]", .help = "The ECS clusters to keep capacity for."),
    STRING("", "owner", AT(policy, owner), .text = "masu",
           .help = "Written into the tag masu:owner of each fleet; a fleet that carries another owner's is only read (L28)."),
    STRING("", "confirm", AT(policy, confirm), .unhashed = true,
           .help = "Hash of this policy, when it is meant to remove more than 20 % or drops a fleet or cluster (L14)."),
    OBJECT("", "alerts", "Where alerts are sent beside the log, the metrics and the page."),

    ARRAY("", "events", policy, queues, queue_count, policy_queue, .example = "[{\"queue_url\": \"https://sqs.…\"}]",
          .help = "Queues (SQS) that bring events at once: spot notices, rebalance signals, ends of instances. Without one notices are polled."),

    STRING("alerts", "webhook_url", AT(policy, alerts.webhook_url), .help = "Each alert that begins or ends is POSTed here as JSON."),
    STRING("alerts", "webhook_url_env", AT(policy, alerts.webhook_url_env),
           .help = "Environment variable that holds the URL, where that is a secret."),
    ARRAY("alerts", "webhook_headers", policy, alerts.webhook_headers, alerts.webhook_header_count, policy_header,
          .help = "Headers of that POST."),
    ENUM("alerts", "webhook_format", WEBHOOK_MASU, format_names, AT(policy, alerts.webhook_format),
         "What is sent: masu's own JSON, a Slack message, or alerts for Alertmanager's /api/v2/alerts."),
    ENUM("alerts", "webhook_level", ALERT_LEVEL_WARNING, level_names, AT(policy, alerts.webhook_level),
         "Alerts of this severity and above are sent."),
    STRING("alerts.webhook_headers[]", "name", AT(policy_header, name), .required = true, .example = "\"Authorization\"",
           .help = "Name of the header."),
    STRING("alerts.webhook_headers[]", "value_env", AT(policy_header, value_env), .example = "\"MASU_WEBHOOK_AUTH\"",
           .help = "Environment variable that holds its value."),
    STRING("alerts.webhook_headers[]", "value_file", AT(policy_header, value_file), .example = "\"/run/secrets/hook\"",
           .help = "Or a file whose first line it is."),

    STRING("events[]", "queue_url", AT(policy_queue, url), .required = true, .example = "\"https://sqs.us-east-1.amazonaws.com/111122223333/masu\"",
           .help = "URL of the queue; one a region, read by this daemon alone."),
    STRING("events[]", "region", AT(policy_queue, region), .help = "Its region; left out: as its host says, else AWS_REGION."),
    STRING("events[]", "account", AT(policy_queue, account), .help = "Account whose credentials read it; left out: as the clusters' of its region."),
    BOOL("events[]", "shared", false, AT(policy_queue, shared), "True: others read it too, so messages about instances of others are left in it."),

    STRING(CLUSTER, "name", AT(policy_cluster, name), .required = true, .example = "\"production\"",
           .help = "Short name or ARN of the ECS cluster."),
    STRING(CLUSTER, "region", AT(policy_cluster, region), .help = "AWS region; left out: AWS_REGION."),
    STRING(CLUSTER, "account", AT(policy_cluster, account), .help = "AWS account id; left out: that of the credentials."),
    ARRAY(CLUSTER, "fleets", policy_cluster, fleets, fleet_count, policy_fleet, .required = true,
          .example = "[{\"id\": \"sfr-…\", \"max\": 40}]", .help = "The fleets that hold the cluster's instances."),
    ENUM(CLUSTER, "mode", MODE_ACT, mode_names, AT(policy_cluster, mode),
         "What masu may do: all; only add capacity and undo drains; or nothing but record what it would do."),
    SECONDS(CLUSTER, "period_s", 30, 5, 300, AT(policy_cluster, period_ms), "A look and a plan each; 15 s after one more, where a drain without tasks waits for the next look."),
    SECONDS(CLUSTER, "max_age_s", 120, 10, 3600, AT(policy_cluster, max_age_ms),
            "Facts older than this are unknown: they may add capacity, never remove it."),
    DOLLARS(CLUSTER, "max_usd_per_hour", 0, 0, 100000, AT(policy_cluster, max_usd_micro),
            "Beyond it headroom and forecast get no capacity; tasks that exist and replacements do, with an alert (L15). 0: twice "
            "the dearest hour of 14 days, else what max costs on demand."),
    NUMBER(CLUSTER, "pool_share_percent", "%", 0, 0, 100, AT(policy_cluster, pool_share_percent),
           "So much of a service may run on spot instances of one pool (a type in a zone): beyond it there is an alert, and orders for it "
           "go to other fleets first. 0: no bound."),
    NUMBER(CLUSTER, "on_demand_base", "instances", 0, 0, 5000, AT(policy_cluster, on_demand_base),
           "The first so many instances of what the cluster's fleets run are on demand; dealt to fleets of role base first, then in the order given."),
    NUMBER(CLUSTER, "on_demand_percent", "%", 0, 0, 100, AT(policy_cluster, on_demand_percent),
           "Of what each fleet runs above that, at least so much is on demand. An Auto Scaling group goes by its own distribution."),
    ARRAY(CLUSTER, "freeze", policy_cluster, freeze, freeze_count, policy_freeze,
          .help = "Parts of the week in which masu may do less."),
    ARRAY(CLUSTER, "calendar", policy_cluster, calendar.events, calendar.count, policy_event,
          .help = "What people know ahead: when more will be wanted, and how much. It only ever adds capacity."),
    OBJECT(CLUSTER, "usage", "What its tasks really use: where a source is named, scale-in is proven on that too."),
    OBJECT(CLUSTER, "requests", "What load balancers send to its services: for people, no plan reads it."),
    OBJECT(CLUSTER, "headroom", "Room kept free for what comes next."),
    OBJECT(CLUSTER, "scale_out", "How fast capacity grows."),
    OBJECT(CLUSTER, "scale_in", "When and how gently capacity shrinks."),

    STRING(CLUSTER ".fleets[]", "id", AT(policy_fleet, id),
           .help = "Id of a Spot Fleet request, \"sfr-…\", or of an EC2 Fleet of type maintain, \"fleet-…\"."),
    STRING(CLUSTER ".fleets[]", "tag", AT(policy_fleet, tag),
           .help = "In place of `id`: \"Key=Value\", which exactly one active fleet carries whenever masu looks."),
    STRING(CLUSTER ".fleets[]", "group", AT(policy_fleet, group),
           .help = "In place of `id`: name of an Auto Scaling group."),
    ARRAY(CLUSTER ".fleets[]", "hooks", policy_fleet, hooks, hook_count, policy_hook,
          .help = "The lifecycle hook of the group's terminations that masu keeps waiting while it drains, and completes when the instance is empty: one, at most."),
    STRING(CLUSTER ".fleets[].hooks[]", "name", AT(policy_hook, name), .required = true, .example = "\"drain\"", .help = "Name of the hook."),
    OBJECT(CLUSTER ".fleets[]", "instant",
           "In place of `id`: each order is an EC2 Fleet of type instant, of the types that masu chooses for what waits."),
    STRING(INSTANT, "name", AT(policy_fleet, instant.name), .required = true, .example = "\"spare\"",
           .help = "Your name for it, once a cluster. Its instances carry it in the tag masu:fleet, \"CLUSTER/NAME\"."),
    STRING(INSTANT, "launch_template", AT(policy_fleet, instant.launch_template), .required = true, .example = "\"lt-…\"",
           .help = "Id of the launch template, \"lt-…\", or its name. Types and subnets are masu's to choose."),
    STRING(INSTANT, "version", AT(policy_fleet, instant.version), .text = "$Default",
           .help = "Version of it: a number, \"$Default\" or \"$Latest\"."),
    ARRAY(INSTANT, "subnets", policy_fleet, instant.subnets, instant.subnet_count, policy_word, .required = true,
          .example = "[\"subnet-…\"]", .help = "Subnets that it may launch into, one a zone."),
    STRING(INSTANT ".subnets[]", "", AT(policy_word, text), .required = true, .example = "\"subnet-…\"", .help = "Id of a subnet."),
    ARRAY(INSTANT, "types", policy_fleet, instant.types, instant.type_count, policy_word, .help = "Instance types that it may launch."),
    STRING(INSTANT ".types[]", "", AT(policy_word, text), .required = true, .example = "\"c5.large\"", .help = "An instance type."),
    OBJECT(CLUSTER ".fleets[]", "requirements",
           "Which instance types it may be made of. An instant fleet without `types` launches all that the region sells of these."),
    {.parent = NEEDS, .name = "vcpus_min", .kind = KEY_INTEGER, .required = true, .unit = "vCPUs", .min = 1, .max = 1024, .scale = 1,
     AT(policy_fleet, requirements.vcpus_min), .example = "2", .help = "At least so many vCPUs."},
    NUMBER(NEEDS, "vcpus_max", "vCPUs", 0, 0, 1024, AT(policy_fleet, requirements.vcpus_max), "At most so many; 0: no bound."),
    NUMBER(NEEDS, "memory_mib_min", "MiB", 0, 0, 33554432, AT(policy_fleet, requirements.memory_mib_min), "At least so much memory, as EC2 sells it."),
    NUMBER(NEEDS, "memory_mib_max", "MiB", 0, 0, 33554432, AT(policy_fleet, requirements.memory_mib_max), "At most so much; 0: no bound."),
    ENUM(NEEDS, "gpus", GPUS_NONE, gpus_names, AT(policy_fleet, requirements.gpus), "Types with GPUs: none of them, them too, or only them."),
    ENUM(NEEDS, "generation", GENERATION_CURRENT, generation_names, AT(policy_fleet, requirements.generation),
         "Types of the current generation, or of previous ones too."),
    BOOL(NEEDS, "burstable", false, AT(policy_fleet, requirements.burstable), "True: types with CPU credits (t3, t4g) too."),
    ARRAY(NEEDS, "allow", policy_fleet, requirements.allow, requirements.allow_count, policy_word,
          .help = "Only types that one of these patterns matches, such as \"c*.large\"; left out: all."),
    STRING(NEEDS ".allow[]", "", AT(policy_word, text), .required = true, .example = "\"c*.large\"", .help = "A pattern of instance types; * is any letters."),
    ARRAY(NEEDS, "exclude", policy_fleet, requirements.exclude, requirements.exclude_count, policy_word,
          .help = "No type that one of these patterns matches, such as \"m4.*\"."),
    STRING(NEEDS ".exclude[]", "", AT(policy_word, text), .required = true, .example = "\"m4.*\"", .help = "A pattern of instance types; * is any letters."),
    ENUM(CLUSTER ".fleets[]", "role", FLEET_ROLE_SPOT, role_names, AT(policy_fleet, role),
         "base: raised first, shrunk last; batch: only for standalone tasks and services that no other fleet can run; burst: raised "
         "only for what the others cannot serve, shrunk first."),
    BOOL(CLUSTER ".fleets[]", "gpus_shared", false, AT(policy_fleet, gpus_shared),
         "True: its GPU types are ordered also for tasks that reserve no GPU, where no other type can hold them."),
    NUMBER(CLUSTER ".fleets[]", "min", "units", 0, 0, 100000, AT(policy_fleet, min),
           "Target capacity never goes below, in the fleet's own units (instances where it has no weights)."),
    {.parent = CLUSTER ".fleets[]", .name = "max", .kind = KEY_INTEGER, .required = true, .unit = "units", .fallback = -1, .min = 0,
     .max = 100000, .scale = 1, AT(policy_fleet, max), .example = "40",
     .help = "Target capacity never goes above, in the fleet's own units (instances where it has no weights)."},
    NUMBER(CLUSTER ".fleets[]", "on_demand_base", "units", 0, 0, 100000, AT(policy_fleet, on_demand_base),
           "The first so much of its target is on demand, in the fleet's own units."),
    NUMBER(CLUSTER ".fleets[]", "on_demand_percent", "%", 0, 0, 100, AT(policy_fleet, on_demand_percent),
           "Of its target above that, at least so much is on demand."),
    STRING(CLUSTER ".fleets[]", "arch", AT(policy_fleet, arch),
           .help = "\"x86_64\" or \"arm64\" of its instances; left out: learned from the types."),
    ARRAY(CLUSTER ".fleets[]", "attributes", policy_fleet, attributes, attribute_count, policy_attribute,
          .help = "Custom attributes that its instances register with; what is left out is learned from those that registered."),
    ARRAY(CLUSTER ".fleets[]", "subnets", policy_fleet, subnets, subnet_count, policy_subnet,
          .help = "Zones of its subnets, where masu may not ask EC2 for them."),
    STRING(CLUSTER ".fleets[].attributes[]", "name", AT(policy_attribute, name), .required = true, .example = "\"stack\"",
           .help = "Name of the attribute."),
    STRING(CLUSTER ".fleets[].attributes[]", "value", AT(policy_attribute, value), .help = "Its value; left out: none."),
    STRING(CLUSTER ".fleets[].subnets[]", "id", AT(policy_subnet, id), .required = true, .example = "\"subnet-…\"",
           .help = "Id of the subnet."),
    STRING(CLUSTER ".fleets[].subnets[]", "zone", AT(policy_subnet, zone), .required = true, .example = "\"ap-northeast-1a\"",
           .help = "Its availability zone."),

    WINDOW(CLUSTER ".freeze[]", policy_freeze),
    ENUM(CLUSTER ".freeze[]", "mode", FREEZE_PAUSE, freeze_names, AT(policy_freeze, mode),
         "What masu may do then: only add capacity; only replace interrupted instances; or nothing at all, notices included."),
    STRING(CLUSTER ".freeze[]", "reason", AT(policy_freeze, reason), .help = "For people, such as \"year-end sale\"."),

    STRING(EVENT, "name", AT(policy_event, name), .required = true, .example = "\"valentine\"", .help = "Your name for it, once a cluster."),
    STRING(EVENT, "start", AT(policy_event, start), .help = "Of one that comes once: when it begins, such as \"2027-02-14T08:00:00+09:00\"."),
    STRING(EVENT, "end", AT(policy_event, end), .help = "And when it ends."),
    STRING(EVENT, "date", AT(policy_event, date),
           .help = "Of one that comes each year: the day on which it begins, \"MM-DD\"; \"02-29\" in leap years only."),
    WINDOW(EVENT, policy_event),
    {.parent = EVENT, .name = "times", .kind = KEY_MONEY, .unit = "", .fallback = 1, .min = 1, .max = 20, .scale = 1000, AT(policy_event, times_milli),
     .help = "So many times what the forecast says for that time without it. Not below 1: it never lowers anything."},
    OBJECT(EVENT, "at_least", "Room for tasks of at least so much, theirs that run counted; each part that is given holds."),
    NUMBER(EVENT ".at_least", "vcpus", "vCPU", 0, 0, 1000000, AT(policy_event, least_vcpus), "Of CPU. 0: no bound."),
    NUMBER(EVENT ".at_least", "memory_gib", "GiB", 0, 0, 10000000, AT(policy_event, least_memory_gib), "Of memory. 0: no bound."),
    NUMBER(EVENT ".at_least", "instances", "instances", 0, 0, 5000, AT(policy_event, least_instances),
           "As much as so many of the cluster's mean instances hold. 0: no bound."),

    SECONDS(CLUSTER ".requests", "every_s", 0, 0, 86400, AT(policy_cluster, requests_ms),
            "CloudWatch is asked so often, 300 or more; each target group of a service is a metric of $0.00001 each time. 0: never."),
    OBJECT(USAGE, "prometheus", "The Prometheus (or what speaks its API) that has the use of the cluster's containers."),
    OBJECT(USAGE, "cadvisor", "In place of a Prometheus: the cAdvisor on each host that runs tasks, asked at its private address."),
    SECONDS(USAGE, "every_s", 60, 15, 3600, AT(policy_cluster, usage.every_ms), "It is asked so often."),
    SECONDS(USAGE, "stale_s", 120, 30, 3600, AT(policy_cluster, usage.stale_ms),
            "Samples older than this are no measurement; two scrapes at least (G1)."),
    NUMBER(USAGE, "ceiling_percent", "%", 80, 10, 100, AT(policy_cluster, usage.ceiling_percent),
           "Of an instance may be used, at the 95th percentile of an hour: tasks are moved together no further than that."),
    ENUM(USAGE, "on_unknown", USAGE_UNKNOWN_HOLD, unknown_names, AT(policy_cluster, usage.on_unknown),
         "While the use is not known nothing is drained, or what tasks reserve counts in its place."),
    NUMBER(CADVISOR, "port", "", 0, 0, 65535, AT(policy_cluster, usage.cadvisor_port), "Its port on the hosts, 8080 where it was not changed. 0: it is not asked."),
    STRING(CADVISOR, "path", AT(policy_cluster, usage.cadvisor_path), .text = "/metrics", .help = "Where its page of metrics is."),

    STRING(PROMETHEUS, "url", AT(policy_cluster, usage.url), .required = true, .example = "\"http://prometheus:9090\"",
           .help = "Where it is, without /api/v1."),
    STRING(PROMETHEUS, "user", AT(policy_cluster, usage.user), .help = "Name for basic authorisation."),
    STRING(PROMETHEUS, "password_env", AT(policy_cluster, usage.password_env), .help = "Environment variable that holds its password."),
    STRING(PROMETHEUS, "password_file", AT(policy_cluster, usage.password_file), .help = "Or a file whose first line it is."),
    STRING(PROMETHEUS, "bearer_env", AT(policy_cluster, usage.bearer_env), .help = "Environment variable that holds a bearer token."),
    STRING(PROMETHEUS, "bearer_file", AT(policy_cluster, usage.bearer_file), .help = "Or a file whose first line it is."),
    STRING(PROMETHEUS, "ca_file", AT(policy_cluster, usage.ca_file), .help = "PEM of the authorities that its certificate is checked by, in place of all others."),
    STRING(PROMETHEUS, "sigv4_region", AT(policy_cluster, usage.sigv4_region),
           .help = "Region of an Amazon Managed Prometheus: requests are signed with the cluster's credentials."),
    STRING(PROMETHEUS, "label", AT(policy_cluster, usage.label), .text = "container_label_com_amazonaws_ecs_task_definition_family",
           .help = "Label of the results that names the task definition's family."),
    STRING(PROMETHEUS, "cpu_query", AT(policy_cluster, usage.cpu_query),
           .text = "sum by ($label) (rate(container_cpu_usage_seconds_total" OF_CLUSTER "[5m]))",
           .help = "PromQL: cores that all tasks of a family use, one series a family. $cluster is the cluster's name, $label the label."),
    STRING(PROMETHEUS, "memory_query", AT(policy_cluster, usage.memory_query),
           .text = "sum by ($label) (container_memory_working_set_bytes" OF_CLUSTER ")", .help = "PromQL: bytes that they use."),
    STRING(PROMETHEUS, "tasks_query", AT(policy_cluster, usage.tasks_query),
           .text = "max by ($label) (count by ($label, container_label_com_amazonaws_ecs_container_name) (container_memory_working_set_bytes" OF_CLUSTER "))",
           .help = "PromQL: how many tasks of a family these two saw."),
    STRING(PROMETHEUS, "largest_query", AT(policy_cluster, usage.largest_query),
           .text = "max by ($label) (sum by ($label, container_label_com_amazonaws_ecs_task_arn, instance) (container_memory_working_set_bytes" OF_CLUSTER "))",
           .help = "PromQL: bytes that the largest task of a family uses: only with it is less memory advised where several tasks run. Empty: not asked."),
    STRING(PROMETHEUS, "fresh_query", AT(policy_cluster, usage.fresh_query),
           .text = "max by ($label) (timestamp(container_memory_working_set_bytes" OF_CLUSTER "))",
           .help = "PromQL: Unix time of the newest sample of a family."),
    STRING(PROMETHEUS, "overflow_query", AT(policy_cluster, usage.overflow_query),
           .help = "PromQL: above 0 of a service while circuit breakers of its callers are open, over some minutes: demand that falls then is hidden, not gone, "
                   "so nothing is drained and no forecast learns from it (G7). It must answer 0, not nothing, while none is. Empty: not asked."),

    NUMBER(CLUSTER ".headroom", "percent", "%", 10, 0, 100, AT(policy_cluster, headroom_percent), "Of the reserved capacity."),
    ARRAY(CLUSTER ".headroom", "tasks", policy_cluster, headroom_tasks, headroom_task_count, policy_headroom_task,
          .help = "Whole tasks of named services that must fit at any time."),
    STRING(CLUSTER ".headroom.tasks[]", "service", AT(policy_headroom_task, service), .required = true, .example = "\"web\"",
           .help = "Name of the service whose tasks must fit."),
    {.parent = CLUSTER ".headroom.tasks[]", .name = "tasks", .kind = KEY_INTEGER, .required = true, .unit = "tasks", .fallback = 0,
     .min = 1, .max = 10000, .scale = 1, AT(policy_headroom_task, tasks), .example = "2", .help = "How many of them."},

    NUMBER(CLUSTER ".scale_out", "step_instances", "instances", 50, 1, 5000, AT(policy_cluster, step_instances),
           "At most this many are coming at once, or as many as are ACTIVE if that is more (L10)."),
    SECONDS(CLUSTER ".scale_out", "fallback_s", 60, 30, 3600, AT(policy_cluster, fallback_ms),
            "A fleet that is short for so long without a launch is dry: its need moves to other fleets (L17)."),
    SECONDS(CLUSTER ".scale_out", "on_demand_s", 120, 0, 86400, AT(policy_cluster, on_demand_ms),
            "Where no other fleet can, and it is short for so long, the missing part is asked on demand (L17). 0: never."),
    SECONDS(CLUSTER ".scale_out", "placement_scores_s", 0, 0, 86400, AT(policy_cluster, placement_scores_ms),
            "EC2 is asked so often, at least 900, how likely each zone gives the spot capacity a fleet may order at once; zones with low scores "
            "are chosen as if dearer. AWS limits such questions by the day. 0: never."),
    {.parent = CLUSTER ".scale_out", .name = "waiting_costs", .kind = KEY_MONEY, .unit = "instance-seconds", .max = 10000, .scale = 1000,
     AT(policy_cluster, waiting_costs_milli),
     .help = "What a second costs for which tasks of one instance wait, in seconds of an instance: by it and the forecast, capacity is started ahead of "
             "need and kept through lulls. 10 is a good start, 0: no forecast. Below 1 tasks wait for room up to 90 s, as a peak may pass, before an "
             "instance is ordered for them."},
    STRING(CLUSTER ".scale_out", "time_zone", AT(policy_cluster, time_zone), .text = "UTC",
           .help = "Time zone by name, such as \"Europe/Berlin\", whose clock the people follow that make demand: for seven days after it is changed, "
                   "forecasts are the larger of both phases."),
    SECONDS(CLUSTER ".scale_out", "boot_limit_s", 600, 60, 3600, AT(policy_cluster, boot_limit_ms),
            "An instance that has not registered by then is no longer counted as coming."),
    NUMBER(CLUSTER ".scale_out", "surge_services", "services", 3, 1, 1000, AT(policy_cluster, surge_services),
           "Deployments of the largest so many services get capacity for all their new tasks at once; the others take turns (F7)."),

    BOOL(CLUSTER ".scale_in", "enabled", true, AT(policy_cluster, scale_in), "False: masu never begins a drain."),
    SECONDS(CLUSTER ".scale_in", "start_hold_s", 1800, 300, 86400, AT(policy_cluster, start_hold_ms),
            "No new drain for so long after a start, half of it with a restored memo (L1)."),
    SECONDS(CLUSTER ".scale_in", "unneeded_s", 60, 0, 86400, AT(policy_cluster, unneeded_ms),
            "An instance is unneeded for so long, and in two plans, before it is drained; 0: in one (L2)."),
    SECONDS(CLUSTER ".scale_in", "min_age_s", 300, 0, 86400, AT(policy_cluster, min_age_ms),
            "A younger instance is never drained (L3)."),
    NUMBER(CLUSTER ".scale_in", "drain_percent", "%", 10, 1, 50, AT(policy_cluster, drain_percent),
           "Of the cluster's instances drain at once; at least 1, at most 50 instances (L4)."),
    NUMBER(CLUSTER ".scale_in", "service_percent", "%", 10, 1, 100, AT(policy_cluster, service_percent),
           "Of a service's tasks are on draining instances at once; at least 1 task (L5)."),
    SECONDS(CLUSTER ".scale_in", "settle_s", 60, 0, 3600, AT(policy_cluster, settle_ms),
            "A service whose tasks moved is steady for so long before more of them move (L6)."),
    NUMBER(CLUSTER ".scale_in", "shrink_percent", "%", 50, 1, 90, AT(policy_cluster, shrink_percent),
           "Of the capacity goes in any 10 minutes; at least 1 instance. What has had no task for so long may go beyond (L7)."),
    SECONDS(CLUSTER ".scale_in", "drain_deadline_s", 900, 60, 86400, AT(policy_cluster, drain_deadline_ms),
            "A drain is empty by then, or on_deadline happens (L19)."),
    ENUM(CLUSTER ".scale_in", "on_deadline", ON_DEADLINE_UNDO, on_deadline_names, AT(policy_cluster, on_deadline),
         "A drain past its deadline is undone, or waits and says what holds it."),
    SECONDS(CLUSTER ".scale_in", "exclude_s", 21600, 0, 604800, AT(policy_cluster, exclude_ms),
            "An instance whose drain failed is no candidate for so long (L16)."),
    SECONDS(CLUSTER ".scale_in", "demand_hold_s", 1200, 900, 86400, AT(policy_cluster, demand_hold_ms),
            "Capacity ordered for a demand is no candidate for so long; ECS retries a placement within 15 min (F2)."),
    SECONDS(CLUSTER ".scale_in", "payback_s", 14400, 0, 604800, AT(policy_cluster, payback_ms),
            "Instances are replaced by fewer or cheaper ones where that saves what it costs within so long; 0: never."),
    NUMBER(CLUSTER ".scale_in", "min_saving_percent", "%", 15, 1, 90, AT(policy_cluster, min_saving_percent),
           "Of the price of the replaced instances is saved by it, at least."),
    NUMBER(CLUSTER ".scale_in", "task_restart_usd_micro", "micro-USD", 1000, 0, 999999, AT(policy_cluster, task_restart_usd_micro),
           "What moving a task costs, beside the capacity that is paid twice meanwhile."),
    ARRAY(CLUSTER ".scale_in", "budgets", policy_cluster, budgets, budget_count, policy_budget,
          .help = "Limits of drains at once, beside drain_percent, by reason and time; the strictest that holds counts."),

    ENUM(CLUSTER ".scale_in.budgets[]", "reason", BUDGET_ANY, budget_names, AT(policy_budget, reason),
         "Drains it counts: all; those of instances without tasks; those of instances with tasks."),
    NUMBER(CLUSTER ".scale_in.budgets[]", "percent", "%", 100, 0, 100, AT(policy_budget, percent),
           "Of the cluster's instances, at least 1 unless this is 0."),
    NUMBER(CLUSTER ".scale_in.budgets[]", "instances", "instances", 5000, 0, 5000, AT(policy_budget, instances), "At most this many."),
    WINDOW(CLUSTER ".scale_in.budgets[]", policy_budget),
};
const size_t policy_key_count = ARRAY_LEN(policy_keys);

const struct policy_key *policy_key_find(const char *parent, const char *name)
{
    for (size_t i = 0; i < policy_key_count; i++)
        if (strcmp(policy_keys[i].parent, parent) == 0 && strcmp(policy_keys[i].name, name) == 0)
            return &policy_keys[i];
    return NULL;
}

const char *policy_key_inner(const struct policy_key *k, char out[128])
{
    int n = snprintf(out, 128, "%s%s%s%s", k->parent, *k->parent && *k->name ? "." : "", k->name, k->kind == KEY_ARRAY ? "[]" : "");
    assert(n > 0);
    assert(n < 128);
    return out;
}

static void add_number(struct buf *out, int64_t n)
{
    if (n >= 1000000)
        buf_printf(out, "%" PRId64 ",%03" PRId64 ",%03" PRId64, n / 1000000, n / 1000 % 1000, n % 1000);
    else if (n >= 1000)
        buf_printf(out, "%" PRId64 ",%03" PRId64, n / 1000, n % 1000);
    else
        buf_printf(out, "%" PRId64, n);
}

static void add_default(const struct policy_key *k, struct buf *out)
{
    if (k->required)
        return;
    buf_add_str(out, ", default ");
    switch (k->kind) {
    case KEY_INTEGER:
        add_number(out, k->fallback);
        break;
    case KEY_BOOL:
        buf_add_str(out, k->fallback ? "true" : "false");
        break;
    case KEY_ENUM:
        buf_printf(out, "\"%s\"", k->names[k->fallback]);
        break;
    case KEY_MONEY:
        add_number(out, k->fallback);
        break;
    case KEY_STRING:
        if (k->text)
            buf_printf(out, "\"%s\"", k->text);
        else
            buf_add_str(out, "none");
        break;
    case KEY_OBJECT:
    case KEY_ARRAY:
        buf_add_str(out, "none");
        break;
    }
}

void policy_key_add_bounds(const struct policy_key *k, struct buf *out)
{
    switch (k->kind) {
    case KEY_INTEGER:
    case KEY_MONEY:
        assert(k->max < 1000000000);
        add_number(out, k->min);
        buf_add_str(out, " to ");
        add_number(out, k->max);
        buf_printf(out, "%s%s", *k->unit ? " " : "", k->unit);
        break;
    case KEY_BOOL:
        buf_add_str(out, "true or false");
        break;
    case KEY_ENUM:
        for (int i = 0; i < k->name_count; i++)
            buf_printf(out, "%s\"%s\"", i == 0 ? "" : i == k->name_count - 1 ? " or " : ", ", k->names[i]);
        break;
    case KEY_STRING:
    case KEY_OBJECT:
    case KEY_ARRAY:
        buf_add_str(out, policy_key_kind_words(k));
        break;
    }
    add_default(k, out);
}

const char *policy_key_kind_words(const struct policy_key *k)
{
    static const char *const words[] = {
        [KEY_STRING] = "a string",      [KEY_INTEGER] = "a whole number", [KEY_MONEY] = "a number", [KEY_BOOL] = "true or false",
        [KEY_ENUM] = "one of its words", [KEY_OBJECT] = "an object",       [KEY_ARRAY] = "an array",
    };
    return words[k->kind];
}

static void set_default(const struct policy_key *k, char *base)
{
    const void *none = NULL;
    size_t zero = 0;
    int32_t word = (int32_t)k->fallback;
    int64_t number = k->fallback * k->scale;
    switch (k->kind) {
    case KEY_STRING:
        *(const char **)(void *)(base + k->offset) = k->text ? k->text : "";
        break;
    case KEY_INTEGER:
    case KEY_MONEY:
        memcpy(base + k->offset, &number, sizeof number);
        break;
    case KEY_BOOL:
        *(bool *)(base + k->offset) = k->fallback != 0;
        break;
    case KEY_ENUM:
        memcpy(base + k->offset, &word, sizeof word);
        break;
    case KEY_ARRAY:
        memcpy(base + k->offset, &none, sizeof none);
        memcpy(base + k->count_offset, &zero, sizeof zero);
        break;
    case KEY_OBJECT:
        break;
    }
}

void policy_keys_set_defaults(const char *parent, void *base)
{
    char inner[128];
    for (size_t i = 0; i < policy_key_count; i++) {
        const struct policy_key *k = &policy_keys[i];
        if (strcmp(k->parent, parent) != 0 || k->offset == KEY_IGNORED)
            continue;
        set_default(k, base);
        if (k->kind == KEY_OBJECT)
            policy_keys_set_defaults(policy_key_inner(k, inner), base);
    }
}

void policy_defaults(struct policy *p)
{
    *p = (struct policy){.path = ""};
    policy_keys_set_defaults("", p);
}

void policy_cluster_defaults(struct policy_cluster *c)
{
    *c = (struct policy_cluster){0};
    policy_keys_set_defaults(CLUSTER, c);
}

const char *policy_mode_name(enum policy_mode m)
{
    return (int)m >= 0 && m < MODE_COUNT ? mode_names[m] : "unknown";
}

const char *policy_fleet_role_name(enum fleet_role r)
{
    return role_names[r];
}
