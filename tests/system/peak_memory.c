/* Allocates 10 GB through a live heap of 100 MB (100 GB with CHECK_LONG set), of which a tenth is replaced all the time. With
 * GOGC=100 the goal is 200 MB; resident memory, with what is fragmented and the tables, stays below 2.3 times the live. */
#include "check.h"

#include <sys/resource.h>

enum { NODES = 1600000 / 4, NODE_BYTES = 256 };
#define MB (1ull << 20)

struct node {
    struct node *link[2];
    uint64_t number;
    char rest[NODE_BYTES - 3 * 8];
};
TRI_TYPE(struct node, link)

struct node **table; /* root: the live heap */

int main(void) {
    uint64_t total = (getenv("CHECK_LONG") ? 100ull : SANITIZED ? 1 : 10) * 1000 * MB, seed = 1;
    tri_mem_stats s;
    step("build");
    table = tri_new_array(struct node *, NODES);
    for (uint64_t made = 0, i = 0; made < total; made += NODE_BYTES, i++) {
        struct node *n = tri_new(struct node);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t slot = i < NODES ? i : (seed >> 33) % NODES;
        if (i > 2 * NODES && i % 10) continue; /* most die at once */
        n->number = slot;
        tri_set(n->link[0], table[(slot + 1) % NODES]);
        if (n->link[0]) { /* no chain of ever older nodes */
            tri_set(n->link[0]->link[0], NULL);
            tri_set(n->link[0]->link[1], NULL);
        }
        tri_set(table[slot], n);
        step("replace");
    }
    for (uint64_t i = 0; i < NODES; i++) REQUIRE(table[i]->number == i, "node %lu is lost", (long)i);
    tri_read_mem_stats(&s);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    uint64_t live = NODES * (NODE_BYTES + 8ull), peak = (uint64_t)usage.ru_maxrss << 10;
    fprintf(stderr, "live %lu MB, peak %lu MB, heap_sys %lu MB, %u cycles\n", (long)(live / MB), (long)(peak / MB),
            (long)(s.heap_sys / MB), s.num_gc);
    REQUIRE(s.num_gc > 10, "%u cycles", s.num_gc);
    if (!SANITIZED) REQUIRE(peak * 10 < live * 23, "peak %lu MB for %lu MB live", (long)(peak / MB), (long)(live / MB));
    return 0;
}
