// The report of one file: what is in it when there is room for little.
#include "tests/cm.h"

#include "tests/web/site.h"
#include "web/file.h"

#define FILE_BYTES_MAX ((size_t)16 << 20)
enum { ROOM_STEP = 16384, ROOM_MAX = 1 << 20 };

// Before each range of a chart that is looked at now and then comes why the newest decision was taken.
static void the_newest_decision_is_explained_before_longer_ranges_are_drawn(void **state)
{
    (void)state;
    struct site site;
    struct err err = {0};
    char explained[64];
    int with_range = 0, without = 0;
    static const char *const drawn[] = {"\"/clusters/east/series?step=5m", "\"/clusters/east/series?step=30m", "\"/clusters/east/series?step=2h",
                                        "\"/clusters/east/series?step=1d", "\"/clusters/east/series?step=2m", "\"/clusters/east/forecast\"", "\"need_cpu_units_q95\""};
    site_start(&site, &(struct site_options){.listen = NULL});
    snprintf(explained, sizeof explained, "\"/clusters/east/ticks/%lld", (long long)site.acting_tick);
    for (size_t room = 0; room <= ROOM_MAX; room += ROOM_STEP) {
        struct buf file;
        buf_init(&file, FILE_BYTES_MAX);
        const struct web_file_options o = {.view = site.box.current, .state_path = state_path(site.state), .now_ms = FACTS_NOW_MS, .data_max_bytes = room};
        assert_int_equal(web_file_write(&o, &file, &err), 0);
        bool range = strstr(buf_str(&file), "\"/clusters/east/series?step=1m") != NULL, why = strstr(buf_str(&file), explained) != NULL;
        assert_true(why || !range);
        if (room == ROOM_MAX)  // what is drawn of it
            for (size_t i = 0; i < ARRAY_LEN(drawn); i++)
                assert_non_null(strstr(buf_str(&file), drawn[i]));
        with_range += range;
        without += !why;
        buf_release(&file);
    }
    assert_true(with_range > 0 && without > 0);  // the room was small, and large
    site_stop(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_decision_is_explained_before_longer_ranges_are_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
