#include "planner/model/shape.h"

#include <string.h>

static const uint32_t reserved[] = {2 * 22, 2 * 2375, 2 * 2376, 2 * 51678, 2 * 51679, 2 * 51680};
const struct port_set port_set_reserved = {reserved, sizeof reserved / sizeof *reserved};

const struct attribute *attribute_find(const struct attribute_set *s, const char *name)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(s->v[mid].name, name);
        if (order == 0)
            return &s->v[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

bool port_sets_meet(struct port_set a, struct port_set b)
{
    for (size_t i = 0, k = 0; i < a.count && k < b.count;) {
        if (a.v[i] == b.v[k])
            return true;
        if (a.v[i] < b.v[k])
            i++;
        else
            k++;
    }
    return false;
}
