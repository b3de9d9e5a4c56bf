// What a cell knows of its cluster beside the look: what an hour cost at most, what the forecast asks for, what tasks use.
#include "scaler/cell.h"
#include "scaler/outlook_past.h"

static struct state_reader *past_of(const struct cell *c)
{
    return c->shared->state ? state_reader_of(c->shared->state) : NULL;
}

// L15: what an hour may cost is measured by what the dearest one of two weeks did.
static void read_dearest(struct cell *c, int64_t now_ms)
{
    enum { HOUR_MS = 3600000, DAYS = 14 };
    struct err err;
    struct state_reader *past = past_of(c);
    if (past == NULL || c->state_id == 0 || (c->dearest_read_ms > 0 && now_ms - c->dearest_read_ms < HOUR_MS))
        return;
    c->dearest_read_ms = now_ms;
    int64_t from_ms = now_ms - (int64_t)DAYS * 24 * HOUR_MS;
    if (state_query_highest_hour(past, c->state_id, SERIES_COST_USD_MICRO_PER_HOUR, from_ms, now_ms, &c->dearest_usd_micro, &err) != 0)
        c->dearest_usd_micro = 0;  // unknown: the policy's max at on-demand price is the limit
}

void cell_add_facts(struct cell *c, struct arena *a, struct snapshot *s)
{
    read_dearest(c, s->now_ms);
    s->dearest_usd_micro = c->dearest_usd_micro;
    if (c->policy->usage.cadvisor_port > 0) {
        struct gather_host *hosts;
        size_t count = gather_hosts(c->gather, a, &hosts);
        usage_hosts(c->usage, hosts, count);
    }
    requests_turn(c->requests, c->policy, s, c->shared->state, c->state_id);
    requests_tell(c->requests, c->policy, a, s);
    usage_tell(c->usage, c->policy, a, s);  // before what learns from the snapshot: not while circuit breakers are open
    calendar_look(&c->calendar, c->policy, c->shared->policy_hash ? c->shared->policy_hash : "", past_of(c), c->state_id, a, s);
    c->outlook.clock = c->calendar.clock;
    outlook_look(&c->outlook, c->policy, past_of(c), c->state_id, s);
}
