#include "planner/forecast/bank.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "planner/forecast/bank_parts.h"

enum { FIT_ROUNDS = 8, DAY_S = 86400 };
static const double FIT_RIDGE = 1e-6, SPREAD_RIDGE = 1e-3, SPREAD_FROM = 0.3, LEAST_S = 0.2;
static const int64_t lead_s[BANK_LEADS] = {30, 60, 180, 480}, window_s[BANK_WINDOWS] = {60, 180, 420, 900};

int64_t bank_lead_s(int lead)
{
    return lead_s[lead];
}

int64_t bank_window_s(int window)
{
    return window_s[window];
}

struct bank *bank_new(struct arena *a, int64_t step_s, int64_t boot_s)
{
    struct bank *b = arena_new(a, struct bank);
    assert(step_s > 0 && DAY_S % step_s == 0 && boot_s > 0);
    b->day = (size_t)(DAY_S / step_s);
    size_t room = BANK_KEPT_DAYS * b->day, table = BANK_TABLE_DAYS * b->day;
    b->value = arena_array(a, double, room);
    b->sum = arena_array(a, double, room + 1);
    b->change = arena_array(a, double, room + 1);
    b->row = arena_array(a, double, BANK_ROWS_MAX * REGRESS_STRIDE);
    b->weight = arena_array(a, double, BANK_ROWS_MAX > table ? BANK_ROWS_MAX : table);
    for (int i = 0; i < BANK_TARGETS; i++) {
        struct bank_target *t = &b->target[i];
        // Lead 0 is the most of one step more; the others are points; windows begin now.
        int64_t from = i == 0 ? boot_s : i < BANK_LEADS ? boot_s + lead_s[i] : 0;
        int64_t to = i == 0 ? boot_s + lead_s[0] : i < BANK_LEADS ? from : window_s[i - BANK_LEADS];
        t->from = (size_t)((from + step_s - 1) / step_s);
        t->to = (size_t)((to + step_s - 1) / step_s);
        double **rings[] = {&t->issued_m, &t->issued_s, &t->error, &t->error_s};
        for (size_t k = 0; k < sizeof rings / sizeof *rings; k++)
            *rings[k] = arena_array(a, double, table);
        t->coef[BANK_BASE] = 1;  // before any fit: as on past days
    }
    return b;
}

// ---- history ------------------------------------------------------------------------------------------------------------------

static void make_room(struct bank *b)
{
    size_t room = BANK_KEPT_DAYS * b->day, drop = b->day;
    if (b->count < room)
        return;
    memmove(b->value, b->value + drop, (room - drop) * sizeof *b->value);
    double sum = b->sum[drop], change = b->change[drop];
    for (size_t i = 0; i <= room - drop; i++) {
        b->sum[i] = b->sum[i + drop] - sum;
        b->change[i] = b->change[i + drop] - change;
    }
    b->count -= drop;
}

static void append(struct bank *b, double demand)
{
    make_room(b);
    size_t i = b->count++;
    b->pushed++;
    b->value[i] = demand;
    b->sum[i + 1] = b->sum[i] + demand;
    b->change[i + 1] = b->change[i] + (i ? fabs(demand - b->value[i - 1]) : 0);
}

// ---- fit ----------------------------------------------------------------------------------------------------------------------

static bool columns(const struct bank *b, const struct bank_target *t, size_t at, enum bank_phase phase, double *row, double *past)
{
    bank_base(b, at, row);
    if (!bank_past(b, t, at, phase, past))
        return false;
    for (int i = 0; i < BANK_PAST; i++)
        row[BANK_BASE + i] = past[i] / b->unit;
    return true;
}

static double location(const struct bank *b, const struct bank_target *t, const double *row)
{
    return b->unit * regress_fitted(row, t->coef, BANK_COLUMNS);
}

static double scale(const struct bank_target *t, const double *spread)
{
    return fmax(exp(fmin(regress_fitted(spread, t->spread, BANK_SPREADS), 50)), LEAST_S);
}

// By which clock past days tell more of the rows of a fit: demand may follow the other one.
static enum bank_phase phase_of(const struct bank *b, const struct bank_target *t, size_t from, size_t end, size_t step)
{
    double off[2] = {0}, past[BANK_PAST];
    for (size_t at = from; b->clock_by != 0 && at < end; at += step)
        for (int phase = PHASE_UTC; phase <= PHASE_LOCAL; phase++) {
            bank_past(b, t, at, (enum bank_phase)phase, past);
            off[phase] += fabs(bank_outcome(b, t, at) - past[0]);
        }
    return off[PHASE_LOCAL] < off[PHASE_UTC] ? PHASE_LOCAL : PHASE_UTC;
}

static void fit_target(struct bank *b, struct bank_target *t)
{
    static const double nothing[REGRESS_STRIDE];
    size_t from = b->count > BANK_FIT_DAYS * b->day ? b->count - BANK_FIT_DAYS * b->day : 0, n = 0;
    from = from < b->day ? b->day : from;
    size_t end = b->count - t->to, step = end > from ? (end - from) / BANK_ROWS_MAX + 1 : 1;
    struct regress_rows r = {.columns = BANK_COLUMNS, .x = b->row, .weight = b->weight};
    double past[BANK_PAST];
    t->phase = phase_of(b, t, from, end, step);
    for (size_t at = from; at < end && n < BANK_ROWS_MAX; at += step, n++) {
        double *row = b->row + n * REGRESS_STRIDE;
        columns(b, t, at, t->phase, row, past);
        row[BANK_COLUMNS] = bank_outcome(b, t, at) / b->unit;
    }
    r.count = n;
    regress_absolute(&r, -1, nothing, FIT_RIDGE, FIT_ROUNDS, t->coef);
    n = 0;
    for (size_t at = from; at < end && n < BANK_ROWS_MAX; at += step, n++) {
        double *row = b->row + n * REGRESS_STRIDE, size = log(fabs(bank_outcome(b, t, at) - location(b, t, row)) + SPREAD_FROM);
        bank_past(b, t, at, t->phase, past);
        bank_spread(b, at, past, row);
        row[BANK_SPREADS] = size;
    }
    r.columns = BANK_SPREADS;
    regress_squares(&r, SPREAD_RIDGE, t->spread);
}

static void issue(const struct bank *b, const struct bank_target *t, size_t at, enum bank_phase phase, double *ret_m, double *ret_s)
{
    double row[REGRESS_STRIDE], spread[REGRESS_STRIDE], past[BANK_PAST];
    columns(b, t, at, phase, row, past);
    bank_spread(b, at, past, spread);
    *ret_m = location(b, t, row);
    *ret_s = scale(t, spread);
}

// The first table is of what the first fit would have said of the days before it.
static void fill_table(struct bank *b, struct bank_target *t)
{
    size_t table = BANK_TABLE_DAYS * b->day, from = b->count > table ? b->count - table : 0;
    for (size_t at = from < b->day ? b->day : from; at + t->to < b->count; at++) {
        double m, s;
        issue(b, t, at, t->phase, &m, &s);
        bank_table_add(t, table, (bank_outcome(b, t, at) - m) / s, s);
    }
}

static void refit(struct bank *b)
{
    bool first = !b->fitted;
    b->unit = fmax(b->sum[b->count] / (double)b->count, 1e-9);
    for (int i = 0; i < BANK_TARGETS; i++) {
        fit_target(b, &b->target[i]);
        if (first)
            fill_table(b, &b->target[i]);
    }
    b->fitted = true;
    b->fitted_at = b->pushed;
}

// ---- each step ------------------------------------------------------------------------------------------------------------------

// Past days lie on both sides of a change of the clock.
static bool two_phases(const struct bank *b)
{
    return b->clock_by != 0 && b->pushed - 1 - b->clock_at < BANK_PAST_DAYS * b->day;
}

void bank_clock(struct bank *b, size_t ago, int64_t by_s)
{
    int64_t day = (int64_t)b->day, by = by_s * day / DAY_S % day;
    b->clock_by = ago > b->pushed ? 0 : by > day / 2 ? by - day : by < -day / 2 ? by + day : by;
    b->clock_at = b->clock_by ? b->pushed - ago : 0;
}

// What was forecast t->to steps ago has come out now.
static void settle(struct bank *b, struct bank_target *t, size_t since_fit)
{
    size_t table = BANK_TABLE_DAYS * b->day, at = b->count - 1 - t->to;
    if (since_fit < t->to)
        return;
    size_t slot = (b->pushed - 1 - t->to) % table;
    bank_table_add(t, table, (bank_outcome(b, t, at) - t->issued_m[slot]) / t->issued_s[slot], t->issued_s[slot]);
}

void bank_push(struct bank *b, double demand)
{
    size_t table = BANK_TABLE_DAYS * b->day, hour = b->day / 24;
    assert(isfinite(demand));
    append(b, demand);
    if (!b->fitted && b->count < b->day + b->day / 4)
        return;
    bool was = b->fitted;
    if (!b->fitted || b->pushed - b->fitted_at >= b->day / 4)
        refit(b);
    if (!was)
        b->first_at = b->pushed;
    for (int i = 0; i < BANK_TARGETS; i++) {
        struct bank_target *t = &b->target[i];
        settle(b, t, b->pushed - b->first_at);
        if (!was || b->pushed - b->tabled_at >= hour)
            bank_table_make(t, table, b->weight);
        issue(b, t, b->count - 1, PHASE_UTC, &t->m, &t->s);
        if (two_phases(b))
            issue(b, t, b->count - 1, PHASE_LOCAL, &t->local_m, &t->local_s);
        bool local = two_phases(b) && t->local_m > t->m;
        t->issued_m[(b->pushed - 1) % table] = local ? t->local_m : t->m;
        t->issued_s[(b->pushed - 1) % table] = local ? t->local_s : t->s;
    }
    if (!was || b->pushed - b->tabled_at >= hour)
        b->tabled_at = b->pushed;
}

void bank_learn(struct bank *b, double demand)
{
    assert(isfinite(demand) && !b->fitted);
    append(b, demand);
}

struct bank *bank_again(struct arena *a, const struct bank *old, int64_t boot_s)
{
    struct bank *b = bank_new(a, DAY_S / (int64_t)old->day, boot_s);
    for (size_t i = 0; i < old->count; i++)
        bank_learn(b, old->value[i]);
    return b;
}

bool bank_ready(const struct bank *b)
{
    return b->fitted;
}

double bank_survivor(const struct bank *b, int target, double above)
{
    assert(b->fitted);
    const struct bank_target *t = &b->target[target];
    double utc = bank_table_survivor(t, t->m, t->s, above);
    return two_phases(b) ? fmax(utc, bank_table_survivor(t, t->local_m, t->local_s, above)) : utc;
}
