// The ears of the loop: the queues of events, the poll of spot requests, the measured use, and the notices that wait for an answer, as one thing that
// the loop gives a turn to between its waits; the client gives it one between the waits of a look.
#pragma once

#include "scaler/notices.h"

struct ears_options {
    struct aws_clients *clients;     // all borrowed
    const struct clock *clock;
    const struct logger *log;
    struct cell *cells;
    size_t cell_count;
    struct region *const *regions;   // *region_count of them, which may grow
    const size_t *region_count;
    bool dry_run;                    // polls, receives nothing
    void *arg;
    void (*hurry)(void *arg, struct cell *c);
};

struct ears {
    struct ears_options o;
    struct events *events;
    struct notices notices;
    bool open;                       // false: as if deaf, before the loop runs
};

void ears_init(struct ears *e, const struct ears_options *o);
void ears_release(struct ears *e);               // NULL-safe, zeroed is fine; before the regions go
void ears_policy(struct ears *e, const struct policy *p);
void ears_turn(struct ears *e);
int64_t ears_due_ms(const struct ears *e);       // world time of the next turn that has something to do of itself
void ears_ticked(struct ears *e, struct cell *c);  // a tick of the cluster's own look is over
