/* monitor.c - the monitor: a thread that sees to it that nothing is left lying (Go's sysmon).
 *
 *   - a worker whose goroutine is blocked in the kernel loses its processor to another worker, when there is work;
 *   - what is to run next on a processor whose goroutine goes on and on is offered to others, if they are idle;
 *   - timers that are due, and the network, are looked at when all processors are busy;
 *   - a goroutine that has run for a slice (10 ms) while others wait is asked to make room (preempt.c).
 *
 *   - who waits for a descriptor that was registered earlier does not do so for ever if it is no longer.
 *
 * It looks every 20 µs while there is something to do and less and less often, down to every 10 ms, while there is not;
 * when all processors have been idle for a while it sleeps until one is not (each time it does, somebody has to wake it). It is no attached thread: it takes locks, but never
 * touches the heap.
 */
#include "sched.h"
#include "poller.h"
#include "preempt.h"
#include "timers.h"
#include "../base/options.h"
#include "../gc/gc.h"
#include "../os/libc.h"
#include "../os/os.h"

#include <signal.h>

enum {
    IDLE_NS = 20 * 1000 * 1000,
    SHORTEST_NS = 20 * 1000,
    LONGEST_NS = 10 * 1000 * 1000,
    LONGEST_IDLE_NS = 500 * 1000, /* while some processor is idle and others are not */
    QUIET_LOOKS = 50,
};

/* Takes the processor from a worker that is blocked; false when it is not any more. */
static bool retake(struct proc *p) {
    bool done = false;
    lock_acquire(&trix_threads.lock); /* while it is held, so is the thread */
    lock_acquire(&trix_sched.lock);
    struct worker *w = p->worker;
    lock_release(&trix_sched.lock);
    if (w && w->g && w->thread && trix_thread_hold(w->thread)) {
        lock_acquire(&trix_sched.lock);
        if (p->worker == w && w->proc == p) {
            w->proc = NULL;
            p->worker = NULL;
            p->adrift = 2;
            trix_preempt_hurry();
            done = true;
        }
        lock_release(&trix_sched.lock);
        trix_thread_release(w->thread);
    }
    lock_release(&trix_threads.lock);
    return done;
}

static bool work_waits(const struct proc *p) {
    return !trix_queue_empty(p) || load_relaxed(&trix_sched.queued) || load_relaxed(&trix_sched.npaused) || trix_timers_due() ||
           trix_poller_used();
}

/* Its goroutine has run for a slice. */
static void make_room(struct proc *p, struct worker *w, uint32_t ticks, uint64_t now) {
    store_relaxed(&p->poke, 1);
    if (!work_waits(p) || load_seq(&trix_sched.nidle) || now - p->asked_at < trix_preempt_slice / 4) return;
    p->asked_at = now;
    trix_preempt_ask(w, ticks);
}

/* One processor; true when it was worth looking. */
static bool look_at(struct proc *p, uint64_t now) {
    lock_acquire(&trix_sched.lock);
    struct worker *w = p->worker;
    struct thread *t = w ? w->thread : NULL;
    bool adrift = p->adrift == 1;
    if (adrift) p->adrift = 2;
    lock_release(&trix_sched.lock);
    if (adrift) trix_worker_give(p);
    if (!t) return false;
    uint32_t ticks = load_relaxed(&p->ticks);
    bool blocked = load_seq(&t->state) == THREAD_BLOCKED, was_blocked = p->seen_blocked;
    p->seen_blocked = blocked;
    if (ticks != p->seen_ticks || (blocked && !was_blocked)) {
        if (ticks != p->seen_ticks) p->seen_at = now;
        p->seen_ticks = ticks;
        return false;
    }
    if (blocked) {
        if (!work_waits(p) || !retake(p)) return false;
        trix_worker_give(p);
        return true;
    }
    if (load_relaxed(&p->runnext) && load_seq(&trix_sched.nidle)) {
        store_relaxed(&p->poke, 1);
        trix_wake();
        return true;
    }
    if (now - p->seen_at > trix_preempt_slice) make_room(p, w, ticks, now);
    return false;
}

static bool look_at_time(uint64_t now) {
    bool due = trix_timers_next() <= now;
    bool poll = trix_poller_used() && !trix_poller_attended() && now - load_relaxed(&trix_sched.polls) > LONGEST_NS;
    if (!due && !poll) return false;
    if (load_seq(&trix_sched.nidle)) {
        trix_wake();
    } else {
        for (uint32_t i = 0; i < load_relaxed(&trix_sched.nprocs); i++) store_relaxed(&trix_sched.procs[i].poke, 1);
    }
    if (poll) store_relaxed(&trix_sched.polls, now);
    return due;
}

static void sleep_while_idle(void) {
    store_seq(&trix_sched.monitor_asleep, 1);
    if (load_seq(&trix_sched.nidle) >= load_relaxed(&trix_sched.nprocs) && !load_seq(&trix_dump_wanted) &&
        !load_seq(&trix_sched.monitor_call))
        trix_os_futex_wait(&trix_sched.monitor_asleep, 1, 0);
    store_seq(&trix_sched.monitor_asleep, 0);
}

void trix_monitor_wake(void) {
    if (LIKELY(!load_seq(&trix_sched.monitor_asleep))) return;
    store_seq(&trix_sched.monitor_asleep, 0);
    trix_os_futex_wake(&trix_sched.monitor_asleep, 1);
}

void trix_monitor_call(void) {
    store_seq(&trix_sched.monitor_call, 1);
    trix_os_futex_wake(&trix_sched.monitor_call, 1);
    trix_monitor_wake();
}

static void rest_for(uint64_t ns) {
    trix_os_futex_wait(&trix_sched.monitor_call, 0, ns);
    store_seq(&trix_sched.monitor_call, 0);
}

/* Since when they all have been, as far as it has seen; 0: they are not. */
static uint64_t all_idle_since(uint64_t before, uint64_t now) {
    if (load_seq(&trix_sched.nidle) < load_relaxed(&trix_sched.nprocs)) return 0;
    return before ? before : now;
}

static void *monitor_main(void *arg) {
    uint64_t rest = SHORTEST_NS, looked_beside = 0, idle_since = 0, now = trix_os_now();
    uint64_t longest = min_u64(LONGEST_NS, trix_preempt_slice);
    uint32_t quiet = 0;
    (void)arg;
    trix_os_name_thread("tricolor-mon");
    for (;;) {
        if (load_relaxed(&trix_dump_wanted)) trix_reports_serve();
        idle_since = all_idle_since(idle_since, now);
        if (idle_since && now - idle_since > IDLE_NS && !trix_poller_trusting() && !trix_options.debug.schedtrace) {
            sleep_while_idle();
            rest = SHORTEST_NS;
            quiet = 0;
            idle_since = 0;
        }
        rest_for(rest);
        now = trix_os_now();
        trix_schedtrace(now);
        bool useful = look_at_time(now);
        trix_poller_confirm(now);
        trix_staff();
        for (uint32_t i = 0; i < load_relaxed(&trix_sched.most_procs); i++) useful |= look_at(&trix_sched.procs[i], now);
        if (now - looked_beside > trix_preempt_slice) {
            looked_beside = now;
            trix_preempt_ask_beside();
        }
        quiet = useful ? 0 : quiet + 1;
        if (useful) rest = SHORTEST_NS;
        else if (quiet > QUIET_LOOKS) rest = min_u64(rest * 2, load_seq(&trix_sched.nidle) ? LONGEST_IDLE_NS : longest);
    }
    return NULL;
}

bool trix_monitor_start(void) { return trix_make_thread(monitor_main, NULL); }
