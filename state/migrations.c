#include "state/migrations.h"

#include "state/history_internal.h"

// SQL, then what SQL cannot say, then SQL again.
static const struct {
    const char *sql;
    int (*run)(struct db *d, struct err *err);
    const char *after;
} migrations[] = {
    // 1: clusters, samples by the minute, the journal, the newest memo
    {"CREATE TABLE clusters ("
    "  id INTEGER PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,"
    "  UNIQUE (account, region, name)) STRICT;"
    "CREATE TABLE samples ("
    "  cluster INTEGER NOT NULL REFERENCES clusters(id), series INTEGER NOT NULL, minute INTEGER NOT NULL,"
    "  count INTEGER NOT NULL, sum INTEGER NOT NULL, min INTEGER NOT NULL, max INTEGER NOT NULL, last INTEGER NOT NULL,"
    "  PRIMARY KEY (cluster, series, minute)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE ticks ("
    "  id INTEGER PRIMARY KEY, cluster INTEGER NOT NULL REFERENCES clusters(id), at_ms INTEGER NOT NULL,"
    "  policy_hash TEXT NOT NULL, mode TEXT NOT NULL, dry_run INTEGER NOT NULL, recorded INTEGER NOT NULL DEFAULT 0,"
    "  duration_ms INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '', planned INTEGER NOT NULL DEFAULT 0,"
    "  actions INTEGER NOT NULL DEFAULT 0, ok INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,"
    "  skipped INTEGER NOT NULL DEFAULT 0, instances INTEGER, active INTEGER, draining INTEGER, coming INTEGER,"
    "  interrupted INTEGER, waiting_tasks INTEGER, capacity_cpu_units INTEGER, capacity_memory_mib INTEGER,"
    "  reserved_cpu_units INTEGER, reserved_memory_mib INTEGER, need_cpu_units INTEGER, need_memory_mib INTEGER,"
    "  cost_usd_micro_per_hour INTEGER) STRICT;"
    "CREATE INDEX ticks_by_cluster ON ticks (cluster, id);"
    "CREATE INDEX ticks_that_act ON ticks (cluster, id) WHERE actions > 0 OR error <> '';"
    "CREATE INDEX ticks_by_time ON ticks (at_ms);"
    "CREATE TABLE tick_bodies ("
    "  tick INTEGER PRIMARY KEY REFERENCES ticks(id) ON DELETE CASCADE, cluster INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    "  snapshot BLOB, plan BLOB, memo_before BLOB) STRICT;"
    "CREATE INDEX tick_bodies_by_cluster ON tick_bodies (cluster, at_ms);"
    "CREATE TABLE memos ("
    "  cluster INTEGER PRIMARY KEY REFERENCES clusters(id), saved_ms INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE intents ("
    "  id INTEGER PRIMARY KEY, tick INTEGER NOT NULL REFERENCES ticks(id) ON DELETE CASCADE, action INTEGER NOT NULL,"
    "  kind TEXT NOT NULL, target TEXT NOT NULL, params TEXT NOT NULL, client_token TEXT NOT NULL, fact TEXT NOT NULL,"
    "  verdict TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX intents_by_tick ON intents (tick, id);"
    "CREATE TABLE outcomes ("
    "  intent INTEGER PRIMARY KEY REFERENCES intents(id) ON DELETE CASCADE, outcome TEXT NOT NULL, err_kind TEXT NOT NULL,"
    "  http_status INTEGER NOT NULL, message TEXT NOT NULL, finished_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE runs ("
    "  id INTEGER PRIMARY KEY, started_ms INTEGER NOT NULL, ended_ms INTEGER, after_crash INTEGER NOT NULL) STRICT;"
    "CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;", NULL, NULL},
    // 2: a body for every tick, as a difference from the one before; the version and the policy that made a plan. The few whole
    // bodies of version 1 had no memo after and no policy, so that they could not be replayed: they go, their ticks stay.
    {"DROP TABLE tick_bodies;"
    "CREATE TABLE bodies ("
    "  tick INTEGER PRIMARY KEY REFERENCES ticks(id) ON DELETE CASCADE, cluster INTEGER NOT NULL, base INTEGER,"
    "  body BLOB NOT NULL) STRICT;"
    "CREATE INDEX bodies_by_cluster ON bodies (cluster, tick);"
    "CREATE INDEX bodies_that_are_whole ON bodies (cluster, tick) WHERE base IS NULL;"
    "CREATE TABLE policies (hash TEXT PRIMARY KEY, last_ms INTEGER NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "ALTER TABLE ticks ADD COLUMN masu TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE ticks ADD COLUMN planned_policy TEXT NOT NULL DEFAULT '';", NULL, NULL},
    // 3: what instance types registered with, see state/learned.h
    {"CREATE TABLE learned_types ("
    "  cluster INTEGER NOT NULL REFERENCES clusters(id), type TEXT NOT NULL, cpu_units INTEGER NOT NULL, memory_mib INTEGER NOT NULL,"
    "  gpus INTEGER NOT NULL, trunk INTEGER NOT NULL, registered_ms INTEGER NOT NULL, PRIMARY KEY (cluster, type)) STRICT, WITHOUT ROWID;", NULL, NULL},
    // 4: history in packed days, of services and pools too; what the table of samples held goes over into it
    {"CREATE TABLE tracks ("
    "  id INTEGER PRIMARY KEY, cluster INTEGER NOT NULL REFERENCES clusters(id), series INTEGER NOT NULL, subject TEXT NOT NULL,"
    "  made_ms INTEGER NOT NULL, UNIQUE (cluster, series, subject)) STRICT;"
    "CREATE TABLE looks ("
    "  id INTEGER PRIMARY KEY, cluster INTEGER NOT NULL REFERENCES clusters(id), at_ms INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE INDEX looks_by_cluster ON looks (cluster, id);"
    "CREATE TABLE folds (cluster INTEGER PRIMARY KEY REFERENCES clusters(id), upto INTEGER NOT NULL, next INTEGER NOT NULL) STRICT;"
    "CREATE TABLE history (key INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;",
    history_adopt_samples, "DROP TABLE samples;"},
    // 5: what events warned of outlives the daemon
    {"CREATE TABLE warnings ("
    "  cluster INTEGER NOT NULL REFERENCES clusters(id), instance TEXT NOT NULL, risk_ms INTEGER NOT NULL, event_ms INTEGER NOT NULL,"
    "  PRIMARY KEY (cluster, instance)) STRICT, WITHOUT ROWID;", NULL, NULL},
};

int state_schema_version(void)
{
    return (int)ARRAY_LEN(migrations);
}

static int migrate_one(struct db *d, int version, struct err *err)
{
    char set_version[64];
    snprintf(set_version, sizeof(set_version), "PRAGMA user_version=%d", version);
    int rc = db_begin(d, true, err);
    if (rc)
        return rc;
    rc = db_exec(d, migrations[version - 1].sql, err);
    if (rc == 0 && migrations[version - 1].run)
        rc = migrations[version - 1].run(d, err);
    if (rc == 0 && migrations[version - 1].after)
        rc = db_exec(d, migrations[version - 1].after, err);
    if (rc == 0)
        rc = db_exec(d, set_version, err);
    return db_end(d, rc, err);
}

int state_check_schema(struct db *d, int *ret, struct err *err)
{
    int64_t have = 0;
    int rc = db_pragma_int(d, "PRAGMA user_version", &have, err);
    if (rc)
        return rc;
    if (have > state_schema_version())
        return err_set(err, ERR_INVALID,
                       "the database has schema %lld, this masu knows up to %d: use the newer masu, or another --state file",
                       (long long)have, state_schema_version());
    *ret = (int)have;
    return 0;
}

int state_migrate(struct db *d, int to, int *ret_before, struct err *err)
{
    assert(to <= state_schema_version());
    int have = 0, rc = state_check_schema(d, &have, err);
    if (rc)
        return rc;
    *ret_before = have;
    for (int v = have + 1; v <= to; v++) {
        rc = migrate_one(d, v, err);
        if (rc) {
            err_wrap(err, "schema step %d", v);
            return rc;
        }
    }
    return 0;
}
