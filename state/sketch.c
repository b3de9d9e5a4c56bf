#include "state/sketch.h"

#include <math.h>

#include "state/varint.h"

static const double ERROR = 0.02;

static double log_growth(void)
{
    return log1p(ERROR) - log1p(-ERROR);
}

static int bin_of(int64_t value)
{
    int i = (int)ceil(log((double)value) / log_growth() - 1e-9);  // a hair less, so that a bin's own end stays in it on any machine
    return i < 0 ? 0 : i >= SKETCH_BINS ? SKETCH_BINS - 1 : i;
}

void sketch_add(struct sketch *s, int64_t value, uint32_t times)
{
    assert(value >= 0);
    assert(value <= SKETCH_VALUE_MAX);
    if (value == 0) {
        s->zeros += times;
        s->count += times;
        return;
    }
    uint32_t *bin = &s->bin[bin_of(value)], room = UINT32_MAX - *bin, more = times < room ? times : room;
    *bin += more;
    s->count += more;
}

void sketch_merge(struct sketch *into, const struct sketch *from)
{
    into->zeros += from->zeros;
    into->count += from->zeros;
    for (int i = 0; i < SKETCH_BINS; i++) {
        uint32_t room = UINT32_MAX - into->bin[i], more = from->bin[i] < room ? from->bin[i] : room;
        into->bin[i] += more;
        into->count += more;
    }
}

int64_t sketch_quantile(const struct sketch *s, double q)
{
    assert(s->count > 0);
    double rank = q * (double)(s->count - 1);
    double below = (double)s->zeros;
    if (rank < below)
        return 0;
    int last = 0;
    for (int i = 0; i < SKETCH_BINS; i++) {
        if (s->bin[i] == 0)
            continue;
        last = i;
        below += s->bin[i];
        if (rank < below)
            break;
    }
    return (int64_t)llround(exp(last * log_growth()) * (1 - ERROR));  // = 2 g^i / (g + 1)
}

void sketch_write(const struct sketch *s, struct buf *out)
{
    uint64_t used = 0;
    for (int i = 0; i < SKETCH_BINS; i++)
        used += s->bin[i] > 0;
    varint_add(out, used * 2 + (s->zeros > 0));
    if (s->zeros > 0)
        varint_add(out, s->zeros);
    int next = 0;
    for (int i = 0; i < SKETCH_BINS; i++)
        if (s->bin[i] > 0) {
            varint_add(out, (uint64_t)(i - next));
            varint_add(out, s->bin[i]);
            next = i + 1;
        }
}

static int broken(struct err *err)
{
    return err_set(err, ERR_CORRUPT, "the sketch of a day of history is broken");
}

int sketch_read(struct slice *in, struct sketch *ret, struct err *err)
{
    uint64_t head = 0, skip = 0, count = 0, next = 0;
    *ret = (struct sketch){0};
    if (!varint_take(in, &head) || head / 2 > SKETCH_BINS)
        return broken(err);
    if ((head & 1) && (!varint_take(in, &ret->zeros) || ret->zeros == 0 || ret->zeros > UINT32_MAX))
        return broken(err);
    ret->count = ret->zeros;
    for (uint64_t k = 0; k < head / 2; k++) {
        if (!varint_take(in, &skip) || !varint_take(in, &count) || skip >= SKETCH_BINS - next || count == 0 || count > UINT32_MAX)
            return broken(err);
        ret->bin[next + skip] = (uint32_t)count;
        ret->count += count;
        next += skip + 1;
    }
    return 0;
}
