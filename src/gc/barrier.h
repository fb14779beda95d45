/* barrier.h - the slow half of the write barrier, and how words become grey.
 *
 * Both the old and the new value of a slot are shaded, always (deletion and insertion barrier together). "The new one
 * only while the stack is grey" is wrong as soon as one root has no barrier; the spin model in tests/model shows the
 * four steps. A word is shaded by appending it to the thread's raw buffer: no marking, so a
 * store costs the same whatever it points to.
 */
#ifndef TRIX_BARRIER_H
#define TRIX_BARRIER_H

#include "thread.h"

/* Appends a word that may be a pointer; inside, or in the stop signal's handler. RAW_ROOT in flags for stacks. */
void trix_shade(struct thread *t, uintptr_t word, uint64_t flags);

/* Hands the buffer over; own thread, or the collector while it stands still. */
void trix_shade_flush(struct thread *t);

/* The calling thread's stack, registers and thread-locals, and then a flush. */
void trix_shade_own_roots(struct thread *t);

/* While marking: the words of a range that is about to be released, overwritten or copied; flags as above. */
void trix_shade_range(struct thread *t, const void *from, size_t bytes, uint64_t flags);

#endif
