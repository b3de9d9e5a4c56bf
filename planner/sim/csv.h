// Delimited text from outside, row by row: what traces of demand and of the spot market are read with.
//
// Fields are separated by comma, semicolon or tab, whichever the first row has most of; they may be quoted ("" inside is a quote).
// A byte order mark, blank lines and # comments are skipped; every row has as many fields as the first. Nothing is allocated:
// fields are views into the text. Errors name file, line and column, what stood there and what is expected.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define CSV_COLUMNS_MAX 256

struct csv_reader {
    const char *name;                  // of the file, in errors
    struct slice rest;
    char separator;
    int64_t line;                      // number of the row in `field`
    size_t count, columns;             // fields of this row; of the first one, and so of all
    struct slice field[CSV_COLUMNS_MAX];   // without quotes and outer space
};

// A copy of the reader is a second place in the same text.
void csv_begin(struct csv_reader *r, struct slice text, const char *name);
// 1 with a row in r->field, 0 at the end, ERR_CORRUPT or ERR_LIMIT.
int csv_next(struct csv_reader *r, struct err *err);
// Sets ERR_CORRUPT with "name:line: column n: what stood there: expected …" and returns it.
int csv_refuse(const struct csv_reader *r, size_t column, const char *what, struct slice stood, const char *expected, struct err *err);
bool csv_is_one_of(struct slice s, const char *const *words, size_t count);  // whatever their case
// A date, with or without time of day, seconds and zone (none: UTC).
bool csv_calendar_ms(struct slice s, int64_t *ret);
// Epoch seconds, epoch milliseconds (above 1e11) or ISO 8601, 1970 to 9999, as whole seconds, the nearest.
bool csv_time_s(struct slice s, int64_t *ret);
