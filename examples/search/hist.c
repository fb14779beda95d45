/* hist.c - see hist.h. */
#include "hist.h"

void hist_merge(struct hist *to, const struct hist *from) {
    for (uint32_t i = 0; i < HIST_BUCKETS; i++) to->count[i] += from->count[i];
    to->n += from->n;
    if (from->max > to->max) to->max = from->max;
}

/* The largest value of a bucket. */
static uint64_t bucket_end(uint32_t bucket) {
    if (bucket < 2 * HIST_SUB) return bucket;
    unsigned shift = bucket / HIST_SUB - 1;
    return ((uint64_t)(bucket - shift * HIST_SUB) + 1) * (1ull << shift) - 1;
}

uint64_t hist_quantile(const struct hist *h, double part) {
    uint64_t rank = (uint64_t)(part * (double)h->n), below = 0;
    for (uint32_t i = 0; i < HIST_BUCKETS; i++) {
        below += h->count[i];
        if (below > rank) return bucket_end(i) < h->max ? bucket_end(i) : h->max;
    }
    return h->max;
}
