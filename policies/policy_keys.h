// The key table: every key that a policy file may hold, once. The loader, the defaults, the JSON Schema, the reference text, the
// effective policy and the words of errors all come from it; a new key is a new row. Private to policies/.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum policy_key_kind { KEY_STRING, KEY_INTEGER, KEY_MONEY, KEY_BOOL, KEY_ENUM, KEY_OBJECT, KEY_ARRAY };

struct policy_key {
    const char *parent;        // "" is the root; "clusters[].scale_in" an object; "clusters[]" an element
    const char *name;          // "": the elements of an array of plain values
    enum policy_key_kind kind;
    bool required;
    const char *unit;          // INTEGER: "s", "%", …; "" for plain numbers
    const char *text;          // STRING: the default, NULL = ""
    int64_t fallback;          // INTEGER and MONEY, in the file's unit; BOOL; ENUM
    int64_t min, max;          // INTEGER and MONEY, in the file's unit
    int64_t scale;             // INTEGER and MONEY: the struct holds scale × the file's number (1,000: s -> ms)
    bool unhashed;             // not part of the policy's hash
    const char *const *names;  // ENUM
    int name_count;
    const char *example;       // required keys: what to write, as JSON
    const char *help;
    size_t offset;             // in the struct of the nearest element around it; KEY_IGNORED: nowhere
    size_t count_offset, item_size;  // ARRAY
};

#define KEY_IGNORED SIZE_MAX

extern const struct policy_key policy_keys[];
extern const size_t policy_key_count;

// The row of a key of `parent`, NULL if there is none.
const struct policy_key *policy_key_find(const char *parent, const char *name);
// Its children's parent: "clusters[]" for clusters, "clusters[].scale_in" for scale_in. out holds at least 128 bytes.
const char *policy_key_inner(const struct policy_key *k, char out[128]);
// What may be written there: `0 to 5,000 s, default 60`, `"act", "add-only" or "observe", default "act"`.
void policy_key_add_bounds(const struct policy_key *k, struct buf *out);
// What it is, for "expected …": "a whole number", "a string".
const char *policy_key_kind_words(const struct policy_key *k);
// Sets all fields under `parent` in base to their defaults; arrays become empty.
void policy_keys_set_defaults(const char *parent, void *base);

// How many letters must change to make one of the other (insert, delete, replace, swap neighbours); up to 64 bytes are compared.
int policy_edit_distance(const char *a, const char *b);
// The key of `parent` that the unknown name most likely means, NULL if none is near.
const struct policy_key *policy_key_nearest(const char *parent, const char *name);
// A key of this very name, or nearly, that belongs elsewhere in the file; NULL if there is none.
const struct policy_key *policy_key_elsewhere(const char *parent, const char *name);
