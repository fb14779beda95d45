/* lock.h - a small futex mutex with a rank.
 *
 * Ranks are taken in rising order. A thread that holds a lock is "inside"
 * the library (see heap/gate.h): it cannot be stopped, and no handler of the program runs on it. So locks
 * are held for short stretches only, and never while waiting for a collection. A build with TRIX_DEBUG checks both, per thread.
 *
 * The order is data: lock_rank.def.
 */
#ifndef TRIX_LOCK_H
#define TRIX_LOCK_H

#include "atomic.h"
#include "check.h"

enum lock_rank {
#define RANK(name, what) RANK_##name,
#include "lock_rank.def"
#undef RANK
    RANK_COUNT
};

struct lock {
    uint32_t word; /* 0 free, 1 held, 2 held and waited for */
    uint32_t rank; /* enum lock_rank */
};

#define LOCK_INIT(r) {0, RANK_##r}

void trix_lock_slow(struct lock *lock);
void trix_unlock_slow(struct lock *lock);

#ifdef TRIX_DEBUG
void trix_lock_rank_push(const struct lock *lock);
extern void (*trix_lock_watch)(const struct lock *lock); /* called when a thread takes its first one; constant once there are threads */
void trix_lock_rank_pop(const struct lock *lock);
#else
INLINE void trix_lock_rank_push(const struct lock *lock) { (void)lock; }
INLINE void trix_lock_rank_pop(const struct lock *lock) { (void)lock; }
#endif

INLINE void lock_acquire(struct lock *lock) {
    uint32_t expected = 0;
    trix_lock_rank_push(lock);
    if (UNLIKELY(!cas_acquire(&lock->word, &expected, 1))) trix_lock_slow(lock);
}

INLINE bool lock_try(struct lock *lock) {
    uint32_t expected = 0;
    if (!cas_acquire(&lock->word, &expected, 1)) return false;
    trix_lock_rank_push(lock);
    return true;
}

INLINE void lock_release(struct lock *lock) {
    trix_lock_rank_pop(lock);
    if (UNLIKELY(__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2)) trix_unlock_slow(lock);
}

/* In a child after fork: free again, whoever held it. */
INLINE void lock_reset(struct lock *lock) { lock->word = 0; }

#endif
