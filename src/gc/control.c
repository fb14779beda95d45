/* control.c - the public controls of the collector. */
#include "gc.h"
#include "limit.h"
#include "roots.h"
#include "sweep.h"
#include "thread.h"
#include "../base/options.h"
#include "../heap/gate.h"
#include "../os/os.h"

#include <errno.h>
#include <signal.h>

enum { MAX_LISTENERS = 8, MAKING_NS = 10 * 1000 * 1000 };

static struct {
    void (*fn)(tri_gc_event, void *); /* release; never taken back */
    void *arg;
} listeners[MAX_LISTENERS];

void trix_gc_init(void) {
    trix_gc.procs = trix_options.max_procs ? trix_options.max_procs : trix_os_cpus();
    trix_gc.start_ns = trix_os_now();
    lock_acquire(&trix_gc.lock);
    uint64_t limit = trix_options.memory_limit == INT64_MAX ? PACER_NO_LIMIT : (uint64_t)trix_options.memory_limit;
    trix_pacer_init(&trix_gc.pacer, trix_options.gc_percent, limit);
    trix_limit_init();
    trix_gc_repace();
    lock_release(&trix_gc.lock);
}

void trix_gc_repace(void) {
    struct pacer *p = &trix_gc.pacer;
    trix_limit_observe();
    store_relaxed(&trix_gc.goal, trix_pacer_goal(p));
    trix_pageheap_expect(trix_pacer_goal(p) >> PAGE_SHIFT);
    int64_t live = load_relaxed(&trix_gc.live);
    if (!p->marking) {
        store_relaxed(&trix_gc.trigger, trix_pacer_trigger(p));
        trix_sweep_repace(p, live);
        return;
    }
    struct pacer_assist assist = trix_pacer_revise(p, live > 0 ? (uint64_t)live : 0, load_relaxed(&trix_gc.work));
    store_double(&trix_gc.work_per_byte, assist.work_per_byte);
}

/* Runs the cycle on this very thread: there are no threads to be had for the collector. A handler of the program that ran meanwhile
 * would wait for the cycle which it has interrupted; one of tri_on_gc, which the cycle calls, is to wait for none. Towards a fork the thread
 * is the collector's. */
static COLD void run_here(struct thread *t) {
    if (load_seq(&trix_gc.here) == t) return;
    uint32_t depth = t->cache.gate.inside;
    uint64_t mask = trix_os_sigmask(SIG_BLOCK, ~(1ull << (STOP_SIGNAL - 1)));
    t->cache.gate.inside = 0;
    thread_block(t, THREAD_SPILL());
    lock_acquire(&trix_gc.driver); /* another thread may do the same */
    store_seq(&trix_gc.here, t);
    trix_collector_stand();
    trix_cycle_run(true);
    store_seq(&trix_gc.here, NULL);
    lock_release(&trix_gc.driver);
    thread_unblock(t);
    t->cache.gate.inside = depth;
    trix_os_sigmask(SIG_SETMASK, mask);
}

/* The cycle after the one under way is wanted: returns its number. */
static uint32_t raise_wanted(void) {
    uint32_t target = load_seq(&trix_gc.started) + 1, wanted = load_seq(&trix_gc.wanted);
    while ((int32_t)(target - wanted) > 0 && !cas_seq(&trix_gc.wanted, &wanted, target)) {}
    trix_collector_call();
    return target;
}

void trix_gc_request(struct thread *t) {
    if (!trix_in_handler(t)) trix_collector_start();
    raise_wanted();
}

/* While another thread makes the collector's, which may fail, it looks again now and then. */
void trix_gc_run(struct thread *t) {
    uint32_t target = 0;
    for (bool raised = false;; raised = true) {
        if (!trix_collector_start() && !trix_collector_running()) {
            run_here(t);
            return;
        }
        if (!raised) target = raise_wanted();
        uint32_t finished = load_seq(&trix_gc.finished);
        if ((int32_t)(finished - target) >= 0) return;
        trix_gate_wait(t, &trix_gc.finished, finished, trix_collector_there() ? 0 : MAKING_NS);
    }
}

EXPORT void tri_gc(void) {
    struct thread *t = (struct thread *)gate_enter();
    trix_gc_run(t);
    gate_leave(&t->cache.gate);
}

EXPORT int tri_set_gc_percent(int percent) {
    struct gate *g = gate_enter();
    lock_acquire(&trix_gc.lock);
    int old = trix_gc.pacer.gc_percent;
    trix_pacer_set_gc_percent(&trix_gc.pacer, percent);
    trix_gc_repace();
    lock_release(&trix_gc.lock);
    trix_collector_call(); /* the heap may be past the new trigger */
    gate_leave(g);
    return old < 0 ? -1 : old;
}

EXPORT int tri_set_tracking(tri_tracking how) {
    if (how < TRI_TRACK_BARRIER || how > TRI_TRACK_NONE) {
        errno = EINVAL;
        return -1;
    }
    struct gate *g = gate_enter();
    bool used = load_seq(&trix_gc.started) != 0 || load_relaxed(&trix_gc.live) != 0 ||
                ((struct thread *)g)->cache.unreported != 0;
    if (!used) trix_options.tracking = (int)how;
    gate_leave(g);
    if (used) errno = EBUSY;
    return used ? -1 : 0;
}

EXPORT int tri_on_gc(void (*fn)(tri_gc_event, void *), void *arg) {
    static struct lock lock = LOCK_INIT(CYCLE);
    struct gate *g = gate_enter();
    int free = 0;
    lock_acquire(&lock);
    while (free < MAX_LISTENERS && listeners[free].fn) free++;
    if (free < MAX_LISTENERS) {
        listeners[free].arg = arg;
        store_release(&listeners[free].fn, fn);
    }
    lock_release(&lock);
    gate_leave(g);
    if (free == MAX_LISTENERS) errno = ENOSPC;
    return free < MAX_LISTENERS ? 0 : -1;
}

/* Who runs the cycle on its own thread, counted as blocked, runs the program meanwhile. */
void trix_gc_notify(tri_gc_event event) {
    struct thread *t = load_seq(&trix_gc.here);
    uintptr_t sp = t ? t->sp : 0;
    if (t) thread_unblock(t);
    for (int i = 0; i < MAX_LISTENERS; i++) {
        void (*fn)(tri_gc_event, void *) = load_acquire(&listeners[i].fn);
        if (fn) fn(event, listeners[i].arg);
    }
    if (t) thread_block(t, sp);
}

bool trix_gc_listened_to(void) { return load_acquire(&listeners[0].fn) != NULL; }

EXPORT const char *tri_version(void) { return TRIX_VERSION; }
