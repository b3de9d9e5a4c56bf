// Answers of EC2 into the structs of ec2.h; one function an operation, see struct aws_operation.
#pragma once

#include "planner/model/type_rules.h"
#include "scaler/aws/aws_job.h"

int ec2_decode_instances(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_fleets(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_ec2_fleets(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_members(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_history(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_scheduled(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_spot_requests(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_subnets(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_types(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_offerings(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_scores(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_prices(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_state_changes(struct aws_job *job, const struct xml_node *root, struct err *err);
int ec2_decode_launch(struct aws_job *job, const struct xml_node *root, struct err *err);  // ec2_fleets.h
int ec2_decode_templates(struct aws_job *job, const struct xml_node *root, struct err *err);  // ec2_templates.h
int ec2_decode_return(struct aws_job *job, const struct xml_node *root, struct err *err);

// Of an override that asks for types by attributes; NULL: it names its type.
const struct type_rules *ec2_type_rules_of(const struct xml_node *override, struct arena *a);
void ec2_take_token(struct aws_job *job, const struct xml_node *root);  // of the next page
