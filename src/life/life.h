/* life.h - the end of objects' lives: finalizers, cleanups, weak pointers, ephemerons, counted handles, pools, arenas.
 *
 *   special.c    which objects have something hung on them: the table that marking and sweeping look into
 *   due.c        what has become due, and the thread that runs it
 *   finalizer.c  tri_set_finalizer, tri_add_cleanup
 *   weak.c       tri_weak_make, tri_weak_get
 *   ephemeron.c  tri_ephemerons: a value for a key, for as long as the key lives
 *   rc.c         tri_rc: counted handles
 *   pool.c       tri_pool
 *   arena.c      tri_arena; arena_fault.c: uses of one that was freed
 *   mapped.c     tri_map_file
 *
 * What a dead object goes through, in the order of Go's runtime:
 *
 *   marking   A finalizer, a cleanup's argument, the handle of a weak pointer are roots; so is whatever an object with
 *             a finalizer points to, but not the object itself. So of a chain of such objects only the
 *             first is found dead, one link a cycle; and a cycle through an object with a finalizer never is.
 *   sweeping  An object found dead loses its weak pointers. If it has finalizers, these become due and the object stays,
 *             with all it points to, until they have run and a later cycle finds it dead again. If it has none, its
 *             cleanups become due, and it is gone.
 *   running   A thread of the library's own runs what is due, one after the other, outside the collector.
 */
#ifndef TRIX_LIFE_H
#define TRIX_LIFE_H

#include "../gc/barrier.h"
#include "../gc/gc.h"
#include "../gc/life.h"
#include "../gc/thread.h"
#include "../heap/gate.h"
#include "../heap/object.h"

void trix_due_init(void);

#endif
