#include "base/clock.h"

#include <math.h>
#include <time.h>

#include "base/check.h"

static int64_t read_ms(clockid_t id)
{
    struct timespec ts;
    int rc = clock_gettime(id, &ts);
    assert(rc == 0);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t real_wall(const struct clock *c)
{
    (void)c;
    return read_ms(CLOCK_REALTIME);
}

// BOOTTIME, unlike MONOTONIC, goes on while a laptop or a frozen container sleeps: deadlines must not stretch by that.
static int64_t real_mono(const struct clock *c)
{
    (void)c;
    return read_ms(CLOCK_BOOTTIME);
}

static int64_t steady_wall(const struct clock *c)
{
    return real_mono(c) + atomic_load(&c->offset_ms);
}

static int64_t virtual_now(const struct clock *c)
{
    return c->virtual_ms;
}

static int64_t accelerated_now(const struct clock *c)
{
    double passed = (double)(read_ms(CLOCK_BOOTTIME) - c->base_real_ms);
    return c->base_virtual_ms + (int64_t)(passed * c->speed);
}

// Where it would be if nothing held it back.
static int64_t paced_free(const struct clock *c)
{
    return accelerated_now(c) - (int64_t)((double)atomic_load(&c->lost_ms) * c->speed);
}

static int64_t paced_now(const struct clock *c)
{
    int64_t free_ms = paced_free(c), limit_ms = atomic_load(&c->limit_ms);
    return free_ms < limit_ms ? free_ms : limit_ms;
}

void clock_init_real(struct clock *c)
{
    *c = (struct clock){.wall_ms = real_wall, .mono_ms = real_mono, .speed = 1};
}

void clock_init_steady(struct clock *c)
{
    *c = (struct clock){.wall_ms = steady_wall, .mono_ms = real_mono, .speed = 1};
    c->followed_ms = real_mono(c);
    atomic_store(&c->offset_ms, real_wall(c) - c->followed_ms);
}

bool clock_follows(const struct clock *c)
{
    return c->wall_ms == steady_wall;
}

int64_t clock_follow(struct clock *c, int64_t off_ms)
{
    if (!clock_follows(c))
        return 0;
    int64_t now_ms = real_mono(c), back_ms = (c->followed_ms - now_ms) / 2;
    c->followed_ms = now_ms;
    int64_t moved_ms = off_ms > back_ms ? off_ms : back_ms;
    atomic_fetch_add(&c->offset_ms, moved_ms);
    return moved_ms;
}

void clock_init_virtual(struct clock *c, int64_t start_ms)
{
    *c = (struct clock){.wall_ms = virtual_now, .mono_ms = virtual_now, .virtual_ms = start_ms};
}

void clock_init_accelerated(struct clock *c, int64_t start_ms, double speed)
{
    assert(speed > 0);
    *c = (struct clock){
        .wall_ms = accelerated_now,
        .mono_ms = accelerated_now,
        .base_virtual_ms = start_ms,
        .base_real_ms = read_ms(CLOCK_BOOTTIME),
        .speed = speed,
    };
}

void clock_init_paced(struct clock *c, int64_t start_ms, double speed)
{
    clock_init_accelerated(c, start_ms, speed);
    c->wall_ms = c->mono_ms = paced_now;
    atomic_store(&c->limit_ms, start_ms);
}

// What real time ran ahead of the limit is lost, but for a second of it: after a short stall the clock catches up, after a long one it
// does not race.
void clock_pace_to(struct clock *c, int64_t to_ms)
{
    if (c->wall_ms != paced_now)
        return;
    int64_t limit_ms = atomic_load(&c->limit_ms);
    int64_t behind_real_ms = (int64_t)((double)(paced_free(c) - limit_ms) / c->speed);
    if (behind_real_ms > 1000)
        atomic_fetch_add(&c->lost_ms, behind_real_ms - 1000);
    if (to_ms > limit_ms)
        atomic_store(&c->limit_ms, to_ms);
}

void clock_advance_to(struct clock *c, int64_t to_ms)
{
    assert(c->wall_ms == virtual_now);
    assert(to_ms >= c->virtual_ms);
    c->virtual_ms = to_ms;
}

int64_t clock_real_delay_ms(const struct clock *c, int64_t until_ms)
{
    if (c->wall_ms == virtual_now)
        return 0;
    int64_t now_ms = clock_wall_ms(c);
    if (until_ms <= now_ms)
        return 0;
    // Rounded up, so that a sleep of this length never ends just before the time.
    double real = ceil((double)(until_ms - now_ms) / c->speed);
    return real >= 9e15 ? INT64_C(9000000000000000) : (int64_t)real;
}
