#include "planner/model/quota_class.h"

#include <string.h>

const char *const quota_class_names[QUOTA_CLASS_COUNT] = {
    [QUOTA_STANDARD_SPOT] = "standard_spot",
    [QUOTA_STANDARD_ON_DEMAND] = "standard_on_demand",
    [QUOTA_G_SPOT] = "g_spot",
};
const struct quota_class quota_classes[QUOTA_CLASS_COUNT] = {
    [QUOTA_STANDARD_SPOT] = {"L-34B43A08", "Standard Spot"},
    [QUOTA_STANDARD_ON_DEMAND] = {"L-1216C47A", "Standard On-Demand"},
    [QUOTA_G_SPOT] = {"L-3819A6DF", "G and VT Spot"},
};

int quota_class_of(const char *type, bool spot)
{
    static const struct {
        const char *family;  // letters before the generation
        int spot, on_demand;
    } others[] = {
        {"g", QUOTA_G_SPOT, QUOTA_UNKNOWN}, {"gr", QUOTA_G_SPOT, QUOTA_UNKNOWN}, {"vt", QUOTA_G_SPOT, QUOTA_UNKNOWN},
        {"p", QUOTA_UNKNOWN, QUOTA_UNKNOWN}, {"f", QUOTA_UNKNOWN, QUOTA_UNKNOWN}, {"inf", QUOTA_UNKNOWN, QUOTA_UNKNOWN},
        {"trn", QUOTA_UNKNOWN, QUOTA_UNKNOWN}, {"dl", QUOTA_UNKNOWN, QUOTA_UNKNOWN}, {"x", QUOTA_UNKNOWN, QUOTA_UNKNOWN},
        {"u", QUOTA_UNKNOWN, QUOTA_UNKNOWN}, {"hpc", QUOTA_UNKNOWN, QUOTA_UNKNOWN}, {"mac", QUOTA_UNKNOWN, QUOTA_UNKNOWN},
    };
    size_t letters = strcspn(type, "0123456789-.");
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        if (strlen(others[k].family) == letters && strncmp(others[k].family, type, letters) == 0)
            return spot ? others[k].spot : others[k].on_demand;
    if (letters == 0 || !strchr("acdhimrtz", type[0]))
        return QUOTA_UNKNOWN;
    return spot ? QUOTA_STANDARD_SPOT : QUOTA_STANDARD_ON_DEMAND;
}
