/* sched.h - the scheduler as channels, locks, timers and the poller see it. The idea and the states are in g.h, the queues
 * in queue.c, choosing in schedule.c, idle workers in idle.c, the monitor in monitor.c.
 *
 * A wait:
 *
 *     struct thread *t = sched_enter();             // inside
 *     word_lock(&thing->lock);
 *     ... it must wait: puts itself, sched_self(t), in the thing's queue
 *     sched_waits_on(self, thing)
 *     word_unlock(&thing->lock);
 *     t = trix_park(t, WAIT_...);                   // maybe on another thread now
 *     sched_leave(t);
 *
 * and whoever takes it out of the queue calls trix_ready(t, g) once.
 */
#ifndef TRIX_SCHED_H
#define TRIX_SCHED_H

#include "g.h"
#include "stack.h"

extern struct sched {
    struct lock lock;
    struct g **ring;          /* the global queue; lock */
    uint32_t ring_size, ring_at, in_ring; /* a power of two, place of the first, number; lock */
    struct g *first, *last;   /* behind those in the ring, when it is full and cannot grow; lock */
    struct proc *idle_procs;  /* lock */
    struct worker *idle;      /* workers asleep, lately idle first; lock */

    /* read at every start and readying */
    uint32_t queued ALIGNED(CACHE_LINE); /* in the global queue; lock to write, read relaxed */
    uint32_t nidle;           /* lock to write, read seq_cst */
    uint32_t spinning;        /* workers that look for work and have none; seq_cst */
    uint32_t npaused;         /* lock to write, read seq_cst */
    uint64_t wake_pause;      /* ns between two wake-ups by who could run the work itself; relaxed */
    uint32_t patience;        /* ns that who has no work looks for some before he sleeps; relaxed */
    uint64_t no_wake_until;   /* ns: the end of such a pause, 0: none; relaxed */

    struct proc *procs ALIGNED(CACHE_LINE); /* MAX_PROCS of them; constant */
    uint32_t nprocs;          /* in use; lock to write */
    uint32_t most_procs;      /* ever in use; lock to write */
    struct worker *workers;   /* all, by worker.all; release */
    uint32_t nworkers;        /* lock */
    uint32_t started;         /* 0, 1 being started, 2; seq_cst */
    uint32_t monitor_asleep;  /* futex; seq_cst */
    uint32_t monitor_call;    /* futex; seq_cst */

    uint64_t ids ALIGNED(CACHE_LINE); /* numbers of goroutines given out, to processors some at a time; relaxed */
    uint64_t made, ended;     /* goroutines, without a processor: relaxed */
    struct worker *paused, *last_paused; /* that want a processor back: preempt.c; lock */
    uint32_t beside;          /* some goroutine runs without a processor; relaxed */
    uint32_t parked_threads;  /* that are no workers and wait for somebody; seq_cst */
    uint32_t wakeups;         /* of workers from the idle list, and of parked threads, counted before they run; seq_cst */
    uint64_t polls;           /* ns: last look at the poller; relaxed */
} trix_sched;

extern struct histogram trix_sched_latencies; /* from ready to running */

enum { MAX_PROCS = 256 };

/* ---- who runs ---- */

INLINE struct thread *sched_enter(void) { return (struct thread *)gate_enter(); }
INLINE void sched_leave(struct thread *t) { gate_leave(&t->cache.gate); }

struct g *trix_own_g(struct thread *t); /* of a thread that is no worker */

/* The goroutine, or what stands for the thread; inside. */
INLINE struct g *sched_self(struct thread *t) {
    struct worker *w = worker_of(t);
    return LIKELY(w && w->g) ? w->g : trix_own_g(t);
}

/* ---- waiting ---- */

/* Gives the processor to another goroutine until somebody readies this one; returns the thread it then runs on. Inside,
 * at depth 1, no locks. */
struct thread *trix_park(struct thread *t, enum g_wait why);

/* What it is about to wait for, a channel, a lock, a struct select; a timer, or anything, when it is none of these. Before anybody
 * can ready it: who has been readied is told from who waits by that. */
INLINE void sched_waits_on(struct g *g, const void *thing) { store_relaxed(&g->wait_on, thing); }

/* Lets g run; t may be NULL: the calling thread is not attached. */
void trix_ready(struct thread *t, struct g *g);

struct thread *trix_yield(struct thread *t);

/* The goroutine ends; inside. */
NORETURN void trix_exit(struct thread *t);

/* Waits until the descriptor may be read or written, or has an error; *error is 0, or an errno value when it cannot be waited
 * for, or is closed meanwhile. tried: the caller has found that it is not ready, and will try again, and wait again if need be;
 * else a state that it has had all along is told, too. Inside, at depth 1, no locks. */
struct thread *trix_poller_wait(struct thread *t, int fd, bool to_write, bool tried, int *error);

/* ---- starting ---- */
extern uint32_t trix_sched_forked; /* this process is a child, where the scheduler has not been started again; relaxed */
void trix_fork_watch(void);
void trix_sched_start(void); /* workers and all; once. Outside */
struct thread *trix_sched_again(struct thread *t); /* in the child of a fork. Inside, at depth 1 */
/* Inside. */
void trix_spawn(struct thread *t, void (*fn)(void *), void *arg, uintptr_t creator);

/* ---- queues (queue.c) ---- */
bool trix_queue_push(struct proc *p, struct g *g); /* false: the ring was full, half of it has gone to the global queue */
struct g *trix_queue_push_next(struct proc *p, struct g *g); /* returns what was to run next before */
struct g *trix_queue_pop(struct proc *p);
struct g *trix_queue_pop_next(struct proc *p);
struct g *trix_queue_steal(struct proc *thief, struct proc *victim, bool next_too);
bool trix_queue_empty(const struct proc *p);
void trix_global_push(struct g *const *g, uint32_t n);
struct g *trix_global_pop(struct proc *p); /* some more go to p's ring */
INLINE uint32_t queue_length(const struct proc *p) { return load_relaxed(&p->tail) - load_acquire(&p->head); }

/* ---- idle workers (idle.c) ---- */
void trix_wake(void); /* work has been queued: a sleeping worker is to come, if there is an idle processor */
INLINE void sched_wake_maybe(void) {
    if (load_seq(&trix_sched.nidle) && !load_seq(&trix_sched.spinning)) trix_wake();
}
/* The same by who has a processor of its own to run what it has queued: it may be left to it. */
void trix_help(struct proc *p);
INLINE void sched_help_maybe(struct proc *p) {
    if (load_seq(&trix_sched.nidle) && !load_seq(&trix_sched.spinning)) trix_help(p);
}
void trix_worker_note_look(bool found); /* it has looked for some for as long as its patience lasts, or has found it */
uint64_t trix_worker_note_work(struct worker *w); /* what it had to do is done; ns, the time */
/* Sleeps until there may be something to do, with or without a processor; the worker has none afterwards, or one. On the
 * system stack, inside. */
void trix_worker_idle(struct worker *w);
bool trix_work_anywhere(void); /* in some queue, at that moment */
bool trix_proc_acquire(struct worker *w); /* an idle one */
void trix_proc_retire(struct worker *w);  /* its processor is one too many: what is queued there goes to the global queue */
void trix_worker_give(struct proc *p);    /* wakes or makes a worker for it; monitor, sched.lock not held */
void trix_staff(void);                    /* a worker for an idle processor, if there is work; monitor */
void trix_proc_release(struct worker *w); /* outside, in a handler: its processor goes to an idle worker, or adrift */
void trix_proc_pass(struct worker *from, struct worker *to); /* sched.lock held */
bool trix_worker_make(struct proc *p);
NORETURN void trix_schedule(struct thread *t); /* the loop on the system stack (schedule.c) */

/* ---- monitor.c ---- */
bool trix_monitor_start(void);
void trix_monitor_wake(void); /* if all processors were idle */
void trix_monitor_call(void); /* there is something for it to do now */

/* ---- what the collector asks (scan.c) ---- */
void trix_scan_register(void);
void trix_scan_give_back(void); /* what processors keep for new goroutines goes back to all. Outside */
void trix_dirty_add(struct worker *w, struct g *g); /* has run while marking; being saved */

/* ---- figures and reports (report.c) ---- */
void trix_check_deadlock(void); /* after a worker has gone to sleep; no locks */
void trix_reports_init(void);
void trix_schedtrace(uint64_t now); /* GODEBUG=schedtrace: a line, when it is time for one; monitor */
void trix_reports_serve(void);  /* a dump has been asked for by signal; monitor */
extern uint32_t trix_dump_wanted; /* set by the handler of SIGQUIT; relaxed */

#endif
