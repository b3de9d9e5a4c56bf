// What the files of state/ share. Not for other folders.
#pragma once

#include "state/bodies.h"
#include "state/db.h"
#include "state/history_day.h"
#include "state/query.h"
#include "state/state.h"

#define STATE_OPEN_TICKS_MAX 256

// A tick that was begun: its row is written with its first intent, or when it is recorded.
struct open_tick {
    int64_t id;
    struct state_tick_start start;
    char policy_hash[65], mode[16];
    bool written;
};

// When the samples of a cluster were written last: which boots are new.
struct look_before {
    int64_t cluster, at_ms;
};

struct tracks;

struct state_reader {
    struct db *db;
    struct db own;  // of state_reader_open
};

struct state {
    struct db db;
    struct state_reader reader;
    const struct clock *clock;
    char path[512];
    char temp_dir[512];  // of ":temp:", else ""
    int lock_fd;
    int64_t keep_days, keep_mib;
    int64_t run, next_tick;
    struct open_tick ticks[STATE_OPEN_TICKS_MAX];  // one a cluster
    int open_ticks;
    int records_until_prune;
    struct body_base bases[STATE_OPEN_TICKS_MAX];
    int base_count;
    struct look_before looks[STATE_OPEN_TICKS_MAX];
    int look_count;
    struct tracks *tracks;           // ids in memory, see state/tracks.c
    int64_t pruned_track;            // the history was pruned up to it
    struct history_day scratch_day;
};
