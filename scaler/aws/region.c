#include "base/json.h"
#include "scaler/aws/credentials_sources.h"

#define FILES_ARENA_MAX (8u << 20)
#define METADATA_TIMEOUT_MS 2000
#define METADATA_TRIES 3
#define METADATA_BYTES_MAX (1u << 20)
#define INSTANCE_TIMEOUT_MS 1000

bool aws_region_valid(const char *region)
{
    size_t len = strlen(region), dashes = 0;
    for (size_t i = 0; i < len; i++) {
        bool letter = (region[i] >= 'a' && region[i] <= 'z') || (region[i] >= '0' && region[i] <= '9');
        dashes += region[i] == '-';
        if (!letter && region[i] != '-')
            return false;
    }
    return len > 0 && len < 32 && dashes >= 1 && region[0] != '-' && region[len - 1] != '-';
}

static int take(const char *name, const char *source, struct aws_region *ret, struct err *err)
{
    if (!aws_region_valid(name))
        return err_set(err, ERR_INVALID, "not an AWS region: %.40s", name);
    snprintf(ret->name, sizeof ret->name, "%s", name);
    ret->source = source;
    return 0;
}

int aws_region_resolve(const struct aws_env *env, struct aws_region *ret, struct err *err)
{
    static const char *const VARIABLES[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    for (size_t i = 0; i < ARRAY_LEN(VARIABLES); i++)
        if (aws_env_get(env, VARIABLES[i]))
            return take(aws_env_get(env, VARIABLES[i]), VARIABLES[i], ret, err);
    struct arena a;
    arena_init(&a, FILES_ARENA_MAX);
    const char *region = credentials_profile_value(env, &a, "region");
    int rc = region ? take(region, "profile", ret, err) : err_set(err, ERR_INVALID, "no AWS region: set it in the policy, or AWS_REGION");
    arena_release(&a);
    return rc;
}

// ---- metadata ---------------------------------------------------------------------------------------------------------------
struct answer {
    struct arena *arena;
    struct slice body;
    struct err err;
    bool come;
};

static void on_answer(void *arg, const struct transport_response *r)
{
    struct answer *a = arg;
    a->come = true;
    a->err = r->err;
    if (r->err.kind == ERR_OK && r->status != 200)
        err_set(&a->err, r->status >= 500 ? ERR_TRANSIENT : ERR_CORRUPT, "HTTP status %d", r->status);
    else if (r->err.kind == ERR_OK)
        a->body = (struct slice){arena_strndup(a->arena, r->body.ptr, r->body.len), r->body.len};
}

static int ask(struct transport *t, const struct transport_request *r, struct arena *a, struct slice *ret, struct err *err)
{
    struct answer answer = {.arena = a};
    uint64_t id;
    int rc = t->ops->submit(t, r, on_answer, &answer, &id, err);
    if (rc)
        return rc;
    int64_t until_ms = clock_wall_ms(t->clock) + 2 * r->timeout_ms;
    while (!answer.come && clock_wall_ms(t->clock) < until_ms)
        t->ops->wait(t, until_ms);
    if (!answer.come)
        t->ops->cancel(t, id);
    if (answer.err.kind)
        return err_set(err, answer.err.kind, "%s", answer.err.msg);
    *ret = answer.body;
    return 0;
}

// arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/ID
int aws_region_of_task(struct slice metadata, char ret[64], struct err *err)
{
    json_t *root = NULL;
    struct err ignored;
    if (json_parse(metadata, "answer", &root, &ignored))
        return err_set(err, ERR_CORRUPT, "task metadata: the answer is not JSON");
    const char *arn = json_str(root, "TaskARN");
    struct slice rest = slice_of(arn), field = {0};
    for (int i = 0; i < 4; i++)
        field = slice_cut(&rest, ':');
    snprintf(ret, 64, "%.*s", (int)(field.len < 63 ? field.len : 63), field.len ? field.ptr : "");
    json_decref(root);
    return aws_region_valid(ret) ? 0 : err_set(err, ERR_CORRUPT, "task metadata: TaskARN names no region");
}

static int from_task(const char *uri, struct transport *t, struct arena *a, struct aws_region *ret, struct err *err)
{
    char region[64];
    struct slice body = {0};
    struct transport_request r = {.method = "GET", .url = arena_printf(a, "%s/task", uri), .timeout_ms = METADATA_TIMEOUT_MS,
                                  .max_response_bytes = METADATA_BYTES_MAX, .direct = true};
    int rc = 0;
    for (int tries = 0; tries < METADATA_TRIES; tries++) {
        rc = ask(t, &r, a, &body, err);
        if (rc != ERR_TRANSIENT)
            break;
    }
    if (rc)
        return err_wrap(err, "task metadata");
    rc = aws_region_of_task(body, region, err);
    return rc ? rc : take(region, "task metadata", ret, err);
}

// A machine outside of AWS has none: whatever fails here means that there is no region, no more.
static int from_instance(const struct aws_env *env, struct transport *t, struct arena *a, struct aws_region *ret, struct err *err)
{
    const char *word;
    struct slice body = {0};
    struct http_header ttl = {SLICE_LIT("X-aws-ec2-metadata-token-ttl-seconds"), SLICE_LIT("60")};
    struct transport_request put = {.method = "PUT", .url = credentials_instance_url(env, a, "/latest/api/token"), .headers = &ttl, .header_count = 1,
                                    .timeout_ms = INSTANCE_TIMEOUT_MS, .max_response_bytes = METADATA_BYTES_MAX, .direct = true};
    if (ask(t, &put, a, &body, err) || credentials_instance_line(body, a, &word, err))
        return err->kind;
    struct http_header token = {SLICE_LIT("X-aws-ec2-metadata-token"), slice_of(word)};
    struct transport_request get = {.method = "GET", .url = credentials_instance_url(env, a, "/latest/meta-data/placement/region"), .headers = &token,
                                    .header_count = 1, .timeout_ms = INSTANCE_TIMEOUT_MS, .max_response_bytes = METADATA_BYTES_MAX, .direct = true};
    if (ask(t, &get, a, &body, err) || credentials_instance_line(body, a, &word, err))
        return err->kind;
    return take(word, "instance metadata", ret, err);
}

static bool written(const struct aws_env *env, struct arena *a)
{
    return aws_env_get(env, "AWS_REGION") || aws_env_get(env, "AWS_DEFAULT_REGION") || credentials_profile_value(env, a, "region");
}

int aws_region_discover(const struct aws_env *env, struct transport *t, struct aws_region *ret, struct err *err)
{
    struct arena a;
    arena_init(&a, FILES_ARENA_MAX);
    const char *task = aws_env_get(env, "ECS_CONTAINER_METADATA_URI_V4");
    struct err ignored = {0};
    int rc;
    if (written(env, &a))  // a wrong one is an error, not a reason to look further
        rc = aws_region_resolve(env, ret, err);
    else if (task)
        rc = from_task(task, t, &a, ret, err);
    else if (!credentials_instance_disabled(env) && from_instance(env, t, &a, ret, &ignored) == 0)
        rc = 0;
    else
        rc = err_set(err, ERR_INVALID, "no AWS region: set it in the policy, or AWS_REGION");
    arena_release(&a);
    return rc;
}
