#include "tests/scaler/gather_bed.h"

struct bed_open_call {
    struct bed *bed;
    const char *operation;
    transport_done_fn done;
    void *arg;
};

// ---- the wire ---------------------------------------------------------------------------------------------------------------
static struct bed *bed_of(struct transport *t)
{
    return (struct bed *)(void *)((char *)t - offsetof(struct bed, wire));
}

static bool bed_asks(const struct transport_request *r, const char *operation)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (memmem(r->headers[i].value.ptr, r->headers[i].value.len, operation, strlen(operation)))
            return true;
    return memmem(r->body.ptr, r->body.len, operation, strlen(operation)) != NULL;
}

static struct slice bed_replace(struct bed *b, struct slice body, const struct bed_words *w)
{
    struct buf out;
    buf_init(&out, 16u << 20);
    const char *at = body.ptr, *end = body.ptr + body.len, *hit;
    for (; (hit = memmem(at, (size_t)(end - at), w->from, strlen(w->from))); at = hit + strlen(w->from)) {
        buf_add(&out, at, (size_t)(hit - at));
        buf_add_str(&out, w->to);
        b->replaced++;
    }
    buf_add(&out, at, (size_t)(end - at));
    struct slice ret = {arena_strndup(&b->arena, buf_str(&out), out.len), out.len};
    buf_release(&out);
    return ret;
}

static void bed_done(void *arg, const struct transport_response *r)
{
    struct bed_open_call *c = arg;
    struct transport_response told = *r;
    for (size_t i = 0; i < c->bed->word_count; i++)
        if (r->status == 200 && strcmp(c->bed->words[i].operation, c->operation) == 0)
            told.body = bed_replace(c->bed, told.body, &c->bed->words[i]);
    c->done(c->arg, &told);
}

static int bed_submit(struct transport *t, const struct transport_request *r, transport_done_fn done, void *arg, uint64_t *ret_id,
                             struct err *err)
{
    struct bed *b = bed_of(t);
    struct bed_open_call *c = arena_new(&b->arena, struct bed_open_call);
    *c = (struct bed_open_call){b, "", done, arg};
    for (size_t i = 0; i < b->word_count; i++)
        if (bed_asks(r, b->words[i].operation))
            c->operation = b->words[i].operation;
    return b->inner->ops->submit(b->inner, r, bed_done, c, ret_id, err);
}

static int bed_wait(struct transport *t, int64_t until_ms)
{
    return bed_of(t)->inner->ops->wait(bed_of(t)->inner, until_ms);
}

static void bed_cancel(struct transport *t, uint64_t id)
{
    bed_of(t)->inner->ops->cancel(bed_of(t)->inner, id);
}

static void bed_wake(struct transport *t)
{
    bed_of(t)->inner->ops->wake(bed_of(t)->inner);
}

static int64_t bed_wire_ms(struct transport *t)
{
    return bed_of(t)->inner->ops->wire_ms(bed_of(t)->inner);
}

static void bed_free(struct transport *t)
{
    (void)t;
}

static const struct transport_ops bed_ops = {bed_submit, bed_wait, bed_cancel, bed_wake, bed_wire_ms, bed_free};

// ---- the bed ----------------------------------------------------------------------------------------------------------------
void bed_open(struct bed *b, struct world *w)
{
    static const struct aws_env_pair pairs[] = {{"AWS_ACCESS_KEY_ID", SANDBOX_KEY_ID}, {"AWS_SECRET_ACCESS_KEY", SANDBOX_SECRET}};
    static const struct aws_env env = {pairs, ARRAY_LEN(pairs)};
    struct err err = {0};
    *b = (struct bed){.world = w, .wire = {&bed_ops, &b->clock}};
    arena_init(&b->arena, 0);
    clock_init_virtual(&b->clock, world_view(w).now_ms);
    assert_int_equal(sandbox_new(&b->clock, NULL, &b->sandbox, &err), 0);
    assert_int_equal(sandbox_add_region(b->sandbox, SANDBOX_ACCOUNT, SANDBOX_REGION, w, &err), 0);
    assert_int_equal(inproc_new(b->sandbox, &b->clock, NULL, &b->inner, &err), 0);
    b->clients = aws_clients_new(&(struct aws_options){.transport = &b->wire, .env = &env, .seed = 3});
    assert_int_equal(region_new(b->clients, SANDBOX_ACCOUNT, SANDBOX_REGION, &b->region, &err), 0);
    b->gather = gather_new(b->region, &b->clock, "main");
    policy_cluster_defaults(&b->policy);
    b->policy.name = "main";
    b->fleets[0] = (struct policy_fleet){.id = arena_strdup(&b->arena, fleet(w, 0).id), .max = 100, .arch = ""};
    b->policy.fleets = b->fleets;
    b->policy.fleet_count = 1;
}

void bed_close(struct bed *b)
{
    gather_free(b->gather);
    region_free(b->region);
    aws_clients_free(b->clients);
    b->inner->ops->free(b->inner);
    sandbox_free(b->sandbox);
    world_free(b->world);
    arena_release(&b->arena);
}

const struct snapshot *bed_look(struct bed *b)
{
    struct err err = {0};
    sandbox_sync(b->sandbox);
    if (gather_look(b->gather, &b->policy, 20000, &b->arena, &b->s, &err) != 0)
        fail_msg("%s", err.msg);
    for (int k = 0; k < SOURCE_COUNT; k++)
        if (b->s.sources[k].state != SOURCE_OK)
            fail_msg("%s: %s", source_kind_name((enum source_kind)k), b->s.sources[k].detail);
    return &b->s;
}

void bed_later(struct bed *b, int64_t ms)
{
    clock_advance_to(&b->clock, b->clock.virtual_ms + ms);
    sandbox_sync(b->sandbox);
}

const struct snapshot *bed_look_later(struct bed *b, int64_t ms)
{
    bed_later(b, ms);
    return bed_look(b);
}

void bed_say(struct bed *b, const char *operation, const char *from, const char *to)
{
    assert_true(b->word_count < ARRAY_LEN(b->words));
    b->words[b->word_count++] = (struct bed_words){operation, from, to};
}

// ---- reading a snapshot -----------------------------------------------------------------------------------------------------
const struct instance *bed_instance(const struct bed *b, int n)
{
    for (size_t i = 0; i < b->s.instance_count; i++)
        if (strcmp(b->s.instances[i].id, host(b->world, n).id) == 0)
            return &b->s.instances[i];
    fail_msg("instance %s is not in the snapshot", host(b->world, n).id);
    return NULL;
}

const struct service *bed_service(const struct bed *b, const char *name)
{
    for (size_t i = 0; i < b->s.service_count; i++)
        if (strcmp(b->s.services[i].name, name) == 0)
            return &b->s.services[i];
    fail_msg("service %s is not in the snapshot", name);
    return NULL;
}

const struct shape *bed_shape(const struct bed *b, const char *service_name)
{
    const struct service *s = bed_service(b, service_name);
    assert_true(s->primary >= 0);
    return &b->s.shapes[s->deployments[s->primary].shape];
}

const char *bed_attribute(const struct attribute_set *set, const char *name)
{
    const struct attribute *a = set ? attribute_find(set, name) : NULL;
    return a ? a->value : "(none)";
}

int64_t bed_calls(const struct bed *b, const char *operation)
{
    struct sandbox_call_count all[128];
    size_t n = sandbox_calls(b->sandbox, all, ARRAY_LEN(all));
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].operation, operation) == 0)
            return all[i].calls;
    return 0;
}
