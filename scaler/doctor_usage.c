// What masu doctor sees of the source of measured use that a policy names: does the Prometheus answer its query, do the hosts show cAdvisor?
#include "base/check.h"
#include "scaler/doctor.h"
#include "scaler/metrics/cadvisor.h"
#include "scaler/usage_server.h"

enum { WAIT_MS = 5000, ANSWER_BYTES = 16 << 20, QUERY_BYTES = 16384, HOSTS_MAX = 3 };
#define ADD(...) doctor_add(d, (struct doctor_check){__VA_ARGS__})

static const char *short_name(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

static void run(struct doctor *d, const bool *over)
{
    struct transport *t = d->transport;
    int64_t until_ms = clock_wall_ms(t->clock) + 2 * WAIT_MS;  // a request ends by its own time
    while (!*over && clock_wall_ms(t->clock) < until_ms)
        t->ops->wait(t, until_ms);
}

// ---- a Prometheus ---------------------------------------------------------------------------------------------------------
struct answer {
    struct err err;
    size_t families;
    double tasks;
    bool over;
};

static void on_answer(void *arg, const struct prometheus_answer *a, const struct err *err)
{
    struct answer *to = arg;
    to->over = true;
    to->err = *err;
    for (size_t i = 0; a && i < a->series_count; i++)
        to->tasks += a->series[i].point_count > 0 ? a->series[i].points[0].value : 0;
    to->families = a ? a->series_count : 0;
}

static struct answer ask_prometheus(struct doctor *d, const struct doctor_region *r, const struct policy_cluster *p, const char *query)
{
    struct prometheus_server server;
    struct answer to = {.over = false};
    char secret[SECRET_MAX];
    struct buf text;
    buf_init(&text, QUERY_BYTES);
    usage_query(&text, query, p->name, p->usage.label);
    if (usage_server(d->clients, NULL, r->account, &p->usage, &server, secret, &to.err) == 0) {
        prometheus_ask(d->transport, &server, &(struct prometheus_query){.promql = buf_str(&text), .timeout_ms = WAIT_MS, .max_bytes = ANSWER_BYTES}, on_answer, &to);
        run(d, &to.over);
    }
    buf_release(&text);
    return to;
}

static void judge_overflow(struct doctor *d, const struct doctor_region *r, const struct policy_cluster *p)
{
    struct answer to = ask_prometheus(d, r, p, p->usage.overflow_query);
    const char *name = short_name(p->name);
    if (to.err.kind || to.families == 0)
        ADD("usage", DOCTOR_FAIL, name, arena_printf(d->arena, "overflow_query tells nothing: %s", to.err.kind ? to.err.msg : "no series"),
            "it must answer 0 while no circuit breaker is open: see clusters[].usage.prometheus.overflow_query; until it answers nothing is drained");
    else
        ADD("usage", DOCTOR_OK, name, arena_printf(d->arena, "overflow_query counts %zu series, %s", to.families, to.tasks > 0 ? "some above 0: nothing is drained now" : "none above 0"), NULL);
}

static void judge_prometheus(struct doctor *d, const struct doctor_region *r, const struct policy_cluster *p)
{
    struct answer to = ask_prometheus(d, r, p, p->usage.tasks_query);
    const char *name = short_name(p->name), *where = arena_strdup(d->arena, p->usage.url);
    if (to.err.kind)
        ADD("usage", DOCTOR_FAIL, name, arena_printf(d->arena, "%s tells nothing: %s", where, to.err.msg), "see clusters[].usage.prometheus; until it answers nothing is drained");
    else if (to.families == 0)
        ADD("usage", DOCTOR_WARN, name, arena_printf(d->arena, "%s knows no containers of the cluster", where),
            "is cAdvisor scraped there, with the labels of containers? clusters[].usage.prometheus.tasks_query is what was asked");
    else
        ADD("usage", DOCTOR_OK, name, arena_printf(d->arena, "%s measures %.0f tasks of %zu famil%s", where, to.tasks, to.families, to.families == 1 ? "y" : "ies"), NULL);
    if (policy_usage_overflow_asked(&p->usage))
        judge_overflow(d, r, p);
}

// ---- the hosts ------------------------------------------------------------------------------------------------------------
struct page {
    const char *cluster, *why;  // NULL: it was read
    struct arena *arena;
    size_t containers;
    bool over;
};

static void on_page(void *arg, const struct transport_response *r)
{
    struct page *to = arg;
    struct cadvisor_host *h = cadvisor_host_new();
    struct cadvisor_use use = {0};
    struct err err = r->err;
    to->over = true;
    if (!err.kind && r->status != 200)
        err_set(&err, ERR_TRANSIENT, "HTTP %d", r->status);
    if (!err.kind)
        cadvisor_read(h, &(struct cadvisor_page){.text = r->body, .cluster = to->cluster}, to->arena, &use, &err);
    to->containers = use.containers;
    to->why = err.kind ? arena_strdup(to->arena, err.msg) : NULL;
    cadvisor_host_free(h);
}

// Why it is none that masu could read; NULL: it is one.
static const char *try_host(struct doctor *d, const struct policy_cluster *p, const char *address, size_t *ret_containers)
{
    struct transport *t = d->transport;
    struct page to = {.cluster = short_name(p->name), .arena = d->arena};
    struct err err = {0};
    uint64_t id;
    const char *url = arena_printf(d->arena, "http://%s:%lld%s", address, (long long)p->usage.cadvisor_port, p->usage.cadvisor_path);
    const struct transport_request r = {.method = "GET", .url = url, .timeout_ms = WAIT_MS, .max_response_bytes = ANSWER_BYTES, .direct = true, .outward = true};
    if (t->ops->submit(t, &r, on_page, &to, &id, &err) != 0)
        return arena_strdup(d->arena, err.msg);
    run(d, &to.over);
    *ret_containers = to.containers;
    return to.why;
}

static const char *address_of(const struct doctor_cluster *c, const char *ec2_id)
{
    for (size_t k = 0; k < c->policy->fleet_count; k++)
        for (size_t i = 0; i < c->fleets[k].members.count; i++)
            if (strcmp(c->fleets[k].members.items[i].id, ec2_id) == 0)
                return c->fleets[k].members.items[i].address;
    return "";
}

static void judge_hosts(struct doctor *d, const struct doctor_cluster *c)
{
    const char *name = short_name(c->policy->name), *why = NULL, *where = "";
    size_t asked = 0, containers = 0, some;
    for (size_t i = 0; i < c->instances.count && asked < HOSTS_MAX && why == NULL; i++) {
        const struct ecs_container_instance *x = &c->instances.items[i];
        const char *address = address_of(c, x->ec2_id);
        if (x->running_tasks == 0 || address[0] == '\0')
            continue;
        asked++;
        some = 0;
        why = try_host(d, c->policy, address, &some);
        where = arena_printf(d->arena, "%s at %s:%lld", x->ec2_id, address, (long long)c->policy->usage.cadvisor_port);
        containers += some;
    }
    if (why)
        ADD("usage", DOCTOR_FAIL, name, arena_printf(d->arena, "%s tells nothing: %s", where, why),
            "does cAdvisor run on each host, and may this machine reach clusters[].usage.cadvisor.port there? Until half of them answer nothing is drained");
    else if (asked == 0)
        ADD("usage", DOCTOR_WARN, name, "no host runs tasks whose address is known: no cAdvisor was asked", "ask again when tasks run");
    else
        ADD("usage", DOCTOR_OK, name, arena_printf(d->arena, "cAdvisor on %zu of its hosts was asked, and shows %zu containers of the cluster", asked, containers), NULL);
}

void doctor_check_usage(struct doctor *d, const struct doctor_region *r, const struct doctor_cluster *c)
{
    if (policy_usage_queried(&c->policy->usage))
        judge_prometheus(d, r, c->policy);
    else if (policy_usage_named(&c->policy->usage))
        judge_hosts(d, c);
}
