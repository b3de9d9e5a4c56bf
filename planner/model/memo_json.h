// The memo's reader for a memo inside a larger file (private to the model; everybody else uses model_json.h).
#pragma once

#include "planner/model/json_fields.h"
#include "planner/model/memo.h"

// Reads a memo that stands at `root`; r->bad_path says where the first mistake is. Another version is ERR_INVALID.
int memo_from_json_at(const json_t *j, const struct json_path *root, struct json_reader *r, struct memo *ret);
