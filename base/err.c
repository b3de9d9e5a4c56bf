#include "base/err.h"

#include <stdarg.h>

static const struct {
    enum err_kind kind;
    const char *name;
} kind_names[] = {
    {ERR_OK, "ok"},           {ERR_NOMEM, "no memory"},   {ERR_TRANSIENT, "transient"}, {ERR_THROTTLED, "throttled"},
    {ERR_AUTH, "auth"},       {ERR_DENIED, "denied"},     {ERR_NOT_FOUND, "not found"}, {ERR_CONFLICT, "conflict"},
    {ERR_CAPACITY, "capacity"}, {ERR_INVALID, "invalid"}, {ERR_CORRUPT, "corrupt"},     {ERR_IO, "io"},
    {ERR_LIMIT, "limit"},
};

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    if (!err)
        return kind;
    err->kind = kind;
    err->http_status = 0;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    return kind;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
    if (!err)
        return ERR_INVALID;
    struct err old = *err;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    size_t used = n < 0 ? 0 : (size_t)n < sizeof err->msg ? (size_t)n : sizeof err->msg - 1;
    snprintf(err->msg + used, sizeof err->msg - used, ": %s", old.msg);
    return err->kind;
}

const char *err_kind_name(enum err_kind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kind_names); i++)
        if (kind_names[i].kind == kind)
            return kind_names[i].name;
    return "unknown";
}
