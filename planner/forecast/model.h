// Inside of planner/forecast: the model of one bucket of the horizon, and how it is fitted and asked.
#pragma once

#include "planner/forecast/forecast.h"
#include "planner/forecast/profile.h"
#include "planner/forecast/regress.h"
#include "planner/forecast/smooth.h"

enum { MODEL_STRENGTHS = 3, MODEL_EXPERTS = MODEL_STRENGTHS + 3, MODEL_FOLDS = 5, MODEL_ROWS_MIN = 16, MODEL_ROWS_MAX = 800, MODEL_SPREADS = 7 };

enum model_basis { BASIS_LEVEL, BASIS_DAY, BASIS_WEEK };

struct model {
    size_t first, last;                                  // steps ahead that it answers
    bool near;                                           // within the first hour
    bool plain;                                          // too few rows for more than the spread of the history
    double coef[MODEL_STRENGTHS][REGRESS_STRIDE];
    double blend[MODEL_EXPERTS];
    double scale[MODEL_SPREADS];                         // of an error: at least 0 each
    double offset[FORECAST_QUANTILES_MAX];               // held-out errors in units of the scale, at the quantile
    double slope[FORECAST_QUANTILES_MAX][MODEL_SPREADS]; // the quantile's own line through the spreads
};

struct forecast {
    struct forecast_spec spec;
    struct profile profile;
    struct smooth smooth;
    enum model_basis basis;
    size_t columns;
    double overall[FORECAST_QUANTILES_MAX];  // quantiles of the history
    struct model *model;
    size_t model_count;
};

// What fits take turns with.
struct model_room {
    size_t *origin, *ahead;  // of each of MODEL_ROWS_MAX rows
    uint8_t *fold, *until;
    double *row, *aside;     // rows of REGRESS_STRIDE
    double *experts, *y, *weight, *error, *unit, *ordered;
};

void model_room_init(struct model_room *r, struct arena *a);
// One row of columns for the value `ahead` steps after `origin`, in units of the profile's scale; returns how many.
size_t model_columns(const struct forecast *f, size_t origin, size_t ahead, double *row);
// The experts beside the models, and the columns that an error's size is made of. `median`: the blended forecast.
void model_experts(const struct forecast *f, size_t origin, size_t ahead, double *ret);
void model_spreads(const struct forecast *f, size_t origin, size_t ahead, double median, double *ret);
size_t model_spread_count(const struct forecast *f, const struct model *m);
// Where the history has too few rows for it, `plain` is set and the model says the quantiles of the whole history.
void model_fit(struct forecast *f, struct model *m, struct model_room *room);
// The quantiles `ahead` steps after the last value, as the model gives them: neither ordered nor bounded.
void model_ask(const struct forecast *f, const struct model *m, size_t ahead, double *ret);
