#include "scaler/execute.h"

#include "base/check.h"

static int nothing(void *arg, const struct snapshot *s, const struct action *a, struct err *err)
{
    (void)arg;
    (void)s;
    (void)a;
    (void)err;
    return 0;
}

struct executor executor_dry_run(void)
{
    return (struct executor){.dry_run = true, .recheck = nothing, .apply = nothing};
}
