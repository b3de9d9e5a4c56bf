#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

// ---- reading --------------------------------------------------------------------------------------------------------------

int json_parse_at(struct slice text, const char *name, json_t **ret, struct json_place *ret_at, struct err *err)
{
    json_error_t e;
    json_t *value = json_loadb(text.len ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (!value) {
        // jansson counts columns in characters and says how many bytes it had read: the last of them is the place.
        size_t at = e.position > 0 && (size_t)e.position <= text.len ? (size_t)e.position - 1 : 0;
        struct json_place place = {.line = 1, .column = 1, .offset = at, .len = 1};
        for (size_t i = 0; i < at; i++) {
            place.column = text.ptr[i] == '\n' ? 1 : place.column + 1;
            place.line += text.ptr[i] == '\n';
        }
        *ret_at = place;
        return err_set(err, ERR_CORRUPT, "%s:%d:%d: not JSON: %s", name, place.line, place.column, e.text);
    }
    *ret = value;
    return 0;
}

int json_parse(struct slice text, const char *name, json_t **ret, struct err *err)
{
    struct json_place at;
    return json_parse_at(text, name, ret, &at, err);
}

static int read_all(int fd, const char *path, size_t max_bytes, struct buf *out, struct err *err)
{
    for (;;) {
        char chunk[16384];
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
        if (n == 0)
            return 0;
        buf_add(out, chunk, (size_t)n);
        if (buf_failed(out))
            return err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, max_bytes);
    }
}

int json_read_file(const char *path, size_t max_bytes, struct arena *a, struct slice *ret_text, json_t **ret, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    _cleanup_(buf_release) struct buf b;
    buf_init(&b, max_bytes);
    int rc = read_all(fd, path, max_bytes, &b, err);
    close(fd);
    if (rc)
        return rc;
    struct slice text = {arena_strndup(a, b.data, b.len), b.len};
    json_t *value = NULL;
    rc = json_parse(text, path, &value, err);
    // The text is wanted also where it does not parse: the caller shows the line.
    *ret_text = text;
    if (rc == 0)
        *ret = value;
    return rc;
}

// ---- typed getters --------------------------------------------------------------------------------------------------------

const char *json_str(const json_t *obj, const char *key)
{
    return json_string_value(json_object_get(obj, key));
}

int64_t json_int(const json_t *obj, const char *key, int64_t fallback)
{
    const json_t *v = json_object_get(obj, key);
    if (json_is_integer(v))
        return json_integer_value(v);
    if (json_is_real(v) && fabs(json_real_value(v)) < 9.2e18)
        return (int64_t)json_real_value(v);
    return fallback;
}

double json_num(const json_t *obj, const char *key, double fallback)
{
    const json_t *v = json_object_get(obj, key);
    return json_is_number(v) ? json_number_value(v) : fallback;
}

bool json_flag(const json_t *obj, const char *key, bool fallback)
{
    const json_t *v = json_object_get(obj, key);
    return json_is_boolean(v) ? json_is_true(v) : fallback;
}

const char *json_str_arena(const json_t *obj, const char *key, struct arena *a)
{
    const json_t *v = json_object_get(obj, key);
    return json_is_string(v) ? arena_strndup(a, json_string_value(v), json_string_length(v)) : NULL;
}

// ---- writing --------------------------------------------------------------------------------------------------------------

static int add_chunk(const char *data, size_t len, void *out)
{
    buf_add(out, data, len);
    return 0;
}

void json_write(const json_t *value, struct buf *out)
{
    json_dump_callback(value, add_chunk, out, JSON_COMPACT | JSON_ENCODE_ANY);
}

void json_write_pretty(const json_t *value, struct buf *out)
{
    json_dump_callback(value, add_chunk, out, JSON_INDENT(2) | JSON_ENCODE_ANY);
    buf_add_char(out, '\n');
}

// Length of the UTF-8 sequence that s begins with, 0 if it is none (overlong, surrogate, cut short).
static size_t utf8_len(const unsigned char *s, size_t len)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : 0;
    if (n == 0 || n > len)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool outside = (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf4 && s[1] >= 0x90);
    return overlong || outside ? 0 : n;
}

static const char replacement[] = "\xef\xbf\xbd";  // U+FFFD

static void add_escaped(struct buf *out, unsigned char c)
{
    static const char short_escapes[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (size_t i = 0; i + 1 < sizeof short_escapes; i += 2)
        if ((unsigned char)short_escapes[i] == c) {
            char pair[2] = {'\\', short_escapes[i + 1]};
            buf_add(out, pair, sizeof pair);
            return;
        }
    if (c < 0x20 || c == 0x7f)
        buf_printf(out, "\\u%04x", c);
    else
        buf_add_char(out, (char)c);
}

void json_add_string(struct buf *out, struct slice text)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len;) {
        const unsigned char *at = (const unsigned char *)text.ptr + i;
        size_t n = utf8_len(at, text.len - i);
        if (n == 0)
            buf_add_str(out, replacement);
        else if (n == 1)
            add_escaped(out, *at);
        else
            buf_add(out, at, n);
        i += n ? n : 1;
    }
    buf_add_char(out, '"');
}

json_t *json_text(const char *s)
{
    if (!s)
        return json_null();
    json_t *value = json_string(s);
    if (value)
        return value;
    size_t len = strlen(s);
    _cleanup_(buf_release) struct buf b;
    buf_init(&b, len * 3 + 1);
    for (size_t i = 0; i < len;) {
        size_t n = utf8_len((const unsigned char *)s + i, len - i);
        if (n)
            buf_add(&b, s + i, n);
        else
            buf_add_str(&b, replacement);
        i += n ? n : 1;
    }
    return json_string(buf_str(&b));
}
