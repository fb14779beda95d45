/* Tiny, small, large: three ways of allocating by size, and what each takes. tri_size tells the bytes usable at a pointer. */
#include <stdio.h>
#include <tricolor.h>

struct triple {
    void *a, *b;
    long n;
};
TRI_TYPE(struct triple, a, b)

static void show(const char *what, size_t wanted, void *object) {
    printf("%-28s %7zu bytes: room for %zu\n", what, wanted, tri_size(object));
}

int main(void) {
    show("tiny, never scanned", 5, tri_alloc_leaf(5));          /* 8-byte pieces of a 32-byte block */
    show("small, never scanned", 100, tri_alloc_leaf(100));     /* a size class: a spare byte, then rounded up */
    show("small, scanned", 1000, tri_alloc(1000));
    show("large", 100000, tri_alloc(100000));                   /* over 32 KiB: whole pages of its own */

    struct triple *t = NULL; /* a declared type: exactly its size, no rounding to a class */
    for (int i = 0; i < 100; i++) t = tri_new(struct triple); /* (from its 32nd object on; before, it is rare) */
    show("declared type", sizeof *t, t);
    return 0;
}
