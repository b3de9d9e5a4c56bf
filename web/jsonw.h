// Writes JSON straight into a buf: objects and arrays as they come, no tree. Nesting is at most JSONW_DEPTH.
//
// A key is given inside an object and NULL inside an array. Text that is not UTF-8 is replaced (base/json.h). Failure shows
// in the buf (buf_failed); an object that is not closed, or a key too many, is a bug and asserts.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "planner/model/res.h"

#define JSONW_DEPTH 16

struct jsonw {
    struct buf *out;
    int depth;
    char open[JSONW_DEPTH];  // '{' or '['
    bool filled[JSONW_DEPTH];
};

void jsonw_init(struct jsonw *w, struct buf *out);
void jsonw_object(struct jsonw *w, const char *key);
void jsonw_array(struct jsonw *w, const char *key);
void jsonw_end(struct jsonw *w);
void jsonw_str(struct jsonw *w, const char *key, const char *value);           // NULL writes null
void jsonw_str_or_null(struct jsonw *w, const char *key, const char *value);   // "" too
void jsonw_int(struct jsonw *w, const char *key, int64_t value);
void jsonw_int_or_null(struct jsonw *w, const char *key, int64_t value);       // 0 writes null
void jsonw_ints(struct jsonw *w, const char *key, const int64_t *values, size_t count, int64_t none);  // an array; none writes null
void jsonw_num(struct jsonw *w, const char *key, double value);
void jsonw_bool(struct jsonw *w, const char *key, bool value);
void jsonw_null(struct jsonw *w, const char *key);
void jsonw_time(struct jsonw *w, const char *key, int64_t wall_ms);            // RFC 3339; 0 (never) writes null
void jsonw_raw(struct jsonw *w, const char *key, struct slice json);           // a value already written; empty writes null
void jsonw_res(struct jsonw *w, const char *key, struct res r);                // {"cpu_units", "memory_mib"}
void jsonw_res_or_null(struct jsonw *w, const char *key, struct res r);        // zero (unknown) writes null
