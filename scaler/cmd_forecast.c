// masu forecast: what a series of demand will be, as quantiles; and how good that would have been in its own past. No AWS needed.
#include <math.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/parse.h"
#include "planner/forecast/forecast.h"
#include "scaler/cmds.h"
#include "scaler/forecast_file.h"
#include "scaler/forecast_plot.h"
#include "scaler/forecast_score.h"
#include "scaler/options.h"

enum { ARENA_MAX_BYTES = 1 << 30, HORIZONS = 2, DAY_S = 86400, HOUR_S = 3600, STEP_TIMING_MS = 50, STEP_TIMING_MOST = 10000 };

struct forecast_command {
    const char *series_path, *splits_path, *quantiles, *format;
    bool score, plot;
    struct arena arena, fit;         // fit: of one split
    struct clock clock;
    struct forecast_series series;
    struct forecast_spec spec;
    struct forecast_split *split;
    size_t split_count;
    int at50, at90;                  // columns of these quantiles, -1: not asked for
    double *out;                     // horizon x quantile_count of one split
    struct forecast_score horizon[HORIZONS];
    int64_t fit_ms;
    double step_s;                   // of one whole horizon from a fitted model
    json_t *rows;
};

// ---- what is asked ----------------------------------------------------------------------------------------------------------

static int parse_quantiles(struct forecast_command *c, struct err *err)
{
    struct slice rest = slice_of(c->quantiles);
    c->at50 = c->at90 = -1;
    while (rest.len > 0) {
        const char *comma = memchr(rest.ptr, ',', rest.len);
        size_t len = comma ? (size_t)(comma - rest.ptr) : rest.len;
        struct slice one = slice_trim((struct slice){rest.ptr, len});
        double q, before = c->spec.quantile_count ? c->spec.quantile[c->spec.quantile_count - 1] : 0;
        if (!parse_double(one, &q) || q <= before || q >= 1 || c->spec.quantile_count == FORECAST_QUANTILES_MAX)
            return err_set(err, ERR_INVALID, "--quantiles %s: expected at most %d ascending numbers between 0 and 1, as 0.5,0.9", c->quantiles,
                           FORECAST_QUANTILES_MAX);
        if (q == 0.5)
            c->at50 = (int)c->spec.quantile_count;
        if (q == 0.9)
            c->at90 = (int)c->spec.quantile_count;
        c->spec.quantile[c->spec.quantile_count++] = q;
        rest = comma ? (struct slice){comma + 1, rest.len - len - 1} : (struct slice){0};
    }
    if (c->score && (c->at50 < 0 || c->at90 < 0 || !c->splits_path))
        return err_set(err, ERR_INVALID, c->splits_path ? "--score judges the quantiles 0.5 and 0.9: both must be in --quantiles"
                                                        : "--score judges the splits of the past: --splits F is missing");
    return c->spec.quantile_count ? 0 : err_set(err, ERR_INVALID, "--quantiles is empty: expected 0.5,0.9 or the like");
}

static int read_input(struct forecast_command *c, struct err *err)
{
    int rc = forecast_series_read(c->series_path, c->splits_path == NULL, &c->arena, &c->series, err);
    if (rc == 0 && DAY_S % c->series.step_s != 0)
        rc = err_set(err, ERR_INVALID, "%s: a row every %" PRId64 " s: expected a whole part of a day", c->series_path, c->series.step_s);
    if (rc == 0 && c->splits_path)
        return forecast_splits_read(c->splits_path, &c->series, &c->arena, &c->split, &c->split_count, err);
    if (rc == 0) {
        c->split = arena_new(&c->arena, struct forecast_split);
        *c->split = (struct forecast_split){.first = 0, .origin = c->series.count};
        c->split_count = 1;
    }
    return rc;
}

// ---- one split --------------------------------------------------------------------------------------------------------------

static double time_steps(struct forecast_command *c, const struct forecast *f)
{
    int64_t from = clock_mono_ms(&c->clock), now = from, times = 0;
    while (now - from < STEP_TIMING_MS && times < STEP_TIMING_MOST) {
        for (size_t h = 1; h <= c->spec.horizon; h++)
            forecast_step(f, h, c->out + (h - 1) * c->spec.quantile_count);
        now = clock_mono_ms(&c->clock);
        times++;
    }
    return (double)(now - from) / 1000 / (double)times;
}

static int forecast_split(struct forecast_command *c, const struct forecast_split *s, struct forecast **ret, struct err *err)
{
    struct err why = {0};
    int64_t from = clock_mono_ms(&c->clock);
    int rc = forecast_fit(&c->fit, &c->spec, c->series.value + s->first, s->origin - s->first, ret, &why);
    c->fit_ms += clock_mono_ms(&c->clock) - from;
    if (rc && c->splits_path)
        return err_set(err, rc, "%s, split %" PRId64 ": %s", c->series_path, s->k, why.msg);
    if (rc)
        return err_set(err, rc, "%s: %s", c->series_path, why.msg);
    for (size_t h = 1; h <= c->spec.horizon; h++)
        forecast_step(*ret, h, c->out + (h - 1) * c->spec.quantile_count);
    return 0;
}

static void score_split(struct forecast_command *c, const struct forecast_split *s)
{
    size_t season = (size_t)(DAY_S / c->series.step_s);
    double scale = forecast_scale(c->series.value + s->first, s->origin - s->first, season);
    for (int i = 0; i < HORIZONS; i++)
        forecast_score_add(&c->horizon[i], c->series.value + s->origin, c->series.count - s->origin, c->out, c->spec.quantile_count, c->at50, c->at90, scale);
}

// ---- how it is printed ------------------------------------------------------------------------------------------------------

static void print_csv_header(const struct forecast_command *c)
{
    printf("series,k,step");
    for (size_t i = 0; i < c->spec.quantile_count; i++)
        printf(",q%.6g", 100 * c->spec.quantile[i]);
    printf("\n");
}

static void print_csv(const struct forecast_command *c, const struct forecast_split *s)
{
    for (size_t h = 0; h < c->spec.horizon; h++) {
        printf("%s,%" PRId64 ",%zu", c->series.name, s->k, h + 1);
        for (size_t i = 0; i < c->spec.quantile_count; i++)
            printf(",%.9g", c->out[h * c->spec.quantile_count + i]);
        printf("\n");
    }
}

static void add_json(const struct forecast_command *c, const struct forecast_split *s, const struct forecast *f)
{
    json_t *columns = json_object();
    for (size_t i = 0; i < c->spec.quantile_count; i++) {
        char name[32];
        json_t *list = json_array();
        snprintf(name, sizeof name, "q%.6g", 100 * c->spec.quantile[i]);
        for (size_t h = 0; h < c->spec.horizon; h++)
            json_array_append_new(list, json_real(c->out[h * c->spec.quantile_count + i]));
        json_object_set_new(columns, name, list);
    }
    json_array_append_new(c->rows, json_pack("{s:I, s:I, s:s, s:o}", "k", (json_int_t)s->k, "origin_index", (json_int_t)s->origin, "basis",
                                             forecast_basis(f), "quantiles", columns));
}

static void print_json(json_t *doc)
{
    struct buf out;
    buf_init(&out, 256 << 20);
    json_write_pretty(doc, &out);
    puts(buf_str(&out));
    buf_release(&out);
    json_decref(doc);
}

static void print_score(struct forecast_command *c, bool json)
{
    json_t *list = json_array();
    double fit_s = (double)c->fit_ms / 1000 / (double)c->split_count;
    for (int i = 0; i < HORIZONS; i++)
        forecast_score_mean(&c->horizon[i]);
    if (!json) {
        printf("%s   %zu splits, %.1f ms a fit, %.3f ms a forecast\n\nhorizon   steps    MASE  pinball 0.5  pinball 0.9  cover 0.9\n", c->series.name,
               c->split_count, 1000 * fit_s, 1000 * c->step_s);
        for (int i = 0; i < HORIZONS; i++) {
            const struct forecast_score *s = &c->horizon[i];
            char ahead[32];
            printf("%-9s %5zu  %6.3f       %6.3f       %6.3f     %5.1f %%\n", format_duration((int64_t)s->steps * c->spec.step_ms, ahead), s->steps, s->mase,
                   s->pinball50, s->pinball90, 100 * s->cover90);
        }
    }
    for (int i = 0; i < HORIZONS; i++) {
        const struct forecast_score *s = &c->horizon[i];
        json_array_append_new(list, json_pack("{s:I, s:f, s:f, s:f, s:f, s:I}", "steps", (json_int_t)s->steps, "mase", s->mase, "pinball50", s->pinball50,
                                              "pinball90", s->pinball90, "cover90", s->cover90, "origins", (json_int_t)s->origins));
    }
    json_t *doc = json_pack("{s:s, s:o, s:f, s:f}", "series", c->series.name, "horizons", list, "seconds_fit", fit_s, "seconds_step", c->step_s);
    if (json)
        print_json(doc);
    else
        json_decref(doc);
}

// ---- the command ------------------------------------------------------------------------------------------------------------

static int forecast_all(struct forecast_command *c, struct err *err)
{
    bool json = strcmp(c->format, "json") == 0, each = !c->score && !c->plot;
    c->spec.step_ms = c->series.step_s * 1000;
    c->spec.horizon = (size_t)(DAY_S / c->series.step_s);
    c->horizon[0].steps = (size_t)(HOUR_S / c->series.step_s ? HOUR_S / c->series.step_s : 1);
    c->horizon[1].steps = c->spec.horizon;
    c->out = arena_array(&c->arena, double, c->spec.horizon * c->spec.quantile_count);
    for (size_t i = 0; i < c->split_count; i++) {
        struct forecast *f = NULL;
        const struct forecast_split *s = &c->split[i];
        arena_reset(&c->fit);
        int rc = forecast_split(c, s, &f, err);
        if (rc)
            return rc;
        if (c->score)
            score_split(c, s);
        if (each && !json && i == 0)
            print_csv_header(c);
        if (each && !json)
            print_csv(c, s);
        if (each && json)
            add_json(c, s, f);
        if (c->score && i + 1 == c->split_count)
            c->step_s = time_steps(c, f);
        if (c->plot)
            forecast_plot(&(struct forecast_plot){.series = &c->series, .split = s, .out = c->out, .spec = &c->spec, .basis = forecast_basis(f)}, stdout,
                          isatty(STDOUT_FILENO));
    }
    if (c->score)
        print_score(c, json);
    else if (each && json)
        print_json(json_pack("{s:s, s:I, s:O}", "series", c->series.name, "step_s", (json_int_t)c->series.step_s, "forecasts", c->rows));
    return 0;
}

int cmd_forecast(int argc, char **argv)
{
    struct forecast_command c = {.quantiles = "0.5,0.9", .format = "csv"};
    const struct option options[] = {
        {.name = "series", .kind = OPTION_STRING, .ret = &c.series_path, .value = "F", .help = "CSV of times and values: the history"},
        {.name = "splits", .kind = OPTION_STRING, .ret = &c.splits_path, .value = "F", .help = "CSV of origins in its past to forecast from (else: its end)"},
        {.name = "quantiles", .kind = OPTION_STRING, .ret = &c.quantiles, .value = "LIST", .help = "ascending, between 0 and 1 (0.5,0.9)"},
        {.name = "score", .kind = OPTION_FLAG, .ret = &c.score, .help = "how good the forecasts of the splits were, in place of them"},
        {.name = "plot", .kind = OPTION_FLAG, .ret = &c.plot, .help = "draw the last two days and the forecast"},
        {.name = "format", .kind = OPTION_STRING, .ret = &c.format, .value = "csv|text|json", .help = "csv: series,k,step and a column a quantile; text is for --score"},
    };
    const struct options_spec spec = {
        .command = "forecast", .summary = "Forecasts a series of demand a day ahead at its own resolution, as quantiles; asks AWS nothing.",
        .options = options, .option_count = ARRAY_LEN(options),
        .epilogue = "Exit 0: done, 1: a file cannot be read or the history is too short, 64: wrong usage.",
    };
    struct err err = {0};
    enum options_outcome outcome = options_parse(&spec, argc, argv, NULL);
    if (outcome != OPTIONS_GO)
        return outcome == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    bool known_format = strcmp(c.format, "csv") == 0 || strcmp(c.format, "text") == 0 || strcmp(c.format, "json") == 0;
    if (!c.series_path || !known_format || parse_quantiles(&c, &err) != 0) {
        fprintf(stderr, "masu forecast: %s -> masu forecast --help\n", !c.series_path ? "--series F is missing" : !known_format ? "--format: expected csv, text or json" : err.msg);
        return EXIT_USAGE;
    }
    arena_init(&c.arena, ARENA_MAX_BYTES);
    arena_init(&c.fit, ARENA_MAX_BYTES);
    clock_init_real(&c.clock);
    c.rows = json_array();
    int rc = read_input(&c, &err);
    if (rc == 0)
        rc = forecast_all(&c, &err);
    if (rc)
        fprintf(stderr, "masu forecast: %s\n", err.msg);
    json_decref(c.rows);
    arena_release(&c.fit);
    arena_release(&c.arena);
    return rc ? EXIT_FAILED : EXIT_DONE;
}
