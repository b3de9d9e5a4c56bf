#include "planner/model/snapshot.h"

struct res instance_type_capacity(const struct instance_type *t)
{
    if (!res_is_zero(t->registered))
        return t->registered;
    if (res_is_zero(t->nominal))
        return t->nominal;
    // The kernel, the agent and the reserve of the host: what a type registers is less than what it is sold with.
    struct res r = t->nominal;
    int64_t usable_mib = r.v[RES_MEMORY] * 94 / 100 - 256;
    r.v[RES_MEMORY] = usable_mib > 0 ? usable_mib : 0;
    return r;
}
