#include "planner/forecast/quantile.h"

#include <math.h>

enum { SHORT_MAX = 24 };  // below it insertion is faster

static double middle_of(double a, double b, double c)
{
    double low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

static void insert_all(double *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        double x = v[i];
        size_t at = i;
        for (; at > 0 && v[at - 1] > x; at--)
            v[at] = v[at - 1];
        v[at] = x;
    }
}

// Quicksort with the middle of three (Sedgewick 1978): a forecaster sorts its errors again and again, and a call for each comparison
// would be most of its time. Recurses into the smaller half, so it is never deeper than the logarithm of n.
void quantile_sort(double *v, size_t n)
{
    while (n > SHORT_MAX) {
        double pivot = middle_of(v[0], v[n / 2], v[n - 1]);
        size_t i = 0, j = n - 1;
        for (;; i++, j--) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i >= j)
                break;
            double swap = v[i];
            v[i] = v[j];
            v[j] = swap;
        }
        size_t left = j + 1, right = n - left;
        quantile_sort(left < right ? v : v + left, left < right ? left : right);
        v = left < right ? v + left : v;
        n = left < right ? right : left;
    }
    insert_all(v, n);
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
