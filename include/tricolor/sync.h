/* tricolor/sync.h - locks for goroutines and plain threads: Go's package sync. Zeroed memory is a valid, unlocked one of
 * each kind; none may be copied once used. They may lie anywhere, on a stack or in the collected heap too.
 */
#ifndef TRICOLOR_SYNC_H
#define TRICOLOR_SYNC_H

#include "abi.h"

TRI__EXTERN_C_BEGIN

/* Library only. */
struct tri__waitq {
    void *first, *last;
};
struct tri__sema {
    uint32_t lock, rank;
    uint32_t count;
    struct tri__waitq queue;
};

/* Mutual exclusion. Whoever has waited for more than a millisecond gets it next, before all newcomers, and a goroutine then runs
 * in the place of the one that unlocks it. */
typedef struct tri_mutex {
    uint32_t state;
    uint32_t lock, rank;
    struct tri__waitq queue;
} tri_mutex;
TRI_API void tri_mutex_lock(tri_mutex *mutex);
TRI_API bool tri_mutex_trylock(tri_mutex *mutex);
/* Ends the program with "fatal error: sync: unlock of unlocked mutex". */
TRI_API void tri_mutex_unlock(tri_mutex *mutex);

/* Many readers or one writer; a writer that waits keeps new readers out. */
typedef struct tri_rwmutex {
    tri_mutex writers;
    struct tri__sema writer, reader;
    int32_t readers, leaving;
} tri_rwmutex;
TRI_API void tri_rwmutex_lock(tri_rwmutex *mutex);
TRI_API bool tri_rwmutex_trylock(tri_rwmutex *mutex);
TRI_API void tri_rwmutex_unlock(tri_rwmutex *mutex);
TRI_API void tri_rwmutex_rlock(tri_rwmutex *mutex);
TRI_API bool tri_rwmutex_tryrlock(tri_rwmutex *mutex);
TRI_API void tri_rwmutex_runlock(tri_rwmutex *mutex);

/* Waits until a count is zero. */
typedef struct tri_waitgroup {
    int64_t count; /* of what is waited for in the high half, of waiters in the low one */
    struct tri__sema sema;
} tri_waitgroup;
/* Panics with "sync: negative WaitGroup counter". A group may be used again when all who have waited for it have returned:
 * counting up before is found out (not always) and panics, here or where somebody waits, with Go's words. */
TRI_API void tri_waitgroup_add(tri_waitgroup *group, int delta);
TRI_API void tri_waitgroup_done(tri_waitgroup *group);
TRI_API void tri_waitgroup_wait(tri_waitgroup *group);
/* Counts one more, runs fn(arg) as a goroutine, and counts one less when it has returned, or has called tri_goexit. */
TRI_API void tri_waitgroup_go(tri_waitgroup *group, void (*fn)(void *), void *arg);

/* Runs the first fn given, once; returns when that has returned. One that panics, or calls tri_goexit, has been run too. */
typedef struct tri_once {
    uint32_t done;
    tri_mutex mutex;
} tri_once;
TRI_API void tri_once_do(tri_once *once, void (*fn)(void *), void *arg);

/* A condition under a mutex. Waiters go on in the order they came. */
typedef struct tri_cond {
    uint32_t lock, rank;
    struct tri__waitq queue;
} tri_cond;
/* Unlocks the mutex, waits for a signal or broadcast, and locks it again. */
TRI_API void tri_cond_wait(tri_cond *cond, tri_mutex *mutex);
TRI_API void tri_cond_signal(tri_cond *cond);
TRI_API void tri_cond_broadcast(tri_cond *cond);

TRI__EXTERN_C_END
#endif
