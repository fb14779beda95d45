/* bits.h - bitmaps of 64-bit words. */
#ifndef TRIX_BITS_H
#define TRIX_BITS_H

#include "attr.h"

void trix_bits_init(void);

INLINE unsigned bits_lowest(uint64_t w) { return (unsigned)__builtin_ctzll(w); }

/* The architecture's first processors had no instruction for it. */
extern bool trix_bits_popcnt; /* this one has; set by trix_bits_init */
INLINE unsigned bits_count(uint64_t w) {
#if defined(__x86_64__) && !defined(__POPCNT__)
    if (LIKELY(trix_bits_popcnt)) {
        __asm__("popcnt %0, %0" : "+r"(w) : : "cc");
        return (unsigned)w;
    }
#endif
    return (unsigned)__builtin_popcountll(w);
}

INLINE unsigned bits_width(uint64_t w) { return w ? 64 - (unsigned)__builtin_clzll(w) : 0; }
INLINE uint64_t bits_below(unsigned n) { return n >= 64 ? ~0ull : (1ull << n) - 1; }
INLINE bool bits_test(const uint64_t *map, size_t i) { return map[i >> 6] >> (i & 63) & 1; }
INLINE void bits_set(uint64_t *map, size_t i) { map[i >> 6] |= 1ull << (i & 63); }
INLINE void bits_clear(uint64_t *map, size_t i) { map[i >> 6] &= ~(1ull << (i & 63)); }

/* Calls set or clear on [from, from + n), a word at a time. */
INLINE void bits_fill(uint64_t *map, size_t from, size_t n, bool value) {
    while (n) {
        unsigned at = from & 63;
        unsigned len = (unsigned)min_u64(64 - at, n);
        uint64_t mask = bits_below(len) << at;
        if (value) map[from >> 6] |= mask;
        else map[from >> 6] &= ~mask;
        from += len;
        n -= len;
    }
}

/* Number of set bits of [from, from + n). */
size_t trix_bits_count_range(const uint64_t *map, size_t from, size_t n);

/* Length of the run of ones that begins at bit `from` of a map of `nbits` bits. */
INLINE size_t bits_run(const uint64_t *map, size_t from, size_t nbits) {
    size_t i = from;
    while (i < nbits) {
        uint64_t rest = ~(map[i >> 6] >> (i & 63));
        unsigned avail = 64 - (i & 63);
        unsigned ones = rest ? bits_lowest(rest) : 64;
        if (ones < avail) {
            i += ones;
            break;
        }
        i += avail;
    }
    return (i > nbits ? nbits : i) - from;
}

/* First set bit at or after `from`, or nbits. */
INLINE size_t bits_next(const uint64_t *map, size_t from, size_t nbits) {
    for (size_t i = from; i < nbits; i = (i | 63) + 1) {
        uint64_t w = map[i >> 6] >> (i & 63);
        if (w) {
            i += bits_lowest(w);
            return i < nbits ? i : nbits;
        }
    }
    return nbits;
}

#endif
