// A forecast as a picture for the terminal: the last two days, the median ahead, and the quantiles around it as a band.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "planner/forecast/forecast.h"
#include "scaler/forecast_file.h"

struct forecast_plot {
    const struct forecast_series *series;
    const struct forecast_split *split;
    const struct forecast_spec *spec;
    const double *out;    // horizon x quantile_count
    const char *basis;
};

void forecast_plot(const struct forecast_plot *p, FILE *to, bool colour);
