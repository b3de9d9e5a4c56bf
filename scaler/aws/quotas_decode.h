// Answers of Service Quotas into the struct of quotas.h; see struct aws_operation.
#pragma once

#include "scaler/aws/aws_job.h"

int quotas_decode(struct aws_job *job, const json_t *root, struct err *err);
