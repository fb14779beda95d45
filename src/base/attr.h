/* attr.h - the compiler's words under short names. */
#ifndef TRIX_ATTR_H
#define TRIX_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT       __attribute__((visibility("default")))
#define INLINE       static inline __attribute__((always_inline))
#define NOINLINE     __attribute__((noinline))
#define COLD         __attribute__((cold, noinline))
#define NORETURN     __attribute__((noreturn, cold))
#define UNUSED       __attribute__((unused))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define ALIGNED(n)   __attribute__((aligned(n)))
/* In a section that is walked from __start_NAME to __stop_NAME, whatever a linker thinks of who refers to it. */
#if __has_attribute(retain)
#define KEPT_IN(name) __attribute__((section(name), used, retain))
#else
#define KEPT_IN(name) __attribute__((section(name), used))
#endif
/* A table of the library's own that holds nothing of the program's: linked into a program it lies in the program's data, where
 * looking at it for roots would take time of each stop (gc/roots.c). */
struct no_roots {
    const void *at;
    size_t bytes;
};
#define NO_ROOTS(table) static const struct no_roots no_roots_##table KEPT_IN("trix_no_roots") = {&table, sizeof table}
#define LIKELY(x)    __builtin_expect(!!(x), 1)
#define UNLIKELY(x)  __builtin_expect(!!(x), 0)
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define TLS          __thread __attribute__((tls_model("initial-exec")))

/* The collector reads other threads' stacks, red zones and memory that is being written: by design, so the sanitizers
 * must not look at these few functions. */
#define RACY_READS   __attribute__((no_sanitize("address", "thread", "undefined"), noinline))

#define CACHE_LINE   64

INLINE uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
INLINE uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }
INLINE uint64_t round_up(uint64_t n, uint64_t to) { return (n + to - 1) & ~(to - 1); }
INLINE uint64_t round_down(uint64_t n, uint64_t to) { return n & ~(to - 1); }

#endif
