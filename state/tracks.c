// Tracks: the ids under which the history keeps each series of each subject. Found in memory, for a tick asks for all of its own.
#include "state/history_internal.h"

enum { TRACKS_MAX = 1 << 16 };

struct track {
    int64_t cluster, id;
    enum series series;
    char *subject;
};

struct tracks {
    struct track *slot;  // open addressing; subject NULL: free
    size_t count, room;  // room: a power of two
};

static uint64_t hash_of(int64_t cluster, enum series series, const char *subject)
{
    uint64_t h = (UINT64_C(0xcbf29ce484222325) ^ (uint64_t)cluster) * UINT64_C(0x100000001b3);
    h = (h ^ (uint64_t)series) * UINT64_C(0x100000001b3);
    for (; *subject; subject++)
        h = (h ^ (unsigned char)*subject) * UINT64_C(0x100000001b3);
    return h ^ h >> 29;
}

static struct track *find(const struct tracks *t, int64_t cluster, enum series series, const char *subject)
{
    for (size_t i = hash_of(cluster, series, subject) & (t->room - 1);; i = (i + 1) & (t->room - 1)) {
        struct track *x = &t->slot[i];
        if (x->subject == NULL || (x->cluster == cluster && x->series == series && strcmp(x->subject, subject) == 0))
            return x;
    }
}

void tracks_forget(struct state *s)
{
    struct tracks *t = s->tracks;
    for (size_t i = 0; t && i < t->room; i++) {
        free(t->slot[i].subject);
        t->slot[i].subject = NULL;
    }
    if (t)
        t->count = 0;
}

void tracks_free(struct state *s)
{
    tracks_forget(s);
    if (s->tracks)
        free(s->tracks->slot);
    free(s->tracks);
    s->tracks = NULL;
}

static void make_room(struct state *s)
{
    if (s->tracks == NULL)
        s->tracks = calloc(1, sizeof *s->tracks);
    assert(s->tracks);
    struct tracks *t = s->tracks, old = *t;
    if (t->count >= TRACKS_MAX)
        tracks_forget(s);
    if (t->room > 2 * (t->count + 1))
        return;
    t->room = old.room ? 2 * old.room : 256;
    t->slot = calloc(t->room, sizeof *t->slot);
    assert(t->slot);
    for (size_t i = 0; i < old.room; i++)
        if (old.slot[i].subject)
            *find(t, old.slot[i].cluster, old.slot[i].series, old.slot[i].subject) = old.slot[i];
    free(old.slot);
}

int track_id(struct state *s, int64_t cluster, enum series series, const char *subject, int64_t *ret, struct err *err)
{
    // The no-op update makes RETURNING speak for a row that was there.
    static const char sql[] = "INSERT INTO tracks (cluster, series, subject, made_ms) VALUES (:cluster, :series, :subject, :now)"
                              " ON CONFLICT DO UPDATE SET series = series RETURNING id";
    make_room(s);
    struct track *x = find(s->tracks, cluster, series, subject);
    if (x->subject) {
        *ret = x->id;
        return 0;
    }
    sqlite3_stmt *st = NULL;
    bool row = false;
    int rc = db_prepare(&s->db, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", cluster);
    db_bind_int(st, ":series", series);
    db_bind_text(st, ":subject", subject);
    db_bind_int(st, ":now", clock_wall_ms(s->clock));
    rc = db_step(&s->db, st, &row, err);
    if (rc == 0) {
        *x = (struct track){cluster, db_int(st, "id"), series, strdup(subject)};
        assert(x->subject);
        *ret = x->id;
        s->tracks->count++;
    }
    db_done(st);
    return rc;
}
