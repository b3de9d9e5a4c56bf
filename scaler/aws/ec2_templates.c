#include "scaler/aws/ec2_templates.h"

#include <string.h>

#include "base/check.h"
#include "scaler/aws/ec2_decode.h"

static const struct aws_operation describe_versions = {AWS_EC2, "DescribeLaunchTemplateVersions", false, false, NULL, ec2_decode_templates, NULL};

void ec2_describe_template(struct aws_with w, const char *launch_template, const char *version, struct ec2_templates *ret)
{
    *ret = (struct ec2_templates){0};
    aws_call_begin(&ret->call);
    _cleanup_(buf_release) struct buf b;
    buf_init(&b, AWS_REQUEST_MAX);
    aws_form_begin(&b, describe_versions.name, "2016-11-15");
    aws_form_add(&b, strncmp(launch_template, "lt-", 3) == 0 ? "LaunchTemplateId" : "LaunchTemplateName", launch_template);
    aws_form_add_list(&b, "LaunchTemplateVersion", &version, 1);
    aws_job_submit(&(struct aws_job){.with = w, .op = &describe_versions, .call = &ret->call, .ret = ret}, &b);
    aws_call_settle(&ret->call);
}

int ec2_decode_templates(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct ec2_templates *ret = job->ret;
    struct arena *a = job->with.arena;
    size_t before = ret->count;
    for (const struct xml_node *i = xml_first(root, "launchTemplateVersionSet", "item"); i; i = xml_next(i)) {
        const char *arn = xml_text_in(i, "launchTemplateData/iamInstanceProfile/arn", a);
        struct ec2_template t = {
            .id = xml_text_in(i, "launchTemplateId", a),
            .name = xml_text_in(i, "launchTemplateName", a),
            .version = xml_int(i, "versionNumber", -1),
            .image = xml_text_in(i, "launchTemplateData/imageId", a),
            .profile = *arn ? arn : xml_text_in(i, "launchTemplateData/iamInstanceProfile/name", a),
        };
        if (!*t.id || t.version < 0) {
            ret->count = before;
            return err_set(err, ERR_CORRUPT, "a version of a launch template without id or number");
        }
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = t;
    }
    ec2_take_token(job, root);
    return 0;
}
