// EC2: the table of operations with the parameters each takes, filters and names.
#include "scaler/sandbox/ec2.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"

#define FILTERS "Filter.N.Name", "Filter.N.Value.N"
#define PAGED "MaxResults", "NextToken"

static const char *const instances_params[] = {"InstanceId.N", FILTERS, PAGED, NULL};
static const char *const status_params[] = {"InstanceId.N", FILTERS, PAGED, "IncludeAllInstances", NULL};
static const char *const spot_requests_params[] = {"SpotInstanceRequestId.N", FILTERS, PAGED, NULL};
static const char *const terminate_params[] = {"InstanceId.N", NULL};
static const char *const tags_params[] = {"ResourceId.N", "Tag.N.Key", "Tag.N.Value", NULL};
static const char *const fleets_params[] = {"SpotFleetRequestId.N", PAGED, NULL};
static const char *const fleet_instances_params[] = {"SpotFleetRequestId", PAGED, NULL};
static const char *const history_params[] = {"SpotFleetRequestId", "EventType", "StartTime", PAGED, NULL};
static const char *const modify_params[] = {"SpotFleetRequestId", "TargetCapacity", "OnDemandTargetCapacity", "ExcessCapacityTerminationPolicy", NULL};
static const char *const ec2_fleets_params[] = {"FleetId.N", FILTERS, PAGED, NULL};
static const char *const ec2_members_params[] = {"FleetId", FILTERS, PAGED, NULL};
static const char *const ec2_history_params[] = {"FleetId", "EventType", "StartTime", PAGED, NULL};
static const char *const ec2_modify_params[] = {"FleetId", "ExcessCapacityTerminationPolicy", "TargetCapacitySpecification.TotalTargetCapacity",
                                                "TargetCapacitySpecification.OnDemandTargetCapacity", "TargetCapacitySpecification.SpotTargetCapacity",
                                                "TargetCapacitySpecification.DefaultTargetCapacityType", NULL};
#define TEMPLATE "LaunchTemplateConfigs.N.LaunchTemplateSpecification."
#define OVERRIDE "LaunchTemplateConfigs.N.Overrides.N."
static const char *const ec2_create_params[] = {"Type", "ClientToken", TEMPLATE "LaunchTemplateId", TEMPLATE "LaunchTemplateName", TEMPLATE "Version",
                                                OVERRIDE "InstanceType", OVERRIDE "SubnetId", OVERRIDE "AvailabilityZone", OVERRIDE "WeightedCapacity",
                                                "TargetCapacitySpecification.TotalTargetCapacity", "TargetCapacitySpecification.OnDemandTargetCapacity",
                                                "TargetCapacitySpecification.SpotTargetCapacity", "TargetCapacitySpecification.DefaultTargetCapacityType",
                                                "SpotOptions.AllocationStrategy", "TagSpecification.N.ResourceType", "TagSpecification.N.Tag.N.Key",
                                                "TagSpecification.N.Tag.N.Value", NULL};
static const char *const types_params[] = {"InstanceType.N", FILTERS, PAGED, NULL};
static const char *const offerings_params[] = {"LocationType", FILTERS, PAGED, NULL};
static const char *const prices_params[] = {"InstanceType.N", "ProductDescription.N", "AvailabilityZone", "StartTime", "EndTime", FILTERS, PAGED, NULL};
static const char *const scores_params[] = {"InstanceType.N", "TargetCapacity", "TargetCapacityUnitType", "SingleAvailabilityZone", "RegionName.N", PAGED, NULL};
static const char *const zones_params[] = {"ZoneName.N", "AllAvailabilityZones", NULL};
static const char *const regions_params[] = {"RegionName.N", "AllRegions", NULL};
static const char *const describe_tags_params[] = {FILTERS, PAGED, NULL};
static const char *const subnets_params[] = {"SubnetId.N", FILTERS, PAGED, NULL};
static const char *const template_params[] = {"LaunchTemplateId", "LaunchTemplateName", "LaunchTemplateVersion.N", PAGED, NULL};

const struct op ec2_ops[] = {
    {"ec2:DescribeInstances", play_ec2_describe_instances, BUCKET_NONE, false, false, instances_params},
    {"ec2:DescribeInstanceStatus", play_ec2_describe_instance_status, BUCKET_NONE, false, false, status_params},
    {"ec2:DescribeSpotInstanceRequests", play_ec2_describe_spot_instance_requests, BUCKET_EC2_SPOT_REQUESTS, false, false, spot_requests_params},
    {"ec2:TerminateInstances", play_ec2_terminate_instances, BUCKET_EC2_TERMINATE, true, false, terminate_params},
    {"ec2:CreateTags", play_ec2_create_tags, BUCKET_EC2_CREATE_TAGS, true, false, tags_params},
    {"ec2:DeleteTags", play_ec2_delete_tags, BUCKET_EC2_DELETE_TAGS, true, false, tags_params},
    {"ec2:DescribeSpotFleetRequests", play_ec2_describe_spot_fleet_requests, BUCKET_EC2_FLEETS, false, false, fleets_params},
    {"ec2:DescribeSpotFleetInstances", play_ec2_describe_spot_fleet_instances, BUCKET_EC2_FLEET_INSTANCES, false, false, fleet_instances_params},
    {"ec2:DescribeSpotFleetRequestHistory", play_ec2_describe_spot_fleet_request_history, BUCKET_EC2_FLEET_HISTORY, false, false, history_params},
    {"ec2:ModifySpotFleetRequest", play_ec2_modify_spot_fleet_request, BUCKET_EC2_MODIFY_FLEET, true, true, modify_params},
    {"ec2:DescribeFleets", play_ec2_describe_fleets, BUCKET_EC2_EC2_FLEETS, false, false, ec2_fleets_params},
    {"ec2:DescribeFleetInstances", play_ec2_describe_fleet_instances, BUCKET_EC2_EC2_FLEET_INSTANCES, false, false, ec2_members_params},
    {"ec2:DescribeFleetHistory", play_ec2_describe_fleet_history, BUCKET_EC2_EC2_FLEET_HISTORY, false, false, ec2_history_params},
    {"ec2:ModifyFleet", play_ec2_modify_fleet, BUCKET_EC2_MODIFY_EC2_FLEET, true, false, ec2_modify_params},
    {"ec2:CreateFleet", play_ec2_create_fleet, BUCKET_EC2_CREATE_FLEET, true, false, ec2_create_params},
    {"ec2:DescribeInstanceTypes", play_ec2_describe_instance_types, BUCKET_EC2_TYPES, false, false, types_params},
    {"ec2:DescribeInstanceTypeOfferings", play_ec2_describe_instance_type_offerings, BUCKET_EC2_OFFERINGS, false, false, offerings_params},
    {"ec2:DescribeSpotPriceHistory", play_ec2_describe_spot_price_history, BUCKET_EC2_PRICES, false, false, prices_params},
    {"ec2:GetSpotPlacementScores", play_ec2_get_spot_placement_scores, BUCKET_EC2_SCORES, false, false, scores_params},
    {"ec2:DescribeAvailabilityZones", play_ec2_describe_availability_zones, BUCKET_EC2_ZONES, false, false, zones_params},
    {"ec2:DescribeRegions", play_ec2_describe_regions, BUCKET_EC2_REGIONS, false, false, regions_params},
    {"ec2:DescribeTags", play_ec2_describe_tags, BUCKET_EC2_TAGS, false, false, describe_tags_params},
    {"ec2:DescribeSubnets", play_ec2_describe_subnets, BUCKET_EC2_SUBNETS, false, false, subnets_params},
    {"ec2:DescribeLaunchTemplateVersions", play_ec2_describe_launch_template_versions, BUCKET_EC2_TEMPLATES, false, false, template_params},
};
const size_t ec2_op_count = ARRAY_LEN(ec2_ops);

// ---- parameters -----------------------------------------------------------------------------------------------------------
static bool bad_value(struct call *c, const char *name, struct slice value)
{
    call_fail(c, 400, "InvalidParameterValue", "Value (%.*s) for parameter %s is invalid.", (int)(value.len < 80 ? value.len : 80), value.ptr, name);
    return false;
}

bool play_ec2_int(struct call *c, const char *name, int64_t min, int64_t max, int64_t *ret, bool *ret_present)
{
    struct slice v = form_get(&c->form, name);
    int64_t value = 0;
    if (ret_present != NULL)
        *ret_present = v.ptr != NULL;
    if (v.ptr == NULL)
        return true;
    if (!parse_i64(v, &value) || value < min || value > max)
        return bad_value(c, name, v);
    *ret = value;
    return true;
}

bool play_ec2_bool(struct call *c, const char *name, bool *ret)
{
    struct slice v = form_get(&c->form, name);
    if (v.ptr == NULL)
        return true;
    bool yes = slice_eq_nocase(v, SLICE_LIT("true"));
    if (!yes && !slice_eq_nocase(v, SLICE_LIT("false")))
        return bad_value(c, name, v);
    *ret = yes;
    return true;
}

bool play_ec2_time(struct call *c, const char *name, int64_t *ret_ms, bool *ret_present)
{
    struct slice v = form_get(&c->form, name);
    int64_t value = 0;
    if (ret_present != NULL)
        *ret_present = v.ptr != NULL;
    if (v.ptr == NULL)
        return true;
    if (!parse_iso8601_ms(v, &value))
        return bad_value(c, name, v);
    *ret_ms = value;
    return true;
}

bool play_ec2_dry_run(struct call *c)
{
    bool dry = false;
    if (!play_ec2_bool(c, "DryRun", &dry))
        return true;
    if (dry)
        call_fail(c, 412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
    return dry;
}

bool play_ec2_page(struct call *c, int64_t fallback, int64_t min, int64_t max, struct page *ret)
{
    int64_t limit = fallback;
    if (!play_ec2_int(c, "MaxResults", min, max, &limit, NULL))
        return false;
    if (page_open(c, form_str(&c->form, "NextToken", c->arena), limit, ret))
        return true;
    call_fail(c, 400, "InvalidPaginationToken", "The specified pagination token is not valid or is expired.");
    return false;
}

void play_ec2_write_token(struct call *c, const struct page *page)
{
    xo_text(c->out, "nextToken", page_token(c, page));
}

// ---- filters --------------------------------------------------------------------------------------------------------------
static bool filter_known(const char *const *known, const char *name)
{
    for (; *known != NULL; known++) {
        size_t len = strlen(*known);
        bool prefix = (*known)[len - 1] == ':';
        if (prefix ? strncmp(name, *known, len) == 0 && name[len] != '\0' : strcmp(name, *known) == 0)
            return true;
    }
    return false;
}

bool play_ec2_filters(struct call *c, const char *const *known, struct ec2_filters *ret)
{
    *ret = (struct ec2_filters){.items = arena_array(c->arena, struct ec2_filter, 64)};
    for (int n = 1; n <= 64; n++) {
        const char *name = form_str(&c->form, arena_printf(c->arena, "Filter.%d.Name", n), c->arena);
        if (name == NULL)
            break;
        if (!filter_known(known, name)) {
            call_fail(c, 400, "InvalidParameterValue", "The filter '%s' is invalid", name);
            return false;
        }
        struct ec2_filter *f = &ret->items[ret->count++];
        size_t count = 0;
        struct slice *values = form_list(&c->form, arena_printf(c->arena, "Filter.%d.Value", n), c->arena, &count);
        if (count == 0 || count > 200) {
            call_fail(c, 400, count == 0 ? "InvalidParameterValue" : "FilterLimitExceeded", count == 0 ? "The filter '%s' has no value" : "The maximum number of filter values specified on a single call is 200 (%s)", name);
            return false;
        }
        *f = (struct ec2_filter){name, arena_array(c->arena, const char *, count), count};
        for (size_t i = 0; i < count; i++)
            f->values[i] = arena_strndup(c->arena, values[i].ptr, values[i].len);
    }
    return true;
}

bool play_ec2_filter_matches(const struct ec2_filter *f, const char *value)
{
    for (size_t i = 0; value != NULL && i < f->value_count; i++)
        if (strcmp(f->values[i], value) == 0 || (strpbrk(f->values[i], "*?") != NULL && fnmatch(f->values[i], value, 0) == 0))
            return true;
    return false;
}

// ---- names ----------------------------------------------------------------------------------------------------------------
bool play_ec2_well_formed(struct slice id, const char *prefix)
{
    size_t len = strlen(prefix);
    if (!slice_starts(id, prefix) || (id.len != len + 8 && id.len != len + 17))
        return false;
    for (size_t i = len; i < id.len; i++)
        if (!((id.ptr[i] >= '0' && id.ptr[i] <= '9') || (id.ptr[i] >= 'a' && id.ptr[i] <= 'f')))
            return false;
    return true;
}

bool play_ec2_visible(const struct call *c, int instance)
{
    const struct world_instance *in = &c->view.instances[instance];
    bool forgotten = in->state.now == WL_TERMINATED && in->terminated_ms > 0 && c->seen_ms - in->terminated_ms > 2 * 3600000;
    return in->used && in->created_ms <= c->seen_ms && !forgotten;
}

bool play_ec2_instance_ids(struct call *c, size_t max, int **ret, size_t *ret_count)
{
    size_t count = 0;
    struct slice *ids = form_list(&c->form, "InstanceId", c->arena, &count);
    int *found = arena_array(c->arena, int, count + 1);
    if (count > max) {
        call_fail(c, 400, "InvalidParameterValue", "More than %zu instance IDs", max);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const char *id = arena_strndup(c->arena, ids[i].ptr, ids[i].len);
        if (!play_ec2_well_formed(ids[i], "i-")) {
            call_fail(c, 400, "InvalidInstanceID.Malformed", "Invalid id: \"%.80s\"", id);
            return false;
        }
        found[i] = world_find_instance(c->world, id);
        if (found[i] < 0 || !play_ec2_visible(c, found[i])) {
            call_fail(c, 400, "InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id);
            return false;
        }
    }
    *ret = found;
    *ret_count = count;
    return true;
}

bool play_ec2_fleet(struct call *c, int *ret_fleet)
{
    const char *id = form_str(&c->form, "SpotFleetRequestId", c->arena);
    if (id == NULL) {
        call_missing(c, "spotFleetRequestId");
        return false;
    }
    int fleet = world_find_fleet(c->world, id);
    if (fleet < 0 || !play_ec2_is_spot_fleet(c, fleet)) {
        bool malformed = strncmp(id, "sfr-", 4) != 0;
        call_fail(c, 400, malformed ? "InvalidSpotFleetRequestId.Malformed" : "InvalidSpotFleetRequestId.NotFound",
                  "The spot fleet request ID '%.80s' %s", id, malformed ? "is malformed" : "does not exist");
        return false;
    }
    *ret_fleet = fleet;
    return true;
}

static const struct {
    const char *name;
    int code;
} states[] = {[WL_PENDING] = {"pending", 0},         [WL_RUNNING] = {"running", 16},   [WL_SHUTTING_DOWN] = {"shutting-down", 32},
              [WL_TERMINATED] = {"terminated", 48}, [WL_STOPPING] = {"stopping", 64}, [WL_STOPPED] = {"stopped", 80}};

const char *play_ec2_state_text(int64_t lifecycle)
{
    return states[lifecycle].name;
}

int play_ec2_state_code(int64_t lifecycle)
{
    return states[lifecycle].code;
}

const char *play_ec2_spot_request_id(struct call *c, int instance)
{
    const char *id = c->view.instances[instance].id;
    uint64_t h = hash_bytes(7, id, strlen(id));
    return arena_printf(c->arena, "sir-%08x", (unsigned)(h & 0xffffffff));
}

const char *play_ec2_instance_tag(struct call *c, int instance, const char *key)
{
    const struct world_instance *in = &c->view.instances[instance];
    return world_tag_value(in->tags, in->tag_count, key);
}

void play_ec2_write_tags(struct call *c, const struct world_tag *tags, int count)
{
    for (int i = 0; i < count; i++) {
        xo_open(c->out, "item");
        xo_text(c->out, "key", tags[i].key);
        xo_text(c->out, "value", tags[i].value);
        xo_close(c->out, "item");
    }
}
