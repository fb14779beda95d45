/* idle.c - workers without work.
 *
 * A worker that finds nothing gives its processor up, looks once more at all queues (work may have been queued by
 * somebody who saw no idle processor), and sleeps: one of them in the poller, where the network and the next timer wake it,
 * the others each on a futex. Whoever queues work wakes one if a processor is idle and nobody is looking for
 * work already; a worker that has found some while looking wakes the next. So nobody spins when there is nothing to do.
 */
#include "sched.h"
#include "goroutines.h"
#include "poller.h"
#include "preempt.h"
#include "timers.h"
#include "../base/fmt.h"
#include "../gc/gc.h"
#include "../gc/init.h"
#include "../heap/metadata.h"
#include "../host/host.h"
#include "../os/libc.h"
#include "../os/os.h"

#include <signal.h>

/* ---- processors; sched.lock held ---- */

static struct proc *proc_pop(void) {
    struct proc *p = trix_sched.idle_procs;
    if (!p) return NULL;
    trix_sched.idle_procs = p->next_idle;
    store_seq(&trix_sched.nidle, trix_sched.nidle - 1);
    return p;
}

static void proc_push(struct proc *p) {
    p->worker = NULL;
    if (p->id >= trix_sched.nprocs) return; /* one too many */
    p->next_idle = trix_sched.idle_procs;
    trix_sched.idle_procs = p;
    store_seq(&trix_sched.nidle, trix_sched.nidle + 1);
}

static void proc_assign(struct worker *w, struct proc *p) {
    w->proc = p;
    p->worker = w;
    p->adrift = 0;
    p->seen_ticks = p->ticks - 1;
}

static void idle_remove(struct worker *w) {
    for (struct worker **link = &trix_sched.idle; *link; link = &(*link)->next)
        if (*link == w) {
            *link = w->next;
            break;
        }
    w->queued = false;
    fetch_add_seq(&trix_sched.wakeups, 1);
}

static struct worker *idle_pop(void) {
    struct worker *w = trix_sched.idle;
    if (!w) return NULL;
    trix_sched.idle = w->next;
    w->queued = false;
    fetch_add_seq(&trix_sched.wakeups, 1);
    return w;
}

/* ---- giving up ---- */

bool trix_proc_acquire(struct worker *w) {
    if (!load_relaxed(&trix_sched.nidle)) return false;
    lock_acquire(&trix_sched.lock);
    struct proc *p = proc_pop();
    if (p) proc_assign(w, p);
    lock_release(&trix_sched.lock);
    if (p) trix_monitor_wake();
    return p != NULL;
}

void trix_proc_retire(struct worker *w) {
    struct proc *p = w->proc;
    for (struct g *g; (g = trix_queue_pop_next(p)) || (g = trix_queue_pop(p));) trix_global_push(&g, 1);
    lock_acquire(&trix_sched.lock);
    p->worker = NULL;
    w->proc = NULL;
    lock_release(&trix_sched.lock);
    if (w->spinning) fetch_sub_seq(&trix_sched.spinning, 1);
    w->spinning = false;
    sched_wake_maybe();
}

bool trix_work_anywhere(void) {
    if (load_seq(&trix_sched.queued) || load_seq(&trix_sched.npaused)) return true;
    for (uint32_t i = 0; i < load_relaxed(&trix_sched.nprocs); i++) {
        const struct proc *p = &trix_sched.procs[i];
        if (load_seq(&p->head) != load_seq(&p->tail)) return true;
        if (load_seq(&p->runnext) && !load_relaxed(&p->worker)) return true;
    }
    return false;
}

/* Into the list of idle workers, without a processor. False: there is work after all. */
static bool go_idle(struct worker *w) {
    lock_acquire(&trix_sched.lock);
    if (w->proc) {
        if (trix_sched.queued || trix_sched.npaused) {
            lock_release(&trix_sched.lock);
            return false;
        }
        proc_push(w->proc);
        w->proc = NULL;
    }
    w->wake = 0;
    w->queued = true;
    w->next = trix_sched.idle;
    trix_sched.idle = w;
    if (w->spinning) fetch_sub_seq(&trix_sched.spinning, 1);
    w->spinning = false; /* before anybody can find it in the list and hand it a processor */
    lock_release(&trix_sched.lock);
    return true;
}

/* Out of the list, with a processor if there is one, to look for work; or it has been handed one already. */
static void get_up(struct worker *w) {
    struct proc *p = NULL;
    lock_acquire(&trix_sched.lock);
    bool handed = !w->queued;
    if (!handed) {
        idle_remove(w);
        if ((p = proc_pop())) proc_assign(w, p);
    }
    lock_release(&trix_sched.lock);
    while (handed && !load_acquire(&w->wake)) cpu_relax(); /* just a moment: it must not come later */
    if (!p) return;
    w->spinning = true;
    fetch_add_seq(&trix_sched.spinning, 1);
    trix_monitor_wake();
}

/* ---- was it worth being woken? ----
 *
 * Waking a worker costs about as much as it does in some microseconds; goroutines that do less than that are better run where
 * they were readied. So each worker notes for how long it worked at a stretch since it was woken. While that is too short,
 * workers with queues of their own wake others less and less often: the monitor, which looks every 20 to 500 us, and the next
 * push after the pause see to it that nothing waits for longer. Who has no processor to run what it readies wakes always. */

enum { WORTH_NS = 10 * 1000, LEAST_PAUSE_NS = 20 * 1000, LONGEST_PAUSE_NS = 200 * 1000, MOST_PATIENCE_NS = 8 * 1000,
       LEAST_PATIENCE_NS = 500 };

static void begin_work(struct worker *w) {
    w->busy_since = trix_os_now();
    w->worked = 0;
    w->patience = load_relaxed(&trix_sched.patience);
}

uint64_t trix_worker_note_work(struct worker *w) {
    uint64_t now = trix_os_now(), worked = now - w->busy_since;
    if (worked > WORTH_NS) w->patience = load_relaxed(&trix_sched.patience);
    w->worked = max_u64(w->worked, worked);
    w->busy_since = now;
    return now;
}

void trix_worker_note_look(bool found) {
    uint32_t p = load_relaxed(&trix_sched.patience);
    p = found ? (uint32_t)min_u64(2 * p, MOST_PATIENCE_NS) : (uint32_t)max_u64(p / 2, LEAST_PATIENCE_NS);
    store_relaxed(&trix_sched.patience, p);
}

static void judge_wake(struct worker *w) {
    uint64_t now = w->spinning ? w->busy_since : trix_worker_note_work(w), pause = load_relaxed(&trix_sched.wake_pause);
    pause = w->worked >= WORTH_NS ? pause / 2 : min_u64(2 * pause + LEAST_PAUSE_NS, LONGEST_PAUSE_NS);
    if (pause < LEAST_PAUSE_NS) pause = 0;
    store_relaxed(&trix_sched.wake_pause, pause);
    store_relaxed(&trix_sched.no_wake_until, pause ? now + pause : 0);
}

void trix_help(struct proc *p) {
    enum { CLOCK_EVERY = 8 };
    if (load_relaxed(&trix_sched.no_wake_until)) {
        if (++p->unhelped % CLOCK_EVERY || trix_os_now() < load_relaxed(&trix_sched.no_wake_until)) return;
    }
    trix_wake();
}

void trix_worker_idle(struct worker *w) {
    struct thread *t = w->thread;
    judge_wake(w);
    if (!go_idle(w)) return;
    fence_seq();
    if (load_seq(&trix_sched.nidle) && trix_work_anywhere()) {
        get_up(w);
        return;
    }
    trix_check_deadlock();
    while (!load_acquire(&w->wake)) {
        if (!trix_poller_sit(t, w)) {
            trix_gate_wait(t, &w->wake, 0, 0);
            continue;
        }
        if (load_acquire(&w->wake)) break;
        if (trix_poller_pending(w) || (load_seq(&trix_sched.nidle) && (trix_timers_due() || trix_work_anywhere()))) {
            get_up(w);
            break;
        }
    }
    begin_work(w);
    trix_poller_deliver(t, w);
}

/* ---- waking ---- */

static void wake_worker(struct worker *w) {
    store_seq(&w->wake, 1);
    if (load_seq(&w->polling)) trix_poller_break();
    else trix_os_futex_wake(&w->wake, 1);
}

/* Hands an idle processor to an idle worker, which is counted as looking for work. When all workers are taken (by goroutines
 * that are paused, or run beside) the monitor must make one. */
void trix_wake(void) {
    uint32_t none = 0;
    if (!cas_seq(&trix_sched.spinning, &none, 1)) return;
    lock_acquire(&trix_sched.lock);
    struct worker *w = trix_sched.idle_procs ? idle_pop() : NULL;
    bool unstaffed = !w && trix_sched.idle_procs;
    if (w) {
        proc_assign(w, proc_pop());
        w->spinning = true;
    }
    lock_release(&trix_sched.lock);
    if (w) wake_worker(w);
    else fetch_sub_seq(&trix_sched.spinning, 1);
    if (unstaffed) trix_monitor_call();
    else trix_monitor_wake();
}

void trix_staff(void) {
    if (!load_seq(&trix_sched.nidle) || load_seq(&trix_sched.spinning) || !trix_work_anywhere()) return;
    lock_acquire(&trix_sched.lock);
    struct proc *p = proc_pop();
    if (p) p->adrift = 2;
    lock_release(&trix_sched.lock);
    if (p) trix_worker_give(p);
}

/* ---- making workers ---- */

static uint64_t program_mask; /* constant from the start on */

static void *worker_main(void *arg) {
    struct worker *w = arg;
    trix_os_name_thread("tricolor-run");
    trix_os_sigmask(SIG_SETMASK, program_mask);
    struct thread *t = thread_self() ? thread_self() : trix_thread_attach();
    order_before(t); /* for trix_told_leave */
    t->worker = w;
    gate_enter();
    lock_acquire(&trix_sched.lock);
    w->thread = t;
    w->all = trix_sched.workers;
    store_release(&trix_sched.workers, w);
    trix_sched.nworkers++;
    if (w->proc) proc_assign(w, w->proc);
    lock_release(&trix_sched.lock);
    trix_schedule(t);
}

/* Locks are held inside only, or who holds one may be stopped with it. The monitor is no thread that can be stopped, and the first workers
 * are made outside, since making a thread takes libc's locks. */
static struct gate *inside(void) { return thread_self() ? gate_enter() : NULL; }
static void outside(struct gate *g) {
    if (g) gate_leave(g);
}

bool trix_worker_make(struct proc *p) {
    struct gate *g = inside();
    struct worker *w = trix_metadata_alloc(sizeof *w);
    outside(g);
    if (!w) return false;
    w->proc = p;
    return trix_told_thread(worker_main, w);
}

void trix_worker_give(struct proc *p) {
    lock_acquire(&trix_sched.lock);
    struct worker *w = idle_pop();
    if (w) proc_assign(w, p);
    lock_release(&trix_sched.lock);
    if (w) {
        wake_worker(w);
    } else if (!trix_worker_make(p)) {
        lock_acquire(&trix_sched.lock);
        p->adrift = 1; /* some other time */
        lock_release(&trix_sched.lock);
    }
}

void trix_proc_release(struct worker *w) {
    struct proc *p = w->proc;
    lock_acquire(&trix_sched.lock);
    struct worker *idle = idle_pop();
    w->proc = NULL;
    p->worker = NULL;
    if (idle) proc_assign(idle, p);
    else p->adrift = 1;
    lock_release(&trix_sched.lock);
    if (idle) wake_worker(idle);
    else trix_monitor_call();
}

void trix_proc_pass(struct worker *from, struct worker *to) {
    struct proc *p = from->proc;
    store_relaxed(&p->ticks, p->ticks + 1); /* a choice like any other: the next one goes to the queues */
    from->proc = NULL;
    proc_assign(to, p);
}

/* ---- the start, and the number of processors ---- */

/* Raises or lowers the number of processors; those too many are given up by their workers. Returns how many have nobody yet; inside. */
static uint32_t count_procs(uint32_t n, uint32_t *workers) {
    uint32_t fresh = 0;
    lock_acquire(&trix_sched.lock);
    uint32_t old = trix_sched.nprocs;
    trix_sched.nprocs = n;
    if (n > trix_sched.most_procs) store_relaxed(&trix_sched.most_procs, n);
    for (struct proc **link = &trix_sched.idle_procs; *link;)
        if ((*link)->id >= n) {
            *link = (*link)->next_idle;
            store_seq(&trix_sched.nidle, trix_sched.nidle - 1);
        } else {
            link = &(*link)->next_idle;
        }
    for (uint32_t i = old; i < n; i++) {
        struct proc *p = &trix_sched.procs[i];
        p->id = i;
        p->random = i * 7919 + 1;
        if (!p->free) p->free = p->kept[0];
        if (p->worker || p->adrift) continue; /* not given up yet: it stays where it is */
        proc_push(p);
        fresh++;
    }
    for (uint32_t i = n; i < old; i++) store_relaxed(&trix_sched.procs[i].poke, 1);
    *workers = trix_sched.nworkers;
    lock_release(&trix_sched.lock);
    return fresh;
}

/* Returns how many threads it has made. */
static uint32_t set_procs(uint32_t n) {
    uint32_t made = 0, workers;
    struct gate *g = inside();
    uint32_t fresh = count_procs(n, &workers);
    outside(g);
    for (uint32_t i = workers; i < n; i++) made += trix_worker_make(NULL);
    g = inside();
    if (fresh) trix_wake();
    outside(g);
    return made;
}

int trix_set_procs(int n) {
    int old = (int)trix_sched.nprocs;
    if (n > 0) set_procs((uint32_t)(n > MAX_PROCS ? MAX_PROCS : n));
    return old;
}

/* Without a worker no goroutine would ever run, and without the monitor none beside one that blocks: Go's words for it. Workers beyond
 * the first can come later. */
static void demand_thread(bool made) {
    if (LIKELY(made)) return;
    trix_print(2, "runtime: failed to create new OS thread\nruntime: may need to increase max user processes (ulimit -u)\n");
    trix_fatal("newosproc");
}

/* In the child of a fork most is there. */
static void start_again(void) {
    trix_poller_init();
    store_relaxed(&trix_sched_forked, 0);
    demand_thread(trix_monitor_start());
}

/* The end of a goroutine tells nobody, so they are counted now and then. */
enum { AWAIT_NS = 10 * 1000 * 1000 };

static COLD void await_goroutines(void) {
    static const uint32_t never;
    struct thread *t = sched_enter();
    while (trix_goroutines_count()) trix_gate_wait(t, &never, 0, AWAIT_NS);
    sched_leave(t);
}

static void start(void) {
    if (trix_sched_forked) {
        start_again();
        return;
    }
    trix_sched.procs = trix_os_map(MAX_PROCS * sizeof(struct proc));
    if (!trix_sched.procs) trix_fatal("out of memory");
    program_mask = trix_os_sigmask(SIG_BLOCK, 0) & ~(1ull << (STOP_SIGNAL - 1));
    trix_told_init();
    trix_poller_init();
    trix_scan_register();
    trix_reports_init();
    trix_preempt_init();
    trix_fork_watch();
    trix_goroutines_hook = await_goroutines;
    demand_thread(trix_monitor_start());
    demand_thread(set_procs((uint32_t)min_u64((uint64_t)trix_gc.procs, MAX_PROCS)) > 0);
}

void trix_sched_start(void) {
    uint32_t none = 0;
    if (LIKELY(load_acquire(&trix_sched.started) == 2)) return;
    trix_init();
    if (cas_seq(&trix_sched.started, &none, 1)) {
        start();
        store_seq(&trix_sched.started, 2);
    }
    while (load_acquire(&trix_sched.started) != 2) trix_os_yield();
}

void trix_sched_init(void) { trix_told_init(); }
