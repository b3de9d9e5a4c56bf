// Where a service of a region is reached: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, else AWS's regional host.
#pragma once

#include <stdbool.h>

#include "scaler/aws/aws.h"

struct aws_endpoint {
    char url[768];    // scheme://host[:port]path
    char host[288];   // as the Host header says it: lower case, without the scheme's own port
    char path[400];   // at least "/"
    bool direct;      // local: never through a proxy
};

// Loopback, link-local (169.254/16, where the metadata endpoints are) and the IPv6 metadata addresses (fd00:ec2::/32), by the
// parsed address; and localhost. As in a URL: IPv6 within brackets. What lives there is never reached through a proxy.
bool aws_host_is_local(const char *host);
// ERR_INVALID: not an http or https URL, or one with user, query or fragment.
int aws_endpoint_resolve(const struct aws_env *env, enum aws_service service, const char *region, struct aws_endpoint *ret,
                         struct err *err);
