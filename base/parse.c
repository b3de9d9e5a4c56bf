#include "base/parse.h"

#include <math.h>
#include <stdio.h>

#include "base/check.h"
#include "base/text.h"

enum { MS_PER_SECOND = 1000, MS_PER_MINUTE = 60 * 1000, MS_PER_HOUR = 60 * 60 * 1000, MS_PER_DAY = 24 * 60 * 60 * 1000 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool parse_u64(struct slice s, uint64_t *ret)
{
    uint64_t value = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.ptr[i]))
            return false;
        if (__builtin_mul_overflow(value, 10u, &value) || __builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value))
            return false;
    }
    *ret = value;
    return true;
}

bool parse_i64(struct slice s, int64_t *ret)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    uint64_t magnitude = 0;
    if (!parse_u64(negative ? (struct slice){s.ptr + 1, s.len - 1} : s, &magnitude))
        return false;
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1u : 0u))
        return false;
    *ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

static size_t skip_digits(struct slice s, size_t at)
{
    while (at < s.len && is_digit(s.ptr[at]))
        at++;
    return at;
}

// [-] digits [. digits] [e [+-] digits]: strtod alone would also take hex, inf, nan and leading space.
static bool has_number_form(struct slice s)
{
    size_t at = s.len && s.ptr[0] == '-' ? 1 : 0;
    size_t end = skip_digits(s, at);
    if (end == at)
        return false;
    if (end < s.len && s.ptr[end] == '.') {
        at = end + 1;
        end = skip_digits(s, at);
        if (end == at)
            return false;
    }
    if (end < s.len && (s.ptr[end] == 'e' || s.ptr[end] == 'E')) {
        at = end + 1;
        if (at < s.len && (s.ptr[at] == '+' || s.ptr[at] == '-'))
            at++;
        end = skip_digits(s, at);
        if (end == at)
            return false;
    }
    return end == s.len;
}

bool parse_double(struct slice s, double *ret)
{
    char text[512];
    if (s.len >= sizeof text || !has_number_form(s))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    double value = strtod(text, NULL);  // the process never leaves the C locale
    if (!isfinite(value))
        return false;
    *ret = value;
    return true;
}

bool parse_decimal_micro(struct slice s, int64_t *ret)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    if (negative)
        s = (struct slice){s.ptr + 1, s.len - 1};
    size_t whole_len = skip_digits(s, 0);
    int64_t micro = 0;
    if (!parse_i64((struct slice){s.ptr, whole_len}, &micro) || __builtin_mul_overflow(micro, 1000000, &micro))
        return false;
    if (whole_len < s.len) {
        size_t end = skip_digits(s, whole_len + 1);
        if (s.ptr[whole_len] != '.' || end != s.len || end == whole_len + 1)
            return false;
        int64_t unit = 100000;
        for (size_t i = whole_len + 1; i < s.len; i++, unit /= 10) {
            int64_t part = unit > 0 ? (s.ptr[i] - '0') * unit : s.ptr[i] >= '5';
            if (__builtin_add_overflow(micro, part, &micro))
                return false;
            if (unit == 0)
                break;
        }
    }
    *ret = negative ? -micro : micro;
    return true;
}

bool parse_duration_ms(struct slice s, int64_t *ret)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", MS_PER_SECOND}, {"m", MS_PER_MINUTE}, {"h", MS_PER_HOUR}, {"d", MS_PER_DAY}};
    size_t digits = skip_digits(s, 0);
    int64_t count = 0;
    if (!parse_i64((struct slice){s.ptr, digits}, &count))
        return false;
    struct slice unit = {s.ptr + digits, s.len - digits};
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (slice_eq_str(unit, units[i].name))
            return !__builtin_mul_overflow(count, units[i].ms, &count) && (*ret = count, true);
    return false;
}

// ---- the calendar ---------------------------------------------------------------------------------------------------------

struct civil {
    int64_t year;
    int month, day, hour, minute, second, ms, weekday;  // weekday 0 = Sunday
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

// Days since 1970-01-01 in the proleptic Gregorian calendar; years begin in March so that leap days come last.
static int64_t days_from_civil(int64_t year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static struct civil civil_from_ms(int64_t wall_ms)
{
    int64_t days = floor_div(wall_ms, MS_PER_DAY);
    int64_t in_day = (wall_ms % MS_PER_DAY + MS_PER_DAY) % MS_PER_DAY;
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t mp = (5 * day_of_year + 2) / 153;
    struct civil c = {
        .day = (int)(day_of_year - (153 * mp + 2) / 5 + 1),
        .month = (int)(mp < 10 ? mp + 3 : mp - 9),
        .hour = (int)(in_day / MS_PER_HOUR),
        .minute = (int)(in_day / MS_PER_MINUTE % 60),
        .second = (int)(in_day / MS_PER_SECOND % 60),
        .ms = (int)(in_day % MS_PER_SECOND),
        .weekday = (int)(((days % 7) + 11) % 7),
    };
    c.year = year_of_era + era * 400 + (c.month <= 2);
    return c;
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool civil_to_ms(const struct civil *c, int64_t *ret)
{
    if (c->year < 1 || c->year > 9999 || c->month < 1 || c->month > 12 || c->day < 1)
        return false;
    if (c->day > days_in_month(c->year, c->month) || c->hour > 23 || c->minute > 59 || c->second > 59)
        return false;
    *ret = days_from_civil(c->year, c->month, c->day) * MS_PER_DAY + (int64_t)c->hour * MS_PER_HOUR +
           (int64_t)c->minute * MS_PER_MINUTE + (int64_t)c->second * MS_PER_SECOND + c->ms;
    return true;
}

// ---- formatted times ------------------------------------------------------------------------------------------------------

// Takes exactly `count` digits off the front.
static bool take_digits(struct slice *s, size_t count, int *ret)
{
    if (s->len < count || skip_digits((struct slice){s->ptr, count}, 0) != count)
        return false;
    int value = 0;
    for (size_t i = 0; i < count; i++)
        value = value * 10 + (s->ptr[i] - '0');
    *s = (struct slice){s->ptr + count, s->len - count};
    *ret = value;
    return true;
}

static bool take_char(struct slice *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = (struct slice){s->ptr + 1, s->len - 1};
    return true;
}

// .1 to .123456789; digits beyond milliseconds are dropped.
static bool take_fraction_ms(struct slice *s, int *ret)
{
    size_t digits = skip_digits(*s, 0);
    if (digits == 0 || digits > 9)
        return false;
    int ms = 0;
    for (size_t i = 0; i < 3; i++)
        ms = ms * 10 + (i < digits ? s->ptr[i] - '0' : 0);
    *s = (struct slice){s->ptr + digits, s->len - digits};
    *ret = ms;
    return true;
}

static bool take_clock(struct slice *s, struct civil *c)
{
    return take_digits(s, 2, &c->hour) && take_char(s, ':') && take_digits(s, 2, &c->minute) && take_char(s, ':') &&
           take_digits(s, 2, &c->second);
}

static bool take_zone_ms(struct slice *s, int64_t *ret)
{
    if (take_char(s, 'Z')) {
        *ret = 0;
        return true;
    }
    bool west = s->len > 0 && s->ptr[0] == '-';
    int hours = 0, minutes = 0;
    if (!take_char(s, west ? '-' : '+') || !take_digits(s, 2, &hours) || !take_char(s, ':') || !take_digits(s, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    int64_t offset = (int64_t)hours * MS_PER_HOUR + (int64_t)minutes * MS_PER_MINUTE;
    *ret = west ? -offset : offset;
    return true;
}

bool parse_iso8601_ms(struct slice s, int64_t *ret)
{
    struct civil c = {0};
    int year = 0;
    int64_t zone_ms = 0, wall_ms = 0;
    if (!take_digits(&s, 4, &year) || !take_char(&s, '-') || !take_digits(&s, 2, &c.month) || !take_char(&s, '-'))
        return false;
    if (!take_digits(&s, 2, &c.day) || !take_char(&s, 'T') || !take_clock(&s, &c))
        return false;
    if (take_char(&s, '.') && !take_fraction_ms(&s, &c.ms))
        return false;
    c.year = year;
    if (!take_zone_ms(&s, &zone_ms) || s.len != 0 || !civil_to_ms(&c, &wall_ms))
        return false;
    *ret = wall_ms - zone_ms;
    return true;
}

static void put_digits(char *to, int count, int value)
{
    for (int k = count - 1; k >= 0; k--, value /= 10)
        to[k] = (char)('0' + value % 10);
}

char *format_iso8601(int64_t wall_ms, bool with_ms, char out[32])
{
    struct civil c = civil_from_ms(wall_ms);
    int used = c.year >= 0 && c.year <= 9999 ? 19 : snprintf(out, 32, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d", c.year, c.month, c.day, c.hour, c.minute, c.second);
    if (used == 19) {  // by hand: a plan tells many times, and printf would take a tenth of it
        memcpy(out, "0000-00-00T00:00:00", 20);
        put_digits(out, 4, (int)c.year);
        const int rest[] = {c.month, c.day, c.hour, c.minute, c.second};
        for (int k = 0; k < 5; k++)
            put_digits(out + 5 + 3 * (ptrdiff_t)k, 2, rest[k]);
    }
    if (with_ms && c.ms != 0)
        snprintf(out + used, 32 - (size_t)used, ".%03dZ", c.ms);
    else
        memcpy(out + used, "Z", 2);
    return out;
}

char *format_amz_date(int64_t wall_ms, char out[32])
{
    struct civil c = civil_from_ms(wall_ms);
    snprintf(out, 32, "%04" PRId64 "%02d%02dT%02d%02d%02dZ", c.year, c.month, c.day, c.hour, c.minute, c.second);
    return out;
}

static const char *const weekday_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

char *format_http_date(int64_t wall_ms, char out[32])
{
    struct civil c = civil_from_ms(wall_ms);
    snprintf(out, 32, "%s, %02d %s %04" PRId64 " %02d:%02d:%02d GMT", weekday_names[c.weekday], c.day, month_names[c.month - 1],
             c.year, c.hour, c.minute, c.second);
    return out;
}

static int name_index(struct slice s, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (slice_eq_str(s, names[i]))
            return i;
    return -1;
}

bool parse_http_date_ms(struct slice s, int64_t *ret)
{
    struct civil c = {0};
    int year = 0;
    struct slice weekday = slice_cut(&s, ',');
    if (name_index(weekday, weekday_names, 7) < 0 || !take_char(&s, ' ') || !take_digits(&s, 2, &c.day) || !take_char(&s, ' '))
        return false;
    c.month = name_index(slice_cut(&s, ' '), month_names, 12) + 1;
    if (!take_digits(&s, 4, &year) || !take_char(&s, ' ') || !take_clock(&s, &c) || !slice_eq_str(s, " GMT"))
        return false;
    c.year = year;
    return civil_to_ms(&c, ret);
}

// ---- for people -----------------------------------------------------------------------------------------------------------

static void put_amount(struct text *x, uint64_t n, const char *unit)
{
    text_put_u64(x, n);
    text_put(x, unit);
}

char *format_duration(int64_t ms, char out[32])
{
    struct text x = {.out = out, .max = 31};
    uint64_t t = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    uint64_t minutes = (t + MS_PER_MINUTE / 2) / MS_PER_MINUTE;
    text_put(&x, ms < 0 ? "\u2212" : "");
    if (t < MS_PER_SECOND)
        put_amount(&x, t, " ms");
    else if (t < 2 * MS_PER_MINUTE)
        put_amount(&x, (t + MS_PER_SECOND / 2) / MS_PER_SECOND, " s");
    else if (minutes < 60)
        put_amount(&x, minutes, " min");
    else if (minutes < 48 * 60)
        put_amount(&x, minutes / 60, " h");
    else
        put_amount(&x, (t + MS_PER_DAY / 2) / MS_PER_DAY, " days");
    if (minutes >= 60 && minutes < 48 * 60 && minutes % 60 != 0) {
        text_put(&x, " ");
        put_amount(&x, minutes % 60, " min");
    }
    out[x.n] = '\0';
    return out;
}

// Digits in groups of three: 3720 -> "3,720".
static void add_grouped(uint64_t whole, char out[32])
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, whole);
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

char *format_usd(int64_t usd_micro, char out[32])
{
    // From which amount on (in micro-dollars, by its rounded value) how many digits follow the point.
    static const struct {
        uint64_t below, step;
        int decimals;
    } forms[] = {{1000, 1, 6}, {10000, 10, 5}, {100000, 100, 4}, {1000000, 1000, 3}, {100000000, 10000, 2}};
    const char *sign = usd_micro < 0 ? "\u2212" : "";
    uint64_t v = usd_micro < 0 ? 0 - (uint64_t)usd_micro : (uint64_t)usd_micro;
    for (size_t i = 0; v > 0 && i < ARRAY_LEN(forms); i++) {
        uint64_t rounded = (v + forms[i].step / 2) / forms[i].step;
        if (rounded * forms[i].step >= forms[i].below)
            continue;
        uint64_t per_usd = 1000000 / forms[i].step;
        snprintf(out, 32, "%s$%" PRIu64 ".%0*" PRIu64, sign, rounded / per_usd, forms[i].decimals, rounded % per_usd);
        return out;
    }
    uint64_t usd = v / 1000000 + (v % 1000000 >= 500000);
    uint64_t step = 1;
    while (usd / step >= 1000)
        step *= 10;
    char grouped[32];
    add_grouped((usd + step / 2) / step * step, grouped);
    snprintf(out, 32, "%s$%s", sign, grouped);
    return out;
}
