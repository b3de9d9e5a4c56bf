#include "scaler/sandbox/sandbox.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "scaler/sandbox/auth_header.h"
#include "scaler/sandbox/internal.h"

#define ROLE_KEY_LIFE_MS ((int64_t)6 * 3600 * 1000)
#define ARENA_MAX ((size_t)256 << 20)

// ---- lifecycle ------------------------------------------------------------------------------------------------------------
int sandbox_new(const struct clock *clock, const struct sandbox_options *options, struct sandbox **ret, struct err *err)
{
    struct sandbox *s = calloc(1, sizeof *s);
    struct sandbox_change *changes = calloc(CHANGES_MAX, sizeof *changes);
    if (s == NULL || changes == NULL || pthread_mutex_init(&s->mutex, NULL) != 0) {
        free(s);
        free(changes);
        return err_set(err, ERR_NOMEM, "sandbox: no memory");
    }
    s->clock = clock;
    s->changes = changes;
    if (options != NULL)
        s->options = *options;
    if (s->options.role_key_life_ms == 0)
        s->options.role_key_life_ms = ROLE_KEY_LIFE_MS;
    rng_init(&s->rng, s->options.seed ^ 0x5a4db0c5u);
    rng_init(&s->posting, s->options.seed ^ 0xe7e275u);
    s->events = (struct sandbox_event_options){.delay_min_ms = 100, .delay_max_ms = 700};
    if (s->options.weather)
        s->events = (struct sandbox_event_options){.delay_min_ms = 100, .delay_max_ms = 20000, .drop_permille = 100, .double_permille = 200};
    weather_init(&s->weather, s->options.seed ^ 0x77ea74e5u);
    arena_init(&s->arena, ARENA_MAX);
    *ret = s;
    return 0;
}

void sandbox_free(struct sandbox *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < STALE_MAX; i++)
        buf_release(&s->stale[i].body);
    for (int i = 0; i < s->region_count; i++)
        metrics_free(s->regions[i].metrics);
    for (int i = 0; i < s->region_count; i++)
        sqs_release(&s->regions[i]);
    arena_release(&s->arena);
    pthread_mutex_destroy(&s->mutex);
    free(s->changes);
    free(s);
}

static int add_key(struct sandbox *s, const char *account, const char *id, const char *secret, enum world_actor actor, struct err *err)
{
    if (s->key_count == KEYS_MAX)
        return err_set(err, ERR_LIMIT, "sandbox: more than %d keys", KEYS_MAX);
    struct key *k = &s->keys[s->key_count++];
    *k = (struct key){.actor = actor};
    snprintf(k->account, sizeof k->account, "%s", account);
    snprintf(k->id, sizeof k->id, "%s", id);
    snprintf(k->secret, sizeof k->secret, "%s", secret);
    return 0;
}

int sandbox_add_key(struct sandbox *s, const char *account, const char *key_id, const char *secret, enum world_actor actor, struct err *err)
{
    sandbox_lock(s);
    int r = add_key(s, account, key_id, secret, actor, err);
    sandbox_unlock(s);
    return r;
}

static int add_region(struct sandbox *s, const char *account, const char *name, struct world *w, struct err *err)
{
    for (int i = 0; i < s->region_count; i++)
        if (strcmp(s->regions[i].account, account) == 0 && strcmp(s->regions[i].name, name) == 0)
            return err_set(err, ERR_CONFLICT, "sandbox: %s/%s is taken", account, name);
    if (s->region_count == REGIONS_MAX)
        return err_set(err, ERR_LIMIT, "sandbox: more than %d regions", REGIONS_MAX);
    struct region *r = &s->regions[s->region_count++];
    r->world = w;
    snprintf(r->account, sizeof r->account, "%s", account);
    snprintf(r->name, sizeof r->name, "%s", name);
    sqs_add(r, slice_of(SQS_EVENTS_QUEUE), world_view(w).now_ms);
    if (s->region_count > 1)
        return 0;
    int result = add_key(s, account, SANDBOX_KEY_ID, SANDBOX_SECRET, WORLD_OURS, err);
    return result != 0 ? result : add_key(s, account, SANDBOX_PERSON_KEY_ID, SANDBOX_PERSON_SECRET, WORLD_PERSON, err);
}

int sandbox_add_region(struct sandbox *s, const char *account, const char *region, struct world *w, struct err *err)
{
    struct world_view v = world_view(w);
    sandbox_lock(s);
    int r = add_region(s, account != NULL ? account : v.account, region != NULL ? region : v.region, w, err);
    sandbox_unlock(s);
    return r;
}

void sandbox_lock(struct sandbox *s)
{
    pthread_mutex_lock(&s->mutex);
}

void sandbox_unlock(struct sandbox *s)
{
    pthread_mutex_unlock(&s->mutex);
}

static void sync_worlds(struct sandbox *s)
{
    int64_t now_ms = clock_wall_ms(s->clock);
    for (int i = 0; i < s->region_count; i++) {
        if (now_ms > world_view(s->regions[i].world).now_ms)
            world_advance(s->regions[i].world, now_ms);
        sqs_events_take(s, &s->regions[i]);
        if (s->options.metrics)
            metrics_note(&s->regions[i]);
    }
}

void sandbox_sync(struct sandbox *s)
{
    sandbox_lock(s);
    sync_worlds(s);
    sandbox_unlock(s);
}

uint64_t sandbox_arrivals(struct sandbox *s)
{
    sandbox_lock(s);
    uint64_t n = s->arrivals;
    sandbox_unlock(s);
    return n;
}

int64_t sandbox_next_ms(struct sandbox *s)
{
    int64_t next_ms = INT64_MAX;
    sandbox_lock(s);
    for (int i = 0; i < s->region_count; i++) {
        bool news = sqs_events_wait(&s->regions[i]);  // by a command, since the world last moved
        int64_t at_ms = news ? 0 : world_next_ms(s->regions[i].world);
        next_ms = at_ms < next_ms ? at_ms : next_ms;
    }
    sandbox_unlock(s);
    return next_ms;
}

void sandbox_set_events(struct sandbox *s, const struct sandbox_event_options *o)
{
    sandbox_lock(s);
    s->events = *o;
    sandbox_unlock(s);
}

void sandbox_post(struct sandbox *s, struct slice body)
{
    int64_t now_ms = clock_wall_ms(s->clock);
    sandbox_lock(s);
    sqs_post(s, sqs_find(&s->regions[0], slice_of(SQS_EVENTS_QUEUE)), body, now_ms, now_ms);
    sandbox_unlock(s);
}

// ---- routing --------------------------------------------------------------------------------------------------------------
struct slice request_header(const struct sandbox_request *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (slice_eq_nocase(r->headers[i].name, slice_of(name)))
            return slice_trim(r->headers[i].value);
    return (struct slice){NULL, 0};
}

const struct op *ops_of(enum service_kind_aws service, size_t *ret_count)
{
    const struct {
        const struct op *ops;
        size_t count;
    } all[AWS_SERVICE_COUNT] = {[AWS_ECS] = {ecs_ops, ecs_op_count}, [AWS_EC2] = {ec2_ops, ec2_op_count}, [AWS_STS] = {sts_ops, sts_op_count},
                                [AWS_SCALING] = {scaling_ops, scaling_op_count}, [AWS_QUOTAS] = {quotas_ops, quotas_op_count},
                                [AWS_SQS] = {sqs_ops, sqs_op_count}, [AWS_ASG] = {asg_ops, asg_op_count},
                                [AWS_METRICS] = {metrics_ops, metrics_op_count}};
    *ret_count = all[service].count;
    return all[service].ops;
}

const char *op_action(const struct op *op)
{
    return strchr(op->name, ':') + 1;
}

static const struct op *find_op(enum service_kind_aws service, struct slice name)
{
    size_t count = 0;
    const struct op *ops = ops_of(service, &count);
    for (size_t i = 0; i < count; i++)
        if (slice_eq_str(name, op_action(&ops[i])))
            return &ops[i];
    return NULL;
}

static const char *const target_prefixes[AWS_SERVICE_COUNT] = {
    [AWS_ECS] = "AmazonEC2ContainerServiceV20141113.", [AWS_SCALING] = "AnyScaleFrontendService.", [AWS_QUOTAS] = "ServiceQuotasV20190624.",
    [AWS_SQS] = "AmazonSQS."};

// JSON calls name their service in the target; the others are told apart by the scope that was signed, or else by the action.
static enum service_kind_aws service_of(const struct sandbox_request *r, struct slice target, struct slice action)
{
    for (int s = 0; target.ptr != NULL && s < AWS_SERVICE_COUNT; s++)
        if (target_prefixes[s] != NULL && slice_starts(target, target_prefixes[s]))
            return (enum service_kind_aws)s;
    if (target.ptr != NULL)
        return AWS_ECS;
    struct auth_header h = {0};
    if (auth_header_parse(request_header(r, "authorization"), &h, NULL) == 0) {
        if (slice_eq_str(h.service, "ec2"))
            return AWS_EC2;
        if (slice_eq_str(h.service, "sts"))
            return AWS_STS;
        if (slice_eq_str(h.service, "sqs"))
            return AWS_SQS;
        if (slice_eq_str(h.service, "autoscaling"))
            return AWS_ASG;
        if (slice_eq_str(h.service, "monitoring"))
            return AWS_METRICS;
    }
    return find_op(AWS_STS, action) != NULL ? AWS_STS : find_op(AWS_ASG, action) != NULL ? AWS_ASG : AWS_EC2;
}

static void unknown_operation(struct call *c, struct slice name)
{
    if (c->speaks_json)
        call_fail(c, 400, "UnknownOperationException", "The operation %.*s is not known", (int)(name.len < 100 ? name.len : 100), name.ptr);
    else if (name.ptr == NULL)
        call_fail(c, 400, "MissingAction", "The request must contain the parameter Action");
    else
        call_fail(c, 400, "InvalidAction", "The action %.*s is not valid for this web service.", (int)(name.len < 100 ? name.len : 100), name.ptr);
}

static bool check_params(struct call *c)
{
    static const char *const common[] = {"Action", "Version", "DryRun"};
    for (size_t i = 0; i < c->form.count; i++) {
        struct slice name = c->form.params[i].name;
        bool known = false;
        for (size_t k = 0; k < ARRAY_LEN(common) && !known; k++)
            known = slice_eq_str(name, common[k]) && !(k == 2 && (c->op->no_dry_run || c->service != AWS_EC2));
        for (const char *const *p = c->op->params; !known && *p != NULL; p++)
            known = form_name_fits(name, *p);
        if (!known) {
            call_fail(c, 400, "UnknownParameter", "The parameter %.*s is not recognized", (int)(name.len < 100 ? name.len : 100), name.ptr);
            return false;
        }
    }
    const char *version = c->service == AWS_EC2   ? "2016-11-15"
                          : c->service == AWS_SQS ? "2012-11-05"
                          : c->service == AWS_ASG ? "2011-01-01"
                          : c->service == AWS_METRICS ? "2010-08-01"
                                                  : "2011-06-15";
    if (slice_eq_str(form_get(&c->form, "Version"), version))
        return true;
    call_fail(c, 400, c->service == AWS_EC2 ? "InvalidAction" : "NoSuchVersion", "The requested version is not %s", version);
    return false;
}

static bool parse_body(struct call *c)
{
    if (!c->speaks_json)
        return check_params(c);
    struct err err = {0};
    if (json_parse(c->request->body, "request", &c->json, &err) == 0 && json_is_object(c->json))
        return true;
    call_fail(c, 400, "SerializationException", "The body is not a JSON object");
    return false;
}

// ---- one call -------------------------------------------------------------------------------------------------------------
static void run_operation(struct call *c)
{
    bool again = c->request->held_since_ms != 0;  // a long poll: it met its faults and was counted when it came
    const struct fault *f = again ? NULL : fault_for(c->s, c->op->name, c->now_ms);
    int64_t lag_ms = c->s->options.read_lag_ms, late_ms = c->s->weather.lag_ms;
    c->seen_ms = c->now_ms - (lag_ms > late_ms ? lag_ms : late_ms);
    if (f != NULL && fault_before(c, f))
        return;
    if (f != NULL && f->kind == SANDBOX_FAULT_STALE && !c->op->mutating && answer_stale(c))
        return;
    if (!again && !throttle_take(c, c->op->bucket, 1)) {
        answer_throttled(c);
    } else if (parse_body(c)) {
        c->op->run(c);
        if (c->s->keeps_answers && !c->op->mutating && !call_failed(c))
            keep_answer(c);
    }
    if (f != NULL)
        fault_after(c, f);
}

static void count(struct call *c)
{
    size_t op_count = 0;
    const struct op *ops = ops_of(c->service, &op_count);
    assert(op_count <= OPS_MAX);
    struct op_count *n = &c->s->counts[c->service][c->op - ops];
    n->calls += c->request->held_since_ms == 0;
    n->errors += call_failed(c);
    const char *code = c->ret->error_code;
    n->throttled += strcmp(code, "ThrottlingException") == 0 || strcmp(code, "RequestLimitExceeded") == 0 || strcmp(code, "Throttling") == 0 ||
                    strcmp(code, "TooManyRequestsException") == 0 || strcmp(code, "RequestThrottled") == 0;
}

static void answer_known(struct call *c)
{
    struct sandbox_change *change = NULL;
    if (c->op->mutating) {
        change = &c->s->changes[c->s->change_count++ % CHANGES_MAX];
        *change = (struct sandbox_change){.world_ms = c->now_ms, .actor = c->key->actor, .operation = c->op->name};
        c->change = change;
    }
    run_operation(c);
    json_decref(c->json);
    c->json = NULL;
    count(c);
    if (change != NULL) {
        if (call_failed(c))  // else the operation may have noted a partial failure
            snprintf(change->error, sizeof change->error, "%s", c->ret->error_code);
        change->lost = c->ret->delivery == SANDBOX_LOST || c->lost;
    }
}

static void answer_call(struct sandbox *s, const struct sandbox_request *r, struct sandbox_response *ret)
{
    struct slice target = request_header(r, "x-amz-target"), action = {NULL, 0};
    struct call c = {.s = s, .request = r, .ret = ret, .arena = &s->arena, .out = &ret->body};
    struct err err = {0};
    int form_result = 0;
    if (target.ptr == NULL) {
        form_result = form_parse(strcmp(r->method, "POST") == 0 ? r->body : r->query, &s->arena, &c.form, &err);
        action = form_get(&c.form, "Action");
    }
    c.service = service_of(r, target, action);
    c.speaks_json = target.ptr != NULL;
    ret->content_type = !c.speaks_json ? "text/xml;charset=UTF-8" : c.service == AWS_SQS ? "application/x-amz-json-1.0" : "application/x-amz-json-1.1";
    if (!call_authenticate(&c))
        return;
    if (form_result != 0) {
        call_fail(&c, 400, "MalformedQueryString", "%s", err.msg);
        return;
    }
    size_t prefix = c.speaks_json ? strlen(target_prefixes[c.service]) : 0;
    if (target.ptr != NULL && slice_starts(target, target_prefixes[c.service]))
        action = (struct slice){target.ptr + prefix, target.len - prefix};
    c.op = find_op(c.service, action);
    if (c.op == NULL) {
        unknown_operation(&c, target.ptr != NULL ? target : action);
        return;
    }
    sync_worlds(s);
    c.world = c.region->world;
    c.view = world_view(c.world);
    c.now_ms = c.view.now_ms;
    answer_known(&c);
}

static void make_request_id(struct sandbox *s, char out[40])
{
    uint64_t a = rng_u64(&s->rng), b = rng_u64(&s->rng);
    snprintf(out, 40, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
             (unsigned)(0x8000 | (b >> 48 & 0x3fff)), (unsigned long long)(b & 0xffffffffffff));
}

void sandbox_handle(struct sandbox *s, const struct sandbox_request *r, struct sandbox_response *ret)
{
    sandbox_lock(s);
    ret->delivery = SANDBOX_ANSWER;
    ret->status = 200;
    ret->error_code[0] = ret->query_error[0] = '\0';
    buf_clear(&ret->body);
    make_request_id(s, ret->request_id);
    arena_reset(&s->arena);
    if (slice_starts(r->path, SANDBOX_CREDENTIALS_PATH) || slice_starts(r->path, SANDBOX_METADATA_PATH)) {
        metadata_handle(s, r, ret);
    } else if (slice_starts(r->path, SANDBOX_CADVISOR_PATH) || slice_eq_str(r->path, "/metrics")) {
        sync_worlds(s);
        cadvisor_handle(s, r, ret);
    } else {
        answer_call(s, r, ret);
    }
    sandbox_unlock(s);
}
