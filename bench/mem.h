/* bench/mem.h - one small face for all memory systems, so that each benchmark is written once.
 *
 * The build says which system stands behind the words, by one of
 *
 *     -DMEM_TRICOLOR  libtricolor
 *     -DMEM_BOEHM     the Boehm-Demers-Weiser collector, used as it is meant to be with threads: thread-local
 *                     free lists, atomic memory for leaves, the package's parallel markers
 *     -DMEM_MALLOC    malloc and free: glibc's, or mimalloc's when that is linked in
 *     -DMEM_BUMP      a bare bump pointer that never gives anything back: the floor for fastpath.c only
 *
 * The words:
 *
 *     TYPE(T, field, ...);  at file scope: these fields of T hold pointers. TYPE_LEAF(T): none does
 *     NEW(T)                one T. Zero on a collector, undefined on malloc, as a C program would have it:
 *                           every program fills in every field, pointers by SET or NIL, before it goes on
 *     NEW_ARRAY(T, n)       n of T, zeroed by every system
 *     NEW_LEAF(bytes)       memory that never holds a pointer; contents undefined (tricolor and Go zero it)
 *     SET(lvalue, pointer)  stores a pointer into a heap object
 *     NIL(lvalue)           makes a field of a fresh object NULL: nothing to do where memory comes zeroed
 *     MANUAL                1 where memory must be freed: `if (MANUAL) tree_free(t);`
 *     FREE(p)               frees where MANUAL, else nothing
 *     COLLECT()             a full collection, at once; HAS_COLLECT tells whether there is such a thing
 *     COLLECTION_OFF()      no collection from now on, except by COLLECT
 *     mem_tables()          what the collector's own tables take, in percent of the pages in use; 0: not known
 *
 * Roots are locals, globals and thread-locals: stores to those are plain `=` in every system.
 */
#ifndef BENCH_MEM_H
#define BENCH_MEM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(MEM_TRICOLOR)

#include <tricolor.h>

#define TYPE(...)                                                                                            \
    TRI_TYPE(__VA_ARGS__)                                                                                    \
    _Static_assert(1, "")
#define TYPE_LEAF(T)                                                                                         \
    TRI_TYPE_LEAF(T)                                                                                         \
    _Static_assert(1, "")
#define NEW(T)           tri_new(T)
#define NEW_ARRAY(T, n)  tri_new_array(T, n)
#define NEW_LEAF(bytes)  tri_alloc_leaf(bytes)
#define SET(lvalue, p)   tri_set(lvalue, p)
#define NIL(lvalue)      ((void)0)
#define MANUAL           0
#define FREE(p)          ((void)(p))
#define HAS_COLLECT      1
#define COLLECT()        tri_gc()
#define COLLECTION_OFF() ((void)tri_set_gc_percent(-1))

static inline void mem_init(void) {}
static inline void mem_describe(char *text, size_t size) {
    snprintf(text, size, "tricolor %s", tri_version());
}
static inline void mem_report(void) {} /* its figures come from GODEBUG=gctrace=1 */
static inline double mem_tables(void) {
    static tri_mem_stats s;
    tri_read_mem_stats(&s);
    return 100.0 * (double)(s.mspan_sys + s.gc_sys + s.other_sys) / (double)s.heap_inuse;
}

#elif defined(MEM_BOEHM)

#define GC_THREADS
#include <gc/gc.h>
#include <time.h>

#define TYPE(...)        _Static_assert(1, "")
#define TYPE_LEAF(T)     _Static_assert(1, "")
#define NEW(T)           ((T *)GC_MALLOC(sizeof(T)))
#define NEW_ARRAY(T, n)  ((T *)GC_MALLOC(sizeof(T) * (n)))
#define NEW_LEAF(bytes)  GC_MALLOC_ATOMIC(bytes)
#define SET(lvalue, p)   ((void)((lvalue) = (p)))
#define NIL(lvalue)      ((void)0)
#define MANUAL           0
#define FREE(p)          ((void)(p))
#define HAS_COLLECT      1
#define COLLECT()        GC_gcollect()
#define COLLECTION_OFF() GC_disable()

/* Its stops, as seen from inside: from before the first thread is stopped until after the last one runs
 * again. The callback runs with the collector's lock held. */
static uint64_t mem_stop_began, mem_stop_longest;

static inline void GC_CALLBACK mem_event(GC_EventType event) {
    if (event != GC_EVENT_PRE_STOP_WORLD && event != GC_EVENT_POST_START_WORLD) return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    if (event == GC_EVENT_PRE_STOP_WORLD)
        mem_stop_began = ns;
    else if (ns - mem_stop_began > mem_stop_longest)
        mem_stop_longest = ns - mem_stop_began;
}

static inline void mem_init(void) {
    GC_set_warn_proc(GC_ignore_warn_proc); /* its advice on very large blocks is not our output */
    GC_INIT();
    GC_set_on_collection_event(mem_event);
}

static inline void mem_describe(char *text, size_t size) {
    unsigned v = GC_get_version();
    snprintf(text, size, "libgc %u.%u.%u", v >> 16, v >> 8 & 255, v & 255);
}

static inline void mem_report(void) {
    printf("result gc cycles %lu n\n", (unsigned long)GC_get_gc_no());
    printf("result gc longest_stop %.4f ms\n", (double)mem_stop_longest / 1e6);
}

#elif defined(MEM_MALLOC)

#include <gnu/libc-version.h>

/* Exhausted memory ends the program, as it does in the collected systems. */
static inline void *mem_checked(void *p) {
    if (__builtin_expect(!p, 0)) abort();
    return p;
}

#define TYPE(...)        _Static_assert(1, "")
#define TYPE_LEAF(T)     _Static_assert(1, "")
#define NEW(T)           ((T *)mem_checked(malloc(sizeof(T))))
#define NEW_ARRAY(T, n)  ((T *)mem_checked(calloc((n), sizeof(T))))
#define NEW_LEAF(bytes)  mem_checked(malloc(bytes))
#define SET(lvalue, p)   ((void)((lvalue) = (p)))
#define NIL(lvalue)      ((void)((lvalue) = NULL))
#define MANUAL           1
#define FREE(p)          free((void *)(p))
#define HAS_COLLECT      0
#define COLLECT()        ((void)0)
#define COLLECTION_OFF() ((void)0)

/* There only when mimalloc is linked: malloc itself is then mimalloc's, by the name. */
extern int mi_version(void) __attribute__((weak));

static inline void mem_init(void) {}
static inline void mem_describe(char *text, size_t size) {
    if (mi_version) {
        int v = mi_version();
        snprintf(text, size, "mimalloc %d.%d.%d", v / 100, v / 10 % 10, v % 10);
    } else {
        snprintf(text, size, "glibc %s", gnu_get_libc_version());
    }
}
static inline void mem_report(void) {}

#elif defined(MEM_BUMP)

#include <sys/mman.h>

/* Room enough for what the fastpath program allocates between two resets. */
#define MEM_BUMP_BYTES ((size_t)4 << 30)

static char *mem_bump_base, *mem_bump_cur, *mem_bump_end;

static inline void *mem_bump(size_t bytes) {
    char *p = mem_bump_cur, *next = p + bytes;
    if (__builtin_expect(next > mem_bump_end, 0)) abort();
    mem_bump_cur = next;
    return p;
}

#define TYPE(...)        _Static_assert(1, "")
#define TYPE_LEAF(T)     _Static_assert(1, "")
#define NEW(T)           ((T *)mem_bump(sizeof(T)))
#define SET(lvalue, p)   ((void)((lvalue) = (p)))
#define NIL(lvalue)      ((void)((lvalue) = NULL))
#define MANUAL           0
#define FREE(p)          ((void)(p))
#define HAS_COLLECT      1
#define COLLECT()        ((void)(mem_bump_cur = mem_bump_base)) /* "all is garbage" */
#define COLLECTION_OFF() ((void)0)

static inline void mem_init(void) {
    void *room = mmap(NULL, MEM_BUMP_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) abort();
    mem_bump_base = mem_bump_cur = room;
    mem_bump_end = mem_bump_base + MEM_BUMP_BYTES;
}
static inline void mem_describe(char *text, size_t size) { snprintf(text, size, "bare bump pointer"); }
static inline void mem_report(void) {}

#else
#error "say which memory system: -DMEM_TRICOLOR, -DMEM_BOEHM, -DMEM_MALLOC or -DMEM_BUMP"
#endif

#ifndef MEM_TRICOLOR
static inline double mem_tables(void) { return 0; }
#endif
#endif
