#include "scaler/aws/ec2.h"

#include "base/parse.h"
#include "scaler/aws/aws_job.h"
#include "scaler/aws/ec2_decode.h"

#define VERSION "2016-11-15"
#define FILTER_VALUES_MAX 200
#define FLEETS_MAX 100
#define TERMINATE_MAX 20
#define TAGGED_MAX 100
#define TAGS_MAX 10
#define PAGE_MAX 1000

static const struct aws_operation describe_instances = {AWS_EC2, "DescribeInstances", false, false, NULL, ec2_decode_instances, NULL};
static const struct aws_operation describe_fleets = {AWS_EC2, "DescribeSpotFleetRequests", false, false, NULL, ec2_decode_fleets, NULL};
static const struct aws_operation describe_members = {AWS_EC2, "DescribeSpotFleetInstances", false, false, NULL,
                                                      ec2_decode_members, NULL};
static const struct aws_operation describe_history = {AWS_EC2, "DescribeSpotFleetRequestHistory", false, false, NULL,
                                                      ec2_decode_history, NULL};
static const struct aws_operation describe_subnets = {AWS_EC2, "DescribeSubnets", false, false, NULL, ec2_decode_subnets, NULL};
static const struct aws_operation describe_requests = {AWS_EC2, "DescribeSpotInstanceRequests", false, false, NULL,
                                                       ec2_decode_spot_requests, NULL};
static const struct aws_operation describe_status = {AWS_EC2, "DescribeInstanceStatus", false, false, NULL, ec2_decode_scheduled, NULL};
// Both depend on facts that may have changed since: after an unknown outcome the next tick looks first.
static const struct aws_operation terminate = {AWS_EC2, "TerminateInstances", true, false, NULL, ec2_decode_state_changes, NULL};
static const struct aws_operation modify_fleet = {AWS_EC2, "ModifySpotFleetRequest", true, false, NULL, ec2_decode_return, NULL};
// Setting or deleting a tag twice is setting or deleting it once.
static const struct aws_operation create_tags = {AWS_EC2, "CreateTags", true, true, NULL, ec2_decode_return, NULL};
static const struct aws_operation delete_tags = {AWS_EC2, "DeleteTags", true, true, NULL, ec2_decode_return, NULL};

static void begin(struct buf *b, const struct aws_operation *op)
{
    buf_init(b, AWS_REQUEST_MAX);
    aws_form_begin(b, op->name, VERSION);
}

static size_t at_most(size_t n, size_t max)
{
    return n < max ? n : max;
}

// ---- instances --------------------------------------------------------------------------------------------------------------
static void add_filter(struct buf *b, size_t number, const char *name, const char *const *values, size_t count)
{
    char key[48];
    snprintf(key, sizeof key, "Filter.%zu.Name", number);
    aws_form_add(b, key, name);
    snprintf(key, sizeof key, "Filter.%zu.Value", number);
    aws_form_add_list(b, key, values, count);
}

void ec2_describe_instances(struct aws_with w, const struct ec2_filter *filters, size_t filter_count, struct ec2_instances *ret)
{
    *ret = (struct ec2_instances){0};
    aws_call_begin(&ret->call);
    assert(filter_count > 0);
    size_t split = 0;  // the filter that is spread over several calls
    while (split < filter_count && filters[split].count <= FILTER_VALUES_MAX)
        split++;
    size_t total = split < filter_count ? filters[split].count : 1;
    for (size_t from = 0; from < total; from += FILTER_VALUES_MAX) {
        _cleanup_(buf_release) struct buf b;
        begin(&b, &describe_instances);
        aws_form_add_int(&b, "MaxResults", PAGE_MAX);
        for (size_t i = 0; i < filter_count; i++) {
            const struct ec2_filter *f = &filters[i];
            assert(f->count > 0);
            size_t first = i == split ? from : 0;
            size_t count = i == split ? at_most(f->count - from, FILTER_VALUES_MAX) : f->count;
            add_filter(&b, i + 1, f->name, f->values + first, count);
        }
        aws_job_submit(&(struct aws_job){.with = w, .op = &describe_instances, .call = &ret->call, .ret = ret}, &b);
    }
    aws_call_settle(&ret->call);
}

void ec2_describe_instances_by_id(struct aws_with w, const char *const *ids, size_t count, struct ec2_instances *ret)
{
    if (count == 0) {
        *ret = (struct ec2_instances){0};
        aws_call_begin(&ret->call);
        aws_call_settle(&ret->call);
        return;
    }
    ec2_describe_instances(w, &(struct ec2_filter){"instance-id", ids, count}, 1, ret);
}

bool ec2_is_ec2_fleet(const char *fleet_id)
{
    return strncmp(fleet_id, "fleet-", 6) == 0;
}

void ec2_describe_fleet_instances(struct aws_with w, const char *fleet_id, struct ec2_instances *ret)
{
    ec2_describe_tagged_instances(w, ec2_is_ec2_fleet(fleet_id) ? EC2_FLEET_TAG : EC2_SPOT_FLEET_TAG, fleet_id, ret);
}

void ec2_describe_tagged_instances(struct aws_with w, const char *key, const char *value, struct ec2_instances *ret)
{
    ec2_describe_tagged_instances_in(w, key, value, NULL, ret);
}

void ec2_describe_tagged_instances_in(struct aws_with w, const char *key, const char *value, const char *zone, struct ec2_instances *ret)
{
    char name[160];
    snprintf(name, sizeof name, "tag:%s", key);
    static const char *const states[] = {"pending", "running", "shutting-down", "stopping", "stopped"};
    const struct ec2_filter filters[] = {{name, &value, 1},
                                         {"instance-state-name", states, ARRAY_LEN(states)},
                                         {"availability-zone", &zone, 1}};
    ec2_describe_instances(w, filters, ARRAY_LEN(filters) - (zone == NULL), ret);
}

void ec2_terminate_instances(struct aws_with w, const char *const *ids, size_t count, bool dry_run, struct ec2_state_changes *ret)
{
    *ret = (struct ec2_state_changes){0};
    aws_call_begin(&ret->call);
    assert(count >= 1);
    assert(count <= TERMINATE_MAX);
    _cleanup_(buf_release) struct buf b;
    begin(&b, &terminate);
    aws_form_add_list(&b, "InstanceId", ids, count);
    if (dry_run)
        aws_form_add(&b, "DryRun", "true");
    struct aws_job job = {.with = w, .op = &terminate, .call = &ret->call, .ret = ret, .asked = count, .dry_run = dry_run};
    aws_job_submit(&job, &b);
    aws_call_settle(&ret->call);
}

// ---- tags -------------------------------------------------------------------------------------------------------------------
struct tagging {
    const char *const *resources;
    size_t count;
    const struct aws_tag *tags;
    size_t tag_count;
    bool dry_run;
};

static void change_tags(struct aws_with w, const struct aws_operation *op, const struct tagging *t, struct aws_call *ret)
{
    aws_call_begin(ret);
    assert(t->count >= 1 && t->count <= TAGGED_MAX);
    assert(t->tag_count >= 1 && t->tag_count <= TAGS_MAX);
    _cleanup_(buf_release) struct buf b;
    begin(&b, op);
    aws_form_add_list(&b, "ResourceId", t->resources, t->count);
    for (size_t i = 0; i < t->tag_count; i++) {
        char key[48];
        snprintf(key, sizeof key, "Tag.%zu.Key", i + 1);
        aws_form_add(&b, key, t->tags[i].key);
        snprintf(key, sizeof key, "Tag.%zu.Value", i + 1);
        if (t->tags[i].value)
            aws_form_add(&b, key, t->tags[i].value);
    }
    if (t->dry_run)
        aws_form_add(&b, "DryRun", "true");
    aws_job_submit(&(struct aws_job){.with = w, .op = op, .call = ret, .ret = ret, .dry_run = t->dry_run}, &b);
    aws_call_settle(ret);
}

void ec2_try_tags(struct aws_with w, const char *const *resources, size_t count, const struct aws_tag *tag, bool deleting,
                  struct aws_call *ret)
{
    change_tags(w, deleting ? &delete_tags : &create_tags, &(struct tagging){resources, count, tag, 1, true}, ret);
}

void ec2_create_tags(struct aws_with w, const char *const *resources, size_t count, const struct aws_tag *tags, size_t tag_count,
                     struct aws_call *ret)
{
    change_tags(w, &create_tags, &(struct tagging){resources, count, tags, tag_count, false}, ret);
}

void ec2_delete_tags(struct aws_with w, const char *const *resources, size_t count, const struct aws_tag *tags, size_t tag_count,
                     struct aws_call *ret)
{
    change_tags(w, &delete_tags, &(struct tagging){resources, count, tags, tag_count, false}, ret);
}

// ---- spot fleets ------------------------------------------------------------------------------------------------------------
void ec2_describe_spot_fleets(struct aws_with w, const char *const *ids, size_t count, struct ec2_spot_fleets *ret)
{
    *ret = (struct ec2_spot_fleets){0};
    aws_call_begin(&ret->call);
    size_t from = 0;
    do {
        _cleanup_(buf_release) struct buf b;
        begin(&b, &describe_fleets);
        if (count > 0)
            aws_form_add_list(&b, "SpotFleetRequestId", ids + from, at_most(count - from, FLEETS_MAX));
        else
            aws_form_add_int(&b, "MaxResults", PAGE_MAX);
        aws_job_submit(&(struct aws_job){.with = w, .op = &describe_fleets, .call = &ret->call, .ret = ret}, &b);
        from += FLEETS_MAX;
    } while (from < count);
    aws_call_settle(&ret->call);
}

void ec2_describe_spot_fleet_instances(struct aws_with w, const char *fleet_id, struct ec2_fleet_members *ret)
{
    *ret = (struct ec2_fleet_members){0};
    aws_call_begin(&ret->call);
    _cleanup_(buf_release) struct buf b;
    begin(&b, &describe_members);
    aws_form_add(&b, "SpotFleetRequestId", fleet_id);
    aws_form_add_int(&b, "MaxResults", PAGE_MAX);
    aws_job_submit(&(struct aws_job){.with = w, .op = &describe_members, .call = &ret->call, .ret = ret}, &b);
    aws_call_settle(&ret->call);
}

void ec2_describe_fleet_history(struct aws_with w, const char *fleet_id, int64_t since_ms, struct ec2_fleet_events *ret)
{
    *ret = (struct ec2_fleet_events){0};
    aws_call_begin(&ret->call);
    char start[32];
    _cleanup_(buf_release) struct buf b;
    begin(&b, &describe_history);
    aws_form_add(&b, "SpotFleetRequestId", fleet_id);
    aws_form_add(&b, "StartTime", format_iso8601(since_ms, false, start));
    aws_form_add_int(&b, "MaxResults", PAGE_MAX);
    aws_job_submit(&(struct aws_job){.with = w, .op = &describe_history, .call = &ret->call, .ret = ret}, &b);
    aws_call_settle(&ret->call);
}

void ec2_modify_spot_fleet(struct aws_with w, const struct ec2_fleet_target *t, struct aws_call *ret)
{
    aws_call_begin(ret);
    assert(t->target >= 0);
    assert(t->on_demand >= 0 && t->on_demand <= t->target);
    _cleanup_(buf_release) struct buf b;
    begin(&b, &modify_fleet);
    aws_form_add(&b, "SpotFleetRequestId", t->fleet_id);
    aws_form_add_int(&b, "TargetCapacity", t->target);
    if (t->split || t->on_demand > 0)
        aws_form_add_int(&b, "OnDemandTargetCapacity", t->on_demand);
    // Without it the fleet would choose and kill instances itself, with tasks on them.
    aws_form_add(&b, "ExcessCapacityTerminationPolicy", "noTermination");
    aws_job_submit(&(struct aws_job){.with = w, .op = &modify_fleet, .call = ret, .ret = ret}, &b);
    aws_call_settle(ret);
}

// ---- subnets ----------------------------------------------------------------------------------------------------------------
void ec2_describe_subnets(struct aws_with w, const char *const *ids, size_t count, struct ec2_subnets *ret)
{
    *ret = (struct ec2_subnets){0};
    aws_call_begin(&ret->call);
    for (size_t from = 0; from < count; from += FILTER_VALUES_MAX) {
        _cleanup_(buf_release) struct buf b;
        begin(&b, &describe_subnets);
        add_filter(&b, 1, "subnet-id", ids + from, at_most(count - from, FILTER_VALUES_MAX));
        aws_form_add_int(&b, "MaxResults", PAGE_MAX);
        aws_job_submit(&(struct aws_job){.with = w, .op = &describe_subnets, .call = &ret->call, .ret = ret}, &b);
    }
    aws_call_settle(&ret->call);
}

// ---- spot requests ------------------------------------------------------------------------------------------------------------
void ec2_describe_interrupted(struct aws_with w, struct ec2_spot_requests *ret)
{
    static const char *const codes[] = {"instance-terminated-no-capacity", "instance-terminated-by-price",
                                        "instance-terminated-capacity-oversubscribed", "instance-stopped-no-capacity",
                                        "instance-stopped-by-price", "instance-stopped-capacity-oversubscribed", "marked-for-termination",
                                        "marked-for-stop"};
    *ret = (struct ec2_spot_requests){0};
    aws_call_begin(&ret->call);
    _cleanup_(buf_release) struct buf b;
    begin(&b, &describe_requests);
    add_filter(&b, 1, "status-code", codes, ARRAY_LEN(codes));
    aws_form_add_int(&b, "MaxResults", PAGE_MAX);
    aws_job_submit(&(struct aws_job){.with = w, .op = &describe_requests, .call = &ret->call, .ret = ret}, &b);
    aws_call_settle(&ret->call);
}

// ---- scheduled events -----------------------------------------------------------------------------------------------------------
void ec2_describe_scheduled(struct aws_with w, struct ec2_scheduled_events *ret)
{
    static const char *const codes[] = {"instance-retirement", "instance-stop", "instance-reboot", "system-reboot", "system-maintenance"};
    *ret = (struct ec2_scheduled_events){0};
    aws_call_begin(&ret->call);
    _cleanup_(buf_release) struct buf b;
    begin(&b, &describe_status);
    add_filter(&b, 1, "event.code", codes, ARRAY_LEN(codes));  // so that only the few of them are told
    aws_form_add_int(&b, "MaxResults", PAGE_MAX);
    aws_job_submit(&(struct aws_job){.with = w, .op = &describe_status, .call = &ret->call, .ret = ret}, &b);
    aws_call_settle(&ret->call);
}
