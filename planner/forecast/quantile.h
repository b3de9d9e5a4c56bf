// Quantiles of samples: linear between neighbours, as type 7 of Hyndman and Fan 1996.
#pragma once

#include <stddef.h>

void quantile_sort(double *v, size_t n);                          // ascending; no NaN
double quantile_of_sorted(const double *sorted, size_t n, double q);  // n > 0
double quantile_select(double *v, size_t n, double q);            // of an unsorted sample, which it reorders; n > 0
