#include "scaler/aws/ec2_fleets.h"

#include <string.h>

#include "base/parse.h"
#include "scaler/aws/aws_job.h"
#include "scaler/aws/ec2_decode.h"

#define VERSION "2016-11-15"
#define FLEETS_MAX 100
#define PAGE_MAX 1000
#define FLEETS_PAGE 100

static const struct aws_operation describe_fleets = {AWS_EC2, "DescribeFleets", false, false, NULL, ec2_decode_ec2_fleets, NULL};
static const struct aws_operation describe_members = {AWS_EC2, "DescribeFleetInstances", false, false, NULL, ec2_decode_members, NULL};
static const struct aws_operation describe_history = {AWS_EC2, "DescribeFleetHistory", false, false, NULL, ec2_decode_history, NULL};
static const struct aws_operation create_fleet = {AWS_EC2, "CreateFleet", true, true, NULL, ec2_decode_launch, NULL};
static const struct aws_operation modify_fleet = {AWS_EC2, "ModifyFleet", true, false, NULL, ec2_decode_return, NULL};

static void begin(struct buf *b, const struct aws_operation *op)
{
    buf_init(b, AWS_REQUEST_MAX);
    aws_form_begin(b, op->name, VERSION);
}

void ec2_describe_ec2_fleets(struct aws_with w, const char *const *ids, size_t count, struct ec2_spot_fleets *ret)
{
    *ret = (struct ec2_spot_fleets){0};
    aws_call_begin(&ret->call);
    size_t from = 0;
    do {
        size_t n = count - from < FLEETS_MAX ? count - from : FLEETS_MAX;
        _cleanup_(buf_release) struct buf b;
        begin(&b, &describe_fleets);
        if (count > 0)
            aws_form_add_list(&b, "FleetId", ids + from, n);
        else
            aws_form_add_int(&b, "MaxResults", FLEETS_PAGE);
        aws_job_submit(&(struct aws_job){.with = w, .op = &describe_fleets, .call = &ret->call, .ret = ret}, &b);
        from += n;
    } while (from < count);
    aws_call_settle(&ret->call);
}

void ec2_describe_ec2_fleet_members(struct aws_with w, const char *fleet_id, struct ec2_fleet_members *ret)
{
    *ret = (struct ec2_fleet_members){0};
    aws_call_begin(&ret->call);
    _cleanup_(buf_release) struct buf b;
    begin(&b, &describe_members);
    aws_form_add(&b, "FleetId", fleet_id);
    aws_form_add_int(&b, "MaxResults", PAGE_MAX);
    aws_job_submit(&(struct aws_job){.with = w, .op = &describe_members, .call = &ret->call, .ret = ret}, &b);
    aws_call_settle(&ret->call);
}

void ec2_describe_ec2_fleet_history(struct aws_with w, const char *fleet_id, int64_t since_ms, struct ec2_fleet_events *ret)
{
    *ret = (struct ec2_fleet_events){0};
    aws_call_begin(&ret->call);
    char start[32];
    _cleanup_(buf_release) struct buf b;
    begin(&b, &describe_history);
    aws_form_add(&b, "FleetId", fleet_id);
    aws_form_add(&b, "StartTime", format_iso8601(since_ms, false, start));
    aws_form_add_int(&b, "MaxResults", PAGE_MAX);
    aws_job_submit(&(struct aws_job){.with = w, .op = &describe_history, .call = &ret->call, .ret = ret}, &b);
    aws_call_settle(&ret->call);
}

void ec2_modify_ec2_fleet(struct aws_with w, const struct ec2_fleet_target *t, struct aws_call *ret)
{
    aws_call_begin(ret);
    assert(t->target >= 0);
    assert(t->on_demand >= 0 && t->on_demand <= t->target);
    _cleanup_(buf_release) struct buf b;
    begin(&b, &modify_fleet);
    aws_form_add(&b, "FleetId", t->fleet_id);
    // Without it the fleet would choose and kill instances itself, with tasks on them.
    aws_form_add(&b, "ExcessCapacityTerminationPolicy", "no-termination");
    aws_form_add_int(&b, "TargetCapacitySpecification.TotalTargetCapacity", t->target);
    aws_form_add_int(&b, "TargetCapacitySpecification.OnDemandTargetCapacity", t->on_demand);
    aws_form_add_int(&b, "TargetCapacitySpecification.SpotTargetCapacity", t->target - t->on_demand);
    aws_job_submit(&(struct aws_job){.with = w, .op = &modify_fleet, .call = ret, .ret = ret}, &b);
    aws_call_settle(ret);
}

static void add_tags(struct buf *b, const struct ec2_launch *l)
{
    static const char *const of[] = {"fleet", "instance"};
    for (size_t n = 0; n < ARRAY_LEN(of); n++) {
        char name[64];
        snprintf(name, sizeof name, "TagSpecification.%zu.ResourceType", n + 1);
        aws_form_add(b, name, of[n]);
        for (size_t k = 0; k < l->tag_count; k++) {
            snprintf(name, sizeof name, "TagSpecification.%zu.Tag.%zu.Key", n + 1, k + 1);
            aws_form_add(b, name, l->tags[k].key);
            snprintf(name, sizeof name, "TagSpecification.%zu.Tag.%zu.Value", n + 1, k + 1);
            aws_form_add(b, name, l->tags[k].value);
        }
    }
}

void ec2_create_fleet(struct aws_with w, const struct ec2_launch *l, struct ec2_launch_answer *ret)
{
    *ret = (struct ec2_launch_answer){.fleet_id = ""};
    aws_call_begin(&ret->call);
    assert(l->count > 0 && l->on_demand >= 0 && l->on_demand <= l->count);
    assert(l->pool_count > 0 && l->pool_count <= FLEETS_MAX);
    _cleanup_(buf_release) struct buf b;
    begin(&b, &create_fleet);
    aws_form_add(&b, "Type", "instant");
    assert(l->token || l->dry_run);
    if (l->token)
        aws_form_add(&b, "ClientToken", l->token);
    if (l->dry_run)
        aws_form_add(&b, "DryRun", "true");
    bool id = strncmp(l->launch_template, "lt-", 3) == 0;
    aws_form_add(&b, id ? "LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateId" : "LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName",
                 l->launch_template);
    aws_form_add(&b, "LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version", l->version);
    for (size_t k = 0; k < l->pool_count; k++) {
        char name[64];
        snprintf(name, sizeof name, "LaunchTemplateConfigs.1.Overrides.%zu.InstanceType", k + 1);
        aws_form_add(&b, name, l->pools[k].type);
        snprintf(name, sizeof name, "LaunchTemplateConfigs.1.Overrides.%zu.SubnetId", k + 1);
        aws_form_add(&b, name, l->pools[k].subnet);
    }
    aws_form_add(&b, "SpotOptions.AllocationStrategy", "price-capacity-optimized");
    aws_form_add_int(&b, "TargetCapacitySpecification.TotalTargetCapacity", l->count);
    aws_form_add_int(&b, "TargetCapacitySpecification.OnDemandTargetCapacity", l->on_demand);
    aws_form_add_int(&b, "TargetCapacitySpecification.SpotTargetCapacity", l->count - l->on_demand);
    aws_form_add(&b, "TargetCapacitySpecification.DefaultTargetCapacityType", "spot");
    add_tags(&b, l);
    aws_job_submit(&(struct aws_job){.with = w, .op = &create_fleet, .call = &ret->call, .ret = ret, .dry_run = l->dry_run}, &b);
    aws_call_settle(&ret->call);
}
