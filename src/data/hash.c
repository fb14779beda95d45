/* hash.c - seeds: one draw from the system's random numbers, and splitmix64 (Steele, Lea, Flood 2014) from there. */
#include "hash.h"
#include "../base/atomic.h"
#include "../os/os.h"
#include "../../include/tricolor/hashmap.h"

#include <errno.h>
#include <sys/random.h>

static uint64_t state; /* 0: not drawn yet; relaxed */

static uint64_t draw(void) {
    uint64_t drawn;
    int kept = errno;
    if (getrandom(&drawn, sizeof drawn, GRND_NONBLOCK) != sizeof drawn) drawn = trix_os_now() ^ (uintptr_t)&drawn << 20;
    errno = kept;
    return drawn | 1;
}

uint64_t trix_hash_seed(void) {
    if (UNLIKELY(!load_relaxed(&state))) fetch_add_relaxed(&state, draw());
    uint64_t z = fetch_add_relaxed(&state, HASH_A) + HASH_A;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

EXPORT uint64_t tri_hash_bytes(const void *bytes, size_t n, uint64_t seed) { return hash_bytes(bytes, n, seed); }
EXPORT uint64_t tri_string_hash(tri_string s, uint64_t seed) { return hash_bytes(s.data, s.len, seed); }
