// What a browser may send: path, query parameters, Host, Accept-Encoding and If-None-Match, one a line, against the routes over
// the test cluster. The answer must be an answer: a known status, and a body that parses where it says it is JSON.
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "tests/state/facts.h"
#include "web/address.h"
#include "web/reply.h"
#include "web/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const keys[] = {"region", "account", "cluster", "from", "to", "step", "before", "limit", "acting"};

struct query {
    const char *values[ARRAY_LEN(keys)];
};

static const char *query_value(const struct web_request *r, const char *key)
{
    const struct query *q = r->arg;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (strcmp(keys[i], key) == 0)
            return q->values[i];
    return NULL;
}

static struct view_box *shared_box(void)
{
    static struct view_box box;
    static struct facts f;
    if (box.current)
        return &box;
    facts_fill(&f, FACTS_NOW_MS);
    view_box_init(&box, &f.policy, &(struct view_daemon){.version = "1", .speed = 1});
    const struct view_tick t = {.snapshot = &f.snapshot, .plan = &f.plan, .memo = &f.memo, .tick = 1, .policy_hash = ""};
    view_box_publish(&box, 0, &f.policy_clusters[0], &t);
    return &box;
}

static void ask(struct web_request *r, struct slice path)
{
    struct web_response w = {0};
    buf_init(&w.body, 1 << 20);
    slice_cut(&path, '/');
    while (path.len && r->part_count < (int)ARRAY_LEN(r->parts))
        r->parts[r->part_count++] = slice_cut(&path, '/');
    web_route(r, &w);
    assert(w.status == 200 || w.status == 400 || w.status == 404 || w.status == 503);
    if (!w.asset && w.type != WEB_METRICS) {
        json_t *j = NULL;
        int rc = json_parse(buf_slice(&w.body), "answer", &j, NULL);
        assert(rc == 0);
        json_decref(j);
    }
    buf_release(&w.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct slice rest = {(const char *)data, size}, path = slice_cut(&rest, '\n');
    struct query q = {0};
    for (size_t i = 0; i < ARRAY_LEN(keys) && rest.len; i++) {
        struct slice line = slice_cut(&rest, '\n');
        if (line.len)
            q.values[i] = arena_strndup(&arena, line.ptr, line.len);
    }
    struct slice host = slice_cut(&rest, '\n');
    struct web_address listen;
    int rc = web_address_parse("127.0.0.1:8080", &listen, NULL);
    assert(rc == 0);
    web_host_allowed(&(struct web_hosts){.listen = &listen}, host);
    web_address_parse(arena_strndup(&arena, host.ptr, host.len), &listen, NULL);
    const char *header = arena_strndup(&arena, rest.ptr, rest.len);
    web_accepts_gzip(header);
    web_etag_matches(header, "\"0123456789abcdef\"");

    struct web_history *history = web_history_new("");
    struct web_request r = {.query = query_value, .arg = &q, .view = view_acquire(shared_box()), .history = history,
                            .now_ms = FACTS_NOW_MS, .arena = &arena};
    ask(&r, path);
    view_release((struct view *)r.view);
    web_history_free(history);
    arena_release(&arena);
    return 0;
}
