// What CloudWatch would have recorded of the worlds, minute by minute, from when the sandbox began; two days of it.
//
// AWS/ECS, ECS/ContainerInsights and AWS/EC2Spot, of clusters, services and fleets; AWS/ApplicationELB tells of each target group what its tasks got on
// average (RequestCountPerTarget, whose statistic is Sum, though it is a mean over targets); a group of two services is told as that of the first. Container Insights has a sample a task of what tasks
// reserve and use: their sum is that of a minute, their average that of a task. A minute in which no task ran, or in which nobody looked at the
// world, has no data. Values of utilisation are those that cadvisor.c shows.
#pragma once

#include <stdint.h>

struct region;
struct metrics;

void metrics_note(struct region *r);     // the world is at the present; once a minute is enough
void metrics_free(struct metrics *m);    // NULL-safe
