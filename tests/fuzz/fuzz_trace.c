#include <math.h>

#include "planner/sim/workload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Whatever the bytes, a trace that is accepted gives finite numbers of tasks within the cap at any time.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct workload_trace t;
    struct err err;
    arena_init(&a, 256 << 20);
    if (workload_trace_parse((struct slice){(const char *)data, size}, "fuzz", &a, &t, &err) == 0) {
        static const int64_t times_ms[] = {0, 1, 59999, 3600000, 86400000, 31536000000, 253402300799000};
        for (size_t i = 0; i < ARRAY_LEN(times_ms); i++) {
            double x = workload_trace_at(&t, times_ms[i], 100);
            assert(isfinite(x));
            assert(x >= 0);
            assert(x <= 2000);
        }
    } else {
        assert(err.msg[0]);
    }
    // As a plain series: rising times, and a value or a gap at each.
    if (workload_series_parse((struct slice){(const char *)data, size}, "fuzz", &a, &t, &err) == 0)
        for (size_t i = 0; i < t.count; i++) {
            assert(i == 0 || t.at_s[i] > t.at_s[i - 1]);
            assert(isnan(t.value[i]) || (t.value[i] >= 0 && t.step_s > 0));
        }
    arena_release(&a);
    return 0;
}
