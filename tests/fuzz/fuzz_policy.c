// The policy loader: any bytes end in a policy or a report, and what it accepts it accepts again in its own words.
#include "policies/policy.h"

#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct buf report, text;
    struct policy p, q;
    struct err e = {0};
    arena_init(&a, 256 << 20);
    buf_init(&report, 1 << 22);
    buf_init(&text, 1 << 24);
    int rc = policy_load_text((struct slice){(const char *)data, size}, "fuzz", &a, &p, &report, &e);
    if (rc == 0) {
        json_t *j = policy_to_json(&p);
        json_write(j, &text);
        json_decref(j);
        if (policy_load_text(buf_slice(&text), "again", &a, &q, &report, &e) || strcmp(p.hash, q.hash) != 0)
            abort();
    } else if (rc != ERR_INVALID || report.len == 0 || !e.msg[0]) {
        abort();
    }
    buf_release(&text);
    buf_release(&report);
    arena_release(&a);
    return 0;
}
