/* go.c - the public calls of goroutines. */
#include "sched.h"
#include "goroutines.h"
#include "preempt.h"
#include "timers.h"
#include "defer.h"
#include "../gc/gc.h"
#include "../gc/kept.h"
#include "../os/os.h"
#include "../../include/tricolor/go.h"

#include <stdlib.h>

int trix_set_procs(int n);

INLINE uintptr_t caller_of(void *return_address) { return (uintptr_t)__builtin_extract_return_addr(return_address); }

EXPORT void tri_go(void (*fn)(void *), void *arg) {
    if (UNLIKELY(!fn)) trix_fatal("go of nil func value");
    trix_sched_start();
    struct thread *t = sched_enter();
    trix_spawn(t, fn, arg, caller_of(__builtin_return_address(0)));
    preempt_here_maybe(t);
    sched_leave(t);
}

EXPORT NOINLINE void tri_yield(void) {
    struct thread *t = sched_enter();
    sched_leave(trix_yield(t));
}

EXPORT void tri_goexit(void) { trix_goexit(); }

EXPORT int tri_num_goroutine(void) { return (int)trix_goroutines_count(); }

EXPORT uint64_t tri_goroutine_id(void) {
    struct thread *t = sched_enter();
    struct worker *w = worker_of(t);
    uint64_t id = w && w->g ? w->g->id : 0;
    sched_leave(t);
    return id;
}

EXPORT int tri_gomaxprocs(int n) {
    trix_sched_start();
    struct thread *t = sched_enter();
    int old = trix_set_procs(n);
    sched_leave(t);
    return old;
}

EXPORT size_t tri_set_max_stack(size_t bytes) {
    struct thread *t = sched_enter();
    size_t old;
    bool changed = trix_stacks_set_max(bytes, &old);
    sched_leave(t);
    if (changed) trix_scan_give_back();
    return old;
}

/* ---- the main goroutine ---- */

struct run {
    void (*fn)(void *);
    void *arg;
    struct g *caller; /* the thread that waits */
};

static void run_main(void *arg) {
    struct run *r = arg;
    void *own = r->arg;
    r->arg = NULL;
    r->fn(own);
    struct thread *t = sched_enter();
    trix_ready(t, r->caller);
    sched_leave(t);
}

EXPORT int tri_run(void (*fn)(void *), void *arg) {
    if (!fn) trix_misuse("tri_run", "the function is NULL; pass the first goroutine's");
    trix_sched_start();
    struct thread *t = sched_enter();
    if (worker_of(t)) trix_misuse("tri_run", "called from a goroutine; use tri_go");
    struct run r = {fn, arg, trix_own_g(t)}; /* on this stack, which is scanned as long as it waits here */
    trix_spawn(t, run_main, &r, caller_of(__builtin_return_address(0)));
    sched_leave(trix_park(t, WAIT_NONE));
    return 0;
}

struct main_call {
    int (*entry)(int, char **);
    int argc, result;
    char **argv;
};

static void call_main(void *arg) {
    struct main_call *m = arg;
    m->result = m->entry(m->argc, m->argv);
    exit(m->result); /* here, so that nothing of the other goroutines runs on in between */
}

EXPORT int tri__run_main(int (*entry)(int, char **), int argc, char **argv) {
    struct main_call m = {entry, argc, 0, argv};
    tri_run(call_main, &m);
    return m.result;
}

/* ---- sleeping ---- */

static void sleep_over(struct thread *t, struct timer *timer, uint64_t now) {
    (void)now;
    trix_ready(t, timer->arg);
}

EXPORT NOINLINE void tri_sleep(int64_t ns) {
    if (ns <= 0) {
        tri_yield();
        return;
    }
    trix_sched_start();
    struct thread *t = sched_enter();
    struct timer timer = {.fire = sleep_over, .arg = sched_self(t)};
    sched_waits_on(timer.arg, &timer);
    trix_timer_add(t, &timer, trix_os_now() + (uint64_t)ns);
    sched_leave(trix_park(t, WAIT_SLEEP));
}
