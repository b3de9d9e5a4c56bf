#include "scaler/aws/breaker.h"

#include <stdio.h>

#define FAILURES_MAX 5
#define PAUSE_MIN_MS 5000
#define PAUSE_MAX_MS 60000

bool aws_breaker_refuses(const struct aws_breaker *b, bool urgent, int64_t now_ms)
{
    return b->open && !urgent && (b->probing || now_ms < b->open_until_ms);
}

void aws_breaker_sent(struct aws_breaker *b, bool urgent, uint32_t *ret_round, bool *ret_probe)
{
    *ret_round = b->round;
    *ret_probe = b->open && !urgent;
    b->probing |= *ret_probe;
}

void aws_breaker_good(struct aws_breaker *b)
{
    b->failures = 0;
    b->pause_ms = 0;
    b->open = b->probing = false;
}

void aws_breaker_bad(struct aws_breaker *b, uint32_t round, bool probe, int64_t now_ms, const char *why)
{
    aws_breaker_void(b, probe);
    snprintf(b->why, sizeof b->why, "%s", why);
    if (round != b->round)
        return;  // it was sent before the failure that was counted last
    b->round++;
    b->failures++;
    if (b->open ? !probe : b->failures < FAILURES_MAX)
        return;
    b->pause_ms = b->pause_ms == 0 ? PAUSE_MIN_MS : b->pause_ms * 2 < PAUSE_MAX_MS ? b->pause_ms * 2 : PAUSE_MAX_MS;
    b->open_until_ms = now_ms + b->pause_ms;
    b->open = true;
}

void aws_breaker_void(struct aws_breaker *b, bool probe)
{
    b->probing &= !probe;
}
