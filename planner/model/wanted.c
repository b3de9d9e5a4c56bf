#include "planner/model/wanted.h"

#include <string.h>

struct res snapshot_wanted(const struct snapshot *s)
{
    struct res sum = {0};
    for (size_t k = 0; k < s->service_count; k++) {
        const struct service *x = &s->services[k];
        int shape = x->primary >= 0 ? x->deployments[x->primary].shape : -1;
        if (x->on_ec2 && x->kind == SERVICE_REPLICA && shape >= 0)
            sum = res_add(sum, res_scale(s->shapes[shape].need, x->desired));
    }
    return sum;
}

int32_t snapshot_tasks_on(const struct snapshot *s, const struct instance *x, const char *service)
{
    int32_t n = 0;
    for (size_t h = 0; h < x->holding_count; h++)
        if (x->holdings[h].service >= 0 && strcmp(s->services[x->holdings[h].service].name, service) == 0)
            n += x->holdings[h].running + x->holdings[h].pending;
    return n;
}
