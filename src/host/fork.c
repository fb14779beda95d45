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
#include "../gc/limit.h"
#include "../gc/modules.h"
#include "../gc/roots.h"
#include "../gc/sweep.h"
#include "../heap/gate.h"
#include "../heap/pageheap.h"

#include <pthread.h>
#include <signal.h>

static TLS uint64_t pause_began;
static TLS uint64_t mask_before; /* meanwhile no handler runs on this thread: it could wait for the collector */

enum { PATIENCE = 100, /* rounds */ ROUND_NS = 50 * 1000 };

void (*trix_fork_child_hook)(void);

/* A collector that has been started since it was looked for stands still only in the next round, and handlers that are
 * under way get some time to end. */
static void before_fork(void) {
    struct thread *t = (struct thread *)gate_enter();
    gate_leave(&t->cache.gate);
    mask_before = trix_os_sigmask(SIG_BLOCK, ~(1ull << (STOP_SIGNAL - 1)));
    fetch_add_seq(&trix_handlers_held, 1);
    for (int round = 0;; round++) {
        static const uint32_t never;
        thread_block(t, THREAD_SPILL());
        trix_collector_pause();
        thread_unblock(t);
        pause_began = trix_os_now();
        trix_world_stop(false);
        histogram_add(&trix_pauses[PAUSE_OTHER].stopping, trix_os_now() - pause_began);
        if (trix_collector_standing() && (round >= PATIENCE || !trix_handlers_running())) break;
        trix_world_resume();
        trix_collector_resume();
        thread_block(t, THREAD_SPILL());
        trix_os_futex_wait(&never, 0, ROUND_NS);
        thread_unblock(t);
    }
    trix_world_close();
}

static void after_in_parent(void) {
    trix_world_open();
    histogram_add(&trix_pauses[PAUSE_OTHER].total, trix_os_now() - pause_began);
    trix_collector_resume();
    trix_os_sigmask(SIG_SETMASK, mask_before);
}

static void after_in_child(void) {
    store_seq(&trix_handlers_held, 1); /* this one */
    trix_event_reset_after_fork();
    if (trix_fork_child_hook) trix_fork_child_hook();
    trix_threads_keep_self();
    trix_work_reset_after_fork();
    trix_sweep_reset_after_fork();
    trix_markers_reset_after_fork();
    trix_gc_reset_after_fork();
    trix_limit_reset_after_fork();
    trix_pageheap_reset_after_fork();
    trix_signals_reset_after_fork();
    trix_roots_reset_after_fork();
    trix_modules_reset_after_fork();
    trix_host_threads_reset_after_fork();
    trix_world_open();
    trix_os_sigmask(SIG_SETMASK, mask_before);
}

void trix_fork_init(void) { pthread_atfork(before_fork, after_in_parent, after_in_child); }
