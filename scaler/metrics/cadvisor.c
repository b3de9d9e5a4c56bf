#include "scaler/metrics/cadvisor.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "scaler/metrics/exposition.h"
#include "base/strmap.h"

#define LABEL "container_label_com_amazonaws_ecs_"
#define STEP_MIN_MS 5000          // less apart is noise: the older counter stays the base
#define STEP_MAX_MS 900000        // a rate over longer is no news
enum { CONTAINERS_MAX = 4096 };

struct counter {                  // of a container, kept between pages
    uint64_t id;                  // its cgroup's hash
    double seconds, cores;
    int64_t at_ms;
    bool rated;                   // cores is known
};

struct cadvisor_host {
    struct counter *v;            // by id
    size_t count;
};

struct container {
    const char *id, *family, *task, *name;  // task "": not known which
    double seconds, bytes, cores;
    int64_t cpu_ms, memory_ms;    // oldest sample; 0: none seen
    bool wrong, measured;
};

struct reading {
    const struct cadvisor_page *page;
    struct arena *a;
    struct strmap map, cpus;      // containers by id; series of CPU seen, where one container has several
    struct container *v;
    size_t count, cap;
};

// ---- the page -------------------------------------------------------------------------------------------------------------
static bool of_cluster(const struct reading *r, const char *cluster)
{
    const char *slash = cluster ? strrchr(cluster, '/') : NULL;
    return cluster == NULL || strcmp(slash ? slash + 1 : cluster, r->page->cluster) == 0;
}

// The cgroup that ECS's agent makes for a task is the one above its containers. "": it made none.
static const char *task_of_cgroup(const char *id, struct arena *a)
{
    const char *last = strrchr(id, '/');
    bool v2 = strstr(id, "/ecstasks-") != NULL && strstr(id, "/ecstasks-") < last, v1 = strncmp(id, "/ecs/", 5) == 0 && last > id + 4;
    return v1 || v2 ? arena_strndup(a, id, (size_t)(last - id)) : "";
}

// NULL: it is not one of the cluster's.
static struct container *container_of(struct reading *r, const struct exposition_sample *s)
{
    const char *id = exposition_label(s, "id", r->a), *arn, *name;
    int i = id ? strmap_get(&r->map, id) : -1;
    if (i >= 0)
        return &r->v[i];
    const char *family = exposition_label(s, LABEL "task_definition_family", r->a);
    if (id == NULL || family == NULL || !*family || !of_cluster(r, exposition_label(s, LABEL "cluster", r->a)))
        return NULL;
    arn = exposition_label(s, LABEL "task_arn", r->a);
    name = exposition_label(s, LABEL "container_name", r->a);
    r->v = arena_grow(r->a, r->v, r->count, &r->cap, sizeof *r->v);
    r->v[r->count] = (struct container){.id = id, .family = family, .task = arn && *arn ? arn : task_of_cgroup(id, r->a), .name = name ? name : ""};
    strmap_put(&r->map, id, (int)r->count);
    return &r->v[r->count++];
}

static void note_time(int64_t *oldest_ms, int64_t at_ms)
{
    if (*oldest_ms == 0 || at_ms < *oldest_ms)
        *oldest_ms = at_ms;
}

// One series, or one for each processor.
static void take_cpu(struct reading *r, struct container *c, const struct exposition_sample *s, int64_t at_ms)
{
    const char *cpu = exposition_label(s, "cpu", r->a), *key = arena_printf(r->a, "%s\n%s", c->id, cpu ? cpu : "total");
    const char *total = arena_printf(r->a, "%s\ntotal", c->id);
    bool twice = strmap_get(&r->cpus, key) >= 0 || (c->cpu_ms && (strcmp(key, total) == 0 || strmap_get(&r->cpus, total) >= 0));
    strmap_put(&r->cpus, key, 1);
    c->wrong |= twice || !isfinite(s->value) || s->value < 0;
    c->seconds += s->value;
    note_time(&c->cpu_ms, at_ms);
}

static void take_memory(struct container *c, const struct exposition_sample *s, int64_t at_ms)
{
    c->wrong |= c->memory_ms != 0 || !isfinite(s->value) || s->value < 0;
    c->bytes = s->value;
    note_time(&c->memory_ms, at_ms);
}

static int read_page(struct reading *r, struct err *err)
{
    struct exposition e;
    struct exposition_sample s;
    exposition_begin(&e, r->page->text);
    int rc;
    while ((rc = exposition_next(&e, &s, err)) == 1) {
        bool cpu = slice_eq_str(s.name, "container_cpu_usage_seconds_total");
        if (!cpu && !slice_eq_str(s.name, "container_memory_working_set_bytes"))
            continue;
        struct container *c = container_of(r, &s);
        if (c == NULL)
            continue;
        if (r->count > CONTAINERS_MAX)
            return err_set(err, ERR_LIMIT, "more than %d containers", CONTAINERS_MAX);
        int64_t at_ms = s.timed && s.at_ms > 0 ? s.at_ms : r->page->at_ms;
        if (cpu)
            take_cpu(r, c, &s, at_ms);
        else
            take_memory(c, &s, at_ms);
    }
    return rc;
}

// ---- rates ----------------------------------------------------------------------------------------------------------------
static uint64_t hash_of(const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const char *p = text; *p; p++)
        h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
    return h;
}

static int by_id(const void *x, const void *y)
{
    const struct counter *a = x, *b = y;
    return (a->id > b->id) - (a->id < b->id);
}

// What it is from now on, by what it was. A counter that went back begins anew: what it missed is not known.
static struct counter advance(const struct counter *was, uint64_t id, double seconds, int64_t at_ms)
{
    struct counter now = {.id = id, .seconds = seconds, .at_ms = at_ms};
    if (was == NULL || seconds < was->seconds || at_ms < was->at_ms || at_ms - was->at_ms > STEP_MAX_MS)
        return now;
    if (at_ms - was->at_ms < STEP_MIN_MS)
        return *was;
    now.cores = (seconds - was->seconds) * 1000 / (double)(at_ms - was->at_ms);
    now.rated = true;
    return now;
}

static void rate(struct cadvisor_host *h, struct reading *r)
{
    const struct cadvisor_page *p = r->page;
    struct counter *v = calloc(r->count + 1, sizeof *v);
    size_t n = 0;
    assert(v);
    for (size_t i = 0; i < r->count; i++) {
        struct container *c = &r->v[i];
        struct counter key = {.id = hash_of(c->id)};
        if (c->wrong || c->cpu_ms == 0 || !isfinite(c->seconds))
            continue;
        const struct counter *was = h->count > 0 ? bsearch(&key, h->v, h->count, sizeof *h->v, by_id) : NULL;
        v[n] = advance(was, key.id, c->seconds, c->cpu_ms);
        c->cores = v[n].cores;
        c->measured = v[n++].rated && c->memory_ms > 0 && llabs(p->at_ms - c->cpu_ms) <= p->stale_ms && llabs(p->at_ms - c->memory_ms) <= p->stale_ms;
    }
    qsort(v, n, sizeof *v, by_id);
    free(h->v);
    h->v = v;
    h->count = n;
}

// ---- tasks ----------------------------------------------------------------------------------------------------------------
static struct cadvisor_family *family_of(struct reading *r, struct strmap *map, struct cadvisor_use *u, const char *family)
{
    int i = strmap_get(map, family);
    if (i < 0) {
        strmap_put(map, family, i = (int)u->count);
        u->families[u->count++] = (struct cadvisor_family){.family = arena_strdup(r->a, family)};
    }
    return &u->families[i];
}

// Without a task's name each container counts for itself, and the most of one name are how many tasks there are.
static void count_unnamed(struct reading *r, struct strmap *families, struct cadvisor_use *u, struct strmap *names, const struct container *c)
{
    const char *key = arena_printf(r->a, "%s\n%s", c->family, c->name);
    int n = strmap_get(names, key) < 0 ? 1 : strmap_get(names, key) + 1;
    struct cadvisor_family *f = family_of(r, families, u, c->family);
    strmap_put(names, key, n);
    f->cores += c->cores;
    f->bytes += c->bytes;
    f->tasks = fmax(f->tasks, n);
    f->blind = true;
}

// The task's own sum, known once its last container was added.
static void add_to_task(struct cadvisor_family *f, double *task_bytes, const struct container *c)
{
    *task_bytes += c->bytes;
    f->cores += c->cores;
    f->bytes += c->bytes;
    f->largest_bytes = fmax(f->largest_bytes, *task_bytes);
}

static void sum(struct reading *r, struct cadvisor_use *ret)
{
    struct strmap families, tasks, names;
    struct cadvisor_use u = {.families = arena_array(r->a, struct cadvisor_family, r->count + 1), .containers = r->count};
    double *task_bytes = arena_array(r->a, double, r->count + 1);
    size_t task_count = 0;
    strmap_init(&families, r->a, 64);
    strmap_init(&tasks, r->a, r->count);
    strmap_init(&names, r->a, 64);
    for (size_t i = 0; i < r->count; i++)
        if (!r->v[i].measured && *r->v[i].task)
            strmap_put(&tasks, r->v[i].task, -2);  // not to be counted
    for (size_t i = 0; i < r->count; i++) {
        const struct container *c = &r->v[i];
        int seen = *c->task ? strmap_get(&tasks, c->task) : -1;
        if (!c->measured || seen == -2)
            continue;
        u.measured++;
        if (!*c->task) {
            count_unnamed(r, &families, &u, &names, c);
            continue;
        }
        struct cadvisor_family *f = family_of(r, &families, &u, c->family);
        f->tasks += seen < 0;
        if (seen < 0)
            strmap_put(&tasks, c->task, seen = (int)task_count++);
        add_to_task(f, &task_bytes[seen], c);
    }
    for (size_t i = 0; i < u.count; i++)
        u.families[i].largest_bytes = u.families[i].blind ? 0 : u.families[i].largest_bytes;
    *ret = u;
}

int cadvisor_read(struct cadvisor_host *h, const struct cadvisor_page *page, struct arena *a, struct cadvisor_use *ret, struct err *err)
{
    struct reading r = {.page = page, .a = a};
    strmap_init(&r.map, a, 256);
    strmap_init(&r.cpus, a, 256);
    int rc = read_page(&r, err);
    if (rc)
        return rc;
    if (r.count == 0)
        return err_set(err, ERR_NOT_FOUND, "shows no container of %s with the label of its family: does cAdvisor store the labels of containers?", page->cluster);
    rate(h, &r);
    sum(&r, ret);
    return 0;
}

// ---- life -----------------------------------------------------------------------------------------------------------------
struct cadvisor_host *cadvisor_host_new(void)
{
    struct cadvisor_host *h = calloc(1, sizeof *h);
    assert(h);
    return h;
}

void cadvisor_host_free(struct cadvisor_host *h)
{
    if (h == NULL)
        return;
    free(h->v);
    free(h);
}
