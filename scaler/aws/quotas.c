#include "scaler/aws/quotas.h"

#include "base/json.h"
#include "scaler/aws/quotas_decode.h"

static const struct aws_operation get = {AWS_SERVICEQUOTAS, "GetServiceQuota", false, false, quotas_decode, NULL, NULL};
static const struct aws_operation get_default = {AWS_SERVICEQUOTAS, "GetAWSDefaultServiceQuota", false, false, quotas_decode, NULL, NULL};

static void ask(struct aws_with w, const struct aws_operation *op, const char *code, struct quota_answer *ret)
{
    *ret = (struct quota_answer){.code = code};
    aws_call_begin(&ret->call);
    _cleanup_(buf_release) struct buf b;
    buf_init(&b, AWS_REQUEST_MAX);
    buf_add_char(&b, '{');
    aws_json_str(&b, "ServiceCode", "ec2");
    aws_json_str(&b, "QuotaCode", code);
    aws_job_submit(&(struct aws_job){.with = w, .op = op, .call = &ret->call, .ret = ret}, &b);
    aws_call_settle(&ret->call);
}

void quotas_get(struct aws_with w, const char *code, struct quota_answer *ret)
{
    ask(w, &get, code, ret);
}

void quotas_get_default(struct aws_with w, const char *code, struct quota_answer *ret)
{
    ask(w, &get_default, code, ret);
}

int quotas_decode(struct aws_job *job, const json_t *root, struct err *err)
{
    struct quota_answer *ret = job->ret;
    double value = json_num(json_object_get(root, "Quota"), "Value", -1);
    if (!(value >= 0 && value <= 1e10))
        return err_set(err, ERR_CORRUPT, "a quota without a value");
    ret->value = value;
    return 0;
}
