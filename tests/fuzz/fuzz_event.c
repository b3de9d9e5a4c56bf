// Messages of a queue: whatever the bytes, they are an event or say why not; what it names is well-formed.
#include "scaler/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s)
{
    assert(s != NULL);
    for (; *s; s++)
        assert((unsigned char)*s >= 0x20 && *s != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct err err = {0};
    struct event e;
    arena_init(&a, 0);
    if (event_parse((struct slice){(const char *)data, size}, &a, &e, &err) == 0) {
        const char *const all[] = {e.id, e.type, e.source, e.account, e.region, e.fleet, e.group, e.hook, e.token, e.destination, e.zone, e.cluster, e.service, e.word, e.why};
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            check_text(all[i]);
        assert(e.kind < EVENT_KIND_COUNT);
        assert(*event_kind_name(e.kind));
        assert(e.at_ms >= 0 && e.starts_ms >= 0);
        assert(e.instance_count <= EVENT_INSTANCES_MAX);
        for (size_t i = 0; i < e.instance_count; i++)
            assert(strncmp(e.instances[i], "i-", 2) == 0 && strlen(e.instances[i]) < 48);
        assert(e.instance_count > 0 || (e.kind != EVENT_INTERRUPTION && e.kind != EVENT_REBALANCE));
    } else {
        assert(err.kind == ERR_CORRUPT);
    }
    arena_release(&a);
    return 0;
}
