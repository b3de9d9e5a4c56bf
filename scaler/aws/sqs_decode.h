// Decoders of SQS's answers, named so that the fuzz targets reach them. job->ret is the result struct of the operation.
#pragma once

#include "scaler/aws/aws_job.h"

int sqs_decode_messages(struct aws_job *job, const json_t *root, struct err *err);
int sqs_decode_deleted(struct aws_job *job, const json_t *root, struct err *err);
int sqs_decode_attributes(struct aws_job *job, const json_t *root, struct err *err);
