// CloudWatch: what metrics were, as series of points.
//
// As in ecs.h. Whatever a series lacks is not known, never zero: a metric that does not exist has no points.
#pragma once

#include "scaler/aws/aws.h"
#include "scaler/aws/ecs.h"

enum { CLOUDWATCH_QUERIES_MAX = 500 };  // a call; of more, several are made

struct cloudwatch_metric {
    const char *name_space, *name;      // "AWS/ECS", "CPUReservation"
    struct aws_tag dimensions[3];       // {"ClusterName", "shop"}, …; key NULL: no more
    const char *stat;                   // "Average", "Sum", "p95", …
};

struct cloudwatch_ask {
    const struct cloudwatch_metric *metrics;
    size_t count;
    int64_t from_ms, to_ms;             // points that begin in [from_ms, to_ms); whole seconds
    int64_t period_s;                   // of a point: 60 and multiples
};

struct cloudwatch_point {
    int64_t at_ms;                      // where its period begins
    double value;
};

struct cloudwatch_series {
    struct cloudwatch_point *points;    // in order of time, if AWS sends them so
    size_t count, cap;
    bool whole;                         // AWS said that this is all there is
};

struct cloudwatch_data {
    struct aws_call call;               // PARTIAL too where AWS refused one of the metrics, or gave a part of one
    struct cloudwatch_series *series;   // as many as were asked for, in their order
    size_t count;
};
// Values a step each from from_ms on, NaN where there is none; the arena's.
double *cloudwatch_by_step(const struct cloudwatch_series *s, int64_t from_ms, int64_t step_ms, size_t steps, struct arena *a);
void cloudwatch_get_metric_data(struct aws_with w, const struct cloudwatch_ask *ask, struct cloudwatch_data *ret);
