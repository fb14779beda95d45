/* pins_test.c - the table of pins against plain counters: it grows, and removing one pin loses no other. */
#include "unit.h"

#include "heap/gate.h"
#include "gc/pins.h"
#include "gc/init.h"

/* Addresses of no object: the table does not look at what it holds. */
enum { OBJECTS = 3000, STEPS = 200000 };
static unsigned count[OBJECTS];

/* Neighbours, and such as differ only in high bits, so that many of them collide. */
static uintptr_t object(size_t i) { return i % 2 ? 0x10000 + i * 8 : (uintptr_t)(i + 1) << 44; }

static void test_random(void **state) {
    (void)state;
    for (int step = 0; step < STEPS; step++) {
        size_t i = random_below(step < STEPS / 2 ? OBJECTS : OBJECTS / 10);
        switch (random_below(5)) {
        case 0:
        case 1:
            trix_pin_add(object(i));
            count[i]++;
            break;
        case 2:
        case 3:
            assert_int_equal(trix_pin_drop(object(i), false), count[i] > 0);
            if (count[i]) count[i]--;
            break;
        default:
            if (random_below(10)) break;
            assert_int_equal(trix_pin_drop(object(i), true), count[i] > 0);
            count[i] = 0;
        }
    }
    for (size_t i = 0; i < OBJECTS; i++) {
        for (; count[i]; count[i]--) assert_true(trix_pin_drop(object(i), false));
        assert_false(trix_pin_drop(object(i), false));
    }
}

static void test_counts(void **state) {
    (void)state;
    assert_false(trix_pin_drop(object(1), false));
    for (int i = 0; i < 1000; i++) trix_pin_add(object(1));
    for (int i = 0; i < 1000; i++) assert_true(trix_pin_drop(object(1), false));
    assert_false(trix_pin_drop(object(1), false));
    trix_pin_add(object(1));
    trix_pin_add(object(1));
    assert_true(trix_pin_drop(object(1), true));
    assert_false(trix_pin_drop(object(1), true));
}

int main(void) {
    trix_init();
    gate_enter(); /* what is called here is called inside only */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests_name("pins", tests, NULL, NULL);
}
