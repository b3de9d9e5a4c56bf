// The part of Java's regular expressions that cluster queries use, matched in time linear in text × pattern.
//
// Understood: literal characters, ".", sets ("[a-z]", "[^…]"), \d \D \w \W \s \S, escaped punctuation, groups "(…)" and "(?:…)",
// "|", and * + ? {n} {n,} {n,m}, lazy ones included (which text matches is the same). ^ at the start and $ at the end change
// nothing, as the whole text must match. All else (references, look-around, flags, possessive quantifiers, \b, \p, letters or
// sets of other alphabets) is refused with words: better not understood than understood wrongly.
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"

struct regex;

// NULL where the pattern is not understood; *ret_why then says what (a constant) and *ret_at where, as an offset into the pattern.
const struct regex *regex_compile(struct arena *a, struct slice pattern, const char **ret_why, size_t *ret_at);
// Whether all of the text matches. Memory for the match comes from the arena.
bool regex_matches(const struct regex *r, struct arena *a, const char *text);
