// Plain structs to JSON objects and back, by tables: one row a field, used in both directions, so that they cannot differ.
//
// A field at its fallback is not written, unless FIELD_ALWAYS. Times are RFC 3339 UTC; 0 is absent or null. Strings are copied
// into the arena and never NULL; absent is "". Errors are ERR_INVALID and name the key path; the path alone is kept too, so
// that the caller can find the place in the text.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "planner/model/res.h"

enum json_field_kind { FIELD_STR, FIELD_BOOL, FIELD_I32, FIELD_I64, FIELD_TIME, FIELD_ENUM, FIELD_RES };
enum { FIELD_REQUIRED = 1, FIELD_ALWAYS = 2 };

struct json_field {
    const char *key;
    enum json_field_kind kind;
    size_t offset;
    unsigned flags;
    int64_t fallback;          // BOOL, I32, I64, ENUM
    int64_t min, max;          // I32, I64; max 0: JSON_COUNT_MAX, JSON_NUMBER_MAX
    const char *const *names;  // ENUM
    int name_count;
};

struct json_fields {
    const struct json_field *rows;
    size_t count;
};

// Counts and other whole numbers of a file are at most these: larger than any honest ones, and sums of them do not overflow.
enum { JSON_COUNT_MAX = 1000000 };
#define JSON_NUMBER_MAX (INT64_C(1) << 40)

// Where reading stands; links live on the stack and become text only for an error.
struct json_path {
    const struct json_path *up;
    const char *key;  // "" at the root
    int index;        // -1: not an element
};

struct json_reader {
    struct arena *arena;
    struct err *err;
    char bad_path[256];  // of the first error
};

// Adds the fields of *base to obj.
void json_fields_write(json_t *obj, struct json_fields fields, const void *base);
// Reads obj into *base: every field is set, to its fallback where absent.
int json_fields_read(struct json_reader *r, const json_t *obj, const struct json_path *at, struct json_fields fields, void *base);

// {"cpu_units": 512, "memory_mib": 1024, "gpus": 0, "eni_slots": 0}; what is absent is 0, other keys are ignored.
int json_res_read(struct json_reader *r, const json_t *obj, const struct json_path *at, struct res *ret);

// ERR_INVALID at path.key ("" is the path itself).
int json_reader_fail(struct json_reader *r, const struct json_path *at, const char *key, const char *fmt, ...) _printf_(4, 5);
// null says "never" or "none" on purpose; a key that is not there asks for what other facts say.
static inline bool json_given(const json_t *obj, const char *key)
{
    return json_object_get(obj, key) != NULL;
}
// The array member `key` of obj and its length; NULL and 0 when absent.
int json_reader_array(struct json_reader *r, const json_t *obj, const struct json_path *at, const char *key, const json_t **ret,
                      size_t *ret_count);

// Names to indices in O(log n).
struct name_index {
    struct name_entry {
        const char *name;
        int index;
    } *entries;
    size_t count;
};
// Sorts the entries. Returns the index of an element whose name came before, -1 if all names differ.
int name_index_sort(struct name_index *x);
int name_index_find(const struct name_index *x, const char *name);  // -1 if there is none
