// JSON bodies of the journal: written compactly and compressed by zlib behind a 4-byte length (little endian).
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

// Adds the packed form to out (an initialised buf). ERR_LIMIT when larger than STATE_BODY_MAX.
#define STATE_BODY_MAX ((size_t)64 << 20)
int pack_json(const json_t *j, struct buf *out, struct err *err);
// ERR_CORRUPT for anything that pack_json did not write.
int unpack_json(struct slice packed, struct arena *a, struct slice *ret, struct err *err);
