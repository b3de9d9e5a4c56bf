// Server-sent events: which cluster has news, so that a page asks then and not every two seconds. GET /api/v1/events.
//
// An event says what changed, never what it changed to: a stream has no queue, it compares what it told last with the newest view. So
// a reader that is slow misses steps in between and nothing else, costs a fixed few KiB, and is dropped when it takes nothing for as
// long as any connection may be idle. One thread watches the view while there are streams, and sleeps while there are none.
#pragma once

#include <microhttpd.h>

#include "base/clock.h"
#include "base/err.h"
#include "scaler/view.h"

enum {
    WEB_STREAMS_MAX = 256,
    WEB_STREAM_PAUSE_MS = 500,    // between two bursts of a stream: a demo's clusters tick many times a second
    WEB_STREAM_ALIVE_MS = 10000,  // a comment where there is no news
};

struct web_events;
// The box and the clock outlive it. ERR_IO: no thread.
int web_events_start(struct view_box *box, const struct clock *clock, struct web_events **ret, struct err *err);
void web_events_close(struct web_events *e);  // ends the streams; before MHD_stop_daemon. NULL-safe
void web_events_free(struct web_events *e);   // after it. NULL-safe
// Makes this connection a stream and queues its answer; false when there are too many, nothing was queued then.
bool web_events_open(struct web_events *e, struct MHD_Connection *c, enum MHD_Result *ret);
