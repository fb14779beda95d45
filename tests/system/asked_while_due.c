/* asked_while_due - a cycle that is due by the heap's size has been decided on and has not begun when the program asks for one:
 * the cycle is the one that was asked for, no second one is run, and MemStats counts it among the forced. */
#include "check.h"
#include "gc/gc.h"

static int armed, there;

void __real_trix_roots_refresh(void);
void __wrap_trix_roots_refresh(void);

/* Called by the collector on its way into a cycle. */
void __wrap_trix_roots_refresh(void) {
    int want = 1;
    if (__atomic_compare_exchange_n(&armed, &want, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        post(&there);
        while (__atomic_load_n(&trix_gc.wanted, __ATOMIC_SEQ_CST) == __atomic_load_n(&trix_gc.started, __ATOMIC_SEQ_CST)) sched_yield();
    }
    __real_trix_roots_refresh();
}

int main(void) {
    tri_mem_stats before, after;
    step("a first cycle");
    tri_gc();
    tri_read_mem_stats(&before);
    __atomic_store_n(&armed, 1, __ATOMIC_SEQ_CST);
    step("a cycle that is due");
    while (!posted(&there)) tri_alloc(64);
    step("is asked for");
    tri_gc();
    tri_read_mem_stats(&after);
    REQUIRE(after.num_gc == before.num_gc + 1, "%u cycles", after.num_gc - before.num_gc);
    REQUIRE(after.num_forced_gc == before.num_forced_gc + 1, "%u were asked for", after.num_forced_gc - before.num_forced_gc);
    return 0;
}
