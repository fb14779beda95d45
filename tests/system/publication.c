/* Hazard 23. A block is seen zeroed and with what was written before it was published, whoever looks: blocks
 * of every kind, in memory that has been used before, go from one thread to another by a plain release store.
 */
#include "check.h"

enum { ROUNDS = 800 };

static void *volatile slot; /* root; NULL: take the next one */
static int done;            /* atomic */

static const size_t sizes[] = {24, 100, 1000, 9000, 30000, 70000, 1100000, 2500000};

static void *reader(void *arg) {
    (void)arg;
    while (!posted(&done)) {
        uint64_t *p = (uint64_t *)__atomic_load_n(&slot, __ATOMIC_ACQUIRE);
        if (!p) continue;
        size_t words = tri_size(p) / 8, pace = words > 1000 ? 61 : 1;
        REQUIRE(p[0] == tri_hide(p), "the first word is not what was written");
        for (size_t i = 1; i < words; i += pace)
            REQUIRE(p[i] == 0, "word %zu of %zu reads %lx", i, words, (long)p[i]);
        memset(p, 0xbb, words * 8);
        __atomic_store_n(&slot, NULL, __ATOMIC_RELEASE);
    }
    return NULL;
}

int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, reader, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        size_t size = sizes[(unsigned)i % (sizeof sizes / sizeof sizes[0])];
        uint64_t *p = (uint64_t *)(i & 8 ? tri_alloc_leaf(size) : tri_alloc(size));
        p[0] = tri_hide(p);
        __atomic_store_n(&slot, p, __ATOMIC_RELEASE);
        while (__atomic_load_n(&slot, __ATOMIC_ACQUIRE)) sched_yield();
    }
    post(&done);
    pthread_join(thread, NULL);
    return 0;
}
