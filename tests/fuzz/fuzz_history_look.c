// A row of samples as a broken disk may give it back: samples within their limits, or ERR_CORRUPT; and what was read and is written again
// gives the same samples.
#include "state/history_internal.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SAMPLES_MAX = 4096 };
struct taken {
    struct look_sample v[SAMPLES_MAX];
    size_t count;
};

static void take(void *arg, const struct look_sample *x)
{
    struct taken *t = arg;
    assert(x->track >= 0);
    assert(x->value >= 0 && x->value <= HISTORY_VALUE_MAX);
    assert(t->count < SAMPLES_MAX);
    t->v[t->count++] = *x;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct taken first, again;
    struct err err = {0};
    if (size > SAMPLES_MAX)
        return 0;
    first.count = again.count = 0;
    int rc = look_read((struct slice){(const char *)data, size}, take, &first, &err);
    assert(rc == 0 || rc == ERR_CORRUPT);
    struct buf out;
    buf_init(&out, 1 << 20);
    look_write(first.v, first.count, &out);
    rc = look_read(buf_slice(&out), take, &again, &err);
    assert(rc == 0);
    assert(again.count == first.count);
    assert(memcmp(first.v, again.v, first.count * sizeof *first.v) == 0);
    buf_release(&out);
    return 0;
}
