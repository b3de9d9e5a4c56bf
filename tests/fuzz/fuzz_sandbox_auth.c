// The Authorization header as the sandbox takes it apart.
#include "scaler/sandbox/auth_header.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(struct slice part, const uint8_t *data, size_t size)
{
    return (const uint8_t *)part.ptr >= data && (const uint8_t *)part.ptr + part.len <= data + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct auth_header h = {0};
    struct err err = {0};
    if (auth_header_parse((struct slice){(const char *)data, size}, &h, &err) != 0) {
        assert(err.kind == ERR_INVALID);
        return 0;
    }
    assert(h.signature.len == 64 && h.date.len == 8 && h.key_id.len > 0);
    assert(within(h.key_id, data, size) && within(h.region, data, size) && within(h.service, data, size));
    assert(within(h.signed_headers, data, size) && within(h.signature, data, size));
    return 0;
}
