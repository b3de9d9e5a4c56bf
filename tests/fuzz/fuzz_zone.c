// A zone file's bytes: what is taken must answer for any time, and a local time and back may differ by no more than a change.
#include "base/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 0);
    const struct zone *z = NULL;
    if (zone_parse((struct slice){(const char *)data, size}, &a, &z, NULL) == 0)
        for (int64_t t = -4000000000; t < 8000000000; t += 40000003) {
            int32_t offset_s = zone_offset_s(z, t);
            assert(offset_s >= -26 * 3600);
            assert(offset_s <= 26 * 3600);
            int64_t back = zone_unix_s(z, t + offset_s);
            assert(back - t <= 52 * 3600);
            assert(t - back <= 52 * 3600);
        }
    arena_release(&a);
    return 0;
}
