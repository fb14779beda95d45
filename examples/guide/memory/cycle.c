/* A collection cycle: garbage stays until one comes; tri_gc forces one, and returns when it is swept. GODEBUG=gctrace=1 shows each. */
#include <stdio.h>
#include <string.h>
#include <tricolor.h>

static tri_mem_stats figures(void) {
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    return s;
}

__attribute__((noinline)) static void make_garbage(void) {
    for (int i = 0; i < 200; i++) memset(tri_alloc_leaf(64 << 10), 'x', 64 << 10);
}

int main(void) {
    tri_set_gc_percent(-1); /* none comes by itself */
    tri_gc();
    tri_mem_stats before = figures();
    make_garbage();
    tri_mem_stats full = figures();
    tri_gc();
    tri_mem_stats after = figures();

    printf("garbage made:  %llu MB\n", (unsigned long long)(full.heap_alloc - before.heap_alloc + (1 << 19)) >> 20);
    printf("left of it:    %lld MB\n", (long long)(after.heap_alloc - before.heap_alloc) >> 20);
    printf("cycles:        %u, forced: %u\n", after.num_gc - full.num_gc, after.num_forced_gc - full.num_forced_gc);
    printf("objects freed: %s\n", after.frees - full.frees >= 200 ? "at least 200" : "few");
    return 0;
}
