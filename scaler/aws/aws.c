#include "scaler/aws/aws.h"

#include "base/parse.h"
#include "scaler/aws/aws_private.h"

#define ATTEMPTS_DEFAULT 3
#define ATTEMPTS_MAX 10

// ---- registry ---------------------------------------------------------------------------------------------------------------
struct aws_clients *aws_clients_new(const struct aws_options *o)
{
    struct aws_clients *c = calloc(1, sizeof *c);
    assert(c != NULL);
    c->transport = o->transport;
    c->env = o->env ? o->env : &aws_env_process;
    c->stop = o->stop;
    rng_init(&c->rng, o->seed);
    int64_t attempts = ATTEMPTS_DEFAULT;
    const char *set = aws_env_get(c->env, "AWS_MAX_ATTEMPTS");
    if (set && (!parse_i64(slice_of(set), &attempts) || attempts < 1))
        attempts = ATTEMPTS_DEFAULT;
    c->max_attempts = attempts > ATTEMPTS_MAX ? ATTEMPTS_MAX : (int)attempts;
    return c;
}

static void cancel_all(struct aws_clients *c);

void aws_clients_free(struct aws_clients *c)
{
    if (!c)
        return;
    cancel_all(c);
    while (c->first) {
        struct aws *a = c->first;
        c->first = a->next;
        for (size_t i = 0; i < ARRAY_LEN(a->keys); i++)
            sigv4_key_cache_release(&a->keys[i]);
        free(a);
    }
    while (c->providers) {
        struct aws_provider *p = c->providers;
        c->providers = p->next;
        credentials_provider_free(p->credentials);
        free(p);
    }
    free(c);
}

static struct credentials_provider *provider_of(struct aws_clients *c, const char *account, const char *region)
{
    for (struct aws_provider *p = c->providers; p; p = p->next)
        if (strcmp(p->account, account) == 0)
            return p->credentials;
    struct aws_provider *p = calloc(1, sizeof *p);
    assert(p != NULL);
    snprintf(p->account, sizeof p->account, "%s", account);
    p->credentials = credentials_provider_new(&(struct credentials_options){c->env, c->transport, &c->skew, region, rng_u64(&c->rng)});
    p->next = c->providers;
    c->providers = p;
    return p->credentials;
}

static bool account_valid(const char *account)
{
    size_t n = strlen(account);
    return n == 0 || (n == 12 && strspn(account, "0123456789") == n);
}

int aws_clients_get(struct aws_clients *c, const char *account, const char *region, struct aws **ret, struct err *err)
{
    if (!*region && !c->own_region.name[0]) {
        int rc = aws_region_discover(c->env, c->transport, &c->own_region, err);
        if (rc)
            return rc;
    }
    if (!*region)
        region = c->own_region.name;
    if (!aws_region_valid(region))
        return err_set(err, ERR_INVALID, "not an AWS region: %.40s", region);
    if (!account_valid(account))
        return err_set(err, ERR_INVALID, "not an AWS account number: %.40s", account);
    struct aws **at = &c->first;
    for (; *at; at = &(*at)->next)
        if (strcmp((*at)->account, account) == 0 && strcmp((*at)->region, region) == 0) {
            *ret = *at;
            return 0;
        }
    struct aws *a = calloc(1, sizeof *a);
    assert(a != NULL);
    a->clients = c;
    a->retry_tokens = AWS_RETRY_TOKENS;
    snprintf(a->account, sizeof a->account, "%s", account);
    snprintf(a->region, sizeof a->region, "%s", region);
    for (int s = 0; s < AWS_SERVICE_COUNT; s++) {
        int rc = aws_endpoint_resolve(c->env, (enum aws_service)s, region, &a->endpoints[s], err);
        if (rc) {
            free(a);
            return rc;
        }
    }
    a->credentials = provider_of(c, account, region);
    *at = a;
    *ret = a;
    return 0;
}

const char *aws_clients_region_source(const struct aws_clients *c)
{
    return c->own_region.name[0] ? c->own_region.source : "";
}

struct aws *aws_clients_at(struct aws_clients *c, size_t index)
{
    struct aws *a = c->first;
    while (a && index--)
        a = a->next;
    return a;
}

const char *aws_account(const struct aws *a)
{
    return a->account;
}

const char *aws_region(const struct aws *a)
{
    return a->region;
}

struct transport *aws_transport(const struct aws *a)
{
    return a->clients->transport;
}

const struct aws_stat *aws_stats(const struct aws *a, size_t *ret_count)
{
    *ret_count = a->stat_count;
    return a->stats;
}

// ---- submit and complete ----------------------------------------------------------------------------------------------------
static struct aws_stat *stat_of(struct aws *a, enum aws_service service, const char *operation)
{
    for (size_t i = 0; i < a->stat_count; i++)
        if (a->stats[i].service == service && strcmp(a->stats[i].operation, operation) == 0)
            return &a->stats[i];
    assert(a->stat_count < AWS_STATS_MAX);  // the operations of this program are few
    a->stats[a->stat_count] = (struct aws_stat){.service = service, .operation = operation};
    return &a->stats[a->stat_count++];
}

void aws_submit(struct aws *a, const struct aws_request *r, aws_done_fn done, void *arg)
{
    struct aws_pending *p = calloc(1, sizeof *p);
    char *body = malloc(r->body.len + 1);
    assert(p != NULL && body != NULL);
    if (r->body.len)
        memcpy(body, r->body.ptr, r->body.len);
    body[r->body.len] = '\0';
    p->aws = a;
    p->request = *r;
    p->request.body = (struct slice){body, r->body.len};
    p->done = done;
    p->arg = arg;
    p->bucket = aws_budget_bucket(r->service, r->operation);
    p->stat = stat_of(a, r->service, r->operation);
    p->submitted_ms = clock_wall_ms(a->clients->transport->clock);
    p->over_limit = a->count >= AWS_CALLS_MAX;
    p->prev = a->last;
    *(a->last ? &a->last->next : &a->first) = p;
    a->last = p;
    a->count++;
    a->clients->submitted++;
}

void aws_complete(struct aws_pending *p, const struct aws_response *r)
{
    struct aws *a = p->aws;
    *(p->prev ? &p->prev->next : &a->first) = p->next;
    *(p->next ? &p->next->prev : &a->last) = p->prev;
    a->count--;
    if (r->err.kind)
        p->stat->failures++;
    p->done(p->arg, r);
    free((char *)(uintptr_t)p->request.body.ptr);
    free(p);
}

void aws_complete_error(struct aws_pending *p, const struct err *err)
{
    struct aws_response r = {.err = *err, .code = "", .timed_out = p->unknown_effect, .attempts = p->attempts};
    aws_complete(p, &r);
}

// ---- run --------------------------------------------------------------------------------------------------------------------
static void fail_unasked(struct aws_pending *p)
{
    const struct aws_breaker *b = &p->aws->breakers[p->request.service];
    struct err err = {0};
    err_set(&err, ERR_TRANSIENT, "%s: %s in %s failed %d times in a row (%s) -> not asked for %lld s", p->request.operation,
            aws_service_name(p->request.service), p->aws->region, b->failures, b->why, (long long)(b->pause_ms / 1000));
    aws_complete_error(p, &err);
}

// Sends the call if it may go now; returns the world time at which to look again, INT64_MAX: when something completes.
static int64_t advance(struct aws_pending *p, int64_t now_ms)
{
    struct aws *a = p->aws;
    struct err err = {0};
    if (p->in_flight)
        return INT64_MAX;
    if (p->over_limit) {
        err_set(&err, ERR_LIMIT, "%s: more than %d calls are waiting", p->request.operation, AWS_CALLS_MAX);
        aws_complete_error(p, &err);
        return INT64_MAX;
    }
    if (p->due_ms > now_ms)
        return p->due_ms;
    if (a->in_flight >= (p->request.urgent ? 2 * AWS_IN_FLIGHT_MAX : AWS_IN_FLIGHT_MAX) && p->request.lane != AWS_LANE_WAIT)
        return INT64_MAX;
    struct aws_breaker *breaker = &a->breakers[p->request.service];
    if (aws_breaker_refuses(breaker, p->request.urgent, now_ms)) {
        fail_unasked(p);
        return INT64_MAX;
    }
    const struct credentials *credentials = NULL;
    switch (credentials_provider_poll(a->credentials, &credentials, &err)) {
    case CREDENTIALS_PENDING:
        if (credentials && p->request.urgent)
            break;  // the old ones are good yet
        return INT64_MAX;
    case CREDENTIALS_FAILED:
        err_wrap(&err, "%s", p->request.operation);
        aws_complete_error(p, &err);
        return INT64_MAX;
    case CREDENTIALS_READY:
        break;
    }
    int64_t wait_ms = aws_budget_take(&a->budget, p->bucket, p->request.urgent, now_ms);
    if (wait_ms > 0) {
        p->due_ms = now_ms + wait_ms;
        p->stat->wait_ms += (uint64_t)wait_ms;
        return p->due_ms;
    }
    aws_breaker_sent(breaker, p->request.urgent, &p->round, &p->probe);
    aws_send(p, credentials);
    return INT64_MAX;
}

// Urgent calls first. A completion takes out the call itself and may add others at the end, so `next` stays good.
static int64_t advance_client(struct aws *a, int64_t now_ms)
{
    int64_t due_ms = INT64_MAX;
    for (int urgent = 1; urgent >= 0; urgent--) {
        for (struct aws_pending *p = a->first, *next; p; p = next) {
            next = p->next;
            if (p->request.urgent != (urgent == 1))
                continue;
            int64_t at_ms = advance(p, now_ms);
            due_ms = at_ms < due_ms ? at_ms : due_ms;
        }
    }
    return due_ms;
}

static struct aws_pending *first_of(const struct aws *a, enum aws_lane lane)
{
    struct aws_pending *p = a->first;
    while (p && p->request.lane != lane)
        p = p->next;
    return p;
}

static size_t open_calls(const struct aws_clients *c, enum aws_lane lane)
{
    size_t n = 0;
    for (const struct aws *a = c->first; a; a = a->next)
        for (const struct aws_pending *p = a->first; p; p = p->next)
            n += p->request.lane == lane;
    return n;
}

void aws_cancel(struct aws_clients *c, enum aws_lane lane)
{
    c->cancelling = true;
    for (struct aws *a = c->first; a; a = a->next)
        for (struct aws_pending *p; (p = first_of(a, lane)) != NULL;) {
            if (p->in_flight) {
                c->transport->ops->cancel(c->transport, p->transport_id);  // completes it
                continue;
            }
            struct err err = {0};
            err_set(&err, ERR_TRANSIENT, "%s: not answered before the deadline", p->request.operation);
            aws_complete_error(p, &err);
        }
    c->cancelling = false;
}

static void cancel_all(struct aws_clients *c)
{
    aws_cancel(c, AWS_LANE_LOOK);
    for (int lane = AWS_LANE_NOTICE; lane <= AWS_LANE_NOTICE_LAST; lane++)
        aws_cancel(c, (enum aws_lane)lane);
    aws_cancel(c, AWS_LANE_WAIT);
}

// Sends what may go. `ret_added`: calls were added by others that failed at once, perhaps behind the walk.
static int64_t advance_all(struct aws_clients *c, bool *ret_added)
{
    int64_t now_ms = clock_wall_ms(c->transport->clock), due_ms = INT64_MAX;
    uint64_t submitted = c->submitted;
    for (struct aws *a = c->first; a; a = a->next) {
        int64_t at_ms = advance_client(a, now_ms);
        due_ms = at_ms < due_ms ? at_ms : due_ms;
    }
    *ret_added = c->submitted != submitted;
    return due_ms;
}

int64_t aws_turn(struct aws_clients *c)
{
    bool added;
    int64_t due_ms = advance_all(c, &added);
    return added ? clock_wall_ms(c->transport->clock) : due_ms;
}

void aws_on_wait(struct aws_clients *c, void (*fn)(void *arg), void *arg)
{
    c->on_wait = fn;
    c->on_wait_arg = arg;
}

size_t aws_run_lane(struct aws_clients *c, enum aws_lane lane, int64_t until_ms)
{
    struct transport *t = c->transport;
    for (;;) {
        bool added;
        int64_t due_ms = advance_all(c, &added);
        size_t open = open_calls(c, lane);
        if (open > 0 && lane < AWS_LANE_NOTICE_LAST && c->on_wait) {
            c->on_wait(c->on_wait_arg);  // may run calls of its own, and ours are answered meanwhile: nothing would wake us then
            due_ms = advance_all(c, &added);
            open = open_calls(c, lane);
        }
        if (open == 0)
            return 0;
        int64_t now_ms = clock_wall_ms(t->clock);
        if (now_ms >= until_ms || (c->stop && *c->stop)) {
            aws_cancel(c, lane);
            return open;
        }
        if (due_ms > now_ms && !added)
            t->ops->wait(t, due_ms < until_ms ? due_ms : until_ms);
    }
}

size_t aws_run(struct aws_clients *c, int64_t until_ms)
{
    return aws_run_lane(c, AWS_LANE_LOOK, until_ms);
}

int aws_check_credentials(struct aws *a, int64_t until_ms, const char **ret_source, struct err *err)
{
    struct transport *t = a->clients->transport;
    for (;;) {
        const struct credentials *credentials = NULL;
        switch (credentials_provider_poll(a->credentials, &credentials, err)) {
        case CREDENTIALS_READY:
            *ret_source = credentials->source;
            return 0;
        case CREDENTIALS_FAILED:
            return err->kind;
        case CREDENTIALS_PENDING:
            break;
        }
        if (clock_wall_ms(t->clock) >= until_ms)
            return err_set(err, ERR_TRANSIENT, "credentials were not answered before the deadline");
        t->ops->wait(t, until_ms);
    }
}

const char *aws_refused(const struct aws *a, enum aws_service s)
{
    return a->breakers[s].open ? a->breakers[s].why : NULL;
}

void aws_follow_clock(struct aws_clients *c)
{
    aws_skew_follow(&c->skew, c->transport->clock);
}

struct aws_health aws_health(const struct aws *a)
{
    const struct aws_clients *c = a->clients;
    struct aws_health h = {.source = "", .clock_measured = c->skew.measured, .clock_off_ms = c->skew.measured_ms,
                           .clock_corrected = c->skew.applied_ms != 0, .world_off_ms = c->skew.clock_ms,
                           .now_ms = c->transport->ops->wire_ms(c->transport) + c->skew.applied_ms};
    const struct credentials *credentials = credentials_provider_present(a->credentials);
    if (credentials) {
        h.source = credentials->source;
        h.expires_ms = credentials->expires_ms;
    }
    return h;
}
