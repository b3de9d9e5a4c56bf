// A text as its difference from another: what to copy from the base and what to insert, in the manner of version control.
//
// The journal's bodies of one cluster differ by little from tick to tick, whatever their fields are. The delta carries the lengths
// of both texts and a checksum of the result, so that a wrong base or a broken byte is found and never becomes a wrong text.
//
//   delta   varint length of the base, varint length of the text, CRC-32 of the text (little endian), operations
//   copy    varint length × 2 + 1, zigzag varint of the place in the base, counted from where reading would go on
//   insert  varint length × 2, the bytes
#pragma once

#include "base/buf.h"
#include "base/err.h"

// Adds the delta to out (an initialised buf; buf_failed tells when it was too small).
void delta_make(struct slice base, struct slice text, struct buf *out);
// Adds the text to out, an empty buf whose maximum bounds the text. ERR_CORRUPT for anything that delta_make did not make from
// this base.
int delta_apply(struct slice base, struct slice delta, struct buf *out, struct err *err);
