/* races.h - what the thread sanitizer is told of memory that changes hands.
 *
 * A program may be instrumented though the library is not. What lies between the last use of an object by one thread and the first use of
 * its memory by another (a stop, marking, sweep) the sanitizer does not see, and takes for a race of the two. So it is told
 * of it as it is of a Java heap: the heap's bounds, each stretch that is handed out, as fresh memory, and that a
 * finalizer runs after everything that was done to its object. Found by weak references; without a sanitizer in the process
 * this is one test of a flag, and not in the fast path.
 *
 * Called inside, with locks or without: the sanitizer calls nobody back.
 */
#ifndef TRIX_RACES_H
#define TRIX_RACES_H

#include "../base/attr.h"

#include <stddef.h>
#include <stdint.h>

extern bool trix_races_told; /* somebody listens; constant once the heap has started */

/* The sanitizer knows the calling thread: not before it has begun, nor once destructors of its thread-specific data run, among them the
 * sanitizer's own. */
extern TLS bool trix_races_here;

/* The heap's bounds; once, at the start. */
void trix_races_heap(void *at, size_t bytes);

void trix_races_fresh(void *at, size_t bytes);
void trix_races_after_all(void);

/* [at, at + bytes), at multiples of 8, is about to be handed out: what was done to it belongs to the past. */
INLINE void races_fresh(void *at, size_t bytes) {
    if (UNLIKELY(trix_races_told) && trix_races_here) trix_races_fresh(at, bytes);
}

/* All that any thread has done so far comes before what the calling thread does next: runs a finalizer, takes over what an ended
 * thread has left. */
INLINE void races_after_all(void) {
    if (UNLIKELY(trix_races_told) && trix_races_here) trix_races_after_all();
}

/* The address lies in the sanitizer's own code. A thread interrupted there may hold locks of the sanitizer's, which others need to tell it
 * of anything: it must not be stopped before it has gone on. */
bool trix_races_inside(uintptr_t pc);
INLINE bool races_inside(uintptr_t pc) { return UNLIKELY(trix_races_told) && trix_races_inside(pc); }

/* There is a sanitizer, and for it the calling thread is no more: it can make no threads, nor use malloc. */
INLINE bool races_thread_over(void) { return UNLIKELY(trix_races_told) && !trix_races_here; }

#endif
