/* In a callback of dl_iterate_phdr the loader's lock is held, and the collector asks the loader for its list at the beginning of
 * each cycle: so no cycle can begin. A program may allocate there all the same, past the goal too, and loses nothing; the
 * cycle comes when the callback has returned. (tri_gc must not be called there: it waits for a cycle.) */
#include "check.h"

#include <link.h>

static struct stamped *list; /* root */
static uint32_t cycles(void) {
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    return s.num_gc;
}

static int allocate(struct dl_phdr_info *info, size_t size, void *arg) {
    (void)info;
    (void)size;
    uint32_t before = cycles();
    for (uint64_t i = 0; i < 300000; i++) {
        struct stamped *s = stamped_new(i);
        tri_set(s->next, i % 100 ? NULL : list);
        if (i % 100 == 0) list = s;
    }
    for (int i = 0; i < 100; i++) memset(tri_alloc_leaf(64 << 10), 1, 64 << 10);
    *(uint32_t *)arg = cycles() - before;
    return 1;
}

int main(void) {
    uint32_t within = 0;
    collect();
    step("allocate in the callback");
    dl_iterate_phdr(allocate, &within);
    REQUIRE(within <= 1, "%u cycles have run", within); /* one may have begun before */
    step("collect after it");
    uint32_t before = cycles();
    collect();
    REQUIRE(cycles() >= before + 2, "no cycle after the callback");
    uint64_t n = 300000;
    for (struct stamped *s = list; s; s = s->next) REQUIRE(stamped_ok(s, n -= 100), "object %lu", n);
    REQUIRE(n == 0, "%lu objects are missing", n / 100);
    return 0;
}
