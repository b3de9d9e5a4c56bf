#include "base/text.h"

#include <stdio.h>
#include <string.h>

void text_put_bytes(struct text *t, const char *s, size_t len)
{
    if (len > t->max - t->n) {
        len = t->max - t->n;
        t->cut = true;
    }
    if (len > 0)
        memcpy(t->out + t->n, s, len);
    t->n += len;
}

void text_put(struct text *t, const char *s)
{
    text_put_bytes(t, s, strlen(s));
}

void text_put_u64(struct text *t, uint64_t x)
{
    char digits[20];
    size_t k = sizeof digits;
    do
        digits[--k] = (char)('0' + x % 10);
    while ((x /= 10) > 0);
    text_put_bytes(t, digits + k, sizeof digits - k);
}

void text_put_i64(struct text *t, int64_t x)
{
    if (x < 0)
        text_put_bytes(t, "-", 1);
    text_put_u64(t, x < 0 ? 0 - (uint64_t)x : (uint64_t)x);
}

// False where the format has more than this knows.
static bool put_all(struct text *t, const char *fmt, va_list ap)
{
    for (;;) {
        const char *at = strchrnul(fmt, '%'), *s;
        char c;
        text_put_bytes(t, fmt, (size_t)(at - fmt));
        if (*at == '\0')
            return true;
        fmt = at + 2;
        switch (at[1]) {
        case 's':
            s = va_arg(ap, const char *);
            if (!s)
                return false;
            text_put(t, s);
            break;
        case 'd':
            text_put_i64(t, va_arg(ap, int));
            break;
        case 'c':
            c = (char)va_arg(ap, int);
            text_put_bytes(t, &c, 1);
            break;
        case 'l':
            if (*fmt++ != 'd')
                return false;
            text_put_i64(t, va_arg(ap, long));
            break;
        case 'z':
            if (*fmt++ != 'u')
                return false;
            text_put_u64(t, va_arg(ap, size_t));
            break;
        case '%':
            text_put_bytes(t, "%", 1);
            break;
        default:
            return false;
        }
    }
}

int text_vformat(char *out, size_t max, const char *fmt, va_list ap)
{
    struct text t = {.out = out, .max = max};
    va_list again;
    va_copy(again, ap);
    bool all = put_all(&t, fmt, again);
    va_end(again);
    if (!all || t.cut || t.n >= max)
        return vsnprintf(out, max, fmt, ap);
    out[t.n] = '\0';
    return (int)t.n;
}
