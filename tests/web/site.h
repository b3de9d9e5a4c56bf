// A web server over the facts of tests/state/facts.h, with a journal of a few ticks, for tests that speak HTTP to it.
#pragma once

#include "base/clock.h"
#include "scaler/view.h"
#include "state/state.h"
#include "tests/state/facts.h"
#include "web/inbox.h"
#include "web/server.h"

struct site {
    struct facts facts;
    struct clock clock;
    struct state *state;
    struct view_box box;
    struct inbox inbox;
    struct web_server *server;
    int64_t acting_tick;
};

struct site_options {
    const char *listen;        // NULL: 127.0.0.1:0
    bool no_history, no_tick;  // without a journal; before the first tick
    const char *token;         // NULL: nothing may be posted
    const char *program;       // that what-ifs run, without a token too; NULL none
};

void site_start(struct site *s, const struct site_options *o);  // asserts
void site_publish(struct site *s, int64_t tick);                // another tick of the first cluster, with the same facts
void site_stop(struct site *s);
