#include "state/learned.h"

#include "state/internal.h"

enum { LEARNED_MAX = 1000 };

static int save_one(struct state *s, int64_t cluster, const struct learned_type *x, struct err *err)
{
    static const char sql[] =
        "INSERT INTO learned_types (cluster, type, cpu_units, memory_mib, gpus, trunk, registered_ms)"
        " VALUES (:cluster, :type, :cpu_units, :memory_mib, :gpus, :trunk, :registered_ms) ON CONFLICT DO UPDATE SET cpu_units = excluded.cpu_units,"
        " memory_mib = excluded.memory_mib, gpus = excluded.gpus, trunk = excluded.trunk, registered_ms = excluded.registered_ms";
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", cluster);
    db_bind_text(st, ":type", x->type);
    db_bind_int(st, ":cpu_units", x->registered.v[RES_CPU]);
    db_bind_int(st, ":memory_mib", x->registered.v[RES_MEMORY]);
    db_bind_int(st, ":gpus", x->registered.v[RES_GPU]);
    db_bind_int(st, ":trunk", x->trunk);
    db_bind_int(st, ":registered_ms", x->registered_ms);
    rc = db_run(&s->db, st, err);
    db_done(st);
    return rc;
}

int state_learned_save(struct state *s, int64_t cluster, const struct learned_type *v, size_t count, struct err *err)
{
    int rc = db_begin(&s->db, false, err);
    if (rc)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = save_one(s, cluster, &v[i], err);
    return db_end(&s->db, rc, err);
}

int state_learned_load(struct state_reader *r, int64_t cluster, struct arena *a, struct learned_type **ret, size_t *ret_count, struct err *err)
{
    static const char sql[] = "SELECT type, cpu_units, memory_mib, gpus, trunk, registered_ms FROM learned_types"
                              " WHERE cluster = :cluster AND cpu_units > 0 AND memory_mib > 0 AND gpus >= 0 ORDER BY type";
    struct learned_type *v = arena_array(a, struct learned_type, LEARNED_MAX);
    sqlite3_stmt *st = NULL;
    size_t count = 0;
    bool row = false;
    db_start_deadline(r->db);
    int rc = db_prepare(r->db, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", cluster);
    while ((rc = db_step(r->db, st, &row, err)) == 0 && row && count < LEARNED_MAX) {
        struct learned_type *x = &v[count++];
        *x = (struct learned_type){.type = db_text(st, "type", a), .registered = res_make(db_int(st, "cpu_units"), db_int(st, "memory_mib")),
                                   .trunk = db_int(st, "trunk") != 0, .registered_ms = db_int(st, "registered_ms")};
        x->registered.v[RES_GPU] = db_int(st, "gpus");
    }
    db_done(st);
    if (rc)
        return rc;
    *ret = v;
    *ret_count = count;
    return 0;
}
