#include "base/arena.h"

#include "tests/cm.h"

static void memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    for (size_t n = 1; n < 3000; n += 7) {
        unsigned char *p = arena_alloc(&a, n, 1);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, n);
    }
    arena_release(&a);
}

static void large_pieces_do_not_waste_the_block_in_use(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    char *small = arena_alloc(&a, 1, 16);
    char *large = arena_alloc(&a, 1, 1 << 20);
    memset(large, 1, 1 << 20);
    char *next = arena_alloc(&a, 1, 16);
    assert_ptr_equal(next, small + 16);
    arena_release(&a);
}

static void reset_gives_zeroed_memory_again(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    memset(arena_alloc(&a, 1, 64), 0xff, 64);
    arena_reset(&a);
    assert_int_equal(a.used_bytes, 0);
    const char *p = arena_alloc(&a, 1, 64);
    for (int i = 0; i < 64; i++)
        assert_int_equal(p[i], 0);
    arena_release(&a);
    arena_release(&a);
    arena_release(NULL);
}

static void grow_keeps_what_is_there(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    int *v = NULL;
    size_t cap = 0;
    for (int i = 0; i < 1000; i++) {
        v = arena_grow(&a, v, (size_t)i, &cap, sizeof *v);
        v[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(v[i], i);
    assert_int_equal(cap, 1024);
    arena_release(&a);
}

static void strings_are_copied(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    assert_null(arena_strdup(&a, NULL));
    assert_string_equal(arena_strdup(&a, "masu"), "masu");
    assert_string_equal(arena_strndup(&a, "masu", 2), "ma");
    assert_string_equal(arena_printf(&a, "%d of %s", 3, "web"), "3 of web");
    arena_release(&a);
}

static void pass_the_limit(void *arg)
{
    (void)arg;
    struct arena a;
    arena_init(&a, 1000);
    arena_alloc(&a, 1, 600);
    arena_alloc(&a, 1, 600);
}

static void overflow_the_size(void *arg)
{
    (void)arg;
    struct arena a;
    arena_init(&a, 0);
    arena_alloc(&a, SIZE_MAX / 2, 3);
}

static void passing_the_limit_ends_the_process(void **state)
{
    (void)state;
    assert_true(aborts(pass_the_limit, NULL));
    assert_true(aborts(overflow_the_size, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(large_pieces_do_not_waste_the_block_in_use),
        cmocka_unit_test(reset_gives_zeroed_memory_again),
        cmocka_unit_test(grow_keeps_what_is_there),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(passing_the_limit_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
