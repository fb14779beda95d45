/* tricolor/abi.h - what the inlined fast paths and the library must agree on.
 *
 * Nothing here is for programs to call; every name begins with tri__ or TRI__. It holds four things:
 *
 *   the thread line   one thread-local word, `tri__tls.runs`, the table of allocation runs of this thread;
 *   the module        one record a shared object or executable, found through weak hidden symbols, that tells
 *                     the library where the module's barrier flag, restartable ranges and types are;
 *   tri__bump         the allocation fast path, a restartable sequence: load, add, compare, store;
 *   tri__store        the write barrier, a restartable sequence: test flag, branch, store.
 *
 * Restartable sequence: a range of instructions whose last one is its only visible effect. When a signal
 * lands inside, the library moves the interrupted program counter back to the start (ras = restartable
 * atomic sequence, Bershad, Redell and Ellis 1992). So a thread stopped between the test of the flag and the
 * store looks at the flag again when it goes on, and an allocation interrupted by a handler that allocates
 * starts over. The ranges lie in the section tri_ras, with flag R so that no linker drops it.
 */
#ifndef TRICOLOR_ABI_H
#define TRICOLOR_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if !defined(__linux__) || !(defined(__x86_64__) || defined(__aarch64__)) || !defined(__LP64__)
#error "tricolor runs on Linux, x86-64 or aarch64, with 64-bit pointers"
#endif

#ifdef __cplusplus
#define TRI__EXTERN_C_BEGIN extern "C" {
#define TRI__EXTERN_C_END   }
#define TRI__RESTRICT       __restrict__
#define TRI__STATIC_ASSERT  static_assert
#else
#define TRI__EXTERN_C_BEGIN
#define TRI__EXTERN_C_END
#define TRI__RESTRICT      restrict
#define TRI__STATIC_ASSERT _Static_assert
#endif

#define TRI_API __attribute__((visibility("default")))

/* On a pointer parameter: the function keeps nothing of what it points to beyond the call, and does not free it. What tricc's
 * escape analysis takes for granted where it cannot see the body, and prefers to what it sees where it can; nothing elsewhere. */
#if defined(__TRICC__)
#define TRI_NOESCAPE __attribute__((noescape))
#else
#define TRI_NOESCAPE
#endif

#if defined(__has_attribute)
#if __has_attribute(retain)
#define TRI__RETAIN __attribute__((used, retain))
#endif
#endif
#ifndef TRI__RETAIN
#define TRI__RETAIN __attribute__((used))
#endif

#define TRI__INLINE      static inline __attribute__((always_inline, unused))
#define TRI__UNLIKELY(x) __builtin_expect(!!(x), 0)

/* The thread sanitizer cannot see memory that inline assembly hands out, so under it the fast paths are calls. */
#if defined(__SANITIZE_THREAD__)
#define TRI__NO_INLINE_PATHS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TRI__NO_INLINE_PATHS 1
#endif
#endif

TRI__EXTERN_C_BEGIN

struct tri_type;

/* A word in memory that may be of any type: the barrier must not be reordered with the program's own loads. */
typedef uintptr_t __attribute__((may_alias)) tri__word;

/* One stretch of free, zeroed memory that a thread bumps through; slot i of the run table. */
struct tri__run {
    uintptr_t cur; /* next object */
    uintptr_t end; /* first byte behind the stretch; cur == end == 0 when there is none */
};

/* The thread line. Written by its own thread inside the library, or by the collector while that thread is stopped. */
struct tri__tls {
    struct tri__run *runs;
};
extern TRI_API __thread __attribute__((tls_model("initial-exec"))) struct tri__tls tri__tls;

/* A restartable range, both ends relative to the field itself: read-only and free of relocations. */
struct tri__ras {
    int32_t start, end;
};

/* One record a module (executable or shared object). */
struct tri__module {
    uint32_t abi;                 /* TRI__ABI of the header the module was compiled with */
    uint32_t registered;          /* library only */
    unsigned char *barrier_flag;  /* 1 = stores take the slow path; starts as 1, see tri__barrier_on */
    const struct tri__ras *ras_begin, *ras_end;
    struct tri_type **types_begin, **types_end;
    struct tri__module *next; /* library only */
};
#define TRI__ABI 1

TRI_API void tri__module_register(struct tri__module *);
TRI_API void tri__module_unregister(struct tri__module *);
TRI_API void *tri__alloc_slow(const struct tri_type *, size_t size);
TRI_API void tri__store_slow(struct tri__module *, void *slot, uintptr_t value);
/* Bytes have been copied from `src`, which is still as it was, to `dst`, without a barrier: while marking, shades them if `dst`
 * is in a heap object that is scanned, or NULL. What code of tricc calls while its flag is 1. */
TRI_API void tri__copied(struct tri__module *, const void *dst, const void *src, size_t bytes);

extern __attribute__((weak, visibility("hidden"))) const struct tri__ras __start_tri_ras[], __stop_tri_ras[];
extern __attribute__((weak, visibility("hidden"))) struct tri_type *__start_tri_types[], *__stop_tri_types[];

/* 1 while stores must be shaded. It starts as 1, so that code which runs before the module's constructor takes
 * the slow path, which registers the module; from then on only the library writes it, with all threads stopped. */
__attribute__((weak, visibility("hidden"))) volatile unsigned char tri__barrier_on = 1;

__attribute__((weak, visibility("hidden"))) struct tri__module tri__this_module = {
    TRI__ABI,         0,   (unsigned char *)(uintptr_t)&tri__barrier_on, __start_tri_ras, __stop_tri_ras, __start_tri_types,
    __stop_tri_types, NULL};

__attribute__((constructor(101), unused)) static void tri__module_ctor(void) {
    if (!tri__this_module.registered) tri__module_register(&tri__this_module);
}
__attribute__((destructor(101), unused)) static void tri__module_dtor(void) {
    tri__module_unregister(&tri__this_module);
}

#define TRI__RAS_ENTRY                                                                                          \
    ".pushsection tri_ras,\"aR\",%%progbits\n\t"                                                                \
    ".balign 4\n\t"                                                                                             \
    ".long 771b-., 772b-.\n\t"                                                                                  \
    ".popsection"

#ifndef TRI__NO_INLINE_PATHS
#if defined(__x86_64__)

/* Bumps `size` bytes from the run at byte offset `slot` of this thread's table; NULL when the run is too short. */
TRI__INLINE void *tri__bump(uintptr_t slot, size_t size) {
    uintptr_t line, table, object, next;
    __asm__("movq tri__tls@gottpoff(%%rip), %0" : "=r"(line));
    __asm__ volatile goto("771: movq %%fs:(%[line]), %[table]\n\t"
                          "movq (%[table],%[slot]), %[object]\n\t"
                          "movq %[object], %[next]\n\t"
                          "addq %[size], %[next]\n\t"
                          "cmpq 8(%[table],%[slot]), %[next]\n\t"
                          "ja %l[empty]\n\t"
                          "movq %[next], (%[table],%[slot])\n"
                          "772:\n\t" TRI__RAS_ENTRY
                         : [table] "=&r"(table), [object] "=&r"(object), [next] "=&r"(next)
                         : [line] "r"(line), [slot] "r"(slot), [size] "re"(size)
                         : "cc"
                         : empty);
    if (!object) __builtin_unreachable();
    return (void *)object;
empty:
    return NULL;
}

#if defined(__clang__) && __clang_major__ < 16
/* clang 14 and 15 take no outputs on the branch of an asm goto: the slot is an input, the clobber says it is written */
#define TRI__STORE_OUT
#define TRI__STORE_IN      [m] "m"(*where),
#define TRI__STORE_CLOBBER , "memory"
#else
#define TRI__STORE_OUT [m] "=m"(*where)
#define TRI__STORE_IN
#define TRI__STORE_CLOBBER
#endif

TRI__INLINE void tri__store(tri__word *where, uintptr_t value) {
    __asm__ goto("771: cmpb $0, %[on]\n\t"
                 "jne %l[shade]\n\t"
                 "movq %[value], %[m]\n"
                 "772:\n\t" TRI__RAS_ENTRY
                 : TRI__STORE_OUT
                 : TRI__STORE_IN[on] "m"(tri__barrier_on), [value] "re"(value)
                 : "cc" TRI__STORE_CLOBBER
                 : shade);
    return;
shade:
    tri__store_slow(&tri__this_module, where, value);
}

#elif defined(__aarch64__)

TRI__INLINE void *tri__bump(uintptr_t slot, size_t size) {
    uintptr_t line, table, object, next, end;
    __asm__("adrp %0, :gottprel:tri__tls\n\tldr %0, [%0, #:gottprel_lo12:tri__tls]" : "=r"(line));
    __asm__ volatile goto("771: mrs %[table], tpidr_el0\n\t"
                          "ldr %[table], [%[table], %[line]]\n\t"
                          "add %[table], %[table], %[slot]\n\t"
                          "ldp %[object], %[end], [%[table]]\n\t"
                          "add %[next], %[object], %[size]\n\t"
                          "cmp %[next], %[end]\n\t"
                          "b.hi %l[empty]\n\t"
                          "str %[next], [%[table]]\n"
                          "772:\n\t" TRI__RAS_ENTRY
                         : [table] "=&r"(table), [object] "=&r"(object), [next] "=&r"(next), [end] "=&r"(end)
                         : [line] "r"(line), [slot] "r"(slot), [size] "r"(size)
                         : "cc"
                         : empty);
    if (!object) __builtin_unreachable();
    return (void *)object;
empty:
    return NULL;
}

TRI__INLINE void tri__store(tri__word *where, uintptr_t value) {
    __asm__ goto("771: ldrb w16, %[on]\n\t"
                 "cbnz w16, %l[shade]\n\t"
                 "str %x[value], %[m]\n"
                 "772:\n\t" TRI__RAS_ENTRY
                 :
                 : [m] "Q"(*where), [on] "Q"(tri__barrier_on), [value] "rZ"(value)
                 : "x16", "cc", "memory"
                 : shade);
    return;
shade:
    tri__store_slow(&tri__this_module, where, value);
}

#endif
#else /* TRI__NO_INLINE_PATHS */

TRI__INLINE void *tri__bump(uintptr_t slot, size_t size) { return (void)slot, (void)size, (void *)0; }
TRI__INLINE void tri__store(tri__word *where, uintptr_t value) { tri__store_slow(&tri__this_module, where, value); }

#endif

TRI__EXTERN_C_END
#endif
