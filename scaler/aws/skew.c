#include "scaler/aws/skew.h"

#include "base/parse.h"
#include "scaler/aws/aws_error.h"

#define WORTH_CORRECTING_MS (300 * 1000)
#define WORTH_FOLLOWING_MS 5000  // safety.md G6: what is told

void aws_skew_measure(struct aws_skew *s, const struct transport_response *r, int64_t wire_ms)
{
    int64_t date_ms;
    if (!parse_http_date_ms(aws_header(r, "date"), &date_ms))
        return;
    s->measured_ms = date_ms - wire_ms;
    s->measured = true;
}

void aws_skew_measure_clock(struct aws_skew *s, const struct transport_response *r, int64_t sent_ms, const struct clock *clock)
{
    int64_t date_ms;
    if (!clock_follows(clock) || !parse_http_date_ms(aws_header(r, "date"), &date_ms))
        return;
    int64_t least_ms = date_ms - clock_wall_ms(clock), most_ms = date_ms + 1000 - sent_ms;  // it was written between the two
    s->clock_ms = least_ms > 0 ? least_ms : most_ms < 0 ? most_ms : 0;
    s->clock_measured = true;
}

void aws_skew_follow(struct aws_skew *s, struct clock *clock)
{
    if (!s->clock_measured || (s->clock_ms <= WORTH_FOLLOWING_MS && s->clock_ms >= -WORTH_FOLLOWING_MS))
        return;
    s->clock_ms -= clock_follow(clock, s->clock_ms);
    s->clock_measured = false;
}

// Compared with what the request was signed with: another call may have corrected the clock since.
bool aws_skew_correct(struct aws_skew *s, const struct transport_response *r, int64_t wire_ms, int64_t signed_ms)
{
    int64_t date_ms;
    if (!parse_http_date_ms(aws_header(r, "date"), &date_ms))
        return false;
    int64_t off_ms = date_ms - (wire_ms + signed_ms);
    if (off_ms < WORTH_CORRECTING_MS && off_ms > -WORTH_CORRECTING_MS)
        return false;
    s->applied_ms = date_ms - wire_ms;
    return true;
}
