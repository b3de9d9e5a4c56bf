#include "scaler/view_outlook.h"

static const struct {
    const char *name;
    int steps;
} leads[OUTLOOK_LEADS] = {{"5m", 1}, {"15m", 3}, {"1h", 12}, {"6h", 72}, {"24h", 288}};

const char *outlook_of_name(enum outlook_of of)
{
    static const char *const names[OUTLOOK_OF_COUNT] = {"need_cpu_units", "need_memory_mib"};
    return names[of];
}

const char *outlook_lead_name(int lead)
{
    return leads[lead].name;
}

int outlook_lead_steps(int lead)
{
    return leads[lead].steps;
}

int64_t outlook_step_at(const struct view_outlook *o, int64_t now_ms)
{
    int64_t step = o->made_ms > 0 ? (now_ms - o->made_ms) / OUTLOOK_STEP_MS : OUTLOOK_STEPS;
    return step < 0 ? 0 : step > OUTLOOK_STEPS ? OUTLOOK_STEPS : step;
}

int64_t outlook_enough_until(const struct view_outlook *o, int64_t now_ms, const int64_t capacity[OUTLOOK_OF_COUNT])
{
    for (int64_t k = outlook_step_at(o, now_ms); k < OUTLOOK_STEPS; k++)
        for (int of = 0; of < OUTLOOK_OF_COUNT; of++)
            if (o->of[of].known && o->of[of].q90[k] > capacity[of]) {
                int64_t at_ms = o->made_ms + k * OUTLOOK_STEP_MS;
                return at_ms > now_ms ? at_ms : now_ms;
            }
    return 0;
}
