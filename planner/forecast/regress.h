// Regression by absolute and by quantile loss, small and dense: what the forecast's models are fitted with.
//
// Minimised by iteratively reweighted least squares (Schlossmacher 1973; Hunter and Lange 2000 for quantiles), with a ridge that pulls each
// coefficient towards a prior in proportion to its column's variance, so that a column that says nothing keeps the prior's word.
// Pure: no allocation, no state. Columns are numbers near 1 in size; the caller scales them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Columns and, after them, the target; even, for the machine works on pairs.
enum { REGRESS_STRIDE = 20, REGRESS_COLUMNS_MAX = REGRESS_STRIDE - 1 };

struct regress_rows {
    size_t count, columns;
    const double *x;      // count rows of REGRESS_STRIDE: columns, then the target, then anything
    const uint8_t *fold;  // of each row, ascending in time, and the one in which its target was known; NULL: no folds
    const uint8_t *until;
    double *weight;       // count, scratch
};

// Least absolute deviations. `coef` holds the start and gets the result (columns). `judged`: the fold that the
// result is for: rows whose targets were known before it count, for the first fold, before which there is nothing, all later rows; -1: all do.
// `ridge` is a share of the rows: 0.01 pulls as hard as a hundredth of them. Rows that all agree leave the prior. Column 0 is the
// constant and is not pulled.
void regress_absolute(const struct regress_rows *r, int judged, const double *prior, double ridge, int rounds, double *coef);
// The q-quantile instead, every column pulled, towards `prior`.
void regress_quantile(const struct regress_rows *r, double q, const double *prior, double ridge, int rounds, double *coef);
// Plain least squares; each column is pulled to 0 by `ridge` a row.
void regress_squares(const struct regress_rows *r, double ridge, double *coef);
// Least squares with coefficients of at least 0 and weights 1 / fitted^2: the size of an error that grows with its columns.
void regress_scale(const struct regress_rows *r, int rounds, double *coef);

double regress_fitted(const double *row, const double *coef, size_t columns);
