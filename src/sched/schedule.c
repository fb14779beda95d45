/* schedule.c - what runs next: parking, readying, and the loop on the system stack.
 *
 * A goroutine that parks looks for the next one itself and switches to it directly; only when its own queue has nothing,
 * or it is time to look around, does it go to the system stack of its worker, where trix_schedule takes work from
 * elsewhere or sleeps. Every LOOK_AROUND-th choice goes that way, so that the global queue, timers and the network
 * are never starved by goroutines that keep each other busy; and every RING_FIRST-th passes runnext over.
 */
#include "sched.h"
#include "goroutines.h"
#include "switch.h"
#include "timers.h"
#include "poller.h"
#include "preempt.h"
#include "walk.h"
#include "../gc/gc.h"
#include "../heap/metadata.h"
#include "../os/os.h"

#include <string.h>

enum { LOOK_AROUND = 64, RING_FIRST = 16, SAVED_SPINS = 2000, STEAL_ROUNDS = 4 };

struct sched trix_sched = {.lock = LOCK_INIT(SCHED), .patience = 8 * 1000};

/* ---- between two contexts ---- */

/* Too many free stacks: those used least lately go back. */
static NOINLINE void give_half(struct proc *p) {
    trix_stacks_give(p->free, FREE_G / 2);
    memmove(p->free, p->free + FREE_G / 2, (FREE_G - FREE_G / 2) * sizeof *p->free);
    p->nfree -= FREE_G / 2;
}

/* What has left this thread is saved now: others may run it, or use its stack anew. First thing on every arrival. */
INLINE void arrive(struct worker *w) {
    struct g *g = w->leaving;
    if (!g) return;
    w->leaving = NULL;
    if (UNLIKELY(g->dying)) {
        struct proc *p = w->proc;
        g->dying = 0;
        if (UNLIKELY(trix_told_any)) trix_told_dead(&g->told, g->sp, g->fiber.hi);
        store_release(&g->context, G_NONE);
        if (LIKELY(p != NULL)) {
            p->free[p->nfree++] = g;
            if (UNLIKELY(p->nfree == FREE_G)) give_half(p);
        } else {
            trix_stacks_give(&g, 1);
        }
        return;
    }
    if (UNLIKELY(gate_marking())) trix_dirty_add(w, g);
    store_release(&g->context, G_SAVED);
}

/* Makes a goroutine ours to run. False: it has not left its last thread yet, or the collector reads its stack. */
INLINE bool take(struct g *g) {
    if (LIKELY(!gate_marking())) {
        if (UNLIKELY(load_acquire(&g->context) != G_SAVED)) return false;
        store_relaxed(&g->context, G_RUNNING);
        return true;
    }
    uint32_t saved = G_SAVED;
    return cas_seq(&g->context, &saved, G_RUNNING);
}

/* ---- how long who is ready waits ---- */

struct histogram trix_sched_latencies;

enum { LATENCY_EVERY = 8 }; /* the clock is read for one wait in so many, as in Go */

INLINE void note_ready(struct g *g) {
    if (UNLIKELY(++g->readied % LATENCY_EVERY == 0)) g->ready_at = trix_os_now();
}

static NOINLINE void note_latency(struct g *g) {
    histogram_add(&trix_sched_latencies, trix_os_now() - g->ready_at);
    g->ready_at = 0;
}

INLINE void note_start(struct g *g) {
    if (UNLIKELY(g->ready_at)) note_latency(g);
}

/* ---- switching ---- */

/* From goroutine to goroutine. Returns when `from` is run again. */
INLINE struct thread *switch_direct(struct thread *t, struct worker *w, struct g *from, struct g *to) {
    w->leaving = from;
    w->g = to;
    t->fiber = &to->fiber;
    note_start(to);
    if (UNLIKELY(trix_told_any)) trix_told_leave(&from->told, &to->told, to->fiber.lo, to->fiber.hi, from->dying);
    t = trix_switch(&from->sp, to->sp, t);
    if (UNLIKELY(trix_told_any)) trix_told_arrive(&from->told);
    arrive(worker_of(t));
    return t;
}

/* From goroutine to the system stack. */
static struct thread *switch_to_system(struct thread *t, struct worker *w, struct g *from) {
    w->leaving = from;
    w->g = NULL;
    t->fiber = NULL;
    if (UNLIKELY(trix_told_any)) trix_told_leave(&from->told, &w->told, t->stack.lo, t->stack.hi, from->dying);
    t = trix_switch(&from->sp, t->system_sp, t);
    if (UNLIKELY(trix_told_any)) trix_told_arrive(&from->told);
    arrive(worker_of(t));
    return t;
}

/* From the system stack to a goroutine; returns when one comes back here, to this very thread. */
static void switch_from_system(struct thread *t, struct worker *w, struct g *to) {
    w->g = to;
    t->fiber = &to->fiber;
    note_start(to);
    if (UNLIKELY(trix_told_any)) trix_told_leave(&w->told, &to->told, to->fiber.lo, to->fiber.hi, false);
    trix_switch(&t->system_sp, to->sp, t);
    if (UNLIKELY(trix_told_any)) trix_told_arrive(&w->told);
    arrive(w);
}

/* By itself, so that the thread is looked up after fn, not before (I3). */
static NOINLINE void g_end(void) { trix_exit(sched_enter()); }

void trix_g_main(struct thread *t) {
    struct g *g = worker_of(t)->g;
    if (UNLIKELY(trix_told_any)) trix_told_arrive(&g->told);
    order_after(g);
    arrive(worker_of(t));
    void (*fn)(void *) = g->fn;
    sched_leave(t);
    void *arg = g->arg; /* so late that it is in no register that fn saves: it is fn's, which may let go of it */
    g->arg = NULL;
    fn(arg);
    g_end();
}

/* ---- choosing ---- */

/* The next goroutine of its own queue; NULL: none, or it is time to look around. */
INLINE struct g *choose_local(struct proc *p) {
    uint32_t tick = p->ticks;
    store_relaxed(&p->ticks, tick + 1);
    if (UNLIKELY(tick % RING_FIRST == 0)) {
        if (tick % LOOK_AROUND == 0) return NULL;
        struct g *g = trix_queue_pop(p);
        if (g) return g;
    }
    if (UNLIKELY(load_relaxed(&p->poke))) return NULL;
    struct g *g = trix_queue_pop_next(p);
    return g ? g : trix_queue_pop(p);
}

/* The processor passes to whoever is next; `from` is queued somewhere, or dying. */
static struct thread *pass_on(struct thread *t, struct worker *w, struct g *from) {
    struct proc *p = w->proc;
    DEBUG_CHECK(!p || p->worker == w, "a processor has two owners");
    struct g *next = LIKELY(p) ? choose_local(p) : NULL;
    if (UNLIKELY(next == from)) {
        /* readied before it left; nobody else can take it, and it need not leave */
        return t;
    }
    if (LIKELY(next && take(next))) return switch_direct(t, w, from, next);
    w->chosen = next;
    return switch_to_system(t, w, from);
}

static struct thread *park_thread(struct thread *t, struct g *g) {
    fetch_add_seq(&trix_sched.parked_threads, 1);
    while (!load_acquire(&g->futex)) {
        trix_check_deadlock();
        trix_gate_wait(t, &g->futex, 0, 0);
    }
    store_relaxed(&g->futex, 0);
    return t;
}

INLINE struct thread *park(struct thread *t, enum g_wait why) {
    struct worker *w = worker_of(t);
    struct g *g = w ? w->g : NULL;
    if (UNLIKELY(!g)) {
        g = trix_own_g(t);
        store_relaxed(&g->wait, why);
        t = park_thread(t, g);
        order_after(g);
        store_relaxed(&g->wait, WAIT_NONE);
        return t;
    }
    g->wait_since = 0;
    g->settled = 0;
    g->leaked = 0;
    store_relaxed(&g->wait, why);
    t = pass_on(t, w, g);
    order_after(g);
    store_relaxed(&g->wait, WAIT_NONE);
    return t;
}

/* Sleeping and waiting for the network block nobody's way. */
static bool is_contention(enum g_wait why) { return why != WAIT_SLEEP && why != WAIT_IO && why != WAIT_NONE; }

static NOINLINE struct thread *park_measured(struct thread *t, enum g_wait why) {
    uint64_t from = trix_os_now();
    t = park(t, why);
    trix_contention_hook *hook = load_acquire(&trix_block_hook);
    if (hook && is_contention(why)) hook(trix_os_now() - from, trix_wait_words(why));
    return t;
}

/* In the child of a fork: it may have been readied meanwhile, which does no harm. */
NOINLINE struct thread *trix_sched_again(struct thread *t) {
    sched_leave(t);
    trix_sched_start();
    return sched_enter();
}

struct thread *trix_park(struct thread *t, enum g_wait why) {
    if (UNLIKELY(load_relaxed(&trix_sched_forked))) t = trix_sched_again(t);
    if (UNLIKELY(load_relaxed(&trix_block_hook) != NULL)) return park_measured(t, why);
    return park(t, why);
}

struct thread *trix_yield(struct thread *t) {
    struct worker *w = worker_of(t);
    struct g *g = w ? w->g : NULL;
    if (!g) {
        trix_os_yield();
        return t;
    }
    struct proc *p = w->proc;
    if (UNLIKELY(!p)) trix_global_push(&g, 1);
    else if (queue_length(p) == 0 && !load_relaxed(&p->runnext) && !load_relaxed(&trix_sched.queued) &&
             p->ticks % LOOK_AROUND) {
        store_relaxed(&p->ticks, p->ticks + 1);
        return t; /* nobody else */
    } else {
        trix_queue_push(p, g);
    }
    return pass_on(t, w, g);
}

void trix_exit(struct thread *t) {
    struct worker *w = worker_of(t);
    struct g *g = w->g;
    if (LIKELY(w->proc != NULL)) store_relaxed(&w->proc->ended, w->proc->ended + 1);
    else fetch_add_relaxed(&trix_sched.ended, 1);
    if (UNLIKELY(trix_told_any)) trix_told_unwound();
    order_before(g); /* who is next on this stack comes after */
    g->dying = 1;
    g->fn = NULL;
    g->arg = NULL;
    pass_on(t, w, g);
    trix_bug("a dead goroutine runs", __FILE__, __LINE__);
}

/* ---- readying ---- */

static NOINLINE void ready_thread(struct g *g) {
    fetch_add_seq(&trix_sched.wakeups, 1);
    fetch_sub_seq(&trix_sched.parked_threads, 1); /* here, not by the thread: it is as good as running */
    store_seq(&g->futex, 1);
    trix_os_futex_wake(&g->futex, 1);
}

static void ready_globally(struct g *g) {
    trix_global_push(&g, 1);
    sched_wake_maybe();
}

/* In the place of what was to run next; that goes to the ring, where others may take it. False: the ring was full. */
INLINE bool ready_next(struct proc *p, struct g *g) {
    struct g *kicked = trix_queue_push_next(p, g);
    if (!kicked) return true;
    bool fits = trix_queue_push(p, kicked);
    fence_seq();
    sched_help_maybe(p);
    return fits;
}

void trix_ready(struct thread *t, struct g *g) {
    if (UNLIKELY(g->gone)) return;
    store_relaxed(&g->wait_on, NULL);
    order_before(g);
    if (UNLIKELY(g->is_thread)) {
        ready_thread(g);
        return;
    }
    struct worker *w = t ? worker_of(t) : NULL;
    DEBUG_CHECK(!w || !w->proc || w->proc->worker == w, "a processor has two owners");
    note_ready(g);
    if (LIKELY(w && w->proc)) ready_next(w->proc, g);
    else ready_globally(g);
}

struct g *trix_own_g(struct thread *t) {
    if (LIKELY(t->own_g)) return t->own_g;
    struct g *g = trix_metadata_alloc(sizeof *g);
    if (!g) trix_fatal("out of memory");
    g->is_thread = 1;
    g->context = G_RUNNING;
    g->thread = t;
    return t->own_g = g;
}

/* ---- new goroutines ---- */

static NOINLINE struct g *refill(struct proc *p) {
    enum { AT_ONCE = 32 };
    struct g *one, **to = p ? p->free : &one;
    uint32_t n = trix_stacks_take(to, p ? AT_ONCE : 1);
    if (!n) trix_fatal("out of memory (no room for another goroutine's stack)");
    if (p) p->nfree = n - 1;
    return to[n - 1];
}

static struct g *g_make(struct proc *p) {
    if (UNLIKELY(!p || !p->nfree)) return refill(p);
    uint32_t n = --p->nfree;
    if (n > 1) __builtin_prefetch(p->free[n - 2], 1);
    return p->free[n];
}

/* Processors draw some at a time, so that those who start many do not share a counter. */
static uint64_t new_id(struct proc *p) {
    enum { AT_ONCE = 16 };
    if (UNLIKELY(p->id_next == p->id_end)) {
        p->id_next = fetch_add_relaxed(&trix_sched.ids, AT_ONCE) + 1;
        p->id_end = p->id_next + AT_ONCE;
    }
    return p->id_next++;
}

void trix_spawn(struct thread *t, void (*fn)(void *), void *arg, uintptr_t creator) {
    struct worker *w = worker_of(t);
    struct proc *p = w ? w->proc : NULL;
    struct g *g = g_make(p);
    g->fn = fn;
    g->arg = arg;
    g->id = p ? new_id(p) : fetch_add_relaxed(&trix_sched.ids, 1) + 1;
    g->parent = w && w->g ? w->g->id : 0;
    g->creator = creator;
    g->leaked = 0;
    g->frames = NULL;
    g->panics = NULL;
    g->wait = WAIT_NONE;
    g->sp = trix_switch_prepare((uintptr_t)g);
    if (UNLIKELY(gate_marking())) trix_gate_shade_root(&t->cache.gate, (uintptr_t)g->arg);
    note_ready(g);
    order_before(g);
    store_release(&g->context, G_SAVED);
    if (LIKELY(p)) {
        store_relaxed(&p->started, p->started + 1);
        if (UNLIKELY(!ready_next(p, g))) trix_preempt_self(w);
    } else {
        fetch_add_relaxed(&trix_sched.made, 1);
        ready_globally(g);
    }
}

/* ---- the system stack ---- */

static struct g *steal(struct worker *w) {
    struct proc *p = w->proc;
    uint32_t n = load_relaxed(&trix_sched.nprocs);
    for (int round = 0; round < STEAL_ROUNDS; round++) {
        p->random = p->random * 1664525 + 1013904223;
        for (uint32_t i = 0, at = p->random >> 8; i < n; i++, at++) {
            struct proc *victim = &trix_sched.procs[at % n];
            if (victim == p) continue;
            bool next_too = round == STEAL_ROUNDS - 1 && (load_relaxed(&victim->poke) || !load_relaxed(&victim->worker));
            struct g *g = trix_queue_steal(p, victim, next_too);
            if (g) return g;
        }
    }
    return NULL;
}

/* A worker that looks for work waits a little before it sleeps: being woken costs it, and the one who wakes it, as much as some
 * microseconds of looking. How long depends on whether it has been of use lately: where all work comes from the network it is not. */
static struct g *look_a_while(struct thread *t, struct worker *w) {
    enum { PAUSES = 16 };
    uint64_t now = trix_worker_note_work(w), until = now + w->patience;
    do {
        for (int i = 0; i < PAUSES; i++) cpu_relax();
        if (load_relaxed(&t->cache.gate.pending)) return NULL;
        now = trix_os_now();
        struct g *g = trix_work_anywhere() ? trix_global_pop(w->proc) : NULL;
        if (!g) g = steal(w);
        if (!g) continue;
        w->patience = (uint32_t)(now < until ? until - now : 0);
        w->busy_since = now;
        trix_worker_note_look(true);
        return g;
    } while (now < until);
    trix_worker_note_look(false);
    return NULL;
}

/* Something to run, from anywhere; NULL: nothing. */
static struct g *find(struct thread *t, struct worker *w) {
    struct proc *p = w->proc;
    store_relaxed(&p->poke, 0);
    trix_timers_run(t);
    struct g *g = NULL;
    if (p->ticks % LOOK_AROUND == 1) {
        if (trix_preempt_resume(w, !trix_queue_empty(p) || load_relaxed(&trix_sched.queued))) return NULL;
        g = trix_global_pop(p);
    }
    if (!g) g = trix_queue_pop_next(p);
    if (!g) g = trix_queue_pop(p);
    if (!g) g = trix_global_pop(p);
    if (!g && trix_poller_used()) {
        trix_poller_look(t, 0);
        g = trix_queue_pop_next(p);
        if (!g) g = trix_queue_pop(p);
    } else if (g && p->ticks % LOOK_AROUND == 1 && trix_poller_used()) {
        trix_poller_look(t, 0);
    }
    if (g || trix_preempt_resume(w, false)) return g;
    if (!w->spinning && 2 * load_seq(&trix_sched.spinning) < trix_sched.nprocs - load_seq(&trix_sched.nidle)) {
        w->spinning = true;
        fetch_add_seq(&trix_sched.spinning, 1);
    }
    g = steal(w);
    return g || !w->spinning ? g : look_a_while(t, w);
}

/* It has found something: others may have to look now. */
static void stop_spinning(struct worker *w) {
    if (!w->spinning) return;
    w->spinning = false;
    if (fetch_sub_seq(&trix_sched.spinning, 1) == 1) sched_help_maybe(w->proc);
}

/* Waits until the goroutine may be taken; after a while puts it back and looks for another one. */
static bool take_patiently(struct g *g) {
    for (int i = 0; i < SAVED_SPINS; i++) {
        if (take(g)) return true;
        cpu_relax();
    }
    trix_global_push(&g, 1);
    trix_os_yield();
    return false;
}

void trix_schedule(struct thread *t) {
    struct worker *w = worker_of(t);
    for (;;) {
        struct g *g = w->chosen;
        w->chosen = NULL;
        /* Each time round: a stop waits for threads to leave the gate, and what this one looks for may wait for the stop. */
        if (UNLIKELY(load_relaxed(&t->cache.gate.pending))) {
            gate_leave(&t->cache.gate);
            gate_enter();
        }
        DEBUG_CHECK(!w->proc || w->proc->worker == w, "a processor has two owners");
        if (UNLIKELY(w->proc && w->proc->id >= load_relaxed(&trix_sched.nprocs))) trix_proc_retire(w);
        if (UNLIKELY(!w->proc)) {
            if (g) trix_global_push(&g, 1);
            if (!trix_proc_acquire(w)) trix_worker_idle(w);
            continue;
        }
        if (!g) g = find(t, w);
        if (!g) {
            trix_worker_idle(w);
            continue;
        }
        stop_spinning(w);
        if (take_patiently(g)) switch_from_system(t, w, g);
    }
}
