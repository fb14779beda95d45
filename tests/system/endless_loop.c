/* Threads that loop without a call, and threads that sleep for ever, hold up no collection; what only their
 * registers and stacks hold lives, and thread-locals do. */
#include "check.h"

enum { THREADS = 6 };

static int stop;  /* atomic */
static int ready; /* atomic */
static __thread struct stamped *own;

NO_INLINE static struct stamped *make(uint64_t n) {
    own = stamped_new(n);
    return stamped_new(n + 1);
}

static void *loop(void *arg) {
    uint64_t n = (uint64_t)(uintptr_t)arg;
    struct stamped *mine = make(n); /* in a register from here on */
    post(&ready);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) tri_keep_alive(mine);
    REQUIRE(stamped_ok(mine, n + 1), "the object in a register is lost");
    REQUIRE(stamped_ok(own, n), "the object of a thread-local is lost");
    return NULL;
}

int main(void) {
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) pthread_create(&thread[i], NULL, loop, (void *)(i * 10));
    await(&ready, THREADS);
    step("collect");
    collect();
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    return 0;
}
