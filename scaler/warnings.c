#include "scaler/warnings.h"

#include "base/check.h"
#include "scaler/gather_notices.h"

enum { RESTORE_MAX_BYTES = 16 << 20 };

// FNV-1a; 0 is what no set has.
static uint64_t mixed(uint64_t h, const void *p, size_t n)
{
    for (const unsigned char *at = p; n-- > 0; at++)
        h = (h ^ *at) * 1099511628211u;
    return h ? h : 1;
}

int warnings_save(struct state *s, int64_t cluster, const struct snapshot *now, uint64_t *mark, struct err *err)
{
    struct arena a;
    size_t count = 0, cap = 0;
    struct state_warning *v = NULL;
    uint64_t sum = 14695981039346656037u;
    int rc = 0;
    arena_init(&a, RESTORE_MAX_BYTES);
    for (size_t i = 0; i < now->instance_count && count < STATE_WARNINGS_MAX; i++) {
        const struct instance *x = &now->instances[i];
        if (x->rebalance_ms == 0)
            continue;
        v = arena_grow(&a, v, count, &cap, sizeof *v);
        v[count++] = (struct state_warning){x->id, x->rebalance_ms, x->event_ms};
        sum = mixed(mixed(sum, x->id, strlen(x->id) + 1), &x->event_ms, sizeof x->event_ms);
    }
    if (sum != *mark && (count > 0 || *mark != 0))
        rc = state_warnings_save(s, cluster, v, count, err);
    if (rc == 0)
        *mark = sum;
    arena_release(&a);
    return rc;
}

void warnings_restore(struct state *s, int64_t cluster, struct region *r, int64_t now_ms)
{
    struct arena a;
    struct err err = {0};
    struct state_warning *v = NULL;
    size_t count = 0;
    arena_init(&a, RESTORE_MAX_BYTES);
    if (state_warnings_load(s, cluster, &a, &v, &count, &err) != 0)
        count = 0;
    for (size_t i = 0; i < count; i++)
        if (v[i].risk_ms > 0 && v[i].risk_ms <= now_ms)
            region_notice_add(r, v[i].instance, &(struct notice_fact){.at_ms = v[i].risk_ms, .heard_ms = v[i].risk_ms, .event_ms = v[i].event_ms, .risk = true});
    arena_release(&a);
}
