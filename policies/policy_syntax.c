#include "policies/policy_syntax.h"

#include <string.h>

#include "base/check.h"

static const struct {
    const char *words, *remedy;
} BY_WORDS[] = {
    {"duplicate object key", "keep one of them"},
    {"maximum parsing depth", "no policy nests that deep"},
    {"unable to decode", "save the file as UTF-8"},
    {"control character", "leave it out, or write it as an escape"},
    {"\\u0000", "leave it out"},
    {"too big", "a number of at most 18 digits"},
    {"real number overflow", "a number of at most 18 digits"},
    {"end of file expected", "one object, and nothing behind it"},
    {"near end of file", "the file ends too early: is it whole?"},
    {"premature end", "the file ends too early: is it whole?"},
};

static char before(struct slice text, size_t at)
{
    while (at > 0 && strchr(" \t\r\n", text.ptr[at - 1]))
        at--;
    return at > 0 ? text.ptr[at - 1] : '\0';
}

static const char *by_byte(struct slice text, size_t at)
{
    char c = at < text.len ? text.ptr[at] : '\0';
    if (c == '\'')
        return "strings stand in double quotes";
    if (c == '/' || c == '#')
        return "JSON has no comments";
    if ((c == '}' || c == ']') && before(text, at) == ',')
        return "no comma before the closing bracket";
    return NULL;
}

const char *policy_syntax_remedy(struct slice text, const struct json_place *at, const char *why)
{
    if (slice_trim(text).len == 0)
        return "the file is empty: masu check-policy --keys lists what belongs here";
    if (slice_starts(text, "\xef\xbb\xbf"))
        return "save the file without a byte order mark";
    if (slice_starts(text, "\xff\xfe") || slice_starts(text, "\xfe\xff"))
        return "save the file as UTF-8";
    const char *byte = by_byte(text, at->offset);
    if (byte)
        return byte;
    for (size_t i = 0; i < ARRAY_LEN(BY_WORDS); i++)
        if (strstr(why, BY_WORDS[i].words))
            return BY_WORDS[i].remedy;
    return "look at what stands before it, too: a comma, a quote or a bracket may be missing";
}
