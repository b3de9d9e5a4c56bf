#include "tests/web/http.h"

#include <curl/curl.h>

static size_t append(char *data, size_t size, size_t count, void *arg)
{
    buf_add(arg, data, size * count);
    return size * count;
}

void http_get(const char *url, const char *path, const struct http_ask *ask, struct http_got *got)
{
    CURL *c = curl_easy_init();
    struct curl_slist *headers = NULL;
    char whole[1024];
    assert(c);
    *got = (struct http_got){0};
    buf_init(&got->headers, 1 << 16);
    buf_init(&got->body, 64 << 20);
    snprintf(whole, sizeof(whole), "%s%s", url, path);
    for (int i = 0; ask && i < 4 && ask->headers[i]; i++)
        headers = curl_slist_append(headers, ask->headers[i]);
    curl_easy_setopt(c, CURLOPT_URL, whole);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_TIMEOUT, 20L);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &got->body);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, append);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &got->headers);
    if (ask && ask->body)
        curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, ask->body);
    if (ask && ask->method && strcmp(ask->method, "HEAD") == 0)
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    else if (ask && ask->method)
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, ask->method);
    if (curl_easy_perform(c) == CURLE_OK)
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &got->status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(c);
}

void http_release(struct http_got *got)
{
    buf_release(&got->headers);
    buf_release(&got->body);
}

const char *http_header(const struct http_got *got, const char *name, char *out, size_t out_len)
{
    struct slice rest = buf_slice(&got->headers);
    out[0] = '\0';
    while (rest.len) {
        struct slice value = slice_cut(&rest, '\n');
        struct slice key = slice_cut(&value, ':');
        if (slice_eq_nocase(key, slice_of(name))) {
            value = slice_trim(value);
            snprintf(out, out_len, "%.*s", (int)value.len, value.ptr);
        }
    }
    return out;
}
