#include "state/pack.h"

#include <stdint.h>
#include <zlib.h>

#include "base/json.h"

enum { LEVEL_OF_JSON = 1 };  // the memo is written far more often than read

int pack_bytes(struct slice bytes, int level, struct buf *out, struct err *err)
{
    if (bytes.len > STATE_BODY_MAX)
        return err_set(err, ERR_LIMIT, "a journal body passes %zu MiB", STATE_BODY_MAX >> 20);
    uLongf packed_len = compressBound(bytes.len);
    Bytef *packed = malloc(packed_len);
    if (!packed || compress2(packed, &packed_len, (const Bytef *)bytes.ptr, bytes.len, level) != Z_OK) {
        free(packed);
        return err_set(err, ERR_NOMEM, "no memory to pack a journal body");
    }
    for (int shift = 0; shift < 32; shift += 8)
        buf_add_char(out, (char)(bytes.len >> shift & 0xff));
    buf_add(out, packed, packed_len);
    free(packed);
    return buf_failed(out) ? err_set(err, ERR_LIMIT, "a packed journal body is too large") : 0;
}

int pack_json(const json_t *j, struct buf *out, struct err *err)
{
    __attribute__((cleanup(buf_release))) struct buf text;
    buf_init(&text, STATE_BODY_MAX);
    json_write(j, &text);
    if (buf_failed(&text))
        return err_set(err, ERR_LIMIT, "a journal body passes %zu MiB", STATE_BODY_MAX >> 20);
    return pack_bytes(buf_slice(&text), LEVEL_OF_JSON, out, err);
}

static int packed_length(struct slice packed, size_t *ret, struct err *err)
{
    if (packed.len < 4)
        return err_set(err, ERR_CORRUPT, "a journal body of %zu bytes", packed.len);
    const unsigned char *p = (const unsigned char *)packed.ptr;
    size_t len = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
    // zlib never packs tighter than about 1,032 to 1: a larger claim is not worth the memory.
    if (len > STATE_BODY_MAX || len / 1100 > packed.len)
        return err_set(err, ERR_CORRUPT, "a journal body of %zu bytes claims to hold %zu", packed.len, len);
    *ret = len;
    return 0;
}

int unpack_bytes(struct slice packed, struct buf *out, struct err *err)
{
    struct arena a;
    struct slice text;
    arena_init(&a, 0);
    int rc = unpack_json(packed, &a, &text, err);
    if (rc == 0)
        buf_add_slice(out, text);
    arena_release(&a);
    return rc;
}

int unpack_json(struct slice packed, struct arena *a, struct slice *ret, struct err *err)
{
    size_t len = 0;
    int rc = packed_length(packed, &len, err);
    if (rc)
        return rc;
    char *text = arena_alloc(a, len + 1, 1);
    uLongf got = len;
    uLong read = packed.len - 4;
    if (uncompress2((Bytef *)text, &got, (const Bytef *)packed.ptr + 4, &read) != Z_OK || got != len || read != packed.len - 4)
        return err_set(err, ERR_CORRUPT, "a journal body does not unpack");
    *ret = (struct slice){text, len};
    return 0;
}
