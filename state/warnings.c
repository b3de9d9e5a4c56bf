// Warnings of risk that a cluster was told: what an event told and nobody polls would be forgotten with the process (safety.md D7).
#include "state/internal.h"

int state_warnings_save(struct state *s, int64_t cluster, const struct state_warning *v, size_t count, struct err *err)
{
    static const char clear_sql[] = "DELETE FROM warnings WHERE cluster = :cluster";
    static const char add_sql[] = "INSERT INTO warnings (cluster, instance, risk_ms, event_ms) VALUES (:cluster, :instance, :risk_ms, :event_ms)"
                                  " ON CONFLICT DO UPDATE SET risk_ms = excluded.risk_ms, event_ms = excluded.event_ms";
    int rc = db_begin(&s->db, false, err);
    if (rc)
        return rc;
    for (size_t i = 0; i <= count && rc == 0; i++) {  // the first clears
        sqlite3_stmt *st = NULL;
        rc = db_prepare(&s->db, i == 0 ? clear_sql : add_sql, &st, err);
        if (rc)
            break;
        db_bind_int(st, ":cluster", cluster);
        if (i > 0) {
            db_bind_text(st, ":instance", v[i - 1].instance);
            db_bind_int(st, ":risk_ms", v[i - 1].risk_ms);
            db_bind_int(st, ":event_ms", v[i - 1].event_ms);
        }
        rc = db_run(&s->db, st, err);
        db_done(st);
    }
    return db_end(&s->db, rc, err);
}

int state_warnings_load(struct state *s, int64_t cluster, struct arena *a, struct state_warning **ret, size_t *ret_count, struct err *err)
{
    struct state_warning *v = NULL;
    size_t count = 0, cap = 0;
    sqlite3_stmt *st = NULL;
    bool row = false;
    int rc = db_prepare(&s->db, "SELECT instance, risk_ms, event_ms FROM warnings WHERE cluster = :cluster ORDER BY instance", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", cluster);
    while ((rc = db_step(&s->db, st, &row, err)) == 0 && row && count < STATE_WARNINGS_MAX) {
        v = arena_grow(a, v, count, &cap, sizeof *v);
        v[count++] = (struct state_warning){db_text(st, "instance", a), db_int(st, "risk_ms"), db_int(st, "event_ms")};
    }
    db_done(st);
    if (rc)
        return rc;
    *ret = v;
    *ret_count = count;
    return 0;
}
