/* A memory limit with GOGC off: no cycle until the limit is near, and then as many as it takes. The same by GOMEMLIMIT=64MiB GOGC=off.
 * A limit is soft, as Go's: while the collector waits for a processor on a busy machine, a few blocks more are handed out. */
#include <stdio.h>
#include <string.h>
#include <tricolor.h>

enum { LIMIT_MB = 64, GARBAGE_MB = 1000 };

int main(void) {
    static tri_mem_stats s;
    size_t most = 0;
    tri_set_gc_percent(-1);
    tri_set_memory_limit((int64_t)LIMIT_MB << 20);
    for (int i = 0; i < GARBAGE_MB; i++) {
        memset(tri_alloc_leaf(1000 * 1000), 'x', 1000 * 1000);
        tri_read_mem_stats(&s);
        if (s.sys - s.heap_released > most) most = s.sys - s.heap_released;
    }
    printf("%d MB of garbage, limit %d MB, GOGC off\n", GARBAGE_MB, LIMIT_MB);
    printf("cycles: %s\n", s.num_gc > 5 ? "more than 5" : "few");
    printf("held: %s\n", most < (size_t)LIMIT_MB * 110 / 100 << 20 ? "yes" : "no");
    return 0;
}
