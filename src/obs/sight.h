/* sight.h - what the core shows to the library of profiles and pages (debug/): one table of functions, got by one exported
 * name, so that the two may be linked in any way. It is no public interface: both sides are built together, and the
 * version is checked. */
#ifndef TRIX_SIGHT_H
#define TRIX_SIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIGHT_VERSION = 2, SIGHT_FRAMES = 128, SIGHT_LAYOUTS = 4096 };

enum sight_kind { SIGHT_HEAP, SIGHT_BLOCK, SIGHT_MUTEX, SIGHT_KINDS };

/* A call site. Heap: counts of sampled objects of so many bytes each, as of the last completed mark. Contention: count and
 * nanoseconds, made up for what was not sampled. */
struct sight_site {
    uint32_t npcs;
    const uintptr_t *pcs; /* return addresses, innermost first; constant */
    uint64_t bytes;
    uint64_t allocs, frees;
    double count, ns;
};

struct goroutine; /* sched/goroutines.h */
typedef void sight_handler(int sig, void *info, void *ucontext);

struct sight_page { /* a size class or layout, for the live page */
    uint32_t size, slots;
    const char *kind; /* "leaf", "any", "typed", "array" */
    uint64_t spans, live; /* objects that survived the last sweep, those in spans used since by count of what is taken */
};

struct sight_cycle {
    uint32_t number;
    bool forced;
    uint64_t at_ns; /* wall clock, when marking ended */
    uint64_t stop_start, stop_finish, concurrent, assist_cpu, background_cpu, idle_cpu;
    uint64_t heap_start, heap_end, heap_marked, goal;
    double cpu_fraction;
};

struct sight {
    uint32_t version;

    /* The rate that GODEBUG=memprofilerate gives; negative: it does not. */
    int (*given_rate)(void);
    /* The mean distance of samples, bytes, is read from there from now on: the heap profile begins. */
    void (*sample)(const int *rate);
    void (*visit_sites)(enum sight_kind kind, void (*visit)(const struct sight_site *site, void *arg), void *arg);

    /* Changes while the heap's counts do: rises by two for each change, odd meanwhile. */
    uint32_t (*heap_generation)(void);

    /* One contention in `rate` is looked at (mutex), or one wait of so many ns (block); 0: none. Return the old one; negative
     * only asks. */
    int (*mutex_rate)(int rate);
    int (*block_rate)(int rate);

    uint64_t (*goroutines)(void); /* alive */
    void (*visit_goroutines)(void (*visit)(const struct goroutine *g, void *arg), void *arg);
    /* Runs a search for goroutines blocked for ever; how many there are. */
    uint64_t (*find_leaks)(void);

    /* Has SIGPROF handled so, at once, wherever it lands; NULL: as before. False: the system refuses. */
    bool (*on_tick)(sight_handler *handler);
    /* Walks the calling thread's stack, or from a signal's context if that is not NULL; async-signal-safe. */
    unsigned (*walk)(const void *ucontext, uintptr_t *pcs, unsigned most);
    /* The number of the goroutine that the calling thread runs; 0: none. Async-signal-safe. */
    uint64_t (*goroutine_id)(void);
    /* Sizes and layouts in use, to memory for SIGHT_LAYOUTS; how many there are. */
    size_t (*layouts)(struct sight_page *out);
    /* The range of the library's code: [lo, hi); empty when that is not known. */
    void (*code)(uintptr_t *lo, uintptr_t *hi);
    /* Histories of the last cycles. */
    size_t (*cycles)(struct sight_cycle *out, size_t most);
};

/* NULL: the two libraries are of different versions. */
__attribute__((visibility("default"))) const struct sight *tri__sight(uint32_t version);

#endif
