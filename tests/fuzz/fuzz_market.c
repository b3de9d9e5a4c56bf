#include <math.h>

#include "planner/sim/market_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Whatever the bytes, a market that is accepted has a finite value at any time, and its changes come in rising order.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct market_trace t;
    struct err err;
    arena_init(&a, 256 << 20);
    if (market_trace_parse((struct slice){(const char *)data, size}, "fuzz", &a, &t, &err) == 0) {
        static const int64_t times_s[] = {0, 1, 599, 86400, 31536000, 253402300799};
        assert(t.series_count > 0);
        for (size_t s = 0; s < t.series_count; s++) {
            for (size_t i = 0; i < ARRAY_LEN(times_s); i++) {
                double x = market_trace_at(&t.series[s], times_s[i]);
                assert(isfinite(x));
                assert(x >= 0 && x <= t.series[s].most);
                assert(market_trace_next_s(&t.series[s], times_s[i]) > times_s[i]);
            }
        }
    } else {
        assert(err.msg[0]);
    }
    arena_release(&a);
    return 0;
}
