#include "scaler/metrics/book.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

#define MINUTE_MS 60000
#define JUMP 10.0          // safety.md G2
#define JUMP_FLOOR_CPU 64.0   // below it a jump is no news
#define JUMP_FLOOR_MIB 64.0
#define VALUE_MAX 1e9
#define APART 0.1          // two queries of one moment are not of one sample
enum { JUMPS_BELIEVED = 3, TABLE = 2 * BOOK_FAMILIES_MAX };

struct family {
    char name[BOOK_FAMILY_MAX];
    struct {
        int64_t minute;
        float cpu_units, memory_mib;  // the largest of that minute
    } slots[BOOK_MINUTES];
    struct book_use newest;
    int64_t at_ms;
    double tasks;
    int jumps;
};

struct book {
    struct family *families[TABLE];  // open addressing
    size_t count;
};

struct book *book_new(void)
{
    struct book *b = calloc(1, sizeof *b);
    assert(b);
    return b;
}

void book_free(struct book *b)
{
    for (size_t i = 0; b && i < TABLE; i++)
        free(b->families[i]);
    free(b);
}

size_t book_families(const struct book *b)
{
    return b->count;
}

static size_t slot_of(const struct book *b, const char *name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const char *p = name; *p; p++)
        h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
    size_t i = (size_t)(h % TABLE);
    while (b->families[i] && strcmp(b->families[i]->name, name) != 0)
        i = (i + 1) % TABLE;
    return i;
}

// Families of which nothing was seen for an hour make room.
static void forget_old(struct book *b, int64_t now_ms)
{
    struct family *kept[BOOK_FAMILIES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < TABLE; i++) {
        struct family *f = b->families[i];
        b->families[i] = NULL;
        if (f && now_ms - f->at_ms < BOOK_MINUTES * (int64_t)MINUTE_MS)
            kept[n++] = f;
        else
            free(f);
    }
    b->count = n;
    for (size_t i = 0; i < n; i++)
        b->families[slot_of(b, kept[i]->name)] = kept[i];
}

static bool fresh(const struct family *f, int k, int64_t now_ms)
{
    int64_t minute = now_ms / MINUTE_MS;
    return f->slots[k].minute > minute - BOOK_MINUTES && f->slots[k].minute <= minute && f->slots[k].minute > 0;
}

static struct book_use largest(const struct family *f, int64_t now_ms)
{
    struct book_use most = {0, 0, 0};
    for (int k = 0; k < BOOK_MINUTES; k++) {
        if (!fresh(f, k, now_ms))
            continue;
        most.cpu_units = fmax(most.cpu_units, (double)f->slots[k].cpu_units);
        most.memory_mib = fmax(most.memory_mib, (double)f->slots[k].memory_mib);
    }
    return most;
}

static bool measured(double x)
{
    return isfinite(x) && x >= 0 && x < VALUE_MAX;
}

// Whether it must be so again before it is believed. The first of a family is as good as any.
static bool doubted(struct family *f, const struct book_use *one, int64_t at_ms)
{
    struct book_use most = largest(f, at_ms);
    bool any = f->at_ms > 0 && at_ms - f->at_ms < BOOK_MINUTES * (int64_t)MINUTE_MS;
    bool jump = any && (one->cpu_units > JUMP * fmax(most.cpu_units, JUMP_FLOOR_CPU / JUMP) ||
                        one->memory_mib > JUMP * fmax(most.memory_mib, JUMP_FLOOR_MIB / JUMP));
    f->jumps = jump ? f->jumps + 1 : 0;
    return jump && f->jumps < JUMPS_BELIEVED;
}

bool book_add(struct book *b, const char *family, int64_t at_ms, struct book_use all, double tasks)
{
    size_t i = slot_of(b, family);
    bool known = b->families[i] != NULL;
    if (!measured(all.cpu_units) || !measured(all.memory_mib) || !measured(tasks) || tasks < 1 || at_ms < MINUTE_MS)
        return false;
    if (!known && b->count == BOOK_FAMILIES_MAX) {
        forget_old(b, at_ms);
        i = slot_of(b, family);
    }
    if (!known && (b->count == BOOK_FAMILIES_MAX || *family == '\0' || strlen(family) >= BOOK_FAMILY_MAX))
        return false;
    if (!known) {
        struct family *f = b->families[i] = calloc(1, sizeof *f);
        assert(f);
        snprintf(f->name, sizeof f->name, "%s", family);
        b->count++;
    }
    struct family *f = b->families[i];
    struct book_use one = {all.cpu_units / tasks, all.memory_mib / tasks, 0};
    if (measured(all.largest_mib) && all.largest_mib >= one.memory_mib * (1 - APART) && all.largest_mib <= all.memory_mib * (1 + APART))
        one.largest_mib = fmax(all.largest_mib, one.memory_mib);
    if (at_ms < f->at_ms || doubted(f, &one, at_ms))
        return false;
    int k = (int)(at_ms / MINUTE_MS % BOOK_MINUTES);
    bool same = f->slots[k].minute == at_ms / MINUTE_MS;
    f->slots[k].cpu_units = (float)(same ? fmax((double)f->slots[k].cpu_units, one.cpu_units) : one.cpu_units);
    f->slots[k].memory_mib = (float)(same ? fmax((double)f->slots[k].memory_mib, one.memory_mib) : one.memory_mib);
    f->slots[k].minute = at_ms / MINUTE_MS;
    f->newest = one;
    f->at_ms = at_ms;
    f->tasks = tasks;
    return true;
}

static int ascending(const void *x, const void *y)
{
    float a = *(const float *)x, b = *(const float *)y;
    return (a > b) - (a < b);
}

// The nearest rank: the smallest that 95 % do not pass.
static double p95(float *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, ascending);
    return (double)v[(95 * n + 99) / 100 - 1];
}

bool book_read(const struct book *b, const char *family, int64_t now_ms, struct book_entry *ret)
{
    const struct family *f = b->families[slot_of(b, family)];
    float cpu[BOOK_MINUTES], memory[BOOK_MINUTES];
    int n = 0;
    for (int k = 0; f && k < BOOK_MINUTES; k++)
        if (fresh(f, k, now_ms)) {
            cpu[n] = f->slots[k].cpu_units;
            memory[n++] = f->slots[k].memory_mib;
        }
    if (n < BOOK_SAMPLES_MIN)
        return false;
    *ret = (struct book_entry){.p95 = {p95(cpu, n), p95(memory, n), 0}, .newest = f->newest, .at_ms = f->at_ms, .tasks = f->tasks, .samples = n};
    return true;
}
