#include "base/parse.h"
#include "web/ask.h"
#include "web/jsonw.h"

#define LIMIT_DEFAULT 200
#define LIMIT_MAX 1000
#define HOURS_A_DAY 24
#define HOURS_A_MONTH 730

static void write_cost(struct jsonw *j, const char *key, struct view_cost cost)
{
    if (!cost.known) {
        jsonw_null(j, key);
        return;
    }
    jsonw_object(j, key);
    jsonw_int(j, "usd_micro_per_hour", cost.usd_micro);
    jsonw_int(j, "usd_micro_per_day", cost.usd_micro * HOURS_A_DAY);
    jsonw_int(j, "usd_micro_per_month", cost.usd_micro * HOURS_A_MONTH);
    jsonw_end(j);
}

static void write_place(struct jsonw *j, const struct view_cluster *c)
{
    jsonw_str(j, "cluster", c->name);
    jsonw_str(j, "account", c->account);
    jsonw_str(j, "region", c->region);
}

static void write_cluster(struct jsonw *j, const struct view_cluster *c)
{
    jsonw_object(j, NULL);
    write_place(j, c);
    jsonw_int_or_null(j, "tick", c->ticked ? c->tick : 0);
    jsonw_time(j, "at", c->ticked ? c->at_ms : 0);
    jsonw_int(j, "services", (int64_t)c->service_count);
    write_cost(j, "standalone_cost", c->ticked ? c->standalone_cost : (struct view_cost){0});
    write_cost(j, "free_cost", c->ticked ? c->free_cost : (struct view_cost){0});
    jsonw_end(j);
}

static void write_risks(struct jsonw *j, const struct view_service *v)
{
    jsonw_array(j, "risks");
    for (int i = 0; i < v->risk_count; i++) {
        jsonw_object(j, NULL);
        jsonw_str(j, "code", view_risk_name(v->risks[i].kind));
        jsonw_str(j, "fact", v->risks[i].fact);
        jsonw_str(j, "verdict", v->risks[i].verdict);
        jsonw_end(j);
    }
    jsonw_end(j);
}

static void write_amount(struct jsonw *j, const char *key, const struct rightsize_amount *x)
{
    jsonw_object(j, key);
    jsonw_str(j, "advice", rightsize_kind_name(x->kind));
    jsonw_int(j, "reserved", x->reserved);
    jsonw_int(j, "p50", x->p50);
    jsonw_int(j, "p95", x->p95);
    jsonw_int(j, "p99", x->p99);
    jsonw_int(j, "max", x->max);
    jsonw_int_or_null(j, "suggested", x->suggested);
    if (x->suggested > 0)
        jsonw_num(j, "above_percent", x->above_permyriad / 100.0);
    else
        jsonw_null(j, "above_percent");
    jsonw_end(j);
}

// Used amounts only where there are samples: unknown is not zero.
static void write_size(struct jsonw *j, const struct view_cluster *c, const struct view_sizes *all, const char *service)
{
    const struct view_size *x = view_sizes_find(all, service);
    if (!x) {
        jsonw_null(j, "size");
        return;
    }
    bool measured = x->size.samples > 0, priced = measured && c->vcpu_usd_micro > 0;
    jsonw_object(j, "size");
    jsonw_time(j, "from", all->from_ms);
    jsonw_time(j, "to", all->to_ms);
    jsonw_int(j, "samples", x->size.samples);
    jsonw_int(j, "seen_s", x->size.seen_ms / 1000);
    jsonw_str(j, "fact", x->size.fact);
    jsonw_str(j, "verdict", x->size.verdict);
    if (measured) {
        write_amount(j, "cpu_units", &x->size.cpu);
        write_amount(j, "memory_mib", &x->size.memory);
    } else {
        jsonw_null(j, "cpu_units");
        jsonw_null(j, "memory_mib");
    }
    jsonw_bool(j, "mean_of_tasks", x->size.memory.mean_only);
    write_cost(j, "wasted", (struct view_cost){.known = priced, .usd_micro = rightsize_wasted_usd_micro(&x->size, c->vcpu_usd_micro, c->gib_usd_micro)});
    jsonw_end(j);
}

// What load balancers sent, over the window of its size, and what a million of it cost: of what its tasks reserved then, at today's rates.
static void write_requests(struct jsonw *j, const struct view_cluster *c, const struct view_size *x)
{
    bool known = x && x->requests_per_s >= 0;
    double hour = known && x->reserved_cpu_units >= 0 && x->reserved_memory_mib >= 0 && c->vcpu_usd_micro > 0
                      ? (x->reserved_cpu_units * c->vcpu_usd_micro + x->reserved_memory_mib * c->gib_usd_micro) / 1024 : 0;
    double million = known && x->requests_per_s > 0 ? hour / (x->requests_per_s * 3600) * 1e6 : 0;
    if (known)
        jsonw_num(j, "requests_per_s", x->requests_per_s);
    else
        jsonw_null(j, "requests_per_s");
    if (million > 0 && million < 1e15)
        jsonw_int(j, "usd_micro_per_million_requests", (int64_t)(million + 0.5));
    else
        jsonw_null(j, "usd_micro_per_million_requests");
}

static void write_service(struct jsonw *j, const struct view_cluster *c, const struct view_sizes *sizes, const struct view_service *v)
{
    const struct service *x = &c->snapshot->services[v->index];
    const struct deployment *primary = x->primary >= 0 ? &x->deployments[x->primary] : NULL;
    jsonw_object(j, NULL);
    write_place(j, c);
    jsonw_str(j, "name", x->name);
    jsonw_str(j, "kind", x->kind == SERVICE_DAEMON ? "daemon" : "replica");
    jsonw_bool(j, "on_ec2", x->on_ec2);
    jsonw_int(j, "desired", x->desired);
    jsonw_int(j, "running", x->running);
    jsonw_int(j, "pending", x->pending);
    jsonw_int(j, "waiting", v->waiting);
    jsonw_time(j, "waiting_since", v->waiting_since_ms);
    jsonw_str(j, "shape", primary && primary->shape >= 0 ? c->snapshot->shapes[primary->shape].name : NULL);
    jsonw_int_or_null(j, "task_cpu_units", v->task.v[RES_CPU]);
    jsonw_int_or_null(j, "task_memory_mib", v->task.v[RES_MEMORY]);
    jsonw_res(j, "reserved", v->reserved);
    if (c->snapshot->usage.state == SOURCE_OK && v->unmeasured == 0 && v->instances > 0)
        jsonw_res(j, "used", v->used);
    else
        jsonw_null(j, "used");
    write_size(j, c, sizes, x->name);
    write_requests(j, c, view_sizes_find(sizes, x->name));
    jsonw_int(j, "instances", v->instances);
    write_cost(j, "cost", v->cost);
    jsonw_int(j, "min_percent", x->min_percent);
    jsonw_int(j, "max_percent", x->max_percent);
    jsonw_int_or_null(j, "stop_timeout_s", v->stop_timeout_ms / 1000);
    jsonw_bool(j, "deploying", primary && primary->in_progress);
    jsonw_bool(j, "crash_looping", x->crash_looping);
    write_risks(j, v);
    jsonw_end(j);
}

// ---- pages ----------------------------------------------------------------------------------------------------------------
// Clusters in the policy's order, services by name: an order that no tick changes, so that pages have each service once.
struct page {
    const struct view_cluster *only;  // NULL: all
    size_t cluster;                   // where it begins
    const char *after;                // in that cluster, behind this name; "" at its first
    int64_t limit;
};

struct named {
    const char *name;
    const struct view_service *service;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static struct named *sorted(const struct view_cluster *c, struct arena *a)
{
    struct named *list = arena_array(a, struct named, c->service_count);
    for (size_t i = 0; i < c->service_count; i++)
        list[i] = (struct named){c->snapshot->services[c->services[i].index].name, &c->services[i]};
    if (c->service_count)
        qsort(list, c->service_count, sizeof(*list), by_name);
    return list;
}

static bool after_param(const struct web_request *r, struct web_response *w, struct page *p)
{
    const char *text = r->query(r, "after");
    if (!text)
        return true;
    struct slice rest = slice_of(text), number = slice_cut(&rest, ':');
    int64_t cluster;
    if (parse_i64(number, &cluster) && cluster >= 0 && cluster < (int64_t)r->view->cluster_count) {
        p->cluster = (size_t)cluster;
        p->after = arena_strndup(r->arena, rest.ptr, rest.len);
        return true;
    }
    web_problem(w, 400, "after: what an answer before gave as `after` is expected");
    return false;
}

// Writes the page; the cursor of the next one, NULL at the end.
static const char *write_page(struct jsonw *j, const struct web_request *r, const struct page *p)
{
    const char *after = p->after;
    int64_t n = 0;
    for (size_t i = p->cluster; i < r->view->cluster_count; i++, after = "") {
        const struct view_cluster *c = r->view->clusters[i];
        struct named *list = p->only && c != p->only ? NULL : sorted(c, r->arena);
        for (size_t k = 0; list && k < c->service_count; k++) {
            if (strcmp(list[k].name, after) <= 0)
                continue;  // a service has a name, so "" is before all
            if (n++ == p->limit)
                return arena_printf(r->arena, "%zu:%s", i, k ? list[k - 1].name : "");
            write_service(j, c, r->view->sizes[i], list[k].service);
        }
    }
    return NULL;
}

void web_services(struct web_request *r, struct web_response *w)
{
    struct page p = {.after = "", .limit = LIMIT_DEFAULT};
    if (!web_param_int(r, w, "limit", 1, LIMIT_MAX, &p.limit) || !after_param(r, w, &p))
        return;
    r->name = r->query(r, "cluster");
    if (r->name && !(p.only = web_find_cluster(r, w)))
        return;
    struct jsonw j;
    web_json_begin(r, w, &j);
    jsonw_array(&j, "clusters");
    for (size_t i = 0; i < r->view->cluster_count; i++)
        if (!p.only || p.only == r->view->clusters[i])
            write_cluster(&j, r->view->clusters[i]);
    jsonw_end(&j);
    jsonw_array(&j, "services");
    const char *next = write_page(&j, r, &p);
    jsonw_end(&j);
    jsonw_str(&j, "after", next);
    jsonw_end(&j);
}
