// What was asked of AWS so far, as the page and the metrics tell it: a row for each client and operation.
#pragma once

#include "scaler/aws/aws.h"
#include "scaler/view.h"

enum { API_ROWS_MAX = 256 };
// The texts are the client's. Returns how many rows; what is beyond the maximum is left out.
size_t api_rows(struct aws_clients *clients, struct view_api_call ret[API_ROWS_MAX]);
