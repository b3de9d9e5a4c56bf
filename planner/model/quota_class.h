// The vCPU quotas of an account that limit how many instances of a class run at once in a region. Spot and on-demand are apart; a
// quota counts vCPUs, not instances. Source: "Amazon EC2 service quotas" and "Spot instance quotas" of the EC2 user guide, codes as
// Service Quotas lists them under `ec2`, November 2026.
#pragma once

#include <stdbool.h>

enum quota_kind {
    QUOTA_STANDARD_SPOT,       // A, C, D, H, I, M, R, T, Z
    QUOTA_STANDARD_ON_DEMAND,
    QUOTA_G_SPOT,              // G, VT
    QUOTA_CLASS_COUNT,
    QUOTA_UNKNOWN = -1,        // a class whose quota is not watched
};

struct quota_class {
    const char *code, *name;   // "L-34B43A08", "Standard Spot"
};
extern const char *const quota_class_names[QUOTA_CLASS_COUNT];  // "standard_spot", … in JSON
extern const struct quota_class quota_classes[QUOTA_CLASS_COUNT];

// Of a type's name, "m5.large"; QUOTA_UNKNOWN for families outside the table.
int quota_class_of(const char *type, bool spot);
