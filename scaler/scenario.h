// The scenario file of masu simulate: JSON that says what the world asks and how it behaves, read into a scene (planner/sim/scene.h).
//
// One table of keys is the loader, the reference text and the JSON Schema. Errors name file, line, column, key path, what was expected and the
// nearest known key. Durations are whole seconds in the file (`*_s`). Files that it names (trace, market) are looked for beside it.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "planner/sim/scene.h"

// Keys that are left out keep what the scene has. Everything lives in the arena. ERR_IO, ERR_CORRUPT, ERR_INVALID, ERR_LIMIT.
int scenario_read(const char *path, struct arena *a, struct scene *s, struct err *err);
// The same without reading other files: their names, NULL where there are none.
int scenario_parse(struct slice text, const char *name, struct arena *a, struct scene *s, const char **ret_trace, const char **ret_market, struct err *err);
// A demand CSV, and how long it is: the scene follows it.
int scenario_trace(const char *path, struct arena *a, struct scene *s, int64_t *ret_length_ms, struct err *err);
void scenario_write_schema(struct buf *out);  // JSON Schema 2020-12
// What the parts must be for one another: ERR_INVALID names what is wrong.
int scenario_check(const struct scene *s, struct err *err);
