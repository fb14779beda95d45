/* Ballast: a big block without pointers, never touched, that only raises the collector's goal: it costs address space, no memory
 * and no marking. GOMEMLIMIT with GOGC=off is the better way today; this is how it was done before. */
#include <stdio.h>
#include <tricolor.h>

static unsigned cycles(void) {
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    return s.num_gc;
}

__attribute__((noinline)) static unsigned cycles_of_the_work(void) {
    unsigned before = cycles();
    for (int i = 0; i < 1000000; i++) tri_alloc_leaf(200); /* 200 MB of garbage */
    return cycles() - before;
}

static void *ballast;

int main(void) {
    tri_gc();
    unsigned without = cycles_of_the_work();
    ballast = tri_alloc_leaf((size_t)256 << 20);
    tri_gc();
    unsigned with = cycles_of_the_work();
    printf("without ballast: %s\n", without >= 10 ? "10 cycles or more" : "fewer than 10 cycles");
    printf("with ballast:    %s\n", with <= 2 ? "2 cycles or fewer" : "more than 2 cycles");
    tri_keep_alive(ballast);
    return 0;
}
