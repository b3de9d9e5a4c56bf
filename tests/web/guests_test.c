#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "web/guests.h"

enum { MAX = 8, BYTES = 1000 };

// A house with guests whose other ends of the sockets are here.
struct house {
    struct guests *g;
    struct guest *guests[32];
    int ours[32], theirs[32];
    size_t count;
};

static void open_house(struct house *h)
{
    *h = (struct house){.g = guests_new(MAX, BYTES)};
}

static size_t come(struct house *h)
{
    int pair[2];
    assert_true(h->count < ARRAY_LEN(h->guests));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    h->ours[h->count] = pair[0];
    h->theirs[h->count] = pair[1];
    h->guests[h->count] = guests_join(h->g, pair[0]);
    return h->count++;
}

// Its other end sees that it was cut off.
static bool is_sent_off(const struct house *h, size_t i)
{
    char c;
    return recv(h->theirs[i], &c, 1, MSG_DONTWAIT) == 0;
}

static size_t first_sent_off(const struct house *h)
{
    size_t i = 0;
    while (i < h->count && !is_sent_off(h, i))
        i++;
    return i;
}

static void leave(struct house *h, size_t i)
{
    guests_leave(h->guests[i]);
    h->guests[i] = NULL;
    close(h->ours[i]);
    close(h->theirs[i]);
}

static void close_house(struct house *h)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->guests[i])
            leave(h, i);
    guests_free(h->g);
}

static void one_too_many_sends_off_who_waited_longest(void **state)
{
    struct house h;
    (void)state;
    open_house(&h);
    for (int i = 0; i < MAX; i++)
        come(&h);
    assert_int_equal(guests_count(h.g).sent_off, 0);
    guest_is_served(h.guests[0], 10);
    guest_waits(h.guests[0]);  // since now
    size_t newest = come(&h);
    assert_true(is_sent_off(&h, 1));
    assert_false(is_sent_off(&h, 0));
    assert_false(is_sent_off(&h, newest));
    assert_int_equal(guests_count(h.g).sent_off, 1);
    close_house(&h);
}

static void whose_request_is_not_read_yet_is_not_the_slow_one(void **state)
{
    struct house h;
    (void)state;
    open_house(&h);
    for (int i = 0; i < MAX; i++)
        come(&h);
    assert_int_equal(send(h.theirs[0], "GET", 3, 0), 3);
    assert_int_equal(send(h.theirs[1], "GET", 3, 0), 3);
    come(&h);
    assert_int_equal(first_sent_off(&h), 2);
    close_house(&h);
}

static void those_who_wait_never_push_out_an_answer(void **state)
{
    struct house h;
    (void)state;
    open_house(&h);
    size_t served = come(&h);
    guest_is_served(h.guests[served], 10);
    for (int i = 0; i < 3 * MAX; i++)
        come(&h);
    assert_false(is_sent_off(&h, served));
    assert_int_equal(guests_count(h.g).waiting, MAX - 1);
    assert_int_equal(guests_count(h.g).served, 1);
    assert_int_equal(guests_count(h.g).leaving, 2 * MAX + 1);
    close_house(&h);
}

static void those_who_read_slowly_never_shut_the_door(void **state)
{
    struct house h;
    (void)state;
    open_house(&h);
    for (int i = 0; i < MAX; i++)
        guest_is_served(h.guests[come(&h)], 10);
    for (int i = 0; i < MAX / 2; i++) {
        size_t newest = come(&h);
        assert_false(is_sent_off(&h, newest));
        assert_true(is_sent_off(&h, (size_t)i));
    }
    close_house(&h);
}

static void streams_are_left_alone(void **state)
{
    struct house h;
    (void)state;
    open_house(&h);
    size_t stream = come(&h);
    guest_is_served(h.guests[stream], 0);
    guest_listens(h.guests[stream]);
    guest_waits(h.guests[stream]);
    for (int i = 0; i < 2 * MAX; i++)
        come(&h);
    assert_false(is_sent_off(&h, stream));
    assert_int_equal(guests_count(h.g).streams, 1);
    assert_int_equal(guests_count(h.g).waiting, MAX);
    close_house(&h);
}

static void answers_that_are_not_taken_hold_only_so_many_bytes(void **state)
{
    struct house h;
    (void)state;
    open_house(&h);
    for (int i = 0; i < 4; i++)
        come(&h);
    assert_true(guest_is_served(h.guests[0], 600));
    assert_true(guest_is_served(h.guests[1], 0));
    assert_true(guest_is_served(h.guests[2], 600));  // the first is sent off, its bytes are not free yet
    assert_int_equal(first_sent_off(&h), 0);
    assert_int_equal(guests_count(h.g).answer_bytes, 1200);
    assert_true(guest_is_served(h.guests[3], 700));
    assert_true(is_sent_off(&h, 2));
    assert_false(is_sent_off(&h, 1));  // it holds nothing
    size_t fifth = come(&h);
    assert_false(guest_is_served(h.guests[fifth], 200));
    leave(&h, 0);
    assert_true(guest_is_served(h.guests[fifth], 200));
    assert_int_equal(guests_count(h.g).answer_bytes, 600 + 700 + 200);
    guest_waits(h.guests[3]);
    guest_waits(h.guests[fifth]);
    leave(&h, 2);
    assert_int_equal(guests_count(h.g).answer_bytes, 0);
    assert_true(guest_is_served(h.guests[3], 5 * BYTES));  // larger than all may be: alone
    assert_false(guest_is_served(h.guests[fifth], 10));
    close_house(&h);
}

static void who_is_nobody_is_served(void **state)
{
    (void)state;
    assert_true(guest_is_served(NULL, 1));
    guest_waits(NULL);
    guest_listens(NULL);
    guests_leave(NULL);
    guests_free(NULL);
    assert_int_equal(guests_count(NULL).served, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_too_many_sends_off_who_waited_longest),
        cmocka_unit_test(whose_request_is_not_read_yet_is_not_the_slow_one),
        cmocka_unit_test(those_who_wait_never_push_out_an_answer),
        cmocka_unit_test(those_who_read_slowly_never_shut_the_door),
        cmocka_unit_test(streams_are_left_alone),
        cmocka_unit_test(answers_that_are_not_taken_hold_only_so_many_bytes),
        cmocka_unit_test(who_is_nobody_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
