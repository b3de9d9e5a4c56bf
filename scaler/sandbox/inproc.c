#include "scaler/sandbox/inproc.h"

#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/rng.h"

#define OPEN_MAX ((size_t)4096)
#define HEADERS_MAX ((size_t)64)

enum slot_state { SLOT_FREE, SLOT_SENT, SLOT_ANSWERED, SLOT_DONE };

struct slot {
    enum slot_state state;
    uint64_t id;
    int64_t arrive_ms, done_ms, timeout_ms;  // world time
    int64_t answered_ms;                     // world time
    int64_t wire_ms, held_since_ms;          // of a long poll: when it first arrived; held_since_ms 0: it is none, or new
    transport_done_fn done;
    void *arg;
    struct buf question;                     // method, url, headers and body as one block; the slices below point into it
    size_t url_at, body_at, body_len;
    struct {
        size_t name_at, name_len, value_at, value_len;
    } headers[HEADERS_MAX];
    size_t header_count;
    size_t max_response_bytes;
    struct sandbox_response answer;
};

struct inproc {
    struct transport base;
    struct sandbox *sandbox;
    struct rng rng;
    int64_t latency_min_ms, latency_max_ms;
    int64_t off_ms;                          // the daemon's wall clock minus the world's
    struct slot **slots;
    size_t slot_count, slot_cap;
    size_t held_count;                       // long polls that wait for a message
    uint64_t arrivals;                       // messages that had come when these were looked at
    uint64_t next_id;
    atomic_bool woken;                       // wake() comes from any thread or a signal handler
    int wake_fd;
    bool is_virtual;
};

static struct inproc *self(struct transport *t)
{
    return (struct inproc *)t;
}

// ---- submit ---------------------------------------------------------------------------------------------------------------
static struct slot *free_slot(struct inproc *p)
{
    for (size_t i = 0; i < p->slot_count; i++)
        if (p->slots[i]->state == SLOT_FREE)
            return p->slots[i];
    if (p->slot_count == OPEN_MAX)
        return NULL;
    if (p->slot_count == p->slot_cap) {
        size_t cap = p->slot_cap == 0 ? 16 : p->slot_cap * 2;
        struct slot **grown = realloc(p->slots, cap * sizeof(struct slot *));
        if (grown == NULL)
            return NULL;
        p->slots = grown;
        p->slot_cap = cap;
    }
    struct slot *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    buf_init(&s->question, SANDBOX_REQUEST_MAX * 2);
    buf_init(&s->answer.body, SANDBOX_RESPONSE_MAX);
    p->slots[p->slot_count++] = s;
    return s;
}

static size_t keep(struct buf *b, const void *p, size_t len)
{
    size_t at = b->len;
    buf_add(b, p, len);
    buf_add_char(b, '\0');
    return at;
}

static int copy_request(struct slot *s, const struct transport_request *r, struct err *err)
{
    bool has_host = false;
    size_t host_from = strncmp(r->url, "https://", 8) == 0 ? 8 : strncmp(r->url, "http://", 7) == 0 ? 7 : 0;
    if (host_from == 0 || r->url[host_from] == '\0' || r->header_count >= HEADERS_MAX || r->timeout_ms <= 0)
        return err_set(err, ERR_INVALID, "in process: not a request that can be sent: %.200s", r->url);
    buf_clear(&s->question);
    keep(&s->question, r->method, strlen(r->method));
    s->url_at = keep(&s->question, r->url, strlen(r->url));
    for (size_t i = 0; i < r->header_count; i++) {
        s->headers[i].name_at = keep(&s->question, r->headers[i].name.ptr, r->headers[i].name.len);
        s->headers[i].name_len = r->headers[i].name.len;
        s->headers[i].value_at = keep(&s->question, r->headers[i].value.ptr, r->headers[i].value.len);
        s->headers[i].value_len = r->headers[i].value.len;
        has_host = has_host || slice_eq_nocase(r->headers[i].name, SLICE_LIT("host"));
    }
    s->header_count = r->header_count;
    if (!has_host) {  // as any HTTP client would add
        size_t n = s->header_count++;
        s->headers[n].name_at = keep(&s->question, "host", s->headers[n].name_len = 4);
        s->headers[n].value_len = strcspn(r->url + host_from, "/?");
        s->headers[n].value_at = keep(&s->question, r->url + host_from, s->headers[n].value_len);
    }
    s->body_at = keep(&s->question, r->body.ptr, r->body.len);
    s->body_len = r->body.len;
    if (r->body.len > SANDBOX_REQUEST_MAX || buf_failed(&s->question))
        return err_set(err, ERR_LIMIT, "in process: request of %zu bytes", r->body.len);
    return 0;
}

static int inproc_submit(struct transport *t, const struct transport_request *r, transport_done_fn done, void *arg, uint64_t *ret_id,
                         struct err *err)
{
    struct inproc *p = self(t);
    struct slot *s = free_slot(p);
    if (s == NULL)
        return err_set(err, ERR_LIMIT, "in process: %zu requests are open", p->slot_count);
    int result = copy_request(s, r, err);
    if (result != 0)
        return result;
    int64_t now_ms = clock_wall_ms(t->clock), latency_ms = rng_between(&p->rng, p->latency_min_ms, p->latency_max_ms);
    s->state = SLOT_SENT;
    s->id = p->next_id++;
    s->arrive_ms = now_ms + latency_ms / 2;
    s->held_since_ms = 0;
    s->done_ms = now_ms + latency_ms;
    s->timeout_ms = now_ms + r->timeout_ms;
    s->max_response_bytes = r->max_response_bytes;
    s->done = done;
    s->arg = arg;
    if (ret_id != NULL)
        *ret_id = s->id;
    return 0;
}

// ---- the far end ----------------------------------------------------------------------------------------------------------
static void arrive(struct inproc *p, struct slot *s)
{
    const char *base = buf_str(&s->question), *url = base + s->url_at;
    const char *path = strstr(url, "://") + 3;
    path += strcspn(path, "/?");
    size_t path_len = strcspn(path, "?");
    struct sandbox_header headers[HEADERS_MAX];
    for (size_t i = 0; i < s->header_count; i++)
        headers[i] = (struct sandbox_header){{base + s->headers[i].name_at, s->headers[i].name_len},
                                             {base + s->headers[i].value_at, s->headers[i].value_len}};
    struct sandbox_request r = {
        .method = base,
        .path = path_len > 0 ? (struct slice){path, path_len} : SLICE_LIT("/"),
        .query = path[path_len] == '?' ? slice_of(path + path_len + 1) : (struct slice){"", 0},
        .headers = headers,
        .header_count = s->header_count,
        .body = {base + s->body_at, s->body_len},
        .wire_ms = s->held_since_ms ? s->wire_ms : clock_wall_ms(p->base.clock),
        .held_since_ms = s->held_since_ms,
    };
    int64_t back_ms = s->done_ms - s->arrive_ms;
    sandbox_handle(p->sandbox, &r, &s->answer);
    p->held_count -= s->held_since_ms != 0;
    s->wire_ms = r.wire_ms;
    s->held_since_ms = s->answer.delivery == SANDBOX_HELD ? s->answer.held_since_ms : 0;
    p->held_count += s->held_since_ms != 0;
    if (s->held_since_ms != 0) {  // the way back begins when there is an answer
        s->arrive_ms = s->answer.retry_ms < s->timeout_ms ? s->answer.retry_ms : s->timeout_ms;
        s->done_ms = s->arrive_ms + back_ms;
        if (s->arrive_ms > clock_wall_ms(p->base.clock))
            return;
        s->held_since_ms = 0;
        p->held_count--;
    }
    s->state = SLOT_ANSWERED;
    s->answered_ms = clock_wall_ms(p->base.clock);
    if (s->answer.delivery == SANDBOX_LOST || s->done_ms > s->timeout_ms)
        s->done_ms = s->timeout_ms;
}

static void complete(struct slot *s, const struct transport_response *response)
{
    transport_done_fn done = s->done;
    void *arg = s->arg;
    s->state = SLOT_DONE;  // the callback may submit; the slot holds the body until it is back
    done(arg, response);
    s->state = SLOT_FREE;
}

static void deliver(struct slot *s)
{
    struct transport_response response = {.id = s->id};
    char date[32];
    struct http_header headers[] = {{SLICE_LIT("Content-Type"), slice_of(s->answer.content_type)},
                                    {SLICE_LIT("Date"), slice_of(format_http_date(s->answered_ms, date))},
                                    {SLICE_LIT("x-amzn-RequestId"), slice_of(s->answer.request_id)},
                                    {SLICE_LIT("x-amzn-query-error"), slice_of(s->answer.query_error)}};
    if (s->answer.delivery == SANDBOX_LOST || s->done_ms >= s->timeout_ms) {
        response.timed_out = true;
        err_set(&response.err, ERR_TRANSIENT, "no answer in time");
    } else if (s->answer.delivery == SANDBOX_TRUNCATED) {
        err_set(&response.err, ERR_TRANSIENT, "the connection was closed in the middle of the answer");
    } else if (s->answer.body.len > s->max_response_bytes) {
        err_set(&response.err, ERR_LIMIT, "the answer is longer than %zu bytes", s->max_response_bytes);
    } else {
        response.status = s->answer.status;
        response.headers = headers;
        response.header_count = ARRAY_LEN(headers) - (s->answer.query_error[0] == '\0');
        response.body = (struct slice){buf_str(&s->answer.body), s->answer.body.len};
    }
    complete(s, &response);
}

// A message came: whoever waits for one asks again.
static void stir(struct inproc *p)
{
    uint64_t arrivals = sandbox_arrivals(p->sandbox);
    int64_t now_ms = clock_wall_ms(p->base.clock);
    if (arrivals == p->arrivals)
        return;
    p->arrivals = arrivals;
    for (size_t i = 0; i < p->slot_count; i++) {
        struct slot *s = p->slots[i];
        if (s->state == SLOT_SENT && s->held_since_ms != 0 && s->arrive_ms > now_ms) {
            s->done_ms -= s->arrive_ms - now_ms;
            s->arrive_ms = now_ms;
        }
    }
}

// ---- wait -----------------------------------------------------------------------------------------------------------------
static int64_t due_ms(const struct slot *s)
{
    return s->state == SLOT_SENT ? s->arrive_ms : s->done_ms;
}

// The next thing to happen; ties go to the older request.
static struct slot *next_slot(const struct inproc *p)
{
    struct slot *next = NULL;
    for (size_t i = 0; i < p->slot_count; i++) {
        struct slot *s = p->slots[i];
        if (s->state != SLOT_SENT && s->state != SLOT_ANSWERED)
            continue;
        if (next == NULL || due_ms(s) < due_ms(next) || (due_ms(s) == due_ms(next) && s->id < next->id))
            next = s;
    }
    return next;
}

static bool take_wake(struct inproc *p)
{
    if (!atomic_exchange(&p->woken, false))
        return false;
    uint64_t drained;
    ssize_t n = read(p->wake_fd, &drained, sizeof drained);
    (void)n;  // nothing to drain: the flag was seen before the write
    return true;
}

// Lets time come to at_ms: jumps in a virtual world, sleeps in an accelerated one. False: it has not come yet, or wake().
// What is on the wire for less than a real millisecond is not slept for: at high speeds that would be minutes of the world.
static bool pass_time(struct inproc *p, int64_t at_ms, bool on_wire)
{
    int64_t now_ms = clock_wall_ms(p->base.clock);
    if (at_ms <= now_ms)
        return true;
    if (p->is_virtual) {
        clock_advance_to(p->base.clock, at_ms);
        return true;
    }
    clock_pace_to(p->base.clock, at_ms);
    int64_t delay_ms = clock_real_delay_ms(p->base.clock, at_ms);
    if (on_wire && delay_ms <= 1)
        return true;
    struct pollfd fd = {.fd = p->wake_fd, .events = POLLIN};
    poll(&fd, 1, delay_ms < 60000 ? (int)delay_ms : 60000);
    return clock_wall_ms(p->base.clock) >= at_ms && !atomic_load(&p->woken);
}

static int inproc_wait(struct transport *t, int64_t until_ms)
{
    struct inproc *p = self(t);
    int delivered = 0;
    while (!take_wake(p)) {
        struct slot *s = next_slot(p);
        bool event = s != NULL && due_ms(s) <= until_ms;
        // Completions of the same moment are delivered together; then the caller looks again.
        if (delivered > 0 && (!event || due_ms(s) > clock_wall_ms(t->clock)))
            return delivered;
        int64_t at_ms = event ? due_ms(s) : until_ms, now_ms = clock_wall_ms(t->clock);
        int64_t world_ms = p->held_count > 0 ? sandbox_next_ms(p->sandbox) : INT64_MAX;
        world_ms = world_ms > now_ms ? world_ms : now_ms + 1;
        if (world_ms < at_ms) {  // something happens before: perhaps what a long poll waits for
            if (pass_time(p, world_ms, false)) {
                sandbox_sync(p->sandbox);
                stir(p);
            }
            continue;
        }
        if (!pass_time(p, at_ms, event))
            continue;
        if (!event) {
            sandbox_sync(p->sandbox);
            stir(p);
            return delivered;
        }
        if (s->state == SLOT_SENT) {
            arrive(p, s);
            stir(p);
        } else {
            deliver(s);
            delivered++;
        }
    }
    return delivered;
}

// ---- the rest -------------------------------------------------------------------------------------------------------------
static void inproc_cancel(struct transport *t, uint64_t id)
{
    struct inproc *p = self(t);
    for (size_t i = 0; i < p->slot_count; i++) {
        struct slot *s = p->slots[i];
        if (s->id != id || (s->state != SLOT_SENT && s->state != SLOT_ANSWERED))
            continue;
        p->held_count -= s->state == SLOT_SENT && s->held_since_ms != 0;
        struct transport_response response = {.id = id, .timed_out = true};
        err_set(&response.err, ERR_TRANSIENT, "cancelled");
        complete(s, &response);
        return;
    }
}

static void inproc_wake(struct transport *t)
{
    struct inproc *p = self(t);
    uint64_t one = 1;
    atomic_store(&p->woken, true);
    ssize_t n = write(p->wake_fd, &one, sizeof one);
    (void)n;  // a full counter wakes as well
}

static int64_t inproc_wire_ms(struct transport *t)
{
    return clock_wall_ms(t->clock) + self(t)->off_ms;
}

void inproc_step_clock(struct transport *t, int64_t off_ms)
{
    self(t)->off_ms = off_ms;
}

static void inproc_free(struct transport *t)
{
    struct inproc *p = self(t);
    for (struct slot *s = next_slot(p); s != NULL; s = next_slot(p))
        inproc_cancel(t, s->id);
    for (size_t i = 0; i < p->slot_count; i++) {
        buf_release(&p->slots[i]->question);
        buf_release(&p->slots[i]->answer.body);
        free(p->slots[i]);
    }
    free(p->slots);
    close(p->wake_fd);
    free(p);
}

static const struct transport_ops inproc_ops = {inproc_submit, inproc_wait, inproc_cancel, inproc_wake, inproc_wire_ms, inproc_free};

int inproc_new(struct sandbox *s, struct clock *clock, const struct inproc_options *options, struct transport **ret, struct err *err)
{
    struct inproc *p = calloc(1, sizeof *p);
    if (p == NULL)
        return err_set(err, ERR_NOMEM, "in process: no memory");
    p->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (p->wake_fd < 0) {
        free(p);
        return err_set(err, ERR_IO, "in process: no eventfd");
    }
    p->base = (struct transport){&inproc_ops, clock};
    p->sandbox = s;
    p->latency_min_ms = options != NULL && options->latency_max_ms > 0 ? options->latency_min_ms : 20;
    p->latency_max_ms = options != NULL && options->latency_max_ms > 0 ? options->latency_max_ms : 80;
    rng_init(&p->rng, (options != NULL ? options->seed : 0) ^ 0x1a7e9c1u);
    p->next_id = 1;
    p->is_virtual = clock_real_delay_ms(clock, INT64_MAX) == 0;
    *ret = &p->base;
    return 0;
}
