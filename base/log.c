#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/parse.h"

enum { LINE_BYTES_MAX = 64 * 1024, VALUE_BYTES_MAX = 4096, FULL_WAIT_MS = 20, HALF_WAIT_MS = 500 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const level_colours[] = {"\033[2m", "", "\033[33m", "\033[31m"};

void logger_init(struct logger *l, int fd, const struct clock *clock)
{
    bool terminal = isatty(fd) == 1;
    const char *no_color = getenv("NO_COLOR");
    *l = (struct logger){
        .fd = fd,
        .json = !terminal,
        .colour = terminal && !(no_color && *no_color),
        .min_level = LOG_INFO,
        .clock = clock,
    };
}

static struct slice value_of(const char *s)
{
    struct slice v = slice_of(s ? s : "");
    v.len = v.len < VALUE_BYTES_MAX ? v.len : VALUE_BYTES_MAX;
    return v;
}

static void add_json_pair(struct buf *b, const char *key, const char *value)
{
    json_add_string(b, slice_of(key));
    buf_add_char(b, ':');
    json_add_string(b, value_of(value));
}

static void add_json_field(struct buf *b, const struct log_field *f)
{
    buf_add_char(b, ',');
    switch (f->kind) {
    case LOG_FIELD_STR:
        add_json_pair(b, f->key, f->str);
        break;
    case LOG_FIELD_INT:
        json_add_string(b, slice_of(f->key));
        buf_printf(b, ":%" PRId64, f->num);
        break;
    case LOG_FIELD_DOUBLE:
        json_add_string(b, slice_of(f->key));
        if (isfinite(f->real))
            buf_printf(b, ":%.6g", f->real);
        else
            buf_add_str(b, ":null");
        break;
    }
}

// Names come from outside: control bytes would let one forge lines or move a terminal's cursor.
static void add_text(struct buf *b, const char *s)
{
    struct slice v = value_of(s);
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.ptr[i];
        if (c < 0x20 || c == 0x7f)
            buf_printf(b, "\\x%02x", c);
        else
            buf_add_char(b, (char)c);
    }
}

static void add_text_field(struct buf *b, const struct log_field *f)
{
    buf_printf(b, "  %s=", f->key);
    switch (f->kind) {
    case LOG_FIELD_STR:
        add_text(b, f->str);
        break;
    case LOG_FIELD_INT:
        buf_printf(b, "%" PRId64, f->num);
        break;
    case LOG_FIELD_DOUBLE:
        buf_printf(b, "%.6g", f->real);
        break;
    }
}

static bool writable(int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int ready;
    do
        ready = poll(&p, 1, timeout_ms);
    while (ready < 0 && errno == EINTR);
    return ready == 1 && (p.revents & POLLOUT) != 0;
}

// A pipe that polls as writable takes PIPE_BUF bytes without blocking. One that nobody reads loses the line, it does not stop the
// daemon; of a line that is half out, the rest is given more time.
static void write_all(int fd, struct slice s)
{
    int timeout_ms = FULL_WAIT_MS;
    while (s.len > 0 && writable(fd, timeout_ms)) {
        ssize_t n = write(fd, s.ptr, s.len < PIPE_BUF ? s.len : PIPE_BUF);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        s = (struct slice){s.ptr + n, s.len - (size_t)n};
        timeout_ms = HALF_WAIT_MS;
    }
}

void log_write(const struct logger *l, enum log_level level, const char *event, const char *message,
               const struct log_field *fields, int field_count)
{
    assert(level >= LOG_DEBUG && level <= LOG_ERROR);
    if (level < l->min_level)
        return;
    char time[32];
    format_iso8601(clock_wall_ms(l->clock), true, time);
    _cleanup_(buf_release) struct buf b;
    buf_init(&b, LINE_BYTES_MAX);
    if (l->json) {
        buf_printf(&b, "{\"time\":\"%s\",\"level\":\"%s\",", time, level_names[level]);
        add_json_pair(&b, "event", event);
        buf_add_char(&b, ',');
        add_json_pair(&b, "message", message);
        for (int i = 0; i < field_count; i++)
            add_json_field(&b, &fields[i]);
        buf_add_str(&b, "}\n");
    } else {
        bool colour = l->colour && level_colours[level][0];
        buf_printf(&b, "%s %s%-5s%s ", time, colour ? level_colours[level] : "", level_names[level], colour ? "\033[0m" : "");
        add_text(&b, event);
        buf_add_str(&b, "  ");
        add_text(&b, message);
        for (int i = 0; i < field_count; i++)
            add_text_field(&b, &fields[i]);
        buf_add_char(&b, '\n');
    }
    if (buf_failed(&b)) {
        buf_clear(&b);
        buf_printf(&b, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"log\",\"message\":\"a line was too long\"}\n", time,
                   level_names[level]);
    }
    write_all(l->fd, buf_slice(&b));
}
