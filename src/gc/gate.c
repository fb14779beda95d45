/* gate.c - the collector's half of heap/gate.h: what a thread does when it leaves the library with something pending,
 * and when it has claimed memory. */
#include "../heap/gate.h"
#include "barrier.h"
#include "gc.h"
#include "life.h"
#include "limit.h"
#include "sweep.h"
#include "thread.h"
#include "../heap/object.h"
#include "../base/fmt.h"
#include "../base/wipe.h"
#include "../os/os.h"
#include "../os/races.h"

enum { REPORT_BYTES = 16 << 10, BIG_FREE_BYTES = 1 << 20 };

/* ---- entering ---- */

enum { HANDLER_PATIENCE_NS = 1000 * 1000 * 1000 };

uint32_t trix_gate_closed;

/* A handler may have interrupted malloc, and the fork waits for malloc's locks: then nothing is copied until the handler
 * returns, and it must not wait for the copy. (A fork lets handlers end before it closes the gate, but not for ever.) */
void trix_gate_sleep_while_closed(struct thread *t) {
    if (LIKELY(!load_seq(&trix_gate_closed))) return;
    uint64_t patience = trix_in_handler(t) ? HANDLER_PATIENCE_NS : 0, from = trix_os_now();
    while (load_seq(&trix_gate_closed)) {
        if (patience && trix_os_now() - from >= patience) return;
        trix_os_futex_wait(&trix_gate_closed, 1, patience);
    }
}

NOINLINE void trix_gate_await_open(struct gate *g) {
    g->inside = 0;
    signal_fence();
    if (load_relaxed(&g->pending)) trix_gate_serve(g);
    trix_gate_sleep_while_closed((struct thread *)g);
    signal_fence();
    g->inside = 1;
    signal_fence();
}

/* ---- leaving ---- */

/* Lets the signals in that were put off while the thread was inside: the kernel delivers them on return. */
static void let_signals_in(struct thread *t) {
    uint64_t deferred = t->deferred;
    if (!deferred) return;
    t->deferred = 0;
    trix_os_sigmask(SIG_UNBLOCK, deferred);
}

static NOINLINE void serve(struct gate *g) {
    struct thread *t = (struct thread *)g;
    /* Inside meanwhile: a second stop signal must not scan into the buffers and locks that this scan holds, and no
     * handler of the program may run while the world is stopped. */
    do {
        g->inside++;
        signal_fence();
        store_relaxed(&g->pending, 0);
        signal_fence();
        if (load_seq(&trix_threads.stopping) || load_seq(&t->ask_scan))
            trix_thread_serve(t, THREAD_SPILL(), (struct range){0});
        signal_fence();
        g->inside--;
        signal_fence();
    } while (load_relaxed(&g->pending));
    let_signals_in(t);
}

NOINLINE void trix_gate_serve(struct gate *g) {
    serve(g);
    trix_stack_wipe();
}

/* The stack is scanned while the object is in `kept` only, which is wiped. */
NOINLINE void *trix_gate_serve_with(struct gate *g, void *object) {
    void *volatile kept = object;
    trix_gate_serve(g);
    object = kept;
    kept = NULL;
    return object;
}

NOINLINE void trix_gate_pass(struct gate *g) {
    gate_leave(g);
    gate_enter();
}

/* Sleeps on a futex outside the gate, from whatever depth; no locks may be held. */
void trix_gate_wait(struct thread *t, const uint32_t *word, uint32_t seen, uint64_t timeout_ns) {
    struct gate *g = &t->cache.gate;
    uint32_t depth = g->inside;
    g->inside = 0;
    signal_fence();
    if (load_relaxed(&g->pending)) trix_gate_serve(g);
    thread_block(t, THREAD_SPILL());
    trix_os_futex_wait(word, seen, timeout_ns);
    thread_unblock(t);
    signal_fence();
    g->inside = 1;
    signal_fence();
    if (UNLIKELY(load_relaxed(&trix_gate_closed))) trix_gate_await_open(g);
    g->inside = depth;
}

void trix_gate_blocking(struct gate *g, void (*work)(void *, size_t), void *at, size_t bytes) {
    struct thread *t = (struct thread *)g;
    thread_block(t, THREAD_SPILL());
    work(at, bytes);
    thread_unblock(t);
    trix_gate_sleep_while_closed(t);
}

void trix_thread_aside(void (*work)(void *), void *arg) {
    struct thread *t = thread_self();
    bool stands = t && load_relaxed(&t->state) == THREAD_RUNNING;
    if (stands) thread_block(t, THREAD_SPILL());
    work(arg);
    if (!stands) return;
    thread_unblock(t);
    if (t->cache.gate.inside) trix_gate_sleep_while_closed(t);
}

/* ---- claiming ---- */

static void start_cycle(struct thread *t) {
    if (trix_onestop(t) != ONESTOP_NO || load_relaxed(&trix_gc.triggered)) return;
    store_relaxed(&trix_gc.triggered, 1);
    trix_collector_call();
}

/* With the old goal, a block of 1 GiB that a cycle has found and that has been freed since would leave room for 2 GiB of garbage. */
static COLD void much_is_free(int64_t live) {
    lock_acquire(&trix_gc.lock);
    trix_pacer_freed(&trix_gc.pacer, live > 0 ? (uint64_t)live : 0);
    trix_gc_repace();
    lock_release(&trix_gc.lock);
    trix_collector_call(); /* there is something to give back */
}

/* Before the trigger the thread sweeps what it owes; past it a small heap is collected on the spot, else the collector is told;
 * past the goal the thread makes room for it on the processor. */
static void flush_report(struct thread *t) {
    store_relaxed(&t->cpu, trix_os_cpu());
    int64_t live = fetch_add_relaxed(&trix_gc.live, t->cache.unreported) + t->cache.unreported;
    if (t->cache.unreported <= -BIG_FREE_BYTES) much_is_free(live);
    t->cache.unreported = 0;
    trix_limit_look();
    if (gate_marking()) return;
    trix_sweep_pay(&t->cache.gate, live);
    if (live < (int64_t)min_u64(load_relaxed(&trix_gc.trigger), INT64_MAX)) return;
    start_cycle(t);
    if (trix_collector_running() && trix_await_cycle(t)) start_cycle(t);
}

/* Sees to it that there is a collector; false: there are no threads to be had. */
static bool collector_ready(struct thread *t) {
    return LIKELY(trix_collector_running()) || trix_in_handler(t) || trix_collector_start() || trix_collector_running();
}

void trix_gate_expect(struct gate *g, uint64_t bytes) {
    if (bytes >= REPORT_BYTES) collector_ready((struct thread *)g);
}

void trix_gate_account(struct gate *g, int64_t bytes) {
    struct thread *t = (struct thread *)g;
    t->cache.unreported += bytes;
    if (LIKELY(t->cache.unreported > -REPORT_BYTES && t->cache.unreported < REPORT_BYTES)) return;
    bool alone = !collector_ready(t);
    flush_report(t);
    if (UNLIKELY(alone) && gc_past_trigger() && !gate_marking()) trix_gc_run(t); /* there are no threads to be had */
}

/* Or a program whose work is done by many threads, each with little of it, would never collect. */
void trix_thread_report(struct thread *t) {
    struct gate *g = gate_enter();
    bool much = t->cache.unreported && load_relaxed(&trix_gc.live) >= REPORT_BYTES;
    if (much && !trix_collector_running() && !races_thread_over()) trix_collector_start();
    if (t->cache.unreported) flush_report(t);
    gate_leave(g);
}

void trix_gate_assist(struct gate *g, int64_t bytes) {
    struct thread *t = (struct thread *)g;
    t->cache.assist_credit -= bytes;
    trix_assist(t);
}

void trix_gate_account_at_once(struct gate *g, int64_t bytes) {
    trix_gate_account(g, bytes);
    if (gate_marking()) trix_gate_assist(g, bytes);
}

bool trix_gate_sweep_some(void) { return trix_sweep_some(); }
bool trix_gate_sweep_for_room(void) { return trix_sweep_for_room(); }
void trix_gate_sweep_span(uint32_t page) { trix_sweep_span(page); }

/* ---- looking ---- */

bool trix_gate_slot_in_run(uint32_t page, unsigned layout, unsigned slot) {
    bool found = false;
    lock_acquire(&trix_threads.list_lock);
    for (struct thread *t = trix_threads.first; t && !found; t = t->next)
        found = trix_cache_holds(&t->cache, page, layout, slot);
    lock_release(&trix_threads.list_lock);
    return found;
}

trix_sample_hook *trix_gc_sample_hook;

void trix_gate_sample(void *object, size_t bytes) {
    trix_sample_hook *hook = load_acquire(&trix_gc_sample_hook);
    if (hook) hook(object, bytes);
}

bool trix_gate_has_specials(const struct object *o) { return trix_life_has_specials(o); }

/* ---- exhaustion ---- */

static void (*oom_handler)(size_t);

/* Outside, and as a plain thread: a goroutine that waited in it could go on on another one, with an allocation begun on this. */
static void call_oom_handler(struct thread *t, void (*handler)(size_t), size_t bytes) {
    uint32_t depth = t->cache.gate.inside;
    struct worker *worker = t->worker;
    t->worker = NULL;
    t->cache.gate.inside = 0;
    handler(bytes);
    t->cache.gate.inside = depth;
    t->worker = worker;
}

/* First a cycle, for the garbage there may be; then the program's handler, and another cycle for what it has dropped; then the end. */
COLD bool trix_gate_exhausted(struct gate *g, size_t bytes, int attempt) {
    struct thread *t = (struct thread *)g;
    if (attempt == 0) {
        trix_gc_run(t);
        return true;
    }
    void (*handler)(size_t) = load_acquire(&oom_handler);
    if (attempt == 1 && handler) {
        call_oom_handler(t, handler, bytes);
        trix_gc_run(t);
        return true;
    }
    trix_print(2, "runtime: out of memory: cannot allocate %zu-byte block (%ld in use)\n", bytes,
               load_relaxed(&trix_gc.live));
    return false;
}

EXPORT void tri_set_oom_handler(void (*handler)(size_t)) { store_release(&oom_handler, handler); }
