/* While the collector's thread gets no processor to sweep on, those who allocate sweep in proportion: when the heap has grown up
 * to the next cycle's trigger, all is swept, so dead memory is used again instead of new memory.
 *
 * The collector is held after its first block of pages. Large blocks are allocated, which never look for a span. */
#include "check.h"
#include "gc/gc.h"
#include "gc/sweep.h"

enum { OBJECTS = 400000, LARGE = 100 << 10 };

static int hold, held, go_on; /* atomic */

void __real_trix_collector_poll(struct marker *m);
void __wrap_trix_collector_poll(struct marker *m);
void __wrap_trix_collector_poll(struct marker *m) {
    if (!m && posted(&hold) && trix_sweep_active()) {
        __atomic_store_n(&hold, 0, __ATOMIC_SEQ_CST);
        post(&held);
        await(&go_on, 1);
    }
    __real_trix_collector_poll(m);
}

static struct stamped *kept;

static void *collect_once(void *arg) {
    tri_gc();
    return arg;
}

static double part(uint64_t n, uint64_t of) { return of ? (double)n / (double)of : 0; }

int main(void) {
    pthread_t thread;
    tri_set_gc_percent(1000); /* a long way to the next trigger, also when the pacer expects to need a long run-up */
    for (uint64_t i = 0; i < OBJECTS; i++) { /* every second one dies */
        struct stamped *s = stamped_new(i);
        if (i % 2) continue;
        tri_set(s->next, kept);
        kept = s;
    }
    step("until sweeping is held");
    post(&hold);
    REQUIRE(pthread_create(&thread, NULL, collect_once, NULL) == 0, "no thread");
    await(&held, 1);
    int64_t from = trix_gc.live, trigger = (int64_t)trix_gc.trigger;
    uint64_t pages = trix_sweep_left();
    REQUIRE(pages > 500, "only %lu pages are unswept", pages);
    REQUIRE(trigger - from > 2 * (1 << 20), "%ld bytes until the trigger", trigger - from);
    step("allocating while sweeping is held");
    while (trix_gc.live + LARGE < trigger) {
        memset(tri_alloc_leaf(LARGE), 1, LARGE);
        double grown = part((uint64_t)(trix_gc.live - from), (uint64_t)(trigger - from));
        double swept = 1 - part(trix_sweep_left(), pages);
        REQUIRE(swept > grown - 0.1, "%.0f %% of the way to the next cycle, and only %.0f %% of the heap are swept",
                grown * 100, swept * 100);
    }
    REQUIRE(trix_sweep_left() == 0, "%lu of %lu pages are not swept when the next cycle comes", trix_sweep_left(), pages);
    post(&go_on);
    pthread_join(thread, NULL);
    for (struct stamped *s = kept; s; s = s->next) REQUIRE(s->self == tri_hide(s), "object %lu is lost", s->number);
    return 0;
}
