/* limiter_test.c - the bucket of the GC CPU limiter, figure by figure; pacer_test.c runs it against programs
 * near the memory limit. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "gc/limiter.h"

#define MS  ((uint64_t)1000000)
#define SEC (1000 * MS)

static struct limiter started(uint32_t procs) {
    struct limiter l;
    trix_limiter_init(&l, procs, 5 * SEC);
    assert_true(trix_limiter_check(&l) && !trix_limiter_limiting(&l));
    assert_int_equal(l.capacity_ns, procs * SEC);
    return l;
}

/* `ms` later, with these CPU times; expects this level. */
static void later(struct limiter *l, uint64_t ms, struct limiter_times t, uint64_t fill_ms) {
    t.assist_ns *= MS, t.idle_ns *= MS, t.idle_mark_ns *= MS;
    bool limiting = trix_limiter_update(l, &t, l->last_ns + ms * MS);
    assert_int_equal(l->fill_ns, fill_ms * MS);
    assert_int_equal(limiting, l->fill_ns == l->capacity_ns);
    assert_int_equal(limiting, trix_limiter_limiting(l));
    assert_true(trix_limiter_check(l));
}

#define NONE       ((struct limiter_times){0})
#define ASSIST(ms) ((struct limiter_times){.assist_ns = (ms)})

static void phase(struct limiter *l, enum limiter_phase phase) {
    trix_limiter_set_phase(l, phase, NULL, l->last_ns);
    assert_int_equal(l->phase, phase);
}

static void test_marking(void **state) {
    (void)state;
    struct limiter l = started(4);
    later(&l, 100, NONE, 0); /* the program runs: empty stays empty */
    phase(&l, LIMITER_MARKING);
    later(&l, 100, NONE, 0);          /* 25 % */
    later(&l, 100, ASSIST(100), 0);   /* 50 %: neither way */
    later(&l, 100, ASSIST(200), 200); /* 75 %: 300 in, 100 out of 400 */
    later(&l, 100, ASSIST(100), 200);
    later(&l, 100, ASSIST(50), 100);
    later(&l, 100, NONE, 0);
    later(&l, 100, ASSIST(300), 400); /* all of it */
    phase(&l, LIMITER_OFF);
    later(&l, 50, NONE, 200);
    later(&l, 10, ASSIST(20), 200); /* assists end a little after marking */
    later(&l, 1000, NONE, 0);
}

static void test_stopped(void **state) {
    (void)state;
    struct limiter l = started(8);
    phase(&l, LIMITER_STOPPED);
    later(&l, 10, NONE, 80);
    later(&l, 10, ((struct limiter_times){.idle_ns = 70, .assist_ns = 9}), 160); /* not looked at */
    phase(&l, LIMITER_MARKING);
    later(&l, 10, NONE, 120);
    trix_limiter_set_phase(&l, LIMITER_STOPPED, NULL,
                           l.last_ns + 10 * MS); /* the time before was not stopped */
    assert_int_equal(l.fill_ns, 80 * MS);
    trix_limiter_set_phase(&l, LIMITER_OFF, &ASSIST(7 * MS), l.last_ns + 10 * MS);
    assert_int_equal(l.fill_ns, 160 * MS);
    trix_limiter_set_phase(&l, LIMITER_MARKING, &ASSIST(7 * MS),
                           l.last_ns); /* told late: 7 in, and 7 not drained */
    assert_int_equal(l.fill_ns, 174 * MS);
}

static void test_idle_counts_neither_way(void **state) {
    (void)state;
    struct limiter l = started(4);
    phase(&l, LIMITER_MARKING);
    later(&l, 100, ASSIST(300), 400);
    later(&l, 100, ((struct limiter_times){.idle_ns = 200}), 400);                     /* 100 : 100 */
    later(&l, 100, ((struct limiter_times){.idle_ns = 150, .idle_mark_ns = 50}), 400); /* the same */
    later(&l, 100, ((struct limiter_times){.idle_mark_ns = 300}), 500);                /* 100 : 0 */
    later(&l, 100, ((struct limiter_times){.idle_ns = 4000}), 600);                    /* more than all */
    later(&l, 100, ((struct limiter_times){.idle_ns = 100, .assist_ns = 50}), 600);    /* 150 : 150 */
    phase(&l, LIMITER_OFF);
    later(&l, 100, ((struct limiter_times){.idle_ns = 400}), 600);
    later(&l, 100, ((struct limiter_times){.idle_ns = 300}), 500);
}

static void test_full(void **state) {
    (void)state;
    struct limiter l = started(2);
    phase(&l, LIMITER_STOPPED);
    later(&l, 999, NONE, 1998);
    assert_false(trix_limiter_limiting(&l));
    later(&l, 1, NONE, 2000); /* to the brim */
    assert_true(trix_limiter_limiting(&l));
    assert_int_equal(l.overflow_ns, 0);
    later(&l, 10, NONE, 2000);
    assert_int_equal(l.overflow_ns, 20 * MS);
    phase(&l, LIMITER_MARKING);
    later(&l, 10, ASSIST(5), 2000); /* 50 %: stays full */
    assert_true(trix_limiter_limiting(&l));
    later(&l, 10, NONE, 1990);
    assert_false(trix_limiter_limiting(&l));
    later(&l, 10, ASSIST(15), 2000);
    assert_int_equal(l.overflow_ns, 30 * MS);
    later(&l, 10, ASSIST(10), 2000); /* full already: all of the surplus */
    assert_int_equal(l.overflow_ns, 40 * MS);
}

/* An assist told late, in full, leads to the level it would have if told bit by bit. */
static void test_late_assist(void **state) {
    (void)state;
    struct limiter whole = started(2), bits = started(2);
    phase(&whole, LIMITER_STOPPED), phase(&bits, LIMITER_STOPPED);
    later(&whole, 500, NONE, 1000), later(&bits, 500, NONE, 1000);
    phase(&whole, LIMITER_MARKING), phase(&bits, LIMITER_MARKING);
    for (int i = 1; i <= 10; i++) later(&bits, 10, ASSIST(15), 1000 + 20 * (uint64_t)i);
    for (int i = 1; i < 10; i++) later(&whole, 10, NONE, 1000 - 10 * (uint64_t)i);
    later(&whole, 10, ASSIST(150), 1200);
}

static void test_procs(void **state) {
    (void)state;
    struct limiter l = started(4);
    phase(&l, LIMITER_STOPPED);
    later(&l, 500, NONE, 2000);
    assert_false(
        trix_limiter_set_procs(&l, 6, NULL, l.last_ns + 100 * MS)); /* the time before counts for 4 */
    assert_int_equal(l.fill_ns, 2400 * MS);
    assert_int_equal(l.capacity_ns, 6 * SEC);
    later(&l, 100, NONE, 3000);
    assert_true(trix_limiter_set_procs(&l, 2, NULL, l.last_ns)); /* a smaller bucket is full */
    assert_int_equal(l.fill_ns, 2 * SEC);
    assert_false(trix_limiter_set_procs(&l, 3, NULL, l.last_ns));
    trix_limiter_set_procs(&l, 0, NULL, l.last_ns);
    assert_true(l.procs == 1 && trix_limiter_check(&l));
}

/* 60 % fill it in due time; 50 % never do. Two processors, updates every 10 ms. */
static void test_half_is_the_cap(void **state) {
    (void)state;
    struct limiter l = started(2);
    phase(&l, LIMITER_MARKING);
    for (int i = 0; i < 10000; i++) later(&l, 10, ASSIST(5), 0);
    int updates = 0;
    while (!trix_limiter_update(&l, &(struct limiter_times){.assist_ns = 7 * MS}, l.last_ns + 10 * MS))
        updates++;
    assert_int_equal(updates, 499); /* 12 of 20 ms: 4 ms a time fill 2 s in 500 */
}

static void test_odd_clocks_and_extremes(void **state) {
    (void)state;
    struct limiter l = started(2);
    phase(&l, LIMITER_STOPPED);
    later(&l, 10, NONE, 20);
    trix_limiter_update(&l, NULL, 0); /* backwards */
    assert_true(l.fill_ns == 20 * MS && l.last_ns == 5 * SEC + 10 * MS);
    later(&l, 10, NONE, 40);
    static const uint64_t figures[] = {0, 1, 1 << 30, INT64_MAX, UINT64_MAX};
    for (int i = 0; i < 5 * 5 * 5 * 5 * 3; i++) {
        trix_limiter_init(&l, UINT32_MAX, 0);
        l.fill_ns = i % 2 ? l.capacity_ns : 0;
        trix_limiter_set_phase(&l, (enum limiter_phase)(i / 625), NULL, 0);
        struct limiter_times t = {figures[i % 5], figures[i / 5 % 5], figures[i / 25 % 5]};
        trix_limiter_update(&l, &t, figures[i / 125 % 5]);
        trix_limiter_update(&l, &t, UINT64_MAX);
        assert_true(trix_limiter_check(&l));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marking),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_idle_counts_neither_way),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_late_assist),
        cmocka_unit_test(test_procs),
        cmocka_unit_test(test_half_is_the_cap),
        cmocka_unit_test(test_odd_clocks_and_extremes),
    };
    return cmocka_run_group_tests_name("limiter", tests, NULL, NULL);
}
