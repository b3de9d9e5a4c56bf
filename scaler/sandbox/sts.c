// STS, and the two endpoints that a container is given: the task role's credentials and the task metadata, version 4.
#include "scaler/sandbox/internal.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"

static void get_caller_identity(struct call *c);
static void assume_role(struct call *c);

static const char *const no_params[] = {NULL};
static const char *const assume_params[] = {"RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId", NULL};
const struct op sts_ops[] = {
    {"sts:GetCallerIdentity", get_caller_identity, BUCKET_NONE, false, true, no_params},
    {"sts:AssumeRole", assume_role, BUCKET_NONE, false, true, assume_params},
};
const size_t sts_op_count = ARRAY_LEN(sts_ops);

static const char *last_part(const char *arn)
{
    const char *slash = strrchr(arn, '/');
    return slash != NULL ? slash + 1 : arn;
}

static void get_caller_identity(struct call *c)
{
    const struct key *k = c->key;
    call_begin_xml(c);
    if (k->role_arn[0] != '\0') {
        xo_text(c->out, "Arn", arena_printf(c->arena, "arn:aws:sts::%s:assumed-role/%s/sandbox", k->account, last_part(k->role_arn)));
        xo_text(c->out, "UserId", "AROASANDBOXROLE00000:sandbox");
    } else {
        const char *name = k->actor == WORLD_PERSON ? "person" : "daemon";
        xo_text(c->out, "Arn", arena_printf(c->arena, "arn:aws:iam::%s:user/%s", k->account, name));
        xo_text(c->out, "UserId", k->actor == WORLD_PERSON ? "AIDASANDBOXPERSON000" : "AIDASANDBOXDAEMON000");
    }
    xo_text(c->out, "Account", k->account);
    call_end_xml(c);
}

static void assume_role(struct call *c)
{
    const char *role = form_str(&c->form, "RoleArn", c->arena), *session = form_str(&c->form, "RoleSessionName", c->arena);
    struct slice duration = form_get(&c->form, "DurationSeconds");
    int64_t seconds = 3600;
    if (role == NULL || session == NULL || strlen(session) < 2 || strlen(session) > 64) {
        call_fail(c, 400, "ValidationError", "RoleArn and RoleSessionName (2 to 64 characters) are required.");
        return;
    }
    if (duration.ptr != NULL && (!parse_i64(duration, &seconds) || seconds < 900 || seconds > 43200)) {
        call_fail(c, 400, "ValidationError", "DurationSeconds must be between 900 and 43200.");
        return;
    }
    const char *prefix = arena_printf(c->arena, "arn:aws:iam::%s:role/", c->key->account);
    if (strncmp(role, prefix, strlen(prefix)) != 0 || strlen(role) > 127) {
        call_fail(c, 403, "AccessDenied", "User is not authorized to perform: sts:AssumeRole on resource: %.120s", role);
        return;
    }
    enum world_actor actor = c->key->actor;
    struct key *k = session_new(c->s, c->key->account, role, c->request->wire_ms, c->request->wire_ms + seconds * 1000);
    k->actor = actor;
    char until[32];
    call_begin_xml(c);
    xo_open(c->out, "AssumedRoleUser");
    xo_text(c->out, "AssumedRoleId", arena_printf(c->arena, "AROASANDBOXROLE00000:%s", session));
    xo_text(c->out, "Arn", arena_printf(c->arena, "arn:aws:sts::%s:assumed-role/%s/%s", k->account, last_part(role), session));
    xo_close(c->out, "AssumedRoleUser");
    xo_open(c->out, "Credentials");
    xo_text(c->out, "AccessKeyId", k->id);
    xo_text(c->out, "SecretAccessKey", k->secret);
    xo_text(c->out, "SessionToken", k->token);
    xo_text(c->out, "Expiration", format_iso8601(k->until_ms - k->until_ms % 1000, false, until));
    xo_close(c->out, "Credentials");
    call_end_xml(c);
}

// ---- the container's endpoints --------------------------------------------------------------------------------------------
// Keys of the task role: the newest are handed out until half their life is over, so that two sets are valid at once.
static struct key *role_keys(struct sandbox *s, int64_t wire_ms)
{
    struct key *newest = NULL;
    for (int i = 0; i < SESSIONS_MAX; i++) {
        struct key *k = &s->sessions[i];
        if (strstr(k->role_arn, ":role/masu") != NULL && k->until_ms > wire_ms && (newest == NULL || k->from_ms > newest->from_ms))
            newest = k;
    }
    if (newest != NULL && wire_ms - newest->from_ms < s->options.role_key_life_ms / 2)
        return newest;
    const char *account = s->region_count > 0 ? s->regions[0].account : SANDBOX_ACCOUNT;
    return session_new(s, account, arena_printf(&s->arena, "arn:aws:iam::%s:role/masu", account), wire_ms, wire_ms + s->options.role_key_life_ms);
}

static void write_credentials(struct sandbox *s, const struct sandbox_request *r, struct sandbox_response *ret)
{
    const struct key *k = role_keys(s, r->wire_ms);
    char until[32];
    struct json_out o = {.out = &ret->body};
    jo_open(&o, NULL, '{');
    jo_str(&o, "RoleArn", k->role_arn);
    jo_str(&o, "AccessKeyId", k->id);
    jo_str(&o, "SecretAccessKey", k->secret);
    jo_str(&o, "Token", k->token);
    jo_str(&o, "Expiration", format_iso8601(k->until_ms - k->until_ms % 1000, false, until));
    jo_close(&o, '}');
}

static void write_metadata(struct sandbox *s, struct sandbox_response *ret)
{
    const struct region *r = &s->regions[0];
    struct world_view v = world_view(r->world);
    const char *cluster = v.cluster_count > 0 ? v.clusters[0].name : "default";
    const char *arn = arena_printf(&s->arena, "arn:aws:ecs:%s:%s:task/%s/5a4db0c5000000000000000000000001", r->name, r->account, cluster);
    struct json_out o = {.out = &ret->body};
    jo_open(&o, NULL, '{');
    jo_str(&o, "Cluster", arena_printf(&s->arena, "arn:aws:ecs:%s:%s:cluster/%s", r->name, r->account, cluster));
    jo_str(&o, "TaskARN", arn);
    jo_str(&o, "Family", "masu");
    jo_str(&o, "Revision", "1");
    jo_str(&o, "ServiceName", "masu");
    jo_str(&o, "DesiredStatus", "RUNNING");
    jo_str(&o, "KnownStatus", "RUNNING");
    jo_str(&o, "AvailabilityZone", v.zones[0]);
    jo_str(&o, "LaunchType", "FARGATE");
    jo_open(&o, "Containers", '[');
    jo_close(&o, ']');
    jo_close(&o, '}');
}

void metadata_handle(struct sandbox *s, const struct sandbox_request *r, struct sandbox_response *ret)
{
    ret->content_type = "application/json";
    bool get = strcmp(r->method, "GET") == 0;
    if (get && slice_eq_str(r->path, SANDBOX_CREDENTIALS_PATH SANDBOX_TASK_ID)) {
        write_credentials(s, r, ret);
    } else if (get && s->region_count > 0 && slice_eq_str(r->path, SANDBOX_METADATA_PATH SANDBOX_TASK_ID "/task")) {
        write_metadata(s, ret);
    } else {
        ret->status = 404;
        snprintf(ret->error_code, sizeof ret->error_code, "NotFound");
        buf_add_str(&ret->body, "{\"code\":\"InvalidIdInRequest\",\"message\":\"CredentialsV2Request: ID not found\",\"HTTPErrorCode\":404}");
    }
}
