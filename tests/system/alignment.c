/* What lies where: 16 bytes for untyped blocks, _Alignof for types, what was asked for by tri_alloc_aligned.
 */
#include "check.h"

struct plain {
    void *p;
    char c[3];
};
TRI_TYPE(struct plain, p)
struct wide {
    void *p;
    char c[5];
} __attribute__((aligned(32)));
TRI_TYPE(struct wide, p)
struct line {
    char bytes[64];
    void *p;
} __attribute__((aligned(64)));
TRI_TYPE(struct line, p)
typedef __attribute__((aligned(16))) struct quad { double v[2]; } quad;
TRI_TYPE_LEAF(quad)

static void *kept[4096]; /* so that addresses are not given out twice */
static unsigned nkept;

static void look(const char *what, size_t size, void *p, size_t align) {
    REQUIRE((uintptr_t)p % align == 0, "%s of %zu bytes is at %p, not at a multiple of %zu", what, size, p,
            align);
    if (nkept < 4096) kept[nkept++] = p;
}

int main(void) {
    for (size_t size = 0; size < 3000; size = size < 200 ? size + 1 : size + size / 7) {
        look("tri_alloc", size, tri_alloc(size), 16);
        look("tri_alloc_leaf", size, tri_alloc_leaf(size), size < 8 ? 8 : 16);
        look("tri_alloc_root", size, tri_alloc_root(size), 16);
        look("tri_alloc_array", size, tri_alloc_array(size, 3), 16);
        look("tri_realloc", size, tri_realloc(tri_alloc(size), size * 3), 16);
    }
    for (int i = 0; i < 200; i++) {
        look("struct plain", sizeof(struct plain), tri_new(struct plain), _Alignof(struct plain));
        look("struct wide", sizeof(struct wide), tri_new(struct wide), _Alignof(struct wide));
        look("struct line", sizeof(struct line), tri_new(struct line), _Alignof(struct line));
        look("quad", sizeof(quad), tri_new(quad), _Alignof(quad));
        look("struct wide[]", i * sizeof(struct wide), tri_new_array(struct wide, i), _Alignof(struct wide));
        look("struct line[]", i * sizeof(struct line), tri_new_array(struct line, i), _Alignof(struct line));
        look("quad[]", i * sizeof(quad), tri_new_array(quad, i), _Alignof(quad));
    }
    for (size_t align = 1; align <= 4 << 20; align *= 2)
        for (size_t size = 0; size < 100000; size = size * 3 + 1)
            look("tri_alloc_aligned", size, tri_alloc_aligned(align, size), align);
    look("tri_strdup", 6, tri_strdup("hello"), 8);
    return 0;
}
