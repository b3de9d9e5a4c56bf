// What was asked of the sandbox, for summaries and tests.
#include "scaler/sandbox/internal.h"

#include <string.h>

static int count_order(const void *a, const void *b)
{
    return strcmp(((const struct sandbox_call_count *)a)->operation, ((const struct sandbox_call_count *)b)->operation);
}

size_t sandbox_calls(struct sandbox *s, struct sandbox_call_count *ret, size_t max)
{
    struct sandbox_call_count all[AWS_SERVICE_COUNT * OPS_MAX];
    size_t n = 0;
    sandbox_lock(s);
    for (int service = 0; service < AWS_SERVICE_COUNT; service++) {
        size_t ops_n = 0;
        const struct op *ops = ops_of((enum service_kind_aws)service, &ops_n);
        for (size_t i = 0; i < ops_n; i++) {
            const struct op_count *c = &s->counts[service][i];
            if (c->calls > 0)
                all[n++] = (struct sandbox_call_count){ops[i].name, c->calls, c->throttled, c->errors};
        }
    }
    sandbox_unlock(s);
    qsort(all, n, sizeof *all, count_order);
    if (n > max)
        n = max;
    if (n > 0)
        memcpy(ret, all, n * sizeof *all);
    return n;
}

size_t sandbox_changes(struct sandbox *s, struct sandbox_change *ret, size_t max)
{
    sandbox_lock(s);
    uint64_t kept = s->change_count < CHANGES_MAX ? s->change_count : CHANGES_MAX;
    uint64_t wanted = kept < max ? kept : max, first = s->change_count - wanted;
    for (uint64_t i = 0; i < wanted; i++)
        ret[i] = s->changes[(first + i) % CHANGES_MAX];
    sandbox_unlock(s);
    return (size_t)wanted;
}
