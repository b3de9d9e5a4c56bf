// What to do about a text that is not JSON: the remedy for the mistakes that people make by hand.
#pragma once

#include "base/buf.h"
#include "base/json.h"

// `why`: the parser's words; `at`: where it stopped. Never empty.
const char *policy_syntax_remedy(struct slice text, const struct json_place *at, const char *why);
