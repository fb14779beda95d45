/* atomic.h - atomic operations with their memory order in the name. Plain fields, no _Atomic: which accesses of a
 * field are atomic, and why the order suffices, is said where the field is declared. */
#ifndef TRIX_ATOMIC_H
#define TRIX_ATOMIC_H

#include "attr.h"

#define load_relaxed(p)        __atomic_load_n((p), __ATOMIC_RELAXED)
#define load_acquire(p)        __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define load_seq(p)            __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define store_relaxed(p, v)    __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define store_release(p, v)    __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define store_seq(p, v)        __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define swap_seq(p, v)         __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define swap_acquire(p, v)     __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
#define fetch_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define fetch_add_release(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELEASE)
#define fetch_add_seq(p, v)    __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define fetch_sub_relaxed(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_RELAXED)
#define fetch_sub_release(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_RELEASE)
#define fetch_sub_seq(p, v)    __atomic_fetch_sub((p), (v), __ATOMIC_SEQ_CST)
#define fetch_or_relaxed(p, v) __atomic_fetch_or((p), (v), __ATOMIC_RELAXED)
#define fetch_or_seq(p, v)     __atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
#define fetch_and_relaxed(p, v) __atomic_fetch_and((p), (v), __ATOMIC_RELAXED)
#define fetch_and_seq(p, v)    __atomic_fetch_and((p), (v), __ATOMIC_SEQ_CST)

/* Compare-exchange; on failure *(expected) holds what was found. */
#define cas_acquire(p, expected, v)                                                                            \
    __atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define cas_seq(p, expected, v)                                                                                \
    __atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/* A double, relaxed: the builtins by value know integers only. */
INLINE double load_double(const double *p) {
    double value;
    __atomic_load(p, &value, __ATOMIC_RELAXED);
    return value;
}
INLINE void store_double(double *p, double value) { __atomic_store(p, &value, __ATOMIC_RELAXED); }

/* Between a thread and a signal handler on that thread only the compiler reorders. */
#define signal_fence()         __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define fence_seq()            __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define acquire_fence()        __atomic_thread_fence(__ATOMIC_ACQUIRE)
/* Everything written to a new object or span is seen before any pointer to it (x86: free; aarch64: dmb ishst). */
#define publication_fence()    __atomic_thread_fence(__ATOMIC_RELEASE)

INLINE void cpu_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("yield");
#endif
}

#endif
