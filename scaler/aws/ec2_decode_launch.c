#include <string.h>

#include "scaler/aws/ec2_decode.h"
#include "scaler/aws/ec2_fleets.h"

enum { LAUNCHED_MAX = 10000, ERRORS_MAX = 1000 };

// An override is told as it was asked for; newer answers tell zone and subnet of the instances besides.
static const char *told(const struct xml_node *n, const char *own, const char *of_override, struct arena *a)
{
    const char *text = xml_text_in(n, own, a);
    return *text ? text : xml_text_in(xml_at(n, "launchTemplateAndOverrides/overrides"), of_override, a);
}

static int add_instances(struct ec2_launch_answer *ret, const struct xml_node *n, struct arena *a, struct err *err)
{
    struct ec2_launched x = {.type = told(n, "instanceType", "instanceType", a), .subnet = told(n, "subnetId", "subnetId", a),
                             .zone = told(n, "availabilityZone", "availabilityZone", a), .lifecycle = xml_text_in(n, "lifecycle", a)};
    for (const struct xml_node *id = xml_first(n, "instanceIds", "item"); id; id = xml_next(id)) {
        x.instance = arena_strdup(a, id->text);
        if (strncmp(x.instance, "i-", 2) != 0 || strlen(x.instance) > 23)
            return err_set(err, ERR_CORRUPT, "CreateFleet names the instance %.40s", x.instance);
        if (ret->count == LAUNCHED_MAX)
            return err_set(err, ERR_LIMIT, "CreateFleet names more than %d instances", LAUNCHED_MAX);
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = x;
    }
    return 0;
}

int ec2_decode_launch(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct ec2_launch_answer *ret = job->ret;
    struct arena *a = job->with.arena;
    *ret = (struct ec2_launch_answer){.call = ret->call, .fleet_id = xml_text_in(root, "fleetId", a)};
    if (*ret->fleet_id == '\0')
        return err_set(err, ERR_CORRUPT, "CreateFleet told no fleetId");
    for (const struct xml_node *n = xml_first(root, "fleetInstanceSet", "item"); n; n = xml_next(n))
        if (add_instances(ret, n, a, err) != 0)
            return err->kind;
    for (const struct xml_node *n = xml_first(root, "errorSet", "item"); n && ret->error_count < ERRORS_MAX; n = xml_next(n)) {
        ret->errors = arena_grow(a, ret->errors, ret->error_count, &ret->error_cap, sizeof *ret->errors);
        ret->errors[ret->error_count++] = (struct ec2_launch_error){
            .type = told(n, "instanceType", "instanceType", a), .subnet = told(n, "subnetId", "subnetId", a), .zone = told(n, "availabilityZone", "availabilityZone", a),
            .code = xml_text_in(n, "errorCode", a), .message = xml_text_in(n, "errorMessage", a)};
    }
    return 0;
}
