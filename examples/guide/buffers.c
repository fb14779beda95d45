/* buffers.c - blocks of bytes, aligned blocks, and a vector of pointers that grows. */
#include "expect.h"
#include <stdint.h>
#include <string.h>
#include <tricolor.h>

struct vector {
    void **item;
    size_t n, room;
};
TRI_TYPE(struct vector, item)

static void vector_add(struct vector *v, void *item) {
    if (v->n == v->room) {
        v->room = v->room ? 2 * v->room : 8;
        if (v->item)
            tri_set(v->item, tri_realloc(v->item, v->room * sizeof *v->item));
        else
            tri_set(v->item, tri_new_array(void *, v->room));
    }
    tri_set(v->item[v->n], item);
    v->n++;
}

int main(void) {
    struct vector *v = tri_new(struct vector);
    for (int i = 0; i < 100000; i++) {
        unsigned char *bytes = tri_alloc_leaf(100); /* zeroed, never scanned */
        bytes[99] = (unsigned char)i;
        vector_add(v, bytes);
    }
    tri_gc();
    for (int i = 0; i < 100000; i++) {
        const unsigned char *bytes = v->item[i];
        expect(bytes[0] == 0 && bytes[99] == (unsigned char)i && tri_size(bytes) >= 100);
    }
    float *matrix = tri_alloc_aligned(64, 1024 * sizeof *matrix);
    expect((uintptr_t)matrix % 64 == 0);

    char *huge = tri_alloc_leaf((size_t)1 << 30); /* address space until it is touched */
    huge[0] = 1;
    expect(tri_base(huge + 12345) == huge);
    tri_free(huge); /* a hint, for a big block known to be dead */
    return 0;
}
