// Numbers and times: each parser ends, and what it takes is written back to something it takes as the same value.
#include "base/parse.h"

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_times(struct slice s)
{
    char out[32];
    int64_t ms = 0, again = 0;
    if (parse_iso8601_ms(s, &ms) && (!parse_iso8601_ms(slice_of(format_iso8601(ms, true, out)), &again) || again != ms)) {
        // A zone may carry the first and last day out of the years that can be written.
        if (ms > INT64_C(-62135596800000) && ms < INT64_C(253402300800000))
            abort();
    }
    if (parse_http_date_ms(s, &ms) && (!parse_http_date_ms(slice_of(format_http_date(ms, out)), &again) || again != ms))
        abort();
    if (parse_duration_ms(s, &ms) && strlen(format_duration(ms, out)) == 0)
        abort();
}

static void check_numbers(struct slice s)
{
    char text[64], out[32];
    int64_t n = 0, again = 0, micro = 0;
    uint64_t u = 0;
    double d = 0;
    if (parse_i64(s, &n)) {
        snprintf(text, sizeof text, "%" PRId64, n);
        if (!parse_i64(slice_of(text), &again) || again != n)
            abort();
        if (!parse_double(s, &d) && s.len < 512)
            abort();
    }
    if (parse_u64(s, &u) && u <= INT64_MAX && !parse_i64(s, &n))
        abort();
    if (parse_decimal_micro(s, &micro)) {
        if (s.len < 512 && !parse_double(s, &d))
            abort();
        if (s.len < 15 && (d * 1e6 - (double)micro > 1 || d * 1e6 - (double)micro < -1))
            abort();
        format_usd(micro, out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice s = {(const char *)data, size};
    check_times(s);
    check_numbers(s);
    // The bytes as a number: every value can be formatted.
    int64_t any = 0;
    char out[32];
    memcpy(&any, data, size < sizeof any ? size : sizeof any);
    format_iso8601(any, true, out);
    format_amz_date(any, out);
    format_http_date(any % INT64_C(253402300800000), out);
    format_duration(any, out);
    format_usd(any, out);
    struct buf b;
    buf_init(&b, size * 3 + 1);
    buf_add_uri(&b, s);
    if (buf_failed(&b) || b.len < size)
        abort();
    buf_release(&b);
    return 0;
}
