// The JSON form of snapshot, plan and memo: the journal, `masu plan --snapshot F`, `--format json`, the web API.
//
// Units are in the keys, times are RFC 3339 UTC strings (absent = never), enums are their names, indices become names
// (service, shape, fleet id). Reading is strict where meaning would be lost (wrong type, unknown reference: ERR_INVALID with
// the key path) and tolerant of unknown keys. Writing then reading gives an equal value. The schema of a snapshot file is
// planner/model/snapshot.schema.json.
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "planner/model/memo.h"
#include "planner/model/plan.h"
#include "planner/model/snapshot.h"

json_t *snapshot_to_json(const struct snapshot *s);
// *err names the key path of what is wrong. Strings are copied into the arena.
int snapshot_from_json(const json_t *j, struct arena *a, struct snapshot *ret, struct err *err);

// One documented object: cluster, mode, at, summary{…}, actions[{kind,target,reason,…}], verdicts[{kind,target,code,reason,…}],
// demands[…], alerts[{id,severity,target,since,what,remedy}]. `reason` is "fact -> verdict".
json_t *plan_to_json(const struct plan *p, const struct snapshot *s);

json_t *memo_to_json(const struct memo *m);
int memo_from_json(const json_t *j, struct arena *a, struct memo *ret, struct err *err);

// A file for `plan --snapshot`: either a bare snapshot object or {"snapshot": …, "memo": …}. ret_memo is empty where there is none.
int snapshot_read_file(const char *path, struct arena *a, struct snapshot *ret, struct memo *ret_memo, struct err *err);
