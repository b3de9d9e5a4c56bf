// A Prometheus as a policy names it: where it is, with its secret read now, and the text of a query.
#pragma once

#include "base/buf.h"
#include "policies/policy_usage.h"
#include "scaler/aws/aws.h"
#include "scaler/metrics/prometheus.h"
#include "scaler/secret.h"

// `secret` must live as long as *ret. env NULL: the process environment. ERR_IO: the secret is not to be had.
int usage_server(struct aws_clients *clients, const struct aws_env *env, const char *account, const struct policy_usage *p,
                 struct prometheus_server *ret, char secret[SECRET_MAX], struct err *err);
// Adds the query with $cluster (short name or ARN) and $label put in.
void usage_query(struct buf *out, const char *text, const char *cluster, const char *label);
