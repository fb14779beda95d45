/* scavtrace.c - GODEBUG=scavtrace=1: what went back to the system, in Go's own format (runtime/mgcscavenge.go): a line when a
 * cycle is swept, for what went since the line before, and one for each tri_free_os_memory:
 *
 *   scav 0 KiB work (bg), 31664 KiB work (eager), 67448 KiB now, 98% util (forced)
 *
 * bg: in the background. eager: on the spot, by threads that allocate near the memory limit, or on request. now: released
 * in all. util: of the memory kept, how much is in use.
 */
#include "obs.h"
#include "../base/fmt.h"
#include "../heap/pageheap.h"

void trix_trace_scavenge(uint64_t background, uint64_t eager, bool forced) {
    char buffer[256];
    struct text t = text_over(buffer, sizeof buffer);
    struct pageheap_stats s;
    trix_pageheap_stats(&s);
    uint64_t pages = load_relaxed(&trix_map.extent) >> PAGE_SHIFT;
    uint64_t inuse = pages - s.free_pages, kept = pages - s.released_pages;
    trix_text_add(&t, "scav %lu KiB work (bg), %lu KiB work (eager), %lu KiB now, %lu%% util%s\n", background >> 10,
                  eager >> 10, s.released_pages << PAGE_SHIFT >> 10, kept ? inuse * 100 / kept : 0,
                  forced ? " (forced)" : "");
    trix_text_write(&t, 2);
}
