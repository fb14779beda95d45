/* hist.h - a histogram of durations with 3 % resolution at any size, after Gil Tene's HdrHistogram.
 *
 * A value's bucket is its highest bit and the five bits below it. One writer; merge when it has stopped.
 */
#ifndef SEARCH_HIST_H
#define SEARCH_HIST_H

#include <stdint.h>

enum { HIST_SUB = 32, HIST_BUCKETS = 60 * HIST_SUB };

struct hist {
    uint64_t n, max;
    uint64_t count[HIST_BUCKETS];
};

static inline uint32_t hist_bucket(uint64_t ns) {
    if (ns < HIST_SUB) return (uint32_t)ns;
    unsigned shift = 58 - (unsigned)__builtin_clzll(ns); /* leaves six bits */
    return shift * HIST_SUB + (uint32_t)(ns >> shift);
}

static inline void hist_add(struct hist *h, uint64_t ns) {
    h->count[hist_bucket(ns)]++;
    h->n++;
    if (ns > h->max) h->max = ns;
}

void hist_merge(struct hist *to, const struct hist *from);
/* The value that `part` (0 to 1) of the entries do not exceed, rounded up to its bucket's end. */
uint64_t hist_quantile(const struct hist *, double part);

#endif
