/* make_thread_waits - libc makes threads under locks of its own, and a thread that is stopped may hold one: who makes a thread for the
 * library, with all signals blocked, must not keep the world from stopping while it waits for that lock. */
#include "check.h"

int __real_trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg);
int __wrap_trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg);

static int armed, waits;                                       /* atomic */
static pthread_mutex_t lock_of_libc = PTHREAD_MUTEX_INITIALIZER;

int __wrap_trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg) {
    if (!__atomic_exchange_n(&armed, 0, __ATOMIC_SEQ_CST)) return __real_trix_libc_pthread_create(thread, attributes, fn, arg);
    post(&waits);
    pthread_mutex_lock(&lock_of_libc);
    int error = __real_trix_libc_pthread_create(thread, attributes, fn, arg);
    pthread_mutex_unlock(&lock_of_libc);
    return error;
}

/* Has the lock, and is done only when the world has been stopped and goes on. */
static void *holder(void *arg) {
    int *holds = arg;
    pthread_mutex_lock(&lock_of_libc);
    post(holds);
    await(&waits, 1);
    tri_gc();
    pthread_mutex_unlock(&lock_of_libc);
    return NULL;
}

static void nothing(void *arg) { (void)arg; }

int main(void) {
    pthread_t thread;
    int holds = 0;
    step("start");
    tri_gomaxprocs(1);
    tri_run(nothing, NULL);
    tri_gc(); /* the collector is there */
    REQUIRE(pthread_create(&thread, NULL, holder, &holds) == 0, "no thread");
    await(&holds, 1);
    __atomic_store_n(&armed, 1, __ATOMIC_SEQ_CST);
    step("a worker is made while the world stops");
    tri_gomaxprocs(16); /* more than there are, whatever the start has made */
    REQUIRE(posted(&waits) == 1, "no thread was made");
    pthread_join(thread, NULL);
    return 0;
}
