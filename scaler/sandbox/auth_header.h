// The Authorization header of a signed request, taken apart.
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct auth_header {
    struct slice key_id, date, region, service;  // of Credential=KEY/DATE/REGION/SERVICE/aws4_request
    struct slice signed_headers;                 // "host;x-amz-date"
    struct slice signature;                      // 64 hex digits
};

// ERR_INVALID with what is wrong. The slices point into value.
int auth_header_parse(struct slice value, struct auth_header *ret, struct err *err);
