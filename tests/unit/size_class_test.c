/* size_class_test.c - the table of size classes is sound, and every size finds the smallest class that serves it. */
#include "unit.h"

#include "gc/init.h"
#include "heap/layout.h"

static void test_table(void **state) {
    (void)state;
    assert_int_equal(trix_class_size[NUM_CLASSES - 1], MAX_SMALL);
    for (unsigned c = 1; c < NUM_CLASSES; c++) {
        unsigned size = trix_class_size[c], bytes = trix_class_pages[c] * 8192u;
        assert_true(size > trix_class_size[c - 1]);
        assert_int_equal(size % 8, 0);
        assert_true(bytes >= size);
        assert_true(bytes % size <= bytes / 8); /* tail waste at most an eighth: Go's rule */
        if (c > 1) assert_true(bytes / size <= SPAN_SLOTS);
    }
}

static void test_class_of(void **state) {
    (void)state;
    unsigned expected = 1;
    for (unsigned bytes = 1; bytes <= MAX_SMALL; bytes++) {
        if (bytes > trix_class_size[expected]) expected++;
        assert_int_equal(trix_class_of(bytes), expected);
    }
}

/* Untyped blocks: 16-byte aligned slots with a spare byte behind the block, and no class skipped but for alignment. */
static void test_blocks(void **state) {
    (void)state;
    for (size_t bytes = 0; bytes < MAX_SMALL; bytes++) {
        unsigned c = class_of_block(bytes);
        assert_true(c >= 2 && c < NUM_CLASSES);
        assert_true(trix_class_size[c] > bytes);
        assert_int_equal(trix_class_size[c] % 16, 0);
        unsigned below = c - 1;
        while (trix_class_size[below] % 16) below--;
        assert_true(below < 2 || trix_class_size[below] <= bytes || bytes + 16 > trix_class_size[below]);
    }
}

int main(void) {
    trix_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_class_of),
        cmocka_unit_test(test_blocks),
    };
    return cmocka_run_group_tests_name("size_class", tests, NULL, NULL);
}
