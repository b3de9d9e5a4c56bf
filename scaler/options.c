#include "scaler/options.h"

#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/parse.h"

enum { WORD_MAX = 64, HELP_COLUMN = 26 };

// Levenshtein with one row: command words and option names are short.
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1];
    size_t la = strnlen(a, WORD_MAX), lb = strnlen(b, WORD_MAX);
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t above = row[j];
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[lb];
}

const char *options_nearest(const char *word, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t best_distance = strnlen(word, WORD_MAX) / 2 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t d = edit_distance(word, names[i]);
        if (d < best_distance) {
            best_distance = d;
            best = names[i];
        }
    }
    return best;
}

bool option_address_parse(const char *text, struct option_address *ret)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL)
        return false;
    struct slice host = {text, (size_t)(colon - text)};
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = (struct slice){host.ptr + 1, host.len - 2};
    int64_t port;
    if (host.len == 0 || host.len >= sizeof ret->host || !parse_i64(slice_of(colon + 1), &port) || port < 0 || port > 65535)
        return false;
    memcpy(ret->host, host.ptr, host.len);
    ret->host[host.len] = '\0';
    ret->port = (int)port;
    return true;
}

static void print_option(const struct option *o)
{
    char left[WORD_MAX + 16];
    snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    printf("  %-*s  %s\n", HELP_COLUMN, left, o->help);
}

static void print_help(const struct options_spec *spec)
{
    printf("usage: masu %s%s%s%s%s\n%s\n\n", spec->command, spec->option_count > 0 ? " [options]" : "",
           spec->argument ? (spec->argument_required ? " " : " [") : "", spec->argument ? spec->argument : "",
           spec->argument && !spec->argument_required ? "]" : "", spec->summary);
    for (size_t i = 0; i < spec->option_count; i++)
        print_option(&spec->options[i]);
    print_option(&(struct option){.name = "help", .help = "this text"});
    if (spec->epilogue)
        printf("\n%s\n", spec->epilogue);
}

static const struct option *find_option(const struct options_spec *spec, struct slice name)
{
    for (size_t i = 0; i < spec->option_count; i++)
        if (slice_eq_str(name, spec->options[i].name))
            return &spec->options[i];
    return NULL;
}

static enum options_outcome unknown_option(const struct options_spec *spec, struct slice name)
{
    const char *names[WORD_MAX];
    size_t count = 0;
    for (size_t i = 0; i < spec->option_count && count < WORD_MAX; i++)
        names[count++] = spec->options[i].name;
    char word[WORD_MAX + 1];
    snprintf(word, sizeof word, "%.*s", (int)(name.len < WORD_MAX ? name.len : WORD_MAX), name.ptr);
    const char *near = options_nearest(word, names, count);
    fprintf(stderr, "masu %s: --%s: unknown option -> %s%s%s\n", spec->command, word, near ? "did you mean --" : "masu ",
            near ? near : spec->command, near ? "?" : " --help lists them");
    return OPTIONS_WRONG;
}

static enum options_outcome wrong_value(const struct options_spec *spec, const struct option *o, const char *text, const char *form)
{
    fprintf(stderr, "masu %s: --%s %s: expected %s\n", spec->command, o->name, text, form);
    return OPTIONS_WRONG;
}

static bool in_bounds(const struct option *o, int64_t v)
{
    return (o->min == 0 && o->max == 0) || (v >= o->min && v <= o->max);
}

static enum options_outcome set_int(const struct options_spec *spec, const struct option *o, const char *text)
{
    int64_t v;
    if (parse_i64(slice_of(text), &v) && in_bounds(o, v)) {
        *(int64_t *)o->ret = v;
        return OPTIONS_GO;
    }
    char form[128] = "a whole number";
    if (o->min != 0 || o->max != 0)
        snprintf(form, sizeof form, "a whole number, %" PRId64 " to %" PRId64, o->min, o->max);
    return wrong_value(spec, o, text, form);
}

static enum options_outcome set_number(const struct options_spec *spec, const struct option *o, const char *text)
{
    double v;
    if (parse_double(slice_of(text), &v) && (o->kind == OPTION_PERCENT ? v >= 0 : v > 0) && (o->max == 0 || (v >= (double)o->min && v <= (double)o->max))) {
        *(double *)o->ret = v;
        return OPTIONS_GO;
    }
    char form[128] = "a number above 0";
    if (o->kind == OPTION_PERCENT)
        snprintf(form, sizeof form, "a number, %" PRId64 " to %" PRId64, o->min, o->max);
    else if (o->max != 0)
        snprintf(form, sizeof form, "a number above 0, %" PRId64 " to %" PRId64, o->min, o->max);
    return wrong_value(spec, o, text, form);
}

static enum options_outcome set_duration(const struct options_spec *spec, const struct option *o, const char *text)
{
    int64_t v;
    if (parse_duration_ms(slice_of(text), &v) && in_bounds(o, v)) {
        *(int64_t *)o->ret = v;
        return OPTIONS_GO;
    }
    char low[32], high[32], form[128] = "a duration such as 90s, 15m, 24h, 7d";
    if (o->min != 0 || o->max != 0)
        snprintf(form, sizeof form, "a duration such as 90s, 15m, 24h, 7d; %s to %s", format_duration(o->min, low),
                 format_duration(o->max, high));
    return wrong_value(spec, o, text, form);
}

static enum options_outcome set_value(const struct options_spec *spec, const struct option *o, const char *text)
{
    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)o->ret = true;
        return OPTIONS_GO;
    case OPTION_STRING:
        if (text[0] == '\0')
            return wrong_value(spec, o, "''", o->help);
        *(const char **)o->ret = text;
        return OPTIONS_GO;
    case OPTION_INT:
        return set_int(spec, o, text);
    case OPTION_NUMBER:
    case OPTION_PERCENT:
        return set_number(spec, o, text);
    case OPTION_DURATION:
        return set_duration(spec, o, text);
    case OPTION_FORMAT:
        if (strcmp(text, "text") != 0 && strcmp(text, "json") != 0)
            return wrong_value(spec, o, text, "text or json");
        *(bool *)o->ret = text[0] == 'j';
        return OPTIONS_GO;
    case OPTION_ADDRESS:
        if (!option_address_parse(text, o->ret))
            return wrong_value(spec, o, text, "an address and a port such as 127.0.0.1:8080");
        return OPTIONS_GO;
    }
    assert(!"option kind");
    return OPTIONS_WRONG;
}

static enum options_outcome parse_one(const struct options_spec *spec, int argc, char **argv, int *i)
{
    struct slice rest = slice_of(argv[*i] + 2);
    const char *equals = memchr(rest.ptr, '=', rest.len);
    struct slice name = equals ? (struct slice){rest.ptr, (size_t)(equals - rest.ptr)} : rest;
    const struct option *o = find_option(spec, name);
    if (o == NULL)
        return unknown_option(spec, name);
    if (o->kind == OPTION_FLAG) {
        if (equals) {
            fprintf(stderr, "masu %s: --%s takes no value\n", spec->command, o->name);
            return OPTIONS_WRONG;
        }
        return set_value(spec, o, "");
    }
    if (equals)
        return set_value(spec, o, equals + 1);
    if (*i + 1 >= argc) {
        fprintf(stderr, "masu %s: --%s needs a value: %s\n", spec->command, o->name, o->help);
        return OPTIONS_WRONG;
    }
    return set_value(spec, o, argv[++*i]);
}

enum options_outcome options_parse(const struct options_spec *spec, int argc, char **argv, const char **ret_argument)
{
    const char *argument = NULL;
    bool options_over = false;
    for (int i = 1; i < argc; i++) {
        bool dashed = !options_over && argv[i][0] == '-' && argv[i][1] != '\0';
        if (dashed && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            print_help(spec);
            return OPTIONS_HELPED;
        }
        if (dashed && strcmp(argv[i], "--") == 0) {
            options_over = true;
        } else if (dashed && argv[i][1] == '-') {
            if (parse_one(spec, argc, argv, &i) != OPTIONS_GO)
                return OPTIONS_WRONG;
        } else if (dashed) {
            fprintf(stderr, "masu %s: %s: options are written --name\n", spec->command, argv[i]);
            return OPTIONS_WRONG;
        } else if (spec->argument && argument == NULL) {
            argument = argv[i];
        } else {
            fprintf(stderr, "masu %s: %s: unexpected argument -> masu %s --help\n", spec->command, argv[i], spec->command);
            return OPTIONS_WRONG;
        }
    }
    if (spec->argument && spec->argument_required && argument == NULL) {
        fprintf(stderr, "masu %s: %s is missing -> masu %s --help\n", spec->command, spec->argument, spec->command);
        return OPTIONS_WRONG;
    }
    if (ret_argument)
        *ret_argument = argument;
    return OPTIONS_GO;
}
