#include "scaler/aws/ec2_types.h"

#include "base/parse.h"
#include "scaler/aws/aws_job.h"
#include "scaler/aws/ec2_decode.h"

#define VERSION "2016-11-15"
#define TYPES_MAX 100
#define PAGE_MAX 1000

static const struct aws_operation describe_types = {AWS_EC2, "DescribeInstanceTypes", false, false, NULL, ec2_decode_types, NULL};
static const struct aws_operation describe_offerings = {AWS_EC2, "DescribeInstanceTypeOfferings", false, false, NULL,
                                                        ec2_decode_offerings, NULL};
static const struct aws_operation describe_prices = {AWS_EC2, "DescribeSpotPriceHistory", false, false, NULL, ec2_decode_prices, NULL};
static const struct aws_operation placement_scores = {AWS_EC2, "GetSpotPlacementScores", false, false, NULL, ec2_decode_scores, NULL};

static void begin(struct buf *b, const struct aws_operation *op)
{
    buf_init(b, AWS_REQUEST_MAX);
    aws_form_begin(b, op->name, VERSION);
}

static size_t at_most(size_t n, size_t max)
{
    return n < max ? n : max;
}

void ec2_describe_types(struct aws_with w, const char *const *names, size_t count, struct ec2_types *ret)
{
    *ret = (struct ec2_types){0};
    aws_call_begin(&ret->call);
    for (size_t from = 0; from < count; from += TYPES_MAX) {
        _cleanup_(buf_release) struct buf b;
        begin(&b, &describe_types);
        aws_form_add_list(&b, "InstanceType", names + from, at_most(count - from, TYPES_MAX));
        aws_job_submit(&(struct aws_job){.with = w, .op = &describe_types, .call = &ret->call, .ret = ret}, &b);
    }
    aws_call_settle(&ret->call);
}

void ec2_describe_all_types(struct aws_with w, struct ec2_types *ret)
{
    *ret = (struct ec2_types){0};
    aws_call_begin(&ret->call);
    _cleanup_(buf_release) struct buf b;
    begin(&b, &describe_types);
    aws_form_add_int(&b, "MaxResults", TYPES_MAX);
    aws_job_submit(&(struct aws_job){.with = w, .op = &describe_types, .call = &ret->call, .ret = ret}, &b);
    aws_call_settle(&ret->call);
}

void ec2_describe_offerings(struct aws_with w, struct ec2_offerings *ret)
{
    *ret = (struct ec2_offerings){0};
    aws_call_begin(&ret->call);
    _cleanup_(buf_release) struct buf b;
    begin(&b, &describe_offerings);
    aws_form_add(&b, "LocationType", "availability-zone");
    aws_form_add_int(&b, "MaxResults", PAGE_MAX);
    aws_job_submit(&(struct aws_job){.with = w, .op = &describe_offerings, .call = &ret->call, .ret = ret}, &b);
    aws_call_settle(&ret->call);
}

void ec2_describe_spot_prices(struct aws_with w, const char *const *types, size_t count, int64_t now_ms, struct ec2_prices *ret)
{
    *ret = (struct ec2_prices){0};
    aws_call_begin(&ret->call);
    char start[32];
    format_iso8601(now_ms, false, start);
    for (size_t from = 0; from < count; from += TYPES_MAX) {
        _cleanup_(buf_release) struct buf b;
        begin(&b, &describe_prices);
        aws_form_add_list(&b, "InstanceType", types + from, at_most(count - from, TYPES_MAX));
        aws_form_add(&b, "ProductDescription.1", "Linux/UNIX");
        aws_form_add(&b, "StartTime", start);
        aws_form_add_int(&b, "MaxResults", PAGE_MAX);
        aws_job_submit(&(struct aws_job){.with = w, .op = &describe_prices, .call = &ret->call, .ret = ret}, &b);
    }
    aws_call_settle(&ret->call);
}

void ec2_placement_scores(struct aws_with w, const char *region, const char *const *types, size_t count, int64_t target_instances,
                          struct ec2_scores *ret)
{
    assert(count > 0 && count <= PAGE_MAX);
    assert(target_instances > 0);
    *ret = (struct ec2_scores){0};
    aws_call_begin(&ret->call);
    _cleanup_(buf_release) struct buf b;
    begin(&b, &placement_scores);
    aws_form_add_list(&b, "InstanceType", types, count);
    aws_form_add_int(&b, "TargetCapacity", target_instances);
    aws_form_add(&b, "TargetCapacityUnitType", "units");
    aws_form_add(&b, "SingleAvailabilityZone", "true");
    aws_form_add_list(&b, "RegionName", &region, 1);
    aws_form_add_int(&b, "MaxResults", PAGE_MAX);
    aws_job_submit(&(struct aws_job){.with = w, .op = &placement_scores, .call = &ret->call, .ret = ret}, &b);
    aws_call_settle(&ret->call);
}
