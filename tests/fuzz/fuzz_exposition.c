// Pages of metrics: whatever the bytes, they are read whole or it is said why not; and as a host's two pages, nothing measured is no number.
#include <math.h>

#include "base/check.h"
#include "scaler/metrics/cadvisor.h"
#include "scaler/metrics/exposition.h"

static int count_labels(const struct exposition_sample *s, struct arena *a)
{
    static const char *const names[] = {"id", "cpu", "x"};
    int n = 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = exposition_label(s, names[i], a);
        assert(value == NULL || strlen(value) <= s->labels.len);
        n += value != NULL;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct exposition e;
    struct exposition_sample s;
    struct err err = {0};
    struct arena a;
    const struct slice page = {(const char *)data, size};
    int rc;
    arena_init(&a, 0);
    exposition_begin(&e, page);
    while ((rc = exposition_next(&e, &s, &err)) == 1) {
        assert(s.name.len > 0);
        assert(count_labels(&s, &a) <= 3);
    }
    assert(rc == 0 || (err.kind == (enum err_kind)rc && err.msg[0]));
    struct cadvisor_host *h = cadvisor_host_new();
    for (int k = 0; k < 2; k++) {
        struct cadvisor_use use;
        int read = cadvisor_read(h, &(struct cadvisor_page){page, "shop", INT64_C(1770000000000) + k * 60000, 120000}, &a, &use, &err);
        assert(rc == 0 || read != 0);
        for (size_t i = 0; read == 0 && i < use.count; i++) {
            assert(isfinite(use.families[i].cores) && use.families[i].cores >= 0);
            assert(use.families[i].bytes >= 0);
            assert(use.families[i].tasks >= 1);
        }
    }
    cadvisor_host_free(h);
    arena_release(&a);
    return 0;
}
