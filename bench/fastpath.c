/* bench/fastpath.c - allocation itself, with collection off: 32-byte objects with pointers, nothing else.
 *
 *     fastpath <thousands of objects>
 *
 * fresh   into memory the process has never touched: mostly the kernel's page faults
 * warm    into memory a collection has just given back, far more than the caches hold: mostly bandwidth
 * cache   in bursts of 1 MiB, a collection (not timed) after each, so that the memory stays in the cache:
 *         this is the price of the allocation path. Median of the bursts
 *
 * Made for tricolor, Go and a bare bump pointer, which is the floor (it does not even zero).
 */
#include "bench.h"

struct cell {
    struct cell *left, *right;
    uint64_t value, more;
};
TYPE(struct cell, left, right);

enum { BURST = 32768, BURSTS = 400, WARM_ROUNDS = 5 };

static struct cell *volatile sink;
static uint64_t check;

/* Returns ns an object. Not inlined, so that all phases run the same machine code. */
__attribute__((noinline)) static double allocate(long objects) {
    uint64_t began = now_ns();
    for (long i = 0; i < objects; i++) {
        struct cell *c = NEW(struct cell);
        c->value = (uint64_t)i;
        sink = c;
    }
    double ns = (double)(now_ns() - began) / (double)objects;
    check += sink->value;
    sink = NULL;
    return ns;
}

static double bursts(int n, long objects) {
    static double ns[BURSTS];
    for (int i = 0; i < n; i++) {
        COLLECT();
        ns[i] = allocate(objects);
    }
    return median(ns, n);
}

int main(int argc, char **argv) {
    bench_start(argc, argv, "fastpath");
    long objects = arg_number(0, 1000) * 1000;
    if (objects > 100000000) bench_usage("<thousands of objects, up to 100000>");
    COLLECTION_OFF();
    result("fresh", allocate(objects), "ns");
    result("warm", bursts(WARM_ROUNDS, objects), "ns");
    result("cache", bursts(BURSTS, BURST), "ns");
    return bench_finish(check);
}
