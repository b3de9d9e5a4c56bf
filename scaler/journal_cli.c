#include "scaler/journal_cli.h"

#include <unistd.h>

#include "base/parse.h"

enum { CLUSTERS_MAX = 256, QUERY_LIMIT_MS = 60000 };

int journal_open(const char *path, struct state_reader **ret, struct err *err)
{
    int rc = state_reader_open(path, ret, err);
    if (rc == ERR_NOT_FOUND)
        return err_set(err, rc, "there is no journal %s -> --state F, the file that masu run --state F writes", path);
    if (rc == 0)
        state_reader_set_deadline(*ret, QUERY_LIMIT_MS);
    return rc;
}

static int unknown_cluster(const char *name, const struct state_cluster_row *rows, size_t count, struct err *err)
{
    const char *names[CLUSTERS_MAX] = {0};
    size_t n = count < CLUSTERS_MAX ? count : CLUSTERS_MAX;
    for (size_t i = 0; i < n; i++)
        names[i] = rows[i].name;
    const char *near = options_nearest(name, names, n);
    if (near)
        return err_set(err, ERR_NOT_FOUND, "the journal knows no cluster \"%s\" -> did you mean \"%s\"?", name, near);
    return err_set(err, ERR_NOT_FOUND, "the journal knows no cluster \"%s\" -> it holds %zu%s%s", name, count, count ? ", the first is " : "",
                   count ? rows[0].name : "");
}

int journal_cluster(struct state_reader *r, const char *name, struct arena *a, int64_t *ret, struct err *err)
{
    struct state_cluster_row *rows, *found = NULL;
    size_t count;
    *ret = 0;
    if (name == NULL)
        return 0;
    int rc = state_query_clusters(r, a, &rows, &count, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        if (found)
            return err_set(err, ERR_INVALID, "there is a cluster %s in %s and in %s -> name the tick by its number", name, found->region,
                           rows[i].region);
        found = &rows[i];
    }
    if (!found)
        return unknown_cluster(name, rows, count, err);
    *ret = found->id;
    return 0;
}

int journal_tick(const char *text, int64_t *ret, struct err *err)
{
    *ret = 0;
    if (strcmp(text, "latest") == 0 || (parse_i64(slice_of(text), ret) && *ret > 0))
        return 0;
    return err_set(err, ERR_INVALID, "%s: expected the number of a tick, or latest", text);
}

bool journal_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == '\0');
}
