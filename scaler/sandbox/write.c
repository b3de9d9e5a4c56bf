#include "scaler/sandbox/write.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/parse.h"

// Answers are written in small pieces, so the room is asked for once a field. NULL: the buf must grow or is full.
static char *room(struct buf *b, size_t bytes)
{
    return !b->failed && b->cap > b->len && b->cap - b->len > bytes && b->max - b->len >= bytes ? b->data + b->len : NULL;
}

static void wrote(struct buf *b, const char *end)
{
    b->len = (size_t)(end - b->data);
    b->data[b->len] = '\0';
}

static char *put(char *to, const char *from, size_t len)
{
    memcpy(to, from, len);
    return to + len;
}

static void start_value(struct json_out *o, const char *key)
{
    size_t len = key != NULL ? strlen(key) : 0;
    char *to = room(o->out, len + 4);
    if (to == NULL) {
        if (o->comma)
            buf_add_char(o->out, ',');
        if (key != NULL) {
            buf_add_char(o->out, '"');
            buf_add(o->out, key, len);
            buf_add(o->out, "\":", 2);
        }
        o->comma = true;
        return;
    }
    if (o->comma)
        *to++ = ',';
    if (key != NULL) {
        *to++ = '"';
        to = put(put(to, key, len), "\":", 2);
    }
    o->comma = true;
    wrote(o->out, to);
}

void jo_open(struct json_out *o, const char *key, char bracket)
{
    start_value(o, key);
    buf_add_char(o->out, bracket);
    o->comma = false;
}

void jo_close(struct json_out *o, char bracket)
{
    buf_add_char(o->out, bracket);
    o->comma = true;
}

// Digits without printf: a describe of a hundred instances writes thousands of numbers.
static void add_int(struct buf *out, int64_t value)
{
    char text[24];
    size_t at = sizeof text;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        text[--at] = '-';
    buf_add(out, text + at, sizeof text - at);
}

// Without a branch for each byte, so that the compiler can look at many at once.
static bool plain(const char *s, size_t len)
{
    unsigned odd = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        odd |= (unsigned)(c < 0x20) | (unsigned)(c > 0x7e) | (unsigned)(c == '"') | (unsigned)(c == '\\');
    }
    return odd == 0;
}

void jo_str(struct json_out *o, const char *key, const char *value)
{
    size_t len = strlen(value);
    start_value(o, key);
    if (!plain(value, len)) {
        json_add_string(o->out, (struct slice){value, len});
        return;
    }
    char *to = room(o->out, len + 2);
    if (to == NULL) {
        buf_add_char(o->out, '"');
        buf_add(o->out, value, len);
        buf_add_char(o->out, '"');
        return;
    }
    *to++ = '"';
    to = put(to, value, len);
    *to++ = '"';
    wrote(o->out, to);
}

void jo_int(struct json_out *o, const char *key, int64_t value)
{
    start_value(o, key);
    add_int(o->out, value);
}

void jo_decimal(struct json_out *o, const char *key, int64_t value)
{
    start_value(o, key);
    buf_add_char(o->out, '"');
    add_int(o->out, value);
    buf_add_char(o->out, '"');
}

void jo_bool(struct json_out *o, const char *key, bool value)
{
    start_value(o, key);
    buf_add_str(o->out, value ? "true" : "false");
}

static void add_milli_digits(struct buf *out, int64_t milli)
{
    char text[4] = {'.', (char)('0' + milli / 100), (char)('0' + milli / 10 % 10), (char)('0' + milli % 10)};
    buf_add(out, text, sizeof text);
}

void jo_time(struct json_out *o, const char *key, int64_t wall_ms)
{
    start_value(o, key);
    add_int(o->out, wall_ms / 1000);
    add_milli_digits(o->out, wall_ms % 1000);
}

void jo_double(struct json_out *o, const char *key, double value)
{
    start_value(o, key);
    buf_printf(o->out, "%.3f", value);
}

void jo_zero(struct json_out *o, const char *key)
{
    start_value(o, key);
    buf_add(o->out, "0.0", 3);
}

static void add_tag(struct buf *out, const char *before, const char *name)
{
    size_t before_len = strlen(before), len = strlen(name);
    char *to = room(out, before_len + len + 1);
    if (to == NULL) {
        buf_add(out, before, before_len);
        buf_add(out, name, len);
        buf_add_char(out, '>');
        return;
    }
    to = put(put(to, before, before_len), name, len);
    *to++ = '>';
    wrote(out, to);
}

void xo_open(struct buf *out, const char *name)
{
    add_tag(out, "<", name);
}

void xo_close(struct buf *out, const char *name)
{
    add_tag(out, "</", name);
}

void xo_escape(struct buf *out, struct slice text)
{
    static const char *const entities[128] = {['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;"};
    size_t done = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        const char *entity = c < 128 ? entities[c] : NULL;
        if (c < 0x20 && c != '\t' && c != '\n')
            entity = "?";  // XML 1.0 cannot carry it
        if (entity == NULL)
            continue;
        buf_add(out, text.ptr + done, i - done);
        buf_add_str(out, entity);
        done = i + 1;
    }
    buf_add(out, text.ptr + done, text.len - done);
}

void xo_text(struct buf *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    xo_open(out, name);
    xo_escape(out, slice_of(value));
    xo_close(out, name);
}

void xo_int(struct buf *out, const char *name, int64_t value)
{
    xo_open(out, name);
    add_int(out, value);
    xo_close(out, name);
}

void xo_milli(struct buf *out, const char *name, int64_t value_milli)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%lld.%03lld", (long long)(value_milli / 1000), (long long)(value_milli % 1000));
    while (len > 2 && text[len - 1] == '0' && text[len - 2] != '.')
        text[--len] = '\0';
    xo_text(out, name, text);
}

void xo_bool(struct buf *out, const char *name, bool value)
{
    xo_text(out, name, value ? "true" : "false");
}

void xo_time(struct buf *out, const char *name, int64_t wall_ms)
{
    char whole[32];
    format_iso8601(wall_ms - wall_ms % 1000, false, whole);
    xo_open(out, name);
    buf_add(out, whole, strlen(whole) - 1);
    add_milli_digits(out, wall_ms % 1000);
    buf_add_char(out, 'Z');
    xo_close(out, name);
}
