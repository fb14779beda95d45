/* gc.h - the collector as the layers above see it: its state, its controls, its figures. The cycle is in cycle.c. */
#ifndef TRIX_GC_H
#define TRIX_GC_H

#include "limiter.h"
#include "mark.h"
#include "pacer.h"
#include "../base/lock.h"
#include "../../include/tricolor/control.h"

/* What one cycle was, for the trace line, MemStats and the metrics. Times in ns, sizes in bytes. */
struct cycle_report {
    uint32_t number;
    bool forced;
    bool leaks; /* it has looked for fibers that can never go on */
    uint64_t begun, marked, ended; /* monotonic: first stop, end of marking, swept (0 until then) */
    uint64_t stop_start;  /* first stop, from asking to going on */
    uint64_t stop_finish; /* the stops at the end of marking, added up */
    uint64_t longest_stop;
    uint32_t stops;
    uint64_t concurrent;  /* between the first stop and the last */
    uint64_t assist_cpu, background_cpu, idle_cpu;
    uint64_t heap_start, heap_end, heap_marked, goal;
    uint64_t stacks, globals; /* bytes scanned there */
    double cpu_fraction; /* of the CPU time available since start, spent collecting, idle marking left out */
};

struct gc {
    struct lock driver;   /* who drives the cycle: "driver only" is what its holder alone touches, "collector" means the same */
    struct thread *here;  /* the program's thread that drives since there are no threads to be had; NULL: none. Seq_cst */
    struct lock lock;     /* of the pacer and the controls */
    struct pacer pacer;   /* lock */

    struct limiter limiter; /* lock */
    bool limiting;        /* the limiter's state: the program is to go on; relaxed */
    bool limited;         /* there is a memory limit; relaxed */
    uint32_t limited_last; /* the last cycle during which the limiter stepped in, 0: none; relaxed */

    int64_t live;         /* bytes claimed and not known to be dead; atomic */
    int64_t unswept;      /* bytes of objects found dead and not swept yet; atomic, about */
    uint64_t trigger;     /* bytes of `live` at which a cycle starts; relaxed */
    uint64_t goal;        /* relaxed */

    /* requests; futexes through trix_event */
    uint32_t wanted;      /* the last cycle asked for by tri_gc; seq_cst */
    uint32_t started;     /* cycles begun; futex; collector, seq_cst */
    uint32_t marked;      /* cycles marked; futex; collector, seq_cst */
    uint32_t finished;    /* cycles swept; futex */
    uint32_t triggered;   /* live has passed the trigger and the collector has been told; relaxed */

    /* the cycle under way; written with the world stopped or by atomic addition */
    uint64_t marked_bytes, work;
    uint64_t assist_ns, background_ns, idle_ns; /* CPU */
    uint64_t assist_total_ns, background_total_ns, idle_total_ns; /* of all cycles; relaxed */
    bool return_windows;        /* the cycle wanted takes threads' windows of pages back too; seq_cst */
    int64_t credit;             /* bytes of work done in the background and not yet taken by assists */
    double work_per_byte;       /* relaxed: what an allocating thread owes */

    /* since start; relaxed */
    uint64_t pause_ns, gc_cpu_ns, start_ns;
    int procs;
};
extern struct gc trix_gc;

/* Called once for each cycle when marking has ended, and again when it is swept, on the collector's thread. */
typedef void trix_report_hook(const struct cycle_report *report, bool swept);
extern trix_report_hook *trix_gc_report_hook;

/* World stopped, marking has ended: what is swept from here on was found dead by this cycle. */
extern void (*trix_gc_flip_hook)(void);

/* An object that the heap profile is to see has just been handed out by the calling thread; inside, no locks. */
typedef void trix_sample_hook(void *object, size_t bytes);
extern trix_sample_hook *trix_gc_sample_hook; /* release */

void trix_gc_init(void);

/* Makes sure that the collector's thread runs; false when it cannot be made. Not from a signal handler. */
bool trix_collector_start(void);
bool trix_collector_running(void); /* or being made */
bool trix_collector_there(void);
bool trix_gc_listened_to(void); /* the program has handlers of tri_on_gc, which are called on the collector's thread */
/* Makes a thread of the library's own, of which the program knows nothing: detached, every signal
 * blocked, with a small stack. False when it cannot be had. */
bool trix_make_thread(void *(*main)(void *), void *arg);

/* Asks for one whole cycle from now and waits until it is swept; inside, at any depth, without locks. */
struct thread;
void trix_gc_run(struct thread *t);

/* Asks for a whole cycle from now, and does not wait. Inside. */
void trix_gc_request(struct thread *t);

/* Sleeps on a futex outside the gate, from whatever depth; no locks may be held. */
void trix_gate_wait(struct thread *t, const uint32_t *word, uint32_t seen, uint64_t timeout_ns);

/* Runs the cycle on the calling thread, which is the collector's, or stands still as far as its own stack is
 * concerned. */
void trix_cycle_run(bool forced);

/* The heap has reached its trigger: when it is small, collects it at once on the calling thread (onestop.c); inside, no locks. */
enum onestop { ONESTOP_NO, ONESTOP_DONE, ONESTOP_BUSY /* another thread is at it */ };
enum onestop trix_onestop(struct thread *t);
/* Who allocates next will do that: the collector's thread leaves a cycle that it finds due to them, and wakes who waits for it. Were it
 * to do it, the next one would be due before it has gone to sleep. Certain for the driver. */
bool trix_onestop_likely(void);

/* The cycle of onestop.c; the driver, attached and inside, whose roots lie above its `sp`. False: nothing has been done, as it cannot
 * be now. When budget_ns is over before all is marked, the cycle goes on as a concurrent one, which the collector's thread takes over. */
bool trix_cycle_at_once(uint64_t budget_ns);
bool trix_cycle_handed_over(void); /* there is one to be taken over; driver */
void trix_cycle_take_over(void);

/* World being stopped, or about to go on: the collector's thread is not to wait for a processor meanwhile, while all wait
 * for it. Does nothing on other threads, and where the process may not. */
void trix_collector_hurry(bool on);

/* Adds a marker's figures to the cycle's and clears them. */
void trix_gc_gather(struct marker *m);

/* The trigger, goal and assist ratio anew; after anything that changes them. gc.lock. */
void trix_gc_repace(void);

/* Calls the program's handlers of tri_on_gc. */
void trix_gc_notify(tri_gc_event event);

/* Whether so much lives that an allocating thread waits for the end of marking. */
INLINE bool gc_past_goal(void) { return load_relaxed(&trix_gc.live) > (int64_t)min_u64(load_relaxed(&trix_gc.goal), INT64_MAX); }

INLINE bool gc_past_trigger(void) { return load_relaxed(&trix_gc.live) >= (int64_t)min_u64(load_relaxed(&trix_gc.trigger), INT64_MAX); }

/* An allocating thread pays for what it takes; inside, no locks. */
void trix_assist(struct thread *t);
/* When the heap is past its goal and no cycle has begun: the collector needs a processor. True: it has left it to the thread, or let it
 * wait for too long. Inside, no locks. */
bool trix_await_cycle(struct thread *t);

/* ---- background markers ---- */
void trix_markers_begin(struct pacer_workers workers);
void trix_markers_end(void);
void trix_markers_spared(uint64_t cpu_ns); /* instead of both: a cycle without them */
/* Between two quanta of the collector's own marking: lets the share of the CPU be what it should. With roots left only it can find what assists
 * could do, so it does not rest for long. */
void trix_markers_pace(struct marker *m, bool roots_left);
uint64_t trix_markers_quantum(void); /* bytes to scan in the next one; collector */
/* Between two blocks of the collector's own sweeping, the first one just done or not: leaves it to the program's threads for a while
 * when they keep all processors busy, unless a cycle is due. */
void trix_sweeper_pace(bool first);
int trix_running_threads(void);
void trix_markers_reset_after_fork(void);

/* In the child of a fork: the cycle is dropped. */
void trix_gc_reset_after_fork(void);

/* Marks everything again with the world stopped, and ends the program if the cycle has missed an object. */
void trix_checkmark(void);

/* The collector's threads stand still between two items of work while this is held: for fork. */
void trix_collector_pause(void);
bool trix_collector_standing(void);
void trix_collector_resume(void);
void trix_collector_stand(void); /* the driver, on its own thread: until no fork wants it to stand still */
/* Collector's threads: the place where they stand still. `m`: an active marker's, or NULL. */
void trix_collector_poll(struct marker *m);

#endif
