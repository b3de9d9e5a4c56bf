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
