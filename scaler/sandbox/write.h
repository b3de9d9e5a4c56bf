// Writers of the answers: JSON and XML straight into a buf, no trees. The caller nests; nothing is checked but the buf's limit.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

// ---- JSON: commas are put where they are needed. `key` is NULL inside an array; keys are ours and need no escape.
struct json_out {
    struct buf *out;
    bool comma;
};

void jo_open(struct json_out *o, const char *key, char bracket);  // '{' or '['
void jo_close(struct json_out *o, char bracket);                  // '}' or ']'
void jo_str(struct json_out *o, const char *key, const char *value);
void jo_int(struct json_out *o, const char *key, int64_t value);
void jo_decimal(struct json_out *o, const char *key, int64_t value);  // "256", as a string
void jo_bool(struct json_out *o, const char *key, bool value);
void jo_time(struct json_out *o, const char *key, int64_t wall_ms);  // epoch seconds with three decimals
void jo_double(struct json_out *o, const char *key, double value);   // three decimals
void jo_zero(struct json_out *o, const char *key);                   // 0.0

// ---- XML: text is escaped; a NULL text writes nothing.
void xo_open(struct buf *out, const char *name);
void xo_close(struct buf *out, const char *name);
void xo_text(struct buf *out, const char *name, const char *value);
void xo_int(struct buf *out, const char *name, int64_t value);
void xo_milli(struct buf *out, const char *name, int64_t value_milli);  // "7.0", "2.5"
void xo_bool(struct buf *out, const char *name, bool value);
void xo_time(struct buf *out, const char *name, int64_t wall_ms);  // 2026-01-15T12:34:56.000Z
void xo_escape(struct buf *out, struct slice text);
