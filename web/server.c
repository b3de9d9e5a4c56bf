#include "web/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "web/address.h"
#include "web/events.h"
#include "web/guests.h"
#include "web/reply.h"
#include "web/routes.h"
#include "web/whatif.h"

#define GUESTS_MAX 384u       // beside the streams of events
#define ANSWER_BYTES_MAX ((size_t)64 << 20)
#define CONNECTIONS_MAX 768u  // MHD's own: guests, streams, and those who are being closed
#define BACKLOG 511
#define IDLE_TIMEOUT_S 15u
#define HEADER_BYTES_MAX ((size_t)32 << 10)
#define THREADS 4u
#define WEB_NICE 10
#define PATH_MAX_BYTES 1024

struct web_server {
    struct MHD_Daemon *daemon;
    struct web_address address;
    struct web_hosts hosts;
    char **host_names;
    struct view_box *box;
    const struct clock *clock;
    struct clock real;
    struct web_history *history;
    struct web_events *events;
    struct guests *guests;
    struct web_posts posts;
    struct whatif *whatif;
    bool whatif_open;
    char *token;
    char url[128];
};

// From a request's headers to its answer. A body is kept as far as a POST may send one; what is beyond is read and dropped.
struct upload {
    struct buf body;
    bool too_large;
};

// ---- one request ----------------------------------------------------------------------------------------------------------
static const char *query_value(const struct web_request *r, const char *key)
{
    return MHD_lookup_connection_value((struct MHD_Connection *)r->arg, MHD_GET_ARGUMENT_KIND, key);
}

// False when the path has more segments than any route could have.
static bool split_path(struct web_request *r, const char *path)
{
    struct slice rest = slice_of(path);
    if (rest.len == 0 || rest.len > PATH_MAX_BYTES || rest.ptr[0] != '/')
        return false;
    slice_cut(&rest, '/');
    while (rest.len) {
        if (r->part_count == (int)ARRAY_LEN(r->parts))
            return false;
        r->parts[r->part_count++] = slice_cut(&rest, '/');
    }
    return true;
}

static const char *peer_of(struct MHD_Connection *c, char out[INET6_ADDRSTRLEN])
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;
    if (a && a->sa_family == AF_INET)
        return inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, out, INET6_ADDRSTRLEN);
    if (a && a->sa_family == AF_INET6)
        return inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, out, INET6_ADDRSTRLEN);
    return "unknown";
}

static void answer(struct web_server *s, struct MHD_Connection *c, const char *method, const char *path, const struct upload *u,
                   struct web_response *w)
{
    const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host");
    if (!host || !web_host_allowed(&s->hosts, slice_of(host))) {
        web_problem(w, 421, "this name is not served here: use localhost or the address listened on");
        return;
    }
    bool post = strcmp(method, "POST") == 0;
    if (!post && strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        web_problem(w, 405, "read only: GET and HEAD");
        return;
    }
    struct arena arena;
    arena_init(&arena, 0);
    char peer[INET6_ADDRSTRLEN];
    struct web_request r = {
        .post = post,
        .body = buf_slice(&u->body),
        .body_too_large = u->too_large,
        .authorization = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization"),
        .content_type = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Type"),
        .peer = peer_of(c, peer),
        .posts = &s->posts,
        .whatif = s->whatif,
        .whatif_open = s->whatif_open,
        .query = query_value,
        .arg = c,
        .view = view_acquire(s->box),
        .history = s->history,
        .now_ms = clock_wall_ms(s->clock),
        .real_ms = clock_mono_ms(&s->real),
        .guests = s->guests,
        .beat_age_ms = view_box_beat_age_ms(s->box),
        .arena = &arena,
    };
    if (split_path(&r, path))
        web_route(&r, w);
    else
        web_problem(w, 404, "nothing is served here; the description is at /openapi.json");
    view_release((struct view *)r.view);
    arena_release(&arena);
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *c, const char *path, const char *method, const char *version,
                              const char *upload, size_t *upload_len, void **request_state)
{
    struct web_server *s = arg;
    struct upload *u = *request_state;
    (void)version;
    if (!u) {  // headers only; what comes with a body is asked again
        *request_state = u = calloc(1, sizeof(*u));
        if (!u)
            return MHD_NO;
        buf_init(&u->body, WEB_POST_MAX_BYTES);
        return MHD_YES;
    }
    if (*upload_len) {
        u->too_large |= *upload_len > WEB_POST_MAX_BYTES - u->body.len;
        if (!u->too_large)
            buf_add(&u->body, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    guest_is_served(web_guest(c), 0);
    struct web_response w = {.status = 500, .type = WEB_PROBLEM};
    buf_init(&w.body, WEB_BODY_MAX);
    answer(s, c, method, path, u, &w);
    if (w.type == WEB_EVENTS) {
        enum MHD_Result ret;
        if (strcmp(method, "GET") == 0 && web_events_open(s->events, c, &ret)) {
            guest_listens(web_guest(c));
            buf_release(&w.body);
            return ret;
        }
        web_problem(&w, 503, "%d pages listen already; ask every few seconds", WEB_STREAMS_MAX);
    }
    return web_reply(c, &w, clock_wall_ms(s->clock));
}

static void completed(void *arg, struct MHD_Connection *c, void **request_state, enum MHD_RequestTerminationCode how)
{
    struct upload *u = *request_state;
    (void)arg;
    (void)how;
    if (u)
        buf_release(&u->body);
    free(u);
    *request_state = NULL;
    guest_waits(web_guest(c));
}

// The loop goes first where both want the processor: a flood of requests must not slow it. MHD has no hook for its threads' start.
static void go_second(void)
{
    static _Thread_local bool gone;
    if (!gone)
        setpriority(PRIO_PROCESS, (id_t)gettid(), WEB_NICE);  // refused where all of masu is nicer than that
    gone = true;
}

static void come_and_go(void *arg, struct MHD_Connection *c, void **guest, enum MHD_ConnectionNotificationCode what)
{
    struct web_server *s = arg;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    go_second();
    if (what == MHD_CONNECTION_NOTIFY_STARTED && info)
        *guest = guests_join(s->guests, info->connect_fd);
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        guests_leave(*guest);
        *guest = NULL;
    }
}

// ---- start and stop -------------------------------------------------------------------------------------------------------
static int listen_on(struct web_address *a, int *ret, struct err *err)
{
    int fd = socket(a->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1;
    if (fd < 0)
        return err_set(err, ERR_IO, "listen %s: %s", a->host, strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    struct sockaddr_storage bound;
    socklen_t len = sizeof(bound);
    if (bind(fd, (struct sockaddr *)&a->addr, a->len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &len) != 0) {
        int rc = err_set(err, ERR_IO, "listen %s port %u: %s", a->host, web_address_port(a), strerror(errno));
        close(fd);
        return rc;
    }
    a->addr = bound;
    *ret = fd;
    return 0;
}

static void write_url(struct web_server *s)
{
    const char *host = web_address_is_any(&s->address) ? "127.0.0.1" : s->address.host;
    bool v6 = strchr(host, ':') != NULL;
    snprintf(s->url, sizeof(s->url), "http://%s%s%s:%u/", v6 ? "[" : "", host, v6 ? "]" : "", web_address_port(&s->address));
}

static void copy_hosts(struct web_server *s, const struct web_options *o)
{
    s->host_names = calloc(o->host_count + 1, sizeof(*s->host_names));
    assert(s->host_names);
    for (size_t i = 0; i < o->host_count; i++) {
        s->host_names[i] = strdup(o->hosts[i]);
        assert(s->host_names[i]);
    }
    s->hosts = (struct web_hosts){.listen = &s->address, .names = (const char *const *)s->host_names, .count = o->host_count};
}

int web_server_start(const struct web_options *o, struct web_server **ret, struct err *err)
{
    struct web_server *s = calloc(1, sizeof(*s));
    int fd = -1;
    if (!s)
        return err_set(err, ERR_NOMEM, "web server: no memory");
    s->box = o->box;
    s->clock = o->clock;
    clock_init_real(&s->real);
    s->history = web_history_new(o->state_path);
    s->token = strdup(o->token ? o->token : "");
    assert(s->token);
    s->posts = (struct web_posts){.token = s->token, .inbox = o->inbox, .log = o->log, .clock = &s->real};
    s->whatif = whatif_new(o->program, o->state_path, o->clock);
    s->whatif_open = o->whatif_open;
    s->guests = guests_new(GUESTS_MAX, ANSWER_BYTES_MAX);
    copy_hosts(s, o);
    int rc = web_address_parse(o->listen ? o->listen : "127.0.0.1:8080", &s->address, err);
    if (rc == 0)
        rc = listen_on(&s->address, &fd, err);
    if (rc == 0)
        rc = web_events_start(s->box, s->clock, &s->events, err);
    if (rc == 0) {
        write_url(s);
        s->daemon = MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, s,
                                     MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
                                     MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                     HEADER_BYTES_MAX, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, come_and_go, s, MHD_OPTION_THREAD_POOL_SIZE, THREADS, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                                     MHD_OPTION_END);
        if (!s->daemon) {
            close(fd);
            rc = err_set(err, ERR_IO, "web server %s: cannot start", s->url);
        }
    }
    if (rc) {
        web_server_stop(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void web_server_stop(struct web_server *s)
{
    if (!s)
        return;
    web_events_close(s->events);
    if (s->daemon)
        MHD_stop_daemon(s->daemon);  // closes the socket, joins the threads
    web_events_free(s->events);
    guests_free(s->guests);
    web_history_free(s->history);
    whatif_free(s->whatif);
    for (char **name = s->host_names; *name; name++)
        free(*name);
    free(s->host_names);
    free(s->token);
    free(s);
}

const char *web_server_url(const struct web_server *s)
{
    return s->url;
}
