#include "tests/scaler/crowd.h"

#include <fnmatch.h>

#include "base/check.h"
#include "scaler/sandbox/inproc.h"

#define CROWD_ARENA_MAX ((size_t)2 << 30)
#define CROWD_START_MS INT64_C(1768176000000)  // 2026-01-12T00:00:00Z

// ---- answers from memory --------------------------------------------------------------------------------------------------
struct crowd_answer {
    uint64_t hash;
    int status;
    struct slice body;
    struct crowd_answer *next;
};

struct crowd_waiting {
    struct crowd *crowd;
    uint64_t id, hash;
    transport_done_fn done;
    void *arg;
    struct crowd_waiting *next;
};

static struct crowd *of(struct transport *t)
{
    return (struct crowd *)(void *)((char *)t - offsetof(struct crowd, wire));
}

static uint64_t add_hash(uint64_t h, struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * UINT64_C(1099511628211);
    return h;
}

static struct slice header_of(const struct transport_request *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (slice_eq_nocase(r->headers[i].name, slice_of(name)))
            return r->headers[i].value;
    return (struct slice){"", 0};
}

static struct crowd_answer *answer_of(struct crowd *c, uint64_t hash)
{
    struct crowd_answer *a = c->answers[hash % ARRAY_LEN(c->answers)];
    while (a && a->hash != hash)
        a = a->next;
    return a;
}

static void on_answer(void *arg, const struct transport_response *r)
{
    struct crowd_waiting *w = arg;
    struct crowd *c = w->crowd;
    if (c->keep && r->err.kind == ERR_OK && r->status == 200 && !answer_of(c, w->hash)) {
        struct crowd_answer *a = arena_new(&c->arena, struct crowd_answer), **at = &c->answers[w->hash % ARRAY_LEN(c->answers)];
        *a = (struct crowd_answer){w->hash, r->status, {arena_strndup(&c->arena, r->body.ptr, r->body.len), r->body.len}, *at};
        *at = a;
    }
    w->done(w->arg, r);
    free(w);
}

static int deliver(struct crowd *c)
{
    int delivered = 0;
    while (c->waiting) {
        struct crowd_waiting *w = c->waiting;
        c->waiting = w->next;
        if (!c->waiting)
            c->waiting_last = NULL;
        const struct crowd_answer *a = answer_of(c, w->hash);
        struct transport_response r = {.id = w->id, .status = a->status, .body = a->body};
        w->done(w->arg, &r);
        free(w);
        delivered++;
    }
    return delivered;
}

// ---- the wire ---------------------------------------------------------------------------------------------------------------
// "AmazonEC2ContainerServiceV20141113.ListTasks" or "Action=DescribeInstances&…"
static void name_call(const struct transport_request *r, struct crowd_call *call)
{
    struct slice target = header_of(r, "x-amz-target"), rest = r->body;
    const char *service = "ecs";
    if (target.len) {
        slice_cut(&target, '.');
    } else {
        target = slice_cut(&rest, '&');
        slice_cut(&target, '=');
        bool sts = slice_eq_str(target, "GetCallerIdentity");
        service = sts ? "sts" : "ec2";
    }
    snprintf(call->operation, sizeof call->operation, "%s:%.*s", service, (int)target.len, target.ptr);
    static const char key[] = "\"cluster\":\"";
    const char *at = memmem(r->body.ptr, r->body.len, key, sizeof key - 1);
    const char *end = at ? memchr(at + sizeof key - 1, '"', r->body.len - (size_t)(at + sizeof key - 1 - r->body.ptr)) : NULL;
    if (end)
        snprintf(call->cluster, sizeof call->cluster, "%.*s", (int)(end - at - (long)sizeof key + 1), at + sizeof key - 1);
}

static int submit(struct transport *t, const struct transport_request *r, transport_done_fn done, void *arg, uint64_t *ret_id, struct err *err)
{
    struct crowd *c = of(t);
    c->calls = arena_grow(&c->arena, c->calls, c->call_count, &c->call_cap, sizeof *c->calls);
    struct crowd_call *call = &c->calls[c->call_count++];
    *call = (struct crowd_call){.at_ms = clock_wall_ms(&c->clock)};
    name_call(r, call);
    struct crowd_waiting *w = calloc(1, sizeof *w);
    assert(w);
    *w = (struct crowd_waiting){c, 0, add_hash(add_hash(UINT64_C(14695981039346656037), slice_of(call->operation)), r->body), done, arg, NULL};
    if (c->replay && answer_of(c, w->hash)) {
        w->id = *ret_id = ++c->next_id | (UINT64_C(1) << 62);
        *(c->waiting_last ? &c->waiting_last->next : &c->waiting) = w;
        c->waiting_last = w;
        return 0;
    }
    c->missed += c->replay;
    int rc = c->inner->ops->submit(c->inner, r, on_answer, w, ret_id, err);
    if (rc)
        free(w);
    return rc;
}

static int wait_for(struct transport *t, int64_t until_ms)
{
    struct crowd *c = of(t);
    int delivered = deliver(c);
    return delivered ? delivered : c->inner->ops->wait(c->inner, until_ms);
}

static void cancel(struct transport *t, uint64_t id)
{
    struct crowd *c = of(t);
    deliver(c);
    c->inner->ops->cancel(c->inner, id);
}

static void wake(struct transport *t)
{
    struct crowd *c = of(t);
    c->inner->ops->wake(c->inner);
}

static int64_t wire_ms(struct transport *t)
{
    struct crowd *c = of(t);
    return c->inner->ops->wire_ms(c->inner);
}

static void free_nothing(struct transport *t)
{
    (void)t;
}

static const struct transport_ops crowd_ops = {submit, wait_for, cancel, wake, wire_ms, free_nothing};

// ---- the world --------------------------------------------------------------------------------------------------------------
static void add_cluster(struct crowd *c, int index, const struct crowd_size *size)
{
    static const char *const TYPES[] = {"m5.xlarge", "c5.xlarge", "r5.xlarge", "m5.2xlarge"};
    struct world_override overrides[ARRAY_LEN(TYPES) * 3];
    const char *name = arena_printf(&c->arena, "crowd%d", index);
    int cluster = world_add_cluster(c->world, name);
    for (size_t i = 0; i < ARRAY_LEN(overrides); i++)
        overrides[i] = (struct world_override){world_type_index(c->world, TYPES[i / 3]), (int)i % 3, 1000};
    int fleet = world_add_fleet(c->world, &(struct world_fleet_spec){.cluster = cluster, .target = size->instances, .allocation = WALLOC_DIVERSIFIED,
                                                                     .overrides = overrides, .override_count = ARRAY_LEN(overrides)});
    for (int i = 0; i < size->instances; i++)
        world_add_instance(c->world, cluster, fleet, overrides[i % (int)ARRAY_LEN(overrides)].type, overrides[i % (int)ARRAY_LEN(overrides)].zone);
    static const struct world_rules rules = {.strategies = {{WS_SPREAD_ZONE, NULL}, {WS_BINPACK_MEMORY, NULL}}, .strategy_count = 2};
    int taskdef = -1;
    for (int s = 0; s < size->services; s++) {
        struct world_taskdef t = {.need = res_make(128 + 128 * (s / 10 % 4), 256 + 256 * (s / 10 % 5)), .stop_timeout_ms = 30000, .stops_in_ms = 3000, .start_ms = 8000};
        snprintf(t.family, sizeof t.family, "%s-app%d", name, s);
        if (s % 10 == 0)
            taskdef = world_add_taskdef(c->world, &t);
        c->services[c->service_count++] = world_add_service(
            c->world, &(struct world_service_spec){.name = arena_printf(&c->arena, "app%d", s), .cluster = cluster, .taskdef = taskdef,
                                                   .desired = size->tasks, .min_percent = 100, .max_percent = 200, .rules = &rules});
    }
}

static void add_policy(struct crowd *c, const struct crowd_options *o)
{
    struct world_view v = world_view(c->world);
    policy_defaults(&c->policy);
    c->policy.path = "(crowd)";
    snprintf(c->policy.hash, sizeof c->policy.hash, "crowd");
    c->policy.cluster_count = o->count;
    c->policy.clusters = arena_array(&c->arena, struct policy_cluster, o->count);
    for (size_t i = 0; i < o->count; i++) {
        struct policy_cluster *p = &c->policy.clusters[i];
        policy_cluster_defaults(p);
        p->name = arena_strdup(&c->arena, v.clusters[i].name);
        p->region = SANDBOX_REGION;
        p->account = SANDBOX_ACCOUNT;
        p->scale_in = o->hasty;
        p->start_hold_ms = 0;
        p->unneeded_ms = p->demand_hold_ms = 60000;
        p->min_age_ms = 0;
        p->drain_percent = p->service_percent = p->shrink_percent = 30;
        p->fleets = arena_new(&c->arena, struct policy_fleet);
        p->fleets[0] = (struct policy_fleet){.id = arena_strdup(&c->arena, v.fleets[i].id), .max = 100000, .arch = ""};
        p->fleet_count = 1;
    }
}

static void quiet_world(struct crowd *c, const struct crowd_options *o, struct err *err)
{
    struct world_options w;
    size_t services = 0;
    world_options_default(&w);
    w.interruptions_per_instance_day = w.shortages_per_pool_day = w.batch_per_hour = 0;
    w.deployments_per_day = 0;
    w.start_ms = CROWD_START_MS;
    clock_init_virtual(&c->clock, CROWD_START_MS);
    int rc = world_empty(7, &w, &c->world, err);
    assert(rc == 0);
    for (size_t i = 0; i < o->count; i++)
        services += (size_t)o->sizes[i].services;
    c->services = arena_array(&c->arena, int, services);
    for (size_t i = 0; i < o->count; i++)
        add_cluster(c, (int)i, &o->sizes[i]);
    rc = sandbox_new(&c->clock, NULL, &c->sandbox, err);
    assert(rc == 0);
    rc = sandbox_add_region(c->sandbox, SANDBOX_ACCOUNT, SANDBOX_REGION, c->world, err);
    assert(rc == 0);
    clock_advance_to(&c->clock, CROWD_START_MS + o->warm_ms);
    sandbox_sync(c->sandbox);
}

void crowd_open(const struct crowd_options *o, struct crowd *ret)
{
    static const struct aws_env_pair pairs[] = {{"AWS_ACCESS_KEY_ID", SANDBOX_KEY_ID}, {"AWS_SECRET_ACCESS_KEY", SANDBOX_SECRET},
                                                {"AWS_REGION", SANDBOX_REGION}, {"AWS_ENDPOINT_URL", "http://127.0.0.1:4566"}};
    static const struct aws_env env = {pairs, ARRAY_LEN(pairs)};
    struct crowd *c = ret;
    struct err err = {0};
    *c = (struct crowd){.call_count = 0};
    arena_init(&c->arena, CROWD_ARENA_MAX);
    quiet_world(c, o, &err);
    add_policy(c, o);
    int rc = inproc_new(c->sandbox, &c->clock, &(struct inproc_options){.seed = 7}, &c->inner, &err);
    assert(rc == 0);
    c->wire = (struct transport){&crowd_ops, &c->clock};
    struct state_opened opened = {.fresh = true};
    if (o->journal) {
        rc = state_open(&(struct state_options){.path = o->journal_path ? o->journal_path : ":memory:", .clock = &c->clock, .no_sync = true}, &c->state, &opened, &err);
        assert(rc == 0);
    }
    if (o->box)
        view_box_init(o->box, &c->policy, &(struct view_daemon){.version = MASU_VERSION, .speed = 1, .state_ok = true});
    rc = loop_new(&(struct loop_options){.transport = &c->wire, .env = &env, .policy = &c->policy, .state = c->state, .opened = &opened,
                                         .box = o->box, .dry_run = o->dry_run, .seed = 7}, &c->loop, &err);
    if (rc != 0)
        fprintf(stderr, "crowd: %s\n", err.msg);
    assert(rc == 0);
}

void crowd_close(struct crowd *c)
{
    loop_free(c->loop);
    state_close(c->state);
    c->inner->ops->free(c->inner);
    sandbox_free(c->sandbox);
    world_free(c->world);
    arena_release(&c->arena);
}

size_t crowd_count(const struct crowd *c, const char *operation, int64_t from_ms, int64_t to_ms)
{
    size_t n = 0;
    for (size_t i = 0; i < c->call_count; i++)
        n += c->calls[i].at_ms >= from_ms && c->calls[i].at_ms < to_ms && fnmatch(operation, c->calls[i].operation, 0) == 0;
    return n;
}
