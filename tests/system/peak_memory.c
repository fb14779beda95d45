/* Allocates 10 GB through a live heap of 100 MB (100 GB with CHECK_LONG set), a tenth of it to replace parts
 * of that. With GOGC=100 the goal is 200 MB; resident memory stays below 2.3 times the live heap and the
 * tables. */
#include "check.h"

#include <sys/resource.h>

enum { NODES = 100000, HALF = 512 };
#define MB (1ull << 20)

struct node {
    char *leaf; /* HALF bytes */
    uint64_t number;
    char rest[HALF - 16];
};
TRI_TYPE(struct node, leaf)

struct node **table; /* root: the live heap */

NO_INLINE static void replace(uint64_t slot) {
    struct node *n = tri_new(struct node);
    n->number = slot;
    tri_set(n->leaf, (char *)tri_alloc_leaf(HALF - 1)); /* a slot of 512 with its spare byte */
    tri_set(table[slot], n);
}
NO_INLINE static void waste(void) {
    struct node *n = tri_new(struct node);
    tri_set(n->leaf, (char *)tri_alloc_leaf(HALF - 1));
}

int main(void) {
    uint64_t total = (getenv("CHECK_LONG") ? 100ull : SANITIZED ? 1 : 10) * 1000 * MB, seed = 1;
    tri_mem_stats s;
    uint64_t goal = 0;
    step("allocate");
    table = tri_new_array(struct node *, NODES);
    for (uint64_t made = 0, i = 0; made < total; made += 2 * HALF, i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        if (i < NODES)
            replace(i);
        else if (i % 10 == 0)
            replace((seed >> 33) % NODES);
        else
            waste(); /* most die at once */
        if (i % 4096 == 0) {
            tri_read_mem_stats(&s);
            if (s.next_gc > goal) goal = s.next_gc;
        }
    }
    for (uint64_t i = 0; i < NODES; i++) REQUIRE(table[i]->number == i, "node %lu is lost", (long)i);
    tri_read_mem_stats(&s);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    uint64_t live = NODES * (2 * HALF + 8ull), peak = (uint64_t)usage.ru_maxrss << 10;
    fprintf(stderr, "live %lu MB, largest goal %lu MB, peak %lu MB, heap_sys %lu MB, %u cycles\n",
            (long)(live / MB), (long)(goal / MB), (long)(peak / MB), (long)(s.heap_sys / MB), s.num_gc);
    REQUIRE(s.num_gc > 10, "%u cycles", s.num_gc);
    uint64_t tables = s.sys - s.heap_sys + 16 * MB; /* and code, stacks, libc */
    if (SANITIZED) return 0;
    REQUIRE(goal < live * 4, "goal %lu MB for %lu MB live", (long)(goal / MB), (long)(live / MB));
    REQUIRE(peak < goal + goal / 4 + tables, "peak %lu MB for a goal of %lu MB", (long)(peak / MB),
            (long)(goal / MB));
    return 0;
}
