#include <pthread.h>

#include "state/query.h"
#include "web/routes.h"

struct web_history {
    pthread_mutex_t lock;
    char path[512];
    struct state_reader *reader;  // NULL until the first use, and after a failure
};

struct web_history *web_history_new(const char *path)
{
    struct web_history *h = calloc(1, sizeof(*h));
    assert(h);
    pthread_mutex_init(&h->lock, NULL);
    snprintf(h->path, sizeof(h->path), "%s", path ? path : "");
    return h;
}

void web_history_free(struct web_history *h)
{
    if (!h)
        return;
    state_reader_free(h->reader);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

int web_history_acquire(struct web_history *h, struct state_reader **ret, struct err *err)
{
    pthread_mutex_lock(&h->lock);
    int rc = h->reader ? 0 : state_reader_open(h->path, &h->reader, err);
    *ret = h->reader;
    if (rc)
        pthread_mutex_unlock(&h->lock);
    return rc;
}

void web_history_release(struct web_history *h, bool failed)
{
    if (failed) {  // opened anew next time: the file may have been moved aside
        state_reader_free(h->reader);
        h->reader = NULL;
    }
    pthread_mutex_unlock(&h->lock);
}
