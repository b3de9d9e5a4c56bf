// Answers of Prometheus: whatever the bytes and the status (the first byte chooses it), they are read whole or it is said why not.
#include "base/check.h"
#include "scaler/metrics/prometheus_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 200, 200, 400, 401, 422, 429, 503};
    struct arena a;
    struct err err = {0};
    struct prometheus_answer answer;
    if (size == 0)
        return 0;
    arena_init(&a, 0);
    int rc = prometheus_decode((struct slice){(const char *)data + 1, size - 1}, statuses[data[0] % ARRAY_LEN(statuses)], &a, &answer, &err);
    if (rc == 0) {
        size_t points = 0;
        for (size_t i = 0; i < answer.series_count; i++) {
            points += answer.series[i].point_count;
            for (size_t k = 0; k < answer.series[i].point_count; k++)
                assert(answer.series[i].points[k].at_ms >= 0);
            for (size_t k = 0; k < answer.series[i].label_count; k++)
                assert(answer.series[i].labels[k].name && answer.series[i].labels[k].value);
        }
        assert(points == answer.point_count);
        assert(answer.warning);
    } else {
        assert(err.kind == (enum err_kind)rc && err.msg[0]);
    }
    arena_release(&a);
    return 0;
}
