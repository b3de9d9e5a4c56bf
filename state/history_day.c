#include "state/history_day.h"

#include "state/pack.h"
#include "state/varint.h"

enum { VERSION_PLAIN = 1, VERSION_PACKED = 2, PACK_LEVEL = 9 };

static const struct {
    int64_t ms;
    int slots;
} resolutions[HISTORY_RESOLUTION_COUNT] = {
    [HISTORY_MINUTE] = {60000, 1440},
    [HISTORY_FIVE_MINUTES] = {300000, 288},
    [HISTORY_HOUR] = {3600000, 24},
};

int64_t history_resolution_ms(enum history_resolution r)
{
    return resolutions[r].ms;
}

int history_day_slots(enum history_resolution r)
{
    return resolutions[r].slots;
}

void history_day_clear(struct history_day *d, enum history_resolution r)
{
    d->resolution = r;
    memset(d->bucket, 0, (size_t)resolutions[r].slots * sizeof *d->bucket);
    if (r == HISTORY_HOUR)
        d->sketch = (struct sketch){0};
}

void history_bucket_add(struct history_bucket *b, int64_t value)
{
    assert(value >= 0);
    assert(value <= HISTORY_VALUE_MAX);
    history_bucket_merge(b, &(struct history_bucket){1, value, value, value});
}

void history_bucket_pool(struct history_bucket *into, const struct history_bucket *from)
{
    if (from->count == 0)
        return;
    bool first = into->count == 0;
    into->min = first || from->min < into->min ? from->min : into->min;
    into->max = first || from->max > into->max ? from->max : into->max;
    into->count += from->count;
    if (__builtin_add_overflow(into->sum, from->sum, &into->sum))
        into->sum = INT64_MAX;
}

void history_bucket_merge(struct history_bucket *into, const struct history_bucket *from)
{
    if (into->count + from->count <= HISTORY_BUCKET_SAMPLES_MAX)
        history_bucket_pool(into, from);
}

// ---- writing --------------------------------------------------------------------------------------------------------------

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static int64_t common_unit(const struct history_day *d, int slots)
{
    uint64_t unit = 0;
    for (int i = 0; i < slots && unit != 1; i++)
        if (d->bucket[i].count > 0)
            unit = common_divisor(common_divisor(common_divisor(unit, (uint64_t)d->bucket[i].max), (uint64_t)d->bucket[i].min), (uint64_t)d->bucket[i].sum);
    return unit > 0 ? (int64_t)unit : 1;
}

// Lengths in turn, unknown first, until all slots are told.
static void write_runs(const struct history_day *d, int slots, struct buf *out)
{
    bool known = false;
    for (int i = 0; i < slots;) {
        int begin = i;
        while (i < slots && (d->bucket[i].count > 0) == known)
            i++;
        varint_add(out, (uint64_t)(i - begin));
        known = !known;
    }
}

enum column { COLUMN_MAX, COLUMN_SPREAD, COLUMN_COUNT, COLUMN_SUM, COLUMN_COUNT_ };

static int64_t middle(int64_t count, int64_t min, int64_t max)
{
    return count * (min + max) / 2;
}

static int64_t cell(const struct history_bucket *b, const struct history_bucket *before, enum column c, int64_t unit)
{
    switch (c) {
    case COLUMN_MAX:
        return b->max / unit - before->max / unit;
    case COLUMN_SPREAD:
        return (b->max - b->min) / unit;
    case COLUMN_COUNT:
        return b->count - before->count;
    case COLUMN_SUM:
        return b->sum / unit - middle(b->count, b->min / unit, b->max / unit);
    case COLUMN_COUNT_:
        break;
    }
    assert(!"column");
    return 0;
}

static void write_column(const struct history_day *d, int slots, enum column c, int64_t unit, struct buf *out)
{
    static const struct history_bucket none;
    const struct history_bucket *before = &none;
    uint64_t zeros = 0;
    for (int i = 0; i < slots; i++) {
        const struct history_bucket *b = &d->bucket[i];
        if (b->count == 0)
            continue;
        int64_t v = cell(b, before, c, unit);
        before = b;
        if (v != 0 && zeros > 0) {
            varint_add(out, 0);
            varint_add(out, zeros);
            zeros = 0;
        }
        if (v != 0)
            varint_add(out, varint_fold(v));
        else
            zeros++;
    }
    if (zeros > 0) {
        varint_add(out, 0);
        varint_add(out, zeros);
    }
}

static void write_plain(const struct history_day *d, struct buf *out)
{
    int slots = resolutions[d->resolution].slots;
    int64_t unit = common_unit(d, slots);
    varint_add(out, (uint64_t)unit);
    write_runs(d, slots, out);
    for (int c = 0; c < COLUMN_COUNT_; c++)
        write_column(d, slots, (enum column)c, unit, out);
    if (d->resolution == HISTORY_HOUR)
        sketch_write(&d->sketch, out);
}

// By the hour there is little to gain, and a year of days is read at once.
void history_day_write(const struct history_day *d, struct buf *out)
{
    struct buf plain, packed;
    buf_init(&plain, HISTORY_DAY_BYTES_MAX);
    buf_init(&packed, HISTORY_DAY_BYTES_MAX);
    write_plain(d, &plain);
    bool less = d->resolution != HISTORY_HOUR && pack_bytes(buf_slice(&plain), PACK_LEVEL, &packed, NULL) == 0 && packed.len < plain.len;
    buf_add_char(out, less ? VERSION_PACKED : VERSION_PLAIN);
    buf_add_slice(out, buf_slice(less ? &packed : &plain));
    buf_release(&plain);
    buf_release(&packed);
}

// ---- reading --------------------------------------------------------------------------------------------------------------

static int broken(struct err *err)
{
    return err_set(err, ERR_CORRUPT, "a day of history is broken");
}

// Marks the known buckets with a count of 1.
static bool read_runs(struct slice *in, struct history_day *d, int slots)
{
    bool known = false;
    uint64_t run = 0;
    for (int i = 0, turn = 0; i < slots; turn++) {
        if (!varint_take(in, &run) || run > (uint64_t)(slots - i) || (run == 0 && turn > 0))
            return false;
        for (uint64_t k = 0; k < run; k++)
            d->bucket[i++].count = known;
        known = !known;
    }
    return true;
}

struct reader {
    struct slice *in;
    uint64_t zeros;
};

static bool next_cell(struct reader *r, int64_t *ret)
{
    uint64_t v = 0;
    *ret = 0;
    if (r->zeros > 0) {
        r->zeros--;
        return true;
    }
    if (!varint_take(r->in, &v))
        return false;
    *ret = varint_unfold(v);
    if (v != 0)
        return true;
    if (!varint_take(r->in, &r->zeros) || r->zeros == 0 || r->zeros > HISTORY_SLOTS_MAX)
        return false;
    r->zeros--;
    return true;
}

// In units; whether it may be is seen at once, so that no sum overflows.
static bool set_cell(struct history_bucket *b, const struct history_bucket *before, enum column c, int64_t v, int64_t most)
{
    int64_t bound = most * HISTORY_BUCKET_SAMPLES_MAX;
    if (v > bound || v < -bound)
        return false;
    switch (c) {
    case COLUMN_MAX:
        b->max = before->max + v;
        return b->max >= 0 && b->max <= most;
    case COLUMN_SPREAD:
        b->min = b->max - v;
        return b->min >= 0 && b->min <= b->max;
    case COLUMN_COUNT:
        b->count = before->count + v;
        return b->count > 0 && b->count <= HISTORY_BUCKET_SAMPLES_MAX;
    case COLUMN_SUM:
        b->sum = middle(b->count, b->min, b->max) + v;
        return b->sum >= b->count * b->min && b->sum <= b->count * b->max;
    case COLUMN_COUNT_:
        break;
    }
    return false;
}

static bool read_column(struct slice *in, struct history_day *d, int slots, enum column c, int64_t most)
{
    static const struct history_bucket none;
    const struct history_bucket *before = &none;
    struct reader r = {.in = in};
    for (int i = 0; i < slots; i++) {
        struct history_bucket *b = &d->bucket[i];
        int64_t v;
        if (b->count == 0)
            continue;
        if (!next_cell(&r, &v) || !set_cell(b, before, c, v, most))
            return false;
        before = b;
    }
    return r.zeros == 0;
}

static int read_plain(struct slice in, enum history_resolution r, struct history_day *ret, struct err *err)
{
    int slots = resolutions[r].slots;
    uint64_t unit = 0;
    history_day_clear(ret, r);
    if (!varint_take(&in, &unit) || unit == 0 || unit > HISTORY_VALUE_MAX || !read_runs(&in, ret, slots))
        return broken(err);
    for (int c = 0; c < COLUMN_COUNT_; c++)
        if (!read_column(&in, ret, slots, (enum column)c, HISTORY_VALUE_MAX / (int64_t)unit))
            return broken(err);
    for (int i = 0; i < slots; i++) {
        ret->bucket[i].max *= (int64_t)unit;
        ret->bucket[i].min *= (int64_t)unit;
        ret->bucket[i].sum *= (int64_t)unit;
    }
    if (r == HISTORY_HOUR && sketch_read(&in, &ret->sketch, err) != 0)
        return ERR_CORRUPT;
    return in.len == 0 ? 0 : broken(err);
}

int history_day_read(struct slice packed, enum history_resolution r, struct history_day *ret, struct err *err)
{
    if (packed.len == 0)
        return broken(err);
    struct slice in = {packed.ptr + 1, packed.len - 1}, plain;
    if (packed.ptr[0] == VERSION_PLAIN)
        return read_plain(in, r, ret, err);
    if (packed.ptr[0] != VERSION_PACKED || r == HISTORY_HOUR)
        return broken(err);
    struct arena a;
    arena_init(&a, 0);
    int rc = unpack_json(in, &a, &plain, NULL) == 0 ? read_plain(plain, r, ret, err) : broken(err);
    arena_release(&a);
    return rc;
}
