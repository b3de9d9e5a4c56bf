// Time is asked from an injected clock; only clock.c reads the system's.
//
// Wall time is milliseconds since 1970 (UTC); monotonic time has no epoch, does not step and goes on during suspend.
// The real clock serves the daemon, the virtual one tests and headless runs (it moves only when told), the accelerated one
// the demo (real time times a factor, from a chosen start).
#pragma once

#include <stdint.h>

struct clock {
    int64_t (*wall_ms)(const struct clock *c);
    int64_t (*mono_ms)(const struct clock *c);
    // Virtual: the present. Accelerated: virtual start, real start, factor. Private to clock.c, but for virtual_ms.
    int64_t virtual_ms;
    int64_t base_virtual_ms, base_real_ms;
    double speed;
};

void clock_init_real(struct clock *c);
void clock_init_virtual(struct clock *c, int64_t start_ms);
void clock_init_accelerated(struct clock *c, int64_t start_ms, double speed);  // speed > 0

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
