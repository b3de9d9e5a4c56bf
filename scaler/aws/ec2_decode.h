// Answers of EC2 into the structs of ec2.h; one function an operation, see struct aws_operation.
#pragma once

#include "scaler/aws/aws_job.h"

int ec2_decode_instances(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_fleets(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_ec2_fleets(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_members(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_history(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_spot_requests(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_subnets(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_types(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_prices(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_state_changes(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_return(struct aws_job *job, const struct xml_node *root, struct err *err);
