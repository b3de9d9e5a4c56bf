// Java regular expressions as the cluster query language uses them (`=~`): the whole value must match, as String.matches does.
//
// Played: literals, `.`, escapes (\d \D \w \W \s \S and escaped signs), classes with ranges and negation, groups ( ) and (?: ),
// alternation, ? * + {n} {n,} {n,m} with a lazy `?` behind (the same language where the whole must match), ^ and $. What else Java
// knows (look-around, back references, flags, possessive repeats) is refused in words. Time grows with pattern × value, never more.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define WORLD_PATTERN_STEPS 2000  // a compiled pattern's instructions; {900} of a long group is refused

struct world_pattern;
// The pattern lives in the arena. ERR_INVALID: not a pattern, or one that is not played; the message says where (from 1).
int world_pattern_compile(struct slice text, struct arena *a, const struct world_pattern **ret, struct err *err);
bool world_pattern_matches(const struct world_pattern *p, const char *value);
