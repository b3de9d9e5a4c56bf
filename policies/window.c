#include "policies/window.h"

#include <assert.h>
#include <string.h>

static bool take_day(const char **at, int *ret_day)
{
    static const char names[7][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    char low[3];
    for (int k = 0; k < 3; k++) {
        char c = (*at)[k];
        if (c == '\0')
            return false;
        low[k] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    for (int k = 0; k < 7; k++)
        if (memcmp(low, names[k], 3) == 0) {
            *at += 3;
            *ret_day = k;
            return true;
        }
    return false;
}

bool window_days(const char *text, unsigned *ret_days)
{
    unsigned days = 0;
    const char *at = text;
    if (*at == '\0') {
        *ret_days = 0x7f;
        return true;
    }
    for (;;) {
        int first, last;
        if (!take_day(&at, &first))
            return false;
        last = first;
        if (*at == '-') {
            at++;
            if (!take_day(&at, &last))
                return false;
        }
        for (int k = first;; k = (k + 1) % 7) {
            days |= 1u << k;
            if (k == last)
                break;
        }
        if (*at == '\0')
            break;
        if (*at++ != ',')
            return false;
    }
    *ret_days = days;
    return true;
}

bool window_minute(const char *text, int32_t *ret_minute)
{
    if (strlen(text) != 5 || text[2] != ':')
        return false;
    for (int k = 0; k < 5; k++)
        if (k != 2 && (text[k] < '0' || text[k] > '9'))
            return false;
    int32_t hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
    if (minute > 59 || hour * 60 + minute > WINDOW_DAY_MINUTES)
        return false;
    *ret_minute = hour * 60 + minute;
    return true;
}

bool window_holds(const struct policy_window *w, int32_t minute_of_week)
{
    unsigned days;
    int32_t from = 0, to = WINDOW_DAY_MINUTES;
    assert(minute_of_week >= 0 && minute_of_week < WINDOW_WEEK_MINUTES);
    if (!window_days(w->days, &days) || (*w->from && !window_minute(w->from, &from)) || (*w->to && !window_minute(w->to, &to)))
        return false;
    int32_t lasts = to > from ? to - from : to + WINDOW_DAY_MINUTES - from;
    for (int32_t day = 0; day < 7; day++) {
        int32_t since = minute_of_week - (day * WINDOW_DAY_MINUTES + from);
        if (since < 0)
            since += WINDOW_WEEK_MINUTES;
        if ((days >> day & 1) && since < lasts)
            return true;
    }
    return false;
}
