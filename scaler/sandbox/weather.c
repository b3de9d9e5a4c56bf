#include "scaler/sandbox/weather.h"

#include <fnmatch.h>

#include "scaler/sandbox/internal.h"

#define MINUTE_MS 60000

// Whole services, and the operations whose failure hurts most.
static const char *const covers[] = {"*", "ecs:*", "ec2:*", "ecs:Describe*", "ec2:Describe*", "ecs:List*", "ecs:DescribeTasks",
    "ecs:DescribeServices", "ecs:DescribeContainerInstances", "ecs:UpdateContainerInstancesState", "ec2:ModifySpotFleetRequest",
    "ec2:TerminateInstances", "ec2:CreateTags", "ec2:DeleteTags"};

static const enum sandbox_fault_kind kinds[SPELL_COUNT][2] = {
    [SPELL_CALM] = {SANDBOX_FAULT_500, SANDBOX_FAULT_TIMEOUT_AFTER},
    [SPELL_THROTTLE] = {SANDBOX_FAULT_THROTTLE, SANDBOX_FAULT_THROTTLE},
    [SPELL_ERRORS] = {SANDBOX_FAULT_500, SANDBOX_FAULT_503},
    [SPELL_LOST] = {SANDBOX_FAULT_TIMEOUT_BEFORE, SANDBOX_FAULT_TIMEOUT_AFTER},
    [SPELL_BROKEN] = {SANDBOX_FAULT_TRUNCATED, SANDBOX_FAULT_GARBAGE},
    [SPELL_LAG] = {SANDBOX_FAULT_500, SANDBOX_FAULT_503},
};

void weather_init(struct weather *w, uint64_t seed)
{
    *w = (struct weather){.operation = "*"};
    rng_init(&w->rng, seed);
}

static void change(struct weather *w, int64_t world_ms)
{
    bool calm = w->spell == SPELL_CALM && w->until_ms > 0;
    w->spell = calm ? (enum weather_spell)rng_between(&w->rng, SPELL_THROTTLE, SPELL_LAG) : SPELL_CALM;
    w->operation = w->spell == SPELL_CALM || w->spell == SPELL_LAG ? "*" : covers[rng_below(&w->rng, ARRAY_LEN(covers))];
    w->permille = w->spell == SPELL_CALM || w->spell == SPELL_LAG ? 2 : (int)rng_between(&w->rng, 100, 1000);
    w->lag_ms = w->spell == SPELL_LAG ? rng_between(&w->rng, 2000, 2 * MINUTE_MS) : 0;
    w->until_ms = world_ms + (w->spell == SPELL_CALM ? rng_between(&w->rng, 5, 25) : rng_between(&w->rng, 1, 6)) * MINUTE_MS;
}

bool weather_strikes(struct weather *w, const char *operation, int64_t world_ms, struct fault *ret)
{
    if (world_ms >= w->until_ms)
        change(w, world_ms);
    if (fnmatch(w->operation, operation, 0) != 0 || rng_below(&w->rng, 1000) >= (uint64_t)w->permille)
        return false;
    *ret = (struct fault){.kind = kinds[w->spell][rng_below(&w->rng, 2)]};
    w->served++;
    return true;
}
