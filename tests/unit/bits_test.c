/* bits_test.c - bitmaps against the same thing done bit by bit. */
#include "unit.h"

#include "base/bits.h"

#include <string.h>

enum { BITS = 512, WORDS = BITS / 64, ROUNDS = 3000 };

static void test_words(void **state) {
    (void)state;
    assert_int_equal(bits_below(0), 0);
    assert_int_equal(bits_below(1), 1);
    assert_int_equal(bits_below(40), 0xffffffffff);
    assert_true(bits_below(64) == ~0ull && bits_below(200) == ~0ull);
    for (unsigned i = 0; i < 64; i++) {
        uint64_t bit = 1ull << i;
        assert_int_equal(bits_lowest(bit | ~bits_below(i)), i);
        assert_int_equal(bits_width(bit | bits_below(i)), i + 1);
        assert_int_equal(bits_count(bits_below(i)), i);
    }
    assert_int_equal(bits_width(0), 0);
}

/* Long runs and short ones, and words that are full or empty. */
static void random_map(uint64_t *map) {
    for (int w = 0; w < WORDS; w++) {
        switch (random_below(5)) {
        case 0: map[w] = 0; break;
        case 1: map[w] = ~0ull; break;
        case 2: map[w] = random_word() & random_word() & random_word(); break;
        case 3: map[w] = random_word() | random_word() | random_word(); break;
        default: map[w] = random_word();
        }
    }
}

static size_t slow_run(const uint64_t *map, size_t from, size_t nbits) {
    size_t i = from;
    while (i < nbits && bits_test(map, i)) i++;
    return i - from;
}

static size_t slow_next(const uint64_t *map, size_t from, size_t nbits) {
    while (from < nbits && !bits_test(map, from)) from++;
    return from;
}

static size_t slow_count(const uint64_t *map, size_t from, size_t n) {
    size_t total = 0;
    for (size_t i = from; i < from + n; i++) total += bits_test(map, i);
    return total;
}

static void test_looking(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t map[WORDS];
        random_map(map);
        size_t nbits = 1 + random_below(BITS), from = random_below(nbits);
        assert_int_equal(bits_run(map, from, nbits), slow_run(map, from, nbits));
        assert_int_equal(bits_next(map, from, nbits), slow_next(map, from, nbits));
        assert_int_equal(trix_bits_count_range(map, from, nbits - from), slow_count(map, from, nbits - from));
    }
}

/* With the processor's instruction, where there is one, and without. */
static void test_counting(void **state) {
    (void)state;
    trix_bits_init();
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t map[WORDS];
        bool here = trix_bits_popcnt;
        random_map(map);
        size_t from = random_below(BITS), n = random_below(BITS - from + 1), count = slow_count(map, from, n);
        assert_int_equal(trix_bits_count_range(map, from, n), count);
        assert_int_equal(bits_count(map[0]), slow_count(map, 0, 64));
        trix_bits_popcnt = false;
        assert_int_equal(trix_bits_count_range(map, from, n), count);
        assert_int_equal(bits_count(map[0]), slow_count(map, 0, 64));
        trix_bits_popcnt = here;
    }
}

static void test_at_the_end(void **state) {
    (void)state;
    uint64_t ones[WORDS], none[WORDS] = {0};
    memset(ones, 0xff, sizeof ones);
    assert_int_equal(bits_run(ones, 0, BITS), BITS);
    assert_int_equal(bits_run(ones, BITS, BITS), 0);
    assert_int_equal(bits_run(ones, 3, 70), 67);
    assert_int_equal(bits_next(none, 0, BITS), BITS);
    assert_int_equal(bits_next(ones, BITS, BITS), BITS);
    bits_set(none, 100);
    assert_int_equal(bits_next(none, 0, 100), 100); /* the bit lies behind the end */
    assert_int_equal(trix_bits_count_range(ones, 17, 0), 0);
}

static void test_changing(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t map[WORDS], before[WORDS];
        random_map(map);
        memcpy(before, map, sizeof map);
        size_t from = random_below(BITS), n = random_below(BITS - from + 1);
        bool value = random_below(2);
        bits_fill(map, from, n, value);
        for (size_t i = 0; i < BITS; i++)
            assert_int_equal(bits_test(map, i), i >= from && i < from + n ? value : bits_test(before, i));
        bits_clear(map, from);
        assert_false(bits_test(map, from));
        bits_set(map, from);
        assert_true(bits_test(map, from));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_looking),
        cmocka_unit_test(test_counting),
        cmocka_unit_test(test_at_the_end),
        cmocka_unit_test(test_changing),
    };
    return cmocka_run_group_tests_name("bits", tests, NULL, NULL);
}
