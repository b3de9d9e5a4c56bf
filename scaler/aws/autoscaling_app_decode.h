// Answers of Application Auto Scaling into the structs of autoscaling_app.h; see struct aws_operation.
#pragma once

#include "scaler/aws/aws_job.h"

int appscaling_decode_targets(struct aws_job *job, const json_t *root, struct err *err);
int appscaling_decode_policies(struct aws_job *job, const json_t *root, struct err *err);
