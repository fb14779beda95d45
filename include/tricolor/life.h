/* tricolor/life.h - the end of objects' lives: finalizers, cleanups, weak pointers, ephemerons, counted handles.
 *
 * Finalizers, cleanups and the release of dead handles run one after the other on a thread of the library's own, with all
 * signals blocked but SIGPROF, some time after a collection has found the object dead; not at the program's end. They may
 * call anything, the heap's functions included. One that waits holds up the others, but never the collector.
 * Objects in arenas have none of these: they end with their arena. Leaves of less than 8 bytes share blocks and end with the
 * others of their block, as Go's tiny objects do.
 */
#ifndef TRICOLOR_LIFE_H
#define TRICOLOR_LIFE_H

#include "abi.h"

TRI__EXTERN_C_BEGIN

/* ---- finalizers and cleanups ---- */

/* Calls finalizer(object) once nothing but other objects' finalizers can reach the object. `object` is an object's
 * start and has no finalizer yet; NULL takes the one it has back.
 *
 * The object and all it points to are intact then, and the finalizer may make it reachable again; it has no finalizer any
 * more, but another can be set. If a finalizer can reach another object that has one, that one's runs in a later
 * cycle: one link of a chain each. Objects with finalizers that reach themselves, by a cycle, are never found dead and never
 * freed: break the cycle, or use a cleanup. */
TRI_API void tri_set_finalizer(void *object, void (*finalizer)(void *object));

/* For tri_cleanup_stop. Does not keep the object alive. */
typedef struct tri_cleanup {
    uintptr_t tri__object;
    uint64_t tri__id;
} tri_cleanup;

/* Calls cleanup(arg) once the object that p points to or into is gone, after its finalizer if it has one. Any number for
 * an object, run in the order they were added. `arg` is kept alive until then: it must not reach the object, which would
 * never end. */
TRI_API tri_cleanup tri_add_cleanup(void *p, void (*cleanup)(void *arg), void *arg);

/* Takes it back; false when it has become due already. */
TRI_API bool tri_cleanup_stop(tri_cleanup cleanup);

/* ---- weak pointers ---- */

/* A pointer that keeps nothing alive. Equal for equal pointers, also after the object's end. It is a pointer into the heap
 * itself: store it in heap objects by tri_set. NULL is the weak NULL. */
typedef struct tri__weak *tri_weak;

/* `p` points to or into a live object. */
TRI_API tri_weak tri_weak_make(void *p);

/* The pointer, or NULL once the object has been found dead: from then on always, even if a finalizer makes it reachable
 * again. */
TRI_API void *tri_weak_get(tri_weak weak);

/* ---- ephemerons ---- */

/* A table from objects to values that keeps no key alive, and each value only while its key lives and the table does, even if
 * the value reaches the key. Any thread. Keys are the objects that the pointers point to or into. */
typedef struct tri_ephemerons tri_ephemerons;

TRI_API tri_ephemerons *tri_ephemerons_new(void);
TRI_API void tri_ephemerons_put(tri_ephemerons *table, void *key, void *value); /* NULL takes it out */
TRI_API void *tri_ephemerons_get(tri_ephemerons *table, void *key);             /* NULL: none */
TRI_API size_t tri_ephemerons_len(tri_ephemerons *table);                       /* dead keys, and those taken out during a cycle, may still count */

/* ---- counted handles ---- */

/* A handle for something outside the heap - a file, a socket, foreign memory - with a count of its users: the last release
 * destroys it there and then. A handle that becomes unreachable while its count is not zero, alone or in a cycle with
 * others, is destroyed after the collection that finds it. `ptr` may also be a heap object that owns such things: the handle
 * keeps it alive until it is destroyed. Weak pointers to whatever the collection has found dead with it read NULL before that. */
typedef struct tri_rc tri_rc;

/* The count is 1. `destroy(ptr)` is called exactly once: on the thread that releases last, or on the library's. It may
 * release other handles, destroyed ones too. */
TRI_API tri_rc *tri_rc_new(void *ptr, void (*destroy)(void *ptr));
TRI_API tri_rc *tri_rc_retain(tri_rc *handle); /* returns the handle */
TRI_API void tri_rc_release(tri_rc *handle);
TRI_API void *tri_rc_get(tri_rc *handle); /* ptr, or NULL once it is destroyed */

TRI__EXTERN_C_END
#endif
