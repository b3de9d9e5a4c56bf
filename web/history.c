#include <pthread.h>
#include <sys/stat.h>

#include "state/query.h"
#include "web/routes.h"

struct web_history {
    pthread_mutex_t lock;
    char path[512];
    struct state_reader *reader;  // NULL until the first use, and after a failure
    struct stat file;             // that it reads: a database that is set aside lives on under another name
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
    struct stat now = {0};
    pthread_mutex_lock(&h->lock);
    if (h->reader && stat(h->path, &now) == 0 && (now.st_ino != h->file.st_ino || now.st_dev != h->file.st_dev)) {
        state_reader_free(h->reader);
        h->reader = NULL;
    }
    int rc = 0;
    if (!h->reader) {
        rc = state_reader_open(h->path, &h->reader, err);
        stat(h->path, &h->file);
    }
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
