// The bodies of the journal: all that a plan was made of and what it became, for every tick (private to state/).
//
// A body is one text of four lines of compact JSON, empty where there is none: snapshot, memo before, plan, memo after. It is stored
// whole at a start and hourly, and else as its difference from the body of the tick before (state/delta.h). A chain of differences so begins with a whole one; nothing between the two is ever removed alone
// (state/prune.c).
#pragma once

#include "base/buf.h"
#include "state/db.h"

enum body_part { BODY_SNAPSHOT, BODY_MEMO_BEFORE, BODY_PLAN, BODY_MEMO, BODY_PARTS };

struct state;
struct open_tick;
struct state_tick_end;

// What the next difference of a cluster is made from: the text of its newest body.
struct body_base {
    int64_t cluster, tick, whole_ms;  // whole_ms: time of the whole body that the chain began with
    struct buf text, next;
};

// In the transaction of the record. Nothing is stored for a tick without a snapshot.
int body_write(struct state *s, const struct open_tick *o, const struct state_tick_end *t, struct err *err);
// After it: the text that was written becomes the base, or the base is given up, so that the next body is whole.
void body_settle(struct state *s, int64_t cluster, bool committed);
void body_forget_all(struct state *s);

// Where a reader stands in a chain: the text of one tick's body.
struct body_cursor {
    struct db *db;
    int64_t cluster, tick;  // tick 0: nowhere
    struct buf text, spare;
};
void body_cursor_init(struct body_cursor *c, struct db *db, int64_t cluster);
void body_cursor_release(struct body_cursor *c);
// Goes to the body of a tick; cheap when it follows the last. ERR_NOT_FOUND: the tick has none. ERR_CORRUPT: its chain is broken.
int body_cursor_go(struct body_cursor *c, int64_t tick, struct err *err);
// The lines of the present text, borrowed until the cursor moves. ERR_CORRUPT.
int body_cursor_parts(const struct body_cursor *c, struct slice ret[BODY_PARTS], struct err *err);
