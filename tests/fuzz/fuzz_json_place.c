// json_place_find: on any bytes it ends and stays inside them; in text that parses, every value is found at its own bytes.
#include "base/json.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VALUES_MAX = 200, DEPTH_MAX = 20 };

static int visited;

// Keys that a path cannot say: empty, or so that another key and a path through it look alike.
static bool path_can_say(const char *key)
{
    return *key && !strpbrk(key, ".[]");
}

static void check_value(struct slice text, const json_t *value, const char *path, struct arena *a, int depth)
{
    struct json_place p;
    if (visited++ >= VALUES_MAX || depth > DEPTH_MAX)
        return;
    if (!json_place_find(text, path, &p))
        abort();
    if (p.offset > text.len || p.len > text.len - p.offset || p.line < 1 || p.column < 1)
        abort();
    json_t *again = NULL;
    if (json_parse((struct slice){text.ptr + p.offset, p.len}, "place", &again, NULL))
        abort();
    if (!json_equal(again, value))
        abort();
    json_decref(again);
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        if (path_can_say(key))
            check_value(text, member, arena_printf(a, "%s%s%s", path, *path ? "." : "", key), a, depth + 1);
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        check_value(text, json_array_get(value, i), arena_printf(a, "%s[%zu]", path, i), a, depth + 1);
}

// Text that parses is text that parses when its lists are cut, and nothing grows.
static void check_shorter(struct slice text)
{
    struct buf b;
    json_t *value = NULL;
    buf_init(&b, text.len + 1);
    if (!json_shorten(text, "a", 1, &b) || b.len > text.len || json_parse(buf_slice(&b), "shorter", &value, NULL))
        abort();
    json_decref(value);
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = {"", "a", "a.b", "[0]", "a[1].b", "[0][0][0]", "clusters[0].fleets[1].id", "[", "a.", "]"};
    struct slice text = {(const char *)data, size};
    struct json_place p;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (json_place_find(text, paths[i], &p) && (p.offset > size || p.len > size - p.offset))
            abort();
    json_t *value = NULL;
    if (json_parse(text, "fuzz", &value, NULL))
        return 0;
    check_shorter(text);
    struct arena a;
    arena_init(&a, 64 << 20);
    visited = 0;
    check_value(text, value, "", &a, 0);
    arena_release(&a);
    json_decref(value);
    return 0;
}
