#include "scaler/sandbox/listener.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

enum { CONNECTIONS_MAX = 256, IDLE_S = 30, HEADERS_MAX = 64, HELD_MAX = 64, POLL_EVERY_MS = 20 };

struct listener {
    struct MHD_Daemon *daemon;
    struct sandbox *sandbox;
    struct clock wire;
    int port;
    // Connections that a fault leaves without an answer, oldest first. Only the daemon's one thread touches them, and stop.
    struct MHD_Connection *held[HELD_MAX];
    size_t held_count;
    // Long polls that wait for a message: a thread of their own lets them ask again.
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t ticker;
    struct MHD_Connection *polls[HELD_MAX];
    size_t poll_count;
    bool stopping;
};

struct exchange {
    char *uri;           // as on the wire; MHD's own is decoded
    struct buf body;
    bool begun, too_large, lost;
    int64_t held_since_ms, wire_ms;  // a long poll: world time since when, and when it came; 0 it is none
};

// ---- answers --------------------------------------------------------------------------------------------------------------
struct broken {
    char *data;
    size_t len;
};

static ssize_t read_half(void *arg, uint64_t at, char *out, size_t max)
{
    const struct broken *b = arg;
    size_t half = b->len / 2;
    if (at >= half)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t n = half - (size_t)at < max ? half - (size_t)at : max;
    memcpy(out, b->data + at, n);
    return (ssize_t)n;
}

static void free_broken(void *arg)
{
    struct broken *b = arg;
    free(b->data);
    free(b);
}

static struct MHD_Response *half_response(const struct sandbox_response *a)
{
    struct broken *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->len = a->body.len;
    b->data = malloc(b->len + 1);
    if (b->data == NULL) {
        free(b);
        return NULL;
    }
    memcpy(b->data, a->body.data, b->len);
    return MHD_create_response_from_callback(b->len, 4096, read_half, b, free_broken);
}

static enum MHD_Result send_response(struct MHD_Connection *connection, struct sandbox_response *a)
{
    struct MHD_Response *r = a->delivery == SANDBOX_TRUNCATED && a->body.len > 1
                                 ? half_response(a)
                                 : MHD_create_response_from_buffer(a->body.len, (void *)(uintptr_t)buf_str(&a->body), MHD_RESPMEM_MUST_COPY);
    if (r == NULL)
        return MHD_NO;
    MHD_add_response_header(r, "Content-Type", a->content_type);
    MHD_add_response_header(r, "x-amzn-RequestId", a->request_id);
    if (a->query_error[0] != '\0')
        MHD_add_response_header(r, "x-amzn-query-error", a->query_error);
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)a->status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result send_too_large(struct MHD_Connection *connection)
{
    static char text[] = "request too large\n";
    struct MHD_Response *r = MHD_create_response_from_buffer(sizeof text - 1, text, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_CONTENT_TOO_LARGE, r);
    MHD_destroy_response(r);
    return result;
}

// Leaves the client waiting. The connection is closed when the listener stops, or when too many wait.
static enum MHD_Result hold(struct listener *l, struct MHD_Connection *connection, struct exchange *x)
{
    x->lost = true;
    if (l->held_count == HELD_MAX) {
        MHD_resume_connection(l->held[0]);
        memmove(l->held, l->held + 1, (HELD_MAX - 1) * sizeof(struct MHD_Connection *));
        l->held_count--;
    }
    l->held[l->held_count++] = connection;
    MHD_suspend_connection(connection);
    return MHD_YES;
}

// ---- long polls -----------------------------------------------------------------------------------------------------------
static void *tick(void *arg)
{
    struct listener *l = arg;
    pthread_mutex_lock(&l->mutex);
    while (!l->stopping) {
        while (l->poll_count == 0 && !l->stopping)
            pthread_cond_wait(&l->changed, &l->mutex);
        pthread_mutex_unlock(&l->mutex);
        poll(NULL, 0, POLL_EVERY_MS);
        pthread_mutex_lock(&l->mutex);
        for (size_t i = 0; i < l->poll_count; i++)
            MHD_resume_connection(l->polls[i]);
        l->poll_count = 0;
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

// True: it waits. False: too many do, it is answered as it is.
static bool hold_poll(struct listener *l, struct MHD_Connection *connection, struct exchange *x, const struct sandbox_response *a, int64_t wire_ms)
{
    pthread_mutex_lock(&l->mutex);
    bool room = l->poll_count < HELD_MAX && !l->stopping;
    if (room) {
        x->held_since_ms = a->held_since_ms;
        x->wire_ms = wire_ms;
        MHD_suspend_connection(connection);
        l->polls[l->poll_count++] = connection;
        pthread_cond_signal(&l->changed);
    }
    pthread_mutex_unlock(&l->mutex);
    return room;
}

// ---- requests -------------------------------------------------------------------------------------------------------------
struct collected {
    struct sandbox_header items[HEADERS_MAX];
    size_t count;
};

static enum MHD_Result collect_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct collected *c = arg;
    (void)kind;
    if (c->count == HEADERS_MAX)
        return MHD_NO;
    c->items[c->count++] = (struct sandbox_header){slice_of(name), slice_of(value != NULL ? value : "")};
    return MHD_YES;
}

static enum MHD_Result answer(struct listener *l, struct MHD_Connection *connection, const char *method, struct exchange *x)
{
    struct collected headers = {0};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, collect_header, &headers);
    size_t path_len = strcspn(x->uri, "?");
    struct sandbox_request request = {
        .method = method,
        .path = {x->uri, path_len},
        .query = x->uri[path_len] == '?' ? slice_of(x->uri + path_len + 1) : (struct slice){"", 0},
        .headers = headers.items,
        .header_count = headers.count,
        .body = {buf_str(&x->body), x->body.len},
        .wire_ms = x->held_since_ms != 0 ? x->wire_ms : clock_wall_ms(&l->wire),
        .held_since_ms = x->held_since_ms,
    };
    struct sandbox_response response = {0};
    buf_init(&response.body, SANDBOX_RESPONSE_MAX);
    sandbox_handle(l->sandbox, &request, &response);
    enum MHD_Result result = MHD_YES;
    if (response.delivery == SANDBOX_LOST)
        result = hold(l, connection, x);
    else if (response.delivery != SANDBOX_HELD || !hold_poll(l, connection, x, &response, request.wire_ms))
        result = send_response(connection, &response);
    buf_release(&response.body);
    return result;
}

static void *begin_exchange(void *arg, const char *uri, struct MHD_Connection *connection)
{
    (void)arg;
    (void)connection;
    struct exchange *x = calloc(1, sizeof *x);
    if (x == NULL)
        return NULL;
    x->uri = strdup(uri);
    buf_init(&x->body, SANDBOX_REQUEST_MAX);
    return x;
}

static void end_exchange(void *arg, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode why)
{
    struct exchange *x = *context;
    (void)arg;
    (void)connection;
    (void)why;
    if (x == NULL)
        return;
    free(x->uri);
    buf_release(&x->body);
    free(x);
    *context = NULL;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                              const char *upload, size_t *upload_size, void **context)
{
    struct exchange *x = *context;
    (void)url;
    (void)version;
    if (x == NULL || x->uri == NULL || x->lost)
        return MHD_NO;
    if (*upload_size > 0) {
        x->too_large = x->too_large || x->body.len + *upload_size > SANDBOX_REQUEST_MAX;
        if (!x->too_large)
            buf_add(&x->body, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    // The first call comes before the body. An answer there would end the connection, as if the body were not wanted.
    if (!x->begun) {
        x->begun = true;
        return MHD_YES;
    }
    return x->too_large ? send_too_large(connection) : answer(arg, connection, method, x);
}

// ---- start and stop -------------------------------------------------------------------------------------------------------
static bool make_address(const char *host, int port, struct sockaddr_storage *ret)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    memset(ret, 0, sizeof *ret);
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return true;
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
}

int listener_start(struct sandbox *s, const char *host, int port, struct listener **ret, struct err *err)
{
    struct sockaddr_storage address;
    if (port < 0 || port > 65535 || !make_address(host, port, &address))
        return err_set(err, ERR_INVALID, "\"%s\" port %d is not a numeric address to listen on", host, port);
    struct listener *l = calloc(1, sizeof *l);
    if (l == NULL)
        return err_set(err, ERR_NOMEM, "listener: no memory");
    l->sandbox = s;
    clock_init_real(&l->wire);
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->changed, NULL);
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_ALLOW_SUSPEND_RESUME;
    if (address.ss_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    l->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, l, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
                                 MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, NULL, MHD_OPTION_NOTIFY_COMPLETED, end_exchange, NULL,
                                 MHD_OPTION_END);
    if (l->daemon == NULL) {
        free(l);
        return err_set(err, ERR_IO, "cannot listen on %s port %d: is something else there?", host, port);
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_BIND_PORT);
    l->port = info != NULL ? info->port : port;
    if (pthread_create(&l->ticker, NULL, tick, l) != 0) {
        MHD_stop_daemon(l->daemon);
        free(l);
        return err_set(err, ERR_NOMEM, "listener: no thread");
    }
    *ret = l;
    return 0;
}

int listener_port(const struct listener *l)
{
    return l->port;
}

void listener_stop(struct listener *l)
{
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->mutex);
    l->stopping = true;
    pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->mutex);
    pthread_join(l->ticker, NULL);  // resumes the long polls; from now on none is held
    for (size_t i = 0; i < l->poll_count; i++)
        MHD_resume_connection(l->polls[i]);
    for (size_t i = 0; i < l->held_count; i++)
        MHD_resume_connection(l->held[i]);
    MHD_stop_daemon(l->daemon);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->mutex);
    free(l);
}
