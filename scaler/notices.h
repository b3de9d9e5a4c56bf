// What events and the poll of spot requests mean for the clusters: who is told of what, and which notice waits for its answer.
//
// A notice makes its cluster plan at once, by its last look (cell_answer_notice), also between two waits of a slow look. Other events
// only make a cluster's next look come sooner. What is stale, of an earlier life of the id, or of nobody we know changes nothing.
#pragma once

#include "scaler/cell.h"
#include "scaler/events.h"

enum { NOTICES_NESTED_MAX = AWS_LANE_NOTICE_LAST - AWS_LANE_NOTICE };

struct notices {
    struct cell *cells;               // borrowed, as all
    size_t cell_count;
    const struct clock *clock;
    const struct logger *log;         // NULL: silent
    struct events *events;            // NULL: none
    void *arg;
    void (*hurry)(void *arg, struct cell *c);  // its next look is wanted soon
    int answering;                    // answers under way: while one waits for AWS, the others' are not kept waiting
    bool dry_run;
};

enum events_verdict notices_hear(void *notices, struct events_heard *h);       // of struct events_options
bool notices_may_receive(void *notices, struct region *r);                    // of struct events_options
// Asks each region's spot requests when it is time, and takes what was answered.
void notices_poll(struct notices *n, struct region *const *regions, size_t count);
// Answers all notices that wait and can be: not of clusters that execute right now, whose plan is broken off instead. True: some were.
bool notices_answer(struct notices *n);
// A tick or an answer is over: what of it waits to be drained is looked at again in time.
void notices_ticked(struct cell *c, const struct tick_frame *f, int64_t now_ms);
int64_t notices_due_ms(const struct notices *n);  // when notices_answer has something to do by time alone; INT64_MAX never
