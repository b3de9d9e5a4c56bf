// Vector packing as a plan on paper: which instances, of which types, hold these tasks for the least money, when we may choose
// where each goes. ECS places by its own rules (placement.h); this is what its placement is measured against, and what a choice of
// types starts from.
//
// One open bin at a time is filled with the item of the largest dot product of need and room left, by the weight of what is still
// to be packed (Panigrahy, Talwar, Uyeda, Wieder: Heuristics for vector bin packing, 2011), or with the one that leaves the
// smallest L2 norm of room; of many types, that is opened which holds the most value for its price, by the prices of the two
// resources that the LP gives. The best of these is improved by taking a few bins apart and packing their items anew, with
// weights and values a little different each time (ruin and recreate: Schrimpf and others, 2000); what is no worse is kept.
// The same input gives the same packing on every machine.
#pragma once

#include "base/arena.h"
#include "planner/model/res.h"

struct vector_type {
    struct res room;
    int64_t price;  // of one, in any unit; > 0
};

struct vector_bin {
    int type;
    size_t *items, count;
    struct res load;
};

struct vector_packing {
    struct vector_bin *bins;
    size_t bin_count;
    int64_t price;        // of all bins
    size_t *unpacked, unpacked_count;  // items that no type holds
};

enum { VECTOR_EFFORT = 600000 };  // comparisons of an item with a bin: 500 items in some 30 ms

// Packs n items (no component negative). `effort` bounds the comparisons of the improvement, 0 is the plain heuristics. All memory
// is the arena's.
struct vector_packing vector_pack(struct arena *a, const struct vector_type *types, size_t type_count, const struct res *items, size_t n,
                                  int64_t effort);

// No packing of items that need `total` together costs less: the LP of one constraint a resource, whose columns are whole types
// bought in parts. `ret_value`, unless NULL, is its dual: what a unit of each resource is worth (no type's room is worth more than its price). A
// resource that is asked for and that no type has gives INFINITY.
double vector_bound(struct arena *a, const struct vector_type *types, size_t type_count, struct res total, double *ret_value);
// The same for one type, in bins: also no two of a set of items that exclude each other share one.
int64_t vector_bound_equal(struct arena *a, struct res room, const struct res *items, size_t n);
