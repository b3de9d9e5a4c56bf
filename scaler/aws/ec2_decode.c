#include "scaler/aws/ec2_decode.h"

#include <string.h>

#include "base/parse.h"
#include "scaler/aws/ec2.h"

#define LAUNCH_MS 60000 // volumes of the launch are attached within seconds of it

void ec2_take_token(struct aws_job *job, const struct xml_node *root)
{
    job->token = xml_text_in(root, "nextToken", job->with.arena);
}

static struct aws_tags tags_of(const struct xml_node *n, const char *path, struct arena *a)
{
    const struct xml_node *first = xml_first(n, path, "item");
    struct aws_tags t = {.cap = xml_count(first)};
    t.items = arena_array(a, struct aws_tag, t.cap);
    for (const struct xml_node *i = first; i; i = xml_next(i))
        t.items[t.count++] = (struct aws_tag){xml_text_in(i, "key", a), xml_text_in(i, "value", a)};
    return t;
}

static bool attached_later(const struct xml_node *instance, int64_t launched_ms)
{
    for (const struct xml_node *i = xml_first(instance, "blockDeviceMapping", "item"); i; i = xml_next(i))
        if (launched_ms > 0 && xml_time_ms(i, "ebs/attachTime") > launched_ms + LAUNCH_MS && strcmp(xml_text(i, "ebs/status"), "detached") != 0)
            return true;
    return false;
}

// ---- instances --------------------------------------------------------------------------------------------------------------
static int add_instance(struct aws_job *job, const struct xml_node *n, const char *owner, struct err *err)
{
    struct ec2_instances *ret = job->ret;
    struct arena *a = job->with.arena;
    struct ec2_instance i = {
        .id = xml_text_in(n, "instanceId", a),
        .type = xml_text_in(n, "instanceType", a),
        .zone = xml_text_in(n, "placement/availabilityZone", a),
        .subnet = xml_text_in(n, "subnetId", a),
        .vpc = xml_text_in(n, "vpcId", a),
        .arch = xml_text_in(n, "architecture", a),
        .image = xml_text_in(n, "imageId", a),
        .lifecycle = xml_text_in(n, "instanceLifecycle", a),
        .address = xml_text_in(n, "privateIpAddress", a),
        .state = xml_text_in(n, "instanceState/name", a),
        .state_code = (int32_t)(xml_int(n, "instanceState/code", -1) & 0xff),  // the high byte is AWS's own
        .state_reason = xml_text_in(n, "stateReason/code", a),
        .reservation_owner = owner,
        .launched_ms = xml_time_ms(n, "launchTime"),
        .tags = tags_of(n, "tagSet", a),
    };
    i.volume_attached = attached_later(n, i.launched_ms);
    if (!*i.id || !*i.state)
        return err_set(err, ERR_CORRUPT, "an instance without id or state");
    ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
    ret->items[ret->count++] = i;
    return 0;
}

int ec2_decode_instances(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct ec2_instances *ret = job->ret;
    size_t before = ret->count;
    for (const struct xml_node *r = xml_first(root, "reservationSet", "item"); r; r = xml_next(r)) {
        const char *owner = xml_text_in(r, "ownerId", job->with.arena);
        for (const struct xml_node *i = xml_first(r, "instancesSet", "item"); i; i = xml_next(i)) {
            int rc = add_instance(job, i, owner, err);
            if (rc) {
                ret->count = before;
                return rc;
            }
        }
    }
    ec2_take_token(job, root);
    return 0;
}

int ec2_decode_state_changes(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct ec2_state_changes *ret = job->ret;
    struct arena *a = job->with.arena;
    for (const struct xml_node *i = xml_first(root, "instancesSet", "item"); i; i = xml_next(i)) {
        struct ec2_state_change c = {xml_text_in(i, "instanceId", a), xml_text_in(i, "previousState/name", a),
                                     xml_text_in(i, "currentState/name", a)};
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = c;
    }
    // There are servers that obey and name nobody: the next look tells. AWS names each, so half an answer stays doubtful.
    bool names_nobody = ret->count == 0 && xml_at(root, "instancesSet") != NULL;
    if (ret->count < job->asked && !names_nobody)
        return err_set(err, ERR_CORRUPT, "the answer names %zu of %zu instances", ret->count, job->asked);
    return 0;
}

int ec2_decode_return(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    (void)job;
    const struct xml_node *told = xml_at(root, "return");
    if (told && !xml_flag(told, "", false))
        return err_set(err, ERR_CORRUPT, "the answer is <return>%.40s</return>", told->text);
    return 0;
}

// ---- spot fleets ------------------------------------------------------------------------------------------------------------
static const char *template_of(const struct xml_node *config, struct arena *a)
{
    const char *id = xml_text(config, "launchTemplateSpecification/launchTemplateId");
    const char *version = xml_text(config, "launchTemplateSpecification/version");
    return *id && *version ? arena_printf(a, "%s:%s", id, version) : "";
}

static struct ec2_fleet_override override_of(const struct xml_node *n, const char *launch_template, struct arena *a)
{
    struct ec2_fleet_override o = {
        .type = xml_text_in(n, "instanceType", a),
        .subnet = xml_text_in(n, "subnetId", a),
        .zone = xml_text_in(n, "availabilityZone", a),
        .launch_template = launch_template,
        .weight_milli = xml_milli(n, "weightedCapacity", 1000),
        .rules = ec2_type_rules_of(n, a),
    };
    if (!*o.zone)
        o.zone = xml_text_in(n, "placement/availabilityZone", a);  // launch specifications
    parse_decimal_micro(slice_of(xml_text(n, "spotPrice")), &o.max_price_usd_micro);
    return o;
}

static void add_override(struct ec2_spot_fleet *f, size_t *cap, struct ec2_fleet_override o, struct arena *a)
{
    f->overrides = arena_grow(a, f->overrides, f->override_count, cap, sizeof *f->overrides);
    f->overrides[f->override_count++] = o;
}

static void add_overrides(struct ec2_spot_fleet *f, const struct xml_node *config, struct arena *a)
{
    size_t cap = 0;
    for (const struct xml_node *t = xml_first(config, "launchTemplateConfigs", "item"); t; t = xml_next(t)) {
        const char *launch_template = template_of(t, a);
        for (const struct xml_node *o = xml_first(t, "overrides", "item"); o; o = xml_next(o))
            add_override(f, &cap, override_of(o, launch_template, a), a);
    }
    for (const struct xml_node *s = xml_first(config, "launchSpecifications", "item"); s; s = xml_next(s))
        add_override(f, &cap, override_of(s, "", a), a);
}

static int add_fleet(struct ec2_spot_fleets *ret, const struct ec2_spot_fleet *f, struct arena *a, struct err *err)
{
    if (!*f->id || !*f->state || f->target < 0)
        return err_set(err, ERR_CORRUPT, "a fleet without id, state or target");
    ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
    ret->items[ret->count++] = *f;
    return 0;
}

static struct ec2_spot_fleet fleet_of(const struct xml_node *n, struct arena *a)
{
    const struct xml_node *c = xml_at(n, "spotFleetRequestConfig");
    struct ec2_spot_fleet f = {
        .id = xml_text_in(n, "spotFleetRequestId", a),
        .state = xml_text_in(n, "spotFleetRequestState", a),
        .activity = xml_text_in(n, "activityStatus", a),
        .type = xml_text_in(c, "type", a),
        .allocation = xml_text_in(c, "allocationStrategy", a),
        .excess_policy = xml_text_in(c, "excessCapacityTerminationPolicy", a),
        .rebalance = xml_text_in(c, "spotMaintenanceStrategies/capacityRebalance/replacementStrategy", a),
        .rebalance_delay_s = xml_int(c, "spotMaintenanceStrategies/capacityRebalance/terminationDelay", 0),
        .target = xml_int(c, "targetCapacity", -1),
        .on_demand_target = xml_int(c, "onDemandTargetCapacity", 0),
        .fulfilled_milli = xml_milli(c, "fulfilledCapacity", 0),
        .on_demand_fulfilled_milli = xml_milli(c, "onDemandFulfilledCapacity", 0),
        .created_ms = xml_time_ms(n, "createTime"),
        .valid_until_ms = xml_time_ms(c, "validUntil"),
        .terminate_with_expiration = xml_flag(c, "terminateInstancesWithExpiration", false),
        .replace_unhealthy = xml_flag(c, "replaceUnhealthyInstances", false),
        .tags = tags_of(n, "tagSet", a),
    };
    add_overrides(&f, c, a);
    if (!*f.type)
        f.type = "maintain";  // EC2's default
    return f;
}

int ec2_decode_fleets(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct ec2_spot_fleets *ret = job->ret;
    size_t before = ret->count;
    for (const struct xml_node *i = xml_first(root, "spotFleetRequestConfigSet", "item"); i; i = xml_next(i)) {
        struct ec2_spot_fleet f = fleet_of(i, job->with.arena);
        if (add_fleet(ret, &f, job->with.arena, err) != 0) {
            ret->count = before;
            return err->kind;
        }
    }
    ec2_take_token(job, root);
    return 0;
}

// ---- EC2 Fleets -------------------------------------------------------------------------------------------------------------
// What neither part names is of the default type.
static int64_t on_demand_part(const struct xml_node *spec, int64_t total)
{
    int64_t on_demand = xml_int(spec, "onDemandTargetCapacity", 0), spot = xml_int(spec, "spotTargetCapacity", 0);
    bool rest = strcmp(xml_text(spec, "defaultTargetCapacityType"), "on-demand") == 0 && total > on_demand + spot;
    int64_t part = rest ? total - spot : on_demand;
    return part < 0 ? 0 : part > total ? total : part;
}

static struct ec2_spot_fleet ec2_fleet_of(const struct xml_node *n, struct arena *a)
{
    const struct xml_node *spec = xml_at(n, "targetCapacitySpecification");
    struct ec2_spot_fleet f = {
        .id = xml_text_in(n, "fleetId", a),
        .state = xml_text_in(n, "fleetState", a),
        .activity = xml_text_in(n, "activityStatus", a),
        .type = xml_text_in(n, "type", a),
        .allocation = xml_text_in(n, "spotOptions/allocationStrategy", a),
        .excess_policy = xml_text_in(n, "excessCapacityTerminationPolicy", a),
        .rebalance = xml_text_in(n, "spotOptions/maintenanceStrategies/capacityRebalance/replacementStrategy", a),
        .rebalance_delay_s = xml_int(n, "spotOptions/maintenanceStrategies/capacityRebalance/terminationDelay", 0),
        .target = xml_int(spec, "totalTargetCapacity", -1),
        .fulfilled_milli = xml_milli(n, "fulfilledCapacity", 0),
        .on_demand_fulfilled_milli = xml_milli(n, "fulfilledOnDemandCapacity", 0),
        .created_ms = xml_time_ms(n, "createTime"),
        .valid_until_ms = xml_time_ms(n, "validUntil"),
        .terminate_with_expiration = xml_flag(n, "terminateInstancesWithExpiration", false),
        .replace_unhealthy = xml_flag(n, "replaceUnhealthyInstances", false),
        .tags = tags_of(n, "tagSet", a),
    };
    f.on_demand_target = on_demand_part(spec, f.target);
    add_overrides(&f, n, a);
    if (!*f.type)
        f.type = "maintain";  // EC2's default
    return f;
}

int ec2_decode_ec2_fleets(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct ec2_spot_fleets *ret = job->ret;
    size_t before = ret->count;
    for (const struct xml_node *i = xml_first(root, "fleetSet", "item"); i; i = xml_next(i)) {
        struct ec2_spot_fleet f = ec2_fleet_of(i, job->with.arena);
        if (add_fleet(ret, &f, job->with.arena, err) != 0) {
            ret->count = before;
            return err->kind;
        }
    }
    ec2_take_token(job, root);
    return 0;
}

int ec2_decode_members(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    (void)err;
    struct ec2_fleet_members *ret = job->ret;
    struct arena *a = job->with.arena;
    for (const struct xml_node *i = xml_first(root, "activeInstanceSet", "item"); i; i = xml_next(i)) {
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = (struct ec2_fleet_member){
            xml_text_in(i, "instanceId", a), xml_text_in(i, "instanceType", a), xml_text_in(i, "instanceHealth", a)};
    }
    ec2_take_token(job, root);
    return 0;
}

int ec2_decode_history(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    (void)err;
    struct ec2_fleet_events *ret = job->ret;
    struct arena *a = job->with.arena;
    for (const struct xml_node *i = xml_first(root, "historyRecordSet", "item"); i; i = xml_next(i)) {
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = (struct ec2_fleet_event){
            xml_time_ms(i, "timestamp"), xml_text_in(i, "eventType", a), xml_text_in(i, "eventInformation/eventSubType", a),
            xml_text_in(i, "eventInformation/eventDescription", a)};
    }
    ec2_take_token(job, root);
    return 0;
}

// ---- subnets ----------------------------------------------------------------------------------------------------------------

// Of "10.0.0.0/24" 251: AWS keeps the first four addresses and the last (/16 to /28, as EC2 permits).
static int64_t addresses_of(const char *block)
{
    enum { KEPT = 5, LARGEST = 16, SMALLEST = 28 };
    const char *slash = strchr(block, '/');
    int64_t bits = 0;
    if (!slash || !parse_i64(slice_of(slash + 1), &bits) || bits < LARGEST || bits > SMALLEST)
        return 0;
    return (INT64_C(1) << (32 - bits)) - KEPT;
}

int ec2_decode_subnets(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct ec2_subnets *ret = job->ret;
    struct arena *a = job->with.arena;
    size_t before = ret->count;
    for (const struct xml_node *i = xml_first(root, "subnetSet", "item"); i; i = xml_next(i)) {
        struct ec2_subnet s = {
            .id = xml_text_in(i, "subnetId", a),
            .zone = xml_text_in(i, "availabilityZone", a),
            .zone_id = xml_text_in(i, "availabilityZoneId", a),
            .vpc = xml_text_in(i, "vpcId", a),
            .free_addresses = xml_int(i, "availableIpAddressCount", -1),
            .addresses = addresses_of(xml_text_in(i, "cidrBlock", a)),
        };
        if (!*s.id) {
            ret->count = before;
            return err_set(err, ERR_CORRUPT, "a subnet without id");
        }
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = s;
    }
    ec2_take_token(job, root);
    return 0;
}

// ---- spot requests ------------------------------------------------------------------------------------------------------------
int ec2_decode_spot_requests(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct ec2_spot_requests *ret = job->ret;
    struct arena *a = job->with.arena;
    (void)err;
    for (const struct xml_node *i = xml_first(root, "spotInstanceRequestSet", "item"); i; i = xml_next(i)) {
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = (struct ec2_spot_request){.instance = xml_text_in(i, "instanceId", a),
                                                             .status = xml_text_in(i, "status/code", a),
                                                             .status_ms = xml_time_ms(i, "status/updateTime")};
    }
    ec2_take_token(job, root);
    return 0;
}

// What is over stays for a week, and says so in its description.
static bool is_over(const char *description)
{
    return strncmp(description, "[Completed]", 11) == 0 || strncmp(description, "[Canceled]", 10) == 0;
}

int ec2_decode_scheduled(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct ec2_scheduled_events *ret = job->ret;
    struct arena *a = job->with.arena;
    (void)err;
    for (const struct xml_node *i = xml_first(root, "instanceStatusSet", "item"); i; i = xml_next(i))
        for (const struct xml_node *e = xml_first(i, "eventsSet", "item"); e; e = xml_next(e)) {
            if (is_over(xml_text_in(e, "description", a)))
                continue;
            ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
            ret->items[ret->count++] = (struct ec2_scheduled_event){.instance = xml_text_in(i, "instanceId", a), .code = xml_text_in(e, "code", a),
                                                                    .starts_ms = xml_time_ms(e, "notBefore")};
        }
    ec2_take_token(job, root);
    return 0;
}
