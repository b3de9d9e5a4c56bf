// What may be done at all in this tick: the strictest of the policy's mode, what people and the shell allow (snapshot.control), a
// wrong clock, and, for one fleet, its tag masu:mode. The table of deeds is the whole of it:
//
//              raise  replace  notice  undo  drain  remove
//   act         yes     yes      yes    yes   yes    yes
//   add-only    yes     yes      yes    yes   no     no
//   pause       no      yes      yes    yes   no     no     drains of ours that are not empty are undone at once
//   freeze      no      no       no     no    no     no     a notice is only told
//
// Observe plans as if it might and sends nothing. Lowering that ends nothing goes with raising. Leaving pause or freeze holds new
// drains as a start does (L1). A word that is not understood is a pause.
#pragma once

#include "planner/work.h"

enum deed {
    DEED_RAISE,    // any target
    DEED_REPLACE,  // a target by the doomed weight; back once it is replaced
    DEED_NOTICE,   // drain an interrupted instance
    DEED_UNDO,
    DEED_DRAIN,    // begin one
    DEED_REMOVE,   // lower, end, reap, deregister
    DEED_COUNT
};

// Finds the modes of the cluster and of each fleet, remembers since when, and names the cluster's in the plan.
void modes_init(struct work *w);
// `fleet` -1: as the cluster's mode allows.
bool modes_may(const struct work *w, int fleet, enum deed d);
enum plan_mode modes_of(const struct work *w, int fleet);
// "mode pause by POST /api/v1/pause since …: incident 4711"; NULL in act.
const char *modes_why(const struct work *w, int fleet);
// Why no new drain begins in the fleet (-1: in the cluster), for its mode or since it was left; NULL when they may.
const char *modes_hold(struct work *w, int fleet);
const char *plan_mode_name(enum plan_mode m);
#define MODES_CLOCK_NOISE_MS 5000  // G6: a difference is told from here on

// Now by AWS's clock: what AWS tells of launches and notices is as old as this says, whatever our clock is off by (safety.md G6). Less
// than the noise is none: it is measured to the second only.
static inline int64_t modes_aws_now_ms(const struct work *w)
{
    int64_t off_ms = w->s->clock_off_ms;
    return w->s->now_ms - (off_ms < -MODES_CLOCK_NOISE_MS || off_ms > MODES_CLOCK_NOISE_MS ? off_ms : 0);
}
// Tells of each mode that is not act. After the guard.
void modes_alert(struct work *w);
