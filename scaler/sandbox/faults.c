#include "scaler/sandbox/faults.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "scaler/sandbox/internal.h"

const struct fault *fault_for(struct sandbox *s, const char *operation, int64_t world_ms)
{
    for (int i = 0; i < s->fault_count; i++) {
        struct fault *f = &s->faults[i];
        if (f->repeat == 0 || fnmatch(f->operation, operation, 0) != 0)
            continue;
        if (f->countdown > 0) {
            f->countdown--;
            continue;
        }
        if (f->repeat > 0)
            f->repeat--;
        return f;
    }
    return s->options.weather && weather_strikes(&s->weather, operation, world_ms, &s->struck) ? &s->struck : NULL;
}

int sandbox_add_fault(struct sandbox *s, const struct sandbox_fault *f, struct err *err)
{
    sandbox_lock(s);
    int r = 0;
    if (s->fault_count == FAULTS_MAX) {
        r = err_set(err, ERR_LIMIT, "sandbox: more than %d faults", FAULTS_MAX);
    } else {
        struct fault *own = &s->faults[s->fault_count++];
        *own = (struct fault){.kind = f->kind, .countdown = f->countdown, .repeat = f->repeat};
        snprintf(own->operation, sizeof own->operation, "%s", f->operation);
        s->keeps_answers = s->keeps_answers || f->kind == SANDBOX_FAULT_STALE;
    }
    sandbox_unlock(s);
    return r;
}

void sandbox_clear_faults(struct sandbox *s)
{
    sandbox_lock(s);
    s->fault_count = 0;
    s->keeps_answers = false;
    sandbox_unlock(s);
}

void sandbox_set_read_lag(struct sandbox *s, int64_t ms)
{
    sandbox_lock(s);
    s->options.read_lag_ms = ms;
    sandbox_unlock(s);
}

void sandbox_set_empty_pages(struct sandbox *s, bool on)
{
    sandbox_lock(s);
    s->options.empty_pages = on;
    sandbox_unlock(s);
}

void sandbox_impair_zone(struct sandbox *s, const char *zone)
{
    sandbox_lock(s);
    snprintf(s->regions[0].impaired_zone, sizeof s->regions[0].impaired_zone, "%s", zone);
    sandbox_unlock(s);
}

int64_t sandbox_weather_faults(struct sandbox *s)
{
    sandbox_lock(s);
    int64_t served = s->weather.served;
    sandbox_unlock(s);
    return served;
}

void answer_throttled(struct call *c)
{
    static const char *const codes[AWS_SERVICE_COUNT] = {"ThrottlingException", "RequestLimitExceeded", "Throttling", "ThrottlingException",
                                                         "TooManyRequestsException", "RequestThrottled", "Throttling", "Throttling"};
    call_fail(c, c->service == AWS_EC2 ? 503 : 400, codes[c->service], c->service == AWS_EC2 ? "Request limit exceeded." : "Rate exceeded");
}

static void answer_denied(struct call *c)
{
    if (c->service == AWS_EC2)
        call_fail(c, 403, "UnauthorizedOperation", "You are not authorized to perform this operation.");
    else
        call_fail(c, c->speaks_json ? 400 : 403, c->speaks_json ? "AccessDeniedException" : "AccessDenied",
                  "User is not authorized to perform: %s", c->op->name);
}

static void answer_failure(struct call *c, int status)
{
    static const char *const codes[AWS_SERVICE_COUNT][2] = {
        {"ServerException", "ServiceUnavailableException"}, {"InternalError", "Unavailable"}, {"InternalFailure", "ServiceUnavailable"},
        {"InternalServiceException", "ServiceUnavailableException"}, {"ServiceException", "ServiceUnavailableException"},
        {"InternalFailure", "ServiceUnavailable"}, {"ResourceContention", "ServiceUnavailable"}, {"InternalServiceError", "ServiceUnavailable"}};
    call_fail(c, status, codes[c->service][status == 503], "The service cannot answer at this time.");
}

// Faults that keep the operation from running. True: the call is answered (or will never be).
bool fault_before(struct call *c, const struct fault *f)
{
    switch (f->kind) {
    case SANDBOX_FAULT_THROTTLE:
        answer_throttled(c);
        return true;
    case SANDBOX_FAULT_500:
        answer_failure(c, 500);
        return true;
    case SANDBOX_FAULT_503:
        answer_failure(c, 503);
        return true;
    case SANDBOX_FAULT_DENIED:
        answer_denied(c);
        return true;
    case SANDBOX_FAULT_INVALID:
        call_fail(c, 400, c->speaks_json ? "InvalidParameterException" : "InvalidParameterValue", "A value is not valid.");
        return true;
    case SANDBOX_FAULT_TIMEOUT_BEFORE:
        call_fail(c, 500, "Lost", "no answer");
        c->ret->delivery = SANDBOX_LOST;
        return true;
    case SANDBOX_FAULT_TIMEOUT_AFTER:
    case SANDBOX_FAULT_TRUNCATED:
    case SANDBOX_FAULT_GARBAGE:
        c->lost = true;
        return false;
    case SANDBOX_FAULT_PARTIAL:
        c->partial = true;
        return false;
    case SANDBOX_FAULT_EMPTY_PAGE:
        c->empty_page = true;
        return false;
    case SANDBOX_FAULT_STALE:
    case SANDBOX_FAULT_COUNT:
        break;
    }
    return false;
}

void fault_after(struct call *c, const struct fault *f)
{
    if (f->kind == SANDBOX_FAULT_TIMEOUT_AFTER)
        c->ret->delivery = SANDBOX_LOST;
    if (f->kind == SANDBOX_FAULT_TRUNCATED)
        c->ret->delivery = SANDBOX_TRUNCATED;
    if (f->kind == SANDBOX_FAULT_GARBAGE) {
        buf_clear(c->out);
        buf_add_str(c->out, "\x01\xff<{not\" an answer");
    }
}

static uint64_t question_hash(const struct call *c)
{
    uint64_t h = hash_bytes(hash_bytes(1, c->op->name, strlen(c->op->name)), c->region->name, strlen(c->region->name));
    return hash_bytes(h, c->request->body.ptr, c->request->body.len);
}

bool answer_stale(struct call *c)
{
    uint64_t hash = question_hash(c);
    for (int i = 0; i < STALE_MAX; i++) {
        const struct stale_answer *old = &c->s->stale[i];
        if (old->hash != hash || old->status == 0)
            continue;
        buf_clear(c->out);
        buf_add_slice(c->out, buf_slice(&old->body));
        c->ret->status = old->status;
        return true;
    }
    return false;
}

void keep_answer(struct call *c)
{
    uint64_t hash = question_hash(c);
    struct stale_answer *slot = &c->s->stale[c->s->stale_next % STALE_MAX];
    for (int i = 0; i < STALE_MAX; i++)
        if (c->s->stale[i].hash == hash && c->s->stale[i].status != 0)
            slot = &c->s->stale[i];
    if (slot == &c->s->stale[c->s->stale_next % STALE_MAX])
        c->s->stale_next++;
    if (slot->body.max == 0)
        buf_init(&slot->body, SANDBOX_RESPONSE_MAX);
    buf_clear(&slot->body);
    buf_add_slice(&slot->body, buf_slice(c->out));
    slot->hash = hash;
    slot->status = c->ret->status;
}
