// For schema_test.py: writes random snapshots as JSON lines (SEED COUNT), or reads a snapshot file and writes it back (FILE).
#include "planner/model/model_json.h"

#include <stdio.h>

#include "base/json.h"
#include "base/parse.h"
#include "tests/model/random_snapshot.h"

static void print(const struct snapshot *s)
{
    struct buf b;
    buf_init(&b, 1 << 24);
    json_t *j = snapshot_to_json(s);
    json_write(j, &b);
    json_decref(j);
    puts(buf_str(&b));
    buf_release(&b);
}

int main(int argc, char **argv)
{
    uint64_t seed = 0, count = 0;
    struct arena a;
    arena_init(&a, 0);
    if (argc == 2) {
        struct snapshot s;
        struct memo m;
        struct err e = {0};
        int rc = snapshot_read_file(argv[1], &a, &s, &m, &e);
        if (rc == 0)
            print(&s);
        else
            fprintf(stderr, "%s\n", e.msg);
        arena_release(&a);
        return rc ? 1 : 0;
    }
    if (argc != 3 || !parse_u64(slice_of(argv[1]), &seed) || !parse_u64(slice_of(argv[2]), &count))
        return 64;
    for (uint64_t i = 0; i < count; i++) {
        struct rng r;
        rng_init(&r, seed + i);
        struct snapshot s = random_snapshot(&r, &a);
        print(&s);
        arena_reset(&a);
    }
    arena_release(&a);
    return 0;
}
