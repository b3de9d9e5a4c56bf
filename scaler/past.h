// What the journal of a daemon knows of a cluster, for who looks at it once, beside the daemon or after it (masu plan --state). Only reads.
//
// As a daemon that starts with this file: its memo, what types registered with, and history, from which forecast and calendar begin. Of the
// newest tick besides: the use that its cAdvisors told, as long as the policy lets it count; and, where the daemon still looks, since when it does and what
// people switched, since that decides whether it would act.
#pragma once

#include "planner/forecast/outlook.h"
#include "scaler/calendar_look.h"
#include "scaler/gather.h"
#include "state/query.h"

// Zeroed: no journal.
struct past {
    struct state_reader *reader;   // borrowed
    int64_t cluster;               // 0: it does not know the cluster
    const struct memo *memo;       // NULL: none
    const struct snapshot *newest; // of its ticks; NULL: none that can be read
    struct calendar_keeper calendar;
    struct outlook_keeper outlook;
};

// What it knows of the cluster, as of now_ms; memory is the arena's. name: as the policy has it. What cannot be read is not known.
void past_open(struct past *p, struct state_reader *r, const char *account, const char *region, const char *name, int64_t now_ms, struct arena *a);
void past_release(struct past *p);
void past_teach(const struct past *p, struct gather *g, struct arena *a);  // before its first look
// Adds to the snapshot what it knows. Without a journal, too: entries of a calendar hold then, with nothing that is usual.
void past_tell(struct past *p, const struct policy_cluster *policy, struct arena *a, struct snapshot *s);
// What a plan of this snapshot has to do without that the policy asks for, and the remedy; NULL: nothing. path: of the journal, NULL none.
const char *past_lacks(const struct past *p, const struct policy_cluster *policy, const struct snapshot *s, const char *path, struct arena *a);
