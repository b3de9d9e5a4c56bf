#include "scaler/forecast_file.h"

#include <math.h>

#include "base/check.h"
#include "base/parse.h"
#include "planner/sim/csv.h"
#include "planner/sim/workload.h"
#include "scaler/record.h"

static const char *stem_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    return arena_strndup(a, name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

// Each row to the nearest place of the grid; the later of two in one place counts.
static int regularise(const struct workload_trace *t, const char *path, struct arena *a, struct forecast_series *s, struct err *err)
{
    int64_t places = (t->at_s[t->count - 1] - t->at_s[0] + t->step_s / 2) / t->step_s + 1;
    if (places > WORKLOAD_ROWS_MAX)
        return err_set(err, ERR_LIMIT, "%s: %" PRId64 " steps of %" PRId64 " s from the first to the last row: at most %d", path, places, t->step_s,
                       WORKLOAD_ROWS_MAX);
    s->count = (size_t)places;
    s->value = arena_array(a, double, s->count);
    for (size_t i = 0; i < s->count; i++)
        s->value[i] = NAN;
    for (size_t i = 0; i < t->count; i++)
        s->value[(t->at_s[i] - t->at_s[0] + t->step_s / 2) / t->step_s] = t->value[i];
    return 0;
}

int forecast_series_read(const char *path, bool regular, struct arena *a, struct forecast_series *ret, struct err *err)
{
    struct slice text;
    struct workload_trace t;
    if (record_read(path, a, &text, err) != 0 || workload_series_parse(text, path, a, &t, err) != 0)
        return err->kind;
    *ret = (struct forecast_series){.name = stem_of(a, path), .value = t.value, .count = t.count, .step_s = t.step_s, .first_s = t.at_s[0]};
    return regular ? regularise(&t, path, a, ret, err) : 0;
}

enum splits_column { SPLIT_SERIES, SPLIT_K, SPLIT_FIRST, SPLIT_ORIGIN, SPLIT_COLUMNS };
static const char *const split_names[SPLIT_COLUMNS] = {"series", "k", "first_train_index", "origin_index"};

static int find_split_columns(struct csv_reader *r, size_t at[SPLIT_COLUMNS], struct err *err)
{
    int got = csv_next(r, err);
    if (got < 0)
        return got;
    for (int c = 0; c < SPLIT_COLUMNS; c++) {
        bool found = false;
        for (size_t i = 0; got > 0 && i < r->count && !found; i++)
            if ((found = slice_eq_str(r->field[i], split_names[c])))
                at[c] = i;
        if (!found)
            return err_set(err, ERR_CORRUPT, "%s:1: no column %s: expected a header with series, k, first_train_index and origin_index", r->name,
                           split_names[c]);
    }
    return 0;
}

static int read_split(const struct csv_reader *r, const size_t at[SPLIT_COLUMNS], const struct forecast_series *s, struct forecast_split *ret, struct err *err)
{
    int64_t n[SPLIT_COLUMNS] = {0};
    for (int c = SPLIT_K; c < SPLIT_COLUMNS; c++)
        if (!parse_i64(r->field[at[c]], &n[c]) || n[c] < 0)
            return csv_refuse(r, at[c], split_names[c], r->field[at[c]], "a whole number from 0", err);
    if (n[SPLIT_ORIGIN] <= n[SPLIT_FIRST] || n[SPLIT_ORIGIN] > (int64_t)s->count) {
        char expected[96];
        snprintf(expected, sizeof expected, "a row after first_train_index, at most the %zu that %s has", s->count, s->name);
        return csv_refuse(r, at[SPLIT_ORIGIN], "origin_index", r->field[at[SPLIT_ORIGIN]], expected, err);
    }
    *ret = (struct forecast_split){.k = n[SPLIT_K], .first = (size_t)n[SPLIT_FIRST], .origin = (size_t)n[SPLIT_ORIGIN]};
    return 0;
}

int forecast_splits_parse(struct slice text, const char *path, const struct forecast_series *s, struct arena *a, struct forecast_split **ret, size_t *ret_count,
                          struct err *err)
{
    struct csv_reader r;
    size_t at[SPLIT_COLUMNS], cap = 0;
    csv_begin(&r, text, path);
    int got = find_split_columns(&r, at, err);
    *ret = NULL;
    *ret_count = 0;
    while (got >= 0 && (got = csv_next(&r, err)) > 0) {
        struct forecast_split split;
        if (!slice_eq_str(r.field[at[SPLIT_SERIES]], s->name))
            continue;
        if ((got = read_split(&r, at, s, &split, err)) < 0)
            break;
        *ret = arena_grow(a, *ret, *ret_count, &cap, sizeof **ret);
        (*ret)[(*ret_count)++] = split;
    }
    if (got < 0)
        return got;
    return *ret_count > 0 ? 0 : err_set(err, ERR_NOT_FOUND, "%s: no split of the series %s (the file's name without its ending)", path, s->name);
}

int forecast_splits_read(const char *path, const struct forecast_series *s, struct arena *a, struct forecast_split **ret, size_t *ret_count, struct err *err)
{
    struct slice text;
    return record_read(path, a, &text, err) ? err->kind : forecast_splits_parse(text, path, s, a, ret, ret_count, err);
}
