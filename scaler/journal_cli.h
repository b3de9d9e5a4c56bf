// What masu explain and masu replay share: the journal file, read only beside a running daemon or after one, and whose tick is meant.
#pragma once

#include "scaler/options.h"
#include "state/query.h"

#define JOURNAL_DEFAULT_PATH "masu.db"
#define JOURNAL_STATE_HELP "the journal: the file of masu run --state (" JOURNAL_DEFAULT_PATH ")"

// Every mistake is told with its remedy in *err.
int journal_open(const char *path, struct state_reader **ret, struct err *err);
// The id of the cluster called `name` (NULL: any, 0).
int journal_cluster(struct state_reader *r, const char *name, struct arena *a, int64_t *ret, struct err *err);
// "latest" is 0. ERR_INVALID.
int journal_tick(const char *text, int64_t *ret, struct err *err);
bool journal_colour(void);  // a terminal that wants it
