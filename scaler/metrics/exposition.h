// Prometheus's exposition text (format 0.0.4), read from the bytes of one page. Pure: no clock, no I/O, no copy.
//
// A page is read line by line, and it counts whole or not at all: a line that is no sample, a value that is no number, a last line without
// its end (the page was cut) are errors, and what was told before them is worth nothing. What a sample says is kept as it is: it may be
// NaN or infinite, and the caller decides what that is worth (never zero). Comments, HELP and TYPE are passed over.
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { EXPOSITION_SAMPLES_MAX = 1 << 20, EXPOSITION_LINE_MAX = 256 << 10, EXPOSITION_LABELS_MAX = 256 };

struct exposition {
    struct slice rest;
    size_t samples;
    int64_t line;
};

struct exposition_sample {
    struct slice name, labels;  // the latter as on the wire, between its braces, known to be well formed
    double value;
    int64_t at_ms;              // meaningful where timed
    bool timed;
};

// The page is borrowed.
void exposition_begin(struct exposition *e, struct slice page);
// 1: a sample, which points into the page. 0: the end. ERR_CORRUPT: no such text, or cut short; ERR_LIMIT: more samples, labels or a longer
// line than above. The message names the line.
int exposition_next(struct exposition *e, struct exposition_sample *ret, struct err *err);
// The label's value, unescaped, in the arena. NULL: there is none.
const char *exposition_label(const struct exposition_sample *s, const char *name, struct arena *a);
