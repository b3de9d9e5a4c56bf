#include "planner/model/wanted.h"

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
