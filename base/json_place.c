// Finds where a value stands in JSON text, without building anything. Safe on any bytes; exact on text that json_parse took.
#include "base/json.h"

#include "base/parse.h"

struct scan {
    struct slice text;
    size_t at;
};

static char peek(const struct scan *s)
{
    return s->at < s->text.len ? s->text.ptr[s->at] : '\0';
}

static void skip_space(struct scan *s)
{
    while (s->at < s->text.len && (peek(s) == ' ' || peek(s) == '\t' || peek(s) == '\n' || peek(s) == '\r'))
        s->at++;
}

// At a quote: steps behind the closing one. Returns what is between, escapes as written.
static bool skip_string(struct scan *s, struct slice *ret_inner)
{
    size_t begin = ++s->at;
    for (; s->at < s->text.len; s->at++) {
        if (peek(s) == '\\')
            s->at++;
        else if (peek(s) == '"') {
            *ret_inner = (struct slice){s->text.ptr + begin, s->at - begin};
            s->at++;
            return true;
        }
    }
    return false;
}

// Steps over one value. Brackets are counted, not matched: the parser has already done that.
static bool skip_value(struct scan *s)
{
    size_t depth = 0, begin = s->at;
    struct slice inner;
    while (s->at < s->text.len) {
        char c = peek(s);
        bool ends_scalar = c == ',' || c == ']' || c == '}' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (depth == 0 && s->at > begin && ends_scalar)
            return true;
        if (c == '"') {
            if (!skip_string(s, &inner))
                return false;
        } else {
            if (c == '{' || c == '[')
                depth++;
            else if (c == '}' || c == ']') {
                if (depth == 0)
                    return false;
                depth--;
            }
            s->at++;
        }
        if (depth == 0 && (c == '"' || c == '}' || c == ']'))
            return true;
    }
    return depth == 0 && s->at > begin;
}

// ---- keys as written against keys as meant ----------------------------------------------------------------------------------

static bool take_hex4(struct slice raw, size_t *at, uint32_t *ret)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++, (*at)++) {
        char c = *at < raw.len ? raw.ptr[*at] : '\0';
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0)
            return false;
        v = v << 4 | (uint32_t)digit;
    }
    *ret = v;
    return true;
}

static size_t put_utf8(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[n] | c);
    return n;
}

// Takes one character of a raw string: its bytes go to out. 0 where an escape is broken.
static size_t take_char(struct slice raw, size_t *at, char out[4])
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (raw.ptr[*at] != '\\') {
        out[0] = raw.ptr[(*at)++];
        return 1;
    }
    char kind = ++*at < raw.len ? raw.ptr[(*at)++] : '\0';
    if (kind != 'u') {
        const char *hit = kind ? strchr(from, kind) : NULL;
        out[0] = hit ? to[hit - from] : '\0';
        return hit ? 1 : 0;
    }
    uint32_t c = 0, low = 0;
    if (!take_hex4(raw, at, &c))
        return 0;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (*at + 1 >= raw.len || raw.ptr[*at] != '\\' || raw.ptr[*at + 1] != 'u')
            return 0;
        *at += 2;
        if (!take_hex4(raw, at, &low) || low < 0xdc00 || low > 0xdfff)
            return 0;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    return put_utf8(c, out);
}

// How many bytes of path the key covers as a whole member name, 0 for none. ("" is no key that a path can name.)
static size_t key_covers(struct slice raw, const char *path)
{
    size_t used = 0, left = strlen(path);
    for (size_t at = 0; at < raw.len;) {
        char c[4];
        size_t n = take_char(raw, &at, c);
        if (n == 0 || n > left - used || memcmp(path + used, c, n) != 0)
            return 0;
        used += n;
    }
    char next = path[used];
    return next == '\0' || next == '.' || next == '[' ? used : 0;
}

// ---- descending -------------------------------------------------------------------------------------------------------------

// At '{': finds the member that covers most of *path, so that a key with a dot in it is found too. Leaves the scan at its value.
static bool enter_object(struct scan *s, const char **path, struct json_place *place)
{
    size_t best = 0, best_at = 0;
    s->at++;
    for (;;) {
        skip_space(s);
        size_t key_at = s->at;
        struct slice key;
        if (peek(s) != '"' || !skip_string(s, &key))
            break;
        size_t key_end = s->at;
        skip_space(s);
        if (peek(s) != ':')
            return false;
        s->at++;
        skip_space(s);
        size_t covered = key_covers(key, *path);
        if (covered > best) {
            best = covered;
            best_at = s->at;
            place->key_offset = key_at;
            place->key_len = key_end - key_at;
        }
        if (!skip_value(s))
            break;
        skip_space(s);
        if (peek(s) != ',')
            break;
        s->at++;
    }
    s->at = best_at;
    *path += best;
    return best > 0;
}

// At '[', path at "[N]…": leaves the scan at element N.
static bool enter_array(struct scan *s, const char **path)
{
    const char *close = strchr(*path, ']');
    uint64_t index = 0;
    if (!close || !parse_u64((struct slice){*path + 1, (size_t)(close - *path) - 1}, &index))
        return false;
    *path = close + 1;
    s->at++;
    for (;; index--) {
        skip_space(s);
        if (peek(s) == ']' || s->at >= s->text.len)
            return false;
        if (index == 0)
            return true;
        if (!skip_value(s))
            return false;
        skip_space(s);
        if (peek(s) != ',')
            return false;
        s->at++;
    }
}

static void line_column(struct slice text, size_t offset, int *line, int *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < offset; i++) {
        *column = text.ptr[i] == '\n' ? 1 : *column + 1;
        *line += text.ptr[i] == '\n';
    }
}

bool json_place_find(struct slice text, const char *path, struct json_place *ret)
{
    struct scan s = {.text = text};
    struct json_place place = {0};
    bool member = false;
    skip_space(&s);
    while (*path) {
        member = peek(&s) == '{';
        if (*path == '[') {
            if (peek(&s) != '[' || !enter_array(&s, &path))
                return false;
        } else if (!member || !enter_object(&s, &path, &place)) {
            return false;
        }
        if (*path == '.')
            path++;
    }
    place.offset = s.at;
    if (!skip_value(&s))
        return false;
    place.len = s.at - place.offset;
    line_column(text, place.offset, &place.line, &place.column);
    if (member)
        line_column(text, place.key_offset, &place.key_line, &place.key_column);
    else
        place.key_offset = place.key_len = 0;
    *ret = place;
    return true;
}
