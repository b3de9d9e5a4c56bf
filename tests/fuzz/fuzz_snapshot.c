// The snapshot's and the memo's readers: any JSON ends in a value or an error with a path, and what was read is written and read
// again to the same text.
#include "planner/model/model_json.h"

#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_text(json_t *j, struct buf *out)
{
    buf_init(out, 1 << 24);
    json_write(j, out);
    json_decref(j);
}

static void must_be_same(struct buf *x, struct buf *y)
{
    if (!slice_eq(buf_slice(x), buf_slice(y)))
        abort();
    buf_release(x);
    buf_release(y);
}

static void check_snapshot(const json_t *j, struct arena *a)
{
    struct snapshot s, again;
    struct err e = {0};
    struct buf x, y;
    if (snapshot_from_json(j, a, &s, &e)) {
        if (e.kind != ERR_INVALID || !strstr(e.msg, ": "))
            abort();
        return;
    }
    json_t *written = snapshot_to_json(&s);
    if (snapshot_from_json(written, a, &again, &e))
        abort();
    write_text(written, &x);
    write_text(snapshot_to_json(&again), &y);
    must_be_same(&x, &y);
}

static void check_memo(const json_t *j, struct arena *a)
{
    struct memo m, again;
    struct buf x, y;
    if (memo_from_json(j, a, &m, NULL))
        return;
    json_t *written = memo_to_json(&m);
    if (memo_from_json(written, a, &again, NULL))
        abort();
    write_text(written, &x);
    write_text(memo_to_json(&again), &y);
    must_be_same(&x, &y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *j = NULL;
    if (json_parse((struct slice){(const char *)data, size}, "fuzz", &j, NULL))
        return 0;
    struct arena a;
    arena_init(&a, 256 << 20);
    check_snapshot(j, &a);
    check_memo(j, &a);
    arena_release(&a);
    json_decref(j);
    return 0;
}
