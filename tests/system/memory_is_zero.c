/* Whatever is allocated reads zero, all of it, also where the memory has been used before. */
#include "check.h"

struct node {
    struct node *kid[3];
    long value[5];
};
TRI_TYPE(struct node, kid)

struct message {
    struct message *next;
    size_t n;
    char text[];
};
TRI_TYPE(struct message, next)

static const size_t sizes[] = {0,     1,     3,     7,     8,       9,       15,      16,    17,    24,
                               31,    32,    33,    48,    63,      64,      100,     128,   511,   512,
                               513,   1000,  4000,  8191,  8192,    8193,    16000,   32759, 32760, 32767,
                               32768, 32769, 40000, 65536, 1 << 20, 3 << 20, 17 << 20};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* Looks at the block, and soils it. */
static void look(const char *kind, char *block, size_t size) {
    size_t usable = tri_size(block);
    REQUIRE(usable >= size, "%s(%zu) has %zu bytes", kind, size, usable);
    bool zero = usable == 0 || (!block[0] && memcmp(block, block + 1, usable - 1) == 0);
    for (size_t i = 0; !zero && i < usable; i++)
        REQUIRE(!block[i], "%s(%zu): byte %zu is 0x%x", kind, size, i, block[i] & 0xff);
    memset(block, 0xa5, usable);
}

NO_INLINE static void each_size(int round) {
    for (int i = 0; i < SIZES; i++) {
        size_t size = sizes[i];
        int times = size > 100000 ? 1 : 20;
        while (times--) {
            look("tri_alloc", (char *)tri_alloc(size), size);
            look("tri_alloc_leaf", (char *)tri_alloc_leaf(size), size);
            look("tri_alloc_aligned", (char *)tri_alloc_aligned(256, size), size);
            look("tri_alloc_array", (char *)tri_alloc_array(size, 1), size);
            look("tri_new_flex", (char *)tri_new_flex(struct message, text, size),
                 sizeof(struct message) + size);
            char *freed = (char *)tri_alloc(size);
            look("tri_alloc, to be freed", freed, size);
            if (times & 1) tri_free(freed);
            char *grown = (char *)tri_alloc(size);
            grown = (char *)tri_realloc(grown, size + round);
            look("tri_realloc", grown, size + round);
        }
        if (size < 40000)
            look("tri_new_array", (char *)tri_new_array(struct node, size / 8),
                 size / 8 * sizeof(struct node));
    }
    for (int i = 0; i < 2000; i++) look("tri_new", (char *)tri_new(struct node), sizeof(struct node));
    for (int i = 0; i < 2000; i++) look("tri_new", (char *)tri_new(char), 1);
}

int main(void) {
    for (int round = 0; round < 5; round++) {
        step("allocate, look, soil");
        each_size(round);
        step("collect");
        clear_stack();
        tri_gc();
    }
    tri_prealloc(tri_type_of(struct node), 5000);
    for (int i = 0; i < 5000; i++)
        look("tri_new after tri_prealloc", (char *)tri_new(struct node), sizeof(struct node));
    return 0;
}
