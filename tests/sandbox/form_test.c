// Query strings and forms.
#include "tests/cm.h"

#include "scaler/sandbox/form.h"

static int parse(const char *text, struct arena *a, struct form *f)
{
    struct err err = {0};
    arena_init(a, 0);
    return form_parse(slice_of(text), a, f, &err);
}

static void names_and_values_are_decoded(void **state)
{
    (void)state;
    struct arena a;
    struct form f;
    assert_int_equal(parse("b=x%20y+z&a%2E1=%e6%9e%a1&empty=&flag&&c=1=2", &a, &f), 0);
    assert_int_equal(f.count, 5);
    assert_true(slice_eq_str(form_get(&f, "b"), "x y z"));
    assert_true(slice_eq_str(form_get(&f, "a.1"), "枡"));
    assert_true(slice_eq_str(form_get(&f, "c"), "1=2"));
    assert_non_null(form_get(&f, "empty").ptr);
    assert_int_equal(form_get(&f, "flag").len, 0);
    assert_null(form_get(&f, "absent").ptr);
    arena_release(&a);
}

static void broken_escapes_and_doubles_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"a=%", "a=%4", "a=%zz", "%g1=1", "a=1&b=2&a=3", "a=x%"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct arena a;
        struct form f;
        assert_int_equal(parse(bad[i], &a, &f), ERR_INVALID);
        arena_release(&a);
    }
    struct arena a;
    struct form f;
    assert_int_equal(parse("a=%41%4a", &a, &f), 0);
    assert_true(slice_eq_str(form_get(&f, "a"), "AJ"));
    arena_release(&a);
}

static void lists_are_read_by_number_not_by_place(void **state)
{
    (void)state;
    struct arena a;
    struct form f;
    size_t n = 0;
    assert_int_equal(parse("Id.10=j&Id.2=b&Id.1=a&Id.x=no&Idle.1=no&Id.0=no&Id.1.Name=no", &a, &f), 0);
    struct slice *v = form_list(&f, "Id", &a, &n);
    assert_int_equal(n, 3);
    assert_true(slice_eq_str(v[0], "a") && slice_eq_str(v[1], "b") && slice_eq_str(v[2], "j"));
    arena_release(&a);
}

static void patterns_stand_for_numbered_names(void **state)
{
    (void)state;
    assert_true(form_name_fits(SLICE_LIT("Filter.3.Value.12"), "Filter.N.Value.N"));
    assert_true(form_name_fits(SLICE_LIT("MaxResults"), "MaxResults"));
    assert_false(form_name_fits(SLICE_LIT("Filter.3.Value"), "Filter.N.Value.N"));
    assert_false(form_name_fits(SLICE_LIT("Filter.3.Value.x"), "Filter.N.Value.N"));
    assert_false(form_name_fits(SLICE_LIT("Filter.0.Value.1"), "Filter.N.Value.N"));
    assert_false(form_name_fits(SLICE_LIT("Filter.3.Value.1.2"), "Filter.N.Value.N"));
}

static void too_many_parameters_are_a_limit(void **state)
{
    (void)state;
    struct arena a;
    struct form f;
    struct err err = {0};
    struct buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i <= FORM_PARAMS_MAX; i++)
        buf_printf(&b, "p%d=&", i);
    arena_init(&a, 0);
    assert_int_equal(form_parse(buf_slice(&b), &a, &f, &err), ERR_LIMIT);
    arena_release(&a);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_values_are_decoded),
        cmocka_unit_test(broken_escapes_and_doubles_are_refused),
        cmocka_unit_test(lists_are_read_by_number_not_by_place),
        cmocka_unit_test(patterns_stand_for_numbered_names),
        cmocka_unit_test(too_many_parameters_are_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
