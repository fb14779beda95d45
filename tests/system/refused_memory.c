/* The system refuses memory: the n-th call of each kind fails, once or from then on. The program either goes on with all its
 * objects whole, or ends by Go's words and exit status; it neither crashes nor hangs. One refusal alone ends nothing that a
 * collection can make good.
 *
 * Each case is a process of its own. */
#define TRIX_FAULTS
#include "check.h"
#include "../refuse.h"

enum { MOST = 30, LIST = 3000, LARGE = 5 << 20, THREADS = 3, EXIT_OUT_OF_MEMORY = 2 };

static struct stamped *list; /* root */

NO_INLINE static void build(uint64_t n) {
    list = NULL;
    for (uint64_t i = 0; i < n; i++) {
        struct stamped *s = stamped_new(i);
        tri_set(s->next, list);
        list = s;
    }
}
static void check_list(uint64_t n) {
    for (struct stamped *s = list; s; s = s->next) REQUIRE(stamped_ok(s, --n), "object %lu", n);
    REQUIRE(n == 0, "%lu objects are missing", n);
}

static void *use_heap(void *arg) {
    void *volatile large = NULL;
    for (int i = 0; i < 200; i++) {
        struct stamped *s = stamped_new((uint64_t)i);
        if (i % 10 == 0) large = tri_alloc_leaf((size_t)100 << 10);
        memset(tri_alloc_leaf(16), 1, 16); /* their spans need a table of their own */
        REQUIRE(stamped_ok(s, (uint64_t)i), "object %d", i);
    }
    (void)large;
    return arg;
}

/* Uses every part that asks the system for memory: heap, tables, mark buffers, threads, roots, pins. */
static void work(void) {
    pthread_t thread[THREADS];
    int made = 0;
    build(LIST);
    for (int i = 0; i < THREADS; i++) made += pthread_create(&thread[made], NULL, use_heap, NULL) == 0;
    char *volatile large = tri_alloc(LARGE);
    memset(large, 1, LARGE);
    tri_gc();
    static void *ranges[700];
    for (int i = 0; i < 700; i++) tri_add_roots(&ranges[i], &ranges[i + 1]);
    for (struct stamped *s = list; s; s = s->next) tri_pin(s);
    for (int i = 0; i < 40; i++) memset(tri_alloc_leaf(2 << 20), 1, 2 << 20);
    for (int i = 0; i < made; i++) pthread_join(thread[i], NULL);
    tri_gc();
    check_list(LIST);
}

int main(void) {
    static const enum os_fault kinds[] = {OS_FAULT_RESERVE, OS_FAULT_COMMIT, OS_FAULT_MAP, OS_FAULT_RELEASE};
    int refused = 0;
    for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (uint64_t nth = 1; nth <= MOST; nth += nth < 6 ? 1 : 6)
            for (int sticky = 0; sticky < 2; sticky++) {
                step(sticky ? "refusing from a call on" : "refusing one call");
                int status = status_refusing(kinds[k], nth, sticky, work);
                REQUIRE(status == 0 || status == EXIT_OUT_OF_MEMORY, "kind %d, call %lu, sticky %d: status %d", kinds[k], nth,
                        sticky, status);
                refused += status != 0;
                bool gives_way = kinds[k] == OS_FAULT_COMMIT || kinds[k] == OS_FAULT_RELEASE;
                REQUIRE(sticky || !gives_way || status == 0, "one refusal of kind %d (call %lu) has ended the program", kinds[k], nth);
            }
    REQUIRE(refused > 0, "nothing was refused");
    return 0;
}
