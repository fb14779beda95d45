/* tri_free gives memory back at once: freeing everything by hand needs no collection and no more memory, for
 * each kind. */
#include "check.h"

struct node {
    struct node *next;
    long value[9];
};
TRI_TYPE(struct node, next)

enum { ROUNDS = 60, EACH = 300 };

static void *some(int kind) {
    switch (kind) {
    case 0: return tri_new(struct node);
    case 1: return tri_alloc(100);
    case 2: return tri_alloc_leaf(3000);
    case 3: return tri_new_array(struct node, 7);
    case 4: return tri_alloc(50000);
    default: return tri_alloc_root(64);
    }
}

int main(void) {
    static void *objects[EACH];
    tri_mem_stats first, now;
    tri_set_gc_percent(-1);
    tri_free(NULL);
    for (int kind = 0; kind < 6; kind++) {
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < EACH; i++) {
                objects[i] = some(kind);
                for (size_t b = 0; b < tri_size(objects[i]); b += 17)
                    REQUIRE(((char *)objects[i])[b] == 0, "kind %d: a freed object comes back soiled", kind);
                memset(objects[i], 0x5a, tri_size(objects[i]));
            }
            for (int i = 0; i < EACH; i++) tri_free(objects[i]);
            tri_read_mem_stats(round == 1 ? &first : &now);
        }
        REQUIRE(now.heap_objects <= first.heap_objects, "kind %d: %lu objects, then %lu", kind,
                (long)first.heap_objects, (long)now.heap_objects);
        REQUIRE(now.heap_inuse <= first.heap_inuse + (1 << 20), "kind %d: %lu bytes, then %lu", kind,
                (long)first.heap_inuse, (long)now.heap_inuse);
    }
    REQUIRE(now.num_gc == 0, "%u collections", now.num_gc);
    return 0;
}
