/* tricolor/control.h - the collector's controls, its figures, roots and threads. Go's runtime and runtime/debug in C. */
#ifndef TRICOLOR_CONTROL_H
#define TRICOLOR_CONTROL_H

#include "abi.h"

TRI__EXTERN_C_BEGIN

/* "0.1.0" */
TRI_API const char *tri_version(void);

/* ---- cycles ---- */

/* Runs a whole cycle, and returns when the heap is swept. A cycle under way is finished first. */
TRI_API void tri_gc(void);

/* Sets GOGC: the heap may grow by this many percent of what was live before the next cycle ends; negative turns
 * collection off. Returns the old value, -1 for off. Takes effect at once. */
TRI_API int tri_set_gc_percent(int percent);

/* How stores into the heap are made known to the collector; to be set before the first allocation, or by TRITRACK. */
typedef enum tri_tracking {
    TRI_TRACK_BARRIER = 0, /* tri_set or tricc (the default) */
    TRI_TRACK_PAGES = 1,   /* the kernel tells which pages were written; not built yet: behaves as TRI_TRACK_NONE */
    TRI_TRACK_NONE = 2     /* nothing: marking happens with the world stopped, plain `=` is right everywhere */
} tri_tracking;

/* Returns 0, or -1 with errno EBUSY when the heap is in use already, EINVAL for an unknown value. */
TRI_API int tri_set_tracking(tri_tracking how);

/* Sets the memory limit, in bytes, as GOMEMLIMIT does: all memory that the library maps and has not given back - the heap,
 * stacks of goroutines, tables - is kept below it as far as that is possible: by collecting earlier, also with GOGC off, and
 * by giving memory back. INT64_MAX: no limit. Negative: changes nothing. Returns the old limit. Takes effect at once.
 *
 * The limit is soft: when what lives does not fit, or the collector would need more than half of the processors, the heap
 * grows past it, and TRI_GC_LIMIT_DANGER tells. */
TRI_API int64_t tri_set_memory_limit(int64_t bytes);

/* Runs a whole cycle and gives all free memory back to the system before it returns. It goes back by itself, but slowly, and
 * some is kept for the next cycle. */
TRI_API void tri_free_os_memory(void);

typedef enum tri_gc_event {
    TRI_GC_CYCLE_START, /* marking begins */
    TRI_GC_MARK_END,    /* the live heap is known */
    TRI_GC_SWEEP_END,   /* all garbage is back */
    TRI_GC_LIMIT_DANGER /* the memory limit cannot be held; after each cycle of which that is true, when it is swept */
} tri_gc_event;

/* Calls `fn` on the collector's thread at each event; it must be short, and must not wait for a collection. At most
 * 8 can be registered: returns 0, or -1 with errno ENOSPC. */
TRI_API int tri_on_gc(void (*fn)(tri_gc_event event, void *arg), void *arg);

/* ---- figures ---- */

/* Go's runtime.MemStats, field by field. Bytes, counts, nanoseconds; times since 1970 in nanoseconds. */
typedef struct tri_mem_stats {
    uint64_t alloc, total_alloc, sys, lookups, mallocs, frees;
    uint64_t heap_alloc, heap_sys, heap_idle, heap_inuse, heap_released, heap_objects;
    uint64_t stack_inuse, stack_sys, mspan_inuse, mspan_sys, mcache_inuse, mcache_sys;
    uint64_t buck_hash_sys, gc_sys, other_sys;
    uint64_t next_gc, last_gc, pause_total_ns;
    uint64_t pause_ns[256], pause_end[256]; /* circular: the last one is at (num_gc + 255) % 256 */
    uint32_t num_gc, num_forced_gc;
    double gc_cpu_fraction;
    bool enable_gc, debug_gc;
    struct {
        uint32_t size;
        uint64_t mallocs, frees;
    } by_size[68];
} tri_mem_stats;

/* Fills in all fields. Stops nobody; figures of threads that allocate meanwhile may be a moment old. */
TRI_API void tri_read_mem_stats(tri_mem_stats *stats);

/* ---- roots ---- */

/* Memory outside the heap that holds pointers into it: scanned conservatively in every cycle, aligned words only.
 * Ranges must stay readable until they are removed, by the same bounds. Globals and thread-locals of every loaded
 * object and the stacks of threads are roots without this. */
TRI_API void tri_add_roots(void *lo, void *hi);
TRI_API void tri_remove_roots(void *lo, void *hi);

/* Keeps an object alive until as many unpins: for pointers that only the kernel or another process holds. */
TRI_API void tri_pin(const void *object);
TRI_API void tri_unpin(const void *object);

/* A use of `p` that the compiler cannot move up: the object lives at least until here. */
#define tri_keep_alive(p) __asm__ volatile("" : : "r"(p) : "memory")

/* ---- threads ---- */

/* For threads the library could not see being made (raw clone, a foreign runtime). Threads made by pthread_create
 * or thrd_create are attached by themselves, others at their first allocation. A thread that attached by hand
 * detaches before it ends. */
TRI_API void tri_thread_attach(void);
TRI_API void tri_thread_detach(void);

/* Between the two the thread is taken as blocked: collections do not signal it or wait for it, its stack is scanned as it
 * stands at tri_blocking_begin, and other goroutines get its processor. Meanwhile it should neither use the library nor move
 * pointers to heap objects about (loads and stores of other data in the heap are fine). A call of the library, such as an
 * allocation, is no error, but ends the section early: from there on the thread is signalled like any other. Does not nest. */
TRI_API void tri_blocking_begin(void);
TRI_API void tri_blocking_end(void);

/* Runs fn(arg) so, and returns what it returns: the recommended form. One in another ends that one. */
TRI_API void *tri_blocking_call(void *(*fn)(void *), void *arg);

/* A stack of the program's own (a coroutine's): scanned whole, conservatively, in every cycle. */
TRI_API void tri_stack_register(void *lo, void *hi);
TRI_API void tri_stack_unregister(void *lo, void *hi);

TRI__EXTERN_C_END
#endif
