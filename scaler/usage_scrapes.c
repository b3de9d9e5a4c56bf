// Rounds of pages: the cAdvisor of each host that runs tasks, a few at once of a cluster and of all, each with its own short time.
//
// A host that hangs costs its own time and one of the places, never the loop; those that failed in the last round come last. What is not
// asked when the next round is due is not asked in this one. Pages of one moment are one measurement of a family.
#include <arpa/inet.h>
#include <math.h>

#include "base/check.h"
#include "base/strmap.h"
#include "scaler/metrics/cadvisor.h"
#include "scaler/usage_source.h"

enum { AT_ONCE = 8, ALL_AT_ONCE = 16, PAGE_BYTES = 16 << 20, URL_BYTES = 4096 };
#define PAGE_TIMEOUT_MS 5000

struct host {
    struct usage_scrapes *of;
    char id[24], address[INET_ADDRSTRLEN];
    struct cadvisor_host *counters;
    uint64_t request;
    bool open, failed, listed;  // failed: in its last round
};

struct usage_scrapes {
    struct usage *u;
    struct host **hosts;
    size_t count;
    bool told, pumping;
    // The round.
    struct arena arena;
    struct strmap map;          // family -> index
    struct cadvisor_family *families;
    size_t family_count, family_cap;
    struct host **order;        // of this round
    size_t order_count, next, open, answered, containers, measured;
    int64_t until_ms, port;
    char cluster[256], path[URL_BYTES];
    int alone;                  // open pages, where they are not shared
    char first[200];            // why the first that failed did
    bool begun;
};

static int64_t now_of(const struct usage_scrapes *s)
{
    return clock_wall_ms(s->u->o.transport->clock);
}

static int *open_pages(struct usage_scrapes *s)
{
    return s->u->o.open_pages ? s->u->o.open_pages : &s->alone;
}

// ---- hosts ----------------------------------------------------------------------------------------------------------------
static void host_free(struct host *h)
{
    cadvisor_host_free(h->counters);
    free(h);
}

// Those that are no more listed and not asked just now.
static void forget_hosts(struct usage_scrapes *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->hosts[i]->listed)
            s->hosts[n++] = s->hosts[i];
        else
            host_free(s->hosts[i]);
    }
    s->count = n;
}

static struct host *host_of(struct usage_scrapes *s, const struct strmap *known, const struct gather_host *x)
{
    int i = strmap_get(known, x->id);
    if (i >= 0)
        return s->hosts[i];
    struct host *h = calloc(1, sizeof *h);
    struct host **hosts = realloc(s->hosts, (s->count + 1) * sizeof *hosts);
    assert(h);
    assert(hosts);
    h->of = s;
    h->counters = cadvisor_host_new();
    snprintf(h->id, sizeof h->id, "%s", x->id);
    s->hosts = hosts;
    return s->hosts[s->count++] = h;
}

void usage_scrapes_hosts(struct usage_scrapes *s, const struct gather_host *hosts, size_t count)
{
    _cleanup_(arena_release) struct arena a;
    struct strmap known;
    struct in_addr ignored;
    arena_init(&a, 0);  // of the hosts kept
    strmap_init(&known, &a, s->count);
    for (size_t i = 0; i < s->count; i++) {
        s->hosts[i]->listed = false;
        strmap_put(&known, s->hosts[i]->id, (int)i);
    }
    for (size_t i = 0; i < count; i++) {
        if (inet_pton(AF_INET, hosts[i].address, &ignored) != 1)
            continue;
        struct host *h = host_of(s, &known, &hosts[i]);
        snprintf(h->address, sizeof h->address, "%s", hosts[i].address);
        h->listed = true;
    }
    s->told = true;
    if (!s->begun)
        forget_hosts(s);
}

bool usage_scrapes_told(const struct usage_scrapes *s)
{
    return s->told;
}

// ---- a round --------------------------------------------------------------------------------------------------------------
static void add_family(struct usage_scrapes *s, const struct cadvisor_family *x)
{
    int i = strmap_get(&s->map, x->family);
    if (i < 0) {
        s->families = arena_grow(&s->arena, s->families, s->family_count, &s->family_cap, sizeof *s->families);
        s->families[i = (int)s->family_count++] = (struct cadvisor_family){.family = arena_strdup(&s->arena, x->family)};
        strmap_put(&s->map, s->families[i].family, i);
    }
    s->families[i].cores += x->cores;
    s->families[i].bytes += x->bytes;
    s->families[i].tasks += x->tasks;
    s->families[i].blind |= x->largest_bytes <= 0;
    s->families[i].largest_bytes = s->families[i].blind ? 0 : fmax(s->families[i].largest_bytes, x->largest_bytes);
}

static void end_round(struct usage_scrapes *s)
{
    struct usage *u = s->u;
    size_t failed = s->order_count - s->answered;
    s->begun = false;
    u->error[0] = '\0';
    if (failed > 0)
        snprintf(u->error, sizeof u->error, "%zu of %zu hosts told nothing: %s", failed, s->order_count, s->first[0] ? s->first : "no time was left to ask them");
    else if (s->containers > 0 && s->measured == 0)
        snprintf(u->error, sizeof u->error, "no container is measured yet: rates come with the second page of a host");
    if (2 * s->answered >= s->order_count && (s->measured > 0 || s->order_count == 0)) {
        u->good_ms = now_of(s);
        for (size_t i = 0; i < s->family_count; i++)
            book_add(u->book, s->families[i].family, u->good_ms, usage_of(s->families[i].cores, s->families[i].bytes, s->families[i].largest_bytes), s->families[i].tasks);
    }
    arena_release(&s->arena);
    forget_hosts(s);
}

static void fail(struct usage_scrapes *s, struct host *h, const char *why)
{
    h->failed = true;
    if (!s->first[0])
        snprintf(s->first, sizeof s->first, "%s at %s: %s", h->id, h->address, why);
}

static int read_page(struct usage_scrapes *s, struct host *h, const struct transport_response *r, struct arena *a, struct cadvisor_use *ret, struct err *err)
{
    struct transport *t = s->u->o.transport;
    if (r->err.kind) {
        *err = r->err;
        return r->err.kind;
    }
    if (r->status != 200)
        return err_set(err, ERR_TRANSIENT, "HTTP %d", r->status);
    const struct cadvisor_page page = {.text = r->body, .cluster = s->cluster, .at_ms = t->ops->wire_ms(t), .stale_ms = s->u->stale_ms};
    return cadvisor_read(h->counters, &page, a, ret, err);
}

static void pump(struct usage_scrapes *s);

static void on_page(void *arg, const struct transport_response *r)
{
    struct host *h = arg;
    struct usage_scrapes *s = h->of;
    struct cadvisor_use use = {0};
    struct err err = {0};
    struct arena a;
    arena_init(&a, 0);  // the page is limited
    h->open = false;
    s->open--;
    --*open_pages(s);
    if (read_page(s, h, r, &a, &use, &err) == 0) {
        s->answered++;
        s->containers += use.containers;
        s->measured += use.measured;
        for (size_t i = 0; i < use.count; i++)
            add_family(s, &use.families[i]);
    } else {
        fail(s, h, err.msg);
    }
    arena_release(&a);
    pump(s);
}

static void ask(struct usage_scrapes *s, struct host *h)
{
    static const struct http_header accept = {SLICE_LIT("Accept"), SLICE_LIT("text/plain;version=0.0.4")};
    struct transport *t = s->u->o.transport;
    struct err err = {0};
    char url[URL_BYTES + 64];
    snprintf(url, sizeof url, "http://%s:%lld%s", h->address, (long long)s->port, s->path);
    const struct transport_request r = {.method = "GET", .url = url, .headers = &accept, .header_count = 1, .timeout_ms = PAGE_TIMEOUT_MS,
                                        .max_response_bytes = PAGE_BYTES, .direct = true, .outward = true};
    h->open = true;
    h->failed = false;
    s->open++;
    ++*open_pages(s);
    if (t->ops->submit(t, &r, on_page, h, &h->request, &err) != 0) {
        h->open = false;
        s->open--;
        --*open_pages(s);
        fail(s, h, err.msg);
    }
}

// Asks as many as may be asked at once; over when none is left. A transport may answer before submit returns.
static void pump(struct usage_scrapes *s)
{
    if (s->pumping)
        return;
    s->pumping = true;
    while (s->open < AT_ONCE && *open_pages(s) < ALL_AT_ONCE && s->next < s->order_count && now_of(s) < s->until_ms)
        ask(s, s->order[s->next++]);
    s->pumping = false;
    if (s->open == 0 && s->begun && (s->next == s->order_count || now_of(s) >= s->until_ms))
        end_round(s);
}

void usage_scrapes_turn(struct usage_scrapes *s)
{
    if (s->begun)
        pump(s);
}

bool usage_scrapes_open(const struct usage_scrapes *s)
{
    return s->begun;
}

void usage_scrapes_begin(struct usage_scrapes *s, const struct policy_cluster *p)
{
    const char *slash = strrchr(p->name, '/');
    arena_init(&s->arena, 0);  // of what pages told, which are limited
    strmap_init(&s->map, &s->arena, 256);
    s->families = NULL;
    s->family_count = s->family_cap = s->next = s->order_count = s->answered = s->containers = s->measured = 0;
    s->first[0] = '\0';
    s->until_ms = now_of(s) + p->usage.every_ms;
    s->port = p->usage.cadvisor_port;
    snprintf(s->cluster, sizeof s->cluster, "%s", slash ? slash + 1 : p->name);
    snprintf(s->path, sizeof s->path, "%s", p->usage.cadvisor_path);
    s->order = arena_array(&s->arena, struct host *, s->count + 1);
    for (int last = 0; last < 2; last++)
        for (size_t i = 0; i < s->count; i++)
            if (s->hosts[i]->failed == (last == 1))
                s->order[s->order_count++] = s->hosts[i];
    s->begun = true;
    pump(s);
}

// ---- life -----------------------------------------------------------------------------------------------------------------
struct usage_scrapes *usage_scrapes_new(struct usage *u)
{
    struct usage_scrapes *s = calloc(1, sizeof *s);
    assert(s);
    s->u = u;
    return s;
}

void usage_scrapes_free(struct usage_scrapes *s)
{
    if (s == NULL)
        return;
    s->next = s->order_count;  // no more are asked
    for (size_t i = 0; i < s->count && s->begun; i++)
        if (s->hosts[i]->open)
            s->u->o.transport->ops->cancel(s->u->o.transport, s->hosts[i]->request);
    if (s->begun)  // none was open
        arena_release(&s->arena);
    for (size_t i = 0; i < s->count; i++)
        host_free(s->hosts[i]);
    free(s->hosts);
    free(s);
}
