/* GOGC, and tri_set_gc_percent while the program runs: by how much the heap may grow over what was live before the next cycle
 * ends. More means fewer cycles and more memory. */
#include <stdio.h>
#include <string.h>
#include <tricolor.h>

static char *volatile live[64]; /* 64 MB that stay */

static void show(int percent) {
    tri_mem_stats s;
    tri_set_gc_percent(percent);
    tri_gc(); /* sets the goal anew */
    tri_read_mem_stats(&s);
    printf("GOGC=%-3d  live %llu MB, next cycle ends at %.1f times that\n", percent,
           (unsigned long long)s.heap_alloc >> 20, (double)s.next_gc / (double)s.heap_alloc);
}

int main(void) {
    for (int i = 0; i < 64; i++) live[i] = memset(tri_alloc_leaf((1 << 20) - 1), 'x', 1000);
    show(100);
    show(50);
    show(200);
    int old = tri_set_gc_percent(-1); /* GOGC=off */
    printf("GOGC=off  was %d; no cycle begins by itself\n", old);
    return 0;
}
