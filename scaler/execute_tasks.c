#include "scaler/execute_tasks.h"

#include <string.h>

#include "planner/model/wanted.h"

static bool of_daemon(const struct snapshot *s, const char *group)
{
    if (strncmp(group, "service:", 8) != 0)
        return false;
    for (size_t i = 0; i < s->service_count; i++)
        if (s->services[i].kind == SERVICE_DAEMON && strcmp(s->services[i].name, group + 8) == 0)
            return true;
    return false;
}

int tasks_check_empty(const struct ecs_tasks *now, const struct snapshot *s, const struct instance *x, struct err *err)
{
    for (size_t i = 0; i < now->count; i++) {
        const struct ecs_task *t = &now->items[i];
        if (strcmp(t->last_status, "STOPPED") != 0 && !of_daemon(s, t->group))
            return err_set(err, ERR_CONFLICT, "%s of %s is %s on %s -> not empty", t->arn, t->group, t->last_status, x->id);
    }
    return 0;
}

// Of no service none is known: those are never drained, so one that is there came since.
static int32_t known(const struct snapshot *s, const struct instance *x, const char *group)
{
    return strncmp(group, "service:", 8) == 0 ? snapshot_tasks_on(s, x, group + 8) : 0;
}

int tasks_check_known(const struct ecs_tasks *now, const struct snapshot *s, const struct instance *x, struct err *err)
{
    for (size_t i = 0; i < now->count; i++) {
        const char *group = now->items[i].group;
        int32_t n = 0, planned = known(s, x, group);
        for (size_t k = 0; k < now->count; k++)
            n += strcmp(now->items[k].group, group) == 0;
        if (n > planned && !of_daemon(s, group))
            return err_set(err, ERR_CONFLICT, "%d tasks of %s are on %s, %d when it was planned -> not drained", n, group, x->id, planned);
    }
    return 0;
}
