// A delta of the journal as a broken disk may give it back: it gives a text within its limits, or is ERR_CORRUPT. And what is made
// from two texts gives the second back.
#include "state/delta.h"

#include "base/check.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_BYTES_MAX = 1 << 20 };

static void apply_any(struct slice base, struct slice delta)
{
    struct buf text;
    struct err err = {0};
    buf_init(&text, TEXT_BYTES_MAX);
    int rc = delta_apply(base, delta, &text, &err);
    assert(rc == 0 || rc == ERR_CORRUPT);
    assert(text.len <= TEXT_BYTES_MAX);
    buf_release(&text);
}

static void make_and_apply(struct slice base, struct slice text)
{
    struct buf delta, again;
    buf_init(&delta, TEXT_BYTES_MAX);
    buf_init(&again, TEXT_BYTES_MAX);
    delta_make(base, text, &delta);
    assert(!buf_failed(&delta));
    int rc = delta_apply(base, buf_slice(&delta), &again, NULL);
    assert(rc == 0);
    assert(slice_eq(text, buf_slice(&again)));
    buf_release(&delta);
    buf_release(&again);
}

// The first two bytes say where the base ends and the delta (or the other text) begins.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > TEXT_BYTES_MAX / 2)
        return 0;
    struct slice all = {(const char *)data + 2, size - 2};
    size_t cut = (size_t)data[0] | (size_t)data[1] << 8;
    cut = cut > all.len ? all.len : cut;
    struct slice base = {all.ptr, cut}, rest = {all.ptr + cut, all.len - cut};
    apply_any(base, rest);
    make_and_apply(base, rest);
    return 0;
}
