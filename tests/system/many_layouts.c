/* Hazard 29. Sixteen threads that each use a few objects of sixty types do not take a page for each thread
 * and type; arrays of every length make no new layouts. */
#include "check.h"

enum { THREADS = 16, TYPES = 60, LENGTHS = 5000 };

#define EACH(M)                                                                                              \
    M(1)                                                                                                     \
    M(2)                                                                                                     \
    M(3)                                                                                                     \
    M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15) M(16) M(17) M(18) M(19) M(20) M(21)    \
        M(22) M(23) M(24) M(25) M(26) M(27) M(28) M(29) M(30)
#define DECLARE(n)                                                                                           \
    struct one##n {                                                                                          \
        void *p[n];                                                                                          \
        long l;                                                                                              \
    };                                                                                                       \
    TRI_TYPE(struct one##n, p)                                                                               \
    struct two##n {                                                                                          \
        long l[n];                                                                                           \
        void *p;                                                                                             \
    };                                                                                                       \
    TRI_TYPE(struct two##n, p)
EACH(DECLARE)

#define WARM(n)                                                                                              \
    for (int i = 0; i < 100; i++)                                                                            \
        (void)*(void *volatile *)&(void *){tri_new(struct one##n)},                                          \
            (void)*(void *volatile *)&(void *){tri_new(struct two##n)};
#define ONE(n) kept[thread][at++] = tri_new(struct one##n), kept[thread][at++] = tri_new(struct two##n);

void *kept[THREADS][TYPES]; /* roots */
static int ready, go;       /* atomic */

static void *worker(void *arg) {
    int thread = (int)(uintptr_t)arg, at = 0;
    EACH(ONE)
    post(&ready);
    await(&go, 1);
    return NULL;
}

int main(void) {
    tri_mem_stats before, after;
    pthread_t thread[THREADS];
    tri_set_gc_percent(-1);
    EACH(WARM)
    tri_gc();
    tri_read_mem_stats(&before);
    for (uintptr_t i = 0; i < THREADS; i++) pthread_create(&thread[i], NULL, worker, (void *)i);
    await(&ready, THREADS);
    tri_read_mem_stats(&after);
    long pages = (long)(after.heap_inuse - before.heap_inuse) >> 13;
    REQUIRE(pages < THREADS * TYPES * 2 / 3, "%ld pages for %d objects", pages, THREADS * TYPES);
    post(&go);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    step("arrays");
    for (size_t n = 1; n <= LENGTHS; n++) {
        struct one2 *a = tri_new_array(struct one2, n % 700 + 1);
        tri_set(a[n % 700].p[1], a);
        char *flexible = (char *)tri_alloc(n);
        flexible[n - 1] = 1;
    }
    collect();
    tri_read_mem_stats(&after);
    REQUIRE(after.heap_sys < 64 << 20, "the heap has %lu bytes", (long)after.heap_sys);
    return 0;
}
