/* lock.c - the waiting half of lock.h (Drepper, "Futexes are tricky", the three-state mutex). */
#include "lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOCK_SPINS = 100 };

static void futex(const uint32_t *word, int operation, uint32_t value) {
    int saved = errno;
    syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
    errno = saved;
}

void trix_lock_slow(struct lock *lock) {
    for (int i = 0; i < LOCK_SPINS; i++) {
        uint32_t expected = 0;
        if (load_relaxed(&lock->word) == 0 && cas_acquire(&lock->word, &expected, 1)) return;
        cpu_relax();
    }
    while (swap_acquire(&lock->word, 2) != 0) futex(&lock->word, FUTEX_WAIT_PRIVATE, 2);
}

void trix_unlock_slow(struct lock *lock) { futex(&lock->word, FUTEX_WAKE_PRIVATE, 1); }

#ifdef TRIX_DEBUG
static TLS uint32_t held[16]; /* ranks held by this thread, innermost last */
static TLS unsigned nheld;

void (*trix_lock_watch)(const struct lock *lock);

void trix_lock_rank_push(const struct lock *lock) {
    if (nheld == 0 && trix_lock_watch) trix_lock_watch(lock);
    CHECK(nheld == 0 || held[nheld - 1] < lock->rank, "lock order violated");
    CHECK(nheld < ARRAY_LEN(held), "too many locks held");
    held[nheld++] = lock->rank;
}

void trix_lock_rank_pop(const struct lock *lock) {
    CHECK(nheld && held[nheld - 1] == lock->rank, "locks released out of order");
    nheld--;
}
#endif
