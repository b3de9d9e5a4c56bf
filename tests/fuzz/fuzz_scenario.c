// Scenarios of masu simulate: whatever the bytes, what is read is within the bounds that the world relies on.
#include "base/check.h"
#include "scaler/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct err err = {0};
    struct scene s;
    const char *trace, *market;
    arena_init(&a, 64 << 20);
    scene_default(&s, 80);
    if (scenario_parse((struct slice){(const char *)data, size}, "scenario.json", &a, &s, &trace, &market, &err) == 0) {
        assert(s.service_count >= 1 && s.service_count <= SCENE_SERVICES_MAX);
        assert(s.type_count >= 1 && s.type_count <= WORLD_OVERRIDES && s.loss_count <= SCENE_LOSSES_MAX);
        assert(s.period_ms >= 10000 && s.for_ms >= 60000);
        for (size_t i = 0; i < s.service_count; i++) {
            assert(s.services[i].name && s.services[i].tasks >= 1 && s.services[i].memory_mib >= 1);
            assert(s.services[i].follow < SCENE_FOLLOW_COUNT && s.services[i].strategy_count <= WORLD_STRATEGIES);
        }
    } else {
        assert(err.kind != 0 && err.msg[0]);
    }
    arena_release(&a);
    return 0;
}
