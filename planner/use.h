// The second proof of scale-in: by measured use, beside what is reserved, and with what forecast and calendar keep.
//
// Where the policy names a source of use, a task is as large as the larger of what it reserves and what it uses (the 95th percentile of an
// hour) over the policy's ceiling, and what goes is proven on that too: so hosts that are full by use, or with tasks that reserve little, are
// not emptied onto others. What forecast and calendar want kept stays free in that proof, with or without a source of use. It only ever holds: which instances are chosen, and in what order, is decided without it (V12), and no order comes
// of it, since ECS places by what is reserved. While the use is not known everything is held, unless the policy has reservations count in its
// place (V11).
//
// While circuit breakers between services are open, as the policy's overflow_query tells, callers ask for less than they want: tasks that are
// wanted less then are no room to be given up, and nothing is drained, whatever on_unknown says. Nor is it while that is not known (G7).
#pragma once

#include "planner/placement.h"
#include "planner/work.h"

bool use_counts(const struct work *w);           // the policy names a source
// Why nothing may be drained: circuit breakers are open, or that or the use is not known. NULL: none is, and it is known or does not count.
const char *use_hold(struct work *w);
// Which of these may go, all of them together, the first ones first; their planned_drain stays as it is. By what is used while ahead.off of the work is set,
// else beside what is foreseen, of those that go by use. ret: by instance why not, NULL where it may.
void use_prove(struct work *w, const int *instances, size_t count, const char **ret);
// Verdicts of the cluster, and alerts where something has not been known for long or circuit breakers are open.
void use_explain(struct work *w);

// The cluster with tasks as large as by use, until the end of the view: shapes, room and passes of the work. Between the two nothing else changes.
struct use_view {
    bool on;
    const struct snapshot *snapshot;
    struct shape_facts *facts;
    struct res *rooms;
};
// The pass to go by: a new one, or `plain` where use does not count.
const struct pass *use_view_begin(struct use_view *v, struct work *w, const struct pass *plain, struct pass_options o);
void use_view_end(struct use_view *v, struct work *w);
