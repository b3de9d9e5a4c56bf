// The clock that the daemon lives by and the Date of AWS's answers (safety.md G6).
#include "tests/cm.h"

#include "base/parse.h"
#include "scaler/aws/ecs.h"
#include "scaler/aws/skew.h"
#include "tests/aws/fixture.h"

#define EMPTY_LIST "{\"clusterArns\":[]}"

// A machine whose clock is wrong from the start: what a Date proves of the clock that deadlines go by, and no more.
static void the_clock_we_live_by_follows_the_date_of_aws(void **state)
{
    (void)state;
    static const struct {
        const char *date;
        int64_t delay_ms, off_ms;
    } cases[] = {
        {"Mon, 02 Feb 2026 02:40:00 GMT", 200, 0},
        {"Mon, 02 Feb 2026 02:40:00 GMT", 8000, 0},             // a slow answer proves nothing
        {"Mon, 02 Feb 2026 03:40:00 GMT", 8000, 3592000},       // at least
        {"Mon, 02 Feb 2026 01:40:00 GMT", 8000, -3599000},      // the second of the Date may be over
        {"no date", 200, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        fixture_begin(&f);
        scripted_add(&f.s, (struct scripted_reply){.body = EMPTY_LIST, .header = "Date", .value = cases[i].date, .delay_ms = cases[i].delay_ms});
        struct ecs_arns ret;
        ecs_list_clusters(f.with, &ret);
        aws_run(f.clients, DEADLINE_MS);
        assert_int_equal(aws_health(f.aws).world_off_ms, cases[i].off_ms);
        aws_follow_clock(f.clients);  // a virtual clock does not follow: the difference stays, and is told
        assert_int_equal(aws_health(f.aws).world_off_ms, cases[i].off_ms);
        fixture_end(&f);
    }
}

static void a_steady_clock_is_followed_once_an_answer(void **state)
{
    (void)state;
    struct clock c;
    struct transport_response r = {.status = 200, .header_count = 1};
    char date[32];
    clock_init_steady(&c);
    int64_t now_ms = clock_wall_ms(&c);
    struct http_header header = {SLICE_LIT("Date"), slice_of(format_http_date(now_ms + 600000, date))};
    r.headers = &header;
    struct aws_skew skew = {.measured = false};
    aws_skew_measure_clock(&skew, &r, now_ms, now_ms);
    assert_in_range(skew.clock_ms, 599000, 600000);
    aws_skew_follow(&skew, &c);
    assert_int_equal(skew.clock_ms, 0);
    assert_in_range(clock_wall_ms(&c) - now_ms, 599000, 605000);
    aws_skew_follow(&skew, &c);
    assert_in_range(clock_wall_ms(&c) - now_ms, 599000, 605000);
    skew = (struct aws_skew){.clock_ms = 4000, .clock_measured = true};
    aws_skew_follow(&skew, &c);  // a few seconds are the network's
    assert_in_range(clock_wall_ms(&c) - now_ms, 599000, 603000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_we_live_by_follows_the_date_of_aws),
        cmocka_unit_test(a_steady_clock_is_followed_once_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
