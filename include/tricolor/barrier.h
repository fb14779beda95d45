/* tricolor/barrier.h - stores of pointers into heap objects.
 *
 * While the collector marks, a store into a heap object must show it both the pointer overwritten and the new one
 * (hybrid barrier: Yuasa's deletion and Dijkstra's insertion barrier together, as Go has since 1.8). In plain C
 * write tri_set for every store of a pointer into a heap object, a fresh one too. Stores to globals,
 * thread-locals and locals need nothing: the collector looks at those again before it ends.
 */
#ifndef TRICOLOR_BARRIER_H
#define TRICOLOR_BARRIER_H

#include "abi.h"

TRI__EXTERN_C_BEGIN

/* tri_set(lvalue, value): `lvalue = value`, for pointers and integers that hold one. Either is evaluated once.
 * Async-signal-safe. */
#define tri_set(lvalue, value)                                                                                  \
    (__extension__({                                                                                            \
        __typeof__(lvalue) tri__value = (value);                                                                \
        TRI__STATIC_ASSERT(sizeof(lvalue) == sizeof(uintptr_t), "tri_set stores one pointer; use tri_assign");      \
        tri__store((tri__word *)(uintptr_t) & (lvalue), (uintptr_t)tri__value);                                 \
        (void)0;                                                                                                \
    }))

/* tri_assign(dst, src): `dst = src` for whole structs. */
#define tri_assign(dst, src)                                                                                    \
    (__extension__({                                                                                            \
        __typeof__(dst) tri__source = (src);                                                                    \
        tri_memmove((void *)(uintptr_t) & (dst), &tri__source, sizeof(tri__source));                            \
        (void)0;                                                                                                \
    }))

/* tri_swap(a, b): exchanges two pointers, each of which may lie in the heap. Not atomic towards other threads. */
#define tri_swap(a, b)                                                                                          \
    (__extension__({                                                                                            \
        __typeof__(a) tri__a = (a);                                                                             \
        tri_set(a, b);                                                                                          \
        tri_set(b, tri__a);                                                                                     \
    }))

/* tri_cas(lvalue, expected, desired): if lvalue == expected then lvalue = desired, atomically (seq_cst); returns
 * whether it did. tri_exchange(lvalue, value): stores atomically and returns the old pointer. */
#define tri_cas(lvalue, expected, desired)                                                                      \
    tri__cas_told((void *)(uintptr_t) & (lvalue), (uintptr_t)(expected), (uintptr_t)(desired))
#define tri_exchange(lvalue, value)                                                                             \
    (__extension__({                                                                                            \
        uintptr_t tri__old = tri__exchange_told((void *)(uintptr_t) & (lvalue), (uintptr_t)(value));                 \
        (__typeof__(lvalue))tri__old;                                                                           \
    }))

TRI_API bool tri__cas(void *slot, uintptr_t expected, uintptr_t desired);
TRI_API uintptr_t tri__exchange(void *slot, uintptr_t value);

#ifdef TRI__NO_INLINE_PATHS
/* The thread sanitizer does not see into the library: it is told what these order. */
extern void __tsan_acquire(void *);
extern void __tsan_release(void *);
TRI__INLINE bool tri__cas_told(void *slot, uintptr_t expected, uintptr_t desired) {
    __tsan_release(slot);
    bool done = tri__cas(slot, expected, desired);
    __tsan_acquire(slot);
    return done;
}
TRI__INLINE uintptr_t tri__exchange_told(void *slot, uintptr_t value) {
    __tsan_release(slot);
    uintptr_t old = tri__exchange(slot, value);
    __tsan_acquire(slot);
    return old;
}
#else
#define tri__cas_told      tri__cas
#define tri__exchange_told tri__exchange
#endif

/* As in <string.h>, for memory that holds pointers. Aligned words are never seen half copied by the collector. */
TRI_API void *tri_memmove(void *dst, const void *src, size_t bytes);
TRI_API void *tri_memcpy(void *TRI__RESTRICT dst, const void *TRI__RESTRICT src, size_t bytes);
TRI_API void *tri_memset(void *dst, int byte, size_t bytes);

TRI__EXTERN_C_END
#endif
