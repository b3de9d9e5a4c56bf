#include "scaler/ears.h"

#include "base/check.h"
#include "scaler/gather_notices.h"

// In the region that the policy or the queue's URL names; without either, where the first cluster is.
static struct region *region_of(void *arg, const struct policy_queue *q)
{
    const struct ears *e = arg;
    char named[64];
    const char *name = policy_queue_region(q, named);
    for (size_t i = 0; i < *e->o.region_count; i++) {
        struct region *r = e->o.regions[i];
        bool account = q->account[0] == '\0' || strcmp(q->account, aws_account(region_aws(r))) == 0;
        if (account && (name[0] == '\0' || strcmp(name, region_name(r)) == 0))
            return r;
    }
    if (e->o.log)
        log_event(e->o.log, LOG_WARN, "events", "a queue of a region without clusters -> not read", LOG_S("queue", q->url), LOG_S("region", name));
    return NULL;
}

static void between_waits(void *arg)
{
    ears_turn(arg);
}

void ears_init(struct ears *e, const struct ears_options *o)
{
    *e = (struct ears){.o = *o};
    e->notices = (struct notices){.cells = o->cells, .cell_count = o->cell_count, .clock = o->clock, .log = o->log, .arg = o->arg,
                                  .hurry = o->hurry, .dry_run = o->dry_run};
    e->events = e->notices.events = events_new(&(struct events_options){.clients = o->clients, .clock = o->clock, .log = o->log, .arg = &e->notices,
                                                                       .hear = notices_hear, .may_receive = notices_may_receive,
                                                                       .region_arg = e, .region_of = region_of});
    aws_on_wait(o->clients, between_waits, e);
}

void ears_release(struct ears *e)
{
    if (e == NULL || e->events == NULL)
        return;
    aws_on_wait(e->o.clients, NULL, NULL);
    events_free(e->events);
    e->events = NULL;
}

void ears_policy(struct ears *e, const struct policy *p)
{
    events_policy(e->events, p);
}

void ears_turn(struct ears *e)
{
    if (!e->open || e->notices.answering > NOTICES_NESTED_MAX)
        return;
    events_turn(e->events);
    for (size_t i = 0; i < e->o.cell_count; i++)
        usage_turn(e->o.cells[i].usage, e->o.cells[i].policy);
    notices_poll(&e->notices, e->o.regions, *e->o.region_count);
    if (notices_answer(&e->notices))
        events_turn(e->events);
}

int64_t ears_due_ms(const struct ears *e)
{
    int64_t due_ms = events_due_ms(e->events), answer_ms = notices_due_ms(&e->notices);
    due_ms = answer_ms < due_ms ? answer_ms : due_ms;
    for (size_t i = 0; e->open && i < *e->o.region_count; i++) {
        int64_t poll_ms = region_account(e->o.regions[i])[0] ? region_notices_due_ms(e->o.regions[i]) : INT64_MAX;
        due_ms = poll_ms < due_ms ? poll_ms : due_ms;
    }
    for (size_t i = 0; e->open && i < e->o.cell_count; i++) {
        int64_t ask_ms = usage_due_ms(e->o.cells[i].usage, e->o.cells[i].policy);
        due_ms = ask_ms < due_ms ? ask_ms : due_ms;
    }
    return due_ms;
}

void ears_ticked(struct ears *e, struct cell *c)
{
    if (c->frame && c->frame->has_plan && !c->noticed)
        notices_ticked(c, c->frame, clock_wall_ms(e->o.clock));
    if (c->frame && c->frame->has_plan && !c->tick.journal_broken && !c->noticed)
        events_answered(e->events, c->index, c->frame->begun_ms);
}
