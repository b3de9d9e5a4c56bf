#include "scaler/aws/transport.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdatomic.h>

#include "scaler/aws/endpoint.h"

#define CONNECT_TIMEOUT_MS 5000L
#define IDLE_CONNECTIONS 32L
#define PER_HOST_CONNECTIONS 64L
#define HEADERS_MAX 128
#define HEADER_BYTES_MAX (256u << 10)
#define WAIT_SLICE_MS 60000

struct exchange {
    uint64_t id;
    CURL *easy;
    struct curl_slist *headers;
    char *body_sent;
    size_t max_response_bytes;
    struct buf body;          // of the response
    struct buf header_text;   // names and values one after the other; header_ends marks them
    struct {
        size_t name_end, value_end;
    } header_ends[HEADERS_MAX];
    size_t header_count;
    bool too_large, link_local;
    transport_done_fn done;
    void *arg;
    struct exchange *next;
};

struct curl_transport {
    struct transport base;
    CURLM *multi;
    struct exchange *open;
    uint64_t last_id;
    bool in_wait;
    atomic_bool woken;
};

static struct curl_transport *of(struct transport *t)
{
    return (struct curl_transport *)t;
}

static void exchange_free(struct exchange *x)
{
    if (x->easy)
        curl_easy_cleanup(x->easy);
    curl_slist_free_all(x->headers);
    free(x->body_sent);
    buf_release(&x->body);
    buf_release(&x->header_text);
    free(x);
}

// ---- what curl calls --------------------------------------------------------------------------------------------------------
static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct exchange *x = arg;
    size_t len = size * count;
    if (len > x->max_response_bytes - x->body.len) {
        x->too_large = true;
        return 0;
    }
    buf_add(&x->body, data, len);
    return len;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct exchange *x = arg;
    size_t len = size * count;
    struct slice line = {data, len};
    if (slice_starts(line, "HTTP/")) {  // a new answer: what an interim one (100, a proxy's CONNECT) sent is void
        x->header_count = 0;
        buf_clear(&x->header_text);
        return len;
    }
    struct slice name = slice_cut(&line, ':');
    if (name.len == len || name.len == 0)
        return len;
    if (x->header_count == HEADERS_MAX) {
        x->too_large = true;
        return 0;
    }
    buf_add_slice(&x->header_text, slice_trim(name));
    x->header_ends[x->header_count].name_end = x->header_text.len;
    buf_add_slice(&x->header_text, slice_trim(line));
    x->header_ends[x->header_count++].value_end = x->header_text.len;
    if (buf_failed(&x->header_text)) {
        x->too_large = true;
        return 0;
    }
    return len;
}

// ---- submit -----------------------------------------------------------------------------------------------------------------
static int set_headers(struct exchange *x, const struct transport_request *r, struct err *err)
{
    _cleanup_(buf_release) struct buf line;
    buf_init(&line, HEADER_BYTES_MAX);
    // Expect would cost a round trip, and "Accept: */*" says nothing.
    static const char *const removed[] = {"Expect:", "Accept:", "Content-Type:"};
    for (size_t i = 0; i < ARRAY_LEN(removed) + r->header_count; i++) {
        buf_clear(&line);
        if (i < ARRAY_LEN(removed)) {
            buf_add_str(&line, removed[i]);
        } else {
            const struct http_header *h = &r->headers[i - ARRAY_LEN(removed)];
            buf_printf(&line, "%.*s: %.*s", (int)h->name.len, h->name.ptr, (int)h->value.len, h->value.ptr);
        }
        if (buf_failed(&line) || strpbrk(buf_str(&line), "\r\n"))
            return err_set(err, ERR_INVALID, "request header %zu is too long or has a line break", i);
        struct curl_slist *grown = curl_slist_append(x->headers, buf_str(&line));
        if (!grown)
            return err_set(err, ERR_NOMEM, "no memory for a request");
        x->headers = grown;
    }
    return 0;
}

static void set_method(struct exchange *x, const struct transport_request *r)
{
    if (strcmp(r->method, "GET") == 0) {
        curl_easy_setopt(x->easy, CURLOPT_HTTPGET, 1L);
        return;
    }
    curl_easy_setopt(x->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
    curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, x->body_sent);
    if (strcmp(r->method, "POST") != 0)
        curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, r->method);
}

// Where the credentials of the machine or the task live, and nobody's webhook.
static bool is_link_local(int family, const void *address)
{
    static const unsigned char imds_v6[16] = {0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54};  // fd00:ec2::254
    const unsigned char *b = address;
    if (family == AF_INET)
        return b[0] == 169 && b[1] == 254;
    if (family != AF_INET6)
        return true;
    if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)address))
        return b[12] == 169 && b[13] == 254;
    return (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || memcmp(b, imds_v6, sizeof imds_v6) == 0;
}

static curl_socket_t open_outward(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct exchange *x = arg;
    (void)purpose;
    const void *address = a->family == AF_INET ? (const void *)&((const struct sockaddr_in *)(const void *)&a->addr)->sin_addr
                                               : (const void *)&((const struct sockaddr_in6 *)(const void *)&a->addr)->sin6_addr;
    if (is_link_local(a->family, address)) {
        x->link_local = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static int set_options(struct exchange *x, const struct transport_request *r, bool direct, struct err *err)
{
    CURL *e = x->easy;
    if (curl_easy_setopt(e, CURLOPT_URL, r->url) != CURLE_OK)
        return err_set(err, ERR_NOMEM, "no memory for a request");
    set_method(x, r);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);  // the path is signed as given
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);  // a thread in getaddrinfo cannot be cancelled: a stop does not wait for it
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, r->timeout_ms < CONNECT_TIMEOUT_MS ? (long)r->timeout_ms : CONNECT_TIMEOUT_MS);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, x->headers);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "masu/" MASU_VERSION);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(e, CURLOPT_PRIVATE, x);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    if (direct)
        curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    if (r->outward) {
        curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_outward);
        curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, x);
    }
    const char *bundle = r->ca_file && *r->ca_file ? r->ca_file : getenv("AWS_CA_BUNDLE");
    if (bundle && *bundle)
        curl_easy_setopt(e, CURLOPT_CAINFO, bundle);
    return 0;
}

// Also by way of a proxy, which opens the last socket itself.
static bool names_link_local(CURLU *u)
{
    char *host = NULL;
    unsigned char address[16];
    bool found = false;
    if (curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        size_t len = strlen(host);
        bool v6 = len > 2 && host[0] == '[';
        char bare[64];
        snprintf(bare, sizeof bare, "%.*s", (int)(v6 ? strcspn(host, "]%") - 1 : len), host + v6);
        int family = v6 ? AF_INET6 : AF_INET;
        found = inet_pton(family, bare, address) == 1 && is_link_local(family, address);
    }
    curl_free(host);
    return found;
}

static int check_url(const char *url, bool outward, bool *ret_local, struct err *err)
{
    CURLU *u = curl_url();
    if (!u)
        return err_set(err, ERR_NOMEM, "no memory for a request");
    char *scheme = NULL, *user = NULL, *host = NULL;
    CURLUcode rc = curl_url_set(u, CURLUPART_URL, url, 0);
    bool http = rc == CURLUE_OK && curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    bool has_user = rc == CURLUE_OK && curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK;
    *ret_local = http && curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && aws_host_is_local(host);
    bool link_local = outward && http && names_link_local(u);
    curl_free(scheme);
    curl_free(user);
    curl_free(host);
    curl_url_cleanup(u);
    if (link_local)
        return err_set(err, ERR_INVALID, "a link-local address is never sent to");
    if (!http || has_user)
        return err_set(err, ERR_INVALID, "not an http or https URL without user: %.200s", has_user ? "(user given)" : url);
    return 0;
}

static int submit(struct transport *t, const struct transport_request *r, transport_done_fn done, void *arg, uint64_t *ret_id,
                  struct err *err)
{
    struct curl_transport *c = of(t);
    assert(r->timeout_ms > 0);
    assert(r->timeout_ms <= LONG_MAX);
    assert(r->max_response_bytes > 0);
    bool local = false;
    int rc = check_url(r->url, r->outward, &local, err);
    if (rc)
        return rc;
    struct exchange *x = calloc(1, sizeof *x);
    if (!x)
        return err_set(err, ERR_NOMEM, "no memory for a request");
    buf_init(&x->body, r->max_response_bytes);
    buf_init(&x->header_text, HEADER_BYTES_MAX);
    x->max_response_bytes = r->max_response_bytes;
    x->done = done;
    x->arg = arg;
    x->easy = curl_easy_init();
    x->body_sent = malloc(r->body.len + 1);
    if (!x->easy || !x->body_sent) {
        exchange_free(x);
        return err_set(err, ERR_NOMEM, "no memory for a request");
    }
    if (r->body.len)
        memcpy(x->body_sent, r->body.ptr, r->body.len);
    x->body_sent[r->body.len] = '\0';
    rc = set_headers(x, r, err);
    if (rc == 0)
        rc = set_options(x, r, r->direct || local, err);
    if (rc == 0 && curl_multi_add_handle(c->multi, x->easy) != CURLM_OK)
        rc = err_set(err, ERR_TRANSIENT, "curl does not take the request");
    if (rc) {
        exchange_free(x);
        return rc;
    }
    x->id = ++c->last_id;
    x->next = c->open;
    c->open = x;
    *ret_id = x->id;
    return 0;
}

// ---- completion -------------------------------------------------------------------------------------------------------------
// May the peer have got the whole request? Then the effect is unknown.
static bool may_have_effect(const struct exchange *x, CURLcode code)
{
    static const CURLcode before[] = {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT,
                                      CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE};
    for (size_t i = 0; i < ARRAY_LEN(before); i++)
        if (code == before[i])
            return false;
    curl_off_t ready = 0;  // time until the transfer was about to begin: 0 when it never was
    return curl_easy_getinfo(x->easy, CURLINFO_PRETRANSFER_TIME_T, &ready) != CURLE_OK || ready > 0;
}

static void set_failure(const struct exchange *x, CURLcode code, struct transport_response *r)
{
    char *url = NULL;
    curl_easy_getinfo(x->easy, CURLINFO_EFFECTIVE_URL, &url);
    // Scheme and host only: the path of a credential endpoint is half a secret.
    const char *after = url ? strstr(url, "//") : NULL;
    struct slice host = {url, after ? (size_t)(after + 2 - url) + strcspn(after + 2, "/?") : 0};
    if (x->link_local) {
        err_set(&r->err, ERR_INVALID, "%.*s: a link-local address is never sent to", (int)host.len, host.ptr);
    } else if (x->too_large) {
        err_set(&r->err, ERR_LIMIT, "%.*s: answer larger than %zu bytes or with too many headers", (int)host.len, host.ptr,
                x->max_response_bytes);
    } else {
        err_set(&r->err, ERR_TRANSIENT, "%.*s: %s", (int)host.len, host.ptr, curl_easy_strerror(code));
    }
    r->timed_out = may_have_effect(x, code);
}

static void complete(struct curl_transport *c, struct exchange *x, CURLcode code, bool cancelled)
{
    for (struct exchange **p = &c->open; *p; p = &(*p)->next)
        if (*p == x) {
            *p = x->next;
            break;
        }
    struct transport_response r = {.id = x->id};
    struct http_header headers[HEADERS_MAX];
    long status = 0;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    if (cancelled) {
        err_set(&r.err, ERR_TRANSIENT, "cancelled");
        r.timed_out = may_have_effect(x, CURLE_ABORTED_BY_CALLBACK);
    } else if (code != CURLE_OK) {
        set_failure(x, code, &r);
    } else {
        const char *text = buf_str(&x->header_text);
        for (size_t i = 0, from = 0; i < x->header_count; from = x->header_ends[i].value_end, i++) {
            size_t middle = x->header_ends[i].name_end;
            headers[i] = (struct http_header){{text + from, middle - from}, {text + middle, x->header_ends[i].value_end - middle}};
        }
        r.headers = headers;
        r.header_count = x->header_count;
        r.status = (int)status;
        r.body = buf_slice(&x->body);
    }
    curl_multi_remove_handle(c->multi, x->easy);
    if (x->done)
        x->done(x->arg, &r);
    exchange_free(x);
}

static int deliver(struct curl_transport *c)
{
    int delivered = 0, left;
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));) {
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode code = m->data.result;  // read before the handle goes: the message dies with it
        char *private = NULL;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
        complete(c, (struct exchange *)(void *)private, code, false);
        delivered++;
    }
    return delivered;
}

static int wait_for(struct transport *t, int64_t until_ms)
{
    struct curl_transport *c = of(t);
    assert(!c->in_wait);  // callbacks submit, they do not wait
    c->in_wait = true;
    int delivered = 0;
    for (;;) {
        int running = 0;
        curl_multi_perform(c->multi, &running);
        delivered += deliver(c);
        int64_t rest_ms = clock_real_delay_ms(t->clock, until_ms);
        if (delivered || rest_ms <= 0)
            break;
        int slice_ms = rest_ms < WAIT_SLICE_MS ? (int)rest_ms : WAIT_SLICE_MS;
        if (atomic_exchange(&c->woken, false))
            break;
        if (curl_multi_poll(c->multi, NULL, 0, slice_ms, NULL) != CURLM_OK)
            break;
    }
    c->in_wait = false;
    return delivered;
}

static void cancel(struct transport *t, uint64_t id)
{
    struct curl_transport *c = of(t);
    for (struct exchange *x = c->open; x; x = x->next)
        if (x->id == id) {
            complete(c, x, CURLE_OK, true);
            return;
        }
}

static void wake(struct transport *t)
{
    // The flag tells a wake from curl's own timers; both calls are safe in a signal handler (an atomic, a write to a pipe).
    atomic_store(&of(t)->woken, true);
    curl_multi_wakeup(of(t)->multi);
}

static int64_t wire_ms(struct transport *t)
{
    (void)t;
    struct clock real;
    clock_init_real(&real);
    return clock_wall_ms(&real);
}

static void free_transport(struct transport *t)
{
    struct curl_transport *c = of(t);
    while (c->open)
        complete(c, c->open, CURLE_OK, true);
    curl_multi_cleanup(c->multi);
    free(c);
}

static const struct transport_ops curl_ops = {submit, wait_for, cancel, wake, wire_ms, free_transport};

int transport_curl_new(struct clock *clock, struct transport **ret, struct err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_NOMEM, "curl cannot be initialised");
    struct curl_transport *c = calloc(1, sizeof *c);
    if (!c)
        return err_set(err, ERR_NOMEM, "no memory for the transport");
    c->base = (struct transport){&curl_ops, clock};
    c->multi = curl_multi_init();
    if (!c->multi) {
        free(c);
        return err_set(err, ERR_NOMEM, "curl cannot be initialised");
    }
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, PER_HOST_CONNECTIONS);
    curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    *ret = &c->base;
    return 0;
}
