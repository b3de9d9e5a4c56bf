// Packed days and sketches by themselves: what goes in comes out, small; percentiles keep their bound; broken bytes are told.
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>

#include "base/rng.h"
#include "state/history_day.h"
#include "state/varint.h"

static struct history_day day, again;

static size_t pack_and_compare(void)
{
    struct buf out;
    struct err err = {0};
    buf_init(&out, HISTORY_DAY_BYTES_MAX);
    history_day_write(&day, &out);
    if (history_day_read(buf_slice(&out), day.resolution, &again, &err) != 0)
        fail_msg("%s", err.msg);
    assert_memory_equal(day.bucket, again.bucket, (size_t)history_day_slots(day.resolution) * sizeof *day.bucket);
    if (day.resolution == HISTORY_HOUR)
        assert_memory_equal(&day.sketch, &again.sketch, sizeof day.sketch);
    size_t len = out.len;
    buf_release(&out);
    return len;
}

static void an_empty_day_is_a_few_bytes(void **state)
{
    (void)state;
    for (int r = 0; r < HISTORY_RESOLUTION_COUNT; r++) {
        history_day_clear(&day, (enum history_resolution)r);
        assert_true(pack_and_compare() <= 5);
    }
}

static void a_steady_day_is_a_few_bytes(void **state)
{
    (void)state;
    history_day_clear(&day, HISTORY_MINUTE);
    for (int i = 0; i < 1440; i++) {
        history_bucket_add(&day.bucket[i], 4096);
        history_bucket_add(&day.bucket[i], 4096);
    }
    assert_true(pack_and_compare() <= 24);
}

static void gaps_stay_gaps(void **state)
{
    (void)state;
    history_day_clear(&day, HISTORY_FIVE_MINUTES);
    for (int i = 1; i < 288; i += i % 7 ? 1 : 3)
        history_bucket_add(&day.bucket[i], i);
    pack_and_compare();
    assert_int_equal(again.bucket[0].count, 0);
    assert_int_equal(again.bucket[8].count, 0);
    assert_int_equal(again.bucket[7].max, 7);
}

static void any_values_come_back(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 3);
    for (int round = 0; round < 60; round++) {
        history_day_clear(&day, (enum history_resolution)(round % HISTORY_RESOLUTION_COUNT));
        uint64_t scale = UINT64_C(1) << rng_below(&rng, 43), unit = 1 + rng_below(&rng, 3) * 127;
        int samples = (int)rng_below(&rng, 4000);
        for (int i = 0; i < samples; i++) {
            int64_t v = (int64_t)(rng_below(&rng, scale + 1) / unit * unit);
            history_bucket_add(&day.bucket[rng_below(&rng, (uint64_t)history_day_slots(day.resolution))], v);
            if (day.resolution == HISTORY_HOUR)
                sketch_add(&day.sketch, v, 1);
        }
        pack_and_compare();
    }
}

static void the_largest_values_come_back(void **state)
{
    (void)state;
    history_day_clear(&day, HISTORY_HOUR);
    for (int i = 0; i < 2 * HISTORY_BUCKET_SAMPLES_MAX; i++)
        history_bucket_add(&day.bucket[0], HISTORY_VALUE_MAX);
    history_bucket_add(&day.bucket[1], 0);
    history_bucket_add(&day.bucket[2], HISTORY_VALUE_MAX);
    history_bucket_add(&day.bucket[2], 0);
    assert_int_equal(day.bucket[0].count, HISTORY_BUCKET_SAMPLES_MAX);
    pack_and_compare();
}

static void a_day_of_demand_takes_less_than_two_bytes_a_minute(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 5);
    history_day_clear(&day, HISTORY_MINUTE);
    for (int i = 0; i < 1440; i++)
        history_bucket_add(&day.bucket[i], 256 * (int64_t)(200 + 80 * sin(i / 229.0) + (double)rng_below(&rng, 12)));
    size_t len = pack_and_compare();
    assert_true(len > 200);
    assert_true(len < 2 * 1440);
}

// Demand that is looked at each two minutes: what repeats is told once.
static void fill_demand(enum history_resolution r)
{
    struct rng rng;
    rng_init(&rng, 7);
    history_day_clear(&day, r);
    for (int i = 0; i < history_day_slots(r); i++)
        if (i % 2 == 0 || r != HISTORY_MINUTE)
            history_bucket_add(&day.bucket[i], 256 * (int64_t)(200 + 8 * sin(i / 229.0) + (double)rng_below(&rng, 12)));
        else
            day.bucket[i] = day.bucket[i - 1];
}

static void by_the_minute_a_day_is_packed_once_more(void **state)
{
    (void)state;
    struct buf out;
    fill_demand(HISTORY_MINUTE);
    assert_true(pack_and_compare() < 1440 / 2);
    buf_init(&out, HISTORY_DAY_BYTES_MAX);
    history_day_write(&day, &out);
    assert_int_equal(out.data[0], 2);
    assert_int_equal(history_day_read(buf_slice(&out), HISTORY_HOUR, &again, NULL), ERR_CORRUPT);
    out.data[1] ^= 1;  // the length that it claims
    assert_int_equal(history_day_read(buf_slice(&out), HISTORY_MINUTE, &again, NULL), ERR_CORRUPT);
    buf_release(&out);
}

static void a_day_of_before_that_is_not_packed_is_read(void **state)
{
    (void)state;
    static const char bytes[] = {1, 4, 3, 2, (char)0x9b, 2, 10, 0, 1, 0, 2, 2, 0, 1, 0, 2};  // unit 4; 3 unknown, 2 known, 283 unknown
    assert_int_equal(history_day_read((struct slice){bytes, sizeof bytes}, HISTORY_FIVE_MINUTES, &again, NULL), 0);
    assert_int_equal(again.bucket[2].count, 0);
    for (int i = 3; i < 5; i++) {
        assert_int_equal(again.bucket[i].count, 1);
        assert_int_equal(again.bucket[i].sum, 20);
    }
}

static void every_cut_is_corrupt(void)
{
    struct buf out;
    buf_init(&out, HISTORY_DAY_BYTES_MAX);
    history_day_write(&day, &out);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(history_day_read((struct slice){out.data, len}, day.resolution, &again, NULL), ERR_CORRUPT);
    buf_add_char(&out, 0);
    assert_int_equal(history_day_read(buf_slice(&out), day.resolution, &again, NULL), ERR_CORRUPT);
    buf_release(&out);
}

static void every_cut_of_a_day_is_corrupt(void **state)
{
    (void)state;
    history_day_clear(&day, HISTORY_HOUR);
    for (int i = 3; i < 20; i++) {
        history_bucket_add(&day.bucket[i], i * i);
        sketch_add(&day.sketch, i * i, 1);
    }
    every_cut_is_corrupt();
    fill_demand(HISTORY_FIVE_MINUTES);
    every_cut_is_corrupt();
    fill_demand(HISTORY_MINUTE);
    every_cut_is_corrupt();
}

// ---- sketches -------------------------------------------------------------------------------------------------------------

static int by_value(const void *x, const void *y)
{
    const int64_t *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

static void expect_within_two_percent(int64_t *v, size_t n)
{
    static struct sketch s;
    s = (struct sketch){0};
    for (size_t i = 0; i < n; i++)
        sketch_add(&s, v[i], 1);
    qsort(v, n, sizeof *v, by_value);
    for (int p = 0; p <= 100; p++) {
        int64_t is = v[(size_t)(p / 100.0 * (double)(n - 1))], said = sketch_quantile(&s, p / 100.0);
        assert_true(llabs(said - is) <= 0.02 * (double)is + 0.5);
    }
}

static void a_percentile_is_within_two_percent_of_the_sample_of_its_rank(void **state)
{
    (void)state;
    enum { N = 5000 };
    int64_t v[N];
    struct rng rng;
    rng_init(&rng, 9);
    for (int shape = 0; shape < 4; shape++) {
        for (int i = 0; i < N; i++) {
            double u = (double)rng_below(&rng, 1 << 30) / (1 << 30);
            v[i] = shape == 0 ? (int64_t)(1000 * u) : shape == 1 ? (int64_t)exp(29.9 * u) : shape == 2 ? i % 2 * 70000 : (int64_t)(3 / (u + 1e-9));
        }
        expect_within_two_percent(v, N);
    }
}

static void small_whole_numbers_are_exact(void **state)
{
    (void)state;
    static struct sketch s;
    for (int64_t v = 0; v < 25; v++) {
        s = (struct sketch){0};
        sketch_add(&s, v, 3);
        assert_int_equal(sketch_quantile(&s, 0.5), v);
    }
    s = (struct sketch){0};
    sketch_add(&s, SKETCH_VALUE_MAX, 1);
    assert_true(llabs(sketch_quantile(&s, 1) - SKETCH_VALUE_MAX) <= SKETCH_VALUE_MAX / 50);
}

static void merging_in_any_order_is_the_sketch_of_all(void **state)
{
    (void)state;
    static struct sketch all, part[3], forth, back;
    struct rng rng;
    rng_init(&rng, 11);
    for (int i = 0; i < 3000; i++) {
        int64_t v = (int64_t)rng_below(&rng, 100000);
        sketch_add(&all, v, 1);
        sketch_add(&part[i % 3], v, 1);
    }
    for (int i = 0; i < 3; i++) {
        sketch_merge(&forth, &part[i]);
        sketch_merge(&back, &part[2 - i]);
    }
    assert_memory_equal(&forth, &all, sizeof all);
    assert_memory_equal(&back, &all, sizeof all);
}

static void numbers_of_any_size_are_folded_and_back(void **state)
{
    (void)state;
    static const int64_t values[] = {0, -1, 1, 63, -64, 64, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct buf out;
        uint64_t v = 0;
        buf_init(&out, 16);
        varint_add(&out, varint_fold(values[i]));
        struct slice in = buf_slice(&out);
        assert_true(varint_take(&in, &v));
        assert_int_equal(in.len, 0);
        assert_true(varint_unfold(v) == values[i]);
        in = (struct slice){out.data, out.len - 1};
        assert_false(varint_take(&in, &v));
        buf_release(&out);
    }
    struct slice long_one = SLICE_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
    uint64_t v;
    assert_false(varint_take(&long_one, &v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_day_is_a_few_bytes),
        cmocka_unit_test(a_steady_day_is_a_few_bytes),
        cmocka_unit_test(gaps_stay_gaps),
        cmocka_unit_test(any_values_come_back),
        cmocka_unit_test(the_largest_values_come_back),
        cmocka_unit_test(a_day_of_demand_takes_less_than_two_bytes_a_minute),
        cmocka_unit_test(by_the_minute_a_day_is_packed_once_more),
        cmocka_unit_test(a_day_of_before_that_is_not_packed_is_read),
        cmocka_unit_test(every_cut_of_a_day_is_corrupt),
        cmocka_unit_test(a_percentile_is_within_two_percent_of_the_sample_of_its_rank),
        cmocka_unit_test(small_whole_numbers_are_exact),
        cmocka_unit_test(merging_in_any_order_is_the_sketch_of_all),
        cmocka_unit_test(numbers_of_any_size_are_folded_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
