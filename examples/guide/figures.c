/* figures.c - reading the collector's figures, and being told of its cycles. */
#include "expect.h"
#include <tricolor.h>

static unsigned cycles; /* written by the collector's thread only */

static void on_gc(tri_gc_event event, void *arg) {
    (void)arg;
    if (event == TRI_GC_SWEEP_END) __atomic_fetch_add(&cycles, 1, __ATOMIC_RELAXED);
}

static uint64_t longest_pause(const tri_mem_stats *s) {
    uint64_t longest = 0;
    for (uint32_t i = 0; i < 256 && i < s->num_gc; i++)
        if (s->pause_ns[i] > longest) longest = s->pause_ns[i];
    return longest;
}

int main(void) {
    expect(tri_on_gc(on_gc, NULL) == 0);
    for (int i = 0; i < 1000000; i++) tri_alloc(64);
    tri_gc();
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    printf("%lu objects, %lu KiB live, next cycle by %lu KiB\n", s.heap_objects, s.heap_alloc >> 10,
           s.next_gc >> 10);
    printf("%u cycles (%u asked for), longest pause %lu us of the last 256\n", s.num_gc, s.num_forced_gc,
           longest_pause(&s) / 1000);
    expect(s.mallocs - s.frees == s.heap_objects);
    expect(s.heap_inuse + s.heap_idle == s.heap_sys);
    expect(s.num_forced_gc == 1 && __atomic_load_n(&cycles, __ATOMIC_RELAXED) == s.num_gc);
    return 0;
}
