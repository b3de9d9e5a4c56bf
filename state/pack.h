// Bodies of the journal as they lie in the database: compressed by zlib behind a 4-byte length (little endian).
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define STATE_BODY_MAX ((size_t)64 << 20)
// Adds the packed form to out (an initialised buf). ERR_LIMIT when larger than STATE_BODY_MAX. level: zlib's, 1 fast … 9 small.
int pack_bytes(struct slice bytes, int level, struct buf *out, struct err *err);
int pack_json(const json_t *j, struct buf *out, struct err *err);  // written compactly
// Adds the bytes to out, an empty buf of at least STATE_BODY_MAX. ERR_CORRUPT for anything that pack_bytes did not write.
int unpack_bytes(struct slice packed, struct buf *out, struct err *err);
// The same into the arena.
int unpack_json(struct slice packed, struct arena *a, struct slice *ret, struct err *err);
