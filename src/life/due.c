/* due.c - what has become due, first in first out, and the one thread that runs it.
 *
 * Sweeping only queues. The thread is an ordinary attached one of the library's own, with all signals blocked but the CPU profile's, made when
 * the first finalizer, cleanup or handle is; it runs the program's functions outside the gate, one after the other, so a
 * function that waits holds up those behind it but never the collector.
 *
 * At exit it takes nothing more, and exit waits a little for the function under way: what is still due is not run, as
 * in Go. In the child of a fork a new thread is made when there is something to run; what was due in the parent is due in
 * the child too, but for the function that was under way.
 *
 *   I1  What is due is a root until it is taken, then a local of the thread.
 */
#include "due.h"
#include "../host/host.h"
#include "../os/os.h"
#include "../os/races.h"
#include "../sched/told.h"

#include <signal.h>
#include <stdlib.h>

enum { EXIT_WAIT_MS = 100 };
enum { THREAD_NONE, THREAD_STARTING, THREAD_THERE };

static struct {
    struct lock lock;
    struct special *first, *last; /* lock */
    uint32_t posted;   /* futex: rises when something was added; seq_cst */
    uint32_t added;    /* something was, and nobody has been told; relaxed */
    uint32_t thread;   /* THREAD_…; seq_cst */
    uint32_t running;  /* a function of the program is under way; seq_cst */
    uint32_t stopping; /* the program ends; seq_cst */
} due = {.lock = LOCK_INIT(DUE)};

struct due_counts trix_due_counts;
static TLS bool is_due_thread;

/* ---- the queue ---- */

static uint64_t *count_of(const struct special *s, bool run) {
    struct due_counts *c = &trix_due_counts;
    switch (s->kind) {
    case SPECIAL_FINALIZER: return run ? &c->finalizers_run : &c->finalizers_queued;
    case SPECIAL_CLEANUP: return run ? &c->cleanups_run : &c->cleanups_queued;
    default: return run ? &c->handles_run : &c->handles_queued;
    }
}

void trix_due_add(struct special *s) {
    s->next = NULL;
    lock_acquire(&due.lock);
    if (due.last) due.last->next = s;
    else due.first = s;
    due.last = s;
    lock_release(&due.lock);
    fetch_add_relaxed(count_of(s, false), 1);
    store_relaxed(&due.added, 1);
}

/* The word that keeps alive what the call needs. */
static uintptr_t argument_of(const struct special *s) {
    return s->kind == SPECIAL_CLEANUP ? (uintptr_t)s->call.arg : s->object;
}

void trix_due_mark(struct marker *m) {
    lock_acquire(&due.lock);
    for (struct special *s = due.first; s; s = s->next) trix_marker_shade(m, argument_of(s));
    lock_release(&due.lock);
}

static struct special *due_take(struct thread *t) {
    lock_acquire(&due.lock);
    struct special *s = due.first;
    if (s) {
        due.first = s->next;
        if (!s->next) due.last = NULL;
    }
    lock_release(&due.lock);
    if (s && gate_marking()) trix_shade(t, argument_of(s), 0);
    return s;
}

/* ---- the thread ---- */

struct call {
    void (*fn)(void *);
    void *arg;
};

/* The next call to make; false when there is none. */
static bool next_call(struct call *call) {
    struct thread *t = (struct thread *)gate_enter();
    struct special *s = load_seq(&due.stopping) ? NULL : due_take(t);
    if (s) {
        *call = (struct call){s->call.fn, (void *)argument_of(s)};
        fetch_add_relaxed(count_of(s, true), 1);
        trix_special_free(s);
    }
    gate_leave(&t->cache.gate);
    return s != NULL;
}

static void wait_for_more(uint32_t seen) {
    struct thread *t = (struct thread *)gate_enter();
    trix_gate_wait(t, &due.posted, seen, 0);
    gate_leave(&t->cache.gate);
}

static void thread_ends(void *unused);

static void run_all(void) {
    for (;;) {
        struct call call;
        uint32_t seen = load_seq(&due.posted);
        store_seq(&due.running, 1); /* before it looks whether the program ends */
        while (next_call(&call)) {
            races_after_all();
            call.fn(call.arg);
        }
        call = (struct call){0};
        __asm__ volatile("" : : "r"(&call) : "memory"); /* no pointer to the last object stays in the frame */
        store_seq(&due.running, 0);
        wait_for_more(seen);
    }
}

static void *due_main(void *unused) {
    is_due_thread = true;
    trix_os_name_thread("tricolor-final");
    trix_thread_attach();
    trix_os_sigmask(SIG_UNBLOCK, 1ull << (SIGPROF - 1)); /* the program's functions are in its CPU profile */
    pthread_cleanup_push(thread_ends, NULL);
    run_all();
    pthread_cleanup_pop(0);
    return unused;
}

static void at_exit(void) {
    store_seq(&due.stopping, 1);
    if (is_due_thread) return;
    BLOCKING(b);
    for (int ms = 0; ms < EXIT_WAIT_MS && load_seq(&due.running); ms++) trix_os_sleep(1000 * 1000);
}

static void start_thread(void) {
    static uint32_t registered;
    uint32_t expected = THREAD_NONE;
    if (load_seq(&due.stopping) || !cas_seq(&due.thread, &expected, THREAD_STARTING)) return;
    if (!swap_seq(&registered, 1)) atexit(at_exit);
    store_seq(&due.thread, trix_told_thread(due_main, NULL) ? THREAD_THERE : THREAD_NONE);
}

/* A function of the program has ended the thread: another one takes over what is left, which nobody else may notice. */
static void thread_ends(void *unused) {
    (void)unused;
    store_seq(&due.running, 0);
    store_seq(&due.thread, THREAD_NONE);
    if (load_relaxed(&due.first)) start_thread();
}

void trix_due_start(struct thread *t) {
    if (LIKELY(load_relaxed(&due.thread) != THREAD_NONE) || trix_in_handler(t)) return;
    start_thread();
}

void trix_due_wake(void) {
    bool orphaned = load_relaxed(&due.first) && load_seq(&due.thread) == THREAD_NONE;
    if (!load_relaxed(&due.added) && !orphaned) return;
    store_relaxed(&due.added, 0);
    fetch_add_seq(&due.posted, 1);
    trix_os_futex_wake(&due.posted, 1);
    struct thread *t = thread_self();
    if (!t || !trix_in_handler(t)) start_thread();
}

/* ---- fork ---- */

static void after_in_child(void) {
    lock_reset(&due.lock);
    due.thread = is_due_thread ? THREAD_THERE : THREAD_NONE;
    due.running = is_due_thread;
}

void trix_due_init(void) { pthread_atfork(NULL, NULL, after_in_child); }
