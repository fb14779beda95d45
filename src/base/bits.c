/* bits.c - what of bits.h is too long to stand in every caller. */
#include "bits.h"

bool trix_bits_popcnt;

#if defined(__x86_64__)
#include <cpuid.h>
void trix_bits_init(void) {
    unsigned a, b, c, d;
    trix_bits_popcnt = __get_cpuid(1, &a, &b, &c, &d) && c & bit_POPCNT;
}
#else
void trix_bits_init(void) {}
#endif

size_t trix_bits_count_range(const uint64_t *map, size_t from, size_t n) {
    size_t total = 0;
    while (n) {
        unsigned at = from & 63;
        unsigned len = (unsigned)min_u64(64 - at, n);
        total += bits_count(map[from >> 6] & bits_below(len) << at);
        from += len;
        n -= len;
    }
    return total;
}
