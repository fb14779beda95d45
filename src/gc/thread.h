/* thread.h - the threads the collector knows, and how one of them is stopped.
 *
 * States, as others see them:
 *
 *   RUNNING   runs the program; to look at its stack it must be stopped or asked, by signal
 *   BLOCKED   in a call that may take long (host/blocking.c, tri_blocking_begin) or waiting in the library: it will not
 *             run the program before it has passed thread_unblock, so its stack from `sp` up stands still
 *   STOPPED   parked in trix_thread_serve: by the handler of the stop signal, or on leaving the gate
 *
 * A thread changes its own state; nobody else does. Leaving BLOCKED or STOPPED is Dekker's handshake: the thread stores
 * RUNNING, then looks for a stop of the world or a hold on itself, and goes back if there is one; the collector raises
 * the stop or the hold, then looks at the state.
 *
 * What the collector asks of a thread:
 *
 *   scan   append every word of your stack, registers and thread-locals that may be a pointer to your barrier
 *          buffer, and hand it over: the thread's own `ask_scan`, cleared by whoever has done it
 *   stop   then park until the world goes on: `trix_threads.stopping`, for all
 *
 * A running thread is told by a signal. A blocked one is not: the collector holds it and scans it in place.
 *
 *   I1  No thread holds a lock of the library, or is between two halves of an operation of it, while STOPPED or
 *       BLOCKED (BLOCKED in tri_gc and the like counts as outside).
 *   I2  The list of threads changes under both trix_threads.lock, which a stop of the world holds throughout, and
 *       trix_threads.list_lock, which is held for moments only: a thread inside may take the second, not the first
 *       (the stop would wait for it to leave).
 */
#ifndef TRIX_THREAD_H
#define TRIX_THREAD_H

#include "event.h"
#include "work.h"
#include "../base/histogram.h"
#include "../heap/cache.h"

#include <pthread.h>

enum thread_state { THREAD_RUNNING, THREAD_BLOCKED, THREAD_STOPPED };
struct range {
    uintptr_t lo, hi;
};

/* A stack other than the thread's own, which a layer above switches to (gc/fibers.h). */
struct fiber {
    uintptr_t lo, hi; /* constant while it is in use */
};

struct thread {
    struct thread_cache cache; /* first: trix_self points here */

    /* handshakes */
    uint32_t state;    /* enum thread_state; own thread, seq_cst */
    uint32_t ask_scan; /* seq_cst */
    uint32_t hold;     /* the collector scans it in place: futex, seq_cst */
    int tid;
    uint32_t cpu;      /* the processor it was last seen on, a hint; own thread, relaxed */
    bool spins;        /* stopped, it need not sleep at once: it keeps nobody from stopping; the stopper, relaxed */
    const uint32_t *awaits; /* it sleeps until that word of the cycle's (assist.c) is not `awaited` any more; NULL: no. Own thread, release */
    uint32_t awaited;  /* own thread, relaxed */
    uint64_t signalled, asked_since; /* ns: last signal sent, first one of this request; collector */
    bool named;                      /* complained about; collector */

    /* where its pointers are */
    uintptr_t sp;        /* lowest word to scan, while BLOCKED or STOPPED */
    struct range stack;  /* the stack it was born with */
    uintptr_t tp;        /* thread pointer: its thread-locals are found from there */
    const struct fiber *fiber; /* it runs on this one; NULL: on its own. Own thread, inside */
    uintptr_t system_sp; /* while on a fiber: where it left its own stack. Own thread, inside */
    struct range frames; /* while STOPPED by a handler on another stack: the interrupted one, in use from lo */
    uintptr_t registers[12]; /* callee-saved ones, between tri_blocking_begin and end */
    uintptr_t handler_sp; /* while a handler of the program runs on an alternate stack: where the interrupted one stood */
    struct range program_altstack; /* as the program set it by sigaltstack, or empty */
    struct workbuf *shades; /* barrier buffer, raw; own thread inside, or the collector while it is stopped */
    void *start_arg;     /* from pthread_create until the thread has taken it; then its result */
    struct shelf *shelf, *shelf_kept; /* of life/pool.c; the second in a section (blocking.h), where it has none. Own thread */
    struct specific *specifics; /* shadow of pthread_setspecific; own thread inside */

    /* the scheduler's, above */
    struct worker *worker; /* NULL: no worker. Own thread */
    struct g *own_g;       /* what it waits as when it is no worker; kept with the record */

    /* signals */
    uintptr_t handler_frame; /* of the innermost handler of the program under way, or left by siglongjmp; own thread */
    uint64_t stop_mask;   /* signals blocked before it stopped the world; own thread */
    uint64_t deferred;    /* signals blocked until it leaves the gate; own thread */
    uint32_t gc_signals;  /* stop signals received; own thread: blocking calls look whether they were cut short */
    uint32_t user_signals; /* handlers of the program run; own thread */

    /* list */
    struct thread *next, *previous;
    pthread_t pthread;
    uint64_t id; /* for messages */
    bool by_hand; /* tri_thread_attach */
    bool gone;    /* ended without detaching: nothing of it is scanned, and it is reaped after the cycle; threads' lock */
    char *altstack; /* ALTSTACK_BYTES, for the stop signal and handlers that want one */
};

extern struct threads {
    struct lock lock, list_lock;
    struct thread *first; /* either lock; both to write */
    uint32_t count;       /* lock to write */
    uint32_t starting;    /* made by pthread_create and not attached yet: counted before they are, until they are in `count`; seq_cst */
    uint32_t stopping;    /* the world is being stopped or is stopped; seq_cst */
    struct thread *stopper; /* who stops it, NULL: a thread that is not attached; relaxed, lock to write */
    uint32_t resumes;     /* futex: rises when the world goes on */

    /* What the stopper sleeps on, until enough threads have ceased to run. */
    uint32_t left;         /* futex: rises with each that has ceased to run while `stopping`; seq_cst */
    uint32_t left_enough;  /* `left` when all have; seq_cst */
    int32_t left_here;     /* threads on the stopper's own processor that have not; seq_cst */
    uint32_t stopper_cpu;  /* relaxed */
} trix_threads;

enum { STOP_SIGNAL = 23 /* SIGURG: ignored by default, passed over by debuggers, never queued twice; Go's choice */ };

/* Notes that a thread has ended without detaching; threads' lock. */
void trix_thread_gone(struct thread *t);

/* Of threads that must not, or can no longer, bump in runs: written when their tables change, and read by nobody. */
extern struct tri__tls trix_nobodys_line;

enum { ALTSTACK_BYTES = 64 << 10 };

INLINE struct thread *thread_self(void) { return (struct thread *)trix_self; }

bool trix_in_handler(const struct thread *t); /* whether a handler of the program calls us; own thread */
bool trix_in_handler_at(const struct thread *t, uintptr_t sp); /* whether code with that stack pointer is in one */
/* A fork does not close the gate while a handler runs, which may have interrupted malloc; new ones are put off. */
extern uint32_t trix_handlers_held; /* forks that hold them off; seq_cst */
bool trix_handlers_running(void);   /* world stopped: on threads other than the calling one */
void trix_gate_sleep_while_closed(struct thread *t); /* outside */

/* Runs a function that may wait for a lock of libc's, such as pthread_create, with signals blocked: a thread that a stop has stopped
 * may hold that lock, so the calling one counts as blocked meanwhile, if it is attached. Without locks. */
void trix_thread_aside(void (*work)(void *), void *arg);
/* A thread in the making: what is handed to it so. */
struct making {
    pthread_t thread;
    pthread_attr_t attributes;
    void *(*main)(void *);
    void *arg;
    int error;
};
bool trix_on_altstack(const struct thread *t, uintptr_t sp);
/* The stop signal has come in, with this context. */
void trix_stop_signal(struct thread *t, void *context);
/* Then this is called on the same thread: the scheduler may want to take the processor from it. NULL, or constant once set. */
extern void (*trix_preempt_hook)(struct thread *t, void *context);
/* In the handler: sleeps until *word is not 0, or a fork has closed the gate; the thread counts as blocked meanwhile. Looks at
 * least every so many ns. */
void trix_stop_pause(struct thread *t, const void *context, const uint32_t *word, uint64_t look_ns);

/* ---- life ---- */
void trix_threads_init(void); /* attaches the calling thread as the main thread */
struct thread *trix_thread_attach(void);
void trix_threads_reap_gone(void); /* those that ended without detaching; threads' lock */
void trix_threads_keep_self(void); /* in the child of a fork: no other thread lives; threads' lock */
void trix_host_thread_attached(void); /* host/threads.c: sees to it that the thread detaches at its end */
void trix_thread_report(struct thread *t); /* the calling thread, outside: adds what it has claimed to the heap's figure, as a claim does */
void trix_thread_detach(void); /* the calling thread, outside, after its last use of the heap */

/* ---- blocking; by the thread itself, outside ---- */

/* It has ceased to run, and somebody may wait for that. */
void trix_thread_left(const struct thread *t);

/* From here to unblock the stack from `sp` up is scanned in place. */
INLINE void thread_block(struct thread *t, uintptr_t sp) {
    t->sp = sp;
    store_seq(&t->state, THREAD_BLOCKED);
    if (UNLIKELY(load_seq(&trix_threads.stopping) || load_seq(&t->ask_scan))) trix_thread_left(t);
}
void trix_thread_unblock_slow(struct thread *t);
/* Inside meanwhile: a stop signal that came between the store and the look around would scan the stack, or park with what
 * another has begun to scan in place. */
INLINE void thread_unblock(struct thread *t) {
    struct gate *g = &t->cache.gate;
    g->inside++;
    signal_fence();
    store_seq(&t->state, THREAD_RUNNING);
    if (UNLIKELY(load_seq(&trix_threads.stopping) || load_seq(&t->hold) || load_seq(&t->ask_scan)))
        trix_thread_unblock_slow(t);
    gate_leave(g);
}

/* The address of the caller's frame with all callee-saved registers spilled into it: everything the program can still
 * reach lies above. */
#define THREAD_SPILL()                                                                                         \
    ({                                                                                                         \
        __builtin_unwind_init();                                                                               \
        uintptr_t here;                                                                                        \
        SPILL_SP(here);                                                                                        \
        here;                                                                                                  \
    })
#if defined(__x86_64__)
#define SPILL_SP(here) __asm__ volatile("movq %%rsp, %0" : "=r"(here) : : "memory")
#else
#define SPILL_SP(here) __asm__ volatile("mov %0, sp" : "=r"(here) : : "memory")
#endif

/* Waits for a lock that the collector may hold for long, counted as blocked meanwhile. Outside or not attached. */
void trix_lock_blocking(struct lock *lock);

/* ---- stopping; by the collector, or by an attached thread that is outside ---- */

/* Stops every attached thread but the calling one, and holds the threads' lock until trix_world_resume. With `scan`,
 * each thread's roots are scanned: running threads do it themselves before they park, the others are left
 * with ask_scan set. */
void trix_world_stop(bool scan);
/* The same by an attached thread that is inside, which must not wait for the lock: whoever holds it may wait for the thread to
 * leave. Nobody is scanned. False: not now. */
bool trix_world_try_stop(void);
void trix_world_resume(void);
/* Its two halves: in between threads run, and no other stop can begin. */
void trix_world_go(void);
void trix_world_release(void);

/* With the world stopped and handlers held: closes the gate to all but the calling thread, and lets the others go on outside it. Until
 * trix_world_open nobody else is in the library, and no thread comes or goes. */
void trix_world_close(void);
void trix_world_open(void);

/* How long stops took, for the metrics: until the world stood still, and until it went on. */
enum pause_why { PAUSE_GC, PAUSE_OTHER };
extern struct pause_figures {
    struct histogram stopping, total;
} trix_pauses[2];

/* Asks one thread to scan itself. Threads' lock. */
void trix_thread_ask_scan(struct thread *t);
/* Signals again who has not answered for 10 ms, and names it after 1 s. Threads' lock. */
void trix_thread_remind(struct thread *t);

/* Keeps a blocked thread blocked; false when it is not. */
bool trix_thread_hold(struct thread *t);
void trix_thread_release(struct thread *t);

/* Does what is asked of the calling thread, outside: from the stop signal's handler, or on leaving the gate. */
void trix_thread_serve(struct thread *t, uintptr_t sp, struct range frames);

/* Calls `scan` for each range of memory that is a root because of this thread: the calling one, or one that stands
 * still. Only ranges for which `exact_ends` holds may have pointers just past a typed object. */
typedef void trix_range_visitor(const void *lo, const void *hi, bool exact_ends, void *arg);
void trix_thread_ranges(struct thread *t, trix_range_visitor *visit, void *arg);

#endif
