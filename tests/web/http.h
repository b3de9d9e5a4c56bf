// One HTTP exchange by libcurl, for tests.
#pragma once

#include <stdbool.h>

#include "base/buf.h"

struct http_ask {
    const char *method;           // NULL: GET
    const char *headers[4];       // "Host: example"; NULL ends
    const char *body;             // NULL none
};

struct http_got {
    long status;                  // 0: no answer
    struct buf headers, body;     // headers as they came; body not decoded
};

// url: the site's with its trailing slash; path without a leading one. got is initialised here; http_release after.
void http_get(const char *url, const char *path, const struct http_ask *ask, struct http_got *got);
void http_release(struct http_got *got);
// The value of a header of the answer, copied into out; "" when absent.
const char *http_header(const struct http_got *got, const char *name, char *out, size_t out_len);
