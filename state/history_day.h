// A day of one series in few bytes: its buckets at one resolution, and of the coarsest a sketch of all its samples.
//
// A bucket counts its samples and has their sum, least and most; one without samples is unknown, and stays so. Values are whole numbers
// from 0 to HISTORY_VALUE_MAX. Written are a version, the greatest common divisor of all values, runs of unknown and known buckets, and
// four columns: the most (as difference to the bucket before), most − least, count (as difference), and the sum's distance from
// count × (least + most) / 2; each as folded varints in which runs of zeros are counted, all of it by zlib where that is less. Steady
// series take next to nothing.
// Merging is adding, so its order does not matter and late samples find their bucket. Pure.
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "state/sketch.h"

#define HISTORY_VALUE_MAX SKETCH_VALUE_MAX
enum { HISTORY_BUCKET_SAMPLES_MAX = 100000, HISTORY_SLOTS_MAX = 1440, HISTORY_DAY_BYTES_MAX = 128 << 10 };

enum history_resolution { HISTORY_MINUTE, HISTORY_FIVE_MINUTES, HISTORY_HOUR, HISTORY_RESOLUTION_COUNT };  // the number is in the database
int64_t history_resolution_ms(enum history_resolution r);

struct history_bucket {
    int64_t count, sum, min, max;  // count 0: unknown, the rest 0 too
};

struct history_day {
    enum history_resolution resolution;
    struct history_bucket bucket[HISTORY_SLOTS_MAX];  // history_day_slots of them count
    struct sketch sketch;                             // HISTORY_HOUR only
};

int history_day_slots(enum history_resolution r);  // 1,440, 288, 24
void history_day_clear(struct history_day *d, enum history_resolution r);
void history_bucket_add(struct history_bucket *b, int64_t value);  // samples past HISTORY_BUCKET_SAMPLES_MAX are not counted
void history_bucket_merge(struct history_bucket *into, const struct history_bucket *from);  // the same: all of from, or nothing
void history_bucket_pool(struct history_bucket *into, const struct history_bucket *from);   // without that limit; a sum stops at INT64_MAX
void history_day_write(const struct history_day *d, struct buf *out);  // out: at least HISTORY_DAY_BYTES_MAX
// ERR_CORRUPT for anything that history_day_write cannot have written; *ret is undefined then.
int history_day_read(struct slice packed, enum history_resolution r, struct history_day *ret, struct err *err);
