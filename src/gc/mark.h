/* mark.h - tracing: see mark.c. */
#ifndef TRIX_MARK_H
#define TRIX_MARK_H

#include "work.h"
#include "../heap/map.h"

/* Together about as many misses as a processor has under way at once: with 32 candidates, marking a random graph took an eighth
 * longer (Zen 4). */
enum { CANDIDATES = 16, LOOKAHEAD = WORKBUF_ITEMS < 32 ? WORKBUF_ITEMS : 32 };

/* What the loop over objects keeps in registers. */
struct marker_hot {
    uint64_t *top, *limit;  /* of the grey buffer: behind its last item, behind its last place. Equal without a buffer */
    struct workbuf *grey;   /* last in, first out; NULL until needed. Its n is right only when it is handed over */
    uint32_t candidate_at, candidates; /* ring below: first, count */
    uint32_t batch, aheads; /* which of the two batches below is in use, and how many objects it has */
    uint64_t extent;        /* map.extent as last read */
    uint64_t marked_bytes;  /* of slots and spans that this marker marked; added up by the cycle */
    uint64_t work;          /* bytes scanned; likewise */
};

/* One marker: a collector thread, or a mutator that assists. Used by one thread at a time. */
struct marker {
    struct marker_hot hot;
    uint64_t candidate[CANDIDATES]; /* offsets of words that may be pointers, their page's entry being fetched */
    uint64_t ahead[2][LOOKAHEAD];   /* grey objects: the batch being scanned, and the next, whose memory is being fetched */
};

/* Whether an address needs no marking any more; false when that is not known at a glance. */
INLINE bool offset_is_marked(uint64_t offset) {
    const struct page *p = map_page((uint32_t)(offset >> PAGE_SHIFT));
    uint8_t kind = load_acquire(&p->kind);
    if (kind != PAGE_SCAN && kind != PAGE_LEAF) return false;
    uint32_t slot = (uint32_t)((offset & (PAGE_SIZE - 1)) * p->magic >> 32);
    return load_relaxed(&p->mark[slot >> 6]) >> (slot & 63) & 1;
}

/* Scans until `budget` bytes are done or no work is to be had; returns false when none was left. The marker must be
 * active (trix_work_enter). What it still holds stays with it: trix_marker_flush before it stops. */
bool trix_marker_drain(struct marker *m, uint64_t budget);

/* Hands over all that the marker holds. */
void trix_marker_flush(struct marker *m);

/* Scans a root range, conservatively, aligned words only. `exact_ends`: a word equal to the start of a slot of a
 * typed object keeps the one before it too (stacks, registers, thread-locals). */
void trix_marker_scan_range(struct marker *m, const void *lo, const void *hi, bool exact_ends);

/* One pointer, anywhere into an object. */
void trix_marker_shade(struct marker *m, uintptr_t pointer);

/* Whether the object that an address points into is marked; true for what is no object. */
bool trix_marker_is_marked(uintptr_t pointer);

/* What one object points to, and not the object itself; `start` is its first byte. */
void trix_marker_scan_object(struct marker *m, uintptr_t start);

/* After an overflow of the work buffers: scans every marked object once more. World running or stopped. */
void trix_marker_rescan_heap(struct marker *m);

#endif
