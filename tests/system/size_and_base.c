/* tri_size, tri_base and tri_is_heap, for every kind of object, at its start, inside, at its end, and
 * outside. */
#include "check.h"

struct exact {
    struct exact *next;
    long a, b;
};
TRI_TYPE(struct exact, next)
struct flex {
    size_t n;
    struct exact *item[];
};
TRI_TYPE_LEAF(struct flex)

/* Every byte of the object leads back to its start, and none of those right outside does. */
static void look(const char *what, void *object, size_t size, bool exactly) {
    char *p = (char *)object;
    size_t usable = tri_size(p);
    REQUIRE(exactly ? usable == size : usable >= size, "%s of %zu bytes has %zu", what, size, usable);
    size_t pace = size > 5000 ? 997 : 1;
    for (size_t i = 0; i < usable; i += pace) {
        REQUIRE(tri_base(p + i) == p, "%s: the base of %p is %p, not %p", what, (void *)(p + i),
                tri_base(p + i), object);
        REQUIRE(tri_size(p + i) == usable - i, "%s: %zu bytes from %zu", what, tri_size(p + i), i);
        REQUIRE(tri_is_heap(p + i), "%s: %zu", what, i);
    }
    REQUIRE(tri_base(p - 1) != p, "%s: the byte before belongs to it", what);
}

int main(void) {
    static int global;
    int local;
    for (size_t size = 8; size < 40000; size = size < 70 ? size + 1 : size + size / 5) {
        look("tri_alloc", tri_alloc(size), size, false);
        look("tri_alloc_leaf", tri_alloc_leaf(size), size, false);
        REQUIRE(tri_base((char *)tri_alloc(size) + size), "the end of a block of %zu is outside", size);
    }
    look("a large block", tri_alloc(10 << 20), 10 << 20, false);
    look("a large leaf", tri_alloc_leaf(100000), 100000, false);
    for (int i = 0; i < 100; i++) look("a typed object", tri_new(struct exact), sizeof(struct exact), true);
    for (size_t n = 1; n < 6000; n = n * 2 + 1) {
        struct exact *array = tri_new_array(struct exact, n);
        look("an array", array, n * sizeof *array, n * sizeof *array < 30000);
        REQUIRE(tri_base(array + n) == array, "an array of %zu ends outside", n);
        struct flex *f = tri_new_flex(struct flex, item, n);
        look("a flexible struct", f, sizeof *f + n * sizeof f->item[0], false);
        REQUIRE(tri_base(&f->item[n]) == f, "a flexible struct with %zu ends outside", n);
    }
    void *foreign[] = {NULL, &global, &local, (void *)main, malloc(10), (void *)16, (void *)-16};
    for (unsigned i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        REQUIRE(tri_size(foreign[i]) == 0, "%p has a size", foreign[i]);
        REQUIRE(tri_base(foreign[i]) == NULL, "%p has a base", foreign[i]);
        REQUIRE(!tri_is_heap(foreign[i]), "%p is heap", foreign[i]);
    }
    tri_gc();
    tri_set_gc_percent(-1); /* while marking, tri_free does nothing */
    void *freed = tri_alloc(5000), *freed_large = tri_alloc(1 << 20);
    tri_free(freed);
    tri_free(freed_large);
    REQUIRE(!tri_base(freed) && !tri_size(freed) && !tri_is_heap(freed), "a freed block is live");
    REQUIRE(!tri_base(freed_large) && !tri_is_heap((char *)freed_large + 70000),
            "a freed large block is live");
    free(foreign[4]);
    return 0;
}
