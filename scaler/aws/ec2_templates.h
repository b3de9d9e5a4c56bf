// One version of a launch template, to see that what an instant fleet would launch from is there and whole.
#pragma once

#include "scaler/aws/aws.h"

struct ec2_template {
    const char *id, *name;
    int64_t version;
    const char *image;       // "" the template names none
    const char *profile;     // instance profile, its ARN or name; "" none
};
struct ec2_templates {
    struct aws_call call;
    struct ec2_template *items;
    size_t count, cap;
};
// launch_template: "lt-…" or a name; version: "7", "$Default", "$Latest". ERR_NOT_FOUND: no such template, or no such version.
void ec2_describe_template(struct aws_with w, const char *launch_template, const char *version, struct ec2_templates *ret);
