// Who is connected: at most so many guests with so many bytes of answers, and where one more comes, the one that took longest goes.
//
// A flood of connections, a header sent a byte at a time, and an answer taken a byte at a time all hold a place for long; a reader who
// means it needs one for milliseconds. So no address is limited (a proxy is one address), nobody is refused at the door, and what a
// slow guest holds is bounded by what others need. Of waiting guests (nothing asked yet, or nothing since the last answer) and of
// served ones the class that is too large gives: half-sent requests never push out an answer on its way. Streams of events have a
// limit of their own (web/events.h) and are left alone.
//
// A guest that goes is cut off (shutdown), and MHD's thread then closes it; the guest is in the house until guests_leave. Calls come
// from all of MHD's threads. Nothing here calls MHD with its lock held.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest;
struct guests;

struct guests_counts {
    size_t waiting, served, streams, leaving;
    size_t answer_bytes;  // being sent, those of leaving guests too
    uint64_t sent_off;    // since the start
};

struct guests *guests_new(size_t max, size_t answer_bytes_max);  // asserts memory
void guests_free(struct guests *g);                              // all have left; NULL-safe
// A guest on this socket; it waits. The socket stays open until guests_leave.
struct guest *guests_join(struct guests *g, int fd);
void guests_leave(struct guest *m);                              // NULL-safe
// Its request is whole; an answer of so many bytes is about to be sent, 0 as long as it is being made, which it holds until
// guest_waits. False: others hold too much that is not freed yet; nothing is counted then. NULL-safe: true.
bool guest_is_served(struct guest *m, size_t bytes);
void guest_waits(struct guest *m);                               // its answer is sent and freed. NULL-safe
void guest_listens(struct guest *m);                             // it is a stream of events from here on. NULL-safe
struct guests_counts guests_count(struct guests *g);             // NULL: nobody
