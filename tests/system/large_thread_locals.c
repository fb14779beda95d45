/* A program with more thread-local memory than the collector's threads have stack by themselves: they are made all the same, and
 * collect while it allocates; what only thread-locals point to lives. */
#include "check.h"

static __thread volatile char large[3 << 20];
static __thread struct stamped *kept;

static uint32_t cycles(void) {
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    return s.num_gc;
}

static void *use(void *arg) {
    (void)arg;
    large[1] = large[sizeof large - 2] = 1;
    kept = stamped_new(7);
    for (int i = 0; i < 100; i++) memset(tri_alloc_leaf(1 << 20), 1, 1 << 20);
    churn();
    REQUIRE(stamped_ok(kept, 7), "an object of a thread-local is lost");
    return NULL;
}

int main(void) {
    pthread_t thread;
    use(NULL);
    REQUIRE(pthread_create(&thread, NULL, use, NULL) == 0, "no thread");
    pthread_join(thread, NULL);
    REQUIRE(cycles() >= 5, "%u cycles for 200 MiB of garbage", cycles());
    REQUIRE(stamped_ok(kept, 7), "the main thread's object is lost");
    return 0;
}
