#include "scaler/events.h"

#include "base/check.h"
#include "scaler/aws/sqs.h"

enum {
    QUEUES_MAX = 16, POLLS_MAX = 10, DELETES_MAX = 8, MESSAGES_MAX = 4096, ANSWERED_MAX = 4096, ID_BYTES = 64,
    POLL_BYTES_MAX = 64 << 20, PARSE_BYTES_MAX = 64 << 20, VISIBILITY_S = 20, DELETE_AT_ONCE = 100,
};
#define PAUSE_MS 5000          // after a poll that failed
#define FORGET_MS 60000        // a message that was never answered came again long ago

struct ident {                 // of a message; few of thousands are compared letter by letter
    uint64_t hash;
    char text[ID_BYTES];
};

struct message {
    struct ident id;
    char *handle;              // owned
    uint64_t cells[EVENTS_WORDS];
    int64_t first_ms, heard_ms;  // first and last
    bool waits;                // for the clusters of `cells`
    bool done;                 // to be deleted
};

struct poll {
    bool open, is_long;
    struct arena arena;
    struct sqs_messages got;
};

struct deletion {
    bool open;
    struct arena arena;
    struct sqs_deleted told;
};

struct queue {
    const struct policy_queue *policy;
    struct region *region;
    struct poll polls[POLLS_MAX];
    struct deletion deletes[DELETES_MAX];
    struct message *messages;
    size_t count;
    int64_t pause_until_ms;
    size_t wanted;             // short polls to be sent
    bool trouble;              // was told
};

struct events {
    struct events_options o;
    const struct policy *policy;
    struct queue *queues;
    size_t queue_count;
    struct arena scratch;
    struct ident *answered;    // ids of messages that were deleted: what comes again of them is deleted again. A ring
    size_t answered_count;
    struct event_counts counts;
};

// ---- life -----------------------------------------------------------------------------------------------------------------

struct events *events_new(const struct events_options *o)
{
    struct events *e = calloc(1, sizeof *e);
    assert(e);
    e->o = *o;
    e->queues = calloc(QUEUES_MAX, sizeof *e->queues);
    e->answered = calloc(ANSWERED_MAX, sizeof *e->answered);
    assert(e->queues);
    assert(e->answered);
    arena_init(&e->scratch, PARSE_BYTES_MAX);
    static_assert((int)EVENT_KIND_COUNT <= (int)EVENT_KINDS_MAX, "each kind is counted");
    e->counts.kind_count = EVENT_KIND_COUNT;
    for (int k = 0; k < EVENT_KIND_COUNT; k++)
        e->counts.kind_names[k] = event_kind_name((enum event_kind)k);
    return e;
}

static void close_queues(struct events *e)
{
    aws_cancel(e->o.clients, AWS_LANE_WAIT);
    for (size_t i = 0; i < e->queue_count; i++) {
        struct queue *q = &e->queues[i];
        for (int p = 0; p < POLLS_MAX; p++)
            arena_release(&q->polls[p].arena);
        for (int d = 0; d < DELETES_MAX; d++)
            arena_release(&q->deletes[d].arena);
        for (size_t m = 0; m < q->count; m++)
            free(q->messages[m].handle);
        free(q->messages);
    }
    e->queue_count = 0;
}

void events_free(struct events *e)
{
    if (e == NULL)
        return;
    close_queues(e);
    arena_release(&e->scratch);
    free(e->queues);
    free(e->answered);
    free(e);
}

static bool same_queues(const struct policy *a, const struct policy *b)
{
    if (a == NULL || a->queue_count != b->queue_count)
        return false;
    for (size_t i = 0; i < a->queue_count; i++)
        if (strcmp(a->queues[i].url, b->queues[i].url) != 0 || strcmp(a->queues[i].region, b->queues[i].region) != 0)
            return false;
    return true;
}

void events_policy(struct events *e, const struct policy *p)
{
    bool same = same_queues(e->policy, p);
    e->policy = p;
    if (!same)
        close_queues(e);
    for (size_t i = 0, n = 0; i < p->queue_count && n < QUEUES_MAX; i++) {
        struct region *r = e->o.region_of(e->o.region_arg, &p->queues[i]);
        if (r == NULL)
            continue;
        struct queue *q = &e->queues[n++];
        if (same) {
            q->policy = &p->queues[i];
            continue;
        }
        *q = (struct queue){.policy = &p->queues[i], .region = r, .messages = calloc(MESSAGES_MAX, sizeof *q->messages)};
        assert(q->messages);
        for (int k = 0; k < POLLS_MAX; k++)
            arena_init(&q->polls[k].arena, POLL_BYTES_MAX);
        for (int k = 0; k < DELETES_MAX; k++)
            arena_init(&q->deletes[k].arena, POLL_BYTES_MAX);
        e->queue_count = n;
    }
}

// ---- messages -------------------------------------------------------------------------------------------------------------

static struct ident ident_of(const char *id)
{
    struct ident r = {.hash = UINT64_C(0xcbf29ce484222325)};
    snprintf(r.text, sizeof r.text, "%s", id);
    for (const char *at = r.text; *at; at++)
        r.hash = (r.hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    return r;
}

static bool same(const struct ident *a, const struct ident *b)
{
    return a->hash == b->hash && strcmp(a->text, b->text) == 0;
}

static bool was_answered(const struct events *e, const struct ident *id)
{
    size_t n = e->answered_count < ANSWERED_MAX ? e->answered_count : ANSWERED_MAX;
    for (size_t i = 0; i < n; i++)
        if (same(&e->answered[i], id))
            return true;
    return false;
}

static struct message *keep(struct queue *q, const struct sqs_message *m, const struct ident *id, int64_t now_ms)
{
    struct message *to = NULL;
    for (size_t i = 0; i < q->count && !to; i++)
        to = same(&q->messages[i].id, id) ? &q->messages[i] : NULL;
    if (to == NULL && q->count == MESSAGES_MAX)
        return NULL;  // it comes again
    if (to == NULL)
        *(to = &q->messages[q->count++]) = (struct message){.id = *id, .first_ms = now_ms};
    free(to->handle);  // the newest one counts
    to->handle = strdup(m->handle);
    assert(to->handle);
    to->heard_ms = now_ms;
    return to;
}

static void forget(struct queue *q, size_t i)
{
    free(q->messages[i].handle);
    q->messages[i] = q->messages[--q->count];
}

static void say(const struct events *e, enum log_level level, const struct queue *q, const char *what, const char *detail)
{
    if (e->o.log)
        log_event(e->o.log, level, "events", what, LOG_S("queue", q->policy->url), LOG_S("detail", detail));
}

static void hear(struct events *e, struct queue *q, const struct sqs_message *m)
{
    struct event event;
    struct err err = {0};
    int64_t now_ms = clock_wall_ms(e->o.clock);
    const struct ident id = ident_of(m->id);
    if (was_answered(e, &id)) {
        struct message *again = keep(q, m, &id, now_ms);
        if (again)
            again->done = true;
        e->counts.results[EVENT_RESULT_KNOWN]++;
        return;
    }
    struct message *kept = keep(q, m, &id, now_ms);
    if (kept == NULL)
        return;
    if (kept->waits) {
        e->counts.results[EVENT_RESULT_KNOWN]++;
        return;
    }
    arena_reset(&e->scratch);
    if (event_parse(slice_of(m->body), &e->scratch, &event, &err) != 0) {
        say(e, LOG_WARN, q, "a message that is no event -> deleted", err.msg);
        e->counts.results[EVENT_RESULT_CORRUPT]++;
        kept->done = true;
        return;
    }
    struct events_heard h = {.region = q->region, .queue = q->policy, .event = &event, .now_ms = now_ms,
                             .at_ms = event.at_ms > 0 ? event.at_ms : m->sent_ms > 0 ? m->sent_ms : now_ms};
    h.at_ms = h.at_ms < now_ms ? h.at_ms : now_ms;
    e->counts.received[event.kind]++;
    event_histogram_add(&e->counts.age, now_ms - h.at_ms);
    enum events_verdict verdict = e->o.hear(e->o.arg, &h);
    e->counts.results[verdict == EVENTS_LEAVE ? EVENT_RESULT_LEFT : verdict == EVENTS_WAIT ? EVENT_RESULT_ACTED : h.result]++;
    switch (verdict) {
    case EVENTS_DONE:
        kept->done = true;
        break;
    case EVENTS_WAIT:
        memcpy(kept->cells, h.cells, sizeof kept->cells);
        kept->waits = true;
        break;
    case EVENTS_LEAVE:
        forget(q, (size_t)(kept - q->messages));
        break;
    }
}

void events_answered(struct events *e, size_t cell, int64_t known_ms)
{
    for (size_t i = 0; i < e->queue_count; i++)
        for (size_t k = 0; k < e->queues[i].count; k++) {
            struct message *m = &e->queues[i].messages[k];
            bool waited = m->cells[cell / 64] >> cell % 64 & 1;
            if (!waited || m->first_ms > known_ms)
                continue;
            m->cells[cell / 64] &= ~(UINT64_C(1) << cell % 64);
            uint64_t left = 0;
            for (int w = 0; w < EVENTS_WORDS; w++)
                left |= m->cells[w];
            if (left == 0 && !m->done)
                event_histogram_add(&e->counts.answer, clock_wall_ms(e->o.clock) - m->heard_ms);
            m->done = m->done || left == 0;
        }
}

// ---- polls ----------------------------------------------------------------------------------------------------------------

static struct aws_with with(const struct queue *q, struct arena *a)
{
    return (struct aws_with){.aws = region_aws(q->region), .arena = a, .urgent = true, .lane = AWS_LANE_WAIT};
}

static void take_poll(struct events *e, struct queue *q, struct poll *p)
{
    p->open = false;
    bool good = p->got.call.state == AWS_CALL_COMPLETE || p->got.call.state == AWS_CALL_PARTIAL;
    if (!good) {
        q->pause_until_ms = clock_wall_ms(e->o.clock) + PAUSE_MS;
        e->counts.queue_errors++;
        q->wanted = 0;
        if (!q->trouble)
            say(e, LOG_WARN, q, "cannot be read -> notices are polled meanwhile", p->got.call.err.msg);
        q->trouble = true;
        return;
    }
    if (q->trouble)
        say(e, LOG_INFO, q, "can be read again", "");
    q->trouble = false;
    if (p->got.count >= SQS_BATCH_MAX)
        q->wanted = POLLS_MAX - 1;  // where ten came there may be thousands
    else if (p->got.count == 0)
        q->wanted = 0;
    for (size_t i = 0; i < p->got.count; i++)
        hear(e, q, &p->got.items[i]);
}

static void ask(struct events *e, struct queue *q)
{
    size_t open = 0;
    bool waits = false;
    if (clock_wall_ms(e->o.clock) < q->pause_until_ms || !e->o.may_receive(e->o.arg, q->region))
        return;
    for (int i = 0; i < POLLS_MAX; i++) {
        open += q->polls[i].open;
        waits = waits || (q->polls[i].open && q->polls[i].is_long);
    }
    for (int i = 0; i < POLLS_MAX && q->count < MESSAGES_MAX / 2; i++) {
        struct poll *p = &q->polls[i];
        if (p->open || (waits && open > q->wanted))
            continue;
        p->open = true;
        p->is_long = !waits;
        waits = true;
        open++;
        arena_reset(&p->arena);
        sqs_receive(with(q, &p->arena), q->policy->url, p->is_long ? SQS_WAIT_MAX_S : 0, VISIBILITY_S, &p->got);
    }
}

// ---- deletes --------------------------------------------------------------------------------------------------------------

static void delete_done(struct events *e, struct queue *q, struct deletion *d)
{
    const char **handles = NULL;
    size_t n = 0;
    for (size_t i = 0; i < q->count && n < DELETE_AT_ONCE;) {
        if (!q->messages[i].done) {
            i++;
            continue;
        }
        if (handles == NULL) {
            arena_reset(&d->arena);
            handles = arena_array(&d->arena, const char *, DELETE_AT_ONCE);
        }
        handles[n++] = arena_strdup(&d->arena, q->messages[i].handle);
        if (!was_answered(e, &q->messages[i].id))
            e->answered[e->answered_count++ % ANSWERED_MAX] = q->messages[i].id;
        forget(q, i);
    }
    if (n == 0)
        return;
    d->open = true;
    sqs_delete(with(q, &d->arena), q->policy->url, handles, n, &d->told);
}

// ---- turn -----------------------------------------------------------------------------------------------------------------

static void turn_queue(struct events *e, struct queue *q)
{
    int64_t now_ms = clock_wall_ms(e->o.clock);
    for (int i = 0; i < POLLS_MAX; i++)
        if (q->polls[i].open && q->polls[i].got.call.state != AWS_CALL_OPEN)
            take_poll(e, q, &q->polls[i]);
    for (int i = 0; i < DELETES_MAX; i++) {
        struct deletion *d = &q->deletes[i];
        if (d->open && d->told.call.state != AWS_CALL_OPEN)
            d->open = false;  // what was not deleted comes again, and is known by its id
        if (!d->open)
            delete_done(e, q, d);
    }
    for (size_t i = q->count; i-- > 0;)
        if (!q->messages[i].done && now_ms - q->messages[i].heard_ms > FORGET_MS)
            forget(q, i);
    ask(e, q);
}

void events_turn(struct events *e)
{
    for (size_t i = 0; i < e->queue_count; i++)
        turn_queue(e, &e->queues[i]);
}

int64_t events_due_ms(const struct events *e)
{
    int64_t due_ms = INT64_MAX;
    for (size_t i = 0; i < e->queue_count; i++) {
        const struct queue *q = &e->queues[i];
        bool open = false;
        for (int p = 0; p < POLLS_MAX; p++)
            open = open || q->polls[p].open;
        if (!open && q->pause_until_ms > clock_wall_ms(e->o.clock))
            due_ms = q->pause_until_ms < due_ms ? q->pause_until_ms : due_ms;
    }
    return due_ms;
}

bool events_flood(const struct events *e)
{
    for (size_t i = 0; i < e->queue_count; i++)
        for (int p = 0; p < POLLS_MAX; p++)
            if (e->queues[i].polls[p].open && !e->queues[i].polls[p].is_long)
                return true;
    return false;
}

const struct event_counts *events_counts(const struct events *e)
{
    return &e->counts;
}
