// EC2 Fleets: what is told of them, of whatever type, and changes of those of type maintain.
#include "scaler/sandbox/ec2.h"

#include <string.h>

static const char *const state_names[] = {
    [WF_SUBMITTED] = "submitted", [WF_ACTIVE] = "active", [WF_MODIFYING] = "modifying", [WF_CANCELLED_RUNNING] = "deleted_running",
    [WF_CANCELLED_TERMINATING] = "deleted_terminating", [WF_CANCELLED] = "deleted"};
static const char *const allocation_names[] = {
    [WALLOC_LOWEST_PRICE] = "lowest-price", [WALLOC_DIVERSIFIED] = "diversified", [WALLOC_CAPACITY_OPTIMIZED] = "capacity-optimized",
    [WALLOC_PRICE_CAPACITY_OPTIMIZED] = "price-capacity-optimized"};

// ---- DescribeFleets ---------------------------------------------------------------------------------------------------------
static void write_options(struct call *c, const struct world_fleet *f)
{
    struct buf *o = c->out;
    xo_open(o, "spotOptions");
    xo_text(o, "allocationStrategy", allocation_names[f->allocation]);
    xo_text(o, "instanceInterruptionBehavior", "terminate");
    play_ec2_write_rebalance(c, f, "maintenanceStrategies");
    xo_close(o, "spotOptions");
    xo_open(o, "onDemandOptions");
    xo_text(o, "allocationStrategy", "lowest-price");
    xo_close(o, "onDemandOptions");
}

static const char *type_name(const struct world_fleet *f)
{
    return f->instant ? "instant" : f->maintain ? "maintain" : "request";
}

static void write_fleet(struct call *c, int fleet)
{
    const struct world_fleet *f = &c->view.fleets[fleet];
    struct buf *o = c->out;
    int64_t total = world_seen(&f->target, c->seen_ms), on_demand = world_seen(&f->on_demand, c->seen_ms);
    xo_open(o, "item");
    xo_text(o, "fleetId", f->id);
    xo_text(o, "fleetState", state_names[world_seen(&f->state, c->seen_ms)]);
    xo_text(o, "activityStatus", play_ec2_activity(f->activity));
    xo_text(o, "clientToken", *f->launch.token ? f->launch.token : f->id + strlen("fleet-"));
    xo_text(o, "type", type_name(f));
    xo_time(o, "createTime", f->created_ms);
    xo_time(o, "validFrom", f->created_ms);
    if (f->valid_until_ms > 0)
        xo_time(o, "validUntil", f->valid_until_ms);
    xo_bool(o, "terminateInstancesWithExpiration", f->ends_with_expiration);
    xo_bool(o, "replaceUnhealthyInstances", false);
    xo_text(o, "excessCapacityTerminationPolicy", f->excess == WX_NO_TERMINATION ? "no-termination" : "termination");
    xo_milli(o, "fulfilledCapacity", f->fulfilled_milli);
    xo_milli(o, "fulfilledOnDemandCapacity", play_ec2_on_demand_milli(c, fleet));
    play_ec2_write_overrides(c, f);
    xo_open(o, "targetCapacitySpecification");
    xo_int(o, "totalTargetCapacity", total);
    xo_int(o, "onDemandTargetCapacity", on_demand);
    xo_int(o, "spotTargetCapacity", total - on_demand);
    xo_text(o, "defaultTargetCapacityType", "spot");
    xo_close(o, "targetCapacitySpecification");
    write_options(c, f);
    if (f->instant)
        play_ec2_write_launch(c, fleet);
    xo_open(o, "tagSet");
    play_ec2_write_tags(c, f->tags, f->tag_count);
    xo_close(o, "tagSet");
    xo_close(o, "item");
}

static bool fleet_passes(struct call *c, const struct ec2_filters *filters, const struct world_fleet *f)
{
    for (size_t i = 0; i < filters->count; i++) {
        const struct ec2_filter *x = &filters->items[i];
        const char *value = strcmp(x->name, "fleet-state") == 0       ? state_names[world_seen(&f->state, c->seen_ms)]
                            : strcmp(x->name, "activity-status") == 0 ? play_ec2_activity(f->activity)
                            : strcmp(x->name, "type") == 0            ? type_name(f)
                            : strcmp(x->name, "replace-unhealthy-instances") == 0 ? "false"
                            : f->excess == WX_NO_TERMINATION                      ? "no-termination"
                                                                                  : "termination";
        if (!play_ec2_filter_matches(x, value))
            return false;
    }
    return true;
}

static int find(struct call *c, const char *id)
{
    int fleet = world_find_fleet(c->world, id);
    return fleet >= 0 && c->view.fleets[fleet].ec2_fleet ? fleet : -1;
}

static void not_found(struct call *c, const char *id)
{
    bool malformed = strncmp(id, "fleet-", 6) != 0;
    call_fail(c, 400, malformed ? "InvalidFleetId.Malformed" : "InvalidFleetId.NotFound", "The fleet ID '%.80s' %s", id, malformed ? "is malformed" : "does not exist");
}

void play_ec2_describe_fleets(struct call *c)
{
    static const char *const known[] = {"activity-status", "excess-capacity-termination-policy", "fleet-state", "replace-unhealthy-instances", "type", NULL};
    struct page page;
    struct ec2_filters filters;
    size_t count = 0;
    struct slice *ids = form_list(&c->form, "FleetId", c->arena, &count);
    bool *wanted = arena_array(c->arena, bool, (size_t)c->view.fleet_count + 1);
    if (!play_ec2_page(c, 1000, 1, 1000, &page) || !play_ec2_filters(c, known, &filters))
        return;
    for (size_t i = 0; i < count; i++) {
        const char *id = arena_strndup(c->arena, ids[i].ptr, ids[i].len);
        int fleet = find(c, id);
        if (fleet < 0) {
            not_found(c, id);
            return;
        }
        wanted[fleet] = true;
    }
    if (play_ec2_dry_run(c))
        return;
    call_begin_xml(c);
    xo_open(c->out, "fleetSet");
    for (int i = 0; i < c->view.fleet_count; i++) {
        const struct world_fleet *f = &c->view.fleets[i];
        if (f->ec2_fleet && (count == 0 ? !f->instant : wanted[i]) && f->created_ms <= c->seen_ms && fleet_passes(c, &filters, f) && page_take(&page, i))
            write_fleet(c, i);
    }
    xo_close(c->out, "fleetSet");
    play_ec2_write_token(c, &page);
    call_end_xml(c);
}

static bool asked_fleet(struct call *c, int *ret)
{
    const char *id = form_str(&c->form, "FleetId", c->arena);
    if (id == NULL) {
        call_missing(c, "FleetId");
        return false;
    }
    *ret = find(c, id);
    if (*ret < 0)
        not_found(c, id);
    return *ret >= 0;
}

// ---- DescribeFleetInstances, DescribeFleetHistory -----------------------------------------------------------------------------
void play_ec2_describe_fleet_instances(struct call *c)
{
    static const char *const known[] = {"instance-type", NULL};
    struct page page;
    struct ec2_filters filters;
    int fleet = -1;
    if (!play_ec2_page(c, 1000, 1, 1000, &page) || !play_ec2_filters(c, known, &filters) || !asked_fleet(c, &fleet) || play_ec2_dry_run(c))
        return;
    if (c->view.fleets[fleet].instant) {
        call_fail(c, 400, "InvalidParameterValue", "DescribeFleetInstances does not support fleets of type instant");
        return;
    }
    call_begin_xml(c);
    xo_text(c->out, "fleetId", c->view.fleets[fleet].id);
    play_ec2_write_members(c, fleet, filters.count > 0 ? &filters.items[0] : NULL, &page);
    play_ec2_write_token(c, &page);
    call_end_xml(c);
}

void play_ec2_describe_fleet_history(struct call *c)
{
    static const struct ec2_history_words words = {.of_fleet = "fleet-change", .of_instance = "instance-change", .error = "service-error",
                                                   .notified = "termination-notified", .states = state_names};
    struct page page;
    int fleet = -1;
    int64_t from_ms = 0;
    bool has_from = false;
    if (!play_ec2_page(c, 1000, 1, 1000, &page) || !asked_fleet(c, &fleet) || !play_ec2_time(c, "StartTime", &from_ms, &has_from))
        return;
    if (!has_from) {
        call_missing(c, "StartTime");
        return;
    }
    if (play_ec2_dry_run(c))
        return;
    call_begin_xml(c);
    xo_text(c->out, "fleetId", c->view.fleets[fleet].id);
    xo_time(c->out, "startTime", from_ms);
    xo_time(c->out, "lastEvaluatedTime", c->seen_ms);
    play_ec2_write_history(c, &words, fleet, from_ms, &page);
    play_ec2_write_token(c, &page);
    call_end_xml(c);
}

// ---- ModifyFleet --------------------------------------------------------------------------------------------------------------
#define SPEC "TargetCapacitySpecification."

static bool read_excess(struct call *c, int *ret)
{
    struct slice v = form_get(&c->form, "ExcessCapacityTerminationPolicy");
    if (v.ptr == NULL)
        return true;
    if (slice_eq(v, SLICE_LIT("no-termination")))
        *ret = WX_NO_TERMINATION;
    else if (slice_eq(v, SLICE_LIT("termination")))
        *ret = WX_DEFAULT;
    else
        call_fail(c, 400, "InvalidParameterValue", "Invalid value '%.*s' for ExcessCapacityTerminationPolicy", (int)(v.len < 40 ? v.len : 40), v.ptr);
    return *ret >= 0;
}

struct parts {
    int64_t total, on_demand, spot;  // -1: not given
    bool rest_on_demand;             // what neither names
};

static bool read_parts(struct call *c, struct parts *ret)
{
    const char *type = form_str(&c->form, SPEC "DefaultTargetCapacityType", c->arena);
    *ret = (struct parts){-1, -1, -1, type != NULL && strcmp(type, "on-demand") == 0};
    if (!play_ec2_int(c, SPEC "TotalTargetCapacity", 0, 10000, &ret->total, NULL) ||
        !play_ec2_int(c, SPEC "OnDemandTargetCapacity", 0, 10000, &ret->on_demand, NULL) ||
        !play_ec2_int(c, SPEC "SpotTargetCapacity", 0, 10000, &ret->spot, NULL))
        return false;
    bool any = ret->on_demand >= 0 || ret->spot >= 0 || type != NULL;
    if (ret->total < 0 && any) {
        call_missing(c, SPEC "TotalTargetCapacity");
        return false;
    }
    int64_t named = (ret->on_demand > 0 ? ret->on_demand : 0) + (ret->spot > 0 ? ret->spot : 0);
    if (ret->total >= 0 && named > ret->total) {
        call_fail(c, 400, "InvalidParameterValue", "The on-demand and spot capacity exceed the total target capacity.");
        return false;
    }
    if (ret->rest_on_demand)
        ret->on_demand = ret->total - (ret->spot > 0 ? ret->spot : 0);
    else if (ret->on_demand < 0 && ret->spot >= 0)
        ret->on_demand = 0;  // the rest is of the default type, spot
    return true;
}

void play_ec2_modify_fleet(struct call *c)
{
    int fleet = -1, excess = -1;
    struct parts parts;
    const char *id = form_str(&c->form, "FleetId", c->arena), *policy = form_str(&c->form, "ExcessCapacityTerminationPolicy", c->arena);
    if (!read_parts(c, &parts))
        return;
    call_note(c, id != NULL ? id : "", "TotalTargetCapacity=%lld OnDemandTargetCapacity=%lld %s%s", (long long)parts.total,
              (long long)parts.on_demand, policy != NULL ? "ExcessCapacityTerminationPolicy=" : "", policy != NULL ? policy : "");
    if (!asked_fleet(c, &fleet) || !read_excess(c, &excess))
        return;
    if (parts.total < 0 && excess < 0) {
        call_fail(c, 400, "MissingParameter", "The request must contain a parameter to modify");
        return;
    }
    if (play_ec2_dry_run(c))
        return;
    play_ec2_answer_modify(c, world_modify_spot_fleet(c->world, c->key->actor, fleet, parts.total, parts.on_demand, excess), id, "InvalidFleetId.NotFound");
}
