#include "scaler/aws/sts.h"

#include "scaler/aws/aws_job.h"

static int decode_identity(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct sts_identity *ret = job->ret;
    const struct xml_node *result = xml_at(root, "GetCallerIdentityResult");
    ret->account = xml_text_in(result, "Account", job->with.arena);
    ret->arn = xml_text_in(result, "Arn", job->with.arena);
    ret->user_id = xml_text_in(result, "UserId", job->with.arena);
    return *ret->account ? 0 : err_set(err, ERR_CORRUPT, "the answer names no account");
}

static const struct aws_operation get_caller_identity = {AWS_STS, "GetCallerIdentity", false, false, NULL, decode_identity, NULL};

void sts_get_caller_identity(struct aws_with w, struct sts_identity *ret)
{
    *ret = (struct sts_identity){.account = "", .arn = "", .user_id = ""};
    aws_call_begin(&ret->call);
    _cleanup_(buf_release) struct buf b;
    buf_init(&b, AWS_REQUEST_MAX);
    aws_form_begin(&b, get_caller_identity.name, "2011-06-15");
    aws_job_submit(&(struct aws_job){.with = w, .op = &get_caller_identity, .call = &ret->call, .ret = ret}, &b);
    aws_call_settle(&ret->call);
}
