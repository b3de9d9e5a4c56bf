#include "web/guests.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/check.h"

#define UNREAD_MAX 64  // that are looked past

enum guest_class { GUEST_WAITING, GUEST_SERVED, GUEST_STREAM, GUEST_LEAVING, GUEST_CLASS_COUNT };

struct guest {
    struct guests *house;
    struct guest *before, *after;  // in its class, who came to it first stands first
    enum guest_class class;
    size_t bytes;
    int fd;
};

struct queue {
    struct guest *first, *last;
    size_t count;
};

struct guests {
    pthread_mutex_t lock;
    struct queue queues[GUEST_CLASS_COUNT];
    size_t max, answer_bytes_max;
    size_t bytes, leaving_bytes;   // of all, and of those who leave
    uint64_t sent_off;
};

static void take_out(struct guest *m)
{
    struct queue *q = &m->house->queues[m->class];
    *(m->before ? &m->before->after : &q->first) = m->after;
    *(m->after ? &m->after->before : &q->last) = m->before;
    q->count--;
}

static void put_last(struct guest *m, enum guest_class class)
{
    struct queue *q = &m->house->queues[class];
    m->class = class;
    m->before = q->last;
    m->after = NULL;
    *(q->last ? &q->last->after : &q->first) = m;
    q->last = m;
    q->count++;
}

static void move(struct guest *m, enum guest_class class)
{
    take_out(m);
    put_last(m, class);
}

static void send_off(struct guests *g, struct guest *m)
{
    move(m, GUEST_LEAVING);
    g->leaving_bytes += m->bytes;
    g->sent_off++;
    shutdown(m->fd, SHUT_RDWR);
}

// Whose request, or a part of it, is there and not read yet waits for us, not we for it.
static bool waits_for_us(const struct guest *m)
{
    int unread = 0;
    return ioctl(m->fd, FIONREAD, &unread) == 0 && unread > 0;
}

static struct guest *slowest_waiting(const struct queue *waiting)
{
    struct guest *m = waiting->first;
    for (int i = 0; m && i < UNREAD_MAX && waits_for_us(m); i++)
        m = m->after;
    return m ? m : waiting->first;
}

// Half the places are for answers on their way, where that many are, and half for those who come.
static void make_room(struct guests *g)
{
    const struct queue *waiting = &g->queues[GUEST_WAITING], *served = &g->queues[GUEST_SERVED];
    while (waiting->count + served->count > g->max)
        send_off(g, waiting->count > g->max / 2 ? slowest_waiting(waiting) : served->first);
}

struct guests *guests_new(size_t max, size_t answer_bytes_max)
{
    struct guests *g = calloc(1, sizeof(*g));
    assert(g);
    assert(max > 0);
    g->max = max;
    g->answer_bytes_max = answer_bytes_max;
    pthread_mutex_init(&g->lock, NULL);
    return g;
}

void guests_free(struct guests *g)
{
    if (!g)
        return;
    for (int i = 0; i < GUEST_CLASS_COUNT; i++)
        assert(g->queues[i].count == 0);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

struct guest *guests_join(struct guests *g, int fd)
{
    struct guest *m = calloc(1, sizeof(*m));
    assert(m);
    m->house = g;
    m->fd = fd;
    pthread_mutex_lock(&g->lock);
    put_last(m, GUEST_WAITING);
    make_room(g);
    pthread_mutex_unlock(&g->lock);
    return m;
}

static void forget_bytes(struct guest *m)
{
    m->house->bytes -= m->bytes;
    if (m->class == GUEST_LEAVING)
        m->house->leaving_bytes -= m->bytes;
    m->bytes = 0;
}

void guests_leave(struct guest *m)
{
    if (!m)
        return;
    struct guests *g = m->house;
    pthread_mutex_lock(&g->lock);
    forget_bytes(m);
    take_out(m);
    pthread_mutex_unlock(&g->lock);
    free(m);
}

bool guest_is_served(struct guest *m, size_t bytes)
{
    if (!m)
        return true;
    struct guests *g = m->house;
    pthread_mutex_lock(&g->lock);
    forget_bytes(m);
    if (m->class != GUEST_LEAVING)
        move(m, GUEST_SERVED);
    for (struct guest *s = g->queues[GUEST_SERVED].first, *next; s && g->bytes - g->leaving_bytes + bytes > g->answer_bytes_max; s = next) {
        next = s->after;
        if (s != m && s->bytes)
            send_off(g, s);
    }
    // An answer that is larger than all may be goes out alone.
    bool room = g->bytes == 0 || g->bytes + bytes <= 2 * g->answer_bytes_max;
    if (room) {
        m->bytes = bytes;
        g->bytes += bytes;
        g->leaving_bytes += m->class == GUEST_LEAVING ? bytes : 0;
    }
    pthread_mutex_unlock(&g->lock);
    return room;
}

void guest_waits(struct guest *m)
{
    if (!m)
        return;
    pthread_mutex_lock(&m->house->lock);
    forget_bytes(m);
    if (m->class == GUEST_SERVED)
        move(m, GUEST_WAITING);
    pthread_mutex_unlock(&m->house->lock);
}

void guest_listens(struct guest *m)
{
    if (!m)
        return;
    pthread_mutex_lock(&m->house->lock);
    if (m->class != GUEST_LEAVING)
        move(m, GUEST_STREAM);
    pthread_mutex_unlock(&m->house->lock);
}

struct guests_counts guests_count(struct guests *g)
{
    struct guests_counts c = {0};
    if (!g)
        return c;
    pthread_mutex_lock(&g->lock);
    c = (struct guests_counts){.waiting = g->queues[GUEST_WAITING].count, .served = g->queues[GUEST_SERVED].count,
                               .streams = g->queues[GUEST_STREAM].count, .leaving = g->queues[GUEST_LEAVING].count,
                               .answer_bytes = g->bytes, .sent_off = g->sent_off};
    pthread_mutex_unlock(&g->lock);
    return c;
}
