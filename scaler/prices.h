// On-demand prices for what no API of EC2 tells: a small table of our own, by family, since within a family the price goes by size.
//
// Linux, us-east-1, as published by AWS in July 2026. Other regions differ, most by less than a third: these numbers are for
// estimates (what on-demand would cost, an hour of an unknown market price), never for a bill.
#pragma once

#include <stdint.h>

int64_t prices_on_demand(const char *type);  // micro-dollars an hour; 0: not in the table
