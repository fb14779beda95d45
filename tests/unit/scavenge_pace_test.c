/* scavenge_pace_test.c - how much memory goes back and how fast, without a heap: figures from Go's rules, and a simulation
 * of an hour's bouts. */
#include "unit.h"

#include "gc/scavenge_pace.h"

#define MIB ((uint64_t)1 << 20)
#define SECOND ((uint64_t)1000 * 1000 * 1000)

static void test_retain(void **state) {
    (void)state;
    assert_int_equal(trix_scavenge_retain(100 * MIB, 200 * MIB, 200 * MIB), 110 * MIB);
    assert_int_equal(trix_scavenge_retain(2000 * MIB, 4000 * MIB, 200 * MIB), 110 * MIB); /* fell to a twentieth */
    assert_int_equal(trix_scavenge_retain(100 * MIB, 100 * MIB, 200 * MIB), 220 * MIB);   /* grows */
    assert_int_equal(trix_scavenge_retain(4 * MIB, 4 * MIB, 4 * MIB), 16 * MIB);          /* a small heap keeps all */
    assert_int_equal(trix_scavenge_retain(100 * MIB, 0, 200 * MIB), SCAVENGE_NEVER);      /* no cycle yet */
    assert_int_equal(trix_scavenge_retain(100 * MIB, UINT64_MAX, UINT64_MAX), 110 * MIB); /* GOGC=off */
    assert_int_equal(trix_scavenge_retain(100 * MIB, UINT64_MAX, 200 * MIB), SCAVENGE_NEVER);
    assert_int_equal(trix_scavenge_retain(100 * MIB, 200 * MIB, UINT64_MAX), SCAVENGE_NEVER);
    assert_int_equal(trix_scavenge_retain(UINT64_MAX, 1, UINT64_MAX - 1), SCAVENGE_NEVER); /* silly figures */
}

static void test_limit(void **state) {
    (void)state;
    assert_int_equal(trix_scavenge_limit(400 * MIB), 380 * MIB);
    assert_int_equal(trix_scavenge_limit(0), 0);
    assert_int_equal(trix_scavenge_limit(INT64_MAX), SCAVENGE_NEVER);
    assert_int_equal(trix_scavenge_limit(UINT64_MAX), SCAVENGE_NEVER);
}

static void test_excess(void **state) {
    (void)state;
    assert_int_equal(trix_scavenge_excess(100, 110, 1000, SCAVENGE_NEVER), 0);
    assert_int_equal(trix_scavenge_excess(150, 110, 1000, SCAVENGE_NEVER), 40);
    assert_int_equal(trix_scavenge_excess(150, 110, 1000, 900), 100); /* the limit wants more */
    assert_int_equal(trix_scavenge_excess(150, SCAVENGE_NEVER, 800, 900), 0);
}

/* Runs bouts of `cost` ns for a while; returns the CPU time spent. */
static uint64_t simulate(uint32_t procs, uint64_t cost, uint64_t ns) {
    struct scavenge_pace pace = {0};
    uint64_t now = 1, end = 1 + ns, spent = 0;
    while (now < end) {
        uint64_t wait = trix_scavenge_wait(&pace, procs, now);
        if (wait == 0) {
            trix_scavenge_spend(&pace, cost);
            spent += cost;
            wait = cost;
        }
        now += wait;
    }
    return spent;
}

static void test_share(void **state) {
    (void)state;
    static const uint64_t costs[] = {1000 * 1000, 1100 * 1000, 3700 * 1000, 80 * 1000 * 1000};
    for (uint32_t procs = 1; procs <= 64; procs *= 4)
        for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
            uint64_t spent = simulate(procs, costs[i], 3600 * SECOND), due = 36 * SECOND * procs;
            assert_in_range(spent, due * 98 / 100, due * 102 / 100 + 5 * costs[i]);
        }
}

/* Rest earns no more than a few bouts, and a clock that stands still or goes back earns nothing. */
static void test_rest(void **state) {
    (void)state;
    struct scavenge_pace pace = {0};
    int bouts = 0;
    assert_true(trix_scavenge_wait(&pace, 2, 5 * SECOND) > 0); /* nothing earned before the first look */
    for (uint64_t now = 1000 * SECOND; trix_scavenge_wait(&pace, 2, now) == 0; now += SCAVENGE_BOUT_NS, bouts++)
        trix_scavenge_spend(&pace, SCAVENGE_BOUT_NS);
    assert_in_range(bouts, 3, 5);
    int64_t credit = pace.credit_ns;
    trix_scavenge_wait(&pace, 2, 10 * SECOND);
    assert_int_equal(pace.credit_ns, credit);
}

static void test_idle_cycles(void **state) {
    (void)state;
    const uint64_t longest = 120 * SECOND;
    assert_int_equal(trix_scavenge_rest(0, 63 * MIB, longest), longest); /* not worth it */
    assert_int_equal(trix_scavenge_rest(0, 64 * MIB, longest), 15 * SECOND);
    assert_int_equal(trix_scavenge_rest(2 * SECOND, 2048 * MIB, longest), 40 * SECOND);
    assert_int_equal(trix_scavenge_rest(UINT64_MAX, 2048 * MIB, longest), longest);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retain), cmocka_unit_test(test_limit), cmocka_unit_test(test_excess),
        cmocka_unit_test(test_share),  cmocka_unit_test(test_rest),  cmocka_unit_test(test_idle_cycles),
    };
    return cmocka_run_group_tests_name("scavenge_pace", tests, NULL, NULL);
}
