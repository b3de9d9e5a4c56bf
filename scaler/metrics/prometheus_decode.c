#include "scaler/metrics/prometheus_decode.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/parse.h"

enum { QUOTE_MAX = 200 };
#define AT_SECONDS_MAX 253402300800.0  // the year 10000

// ---- what went wrong ------------------------------------------------------------------------------------------------------
static const struct {
    const char *type;
    enum err_kind kind;
} error_types[] = {
    {"bad_data", ERR_INVALID},   {"execution", ERR_TRANSIENT},   {"timeout", ERR_TRANSIENT}, {"canceled", ERR_TRANSIENT},
    {"internal", ERR_TRANSIENT}, {"unavailable", ERR_TRANSIENT}, {"not_found", ERR_NOT_FOUND},
};

static enum err_kind kind_of_status(int status)
{
    switch (status) {
    case 401:
        return ERR_AUTH;
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    case 400:
    case 405:
    case 413:
        return ERR_INVALID;
    case 429:
        return ERR_THROTTLED;
    }
    return ERR_TRANSIENT;
}

static enum err_kind kind_of(const char *type, const char *text, int status)
{
    if (status == 401 || status == 403 || status == 429)
        return kind_of_status(status);
    if (strstr(text, "too many samples"))
        return ERR_LIMIT;  // its --query.max-samples
    for (size_t i = 0; i < ARRAY_LEN(error_types); i++)
        if (strcmp(type, error_types[i].type) == 0)
            return error_types[i].kind;
    return kind_of_status(status);
}

// A line of what was answered, without what would break a log line.
static const char *quote(struct slice body, struct arena *a)
{
    body = slice_trim(body);
    size_t n = body.len < QUOTE_MAX ? body.len : QUOTE_MAX;
    char *text = arena_strndup(a, body.len ? body.ptr : "", n);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] > '~')
            text[i] = ' ';
    return text;
}

static int told_error(const json_t *root, int status, struct err *err)
{
    const char *type = json_str(root, "errorType"), *text = json_str(root, "error");
    type = type ? type : "";
    text = text ? text : "";
    err_set(err, kind_of(type, text, status), "%.40s: %.200s", *type ? type : "error", text);
    err->http_status = status;
    return err->kind;
}

// ---- samples --------------------------------------------------------------------------------------------------------------
struct reader {
    struct arena *a;
    struct prometheus_answer *ret;
    struct err *err;
};

static int corrupt(struct reader *r, const char *what)
{
    return err_set(r->err, ERR_CORRUPT, "not an answer of Prometheus: %s", what);
}

static bool value_of(const char *text, double *ret)
{
    static const struct {
        const char *text;
        double value;
    } words[] = {{"NaN", NAN}, {"+Inf", INFINITY}, {"-Inf", -INFINITY}, {"Inf", INFINITY}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(text, words[i].text) == 0) {
            *ret = words[i].value;
            return true;
        }
    return parse_double(slice_of(text), ret);
}

// [1435781451.781, "1"]
static int read_point(struct reader *r, const json_t *v, struct prometheus_point *ret)
{
    const json_t *at = json_array_get(v, 0), *value = json_array_get(v, 1);
    if (json_array_size(v) != 2 || !json_is_number(at) || !json_is_string(value))
        return corrupt(r, "a sample is not [time, \"value\"]");
    double seconds = json_number_value(at);
    if (!(seconds >= 0 && seconds < AT_SECONDS_MAX))
        return corrupt(r, "the time of a sample is out of range");
    ret->at_ms = (int64_t)llround(seconds * 1000);
    if (!value_of(json_string_value(value), &ret->value))
        return corrupt(r, "the value of a sample is no number");
    if (++r->ret->point_count > PROMETHEUS_POINTS_MAX)
        return err_set(r->err, ERR_LIMIT, "more than %d samples in an answer", PROMETHEUS_POINTS_MAX);
    return 0;
}

static int read_labels(struct reader *r, const json_t *metric, struct prometheus_series *s)
{
    size_t n = json_object_size(metric), k = 0;
    const char *name;
    json_t *value;
    if (metric && !json_is_object(metric))
        return corrupt(r, "\"metric\" is no object");
    if (n > PROMETHEUS_LABELS_MAX)
        return err_set(r->err, ERR_LIMIT, "a series with %zu labels", n);
    s->labels = arena_array(r->a, struct prometheus_label, n);
    json_object_foreach((json_t *)(uintptr_t)metric, name, value) {
        if (!json_is_string(value))
            return corrupt(r, "a label is no string");
        s->labels[k++] = (struct prometheus_label){arena_strdup(r->a, name), arena_strdup(r->a, json_string_value(value))};
    }
    s->label_count = k;
    return 0;
}

static int read_points(struct reader *r, const json_t *item, struct prometheus_series *s)
{
    const json_t *one = json_object_get(item, "value"), *many = json_object_get(item, "values");
    bool matrix = r->ret->type == PROMETHEUS_MATRIX;
    if (!matrix && one) {
        s->points = arena_array(r->a, struct prometheus_point, 1);
        s->point_count = 1;
        return read_point(r, one, s->points);
    }
    if (!many || !matrix) {
        bool histogram = json_object_get(item, matrix ? "histograms" : "histogram") != NULL;
        return histogram ? 0 : corrupt(r, "a series has no samples");
    }
    if (!json_is_array(many))
        return corrupt(r, "\"values\" is no list");
    s->points = arena_array(r->a, struct prometheus_point, json_array_size(many));
    for (size_t i = 0; i < json_array_size(many); i++) {
        int rc = read_point(r, json_array_get(many, i), &s->points[i]);
        if (rc)
            return rc;
    }
    s->point_count = json_array_size(many);
    return 0;
}

static int read_series(struct reader *r, const json_t *result)
{
    struct prometheus_answer *ret = r->ret;
    if (!json_is_array(result))
        return corrupt(r, "\"result\" is no list");
    if (json_array_size(result) > PROMETHEUS_SERIES_MAX)
        return err_set(r->err, ERR_LIMIT, "%zu series in an answer, at most %d are read", json_array_size(result), PROMETHEUS_SERIES_MAX);
    ret->series = arena_array(r->a, struct prometheus_series, json_array_size(result));
    for (size_t i = 0; i < json_array_size(result); i++) {
        const json_t *item = json_array_get(result, i);
        if (!json_is_object(item))
            return corrupt(r, "a series is no object");
        int rc = read_labels(r, json_object_get(item, "metric"), &ret->series[i]);
        rc = rc ? rc : read_points(r, item, &ret->series[i]);
        if (rc)
            return rc;
        ret->series_count++;
    }
    return 0;
}

static int read_result(struct reader *r, const json_t *data)
{
    static const char *const types[] = {[PROMETHEUS_VECTOR] = "vector", [PROMETHEUS_MATRIX] = "matrix", [PROMETHEUS_SCALAR] = "scalar", [PROMETHEUS_STRING] = "string"};
    const char *type = json_str(data, "resultType");
    const json_t *result = json_object_get(data, "result");
    for (size_t i = 0; type && i < ARRAY_LEN(types); i++) {
        if (strcmp(type, types[i]) != 0)
            continue;
        r->ret->type = (enum prometheus_type)i;
        if (i == PROMETHEUS_STRING)
            return 0;
        if (i != PROMETHEUS_SCALAR)
            return read_series(r, result);
        r->ret->series = arena_array(r->a, struct prometheus_series, 1);
        r->ret->series[0].points = arena_array(r->a, struct prometheus_point, 1);
        r->ret->series[0].point_count = r->ret->series_count = 1;
        return read_point(r, result, r->ret->series[0].points);
    }
    return corrupt(r, "no \"resultType\" that is known");
}

static int read_all(struct reader *r, const json_t *root, int status)
{
    const char *word = json_str(root, "status");
    if (word && strcmp(word, "error") == 0)
        return told_error(root, status, r->err);
    if (!word || strcmp(word, "success") != 0)
        return corrupt(r, "no \"status\"");
    const json_t *warnings = json_object_get(root, "warnings");
    const char *first = json_string_value(json_array_get(warnings, 0));
    r->ret->warning_count = json_array_size(warnings);
    r->ret->warning = first ? quote(slice_of(first), r->a) : r->ret->warning_count ? "a warning" : "";
    return read_result(r, json_object_get(root, "data"));
}

int prometheus_decode(struct slice body, int http_status, struct arena *a, struct prometheus_answer *ret, struct err *err)
{
    json_t *root = NULL;
    struct err why = {0};
    struct prometheus_answer answer = {.warning = ""};
    struct reader r = {.a = a, .ret = &answer, .err = err};
    bool good = http_status >= 200 && http_status <= 299;
    if (json_parse(body, "answer", &root, &why) != 0 || !json_is_object(root) || (!good && !json_str(root, "status"))) {
        json_decref(root);
        if (good)
            return err_set(err, ERR_CORRUPT, "not an answer of Prometheus: %s", why.msg[0] ? why.msg : quote(body, a));
        err_set(err, kind_of_status(http_status), "HTTP %d: %s", http_status, quote(body, a));
        err->http_status = http_status;
        return err->kind;
    }
    int rc = read_all(&r, root, http_status);
    json_decref(root);
    if (rc == 0)
        *ret = answer;
    return rc;
}

const char *prometheus_label(const struct prometheus_series *s, const char *name)
{
    for (size_t i = 0; i < s->label_count; i++)
        if (strcmp(s->labels[i].name, name) == 0)
            return s->labels[i].value;
    return NULL;
}
