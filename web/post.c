#include "web/post.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/parse.h"
#include "web/jsonw.h"
#include "web/routes.h"

#define FOR_S_MAX (90 * 86400)
#define TOLD_A_MINUTE 20

static const struct {
    const char *name;
    int status;
} results[POST_RESULT_COUNT] = {
    [POST_ACCEPTED] = {"accepted", 202}, [POST_NO_TOKEN] = {"no_token", 403}, [POST_UNAUTHORIZED] = {"unauthorized", 401},
    [POST_TOO_LARGE] = {"too_large", 413}, [POST_NOT_JSON] = {"not_json", 415}, [POST_INVALID] = {"invalid", 400},
    [POST_NO_CLUSTER] = {"no_cluster", 404}, [POST_BUSY] = {"busy", 409}, [POST_FULL] = {"full", 503},
};

const char *web_post_result_name(enum web_post_result r)
{
    return results[r].name;
}

// The time taken tells the length of the given token at most, never how much of it is right.
bool web_token_equal(const char *authorization, const char *token)
{
    struct slice given = slice_of(authorization);
    if (given.len < 7 || !slice_eq_nocase((struct slice){given.ptr, 7}, SLICE_LIT("Bearer ")))
        return false;
    given = slice_trim((struct slice){given.ptr + 7, given.len - 7});
    size_t len = strlen(token);
    volatile unsigned different = given.len != len;
    for (size_t i = 0; i < given.len; i++)
        different |= (unsigned)(unsigned char)given.ptr[i] ^ (unsigned)(unsigned char)token[len ? i % len : 0];
    return different == 0 && len > 0;
}

// ---- the body -------------------------------------------------------------------------------------------------------------

static int read_text(const json_t *obj, const char *key, size_t size, char *ret, struct err *err)
{
    const json_t *v = json_object_get(obj, key);
    if (v == NULL || json_is_null(v))
        return 0;
    const char *text = json_string_value(v);
    if (text == NULL || strlen(text) != json_string_length(v))
        return err_set(err, ERR_INVALID, "%s: text is expected", key);
    if (strlen(text) >= size)
        return err_set(err, ERR_INVALID, "%s: at most %zu bytes", key, size - 1);
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return err_set(err, ERR_INVALID, "%s: one line is expected", key);
    snprintf(ret, size, "%s", text);
    return 0;
}

static int read_mode(const json_t *obj, enum control_mode *ret, struct err *err)
{
    const char *name = json_str(obj, "mode");
    for (int m = CONTROL_ADD_ONLY; name && m < CONTROL_COUNT; m++)
        if (strcmp(name, control_mode_name((enum control_mode)m)) == 0) {
            *ret = (enum control_mode)m;
            return 0;
        }
    return err_set(err, ERR_INVALID, "mode: \"pause\", \"freeze\" or \"add-only\" is expected");
}

static int read_until(const json_t *obj, int64_t now_ms, int64_t *ret, struct err *err)
{
    const json_t *until = json_object_get(obj, "until"), *for_s = json_object_get(obj, "for_s");
    if (until && for_s)
        return err_set(err, ERR_INVALID, "until and for_s: one of the two");
    if (for_s) {
        json_int_t s = json_integer_value(for_s);
        if (!json_is_integer(for_s) || s < 1 || s > FOR_S_MAX)
            return err_set(err, ERR_INVALID, "for_s: whole seconds, 1 to %d, are expected", FOR_S_MAX);
        *ret = now_ms + s * 1000;
        return 0;
    }
    if (until == NULL || json_is_null(until))
        return 0;
    int64_t ms = 0;
    if (!json_is_string(until) || !parse_iso8601_ms(slice_of(json_string_value(until)), &ms))
        return err_set(err, ERR_INVALID, "until: a time like 2026-01-15T18:00:00Z is expected");
    if (ms <= now_ms || ms - now_ms > (int64_t)FOR_S_MAX * 1000)
        return err_set(err, ERR_INVALID, "until: a time in the next 90 days is expected");
    *ret = ms;
    return 0;
}

static int check_keys(json_t *obj, bool resume, struct err *err)
{
    static const char *const known[] = {"cluster", "why", "who", "mode", "until", "for_s"};
    size_t count = resume ? 3 : ARRAY_LEN(known);
    const char *key;
    json_t *value;
    json_object_foreach(obj, key, value) {
        bool found = false;
        for (size_t i = 0; i < count; i++)
            found |= strcmp(key, known[i]) == 0;
        if (!found)
            return err_set(err, ERR_INVALID, "%.60s: no such key; there are %s", key,
                           resume ? "cluster, why, who" : "mode, why, cluster, who, until, for_s");
    }
    return 0;
}

static int read_switch(json_t *obj, bool resume, int64_t now_ms, struct inbox_switch *s, struct err *err)
{
    int rc = !json_is_object(obj) ? err_set(err, ERR_INVALID, "an object is expected") : check_keys(obj, resume, err);
    if (rc == 0)
        rc = read_text(obj, "cluster", sizeof s->cluster, s->cluster, err);
    if (rc == 0)
        rc = read_text(obj, "who", 100, s->who, err);
    if (rc == 0)
        rc = read_text(obj, "why", sizeof s->why, s->why, err);
    if (rc == 0 && !resume)
        rc = read_mode(obj, &s->mode, err);
    if (rc == 0 && !resume && s->why[0] == '\0')
        rc = err_set(err, ERR_INVALID, "why: say it for those who will find masu standing");
    if (rc == 0 && !resume)
        rc = read_until(obj, now_ms, &s->until_ms, err);
    return rc;
}

int web_switch_parse(struct slice body, bool resume, int64_t now_ms, struct inbox_switch *ret, struct err *err)
{
    struct inbox_switch s = {.resume = resume, .mode = CONTROL_RUN};
    json_t *obj = NULL;
    if (resume && slice_trim(body).len == 0)
        body = SLICE_LIT("{}");
    if (json_parse(body, "body", &obj, err) != 0)
        return err ? err->kind = ERR_INVALID : ERR_INVALID;
    int rc = read_switch(obj, resume, now_ms, &s, err);
    json_decref(obj);
    if (rc == 0)
        *ret = s;
    return rc;
}

// ---- the answer -----------------------------------------------------------------------------------------------------------

static bool knows(const struct view *v, const char *cluster)
{
    for (size_t i = 0; i < v->cluster_count; i++)
        if (strcmp(v->clusters[i]->name, cluster) == 0)
            return true;
    return cluster[0] == '\0';
}

static bool is_json(const char *content_type)
{
    struct slice rest = slice_of(content_type);
    return slice_eq_nocase(slice_trim(slice_cut(&rest, ';')), SLICE_LIT("application/json"));
}

enum web_post_result web_post_may(const struct web_request *r, bool open, char why_not[256])
{
    const struct web_posts *p = r->posts;
    bool none = p == NULL || p->token == NULL || p->token[0] == '\0';
    why_not[0] = '\0';
    if (none && !open) {
        snprintf(why_not, 256, "nothing may be asked for here: give masu a token (MASU_API_TOKEN or --api-token-file)");
        return POST_NO_TOKEN;
    }
    if (!none && !web_token_equal(r->authorization, p->token)) {
        snprintf(why_not, 256, "the token is missing or wrong: Authorization: Bearer TOKEN");
        return POST_UNAUTHORIZED;
    }
    if (r->body_too_large) {
        snprintf(why_not, 256, "the body is larger than %zu bytes", WEB_POST_MAX_BYTES);
        return POST_TOO_LARGE;
    }
    if (!is_json(r->content_type)) {
        snprintf(why_not, 256, "Content-Type: application/json is expected");
        return POST_NOT_JSON;
    }
    return POST_ACCEPTED;
}

static enum web_post_result judge(struct web_request *r, bool resume, struct inbox_switch *s, char why_not[256])
{
    struct err err = {0};
    struct web_posts *p = r->posts;
    enum web_post_result may = web_post_may(r, false, why_not);
    if (may != POST_ACCEPTED)
        return may;
    if (p->inbox == NULL) {
        snprintf(why_not, 256, "nothing may be switched here");
        return POST_NO_TOKEN;
    }
    if (web_switch_parse(r->body, resume, r->now_ms, s, &err) != 0) {
        snprintf(why_not, 256, "%.255s", err.msg);
        return POST_INVALID;
    }
    if (!knows(r->view, s->cluster)) {
        snprintf(why_not, 256, "no cluster %.200s in the policy", s->cluster);
        return POST_NO_CLUSTER;
    }
    char who[100];
    snprintf(who, sizeof who, "%s", s->who);
    snprintf(s->who, sizeof s->who, "%s%sAPI from %s", who, who[0] ? ", " : "", r->peer && r->peer[0] ? r->peer : "unknown");
    if (!inbox_put(p->inbox, s)) {
        snprintf(why_not, 256, "too many switches wait for the loop");
        return POST_FULL;
    }
    return POST_ACCEPTED;
}

// True while this minute's lines are not used up.
static bool may_tell(struct web_posts *p)
{
    int64_t minute = clock_mono_ms(p->clock) / 60000 + 1, was = atomic_load(&p->minute);
    if (was != minute && atomic_compare_exchange_strong(&p->minute, &was, minute))
        atomic_store(&p->told, 0);
    return atomic_fetch_add(&p->told, 1) < TOLD_A_MINUTE;
}

int web_post_tell(const struct web_request *r, const char *path, enum web_post_result result, const char *why_not)
{
    struct web_posts *p = r->posts;
    if (p != NULL)
        atomic_fetch_add(&p->counts[result], 1);
    if (p != NULL && p->log != NULL && result != POST_ACCEPTED && may_tell(p))
        log_event(p->log, LOG_WARN, "post", why_not, LOG_S("path", path), LOG_S("peer", r->peer ? r->peer : ""), LOG_I("status", results[result].status));
    return results[result].status;
}

static void tell(struct web_request *r, const char *path, enum web_post_result result, const struct inbox_switch *s, const char *why_not)
{
    struct web_posts *p = r->posts;
    web_post_tell(r, path, result, why_not);
    if (p == NULL || p->log == NULL)
        return;
    if (result == POST_ACCEPTED)
        log_event(p->log, LOG_INFO, "post", "accepted", LOG_S("path", path), LOG_S("mode", control_mode_name(s->mode)),
                  LOG_S("cluster", s->cluster), LOG_S("who", s->who), LOG_S("why", s->why));
}

static void answer(struct web_request *r, struct web_response *w, bool resume)
{
    struct inbox_switch s = {.mode = CONTROL_RUN};
    char why_not[256];
    if (!r->post) {
        web_problem(w, 405, "POST is expected here");
        w->allow = "POST";
        return;
    }
    enum web_post_result result = judge(r, resume, &s, why_not);
    tell(r, resume ? "/api/v1/resume" : "/api/v1/pause", result, &s, why_not);
    if (result != POST_ACCEPTED) {
        web_problem(w, results[result].status, "%s", why_not);
        return;
    }
    struct jsonw j;
    web_json_begin(r, w, &j);
    w->status = results[result].status;
    jsonw_str(&j, "accepted", resume ? "resume" : control_mode_name(s.mode));
    jsonw_str_or_null(&j, "cluster", s.cluster);
    jsonw_str(&j, "who", s.who);
    jsonw_str(&j, "why", s.why);
    jsonw_time(&j, "until", s.until_ms);
    jsonw_end(&j);
}

void web_pause(struct web_request *r, struct web_response *w)
{
    answer(r, w, false);
}

void web_resume(struct web_request *r, struct web_response *w)
{
    answer(r, w, true);
}
