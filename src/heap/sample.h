/* sample.h - which allocations a heap profile sees: every byte is a sampling point with probability 1/rate, all bytes
 * independently, so an object of n bytes is seen with probability 1 - exp(-n/rate), and what is seen can be scaled up
 * without bias (Go's runtime/mprof.go, runtime/malloc.go).
 *
 * Go counts every allocation down; here the fast path counts nothing. Each thread lays the stretches its runs begin
 * (cache.c) end to end on a line of bytes, with points on it at exponential distances. A stretch with no point on it is
 * used as it is. One with a point is cut in front of the object the point lies in; that object becomes a stretch of its own, so
 * the slow path hands it out, and tells; what is behind it goes back to the claim, and is laid on the line anew when its turn
 * comes. This is exact: the cut is known from the line up to the point only, and distances have no memory. Slots that a
 * collection takes back before they were handed out take their points with them, which is right too.
 *
 * With the rate 0 (nobody listens) there is a point in a TiB, and it tells nothing.
 */
#ifndef TRIX_SAMPLE_H
#define TRIX_SAMPLE_H

#include "../base/atomic.h"

struct sampler { /* owner only */
    int64_t left;    /* bytes to the next point */
    uint64_t random; /* 0: not seeded yet */
    int32_t rate;    /* that `left` was drawn for */
    bool hit;        /* the stretch that has just begun is one object, to be told of */
};

/* Where the rate lies: bytes, the mean distance of points; relaxed. The library of profiles puts it there. */
extern const int *trix_sample_rate;

/* A stretch of n slots does not end before the next point, or the rate is another one: how many slots it may have; *then:
 * the slot behind them is to be told of. */
size_t trix_sampler_cut(struct sampler *s, size_t n, size_t slot, bool *then);

/* The stretch lies before the next point. */
INLINE bool sampler_pass(struct sampler *s, int64_t bytes) {
    if (UNLIKELY(s->left < bytes || s->rate != load_relaxed(trix_sample_rate))) return false;
    s->left -= bytes;
    return true;
}

#endif
