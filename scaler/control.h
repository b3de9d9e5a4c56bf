// What people allow in a cluster now, beside the policy's mode: the strictest of switches, the fleets' tag masu:mode and the
// policy's freeze windows (safety.md section 4). Pure, but for zones_get, which reads a zone's file once.
#pragma once

#include "base/arena.h"
#include "base/zone.h"
#include "planner/model/snapshot.h"
#include "policies/policy.h"

enum { ZONES_MAX = 64 };
struct zones {
    struct arena arena;
    const char *names[ZONES_MAX];
    const struct zone *zones[ZONES_MAX];
    size_t count;
};
void zones_init(struct zones *z);
void zones_release(struct zones *z);
const struct zone *zones_get(struct zones *z, const char *name);  // NULL: cannot be read

// *c becomes the stricter of the two; of equals it stays.
void control_join(struct control *c, const struct control *other);

// A tag's value: "pause", "freeze", "add-only", and the reason after it; "" and "run" hold nothing. Another word is a pause: somebody
// wanted something. *ret_why is the rest.
enum control_mode control_of_tag(const char *value, const char **ret_why);
// The strictest of the fleets' tags; who and why in `a`, since_ms 0. CONTROL_RUN where none holds.
struct control control_of_fleets(const struct snapshot *s, struct arena *a);

// The same with each fleet's tag cut to the mode it means, "" for none, as the planner reads it.
struct control control_take_tags(struct snapshot *s, struct arena *a);

// Does the window hold at now_ms, and from when to when? A local time that a change of the clock leaves out moves forward; one that
// comes twice is its first. z NULL: the whole time.
bool window_span(const struct policy_window *w, const struct zone *z, int64_t now_ms, int64_t *ret_from_ms, int64_t *ret_to_ms);
int32_t minute_of_week(const struct zone *z, int64_t now_ms);  // local, from Monday 00:00
// The strictest of the windows that hold. A window whose zone cannot be read holds.
struct control control_of_freeze(const struct policy_cluster *p, struct zones *z, int64_t now_ms, struct arena *a);
