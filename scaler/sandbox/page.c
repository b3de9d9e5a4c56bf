// Pages: a cursor over the world's slots, sealed so that a client cannot read it or use it with other parameters.
#include "scaler/sandbox/page.h"

#include "scaler/sandbox/internal.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"

uint64_t hash_bytes(uint64_t seed, const void *p, size_t len)
{
    const unsigned char *bytes = p;
    uint64_t h = seed ^ 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ bytes[i]) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

// What a token belongs to: region, operation and all parameters but the token itself.
static uint64_t salt_of(struct call *c)
{
    uint64_t h = hash_bytes(c->s->options.seed, c->op->name, strlen(c->op->name));
    h = hash_bytes(h, c->region->name, strlen(c->region->name));
    for (size_t i = 0; i < c->form.count; i++) {
        if (slice_eq_str(c->form.params[i].name, "NextToken"))
            continue;
        h = hash_bytes(h, c->form.params[i].name.ptr, c->form.params[i].name.len);
        h = hash_bytes(h, c->form.params[i].value.ptr, c->form.params[i].value.len);
    }
    const char *key;
    json_t *value;
    json_object_foreach(c->json, key, value) {
        if (strcmp(key, "nextToken") == 0)
            continue;
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        h = hash_bytes(hash_bytes(h, key, strlen(key)), text != NULL ? text : "", text != NULL ? strlen(text) : 0);
        free(text);
    }
    return h;
}

static bool parse_hex64(const char *s, uint64_t *ret)
{
    uint64_t v = 0;
    for (int i = 0; i < 16; i++) {
        char c = s[i];
        int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (d < 0)
            return false;
        v = v << 4 | (uint64_t)d;
    }
    *ret = v;
    return true;
}

bool page_open(struct call *c, const char *token, int64_t limit, struct page *ret)
{
    struct page p = {.limit = limit, .salt = salt_of(c)};
    if (token == NULL || *token == '\0') {
        p.hold_back = c->s->options.empty_pages || c->empty_page;
        *ret = p;
        return true;
    }
    uint64_t seal = 0, hidden = 0;
    if (strlen(token) != 34 || memcmp(token, "eJ", 2) != 0 || !parse_hex64(token + 2, &hidden) || !parse_hex64(token + 18, &seal))
        return false;
    uint64_t next = hidden ^ p.salt;
    if (next > INT32_MAX || hash_bytes(p.salt, &next, sizeof next) != seal)
        return false;
    p.next = (int64_t)next;
    *ret = p;
    return true;
}

bool page_take(struct page *p, int64_t slot)
{
    if (p->more || slot < p->next)
        return false;
    if (p->hold_back || p->limit == 0) {
        p->more = true;
        p->next = slot;
        return false;
    }
    p->limit--;
    return true;
}

const char *page_token(struct call *c, const struct page *p)
{
    if (!p->more)
        return NULL;
    uint64_t next = (uint64_t)p->next;
    return arena_printf(c->arena, "eJ%016llx%016llx", (unsigned long long)(next ^ p->salt),
                        (unsigned long long)hash_bytes(p->salt, &next, sizeof next));
}
