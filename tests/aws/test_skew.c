// The clock that the daemon lives by and the Date of AWS's answers (safety.md G6).
#include "tests/cm.h"

#include "base/parse.h"
#include "scaler/aws/ecs.h"
#include "scaler/aws/skew.h"
#include "tests/aws/fixture.h"

#define EMPTY_LIST "{\"clusterArns\":[]}"

static struct aws_skew measured(const struct clock *c, int64_t date_off_ms, int64_t took_ms)
{
    char date[32];
    int64_t now_ms = clock_wall_ms(c);
    struct http_header header = {SLICE_LIT("Date"), slice_of(format_http_date((now_ms + date_off_ms) / 1000 * 1000, date))};
    struct transport_response r = {.status = 200, .headers = &header, .header_count = 1};
    struct aws_skew skew = {.measured = false};
    aws_skew_measure_clock(&skew, &r, now_ms - took_ms, c);
    return skew;
}

// A machine whose clock is wrong from the start: what a Date proves of the clock that deadlines go by, and no more.
static void the_clock_we_live_by_is_measured_by_the_date_of_aws(void **state)
{
    (void)state;
    struct clock c;
    clock_init_steady(&c);
    assert_int_equal(measured(&c, 0, 200).clock_ms, 0);
    assert_int_equal(measured(&c, -7000, 8000).clock_ms, 0);  // a slow answer proves nothing
    assert_in_range(measured(&c, 3600000, 8000).clock_ms, 3598000, 3600000);
    assert_in_range(-measured(&c, -3600000, 8000).clock_ms, 3590000, 3592000);  // the second of the Date may be over
    assert_true(measured(&c, 0, 200).clock_measured);
}

// The virtual AWS on sockets has the machine's Date, and the daemon of a test lives in a world of another year.
static void a_date_says_nothing_of_another_world(void **state)
{
    (void)state;
    struct clock world;
    clock_init_accelerated(&world, T0_MS, 100);
    assert_false(measured(&world, 86400000, 200).clock_measured);
    struct fixture f;
    fixture_begin(&f);
    scripted_add(&f.s, (struct scripted_reply){.body = EMPTY_LIST, .header = "Date", .value = "Mon, 02 Nov 2026 02:40:00 GMT"});
    struct ecs_arns ret;
    ecs_list_clusters(f.with, &ret);
    aws_run(f.clients, DEADLINE_MS);
    assert_int_equal(aws_health(f.aws).world_off_ms, 0);
    fixture_end(&f);
}

static void a_steady_clock_is_followed_once_an_answer(void **state)
{
    (void)state;
    struct clock c;
    clock_init_steady(&c);
    int64_t now_ms = clock_wall_ms(&c);
    struct aws_skew skew = measured(&c, 600000, 0);
    aws_skew_follow(&skew, &c);
    assert_int_equal(skew.clock_ms, 0);
    assert_in_range(clock_wall_ms(&c) - now_ms, 598000, 605000);
    aws_skew_follow(&skew, &c);
    assert_in_range(clock_wall_ms(&c) - now_ms, 598000, 605000);
    skew = (struct aws_skew){.clock_ms = 4000, .clock_measured = true};
    aws_skew_follow(&skew, &c);  // a few seconds are the network's
    assert_in_range(clock_wall_ms(&c) - now_ms, 598000, 603500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_we_live_by_is_measured_by_the_date_of_aws),
        cmocka_unit_test(a_date_says_nothing_of_another_world),
        cmocka_unit_test(a_steady_clock_is_followed_once_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
