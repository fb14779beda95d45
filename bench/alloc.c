/* bench/alloc.c - allocation by size and kind, each object dropped at once.
 *
 *     alloc <kind> <threads> <objects a thread>
 *     kinds: leaf-16 leaf-64 leaf-1k leaf-4k leaf-64k pointers-32 pointers-512 filled-4k
 *
 * leaf-N        N bytes without pointers, one byte written
 * pointers-N    a struct that is half pointers, one word written
 * filled-4k     4 KiB without pointers, all of it written: a fresh I/O buffer
 *
 * Each object is stored in a global of its thread, so that no compiler can leave the allocation out, and is
 * garbage with the next one. `op` is wall time an object as its thread sees it, `op_cpu` the CPU time of the
 * whole process an object, the collector's threads included.
 */
#include "bench.h"

struct pointers_32 {
    void *to[2];
    uint64_t value[2];
};
TYPE(struct pointers_32, to);

struct pointers_512 {
    void *to[32];
    uint64_t value[32];
};
TYPE(struct pointers_512, to);

/* What keeps a thread's newest object alive: a root, alone on its cache line. */
static struct sink {
    void *volatile object;
    uint64_t check;
} __attribute__((aligned(CACHE_LINE))) sinks[MAX_THREADS];

#define DEFINE_LEAF(NAME, BYTES)                                                                             \
    static void NAME(struct sink *sink, long objects) {                                                      \
        for (long i = 0; i < objects; i++) {                                                                 \
            unsigned char *p = NEW_LEAF(BYTES);                                                              \
            p[0] = (unsigned char)i;                                                                         \
            sink->object = p;                                                                                \
            sink->check += p[0];                                                                             \
            FREE(p);                                                                                         \
        }                                                                                                    \
    }
DEFINE_LEAF(leaf_16, 16)
DEFINE_LEAF(leaf_64, 64)
DEFINE_LEAF(leaf_1k, 1024)
DEFINE_LEAF(leaf_4k, 4096)
DEFINE_LEAF(leaf_64k, 65536)

/* Every word of a struct is undefined on malloc; the collectors have zeroed it, which is part of their price.
 */
#define DEFINE_POINTERS(NAME)                                                                                \
    static void NAME(struct sink *sink, long objects) {                                                      \
        for (long i = 0; i < objects; i++) {                                                                 \
            struct NAME *p = NEW(struct NAME);                                                               \
            p->value[0] = (uint64_t)i;                                                                       \
            sink->object = p;                                                                                \
            sink->check += p->value[0];                                                                      \
            FREE(p);                                                                                         \
        }                                                                                                    \
    }
DEFINE_POINTERS(pointers_32)
DEFINE_POINTERS(pointers_512)

static void filled_4k(struct sink *sink, long objects) {
    for (long i = 0; i < objects; i++) {
        unsigned char *p = NEW_LEAF(4096);
        memset(p, (int)(i & 255), 4096);
        sink->object = p;
        sink->check += p[i & 4095];
        FREE(p);
    }
}

static const struct kind {
    const char *name;
    void (*run)(struct sink *, long);
} kinds[] = {
    {"leaf-16", leaf_16},           {"leaf-64", leaf_64},     {"leaf-1k", leaf_1k},
    {"leaf-4k", leaf_4k},           {"leaf-64k", leaf_64k},   {"pointers-32", pointers_32},
    {"pointers-512", pointers_512}, {"filled-4k", filled_4k},
};

static const struct kind *kind;
static long objects;
static uint64_t took[MAX_THREADS];

static void work(int id) {
    uint64_t began = now_ns();
    kind->run(&sinks[id], objects);
    took[id] = now_ns() - began;
}

int main(int argc, char **argv) {
    bench_start(argc, argv, "alloc");
    const char *name = arg_text(0, "");
    int threads = arg_threads(1);
    objects = arg_number(2, 1000000);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (!strcmp(name, kinds[i].name)) kind = &kinds[i];
    if (!kind)
        bench_usage("<leaf-16|-64|-1k|-4k|-64k, pointers-32|-512, filled-4k> <threads> <objects a thread>");

    uint64_t cpu = cpu_ns();
    run_threads(threads, work);
    cpu = cpu_ns() - cpu;

    uint64_t check = 0, wall = 0;
    for (int i = 0; i < threads; i++) {
        wall += took[i];
        check += sinks[i].check;
    }
    result("op", (double)wall / threads / (double)objects, "ns");
    result("op_cpu", (double)cpu / threads / (double)objects, "ns");
    return bench_finish(check);
}
