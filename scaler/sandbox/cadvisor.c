// What cAdvisor would show of the hosts: GET /cadvisor/metrics of all, /cadvisor/INSTANCE/metrics of one, in Prometheus's text form; /metrics
// of the one at whose private address it is asked.
//
// Written from cAdvisor's documentation of its metrics and labels. Tasks use a share of what they reserve that is their family's own;
// ?percent=N scales it. Every other host has cgroup v2, the others v1; each also shows the root and the task's own group, which carry no label
// of Docker and would count twice.
#include "scaler/sandbox/internal.h"

#include <string.h>

enum { MIB = 1 << 20 };

struct host_page {
    struct sandbox *s;
    struct world_view v;
    struct buf *out;
    double percent;
    struct slice only;  // an instance's id; empty: all
};

static double share_of(const char *family, uint64_t seed, double least, double spread)
{
    return least + spread * (double)(hash_bytes(seed, family, strlen(family)) % 1000) / 1000;
}

struct res sandbox_use_of(const char *family, struct res need)
{
    return res_make((int64_t)((double)need.v[RES_CPU] * share_of(family, 1, 0.3, 0.4)), (int64_t)((double)need.v[RES_MEMORY] * share_of(family, 2, 0.5, 0.3)));
}

static void write_labels(const struct host_page *p, const struct world_task *t, const struct world_taskdef *d, const char *container)
{
    const char *cluster = p->v.clusters[t->cluster].name;
    bool v2 = t->instance % 2 == 0;
    buf_printf(p->out, v2 ? "{id=\"/ecstasks.slice/ecstasks-%s.slice/docker-%s%s.scope\"," : "{id=\"/ecs/%s/%s%s\",", t->id, t->id, container);
    buf_printf(p->out, "name=\"ecs-%s-%d-%s\",image=\"%s:%d\",", d->family, d->revision, container, d->family, d->revision);
    buf_printf(p->out, "container_label_com_amazonaws_ecs_cluster=\"%s\",container_label_com_amazonaws_ecs_container_name=\"%s\",", cluster, container);
    buf_printf(p->out, "container_label_com_amazonaws_ecs_task_arn=\"arn:aws:ecs:%s:%s:task/%s/%s\",", p->v.region, p->v.account, cluster, t->id);
    buf_printf(p->out, "container_label_com_amazonaws_ecs_task_definition_family=\"%s\",container_label_com_amazonaws_ecs_task_definition_version=\"%d\"", d->family,
               d->revision);
}

static bool shown(const struct host_page *p, const struct world_task *t)
{
    return t->used && t->instance >= 0 && t->last.now == WT_RUNNING && t->started_ms > 0 &&
           (p->only.len == 0 || slice_eq_str(p->only, p->v.instances[t->instance].id));
}

static void write_cpu(const struct host_page *p, const struct world_task *t, const struct world_taskdef *d)
{
    double cores = (double)sandbox_use_of(d->family, t->need).v[RES_CPU] / 1024 * p->percent / 100, seconds = (double)(p->v.now_ms - t->started_ms) / 1000;
    for (int k = 0; k < d->container_count; k++) {
        buf_add_str(p->out, "container_cpu_usage_seconds_total");
        write_labels(p, t, d, d->containers[k].name);
        buf_printf(p->out, ",cpu=\"total\"} %.9g\n", cores * seconds / d->container_count);
    }
    buf_printf(p->out, "container_cpu_usage_seconds_total{id=\"/ecs/%s\",cpu=\"total\"} %.9g\n", t->id, cores * seconds);
}

static void write_memory(const struct host_page *p, const struct world_task *t, const struct world_taskdef *d)
{
    double bytes = (double)sandbox_use_of(d->family, t->need).v[RES_MEMORY] * MIB * p->percent / 100;
    for (int k = 0; k < d->container_count; k++) {
        buf_add_str(p->out, "container_memory_working_set_bytes");
        write_labels(p, t, d, d->containers[k].name);
        buf_printf(p->out, "} %.0f\n", bytes / d->container_count);
    }
    buf_printf(p->out, "container_memory_working_set_bytes{id=\"/ecs/%s\"} %.0f\n", t->id, bytes);
}

static void write_given(const struct host_page *p, const struct world_task *t, const struct world_taskdef *d, const char *name, int64_t amount)
{
    for (int k = 0; k < d->container_count; k++) {
        buf_add_str(p->out, name);
        write_labels(p, t, d, d->containers[k].name);
        buf_printf(p->out, "} %lld\n", (long long)(amount / d->container_count));
    }
}

static void write_shares(const struct host_page *p, const struct world_task *t, const struct world_taskdef *d)
{
    write_given(p, t, d, "container_spec_cpu_shares", t->need.v[RES_CPU]);
}

static void write_reservation(const struct host_page *p, const struct world_task *t, const struct world_taskdef *d)
{
    write_given(p, t, d, "container_spec_memory_reservation_limit_bytes", t->need.v[RES_MEMORY] * MIB);
}

typedef void write_fn(const struct host_page *p, const struct world_task *t, const struct world_taskdef *d);

static void write_metric(struct host_page *p, const char *name, const char *type, write_fn *write)
{
    buf_printf(p->out, "# TYPE %s %s\n", name, type);
    for (int r = 0; r < p->s->region_count; r++) {
        p->v = world_view(p->s->regions[r].world);
        for (int i = 0; i < p->v.task_count; i++)
            if (shown(p, &p->v.tasks[i]))
                write(p, &p->v.tasks[i], &p->v.taskdefs[p->v.tasks[i].taskdef]);
    }
}

static double percent_of(struct slice query)
{
    double n = 0;
    for (size_t i = 8; slice_starts(query, "percent=") && i < query.len && query.ptr[i] >= '0' && query.ptr[i] <= '9' && n < 10000; i++)
        n = n * 10 + (query.ptr[i] - '0');
    return n > 0 ? n : 100;
}

// The running instance that has the address; "" none.
static struct slice at_address(struct sandbox *s, struct slice address)
{
    for (int k = 0; k < s->region_count; k++) {
        struct world_view v = world_view(s->regions[k].world);
        for (int i = 0; i < v.instance_count; i++) {
            const struct world_instance *in = &v.instances[i];
            if (in->used && world_seen(&in->state, v.now_ms) == WL_RUNNING && slice_eq_str(address, play_ec2_address(&v, in, &s->arena)))
                return slice_of(in->id);
        }
    }
    return (struct slice){"", 0};
}

void cadvisor_handle(struct sandbox *s, const struct sandbox_request *r, struct sandbox_response *ret)
{
    struct host_page p = {.s = s, .out = &ret->body, .percent = percent_of(r->query)};
    struct slice path = r->path, host = request_header(r, "host");
    bool of_host = slice_eq_str(path, "/metrics");
    if (of_host)
        p.only = at_address(s, slice_cut(&host, ':'));
    else
        path = (struct slice){path.ptr + strlen(SANDBOX_CADVISOR_PATH), path.len - strlen(SANDBOX_CADVISOR_PATH)};
    if (!of_host && !slice_eq_str(path, "metrics"))
        p.only = slice_cut(&path, '/');
    ret->content_type = "text/plain; version=0.0.4";
    if (strcmp(r->method, "GET") != 0 || (of_host ? p.only.len == 0 : !slice_eq_str(path, "metrics"))) {
        ret->status = 404;
        snprintf(ret->error_code, sizeof ret->error_code, "NotFound");
        return;
    }
    write_metric(&p, "container_cpu_usage_seconds_total", "counter", write_cpu);
    buf_add_str(p.out, "container_cpu_usage_seconds_total{id=\"/\",cpu=\"total\"} 123456.5\n");
    write_metric(&p, "container_memory_working_set_bytes", "gauge", write_memory);
    write_metric(&p, "container_spec_cpu_shares", "gauge", write_shares);
    write_metric(&p, "container_spec_memory_reservation_limit_bytes", "gauge", write_reservation);
}
