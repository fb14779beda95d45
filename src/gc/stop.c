/* stop.c - stopping threads, one or all: see thread.h.
 *
 * The collector never waits for a thread that is blocked in the kernel, and a thread that runs is told by a signal, so
 * a loop without calls stops like any other.
 *
 * Asking. First by a word that each looks at when it leaves the library; who has not stopped after 3 µs gets a signal. (So
 * nothing that runs in the stop signal's own handler may pass the door: what it has interrupted would not be scanned.)
 *
 * Waiting. A thread that runs on another processor answers within some 20 µs, and whoever sleeps meanwhile takes longer to wake
 * up; but a thread that was preempted on our own answers only when we sleep. Each notes where it runs
 * now and then, so the stopper spins for the former, a little, and sleeps for the latter. It is woken when the last one on its own
 * processor has stopped, or the last of all, and by no other: on the way each wake-up would cost a switch there and back. A stopped
 * thread spins, instead of going to sleep, only when it is alone on its processor.
 */
#include "barrier.h"
#include "gc.h"
#include "modules.h"
#include "thread.h"
#include "../base/fmt.h"
#include "../heap/gate.h"
#include "../os/os.h"
#include "../os/races.h"

#include <errno.h>
#include <signal.h>

struct pause_figures trix_pauses[2];

struct threads trix_threads = {.lock = LOCK_INIT(THREADS), .list_lock = LOCK_INIT(THREAD_LIST)};

enum {
    REMIND_NS = 10 * 1000 * 1000,
    NAME_NS = 1000 * 1000 * 1000,  /* until a thread that blocks the signal is named */
    SILENT_S = 30,                 /* until one is that does not: on an overloaded machine a second is soon over */
    SPIN_NS = 40 * 1000, /* the stopper, for threads on other processors; and a stopped thread, for the end of the stop */
    NOTICE_NS = 3 * 1000, /* the stopper, before it sends signals */
    SPINS = 16           /* between two looks at the clock */
};

/* ---- the thread's side ---- */

void trix_thread_left(const struct thread *t) {
    if (load_seq(&t->ask_scan)) trix_event_post();
    if (!load_seq(&trix_threads.stopping)) return;
    uint32_t left = fetch_add_seq(&trix_threads.left, 1) + 1;
    bool here = trix_os_cpu() == load_relaxed(&trix_threads.stopper_cpu) && load_seq(&trix_threads.left_here) > 0;
    bool last_here = here && fetch_sub_seq(&trix_threads.left_here, 1) == 1;
    if (last_here || left == load_seq(&trix_threads.left_enough)) trix_os_futex_wake(&trix_threads.left, 1);
}

static bool spin_while_stopping(void) {
    for (uint64_t until = trix_os_now() + SPIN_NS; trix_os_now() < until;)
        for (int i = 0; i < SPINS; i++) {
            if (!load_relaxed(&trix_threads.stopping)) return false;
            cpu_relax();
        }
    return true;
}

static void park_while_stopping(const struct thread *t) {
    if (load_relaxed(&t->spins) && !spin_while_stopping()) return;
    while (load_seq(&trix_threads.stopping)) {
        uint32_t seen = load_seq(&trix_threads.resumes);
        if (load_seq(&trix_threads.stopping)) trix_os_futex_wait(&trix_threads.resumes, seen, 0);
    }
}

static void serve_scan(struct thread *t) {
    trix_shade_own_roots(t);
    store_seq(&t->ask_scan, 0);
    trix_event_post();
}

/* The thread was counted as standing still, and may be stopped, held and scanned in place right now: comes back RUNNING
 * when nobody has a hand on it. Before that it must not even scan itself. */
static void rejoin(struct thread *t, enum thread_state away) {
    for (;;) {
        store_seq(&t->state, THREAD_RUNNING);
        bool stopping = load_seq(&trix_threads.stopping), held = load_seq(&t->hold);
        if (!stopping && !held) return;
        store_seq(&t->state, away);
        trix_thread_left(t);
        if (stopping) park_while_stopping(t);
        else trix_os_futex_wait(&t->hold, 1, 0);
    }
}

void trix_thread_serve(struct thread *t, uintptr_t sp, struct range frames) {
    uintptr_t outer_sp = t->sp; /* the signal may have interrupted thread_block */
    t->sp = sp;
    t->frames = frames;
    for (;;) {
        if (load_seq(&t->ask_scan)) serve_scan(t);
        if (!load_seq(&trix_threads.stopping)) break;
        store_seq(&t->state, THREAD_STOPPED);
        trix_thread_left(t);
        park_while_stopping(t);
        rejoin(t, THREAD_STOPPED);
        store_relaxed(&t->cpu, trix_os_cpu());
    }
    t->frames = (struct range){0};
    t->sp = outer_sp;
}

void trix_thread_unblock_slow(struct thread *t) {
    rejoin(t, THREAD_BLOCKED);
    trix_gate_sleep_while_closed(t);
    if (load_seq(&t->ask_scan)) trix_gate_serve(&t->cache.gate);
}

void trix_lock_blocking(struct lock *lock) {
    struct thread *t = thread_self();
    if (lock_try(lock)) return;
    if (!t || t->cache.gate.inside || load_relaxed(&t->state) == THREAD_BLOCKED) {
        lock_acquire(lock);
        return;
    }
    thread_block(t, THREAD_SPILL());
    lock_acquire(lock);
    thread_unblock(t);
}

/* ---- the signal ---- */

bool trix_on_altstack(const struct thread *t, uintptr_t sp) {
    return sp - (uintptr_t)t->altstack < ALTSTACK_BYTES ||
           (sp >= t->program_altstack.lo && sp < t->program_altstack.hi);
}

uint32_t trix_handlers_held;

static bool is_in_handler(const struct thread *t, uintptr_t here) {
    uintptr_t frame = t->handler_frame;
    if (!frame || trix_on_altstack(t, here)) return frame != 0;
    return !trix_on_altstack(t, frame) && here < frame; /* else it has been left by siglongjmp */
}

bool trix_in_handler(const struct thread *t) { return is_in_handler(t, (uintptr_t)__builtin_frame_address(0)); }
bool trix_in_handler_at(const struct thread *t, uintptr_t sp) { return is_in_handler(t, sp); }

bool trix_handlers_running(void) {
    for (struct thread *t = trix_threads.first; t; t = t->next)
        if (t != thread_self() && is_in_handler(t, t->frames.lo ? t->frames.lo : t->sp)) return true;
    return false;
}

/* The context itself lies above the handler's frame at sp, on that stack; when that is another one than the interrupted, so
 * does all that counts of the handlers in between, and the interrupted stack is scanned from where it stood. */
static struct range interrupted_frames(uintptr_t sp, const void *context) {
    uintptr_t interrupted = trix_os_context_sp(context) - OS_RED_ZONE;
    bool same = sp < interrupted && interrupted - sp < ALTSTACK_BYTES / 2;
    return (struct range){.lo = same ? 0 : interrupted};
}

void trix_stop_signal(struct thread *t, void *context) {
    if (!load_seq(&trix_threads.stopping) && !load_seq(&t->ask_scan)) return;
    if (load_seq(&trix_threads.stopping) && load_relaxed(&trix_threads.stopper) == t) return; /* the scheduler has sent it, to take a processor */
    if (load_seq(&trix_gate_closed)) return; /* it is just coming back, and will look itself */
    trix_modules_rewind(context);
    if (t->cache.gate.inside || races_inside(trix_os_context_pc(context))) { /* soon it looks itself, or is reminded */
        store_relaxed(&t->cache.gate.pending, 1);
        return;
    }
    if (load_seq(&t->state) != THREAD_RUNNING) return; /* blocked: it is dealt with in place */
    uintptr_t sp = (uintptr_t)__builtin_frame_address(0);
    trix_thread_serve(t, sp, interrupted_frames(sp, context));
}

void (*trix_preempt_hook)(struct thread *t, void *context);

void trix_stop_pause(struct thread *t, const void *context, const uint32_t *word, uint64_t look_ns) {
    uintptr_t outer_sp = t->sp, sp = (uintptr_t)__builtin_frame_address(0);
    t->frames = interrupted_frames(sp, context);
    thread_block(t, sp);
    while (!load_acquire(word) && !load_seq(&trix_gate_closed)) trix_os_futex_wait(word, 0, look_ns);
    rejoin(t, THREAD_BLOCKED);
    if (load_seq(&t->ask_scan)) serve_scan(t);
    t->frames = (struct range){0};
    t->sp = outer_sp;
}

/* ---- the collector's side ---- */

/* A thread that has ended without detaching (it used the heap in its very last destructor) counts as blocked for ever. */
static void signal_thread(struct thread *t) {
    t->signalled = trix_os_now();
    if (trix_os_tgkill(t->tid, STOP_SIGNAL) == ESRCH) trix_thread_gone(t);
}

void trix_thread_ask_scan(struct thread *t) {
    t->asked_since = 0;
    store_seq(&t->ask_scan, 1);
    if (load_seq(&t->state) == THREAD_RUNNING) signal_thread(t);
}

/* What the kernel says of the thread decides: that it has not run yet is no reason to complain of it. */
static void name_silent(struct thread *t, uint64_t waited) {
    bool blocks = trix_os_blocks_signal(t->tid, STOP_SIGNAL);
    if (!blocks && waited < SILENT_S * (uint64_t)NAME_NS) return;
    t->named = true;
    trix_print(2, "tricolor: thread %lu (tid %d) does not answer the collector's signal %d; %s\n", t->id, t->tid, STOP_SIGNAL,
               blocks ? "does it block all signals by a raw system call?" : "it does not block it; has it been stopped from outside?");
}

void trix_thread_remind(struct thread *t) {
    uint64_t now = trix_os_now();
    if (load_seq(&t->state) != THREAD_RUNNING || now - t->signalled < REMIND_NS) return;
    if (!t->asked_since) t->asked_since = now; /* `signalled` may be of an earlier stop: it was blocked until now */
    if (now - t->asked_since > NAME_NS && !t->named) name_silent(t, now - t->asked_since);
    signal_thread(t);
}

bool trix_thread_hold(struct thread *t) {
    store_seq(&t->hold, 1);
    if (load_seq(&t->state) != THREAD_RUNNING) return true;
    trix_thread_release(t);
    return false;
}

void trix_thread_release(struct thread *t) {
    store_seq(&t->hold, 0);
    trix_os_futex_wake(&t->hold, 1);
}

/* Attached threads that still run: all, and those on our processor. */
struct running {
    uint32_t all, here;
};

static struct running still_running(const struct thread *self, bool remind) {
    struct running r = {0};
    uint32_t here = load_relaxed(&trix_threads.stopper_cpu);
    for (struct thread *t = trix_threads.first; t; t = t->next) {
        if (t == self || load_seq(&t->state) != THREAD_RUNNING) continue;
        r.all++;
        r.here += load_relaxed(&t->cpu) == here;
        if (remind) trix_thread_remind(t);
    }
    return r;
}

/* For threads on other processors; false when some still run after so long. */
static bool spin_for(const struct thread *self, uint64_t ns) {
    for (uint64_t until = trix_os_now() + ns; trix_os_now() < until;)
        for (int i = 0; i < SPINS; i++) {
            if (!still_running(self, false).all) return true;
            cpu_relax();
        }
    return false;
}

/* Sleeps until so many have ceased to run since `left` was read; or the last one here has. */
static void sleep_for(uint32_t left, struct running r) {
    store_seq(&trix_threads.left_here, (int32_t)r.here);
    store_seq(&trix_threads.left_enough, left + r.all);
    trix_os_futex_wait(&trix_threads.left, left, REMIND_NS); /* not if one has since: it did not know that it would be waited for */
    store_seq(&trix_threads.left_here, 0);
    store_seq(&trix_threads.left_enough, left);
}

static void await_all(const struct thread *self) {
    for (bool spun = false;;) {
        uint32_t left = load_seq(&trix_threads.left);
        struct running r = still_running(self, true);
        if (!r.all) return;
        if (r.here || spun) sleep_for(left, r);
        else if (spin_for(self, SPIN_NS)) return;
        else spun = true;
    }
}

/* Who is alone on its processor may spin when it has stopped. Processors go by their numbers modulo 64. */
static void decide_spins(const struct thread *self) {
    uint64_t taken = 1ull << load_relaxed(&trix_threads.stopper_cpu) % 64, shared = 0;
    for (struct thread *t = trix_threads.first; t; t = t->next) {
        if (t == self || load_seq(&t->state) != THREAD_RUNNING) continue;
        uint64_t bit = 1ull << load_relaxed(&t->cpu) % 64;
        shared |= taken & bit;
        taken |= bit;
    }
    for (struct thread *t = trix_threads.first; t; t = t->next)
        store_relaxed(&t->spins, load_seq(&t->state) == THREAD_RUNNING && !(shared >> load_relaxed(&t->cpu) % 64 & 1));
}

/* No handler of the program may run on a thread that holds the threads' lock: it could wait for a collection, or for the
 * stop itself. */
static uint64_t hold_signals_off(void) { return trix_os_sigmask(SIG_BLOCK, ~(1ull << (STOP_SIGNAL - 1))); }

/* A thread that allocates passes the door every moment: seeing there that it is wanted, it stops sooner than a signal reaches another
 * processor, and at a tenth of the cost. True: all have. */
static bool have_noticed(const struct thread *self) {
    for (struct thread *t = trix_threads.first; t; t = t->next)
        if (t != self && load_seq(&t->state) == THREAD_RUNNING) store_relaxed(&t->cache.gate.pending, 1);
    struct running r = still_running(self, false);
    return !r.all || (!r.here && spin_for(self, NOTICE_NS));
}

/* Threads' lock. */
static void stop_all(struct thread *self, bool scan) {
    store_relaxed(&trix_threads.stopper, self);
    store_relaxed(&trix_threads.stopper_cpu, trix_os_cpu());
    decide_spins(self);
    store_seq(&trix_threads.stopping, 1);
    for (struct thread *t = trix_threads.first; t; t = t->next) {
        if (scan) store_seq(&t->ask_scan, 1); /* the calling thread too, which drives the cycle: to be scanned in place */
        t->asked_since = 0;
    }
    if (have_noticed(self)) return;
    for (struct thread *t = trix_threads.first; t; t = t->next)
        if (t != self && load_seq(&t->state) == THREAD_RUNNING) signal_thread(t);
    await_all(self);
}

void trix_world_stop(bool scan) {
    struct thread *self = thread_self();
    uint64_t mask = self ? hold_signals_off() : 0;
    trix_lock_blocking(&trix_threads.lock);
    if (self) self->stop_mask = mask;
    stop_all(self, scan);
}

bool trix_world_try_stop(void) {
    struct thread *self = thread_self();
    uint64_t mask = hold_signals_off();
    if (!lock_try(&trix_threads.lock)) {
        trix_os_sigmask(SIG_SETMASK, mask);
        return false;
    }
    self->stop_mask = mask;
    stop_all(self, false);
    return true;
}

void trix_world_go(void) {
    store_seq(&trix_threads.stopping, 0);
    fetch_add_seq(&trix_threads.resumes, 1);
    trix_os_futex_wake(&trix_threads.resumes, INT32_MAX);
}

void trix_world_close(void) {
    thread_self()->cache.gate.inside++;
    store_seq(&trix_gate_closed, 1);
    trix_world_go();
}

void trix_world_open(void) {
    struct thread *self = thread_self();
    store_seq(&trix_gate_closed, 0);
    trix_os_futex_wake(&trix_gate_closed, INT32_MAX);
    fetch_sub_seq(&trix_handlers_held, 1);
    for (struct thread *t = trix_threads.first; t; t = t->next) /* whoever has put off a handler lets it in */
        if (t != self && load_relaxed(&t->deferred)) signal_thread(t);
    lock_release(&trix_threads.lock);
    gate_leave(&self->cache.gate);
    trix_os_sigmask(SIG_SETMASK, self->stop_mask);
}

void trix_world_resume(void) {
    trix_world_go();
    trix_world_release();
}

void trix_world_release(void) {
    struct thread *self = thread_self();
    lock_release(&trix_threads.lock);
    if (self) trix_os_sigmask(SIG_SETMASK, self->stop_mask);
}
