/* histogram.h - counts of durations, in Go's buckets (runtime/histogram.go): four to each power of two, from 64 ns apart
 * at the bottom to 2^47 ns (39 hours) at the top, one for what is longer. Any thread adds, without a lock; who reads
 * meanwhile may miss the newest. */
#ifndef TRIX_HISTOGRAM_H
#define TRIX_HISTOGRAM_H

#include "atomic.h"
#include "bits.h"

enum {
    HISTOGRAM_LOW_BITS = 9,   /* below 2^8 ns there are four equal buckets */
    HISTOGRAM_HIGH_BITS = 48,
    HISTOGRAM_SUB_BITS = 2,
    HISTOGRAM_BUCKETS = (HISTOGRAM_HIGH_BITS - HISTOGRAM_LOW_BITS + 1) << HISTOGRAM_SUB_BITS
};

struct histogram {
    uint64_t count[HISTOGRAM_BUCKETS]; /* relaxed */
    uint64_t over;                     /* relaxed: too long for the last one */
};

INLINE void histogram_add(struct histogram *h, uint64_t ns) {
    unsigned length = ns ? 64 - (unsigned)__builtin_clzll(ns) : 0, bucket = 0, shift = HISTOGRAM_LOW_BITS - 1;
    if (length >= HISTOGRAM_LOW_BITS) {
        bucket = length - HISTOGRAM_LOW_BITS + 1;
        shift = length - 1;
    }
    unsigned sub = ns >> (shift - HISTOGRAM_SUB_BITS) & ((1u << HISTOGRAM_SUB_BITS) - 1);
    unsigned i = bucket << HISTOGRAM_SUB_BITS | sub;
    fetch_add_relaxed(i < HISTOGRAM_BUCKETS ? &h->count[i] : &h->over, 1);
}

/* The least duration in bucket i, ns; of the one behind the last: where `over` begins. */
INLINE uint64_t histogram_bound(unsigned i) {
    unsigned bucket = i >> HISTOGRAM_SUB_BITS, sub = i & ((1u << HISTOGRAM_SUB_BITS) - 1);
    if (bucket == 0) return (uint64_t)sub << (HISTOGRAM_LOW_BITS - 1 - HISTOGRAM_SUB_BITS);
    unsigned top = bucket + HISTOGRAM_LOW_BITS - 2;
    return 1ull << top | (uint64_t)sub << (top - HISTOGRAM_SUB_BITS);
}

#endif
