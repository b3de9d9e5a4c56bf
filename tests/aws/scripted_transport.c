#include "tests/aws/scripted_transport.h"

struct scripted_open {
    uint64_t id;
    size_t index;
    int64_t due_ms;
    transport_done_fn done;
    void *arg;
    struct scripted_open *next;
};

static struct scripted *of(struct transport *t)
{
    return (struct scripted *)t;
}

static const struct scripted_reply *reply_of(const struct scripted *s, size_t index)
{
    if (index >= s->reply_count && s->repeat_last && s->reply_count)
        return &s->replies[s->reply_count - 1];
    assert(index < s->reply_count);
    return &s->replies[index];
}

static const char *text_of_headers(struct scripted *s, const struct transport_request *r)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    for (size_t i = 0; i < r->header_count; i++)
        buf_printf(&b, "%.*s: %.*s\n", (int)r->headers[i].name.len, r->headers[i].name.ptr, (int)r->headers[i].value.len,
                   r->headers[i].value.ptr);
    const char *text = arena_strdup(&s->arena, buf_str(&b));
    buf_release(&b);
    return text;
}

static int submit(struct transport *t, const struct transport_request *r, transport_done_fn done, void *arg, uint64_t *ret_id,
                  struct err *err)
{
    (void)err;
    struct scripted *s = of(t);
    assert(s->request_count < SCRIPTED_MAX);
    size_t index = s->request_count++;
    s->requests[index] = (struct scripted_request){
        arena_strdup(&s->arena, r->url), arena_strdup(&s->arena, r->method), arena_strndup(&s->arena, r->body.len ? r->body.ptr : "", r->body.len),
        text_of_headers(s, r), s->clock.virtual_ms, r->direct};
    const struct scripted_reply *reply = reply_of(s, index);
    struct scripted_open *o = calloc(1, sizeof *o);
    assert(o != NULL);
    int64_t delay_ms = reply->kind == SCRIPTED_HANG ? r->timeout_ms : reply->delay_ms;
    *o = (struct scripted_open){index + 1, index, s->clock.virtual_ms + delay_ms, done, arg, NULL};
    struct scripted_open **at = &s->open;
    while (*at && (*at)->due_ms <= o->due_ms)
        at = &(*at)->next;
    o->next = *at;
    *at = o;
    s->open_count++;
    s->open_max = s->open_count > s->open_max ? s->open_count : s->open_max;
    *ret_id = o->id;
    return 0;
}

static void complete(struct scripted *s, struct scripted_open *o, bool cancelled)
{
    for (struct scripted_open **p = &s->open; *p; p = &(*p)->next)
        if (*p == o) {
            *p = o->next;
            break;
        }
    s->open_count--;
    const struct scripted_reply *reply = reply_of(s, o->index);
    struct http_header header = {slice_of(reply->header), slice_of(reply->value)};
    struct transport_response r = {.id = o->id};
    if (cancelled) {
        err_set(&r.err, ERR_TRANSIENT, "cancelled");
        r.timed_out = true;
    } else if (reply->kind == SCRIPTED_REFUSED) {
        err_set(&r.err, ERR_TRANSIENT, "connection refused");
    } else if (reply->kind == SCRIPTED_LOST || reply->kind == SCRIPTED_HANG) {
        err_set(&r.err, ERR_TRANSIENT, "no answer");
        r.timed_out = true;
    } else if (reply->kind == SCRIPTED_LIMIT) {
        err_set(&r.err, ERR_LIMIT, "answer too large");
        r.timed_out = true;
    } else {
        r.status = reply->status ? reply->status : 200;
        r.body = reply->body_len ? (struct slice){reply->body, reply->body_len} : slice_of(reply->body);
        r.headers = &header;
        r.header_count = reply->header ? 1 : 0;
    }
    o->done(o->arg, &r);
    free(o);
}

static int wait_for(struct transport *t, int64_t until_ms)
{
    struct scripted *s = of(t);
    if (s->woken) {
        s->woken = false;
        return 0;
    }
    if (!s->open || s->open->due_ms > until_ms) {
        if (until_ms > s->clock.virtual_ms)
            clock_advance_to(&s->clock, until_ms);
        return 0;
    }
    if (s->open->due_ms > s->clock.virtual_ms)
        clock_advance_to(&s->clock, s->open->due_ms);
    complete(s, s->open, false);
    return 1;
}

static void cancel(struct transport *t, uint64_t id)
{
    struct scripted *s = of(t);
    for (struct scripted_open *o = s->open; o; o = o->next)
        if (o->id == id) {
            complete(s, o, true);
            return;
        }
}

static void wake(struct transport *t)
{
    of(t)->woken = true;
}

static int64_t wire_ms(struct transport *t)
{
    return of(t)->clock.virtual_ms + of(t)->wire_offset_ms;
}

static void free_nothing(struct transport *t)
{
    (void)t;
}

static const struct transport_ops scripted_ops = {submit, wait_for, cancel, wake, wire_ms, free_nothing};

void scripted_init(struct scripted *s, int64_t start_ms)
{
    *s = (struct scripted){.reply_count = 0};
    clock_init_virtual(&s->clock, start_ms);
    arena_init(&s->arena, 0);
    s->base = (struct transport){&scripted_ops, &s->clock};
}

void scripted_release(struct scripted *s)
{
    while (s->open)
        complete(s, s->open, true);
    arena_release(&s->arena);
}

void scripted_add(struct scripted *s, struct scripted_reply r)
{
    assert(s->reply_count < SCRIPTED_MAX);
    s->replies[s->reply_count++] = r;
}

void scripted_add_body(struct scripted *s, const char *body)
{
    scripted_add(s, (struct scripted_reply){.body = body});
}

void scripted_add_error(struct scripted *s, int status, const char *body)
{
    scripted_add(s, (struct scripted_reply){.status = status, .body = body});
}
