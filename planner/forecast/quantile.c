#include "planner/forecast/quantile.h"

#include <math.h>
#include <stdlib.h>

static int compare_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void quantile_sort(double *v, size_t n)
{
    qsort(v, n, sizeof *v, compare_double);
}

double quantile_of_sorted(const double *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t k = (size_t)at;
    return sorted[k] + (k + 1 < n ? (at - (double)k) * (sorted[k + 1] - sorted[k]) : 0);
}

// Orders v so that v[k] is the k-th smallest (Hoare 1961).
static double select_kth(double *v, size_t n, size_t k)
{
    size_t low = 0, high = n - 1;
    while (low < high) {
        double pivot = v[(low + high) / 2];
        size_t i = low, j = high;
        while (i <= j) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i <= j) {
                double swap = v[i];
                v[i] = v[j];
                v[j] = swap;
                i++;
                if (j == 0)
                    break;
                j--;
            }
        }
        if (k <= j && j < high)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return v[k];
}

double quantile_select(double *v, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t k = (size_t)at;
    double low = select_kth(v, n, k), high = low;
    if (k + 1 < n) {
        high = v[k + 1];
        for (size_t i = k + 2; i < n; i++)
            high = fmin(high, v[i]);
    }
    return low + (at - (double)k) * (high - low);
}
