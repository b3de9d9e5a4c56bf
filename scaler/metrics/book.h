// What tasks of each family use, minute by minute for an hour: from it the 95th percentile. Pure: times are given.
//
// A family is that of a task definition. A measurement is of all its tasks that were seen, and kept as the mean of one. It is doubted, and not
// kept, while it is more than ten times the largest of the hour, until it was so three times in a row: one bad join moves nothing.
// What is negative or not finite is no measurement. Fewer than BOOK_SAMPLES_MIN minutes are no percentile.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BOOK_MINUTES = 60, BOOK_SAMPLES_MIN = 5, BOOK_FAMILIES_MAX = 2048, BOOK_FAMILY_MAX = 256 };

struct book;
struct book *book_new(void);
void book_free(struct book *b);  // NULL-safe

struct book_use {
    double cpu_units, memory_mib;  // of one task
    double largest_mib;            // of that one of them which uses most; 0: not known
};

// All `tasks` of the family that were seen together use that much, the largest of them largest_mib, which is not believed where it is less than
// the mean or more than all. False: not kept, since it is no measurement, or doubted, or of a family too many.
bool book_add(struct book *b, const char *family, int64_t at_ms, struct book_use all, double tasks);

struct book_entry {
    struct book_use p95, newest;
    int64_t at_ms;     // of the newest
    double tasks;      // seen then
    int samples;
};
// False: fewer than BOOK_SAMPLES_MIN minutes of the hour before now_ms are known.
bool book_read(const struct book *b, const char *family, int64_t now_ms, struct book_entry *ret);
size_t book_families(const struct book *b);
