// Splits of a series, as masu forecast reads them: whatever the bytes, each split lies within the series.
#include "base/check.h"
#include "scaler/forecast_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct err err = {0};
    struct forecast_split *split;
    size_t count;
    const struct forecast_series s = {.name = "wave", .count = 1000, .step_s = 300};
    arena_init(&a, 64 << 20);
    if (forecast_splits_parse((struct slice){(const char *)data, size}, "splits.csv", &s, &a, &split, &count, &err) == 0) {
        assert(count > 0);
        for (size_t i = 0; i < count; i++)
            assert(split[i].first < split[i].origin && split[i].origin <= s.count && split[i].k >= 0);
    } else {
        assert(err.kind != 0 && err.msg[0]);
    }
    arena_release(&a);
    return 0;
}
