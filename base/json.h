// JSON helpers over jansson: reading with limits, exact places for errors, typed getters, and compact or stable writing.
//
// jansson forgets where a value stood in the text; json_place_find finds it again from its key path, so that an error in a
// policy or snapshot names file, line and column.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

// Parses text (duplicate keys refused, nesting limited by jansson). On failure ERR_CORRUPT with line and column.
int json_parse(struct slice text, const char *name, json_t **ret, struct err *err);
// The same; on failure *ret_at is where: line, column, offset, and a length of 1.
struct json_place;
int json_parse_at(struct slice text, const char *name, json_t **ret, struct json_place *ret_at, struct err *err);
// Reads a whole file of at most max_bytes into *ret_text (arena) and parses it. ERR_IO, ERR_LIMIT, ERR_CORRUPT.
int json_read_file(const char *path, size_t max_bytes, struct arena *a, struct slice *ret_text, json_t **ret, struct err *err);

struct json_place {
    int line, column;            // 1-based, column in bytes
    int key_line, key_column;    // of the key where the value is an object's member, else 0
    size_t offset, key_offset, key_len, len;  // value's and key's bytes in the text
};
// path: "clusters[0].forecast.quantile"; "" is the root. False where the text holds no such path.
bool json_place_find(struct slice text, const char *path, struct json_place *ret);

// Typed getters: NULL, absent and JSON null are the same. Strings point into the json_t.
const char *json_str(const json_t *obj, const char *key);                    // NULL if absent or not a string
int64_t json_int(const json_t *obj, const char *key, int64_t fallback);      // reals are truncated
double json_num(const json_t *obj, const char *key, double fallback);
bool json_flag(const json_t *obj, const char *key, bool fallback);
const char *json_str_arena(const json_t *obj, const char *key, struct arena *a);  // copied; NULL if absent

// Writes to the buf: compact, keys in insertion order, so the same calls give the same bytes.
void json_write(const json_t *value, struct buf *out);
void json_write_pretty(const json_t *value, struct buf *out);
// A JSON string; bytes that are not UTF-8 become U+FFFD (json_string would give NULL). NULL gives JSON null. New reference.
json_t *json_text(const char *s);
// Adds text as a JSON string with quotes and escapes; bytes that are not UTF-8 become U+FFFD.
void json_add_string(struct buf *out, struct slice text);

// Copies the text to out, but of every array that is the value of a member `key` only the first `keep` (> 0) elements; what is
// cut is not looked at. False where a string or array does not end: parse the text itself then, it says what is wrong.
bool json_shorten(struct slice text, const char *key, size_t keep, struct buf *out);
