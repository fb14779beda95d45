/* hash.h - hashing for maps: a multiplication of 64 by 64 bits whose two halves are folded together, once for a word and
 * once for each 16 bytes of text (the construction of wyhash, Wang Yi 2019). Good in all bits for any input that does not know the
 * seed; every map has a seed of its own. */
#ifndef TRIX_HASH_H
#define TRIX_HASH_H

#include "../base/attr.h"

#include <string.h>

#define HASH_A 0x9e3779b97f4a7c15ull /* 2^64 over the golden ratio */
#define HASH_B 0xd1b54a32d192ed03ull
#define HASH_C 0xaef17502108ef2d9ull

INLINE uint64_t hash_fold(uint64_t a, uint64_t b) {
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

INLINE uint64_t hash_word(uint64_t word, uint64_t seed) { return hash_fold(word ^ seed, HASH_A); }

INLINE uint64_t hash_load8(const char *p) {
    uint64_t w;
    memcpy(&w, p, 8);
    return w;
}
INLINE uint64_t hash_load4(const char *p) {
    uint32_t w;
    memcpy(&w, p, 4);
    return w;
}

/* One to sixteen bytes as two words that tell all of them, given the length. */
INLINE void hash_ends(const char *p, size_t n, uint64_t *a, uint64_t *b) {
    if (n >= 8) {
        *a = hash_load8(p);
        *b = hash_load8(p + n - 8);
    } else if (n >= 4) {
        *a = hash_load4(p);
        *b = hash_load4(p + n - 4);
    } else {
        *a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n >> 1] << 8 | (unsigned char)p[n - 1];
        *b = 0;
    }
}

INLINE uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed) {
    const char *p = (const char *)bytes;
    uint64_t a = 0, b = 0;
    size_t left = n;
    for (; left > 16; left -= 16, p += 16) seed = hash_fold(hash_load8(p) ^ HASH_B, hash_load8(p + 8) ^ seed);
    if (left) hash_ends(p, left, &a, &b);
    return hash_fold(HASH_C ^ n, hash_fold(a ^ HASH_B, b ^ seed));
}

/* Random, other in each process. */
uint64_t trix_hash_seed(void);

#endif
