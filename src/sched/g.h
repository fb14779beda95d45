/* g.h - what a goroutine is, and what a worker is: the shared structures of the scheduler.
 *
 * A goroutine's descriptor lies at the top of its own stack: one page of memory holds both. A thread that is no worker
 * but waits on a channel or a lock has a descriptor too, of kind thread, so that all waiting is of one kind.
 *
 * `context` says who may touch a goroutine's stack:
 *
 *   G_NONE      no goroutine: a free slot
 *   G_RUNNING   the worker on whose thread it runs
 *   G_SAVED     nobody runs it: it waits, or is in a queue. Whoever makes it G_RUNNING or G_HELD by compare-exchange owns
 *               it. It becomes G_SAVED only when its last register is on its stack: by the context that runs next
 *               on that thread ("arrives"). So a goroutine may be readied, and queued, before it has left its stack; who
 *               wants to run it waits for that moment.
 *   G_HELD      the collector reads its stack
 *
 *   I1  All of this happens inside the gate (heap/gate.h); a stopped or blocked thread is never between two stacks.
 *   I2  A worker waits for another context to become G_SAVED only on its own system stack, having saved its own goroutine.
 *   I3  After a switch no thread-local is looked at: the thread on which a context goes on is handed to it by the one
 *       that leaves (the compiler may have kept the address of the old thread's thread-locals).
 */
#ifndef TRIX_G_H
#define TRIX_G_H

#include "told.h"
#include "../gc/thread.h"
#include "../base/lock.h"
#include "../heap/gate.h"

enum g_context { G_NONE, G_SAVED, G_RUNNING, G_HELD };

/* Why it waits; Go's words, for dumps: wait_reason.def. */
enum g_wait {
#define WAIT(name, words) WAIT_##name,
#include "wait_reason.def"
#undef WAIT
};

struct g {
    struct fiber fiber; /* first: the thread that runs it points here */
    uintptr_t sp;       /* while G_SAVED or G_HELD */
    uint32_t context;   /* enum g_context; seq_cst where contended */
    uint8_t is_thread;  /* of a thread, not a goroutine: parks on `futex` */
    uint8_t dirty;      /* on the list of those that have run since they were scanned; the worker that leaves it, or the
                           collector that holds it */
    uint8_t dying;      /* its slot is free as soon as it has left it; own */
    uint8_t wait;       /* enum g_wait; relaxed */
    uint8_t stack_kind; /* constant */
    uint8_t gone;       /* of the parent's, in the child of a fork: forked.c */
    uint8_t leaked;     /* found blocked for ever by the last search, and has not run since: leaks.c */
    uint8_t settled;    /* scans since it last parked, up to 255; own, or of who holds it */
    uint8_t suspect;    /* of being so; in a cycle that looks for them: leaks.c */
    uint32_t futex;     /* kind thread: 1 when readied */
    uint32_t deep;      /* pages beyond its first that it was last seen to have; who holds it, or stacks' lock when free */
    uint32_t scans;     /* of its stack by the collector; who holds it */
    struct g *next;       /* in a list of those to be readied, or behind the global queue; whose list it is */
    struct g *next_dirty; /* in the list of dirty ones */
    struct thread *thread; /* kind thread; constant */
    void (*fn)(void *);
    void *arg;
    uint64_t id;        /* 1 is the main goroutine; 0: none */
    uint64_t parent;
    uint64_t ready_at;   /* ns: when it was made ready, if this wait is one of those timed; whoever has it */
    uint32_t readied;    /* times made ready, of this slot; likewise */
    uintptr_t creator;   /* return address of the call that started it */
    const void *wait_on; /* channel, lock, struct select, timer or the like, as `wait` says; NULL: none, or it has been
                            readied. Own, then whoever readies it; relaxed */
    uint64_t wait_since; /* ns, when the collector or a profile first saw it wait; 0: not yet. Own, or of who holds it */
    struct tri__frame *frames; /* innermost function with TRI_FUNC; own */
    struct panic *panics;      /* innermost panic under way; own */
    struct told told;          /* whoever switches */
};

/* It waits, as opposed to: it has been readied, or runs. */
INLINE bool g_waits(const struct g *g) { return load_relaxed(&g->wait) != WAIT_NONE && load_relaxed(&g->wait_on) != NULL; }

/* A processor: the right to run goroutines, and a queue of those ready to. Owned by the worker that has it. */
enum { RING = 256, FREE_G = 256 };

struct proc {
    uint32_t head ALIGNED(CACHE_LINE); /* of the ring; thieves take from here by compare-exchange */
    uint32_t tail;                     /* owner only, release */
    struct g *runnext;                 /* runs next, before the ring; exchanged atomically */
    struct g *ring[RING];              /* relaxed */

    uint32_t poke ALIGNED(CACHE_LINE); /* look around at the next choice: set by others, relaxed */
    uint32_t adrift;                   /* nobody has it, and it is not idle: 1 the monitor is to give it to somebody, 2 it
                                          is about to; sched.lock to write */
    struct worker *worker;             /* who has it, or NULL; sched.lock, or the owner itself */
    struct proc *next_idle;            /* sched.lock */
    uint32_t id;
    /* monitor only */
    uint64_t asked_at; /* ns: when its goroutine was last asked to make room */
    uint32_t seen_ticks;
    bool seen_blocked;
    uint64_t seen_at; /* ns: when ticks last moved */

    /* written by the owner all the time, and hardly looked at by others */
    uint32_t ticks ALIGNED(CACHE_LINE); /* choices made; owner, read relaxed by the monitor */
    uint32_t random;                   /* owner */
    uint32_t unhelped;                 /* pushes that woke nobody, since it had been no use; owner */
    uint32_t nfree;                    /* owner */
    struct g **free;                   /* FREE_G stacks for new goroutines, lately used last; owner */
    uint64_t started, ended;           /* goroutines; owner, read relaxed */
    uint64_t id_next, id_end;          /* numbers for new ones; owner */
    struct g *kept[2][FREE_G] ALIGNED(CACHE_LINE); /* `free` is one of these; the other is the collector's: scan.c */
};

struct worker {
    struct thread *thread;
    struct proc *proc;      /* NULL: it must not run goroutines, but for the one it came back with from a blocking call */
    struct g *g;            /* current goroutine, NULL on the system stack; own */
    struct g *leaving;      /* has just left this thread, to be saved by whoever arrives; own */
    struct g *chosen;       /* to be run by the system stack's loop; own */
    bool spinning;          /* counted in sched.spinning; own */
    bool queued;            /* in sched.idle; sched.lock */
    uint32_t patience;      /* ns it may still look for work before it sleeps; own */
    uint64_t busy_since;    /* ns: since when it has had work, or looked for some; own */
    uint64_t worked;        /* ns it had work at a stretch, at most, since it was woken; own */
    uint32_t wake;          /* futex: 1 when it is handed a processor or told to look */
    uint32_t polling;       /* sleeps in the poller, not on the futex; seq_cst */
    uint32_t preempt;       /* 1 + the choice of its processor that is to make room, 0: none; monitor sets it, own thread
                               takes it */
    uint64_t back_at;       /* ns: paused, and lets others run until then, 0: it does not; sched.lock */
    bool till_few;          /* and, while it is paused: comes back earlier once few wait to run */
    struct worker *next;    /* in sched.idle, or sched.paused; sched.lock */
    struct told told;       /* of its system stack; own */
    struct worker *all;     /* constant */
};

INLINE struct worker *worker_of(const struct thread *t) { return t->worker; }

/* Locks of channels and the like: words in memory that programs have zeroed, without a rank. At most one
 * is held at a time, but for select, which takes them by rising address; sched.lock and the timers' come after them. */
INLINE void word_lock(struct lock *l) {
    uint32_t expected = 0;
    if (UNLIKELY(!cas_acquire(&l->word, &expected, 1))) trix_lock_slow(l);
    order_after(l);
}
INLINE void word_unlock(struct lock *l) {
    order_before(l);
    if (UNLIKELY(__atomic_exchange_n(&l->word, 0, __ATOMIC_RELEASE) == 2)) trix_unlock_slow(l);
}

#endif
