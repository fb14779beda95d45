/* layout_test.c - layouts: geometry that divides without dividing, one layout a shape, trailers. */
#include "unit.h"

#include "heap/gate.h"
#include "gc/init.h"
#include "heap/layout.h"
#include "heap/object.h"

#include <string.h>

/* The slot of every byte of a span, by multiplication, is what division says. */
static void check_geometry(const struct layout *l) {
    struct page p = {.magic = l->magic};
    uint32_t bytes = (uint32_t)l->span_pages << PAGE_SHIFT;
    assert_int_equal(l->slots, bytes / l->size);
    for (uint32_t offset = 0; offset < bytes; offset++) assert_int_equal(page_slot(&p, offset), offset / l->size);
}

static void test_rows(void **state) {
    (void)state;
    static const struct {
        unsigned first;
        enum layout_kind kind;
    } rows[] = {{LAYOUT_ROW_LEAF, LAYOUT_LEAF}, {LAYOUT_ROW_ANY, LAYOUT_ANY}, {LAYOUT_ROW_TRAILED, LAYOUT_TRAILED}};
    for (size_t r = 0; r < ARRAY_LEN(rows); r++)
        for (unsigned c = 2; c < NUM_CLASSES; c++) {
            const struct layout *l = layout_by_id(rows[r].first + c);
            assert_int_equal(l->id, rows[r].first + c);
            assert_int_equal(l->kind, rows[r].kind);
            assert_int_equal(l->size, trix_class_size[c]);
            assert_int_equal(l->size_class, c);
            assert_false(l->exact);
            assert_int_equal(l->words, l->kind == LAYOUT_LEAF ? 0 : l->size / 8);
            if (r == 0) check_geometry(l);
        }
    check_geometry(layout_by_id(LAYOUT_ID_TINY));
    assert_int_equal(layout_by_id(LAYOUT_NONE)->size, 0);
}

static struct shape shape_of(uint32_t size, uint64_t mask) {
    struct shape s = {.size = size, .kind = LAYOUT_MASK, .exact = 1, .mask_words = (size / 8 + 63) / 64};
    s.mask[0] = mask;
    return s;
}

/* Every size that a type can have. */
static void test_exact_sizes(void **state) {
    (void)state;
    for (uint32_t size = 16; size <= MAX_SMALL - 8; size += 8) {
        struct shape s = {.size = size, .kind = LAYOUT_LEAF, .exact = 1};
        if (size > 2048 && size % 136 != 0) continue; /* the table has room for 4,096 */
        const struct layout *l = trix_layout_intern(&s);
        assert_non_null(l);
        assert_int_equal(l->size, size);
        assert_true(trix_class_size[l->size_class] >= size);
        check_geometry(l);
    }
}

static void test_one_layout_a_shape(void **state) {
    (void)state;
    struct shape a = shape_of(48, 5), again = shape_of(48, 5), mask = shape_of(48, 6), size = shape_of(56, 5);
    struct shape inexact = shape_of(48, 5);
    inexact.exact = 0;
    const struct layout *l = trix_layout_intern(&a);
    unsigned count = trix_layouts_count();
    assert_ptr_equal(trix_layout_intern(&again), l);
    assert_int_equal(trix_layouts_count(), count);
    assert_ptr_not_equal(trix_layout_intern(&mask), l);
    assert_ptr_not_equal(trix_layout_intern(&size), l);
    assert_ptr_not_equal(trix_layout_intern(&inexact), l);
    assert_int_equal(trix_layouts_count(), count + 3);
    assert_int_equal(l->words, 3);
    assert_int_equal(l->mask, 5);
}

static void test_long_masks(void **state) {
    (void)state;
    struct shape a = shape_of(2400, 1), b = a; /* 300 words: 5 words of mask */
    bits_set(a.mask, 200);
    bits_set(b.mask, 201);
    const struct layout *la = trix_layout_intern(&a), *lb = trix_layout_intern(&b);
    assert_ptr_not_equal(la, lb);
    assert_ptr_equal(trix_layout_intern(&a), la);
    assert_ptr_equal(trix_layout_intern(&b), lb);
    assert_int_equal(la->words, 201);
    assert_int_equal(lb->words, 202);
    assert_true(bits_test(la->more, 200 - 64) && !bits_test(la->more, 201 - 64));
}

static void test_trailers(void **state) {
    (void)state;
    for (int i = 0; i < 20000; i++) {
        unsigned id = (unsigned)random_below(MAX_LAYOUTS);
        uint64_t bytes = random_below(1ull << 40) >> random_below(40);
        uint64_t trailer = trailer_make(id, bytes);
        assert_true(trailer != 0 && trailer_valid(trailer));
        assert_int_equal(trailer_layout(trailer), id);
        assert_int_equal(trailer_bytes(trailer), bytes);
        assert_false(trailer_valid(trailer ^ 1ull << (56 + random_below(8))));
    }
    assert_false(trailer_valid(0));
    assert_false(trailer_valid(~0ull));
    assert_false(trailer_valid(0x4141414141414141));
    assert_false(trailer_valid(trailer_make(MAX_LAYOUTS, 8)));
}

/* Of random words, as an overflow leaves them, few pass for trailers: one in 256 × 16. */
static void test_destroyed_trailers(void **state) {
    (void)state;
    enum { WORDS = 100000 };
    int passed = 0;
    for (int i = 0; i < WORDS; i++) passed += trailer_valid(random_word());
    assert_true(passed < WORDS / 1000);
}

/* Last, for it leaves no room: interning fails, and what was there stays. */
static void test_full_table(void **state) {
    (void)state;
    struct shape known = shape_of(48, 5), s = shape_of(64, 0);
    const struct layout *l = trix_layout_intern(&known), *made = l;
    for (uint64_t mask = 3; made && mask < 2 * MAX_LAYOUTS; mask++) {
        s.size = 64 + 8 * (uint32_t)(mask >> 8);
        s.mask[0] = mask & 0xff;
        s.mask_words = 1;
        made = trix_layout_intern(&s);
    }
    assert_null(made);
    assert_int_equal(trix_layouts_count(), MAX_LAYOUTS);
    assert_ptr_equal(trix_layout_intern(&known), l);
}

int main(void) {
    trix_init();
    gate_enter(); /* what is called here is called inside only */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),       cmocka_unit_test(test_exact_sizes), cmocka_unit_test(test_one_layout_a_shape),
        cmocka_unit_test(test_long_masks), cmocka_unit_test(test_trailers),    cmocka_unit_test(test_destroyed_trailers),
        cmocka_unit_test(test_full_table),
    };
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
