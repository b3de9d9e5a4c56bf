#include "web/inbox.h"

#include <string.h>

void inbox_init(struct inbox *b)
{
    memset(b, 0, sizeof(*b));
    pthread_mutex_init(&b->lock, NULL);
}

void inbox_release(struct inbox *b)
{
    if (b)
        pthread_mutex_destroy(&b->lock);
}

void inbox_on_put(struct inbox *b, void (*wake)(void *arg), void *arg)
{
    pthread_mutex_lock(&b->lock);
    b->wake = wake;
    b->wake_arg = arg;
    pthread_mutex_unlock(&b->lock);
}

bool inbox_put(struct inbox *b, const struct inbox_switch *s)
{
    pthread_mutex_lock(&b->lock);
    bool room = b->count < INBOX_MAX;
    if (room)
        b->items[b->count++] = *s;
    if (room && b->wake)
        b->wake(b->wake_arg);  // under the lock: who takes the callback away waits for it
    pthread_mutex_unlock(&b->lock);
    return room;
}

bool inbox_take(struct inbox *b, struct inbox_switch *ret)
{
    pthread_mutex_lock(&b->lock);
    bool any = b->count > 0;
    if (any) {
        *ret = b->items[0];
        b->count--;
        memmove(&b->items[0], &b->items[1], b->count * sizeof(b->items[0]));
    }
    pthread_mutex_unlock(&b->lock);
    return any;
}
