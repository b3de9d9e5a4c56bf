// A packed day of history as a broken disk may give it back: it reads into buckets that hold together, or is ERR_CORRUPT; and what was
// read and is written again reads as the same.
#include "state/history_day.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_sound(const struct history_day *d)
{
    for (int i = 0; i < history_day_slots(d->resolution); i++) {
        const struct history_bucket *b = &d->bucket[i];
        assert(b->count >= 0 && b->count <= HISTORY_BUCKET_SAMPLES_MAX);
        assert(b->min >= 0 && b->min <= b->max && b->max <= HISTORY_VALUE_MAX);
        assert(b->sum >= b->count * b->min && b->sum <= b->count * b->max);
    }
}

static void read_as(struct slice bytes, enum history_resolution r)
{
    static struct history_day day, again;
    struct err err = {0};
    int rc = history_day_read(bytes, r, &day, &err);
    assert(rc == 0 || rc == ERR_CORRUPT);
    if (rc != 0)
        return;
    expect_sound(&day);
    struct buf out;
    buf_init(&out, HISTORY_DAY_BYTES_MAX);
    history_day_write(&day, &out);
    assert(!buf_failed(&out));
    rc = history_day_read(buf_slice(&out), r, &again, NULL);
    assert(rc == 0);
    assert(memcmp(day.bucket, again.bucket, (size_t)history_day_slots(r) * sizeof *day.bucket) == 0);
    if (r == HISTORY_HOUR)
        assert(memcmp(&day.sketch, &again.sketch, sizeof day.sketch) == 0);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int r = 0; r < HISTORY_RESOLUTION_COUNT; r++)
        read_as((struct slice){(const char *)data, size}, (enum history_resolution)r);
    return 0;
}
