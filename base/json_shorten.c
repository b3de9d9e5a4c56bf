// Cuts long lists out of JSON text before it is parsed: an answer may carry a hundred events of which a few are read.
#include "base/json.h"

// At the byte behind an opening quote: the place of the closing one, or text.len.
static size_t string_end(struct slice text, size_t at)
{
    while (at < text.len && text.ptr[at] != '"')
        at += text.ptr[at] == '\\' ? 2 : 1;
    return at < text.len ? at : text.len;
}

static size_t behind_space(struct slice text, size_t at)
{
    while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\t' || text.ptr[at] == '\n' || text.ptr[at] == '\r'))
        at++;
    return at;
}

// Behind an array's opening bracket: the place of its closing one, or text.len; *ret_cut is where element `keep` would begin
// (the comma before it), or the closing bracket where there are no more.
static size_t array_end(struct slice text, size_t at, size_t keep, size_t *ret_cut)
{
    size_t depth = 0, elements = 0;
    *ret_cut = 0;
    for (; at < text.len; at++) {
        char c = text.ptr[at];
        if (c == '"') {
            at = string_end(text, at + 1);
        } else if (c == '[' || c == '{') {
            depth++;
        } else if (c == ']' || c == '}') {
            if (depth == 0)
                break;
            depth--;
        } else if (c == ',' && depth == 0 && ++elements == keep) {
            *ret_cut = at;
        }
    }
    at = at < text.len ? at : text.len;
    if (*ret_cut == 0)
        *ret_cut = at;
    return at;
}

// Behind the name of a member: the byte behind the bracket that opens its array, or 0 where its value is no array.
static size_t array_begin(struct slice text, size_t at)
{
    at = behind_space(text, at);
    if (at >= text.len || text.ptr[at] != ':')
        return 0;
    at = behind_space(text, at + 1);
    return at < text.len && text.ptr[at] == '[' ? at + 1 : 0;
}

bool json_shorten(struct slice text, const char *key, size_t keep, struct buf *out)
{
    assert(keep > 0);
    size_t key_len = strlen(key), copied = 0, at = 0;
    while (at < text.len) {
        const char *quote = memchr(text.ptr + at, '"', text.len - at);
        if (!quote)
            break;
        size_t begin = (size_t)(quote - text.ptr) + 1, end = string_end(text, begin);
        if (end == text.len)
            return false;
        at = end + 1;
        if (end - begin != key_len || memcmp(text.ptr + begin, key, key_len) != 0)
            continue;
        size_t first = array_begin(text, at), cut;
        if (first == 0)
            continue;
        at = array_end(text, first, keep, &cut);
        if (at == text.len)
            return false;
        buf_add(out, text.ptr + copied, cut - copied);
        copied = at;
    }
    buf_add(out, text.ptr + copied, text.len - copied);
    return !buf_failed(out);
}
