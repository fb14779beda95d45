/* fork.c - the child of a fork has one thread, and can allocate and collect.
 *
 * Before: the collector's threads stand still between two items of work, the world is stopped, and the gate is closed, so
 * no lock of the library is held and no operation is half done. Then the world goes on outside the gate, because libc's
 * fork waits for malloc's locks, which any thread may hold. The parent goes on where it was. The child takes back what
 * the threads it does not have had claimed, drops the cycle (its mark bits are made good before the next one), and makes
 * a collector of its own when it needs one.
 *
 * A child made by vfork or _Fork shares or copies half-done work, and must not use the heap before exec.
 */
#include "host.h"
#include "../gc/gc.h"
#include "../gc/modules.h"
#include "../gc/sweep.h"
#include "../heap/gate.h"

#include <pthread.h>
#include <signal.h>

static TLS uint64_t mask_before; /* meanwhile no handler runs on this thread: it could wait for the collector */

/* A collector that has been started since it was looked for stands still only in the next round. */
static void before_fork(void) {
    struct thread *t = (struct thread *)gate_enter();
    gate_leave(&t->cache.gate);
    mask_before = trix_os_sigmask(SIG_BLOCK, ~(1ull << (STOP_SIGNAL - 1)));
    for (;;) {
        thread_block(t, THREAD_SPILL());
        trix_collector_pause();
        thread_unblock(t);
        trix_world_stop(false);
        if (trix_collector_standing()) break;
        trix_world_resume();
        trix_collector_resume();
    }
    trix_world_close();
}

static void after_in_parent(void) {
    trix_world_open();
    trix_collector_resume();
    trix_os_sigmask(SIG_SETMASK, mask_before);
}

static void after_in_child(void) {
    trix_event_reset_after_fork();
    trix_threads_keep_self();
    trix_work_reset_after_fork();
    trix_sweep_reset_after_fork();
    trix_markers_reset_after_fork();
    trix_gc_reset_after_fork();
    trix_signals_reset_after_fork();
    trix_world_open();
    trix_os_sigmask(SIG_SETMASK, mask_before);
}

void trix_fork_init(void) { pthread_atfork(before_fork, after_in_parent, after_in_child); }
