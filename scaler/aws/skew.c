#include "scaler/aws/skew.h"

#include "base/parse.h"
#include "scaler/aws/aws_error.h"

#define WORTH_CORRECTING_MS (300 * 1000)

void aws_skew_measure(struct aws_skew *s, const struct transport_response *r, int64_t wire_ms)
{
    int64_t date_ms;
    if (!parse_http_date_ms(aws_header(r, "date"), &date_ms))
        return;
    s->measured_ms = date_ms - wire_ms;
    s->measured = true;
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
