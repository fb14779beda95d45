/* life.h - what the collector asks of the layer life, which knows the objects with finalizers, cleanups, weak pointers
 * and the like ("specials"). Defined there, under life/, as trix_host_init is in host/. */
#ifndef TRIX_GC_LIFE_H
#define TRIX_GC_LIFE_H

#include "mark.h"
#include "../heap/object.h"

/* World stopped, a cycle begins. */
void trix_life_cycle_start(void);

/* While marking, at least once a cycle: shades what specials keep alive. */
void trix_life_mark(struct marker *m);

/* Nothing is grey: shades what is alive because something else turned out to be. False: there is no such thing. World
 * running, or stopped by gccheckmark. */
bool trix_life_mark_more(struct marker *m);

/* The same with the world stopped for the last time. Then handles found dead are shaded, to be destroyed after the cycle.
 * False: all is decided. */
bool trix_life_mark_last(struct marker *m);

/* The span, which has specials, is about to be swept by the calling thread: deals with those of dead objects. Marks
 * the objects that stay for their finalizer. */
void trix_life_sweep(uint32_t page);

/* No pointer into this chunk of a freed arena is left: makes its memory accessible again. False: the system refuses. */
bool trix_life_reuse_arena(uint32_t page);

/* The cycle's sweeping is done; collector. */
void trix_life_swept(void);

/* The object is about to be freed by hand: whether finalizers or the like know it. If not, the heap profile is told. */
bool trix_life_has_specials(const struct object *o);

/* A thread ends, or has ended; threads' lock. */
struct thread;
void trix_life_thread_gone(struct thread *t);

#endif
