// Time is asked from an injected clock; only clock.c reads the system's.
//
// Wall time is milliseconds since 1970 (UTC); monotonic time has no epoch, does not step and goes on during suspend.
// The real clock serves the daemon, the virtual one tests and headless runs (it moves only when told), the accelerated one
// the demo (real time times a factor, from a chosen start). The steady clock is the daemon's wall time: it goes by the monotonic
// one from where the machine's wall clock stood at the start, so that a step of that moves no deadline and no age (safety.md G6,
// V35), and follows a better known time where it is told one. A paced clock is an accelerated one that never runs ahead of who lives
// by it: it waits wherever it was last allowed to go, so a slow machine sees a slower world, not a daemon that comes late.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct clock {
    int64_t (*wall_ms)(const struct clock *c);
    int64_t (*mono_ms)(const struct clock *c);
    // Virtual: the present. Accelerated: virtual start, real start, factor. Private to clock.c, but for virtual_ms.
    int64_t virtual_ms;
    int64_t base_virtual_ms, base_real_ms;
    double speed;
    int64_t followed_ms;                // steady: monotonic time when it last followed, or began
    _Atomic int64_t offset_ms;          // steady: wall minus monotonic time. Read from any thread
    _Atomic int64_t limit_ms, lost_ms;  // paced: how far it may go; real time that it did not follow. Read from any thread
};

void clock_init_real(struct clock *c);
void clock_init_steady(struct clock *c);
void clock_init_virtual(struct clock *c, int64_t start_ms);
void clock_init_accelerated(struct clock *c, int64_t start_ms, double speed);  // speed > 0

void clock_init_paced(struct clock *c, int64_t start_ms, double speed);        // speed > 0; stands at start_ms
// Paced clocks only (others ignore it): may go to to_ms, as fast as its speed. From one thread.
void clock_pace_to(struct clock *c, int64_t to_ms);

// Steady clocks only (others ignore it): true time is off_ms later than this clock's. Forward at once: what is due by it was due.
// Back by at most half of what has passed since the last call: no deadline comes more than twice as late as it was set. Returns by
// how much it moved. From one thread, while nothing compares two of its times.
int64_t clock_follow(struct clock *c, int64_t off_ms);
bool clock_follows(const struct clock *c);  // it is a steady one, whose time is the real world's

static inline int64_t clock_wall_ms(const struct clock *c)
{
    return c->wall_ms(c);
}
static inline int64_t clock_mono_ms(const struct clock *c)
{
    return c->mono_ms(c);
}
// Virtual clocks only; never backwards.
void clock_advance_to(struct clock *c, int64_t to_ms);
// Real milliseconds that pass until the clock's wall time reaches until_ms (≥ 0; 0 for a virtual clock).
int64_t clock_real_delay_ms(const struct clock *c, int64_t until_ms);
