#include "planner/rightsize.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/check.h"

enum { MARGIN_PERCENT = 115, LOWER_PERCENT = 90, SPIKY = 2, CPU_UNITS_MIN = 128, MEMORY_STEP_MIB = 64, GIB_MIB = 1024, VCPU_UNITS = 1024, BLIND_ONE_IN = 20 };

static const char *const kind_names[RIGHTSIZE_KIND_COUNT] = {"unknown", "fits", "lower", "raise"};

const char *rightsize_kind_name(enum rightsize_kind k)
{
    assert(k < RIGHTSIZE_KIND_COUNT);
    return kind_names[k];
}

// ---- what one task used -----------------------------------------------------------------------------------------------------
struct samples {
    double *v;  // ascending
    size_t count;
};

static int ascending(const void *x, const void *y)
{
    const double *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

static bool known_at(const struct rightsize_ask *ask, const double *used, size_t k)
{
    return isfinite(used[k]) && isfinite(ask->running[k]) && ask->running[k] >= 1 && used[k] >= 0;
}

// largest: NULL, or what one of them used at most.
static struct samples per_task(const struct rightsize_ask *ask, const double *used, const double *largest, struct arena *a)
{
    struct samples s = {.v = arena_array(a, double, ask->count + 1)};
    for (size_t k = 0; k < ask->count; k++)
        if (known_at(ask, used, k))
            s.v[s.count++] = fmax(used[k] / ask->running[k], largest && isfinite(largest[k]) && ask->running[k] > 1 ? largest[k] : 0);
    if (s.count > 0)
        qsort(s.v, s.count, sizeof *s.v, ascending);
    return s;
}

// By nearest rank, rounded up: a whole unit that is not below it.
static int64_t quantile(const struct samples *s, double q)
{
    if (s->count == 0)
        return 0;
    size_t rank = (size_t)ceil(q * (double)s->count);
    return (int64_t)ceil(fmin(s->v[rank > 0 ? rank - 1 : 0], 1e12));
}

static int32_t above(const struct samples *s, int64_t amount)
{
    size_t n = 0;
    while (n < s->count && s->v[s->count - 1 - n] > (double)amount)
        n++;
    return s->count > 0 ? (int32_t)(n * 10000 / s->count) : 0;
}

static double mean_wasted(const struct rightsize_ask *ask, const double *used, const double *reserved)
{
    double sum = 0;
    size_t n = 0;
    for (size_t k = 0; k < ask->count; k++)
        if (known_at(ask, used, k) && isfinite(reserved[k])) {
            sum += fmax(0, reserved[k] - used[k]);
            n++;
        }
    return n > 0 ? sum / (double)n : 0;
}

// ---- what it should reserve -------------------------------------------------------------------------------------------------
static int64_t with_margin(int64_t v)
{
    return (v * MARGIN_PERCENT + 99) / 100;
}

// 128, 256, 384, 512, 768, 1,024, 1,536 …: few sizes pack better than many.
static int64_t cpu_size(int64_t units)
{
    int64_t size = CPU_UNITS_MIN;
    while (size < units)
        size = size * 3 / 2 >= units && size >= 2 * CPU_UNITS_MIN ? size * 3 / 2 : size * 2;
    return size;
}

static int64_t memory_size(int64_t mib)
{
    int64_t step = mib < GIB_MIB ? MEMORY_STEP_MIB : mib < 4 * GIB_MIB ? 2 * MEMORY_STEP_MIB : 4 * MEMORY_STEP_MIB;
    return (mib + step - 1) / step * step;
}

static struct rightsize_amount measured(const struct samples *s, int64_t reserved)
{
    return (struct rightsize_amount){.reserved = reserved, .p50 = quantile(s, 0.5), .p95 = quantile(s, 0.95), .p99 = quantile(s, 0.99), .max = quantile(s, 1)};
}

static void settle(struct rightsize_amount *x, const struct samples *s, int64_t size, bool too_little, bool may_lower)
{
    bool less = size * 100 <= x->reserved * LOWER_PERCENT;
    x->kind = too_little && size > x->reserved ? RIGHTSIZE_RAISE : less && may_lower ? RIGHTSIZE_LOWER : RIGHTSIZE_FITS;
    x->suggested = x->kind == RIGHTSIZE_FITS ? x->reserved : size;
    x->above_permyriad = above(s, x->suggested);
}

static void judge(const struct rightsize_ask *ask, struct rightsize *r, const struct samples *cpu, const struct samples *memory)
{
    int64_t enough = r->cpu.p99 >= SPIKY * r->cpu.p95 ? r->cpu.p99 : r->cpu.p95;
    bool alone = !r->memory.mean_only;
    settle(&r->cpu, cpu, cpu_size(with_margin(enough)), r->cpu.p95 > ask->task_cpu_units, true);
    settle(&r->memory, memory, memory_size(with_margin(r->memory.max)), r->memory.max > ask->task_memory_mib, alone);
}

// ---- words ------------------------------------------------------------------------------------------------------------------
static const char *cpu_words(const struct rightsize_amount *x, struct arena *a)
{
    if (x->reserved == 0)
        return arena_printf(a, "no CPU reserved, p95 %" PRId64 " units used", x->p95);
    return arena_printf(a, "p95 %" PRId64 " of %" PRId64 " CPU units", x->p95, x->reserved);
}

static const char *memory_words(const struct rightsize_amount *x, struct arena *a)
{
    return arena_printf(a, "memory %s %" PRId64 " of %" PRId64 " MiB", x->mean_only ? "at most, mean of its tasks," : "at most", x->max, x->reserved);
}

static const char *size_words(const struct rightsize_amount *cpu, const struct rightsize_amount *memory, struct arena *a)
{
    const char *c = cpu->suggested != cpu->reserved ? arena_printf(a, "%" PRId64 " CPU units", cpu->suggested) : NULL;
    const char *m = memory->suggested != memory->reserved ? arena_printf(a, "%" PRId64 " MiB", memory->suggested) : NULL;
    bool raise = cpu->kind == RIGHTSIZE_RAISE || memory->kind == RIGHTSIZE_RAISE;
    if (!c && !m)
        return "fits";
    return arena_printf(a, "%s %s%s%s", raise ? "raise to" : "lower to", c ? c : "", c && m ? ", " : "", m ? m : "");
}

// Where one is to be raised and the other lowered, only what is short is told: it comes first.
static void tell(struct rightsize *r, struct arena *a)
{
    struct rightsize_amount cpu = r->cpu, memory = r->memory;
    if (cpu.kind == RIGHTSIZE_RAISE && memory.kind == RIGHTSIZE_LOWER)
        memory.suggested = memory.reserved;
    if (memory.kind == RIGHTSIZE_RAISE && cpu.kind == RIGHTSIZE_LOWER)
        cpu.suggested = cpu.reserved;
    r->fact = arena_printf(a, "%s, %s", cpu_words(&cpu, a), memory_words(&memory, a));
    r->verdict = size_words(&cpu, &memory, a);
}

static bool unknown(struct rightsize *r, const char *fact)
{
    r->fact = fact;
    r->verdict = "no advice";
    return true;
}

// Too little to advise by: says what there is.
static bool too_little(const struct rightsize_ask *ask, struct rightsize *r, struct arena *a)
{
    int64_t hours = r->seen_ms / 3600000;
    if (r->samples == 0)
        return unknown(r, "what it uses is not measured");
    if (!ask->shape_known)
        return unknown(r, "what a task of it reserves is not known");
    if (r->seen_ms < RIGHTSIZE_SEEN_MS)
        return unknown(r, arena_printf(a, "%" PRId64 " of 168 h of use seen", hours));
    if (r->samples < RIGHTSIZE_SAMPLES_MIN)
        return unknown(r, arena_printf(a, "%" PRId64 " of %d samples of use seen", r->samples, RIGHTSIZE_SAMPLES_MIN));
    return false;
}

// ---- all of it --------------------------------------------------------------------------------------------------------------
static void see(const struct rightsize_ask *ask, struct rightsize *r)
{
    size_t first = ask->count, last = 0;
    int64_t blind = 0;
    for (size_t k = 0; k < ask->count; k++)
        if (known_at(ask, ask->used_cpu, k) && known_at(ask, ask->used_memory, k)) {
            first = first == ask->count ? k : first;
            last = k;
            r->samples++;
            blind += ask->running[k] > 1 && !isfinite(ask->largest_memory[k]);
        }
    r->memory.mean_only = blind * BLIND_ONE_IN > r->samples;
    r->seen_ms = r->samples > 0 ? (int64_t)(last - first + 1) * ask->step_ms : 0;
}

struct rightsize rightsize_of(const struct rightsize_ask *ask, struct arena *a)
{
    struct rightsize r = {0};
    see(ask, &r);
    bool mean_only = r.memory.mean_only;
    const struct samples cpu = per_task(ask, ask->used_cpu, NULL, a), memory = per_task(ask, ask->used_memory, ask->largest_memory, a);
    r.cpu = measured(&cpu, ask->task_cpu_units);
    r.memory = measured(&memory, ask->task_memory_mib);
    r.memory.mean_only = mean_only;
    r.cpu.wasted = mean_wasted(ask, ask->used_cpu, ask->reserved_cpu);
    r.memory.wasted = mean_wasted(ask, ask->used_memory, ask->reserved_memory);
    if (too_little(ask, &r, a))
        return r;
    judge(ask, &r, &cpu, &memory);
    tell(&r, a);
    return r;
}

int64_t rightsize_wasted_usd_micro(const struct rightsize *r, double vcpu_usd_micro, double gib_usd_micro)
{
    return llround(r->cpu.wasted / VCPU_UNITS * vcpu_usd_micro + r->memory.wasted / GIB_MIB * gib_usd_micro);
}
