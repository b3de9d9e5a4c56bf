// A sketch of many values from which any percentile can be asked, and which merges with others: what a day keeps of its samples.
//
// Logarithmic bins (the idea of DDSketch: Masson, Rim, Lee, VLDB 2019): bin i holds the values in (g^(i-1), g^i], g = 1.02 / 0.98, and
// answers with one that is at most 2 % from each of them; 0 has a bin of its own. So a percentile is at most 2 % from the sample of that
// rank, whatever the distribution, and exact for whole numbers below 25 once rounded. Merging adds counts, so it loses nothing and its
// order does not matter. Values are whole numbers from 0 to SKETCH_VALUE_MAX. Pure; no memory of its own.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define SKETCH_VALUE_MAX INT64_C(10000000000000)
enum { SKETCH_BINS = 752 };  // of 1 … SKETCH_VALUE_MAX: bin 0 is 1, the last one begins below 1e13

struct sketch {
    uint64_t zeros;
    uint64_t count;             // zeros and all bins
    uint32_t bin[SKETCH_BINS];  // a full one takes no more
};

// value: 0 … SKETCH_VALUE_MAX; `times` equal ones.
void sketch_add(struct sketch *s, int64_t value, uint32_t times);
void sketch_merge(struct sketch *into, const struct sketch *from);
// The value of rank q × (count − 1), q within 0 … 1; count > 0. 0, or at most 2 % from the true one, before rounding to a whole number.
int64_t sketch_quantile(const struct sketch *s, double q);
// Compact: about two bytes a bin that is not empty, one byte for an empty sketch.
void sketch_write(const struct sketch *s, struct buf *out);
// ERR_CORRUPT for what sketch_write cannot have written. *in is cut to what follows.
int sketch_read(struct slice *in, struct sketch *ret, struct err *err);
