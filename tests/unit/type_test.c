/* type_test.c - from declarations of types to layouts. */
#include "unit.h"

#include "heap/gate.h"
#include "heap/type.h"

#include "../../include/tricolor.h"

#include <string.h>

struct pair {
    void *first;
    long number;
    void *second;
};
TRI_TYPE(struct pair, first, second)

typedef struct pair pair_alias; /* another name: no declaration of its own */

struct nested {
    char tag;
    struct {
        void *in;
        int n;
    } a[3];
    double weight;
};
TRI_TYPE(struct nested, a[0].in, a[2])

struct only_pointers {
    void *p[4];
};
TRI_TYPE(struct only_pointers, p)

struct bytes {
    char b[100];
};
TRI_TYPE_LEAF(struct bytes)

struct many {
    long number[100];
    void *pointer[30];
    long more[10];
};
TRI_TYPE(struct many, pointer, number[0])

union word {
    void *pointer;
    long number;
};
TRI_TYPE_ANY(union word)

struct undeclared {
    long number;
    void *pointer;
};

struct flexible {
    void *next;
    long length;
    void *tail[];
};
TRI_TYPE(struct flexible, next)

struct __attribute__((packed)) unaligned {
    char c;
    void *pointer;
    char rest[7];
};
TRI_TYPE(struct unaligned, pointer)

#define LAYOUT(T)  trix_layout_of_type((tri_type *)(uintptr_t)tri_type_of(T))
#define ELEMENT(T) trix_layout_of_element((tri_type *)(uintptr_t)tri_type_of(T))

static void test_fields(void **state) {
    (void)state;
    const struct layout *l = LAYOUT(struct pair);
    assert_int_equal(l->kind, LAYOUT_MASK);
    assert_int_equal(l->mask, 5);
    assert_int_equal(l->size, 24);
    assert_true(l->exact);
    assert_ptr_equal(LAYOUT(struct pair), l); /* another use, another tri_type */
}

static void test_nested(void **state) {
    (void)state;
    const struct layout *l = LAYOUT(struct nested);
    assert_int_equal(l->mask, 1u << 1 | 1u << 5 | 1u << 6);
}

static void test_normal_forms(void **state) {
    (void)state;
    assert_int_equal(LAYOUT(struct only_pointers)->kind, LAYOUT_ANY);
    assert_int_equal(LAYOUT(struct bytes)->kind, LAYOUT_LEAF);
    assert_int_equal(LAYOUT(struct bytes)->size, 104);
    assert_int_equal(LAYOUT(union word)->kind, LAYOUT_ANY);
    assert_int_equal(LAYOUT(union word)->size, 16); /* no slot is smaller */
    assert_int_equal(LAYOUT(struct undeclared)->kind, LAYOUT_ANY);
    assert_int_equal(LAYOUT(pair_alias)->kind, LAYOUT_ANY); /* known by name only */
    assert_int_equal(LAYOUT(double)->kind, LAYOUT_LEAF);
    assert_int_equal(LAYOUT(int)->id, LAYOUT_ID_TINY);
    assert_int_equal(LAYOUT(char *)->kind, LAYOUT_ANY);
}

static void test_const_and_tags(void **state) {
    (void)state;
    assert_ptr_equal(LAYOUT(const struct pair), LAYOUT(struct pair));
    assert_ptr_equal(LAYOUT(volatile struct pair), LAYOUT(struct pair));
}

static void test_long_mask(void **state) {
    (void)state;
    const struct layout *l = LAYOUT(struct many);
    assert_int_equal(l->kind, LAYOUT_MASK);
    assert_int_equal(l->mask, 1);
    for (unsigned w = 64; w < sizeof(struct many) / 8; w++)
        assert_int_equal(bits_test(l->more, w - 64), w >= 100 && w < 130);
    assert_int_equal(l->words, 130);
}

/* A pointer that is not at a multiple of 8 is no word that a scan sees. */
static void test_unaligned(void **state) {
    (void)state;
    assert_int_equal(LAYOUT(struct unaligned)->kind, LAYOUT_LEAF);
}

static void test_elements(void **state) {
    (void)state;
    assert_int_equal(ELEMENT(struct pair)->mask, 5);
    assert_int_equal(ELEMENT(struct pair)->exact, 0);
    assert_int_equal(ELEMENT(struct only_pointers)->id, LAYOUT_ID_WORDS);
    assert_int_equal(ELEMENT(struct bytes)->id, LAYOUT_ID_BYTES);
    assert_int_equal(ELEMENT(char *)->id, LAYOUT_ID_WORDS);
    assert_int_equal(ELEMENT(char)->id, LAYOUT_ID_BYTES);
    assert_int_equal(ELEMENT(double)->id, LAYOUT_ID_BYTES);
    assert_int_equal(ELEMENT(long)->id, LAYOUT_ID_WORDS); /* an integer that may hold a pointer */
}

static void test_flexible(void **state) {
    (void)state;
    tri_type *type = (tri_type *)(uintptr_t)tri_type_of(struct flexible);
    const struct layout *any = trix_layout_of_flex(type, offsetof(struct flexible, tail), true);
    const struct layout *leaf = trix_layout_of_flex(type, offsetof(struct flexible, tail), false);
    assert_int_equal(any->kind, LAYOUT_TAIL_ANY);
    assert_int_equal(leaf->kind, LAYOUT_TAIL_LEAF);
    assert_int_equal(any->mask, 1);
    assert_int_equal(leaf->mask, 1);
    assert_int_equal(any->size, 16);
    tri_type *bytes = (tri_type *)(uintptr_t)tri_type_of(struct bytes);
    assert_int_equal(trix_layout_of_flex(bytes, 100, false)->id, LAYOUT_ID_BYTES);
}

int main(void) {
    gate_enter(); /* what is called here is called inside only */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),         cmocka_unit_test(test_nested),    cmocka_unit_test(test_normal_forms),
        cmocka_unit_test(test_const_and_tags), cmocka_unit_test(test_long_mask), cmocka_unit_test(test_unaligned),
        cmocka_unit_test(test_elements),       cmocka_unit_test(test_flexible),
    };
    return cmocka_run_group_tests_name("type", tests, NULL, NULL);
}
