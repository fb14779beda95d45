/* hold.h - stops the collector at a chosen point of its cycle, so that a race with it becomes a sequence.
 *
 * For tests that link the archive, with --wrap=trix_roots_scan and --wrap=trix_world_go: the linker leads the
 * collector's calls of these through here. The points:
 *
 *   HOLD_MARK   marking is on, every thread has been asked to scan itself, no global has been looked at
 *   HOLD_STOP   the last stop: all threads stand still, nothing has been looked at again. Only the kernel can
 * be asked here: whatever waits for another thread of the program waits for ever
 *
 * The collector stays there until hold_release, or, with a function given, runs it there on its own thread
 * and goes on.
 */
#ifndef HOLD_H
#define HOLD_H

#include "check.h"
#include "gc/thread.h"

enum hold_point { HOLD_NONE, HOLD_MARK, HOLD_STOP };

static struct {
    int point;              /* enum hold_point: where to stop next; atomic */
    void (*run)(void *arg); /* or NULL: wait */
    void *arg;
    int there, go;  /* atomic */
    unsigned looks; /* calls of trix_roots_scan in this cycle; collector */
} hold;

struct marker;
uint64_t __real_trix_roots_scan(struct marker *m);
uint64_t __wrap_trix_roots_scan(struct marker *m);
void __real_trix_world_go(void);
void __wrap_trix_world_go(void);
static void (*hold_resume)(void); /* called before the world goes on; NULL: nothing; atomic */
HELPER void hold_on_resume(void (*fn)(void)) { __atomic_store_n(&hold_resume, fn, __ATOMIC_SEQ_CST); }

HELPER void hold_here(int point) {
    int want = point;
    if (!__atomic_compare_exchange_n(&hold.point, &want, HOLD_NONE, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST))
        return;
    if (hold.run) {
        hold.run(hold.arg);
        return;
    }
    post(&hold.there);
    await(&hold.go, 1);
}

/* The first look at the roots in a cycle is the concurrent one; the others come in stops. */
uint64_t __wrap_trix_roots_scan(struct marker *m) {
    if (!__atomic_load_n(&trix_threads.stopping, __ATOMIC_SEQ_CST))
        hold_here(HOLD_MARK);
    else
        hold_here(HOLD_STOP);
    return __real_trix_roots_scan(m);
}

void __wrap_trix_world_go(void) {
    void (*fn)(void) = __atomic_load_n(&hold_resume, __ATOMIC_SEQ_CST);
    if (fn) fn();
    __real_trix_world_go();
}

HELPER void *hold_cycle(void *arg) {
    (void)arg;
    tri_gc();
    return NULL;
}
static pthread_t hold_thread;

/* Begins a cycle, and returns when the collector stands at the point (HOLD_MARK), and the calling thread's
 * own stack has been scanned: from here on it is black. The thread passes the library's door: where the signal
 * has found it in the thread sanitizer it scans itself there, or when it is reminded, and who would remind it is held. */
HELPER void hold_at(enum hold_point point) {
    hold.there = hold.go = 0;
    hold.run = NULL;
    __atomic_store_n(&hold.point, point, __ATOMIC_SEQ_CST);
    REQUIRE(pthread_create(&hold_thread, NULL, hold_cycle, NULL) == 0, "no thread");
    await(&hold.there, 1);
    while (__atomic_load_n(&thread_self()->ask_scan, __ATOMIC_SEQ_CST)) {
        gate_leave(gate_enter());
        sched_yield();
    }
}

/* Lets the cycle go on, and returns when it is over. */
HELPER void hold_release(void) {
    post(&hold.go);
    pthread_join(hold_thread, NULL);
}

/* One whole cycle, in which the collector runs fn(arg) at the point. */
HELPER void hold_run(enum hold_point point, void (*fn)(void *), void *arg) {
    hold.run = fn;
    hold.arg = arg;
    __atomic_store_n(&hold.point, point, __ATOMIC_SEQ_CST);
    tri_gc();
    REQUIRE(posted(&hold.point) == HOLD_NONE, "the collector has not passed the point");
}

#endif
