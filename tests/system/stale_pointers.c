/* Hazards 24 and 32. Pointers to free slots do no harm: what a freed object pointed to goes, and the slot is
 * used again. Writing past an object's end spoils its neighbours' contents, but neither the collector's books
 * nor other objects. */
#include "check.h"

enum { N = 2000 };

struct pair {
    struct stamped *p;
    long pad;
};
TRI_TYPE(struct pair, p)

void *stale[N]; /* roots */
static hidden held[N];

NO_INLINE static void make(void) {
    for (int i = 0; i < N; i++) {
        struct pair *pair = tri_new(struct pair);
        struct stamped *s = stamped_new((uint64_t)i);
        held[i] = tri_hide(s);
        tri_set(pair->p, s);
        stale[i] = pair;
    }
}
static int living(void) {
    int n = 0;
    for (int i = 0; i < N; i++) n += stamped_lives(held[i], (uint64_t)i);
    return n;
}

struct stamped *good[N]; /* roots */

NO_INLINE static void overflow(void) {
    for (int i = 0; i < N; i++) good[i] = stamped_new((uint64_t)i);
    for (int round = 0; round < 20; round++)
        for (size_t size = 16; size <= 32768; size *= 2) {
            char *block = (char *)tri_alloc_leaf(size - 1), *second = (char *)tri_alloc_leaf(size - 1);
            size_t room = 2 * size < 4096 ? 2 * size : 0; /* over what is free or dead there */
            if (second == block + size) memset(block, 0xff, size + (room ? size - 1 : 0));
        }
}

int main(void) {
    tri_mem_stats before, after;
    step("stale pointers");
    tri_gc();
    tri_set_gc_percent(-1);
    make();
    for (int i = 0; i < N; i++) tri_free(stale[i]);
    tri_read_mem_stats(&before);
    clear_stack();
    tri_gc(); /* once: by the next sweep the slots' bits are as they should be, whatever freeing has done to
                 them */
    REQUIRE(living() < N / 50, "%d of %d objects live by freed ones", living(), N);
    tri_read_mem_stats(&after);
    REQUIRE(after.heap_objects <= before.heap_objects - N * 9 / 10, "%lu objects, then %lu",
            (long)before.heap_objects, (long)after.heap_objects);
    tri_set_gc_percent(100);
    step("overflow");
    overflow();
    collect();
    for (int i = 0; i < N; i++) REQUIRE(stamped_ok(good[i], (uint64_t)i), "object %d is lost", i);
    return 0;
}
