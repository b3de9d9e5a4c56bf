// The linear programme of several types, from its dual.
//
//   primal  min Σ p x + L u   x(t) − x(t − 1) − u(t) ≤ 0 : y(t),   Σ_i c_i x_i(t) ≥ D(t) : w(t),   x, u ≥ 0
//   dual    max Σ w D          c_i w(t) ≤ p_i(t) + y_i(t) − y_i(t + 1),   0 ≤ y_i(t) ≤ L_i(t),   w ≥ 0
//
// L_i(t) is what a boot before t costs; 0 at t = 0 when what is there at the beginning is free. For a given w the least y follows backwards in
// time, y(t) = max(0, y(t + 1) + c w(t) − p(t)); where it would pass L, w(t) is made smaller until it does not: that point is feasible.
#include <math.h>

#include "planner/sim/bound.h"

enum { R = BOUND_RESOURCES, LOOK_EVERY = 50 };

// fmax minds NaN, and takes its time for it; there is none here.
static inline double larger(double a, double b)
{
    return a > b ? a : b;
}

struct mix {
    const struct bound_mix *b;
    size_t n, types;
    double cap[BOUND_TYPES_MAX][R], scale[R], dear;  // capacities, so that the largest is 1; prices, so that the mean is 1
    double *price, *boot, *demand;                   // n × types, n × types, n × R, scaled
    double *x, *x2, *u, *u2, *y, *w;                 // x2, u2: extrapolated
};

static double boot_cost(const struct mix *m, size_t t, size_t i)
{
    size_t back = (size_t)ceil(m->b->boot_steps), from = t > back ? t - back : 0;
    double least = INFINITY;
    if (t == 0 && m->b->free_start)
        return 0;
    for (size_t k = from; k <= t; k++)
        least = fmin(least, m->price[k * m->types + i]);
    return least * m->b->boot_steps;
}

static void scale(struct mix *m, struct arena *a)
{
    const struct bound_mix *b = m->b;
    size_t all = m->n * m->types;
    m->price = arena_array(a, double, all);
    m->boot = arena_array(a, double, all);
    m->demand = arena_array(a, double, m->n * R);
    for (size_t k = 0; k < all; k++)
        m->dear += b->price[k] / (double)all;
    for (int r = 0; r < R; r++)
        for (size_t i = 0; i < m->types; i++)
            m->scale[r] = fmax(m->scale[r], b->capacity[i * R + (size_t)r]);
    for (int r = 0; r < R; r++) {
        for (size_t i = 0; i < m->types; i++)
            m->cap[i][r] = m->scale[r] > 0 ? b->capacity[i * R + (size_t)r] / m->scale[r] : 0;
        for (size_t t = 0; t < m->n; t++)
            m->demand[t * R + (size_t)r] = m->scale[r] > 0 ? b->demand[t * R + (size_t)r] / m->scale[r] : 0;
    }
    for (size_t k = 0; k < all; k++)
        m->price[k] = b->price[k] / m->dear;
    // Whoever boots a step earlier and idles has it, too: so y(t + 1) <= L(t) + p(t), and going back in time there is always room for a y(t).
    for (size_t t = 0; t < m->n; t++) {
        for (size_t i = 0; i < m->types; i++) {
            size_t k = t * m->types + i;
            m->boot[k] = boot_cost(m, t, i);
            if (t > 0)
                m->boot[k] = fmin(m->boot[k], m->boot[k - m->types] + m->price[k - m->types]);
        }
    }
}

// The largest part of w(t) that no type forbids, and with it the y of step t, in place of that of t + 1.
static double feasible_part(const struct mix *m, size_t t, double y[BOUND_TYPES_MAX])
{
    double part = 1;
    for (size_t i = 0; i < m->types; i++) {
        double worth = 0, room = m->boot[t * m->types + i] + m->price[t * m->types + i] - y[i];
        for (int r = 0; r < R; r++)
            worth += m->cap[i][r] * m->w[t * R + (size_t)r];
        if (worth > 0)
            part = fmin(part, fmax(room, 0) / worth);
    }
    for (size_t i = 0; i < m->types; i++) {
        double worth = 0;
        for (int r = 0; r < R; r++)
            worth += m->cap[i][r] * m->w[t * R + (size_t)r] * part;
        y[i] = fmax(0, y[i] + worth - m->price[t * m->types + i]);
    }
    return part;
}

static double feasible_value(const struct mix *m)
{
    double y[BOUND_TYPES_MAX] = {0}, sum = 0;
    for (size_t t = m->n; t-- > 0;) {
        double part = feasible_part(m, t, y);
        for (int r = 0; r < R; r++)
            sum += part * m->w[t * R + (size_t)r] * m->demand[t * R + (size_t)r];
    }
    return sum;
}

static void step_primal(struct mix *m, double tau)
{
    for (size_t t = 0; t < m->n; t++) {
        for (size_t i = 0; i < m->types; i++) {
            size_t k = t * m->types + i;
            double next = t + 1 < m->n ? m->y[k + m->types] : 0, slope = m->price[k] + m->y[k] - next;
            for (int r = 0; r < R; r++)
                slope -= m->cap[i][r] * m->w[t * R + (size_t)r];
            double x = larger(0, m->x[k] - tau * slope), u = larger(0, m->u[k] - tau * (m->boot[k] - m->y[k]));
            m->x2[k] = 2 * x - m->x[k];
            m->u2[k] = 2 * u - m->u[k];
            m->x[k] = x;
            m->u[k] = u;
        }
    }
}

static void step_dual(struct mix *m, double sigma)
{
    for (size_t t = 0; t < m->n; t++) {
        double have[R] = {0};
        for (size_t i = 0; i < m->types; i++) {
            size_t k = t * m->types + i;
            double before = t > 0 ? m->x2[k - m->types] : 0;
            for (int r = 0; r < R; r++)
                have[r] += m->cap[i][r] * m->x2[k];
            m->y[k] = larger(0, m->y[k] + sigma * (m->x2[k] - before - m->u2[k]));
        }
        for (int r = 0; r < R; r++)
            m->w[t * R + (size_t)r] = larger(0, m->w[t * R + (size_t)r] + sigma * (m->demand[t * R + (size_t)r] - have[r]));
    }
}

double bound_mix(const struct bound_mix *b, int rounds, struct arena *a, int *ret_rounds)
{
    struct mix m = {.b = b, .n = b->count, .types = b->type_count};
    size_t all = m.n * m.types;
    double norm = 5, demand = 0, best = 0, before = 0;
    int round = 0;
    if (m.n == 0 || m.types == 0)
        return 0;
    scale(&m, a);
    double **const rows[] = {&m.x, &m.x2, &m.u, &m.u2, &m.y};
    for (size_t k = 0; k < ARRAY_LEN(rows); k++)
        *rows[k] = arena_array(a, double, all);
    m.w = arena_array(a, double, m.n * R);
    for (size_t i = 0; i < m.types; i++)
        for (int r = 0; r < R; r++)
            norm += m.cap[i][r] * m.cap[i][r];
    for (size_t k = 0; k < m.n * R; k++)
        demand += m.demand[k] / (double)(m.n * R);
    double weight = fmax(demand, 0.1), step = 0.99 / sqrt(norm);
    for (; round < rounds; round++) {
        step_primal(&m, step * weight);
        step_dual(&m, step / weight);
        if ((round + 1) % LOOK_EVERY != 0)
            continue;
        best = fmax(best, feasible_value(&m));
        if (round > 8 * LOOK_EVERY && best - before < 1e-5 * best)
            break;
        before = (round + 1) % (4 * LOOK_EVERY) == 0 ? best : before;
    }
    if (ret_rounds)
        *ret_rounds = round;
    return fmax(best, feasible_value(&m)) * m.dear;
}
