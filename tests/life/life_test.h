/* life_test.h - what the tests of the layer life share. A test is one program: exits 0 when all is well, and with a line
 * that says what is not otherwise. Nothing waits for time to pass; what the finalizer thread has to do is awaited, for at
 * most PATIENCE_S seconds. */
#ifndef LIFE_TEST_H
#define LIFE_TEST_H

#include "../require.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>

enum { PATIENCE_S = 60 };

HELPER void collect(void) {
    clear_stack();
    tri_gc();
}

/* Runs fn on a thread of its own, whose stack is no root when it has ended: so nothing holds what fn alone held, whatever a compiler
 * or a sanitizer leaves behind in frames and registers. */
HELPER void *apart_main(void *fn) {
    void (*run)(void);
    memcpy(&run, fn, sizeof run);
    run();
    return NULL;
}
HELPER void apart(void (*fn)(void)) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, apart_main, &fn) == 0, "no thread");
    pthread_join(thread, NULL);
}

HELPER int count_of(int *counter) { return __atomic_load_n(counter, __ATOMIC_SEQ_CST); }
HELPER void count_up(int *counter) { __atomic_fetch_add(counter, 1, __ATOMIC_SEQ_CST); }

HELPER double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Waits until the other thread has counted so far, without collecting. */
HELPER void await(int *counter, int value) {
    double until = seconds_now() + PATIENCE_S;
    while (count_of(counter) < value) {
        REQUIRE(seconds_now() < until, "waited in vain for %d, got to %d", value, count_of(counter));
        sched_yield();
    }
}

/* Collects until the other thread has counted so far. */
HELPER void collect_until(int *counter, int value) {
    double until = seconds_now() + PATIENCE_S;
    while (count_of(counter) < value) {
        REQUIRE(seconds_now() < until, "collected in vain for %d, got to %d", value, count_of(counter));
        collect();
        sched_yield();
    }
}

/* Lets everything that is due by now be run: a sentinel's cleanup is queued behind it. */
HELPER void sentinel_cleanup(void *counter) { count_up(counter); }
NO_INLINE HELPER void sentinel_make(int *counter) {
    tri_add_cleanup(tri_alloc(40), sentinel_cleanup, counter);
}
HELPER void settle(void) {
    int done = 0;
    sentinel_make(&done);
    collect_until(&done, 1);
}

#endif
