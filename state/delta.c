#include "state/delta.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

// Matches begin at a block of the base and are extended both ways. Equal blocks (the fields of like instances) are many: of
// each kind a few are compared.
enum { BLOCK_BYTES = 16, TRIES_MAX = 8, TABLE_BITS_MIN = 8, TABLE_BITS_MAX = 22 };
#define NO_BLOCK UINT32_MAX

struct block_index {
    struct slice base;
    uint32_t *head, *next;  // by hash; by block
    unsigned bits;
};

struct match {
    size_t at, from, len;  // in the text, in the base; len 0: none
};

struct delta_writer {
    struct slice text;
    struct buf *out;
    size_t done;    // of the text
    size_t expect;  // where in the base reading would go on
};

static uint32_t block_hash(const char *p, unsigned bits)
{
    uint64_t a, b;
    memcpy(&a, p, sizeof a);
    memcpy(&b, p + sizeof a, sizeof b);
    uint64_t h = (a ^ (b * UINT64_C(0x9e3779b97f4a7c15))) * UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)(h >> (64 - bits));
}

static void *must_alloc(size_t count, size_t size)
{
    void *p = malloc(count * size + 1);
    assert(p);  // dying is safe (base/arena.h)
    return p;
}

static void index_blocks(struct block_index *x, struct slice base)
{
    size_t blocks = base.len / BLOCK_BYTES;
    *x = (struct block_index){.base = base, .bits = TABLE_BITS_MIN};
    while (x->bits < TABLE_BITS_MAX && (size_t)1 << x->bits < blocks)
        x->bits++;
    x->head = must_alloc((size_t)1 << x->bits, sizeof *x->head);
    x->next = must_alloc(blocks, sizeof *x->next);
    memset(x->head, 0xff, ((size_t)1 << x->bits) * sizeof *x->head);
    for (size_t i = blocks; i-- > 0;) {  // backwards, so that the first of equal blocks is tried first
        uint32_t *slot = &x->head[block_hash(base.ptr + i * BLOCK_BYTES, x->bits)];
        x->next[i] = *slot;
        *slot = (uint32_t)i;
    }
}

static void release_index(struct block_index *x)
{
    free(x->head);
    free(x->next);
}

static struct match extend(struct slice base, struct slice text, size_t from, size_t at, size_t not_before)
{
    struct match m = {.at = at, .from = from};
    while (m.at > not_before && m.from > 0 && text.ptr[m.at - 1] == base.ptr[m.from - 1]) {
        m.at--;
        m.from--;
    }
    while (m.from + m.len < base.len && m.at + m.len < text.len && base.ptr[m.from + m.len] == text.ptr[m.at + m.len])
        m.len++;
    return m;
}

static bool same_block(struct slice base, size_t from, const char *p)
{
    return from + BLOCK_BYTES <= base.len && memcmp(base.ptr + from, p, BLOCK_BYTES) == 0;
}

// What changed most often kept its length (a time, a count): the place that would follow is tried first.
static struct match find(const struct block_index *x, const struct delta_writer *w, size_t at)
{
    const char *p = w->text.ptr + at;
    size_t follows = w->expect + (at - w->done);
    if (same_block(x->base, follows, p))
        return extend(x->base, w->text, follows, at, w->done);
    struct match best = {.len = 0};
    uint32_t block = x->head[block_hash(p, x->bits)];
    for (int i = 0; i < TRIES_MAX && block != NO_BLOCK; i++, block = x->next[block]) {
        if (!same_block(x->base, (size_t)block * BLOCK_BYTES, p))
            continue;
        struct match m = extend(x->base, w->text, (size_t)block * BLOCK_BYTES, at, w->done);
        if (m.len > best.len)
            best = m;
    }
    return best;
}

static void add_varint(struct buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_add_char(out, (char)((v & 0x7f) | 0x80));
    buf_add_char(out, (char)v);
}

static void insert_until(struct delta_writer *w, size_t end)
{
    if (end == w->done)
        return;
    size_t len = end - w->done;
    add_varint(w->out, (uint64_t)len << 1);
    buf_add(w->out, w->text.ptr + w->done, len);
    w->done = end;
    w->expect += len;
}

static void copy(struct delta_writer *w, struct match m)
{
    insert_until(w, m.at);
    int64_t jump = (int64_t)m.from - (int64_t)w->expect;
    add_varint(w->out, ((uint64_t)m.len << 1) | 1);
    add_varint(w->out, ((uint64_t)jump << 1) ^ (uint64_t)(jump >> 63));
    w->done = m.at + m.len;
    w->expect = m.from + m.len;
}

static uint32_t checksum(struct slice s)
{
    return (uint32_t)crc32_z(0, (const Bytef *)s.ptr, s.len);
}

void delta_make(struct slice base, struct slice text, struct buf *out)
{
    assert(base.len < (size_t)NO_BLOCK * BLOCK_BYTES);
    struct block_index x;
    struct delta_writer w = {.text = text, .out = out};
    uint32_t crc = checksum(text);
    add_varint(out, base.len);
    add_varint(out, text.len);
    for (int shift = 0; shift < 32; shift += 8)
        buf_add_char(out, (char)(crc >> shift & 0xff));
    index_blocks(&x, base);
    for (size_t at = 0; at + BLOCK_BYTES <= text.len;) {
        struct match m = find(&x, &w, at);
        if (m.len == 0) {
            at++;
            continue;
        }
        copy(&w, m);
        at = w.done;
    }
    insert_until(&w, text.len);
    release_index(&x);
}

// ---- reading --------------------------------------------------------------------------------------------------------------
static bool take_varint(struct slice *rest, uint64_t *ret)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 63 && rest->len > 0; shift += 7) {
        unsigned char c = (unsigned char)*rest->ptr;
        rest->ptr++;
        rest->len--;
        v |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) {
            *ret = v;
            return true;
        }
    }
    return false;
}

static bool take_insert(struct slice *rest, size_t len, struct buf *out)
{
    if (len > rest->len)
        return false;
    buf_add(out, rest->ptr, len);
    rest->ptr += len;
    rest->len -= len;
    return true;
}

static bool take_copy(struct slice base, struct slice *rest, size_t len, size_t expect, struct buf *out, size_t *ret_from)
{
    uint64_t folded;
    if (!take_varint(rest, &folded))
        return false;
    int64_t from = (int64_t)expect + ((int64_t)(folded >> 1) ^ -(int64_t)(folded & 1));
    if (from < 0 || (size_t)from > base.len || len > base.len - (size_t)from)
        return false;
    buf_add(out, base.ptr + from, len);
    *ret_from = (size_t)from;
    return true;
}

static bool take_operations(struct slice base, struct slice rest, size_t text_len, struct buf *out)
{
    size_t expect = 0;
    while (out->len < text_len) {
        uint64_t op;
        if (!take_varint(&rest, &op) || op >> 1 == 0 || op >> 1 > text_len - out->len)
            return false;
        size_t len = (size_t)(op >> 1);
        bool fine = op & 1 ? take_copy(base, &rest, len, expect, out, &expect) : take_insert(&rest, len, out);
        if (!fine || buf_failed(out))
            return false;
        expect += len;
    }
    return rest.len == 0;
}

int delta_apply(struct slice base, struct slice delta, struct buf *out, struct err *err)
{
    struct slice rest = delta;
    uint64_t base_len, text_len;
    assert(out->len == 0);
    if (!take_varint(&rest, &base_len) || !take_varint(&rest, &text_len) || rest.len < 4 || text_len > out->max)
        return err_set(err, ERR_CORRUPT, "a delta of the journal has no head");
    if (base_len != base.len)
        return err_set(err, ERR_CORRUPT, "a delta of the journal is of a base of %llu bytes, the base has %zu", (unsigned long long)base_len,
                       base.len);
    uint32_t crc = 0;
    for (int i = 0; i < 4; i++)
        crc |= (uint32_t)(unsigned char)rest.ptr[i] << 8 * i;
    rest = (struct slice){rest.ptr + 4, rest.len - 4};
    if (!take_operations(base, rest, (size_t)text_len, out))
        return err_set(err, ERR_CORRUPT, "a delta of the journal is broken");
    if (checksum(buf_slice(out)) != crc)
        return err_set(err, ERR_CORRUPT, "a delta of the journal gives another text than was written");
    return 0;
}
