#include "scaler/prices.h"

#include <stddef.h>
#include <string.h>

#include "base/check.h"

// Of the size "large".
static const struct {
    const char *family;
    int64_t usd_micro;
} FAMILIES[] = {
    {"c5", 85000}, {"c5a", 77000}, {"c5ad", 86000}, {"c5d", 96000}, {"c5n", 108000}, {"c6a", 76500}, {"c6g", 68000},
    {"c6gd", 76800}, {"c6gn", 86400}, {"c6i", 85000}, {"c6id", 100800}, {"c6in", 113400}, {"c7a", 102640}, {"c7g", 72500},
    {"c7gd", 90700}, {"c7i", 89250}, {"c8g", 79760}, {"m5", 96000}, {"m5a", 86000}, {"m5ad", 103000}, {"m5d", 113000},
    {"m5n", 119000}, {"m5zn", 165200}, {"m6a", 86400}, {"m6g", 77000}, {"m6gd", 90400}, {"m6i", 96000}, {"m6id", 118650},
    {"m7a", 115920}, {"m7g", 81600}, {"m7gd", 106800}, {"m7i", 100800}, {"m8g", 89760}, {"r5", 126000}, {"r5a", 113000},
    {"r5ad", 131000}, {"r5b", 149000}, {"r5d", 144000}, {"r5n", 149000}, {"r6a", 113400}, {"r6g", 100800}, {"r6gd", 115200},
    {"r6i", 126000}, {"r6id", 151200}, {"r7a", 152150}, {"r7g", 107100}, {"r7gd", 136100}, {"r7i", 132300}, {"r8g", 117820},
};

// In sizes "large".
static const struct {
    const char *size;
    int64_t times;
} SIZES[] = {
    {"large", 1}, {"xlarge", 2}, {"2xlarge", 4}, {"4xlarge", 8}, {"8xlarge", 16}, {"9xlarge", 18}, {"12xlarge", 24}, {"16xlarge", 32},
    {"18xlarge", 36}, {"24xlarge", 48}, {"32xlarge", 64}, {"48xlarge", 96},
};

int64_t prices_on_demand(const char *type)
{
    const char *dot = strchr(type, '.');
    for (size_t f = 0; dot && f < ARRAY_LEN(FAMILIES); f++) {
        if (strlen(FAMILIES[f].family) != (size_t)(dot - type) || strncmp(FAMILIES[f].family, type, (size_t)(dot - type)) != 0)
            continue;
        for (size_t s = 0; s < ARRAY_LEN(SIZES); s++)
            if (strcmp(SIZES[s].size, dot + 1) == 0)
                return FAMILIES[f].usd_micro * SIZES[s].times;
    }
    return 0;
}
