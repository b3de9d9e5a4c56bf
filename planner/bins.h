// An index over the room of one pass: finds the first instance of a kind that has room for a need, and walks a kind's instances from
// the fullest, without looking at each. Private to planner/.
//
// By kind and enum takes: a tree of the largest room by component, over blocks of instances in the order of their index; and, made
// when first asked for, the instances in the order of what they have free of CPU or memory. bins_touch keeps both true after the
// room of an instance, or whether it takes tasks, changed. Room that was taken and
// not told of only makes a search look at more; room only ever becomes less, so a need that found none finds none again.
#pragma once

#include "planner/work.h"

void bins_init(struct work *w, struct pass *p);
void bins_touch(struct work *w, struct pass *p, int bin);
// While a trial is on, room is taken that will be given back: what is not found now may be found later.
void bins_trial(struct pass *p, bool on);
// The position in its kind of the first instance at or after `from` that takes tasks and has room for one of the shape; -1 when there is none.
int bins_first(const struct work *w, const struct pass *p, enum takes takes, int kind, int shape, size_t from);

struct bin_key {
    int64_t free;
    int bin;
};
// The kind's instances that take tasks, those with the least free of the component first, then by index; *ret_from is the first
// that has at least `least`.
const struct bin_key *bins_order(struct work *w, struct pass *p, enum takes takes, int kind, enum res_kind component, int64_t least,
                                 size_t *ret_from, size_t *ret_count);
