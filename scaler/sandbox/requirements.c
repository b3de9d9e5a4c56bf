#include "scaler/sandbox/requirements.h"

#include "scaler/sandbox/write.h"

struct names {
    const char *item, *whole, *vcpus, *memory, *min, *max, *allowed, *excluded, *burstable;
};

static const struct names all[] = {
    [REQUIREMENTS_OF_EC2] = {"item", "instanceRequirements", "vCpuCount", "memoryMiB", "min", "max", "allowedInstanceTypeSet",
                             "excludedInstanceTypeSet", "burstablePerformance"},
    [REQUIREMENTS_OF_GROUP] = {"member", "InstanceRequirements", "VCpuCount", "MemoryMiB", "Min", "Max", "AllowedInstanceTypes",
                               "ExcludedInstanceTypes", "BurstablePerformance"},
};

static void write_range(struct buf *o, const struct names *n, const char *element, int32_t min, int32_t max)
{
    xo_open(o, element);
    xo_int(o, n->min, min);
    if (max > 0)
        xo_int(o, n->max, max);
    xo_close(o, element);
}

static void write_patterns(struct buf *o, const struct names *n, const char *element, const char (*patterns)[24], int count)
{
    if (count == 0)
        return;
    xo_open(o, element);
    for (int i = 0; i < count; i++)
        xo_text(o, n->item, patterns[i]);
    xo_close(o, element);
}

void requirements_write(struct buf *o, enum requirements_names names, const struct world_requirements *r)
{
    const struct names *n = &all[names];
    xo_open(o, n->item);
    xo_open(o, n->whole);
    write_range(o, n, n->vcpus, r->vcpus_min, r->vcpus_max);
    write_range(o, n, n->memory, r->memory_mib_min, r->memory_mib_max);
    write_patterns(o, n, n->allowed, r->allowed, r->allowed_count);
    write_patterns(o, n, n->excluded, r->excluded, r->excluded_count);
    if (r->burstable)
        xo_text(o, n->burstable, "included");
    xo_close(o, n->whole);
    xo_close(o, n->item);
}
