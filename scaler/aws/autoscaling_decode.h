// Answers of Auto Scaling into the structs of autoscaling.h; see struct aws_operation.
#pragma once

#include "scaler/aws/aws_job.h"

int asg_decode_groups(struct aws_job *job, const struct xml_node *root, struct err *err);
int asg_decode_as_fleets(struct aws_job *job, const struct xml_node *root, struct err *err);
int asg_decode_warm_pool(struct aws_job *job, const struct xml_node *root, struct err *err);
int asg_decode_refreshes(struct aws_job *job, const struct xml_node *root, struct err *err);
int asg_decode_policies(struct aws_job *job, const struct xml_node *root, struct err *err);
int asg_decode_hooks(struct aws_job *job, const struct xml_node *root, struct err *err);
int asg_decode_activities(struct aws_job *job, const struct xml_node *root, struct err *err);
int asg_decode_done(struct aws_job *job, const struct xml_node *root, struct err *err);  // an answer that says no more than yes
