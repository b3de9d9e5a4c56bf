// A packed body of the journal as a broken disk may give it back: it unpacks within its limits, or is ERR_CORRUPT.
#include "state/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct slice text = {0};
    struct err err = {0};
    arena_init(&arena, 0);
    int rc = unpack_json((struct slice){(const char *)data, size}, &arena, &text, &err);
    assert(rc == 0 || rc == ERR_CORRUPT);
    assert(text.len <= STATE_BODY_MAX);
    arena_release(&arena);
    return 0;
}
