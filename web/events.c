#include "web/events.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#include "web/jsonw.h"
#include "web/reply.h"

#define LOOK_MS 200
#define TEXT_MAX_BYTES ((size_t)8192)
#define SEND_BUFFER_BYTES 8192
#define UNACKNOWLEDGED_MAX_MS 30000

struct told {
    int64_t tick;
    bool failed;
};

struct stream {
    struct web_events *hub;
    struct MHD_Connection *connection;
    struct told *told;         // by cluster
    size_t cluster_count;
    const void *notes;         // only compared
    int64_t next_ms, alive_ms; // not before; a comment then
    struct buf text;           // being sent
    size_t sent;
    bool greeted, suspended;
};

struct web_events {
    pthread_mutex_t lock;      // over all below; taken before MHD's own locks
    pthread_cond_t news;       // a first stream, or the end
    pthread_t thread;
    struct view_box *box;
    const struct clock *world;
    struct clock real;
    struct stream *streams[WEB_STREAMS_MAX];
    size_t count;
    bool closed, joined;
};

// ---- what is new ----------------------------------------------------------------------------------------------------------
static bool is_new(const struct stream *s, const struct view *v, size_t cluster)
{
    const struct view_cluster *c = v->clusters[cluster];
    return cluster >= s->cluster_count || c->tick != s->told[cluster].tick || c->failed != s->told[cluster].failed;
}

static bool has_news(const struct stream *s, const struct view *v)
{
    bool any = s->notes != v->notes;
    for (size_t i = 0; i < v->cluster_count && !any; i++)
        any = is_new(s, v, i);
    return any;
}

// The clusters of a policy that was reloaded are all new.
static void remember(struct stream *s, const struct view *v)
{
    if (s->cluster_count != v->cluster_count) {
        free(s->told);
        s->told = calloc(v->cluster_count + 1, sizeof(*s->told));
        assert(s->told);
        s->cluster_count = v->cluster_count;
    }
    s->notes = v->notes;
    for (size_t i = 0; i < v->cluster_count; i++)
        s->told[i] = (struct told){v->clusters[i]->tick, v->clusters[i]->failed};
}

static void write_event(struct buf *out, const char *name, const struct view_cluster *c, int64_t now_ms)
{
    struct jsonw j;
    buf_printf(out, "event: %s\ndata: ", name);
    jsonw_init(&j, out);
    jsonw_object(&j, NULL);
    jsonw_time(&j, "now", now_ms);
    if (c) {
        jsonw_str(&j, "cluster", c->name);
        jsonw_str(&j, "account", c->account);
        jsonw_str(&j, "region", c->region);
        jsonw_int_or_null(&j, "tick", c->ticked ? c->tick : 0);
        jsonw_bool(&j, "failed", c->failed);
    }
    jsonw_end(&j);
    buf_add_str(out, "\n\n");
}

// As many events as one burst holds; where that is not all, one says so for the rest.
static void write_news(struct stream *s, const struct view *v, int64_t now_ms)
{
    if (!s->greeted) {
        buf_add_str(&s->text, "retry: 2000\n\n");
        write_event(&s->text, "hello", NULL, now_ms);
        s->greeted = true;
        return;
    }
    if (s->notes != v->notes)
        write_event(&s->text, "notes", NULL, now_ms);
    for (size_t i = 0; i < v->cluster_count; i++) {
        if (!is_new(s, v, i))
            continue;
        if (s->text.len > TEXT_MAX_BYTES - 2048) {
            write_event(&s->text, "all", NULL, now_ms);
            return;
        }
        write_event(&s->text, "tick", v->clusters[i], now_ms);
    }
}

// Fills the text; false: nothing to say now.
static bool fill(struct stream *s)
{
    struct web_events *e = s->hub;
    int64_t real_ms = clock_mono_ms(&e->real);
    struct view *v = view_acquire(e->box);
    buf_clear(&s->text);
    s->sent = 0;
    if (real_ms >= s->next_ms && (!s->greeted || has_news(s, v))) {
        write_news(s, v, clock_wall_ms(e->world));
        remember(s, v);
        s->next_ms = real_ms + WEB_STREAM_PAUSE_MS;
    } else if (real_ms >= s->alive_ms) {
        buf_add_str(&s->text, ": alive\n\n");
    }
    view_release(v);
    if (s->text.len)
        s->alive_ms = real_ms + WEB_STREAM_ALIVE_MS;
    return s->text.len > 0;
}

// ---- one stream, called by MHD's threads ----------------------------------------------------------------------------------
static ssize_t read_stream(void *arg, uint64_t at, char *out, size_t room)
{
    struct stream *s = arg;
    struct web_events *e = s->hub;
    ssize_t n = 0;
    (void)at;
    pthread_mutex_lock(&e->lock);
    if (e->closed) {
        n = MHD_CONTENT_READER_END_OF_STREAM;
    } else if (s->sent < s->text.len || fill(s)) {
        size_t left = s->text.len - s->sent;
        n = (ssize_t)(left < room ? left : room);
        memcpy(out, buf_str(&s->text) + s->sent, (size_t)n);
        s->sent += (size_t)n;
    } else {
        s->suspended = true;
        MHD_suspend_connection(s->connection);
    }
    pthread_mutex_unlock(&e->lock);
    return n;
}

static void free_stream(void *arg)
{
    struct stream *s = arg;
    struct web_events *e = s->hub;
    pthread_mutex_lock(&e->lock);
    for (size_t i = 0; i < e->count; i++)
        if (e->streams[i] == s)
            e->streams[i--] = e->streams[--e->count];
    pthread_mutex_unlock(&e->lock);
    buf_release(&s->text);
    free(s->told);
    free(s);
}

// A reader that takes nothing must cost little, and one whose machine is gone must be noticed.
static void tune(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    const int bytes = SEND_BUFFER_BYTES, ms = UNACKNOWLEDGED_MAX_MS;
    if (!info)
        return;
    setsockopt(info->connect_fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    setsockopt(info->connect_fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

static bool add(struct web_events *e, struct stream *s)
{
    pthread_mutex_lock(&e->lock);
    bool room = e->count < WEB_STREAMS_MAX && !e->closed;
    if (room)
        e->streams[e->count++] = s;
    if (e->count == 1)
        pthread_cond_signal(&e->news);
    pthread_mutex_unlock(&e->lock);
    return room;
}

bool web_events_open(struct web_events *e, struct MHD_Connection *c, enum MHD_Result *ret)
{
    struct stream *s = calloc(1, sizeof(*s));
    assert(s);
    *s = (struct stream){.hub = e, .connection = c, .alive_ms = clock_mono_ms(&e->real) + WEB_STREAM_ALIVE_MS};
    buf_init(&s->text, 2 * TEXT_MAX_BYTES);
    struct MHD_Response *m = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, read_stream, s, free_stream);
    if (!m || !add(e, s)) {
        if (m)
            MHD_destroy_response(m);  // frees the stream
        else
            free_stream(s);
        return false;
    }
    tune(c);
    MHD_add_response_header(m, "Content-Type", "text/event-stream");
    MHD_add_response_header(m, "Cache-Control", "no-store");
    MHD_add_response_header(m, "X-Accel-Buffering", "no");  // proxies would hold the stream back
    web_add_security_headers(m);
    *ret = MHD_queue_response(c, 200, m);
    MHD_destroy_response(m);
    return true;
}

// ---- the watching thread --------------------------------------------------------------------------------------------------
static void resume_those_with_news(struct web_events *e)
{
    int64_t real_ms = clock_mono_ms(&e->real);
    struct view *v = view_acquire(e->box);
    for (size_t i = 0; i < e->count; i++) {
        struct stream *s = e->streams[i];
        if (!s->suspended || !(e->closed || real_ms >= s->alive_ms || (real_ms >= s->next_ms && has_news(s, v))))
            continue;
        s->suspended = false;
        MHD_resume_connection(s->connection);
    }
    view_release(v);
}

static void *watch(void *arg)
{
    struct web_events *e = arg;
    pthread_mutex_lock(&e->lock);
    while (!e->closed) {
        if (e->count == 0) {
            pthread_cond_wait(&e->news, &e->lock);
            continue;
        }
        int64_t until_ms = clock_mono_ms(&e->real) + LOOK_MS;
        const struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
        pthread_cond_timedwait(&e->news, &e->lock, &until);
        resume_those_with_news(e);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

int web_events_start(struct view_box *box, const struct clock *clock, struct web_events **ret, struct err *err)
{
    struct web_events *e = calloc(1, sizeof(*e));
    assert(e);
    pthread_mutex_init(&e->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&e->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    e->box = box;
    e->world = clock;
    clock_init_real(&e->real);
    if (pthread_create(&e->thread, NULL, watch, e) != 0) {
        e->joined = true;
        web_events_free(e);
        return err_set(err, ERR_IO, "web server: no thread for events");
    }
    *ret = e;
    return 0;
}

void web_events_close(struct web_events *e)
{
    if (!e)
        return;
    pthread_mutex_lock(&e->lock);
    e->closed = true;
    resume_those_with_news(e);
    pthread_cond_signal(&e->news);
    pthread_mutex_unlock(&e->lock);
    if (!e->joined)
        pthread_join(e->thread, NULL);
    e->joined = true;
}

void web_events_free(struct web_events *e)
{
    if (!e)
        return;
    assert(e->count == 0 && e->joined);
    pthread_cond_destroy(&e->news);
    pthread_mutex_destroy(&e->lock);
    free(e);
}
