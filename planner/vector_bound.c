#include <math.h>

#include "planner/vector_pack.h"

// max b·w over w >= 0 with A w <= price, the simplex method by Bland's rule: its start, w = 0, is feasible.
struct tableau {
    size_t rows, cols;  // cols: resources and slacks
    double *cell;       // rows + 1 lines of cols + 1; the last line is the objective's, the last column the right side
    size_t *basis;
};

static double *at(const struct tableau *t, size_t row, size_t col)
{
    return &t->cell[row * (t->cols + 1) + col];
}

static void pivot(struct tableau *t, size_t row, size_t col)
{
    double by = *at(t, row, col);
    for (size_t c = 0; c <= t->cols; c++)
        *at(t, row, c) /= by;
    for (size_t r = 0; r <= t->rows; r++) {
        double f = r == row ? 0 : *at(t, r, col);
        for (size_t c = 0; f != 0 && c <= t->cols; c++)
            *at(t, r, c) -= f * *at(t, row, c);
    }
    t->basis[row] = col;
}

// False at the optimum. Unbounded: *ret_row stays rows.
static bool find_pivot(const struct tableau *t, size_t *ret_row, size_t *ret_col)
{
    size_t col = 0;
    while (col < t->cols && *at(t, t->rows, col) >= -1e-12)
        col++;
    *ret_col = col;
    *ret_row = t->rows;
    double best = INFINITY;
    for (size_t r = 0; col < t->cols && r < t->rows; r++) {
        double x = *at(t, r, col), ratio = x > 1e-12 ? *at(t, r, t->cols) / x : INFINITY;
        if (ratio < best || (ratio == best && ratio < INFINITY && t->basis[r] < t->basis[*ret_row])) {
            best = ratio;
            *ret_row = r;
        }
    }
    return col < t->cols;
}

// Amounts as shares of the largest room and of the largest price, so that the numbers are of one size.
static struct tableau make(struct arena *a, const struct vector_type *types, size_t type_count, struct res total, struct res unit, double price)
{
    struct tableau t = {.rows = type_count, .cols = RES_COUNT + type_count};
    t.cell = arena_array(a, double, (t.rows + 1) * (t.cols + 1));
    t.basis = arena_array(a, size_t, type_count + 1);
    for (size_t r = 0; r < type_count; r++) {
        for (int k = 0; k < RES_COUNT; k++)
            *at(&t, r, (size_t)k) = unit.v[k] > 0 ? (double)types[r].room.v[k] / (double)unit.v[k] : 0;
        *at(&t, r, RES_COUNT + r) = 1;
        *at(&t, r, t.cols) = (double)types[r].price / price;
        t.basis[r] = RES_COUNT + r;
    }
    for (int k = 0; k < RES_COUNT; k++)
        *at(&t, t.rows, (size_t)k) = unit.v[k] > 0 ? -(double)total.v[k] / (double)unit.v[k] : 0;
    return t;
}

double vector_bound(struct arena *a, const struct vector_type *types, size_t type_count, struct res total, double *ret_value)
{
    struct res unit = {0};
    double price = 0;
    for (size_t j = 0; j < type_count; j++) {
        assert(types[j].price > 0);
        unit = res_max(unit, types[j].room);
        price = fmax(price, (double)types[j].price);
    }
    for (int k = 0; k < RES_COUNT; k++) {
        if (ret_value)
            ret_value[k] = 0;
        if (total.v[k] > 0 && unit.v[k] <= 0)
            return INFINITY;
    }
    struct tableau t = make(a, types, type_count, total, unit, price);
    size_t row, col;
    while (find_pivot(&t, &row, &col)) {
        assert(row < t.rows);  // every resource asked for is in some type, so its value is bounded
        pivot(&t, row, col);
    }
    for (size_t r = 0; ret_value && r < t.rows; r++)
        if (t.basis[r] < RES_COUNT)
            ret_value[t.basis[r]] = *at(&t, r, t.cols) * price / (double)unit.v[t.basis[r]];
    return *at(&t, t.rows, t.cols) * price;
}

static bool exclude(struct res a, struct res b, struct res room)
{
    return !res_fits(res_add(a, b), room);
}

// Greedy, from each item: those that exclude all taken so far.
static int64_t clique(struct arena *a, struct res room, const struct res *items, size_t n)
{
    size_t *taken = arena_array(a, size_t, n + 1);
    int64_t best = 0;
    for (size_t first = 0; first < n; first++) {
        size_t count = 1;
        taken[0] = first;
        for (size_t i = 0; i < n; i++) {
            bool all = i != first;
            for (size_t k = 0; k < count && all; k++)
                all = exclude(items[taken[k]], items[i], room);
            if (all)
                taken[count++] = i;
        }
        best = (int64_t)count > best ? (int64_t)count : best;
    }
    return best;
}

int64_t vector_bound_equal(struct arena *a, struct res room, const struct res *items, size_t n)
{
    struct res total = {0};
    for (size_t i = 0; i < n; i++)
        total = res_add(total, items[i]);
    int64_t best = n > 0 ? clique(a, room, items, n) : 0;
    for (int k = 0; k < RES_COUNT; k++)
        if (room.v[k] > 0) {
            int64_t bins = (total.v[k] + room.v[k] - 1) / room.v[k];
            best = bins > best ? bins : best;
        }
    return best;
}
