// Where a service of a region is reached: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, else AWS's regional host.
#pragma once

#include <stdbool.h>

#include "scaler/aws/aws.h"

struct aws_endpoint {
    char url[768];    // scheme://host[:port]path
    char host[288];   // as the Host header says it: lower case, without the scheme's own port
    char path[400];   // at least "/"
    bool direct;      // loopback: never through a proxy
};

// ERR_INVALID: not an http or https URL, or one with user, query or fragment.
int aws_endpoint_resolve(const struct aws_env *env, enum aws_service service, const char *region, struct aws_endpoint *ret,
                         struct err *err);
