// Log lines: JSON lines when the stream is not a terminal, aligned text with colour when it is (and NO_COLOR is unset).
//
// Only the shell (scaler/) and the tools log; libraries return errors. A line has a time, a level, an event word and
// key/value fields. The writer never blocks for long: what a full pipe does not take within a moment is lost.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum log_field_kind { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_DOUBLE };
struct log_field {
    const char *key;
    enum log_field_kind kind;
    const char *str;
    int64_t num;
    double real;
};
#define LOG_S(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_STR, .str = (v)})
#define LOG_I(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_INT, .num = (int64_t)(v)})
#define LOG_F(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_DOUBLE, .real = (v)})

struct clock;
struct logger {
    int fd;
    bool json, colour;
    enum log_level min_level;
    const struct clock *clock;
};

void logger_init(struct logger *l, int fd, const struct clock *clock);  // chooses form by isatty(fd)
void log_write(const struct logger *l, enum log_level level, const char *event, const char *message,
               const struct log_field *fields, int field_count);
// log_event(l, LOG_INFO, "tick", "planned", LOG_S("cluster", c), LOG_I("actions", n));  at least one field
#define log_event(l, level, event, message, ...)                                              \
    log_write((l), (level), (event), (message), (const struct log_field[]){__VA_ARGS__},      \
              (int)(sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)))
