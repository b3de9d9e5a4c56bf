#include "state/pack.h"

#include <stdint.h>
#include <zlib.h>

#include "base/json.h"

int pack_json(const json_t *j, struct buf *out, struct err *err)
{
    __attribute__((cleanup(buf_release))) struct buf text;
    buf_init(&text, STATE_BODY_MAX);
    json_write(j, &text);
    if (buf_failed(&text))
        return err_set(err, ERR_LIMIT, "a journal body passes %zu MiB", STATE_BODY_MAX >> 20);
    uLongf packed_len = compressBound(text.len);
    Bytef *packed = malloc(packed_len);
    // Level 1: bodies are written far more often than read.
    if (!packed || compress2(packed, &packed_len, (const Bytef *)text.data, text.len, 1) != Z_OK) {
        free(packed);
        return err_set(err, ERR_NOMEM, "no memory to pack a journal body");
    }
    for (int shift = 0; shift < 32; shift += 8)
        buf_add_char(out, (char)(text.len >> shift & 0xff));
    buf_add(out, packed, packed_len);
    free(packed);
    return buf_failed(out) ? err_set(err, ERR_LIMIT, "a packed journal body is too large") : 0;
}

int unpack_json(struct slice packed, struct arena *a, struct slice *ret, struct err *err)
{
    if (packed.len < 4)
        return err_set(err, ERR_CORRUPT, "a journal body of %zu bytes", packed.len);
    const unsigned char *p = (const unsigned char *)packed.ptr;
    size_t len = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
    if (len > STATE_BODY_MAX)
        return err_set(err, ERR_CORRUPT, "a journal body claims %zu bytes", len);
    char *text = arena_alloc(a, len + 1, 1);
    uLongf got = len;
    if (uncompress((Bytef *)text, &got, p + 4, packed.len - 4) != Z_OK || got != len)
        return err_set(err, ERR_CORRUPT, "a journal body does not unpack");
    *ret = (struct slice){text, len};
    return 0;
}
