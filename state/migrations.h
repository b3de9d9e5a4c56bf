// The schema, as an append-only list of steps: a step that was released is never edited, a new one goes to the end.
#pragma once

#include "state/db.h"

int state_schema_version(void);  // that of this build
// The version of the file. ERR_INVALID when it is of a newer build; nothing was written to it then.
int state_check_schema(struct db *d, int *ret, struct err *err);
// Brings the file to version `to`, each step in one transaction. ERR_INVALID when the file is of a newer build.
int state_migrate(struct db *d, int to, int *ret_before, struct err *err);
