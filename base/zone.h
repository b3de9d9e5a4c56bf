// Local time of a zone, from the system's zone data (TZif, RFC 8536), its last rule for the years beyond the table included.
//
// A local time that a change of the clock leaves out moves forward by the change; one that comes twice is its first. Zones are
// named ("Europe/Berlin"); "UTC" needs no file. Immutable once read, so any thread may ask. Owned by the arena.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct zone;

// ERR_INVALID: no such zone, or no name of one; ERR_CORRUPT: its file is no TZif; ERR_IO: this machine has no zone data.
int zone_load(const char *name, struct arena *a, const struct zone **ret, struct err *err);
// Of the bytes of a TZif file, version 2 or later. ERR_CORRUPT.
int zone_parse(struct slice bytes, struct arena *a, const struct zone **ret, struct err *err);

int32_t zone_offset_s(const struct zone *z, int64_t unix_s);  // east of UTC
// The newest change of the clock within the `within_s` before now, or at it: when, and by how much it went forward. by_s 0: there was none.
struct zone_change {
    int64_t at_s;
    int32_t by_s;
};
struct zone_change zone_last_change(const struct zone *z, int64_t now_s, int64_t within_s);
int64_t zone_unix_s(const struct zone *z, int64_t local_s);   // local_s: seconds since 1970-01-01 00:00 on the zone's clock
