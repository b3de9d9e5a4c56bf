// A signed POST to a service that is asked in another way than by aws_submit: Amazon Managed Prometheus ("aps").
//
// Signs with the client's credentials, region and corrected time, and sends nothing. The headers point into the arena.
#pragma once

#include "scaler/aws/aws.h"

enum { AWS_SIGN_HEADERS_MAX = 6 };

struct aws_sign_request {
    const char *service;       // as in the scope: "aps"
    const char *host, *path;   // as on the wire, without query
    const char *content_type;
    struct slice body;
};
// ERR_TRANSIENT: credentials are being fetched, ask again after a wait; ERR_AUTH and others: there are none, and why.
int aws_sign(struct aws *a, const struct aws_sign_request *r, struct arena *arena, struct http_header ret_headers[AWS_SIGN_HEADERS_MAX],
             size_t *ret_count, struct err *err);
