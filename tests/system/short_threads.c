/* A program whose work is done by many threads one after another, each with less of it than a thread reports on its way, is
 * collected like any other: the first cycle comes, and the heap stays within its goal. */
#include "check.h"

enum { THREADS = 6000, OBJECTS = 60, BYTES = 64, MOST = 16 << 20 };

static void *chain(void *arg) {
    void **last = NULL;
    for (int i = 0; i < OBJECTS; i++) {
        void **object = tri_alloc(BYTES);
        tri_set(object[0], last);
        last = object;
    }
    return arg;
}

int main(void) {
    tri_mem_stats stats;
    step("threads with few objects each");
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, chain, NULL) == 0, "no thread");
        pthread_join(thread, NULL);
        if (i % 500) continue;
        tri_read_mem_stats(&stats);
        REQUIRE(stats.heap_alloc < MOST, "%lu bytes are kept after %d threads and %u cycles", stats.heap_alloc, i, stats.num_gc);
    }
    tri_read_mem_stats(&stats);
    REQUIRE(stats.total_alloc >= (uint64_t)THREADS * OBJECTS * BYTES, "only %lu bytes were counted", stats.total_alloc);
    REQUIRE(stats.num_gc > 0, "no cycle for %lu bytes", stats.total_alloc);
    return 0;
}
