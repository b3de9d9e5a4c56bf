#include "state/history_internal.h"

#define DAY_MS 86400000
#define HOUR_MS 3600000
#define TICKS_A_BATCH 500
#define PAGES_A_BATCH 500

static int used_bytes(struct state *s, int64_t *ret, struct err *err)
{
    int64_t pages = 0, free_pages = 0, page_bytes = 0;
    int rc = db_pragma_int(&s->db, "PRAGMA page_count", &pages, err);
    if (rc == 0)
        rc = db_pragma_int(&s->db, "PRAGMA freelist_count", &free_pages, err);
    if (rc == 0)
        rc = db_pragma_int(&s->db, "PRAGMA page_size", &page_bytes, err);
    *ret = (pages - free_pages) * page_bytes;
    return rc;
}

static int oldest_history(struct state *s, int64_t *ret_ms, struct err *err)
{
    // Every look samples series 0, and its hours are kept longest: one step of the index a cluster.
    static const char sql[] = "SELECT coalesce(min(day), 0) FROM (SELECT (SELECT key & 262143 FROM history WHERE key >= (t.id * 4 + 2) << 18"
                              " AND key < (t.id + 1) << 20 ORDER BY key LIMIT 1) AS day FROM tracks AS t WHERE series = 0)";
    int64_t day = 0;
    int rc = db_pragma_int(&s->db, sql, &day, err);
    *ret_ms = day * DAY_MS;
    return rc;
}

// What is older than this goes: of the journal by age, and, over the size, the oldest sixteenth of what is there: of the journal down to
// a day, then of the history (0: none of it), then of the last day of the journal too.
static int find_cutoffs(struct state *s, int64_t *ret_ticks_ms, int64_t *ret_history_ms, struct err *err)
{
    int64_t now = clock_wall_ms(s->clock), used = 0, tick = 0, day = 0;
    *ret_ticks_ms = now - s->keep_days * DAY_MS;
    *ret_history_ms = 0;
    int rc = used_bytes(s, &used, err);
    if (rc || used <= s->keep_mib << 20)
        return rc;
    rc = db_pragma_int(&s->db, "SELECT coalesce(min(at_ms), 0) FROM ticks", &tick, err);
    if (rc == 0)
        rc = oldest_history(s, &day, err);
    bool ticks = tick > 0 && now - tick > DAY_MS, history = day > 0 && now - day > 2 * DAY_MS;
    int64_t part = (now - tick) / 16 > 2 * HOUR_MS ? (now - tick) / 16 : 2 * HOUR_MS;  // ticks go an hour at a time
    int64_t by_size = tick > 0 ? tick + (part < (now - tick) / 2 ? part : (now - tick) / 2) : 0;
    if (rc == 0 && history && !ticks)
        *ret_history_ms = day + (now - day) / 16 + DAY_MS;
    else if (rc == 0 && by_size > *ret_ticks_ms)
        *ret_ticks_ms = by_size;
    return rc;
}

// Below which id the oldest ticks of a cluster may go: up to the next whole body, so that no later one is left without its base.
// 0: none. Ticks whose look failed have no body; they go with the chain that they stand in.
static int find_chain(struct state *s, int64_t cluster, int64_t cutoff_ms, int64_t *ret_below, struct err *err)
{
    static const char sql[] =
        "SELECT (SELECT min(id) FROM ticks WHERE cluster = :cluster) AS oldest,"
        " (SELECT id FROM ticks WHERE cluster = :cluster AND at_ms >= :cutoff ORDER BY id LIMIT 1) AS kept,"
        " (SELECT min(tick) FROM bodies WHERE cluster = :cluster) AS body,"
        " (SELECT at_ms FROM ticks WHERE id = (SELECT max(tick) FROM bodies WHERE cluster = :cluster)) AS newest_body_ms,"
        " (SELECT t.id FROM bodies AS b JOIN ticks AS t ON t.id = b.tick WHERE b.cluster = :cluster AND b.base IS NULL AND t.at_ms <= :cutoff"
        "  AND b.tick > (SELECT min(id) FROM ticks WHERE cluster = :cluster) ORDER BY b.tick LIMIT 1) AS whole";
    sqlite3_stmt *st = NULL;
    bool row = false;
    int rc = db_prepare(&s->db, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", cluster);
    db_bind_int(st, ":cutoff", cutoff_ms);
    rc = db_step(&s->db, st, &row, err);
    if (rc == 0) {
        int64_t kept = db_null(st, "kept") ? INT64_MAX : db_int(st, "kept"), body = db_int(st, "body");
        bool all_bodies_old = db_null(st, "body") || db_int(st, "newest_body_ms") < cutoff_ms;
        int64_t below = all_bodies_old ? kept : db_null(st, "whole") ? (body < kept ? body : kept) : db_int(st, "whole");
        *ret_below = !db_null(st, "oldest") && below > db_int(st, "oldest") ? below : 0;
        if (*ret_below && all_bodies_old)
            body_forget_all(s);  // nothing may build on what goes
    }
    db_done(st);
    return rc;
}

static int prune_chain(struct state *s, int64_t cluster, int64_t below, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, "DELETE FROM ticks WHERE cluster = :cluster AND id < :below", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", cluster);
    db_bind_int(st, ":below", below);
    rc = db_run(&s->db, st, err);
    db_done(st);
    return rc;
}

static int prune_ticks(struct state *s, int64_t cutoff_ms, bool *more, struct err *err)
{
    int64_t clusters = 0, removed = 0;
    int rc = db_pragma_int(&s->db, "SELECT coalesce(max(id), 0) FROM clusters", &clusters, err);
    for (int64_t cluster = 1; rc == 0 && cluster <= clusters && removed < TICKS_A_BATCH; cluster++) {
        int64_t below = 1;
        while (rc == 0 && below && removed < TICKS_A_BATCH) {
            rc = find_chain(s, cluster, cutoff_ms, &below, err);
            if (rc == 0 && below) {
                rc = prune_chain(s, cluster, below, err);
                removed += sqlite3_changes(s->db.h);
            }
        }
    }
    *more |= removed >= TICKS_A_BATCH;
    return rc;
}

// The last one stays: the next start asks how it ended.
static int prune_runs(struct state *s, int64_t cutoff_ms, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, "DELETE FROM runs WHERE started_ms < :cutoff AND id <> :run", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cutoff", cutoff_ms);
    db_bind_int(st, ":run", s->run);
    rc = db_run(&s->db, st, err);
    db_done(st);
    return rc;
}

// An hour more than the ticks: their time is renewed hourly, and a chain keeps ticks that are a little older than the limit.
static int prune_policies(struct state *s, int64_t cutoff_ms, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, "DELETE FROM policies WHERE last_ms < :cutoff", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cutoff", cutoff_ms - 3 * HOUR_MS);
    rc = db_run(&s->db, st, err);
    db_done(st);
    return rc;
}

int state_prune(struct state *s, bool *ret_more, struct err *err)
{
    int64_t cutoff_ms = 0, history_ms = 0, used = 0;
    bool more = false;
    int rc = find_cutoffs(s, &cutoff_ms, &history_ms, err);
    if (rc == 0)
        rc = db_begin(&s->db, false, err);
    if (rc) {
        err_wrap(err, "prune");
        return rc;
    }
    rc = prune_ticks(s, cutoff_ms, &more, err);
    if (rc == 0)
        rc = history_prune(s, clock_wall_ms(s->clock), history_ms, &more, err);
    if (rc == 0)
        rc = prune_runs(s, cutoff_ms, err);
    if (rc == 0)
        rc = prune_policies(s, cutoff_ms, err);
    rc = db_end(&s->db, rc, err);
    if (rc == 0)
        rc = used_bytes(s, &used, err);
    if (rc == 0) {
        char vacuum[64];
        snprintf(vacuum, sizeof(vacuum), "PRAGMA incremental_vacuum(%d)", PAGES_A_BATCH);
        rc = db_exec(&s->db, vacuum, err);
    }
    if (rc) {
        err_wrap(err, "prune");
        return rc;
    }
    *ret_more = more || used > s->keep_mib << 20;
    return 0;
}
