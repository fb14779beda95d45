/* mixture.c - goroutines and threads that make, hand on, hold and drop boxes (box.h) by every way the library has: channels, select
 * with timeouts, locks, timers, contexts, deferred calls and panics, deep stacks, arguments of goroutines and threads. Everything that
 * is received is checked. torture.c tests the heap alone; here all the library is at work at once.
 *
 *     mixture [--steps N | --seconds N] [--goroutines N] [--seed N] [--forks 0] [--signals 0]
 *
 * Ends when every goroutine has made its steps, or the time is over; then all is dropped, and what was attached to it must have run.
 */
#include "box.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

enum { CHANNELS = 8, SHELVES = 16, MS = 1000000 };

static struct {
    unsigned steps, seconds, goroutines, forks, signals;
    uint64_t seed;
} options = {400, 0, 24, 1, 1, 1};
static bool time_is_over; /* atomic */

/* Plain C keeps pointers in globals. */
static tri_chan *channel[CHANNELS]; /* of box *; some unbuffered */
static tri_chan *stop;              /* closed at the end */
static tri_waitgroup workers, errands;

/* ---- shelves: boxes under a lock ---- */

struct shelf {
    tri_rwmutex lock;
    box *held;
};
static struct shelf shelves[SHELVES];

static box *shelf_swap(struct shelf *s, box *b) {
    tri_rwmutex_lock(&s->lock);
    box *old = s->held;
    s->held = b;
    tri_rwmutex_unlock(&s->lock);
    return old;
}

/* Readers share a box: only kinds whose check changes nothing may be looked at by two at once, so the box itself is. */
static void shelf_look(struct shelf *s) {
    tri_rwmutex_rlock(&s->lock);
    box *b = s->held;
    if (b) REQUIRE(b->content, "a box on a shelf is empty");
    tri_yield();
    tri_rwmutex_runlock(&s->lock);
}

/* ---- done with a box ---- */

static void finish(box *b, struct dice *d) {
    box_check(b);
    if (b && one_in(d, 2)) box_close(b);
}

static box *fresh(struct dice *d) {
    box *b = box_make(roll(d));
    if (one_in(d, 4)) tri_set(b->other, box_make(roll(d)));
    return b;
}

/* ---- ways to hand a box on ---- */

static void pass(box *b, struct dice *d) {
    tri_chan *ch = channel[below(d, CHANNELS)];
    box *got = NULL;
    tri_case cases[] = {TRI_SEND(ch, &b), TRI_RECV(channel[below(d, CHANNELS)], &got), TRI_RECV(tri_after(below(d, 3) * MS), NULL)};
    int chosen = tri_select(cases, one_in(d, 3) ? 2 : 3, one_in(d, 5));
    if (chosen == 1 && cases[1].ok) finish(got, d);
    if (chosen != 0) finish(shelf_swap(&shelves[below(d, SHELVES)], b), d);
}

static void take(struct dice *d) {
    box *got = NULL;
    tri_case cases[] = {TRI_RECV(channel[below(d, CHANNELS)], &got), TRI_RECV(channel[below(d, CHANNELS)], &got)};
    int chosen = tri_select(cases, 2, true);
    if (chosen >= 0 && cases[chosen].ok) finish(got, d);
}

/* ---- errands: a goroutine, a timer, a thread, with a box and nothing else ---- */

struct errand {
    box *b;
    tri_context *context;
    uint64_t seed;
};
TRI_TYPE(struct errand, b, context)

static void run_errand(void *arg) {
    struct errand *e = arg;
    struct dice d = {e->seed};
    if (one_in(&d, 2)) tri_sleep(below(&d, 2 * MS));
    if (e->context) {
        box *carried = tri_context_value(e->context, &workers);
        REQUIRE(carried == e->b, "a context has another box");
        if (one_in(&d, 2)) tri_recv(tri_context_done(e->context), NULL);
    }
    finish(e->b, &d);
    tri_waitgroup_done(&errands);
}

static void *thread_errand(void *arg) {
    run_errand(arg);
    return box_make(((struct errand *)arg)->seed);
}

static struct errand *errand_new(box *b, struct dice *d) {
    struct errand *e = tri_new(struct errand);
    tri_set(e->b, b);
    e->seed = roll(d);
    tri_waitgroup_add(&errands, 1);
    return e;
}

static void by_goroutine(box *b, struct dice *d) { tri_go(run_errand, errand_new(b, d)); }

static void by_timer(box *b, struct dice *d) {
    tri_timer *t = tri_after_func(below(d, 3 * MS), run_errand, errand_new(b, d));
    if (one_in(d, 4) && tri_timer_stop(t)) tri_waitgroup_done(&errands);
}

static void by_context(box *b, struct dice *d) {
    struct errand *e = errand_new(b, d);
    tri_context *outer = tri_context_with_value(tri_context_background(), &workers, b);
    tri_context *c = one_in(d, 2) ? tri_context_with_timeout(outer, below(d, 3 * MS)) : tri_context_with_cancel(outer);
    tri_set(e->context, c);
    tri_go(run_errand, e);
    tri_yield();
    tri_context_cancel(c);
    REQUIRE(tri_context_err(c), "a context that was cancelled has no error");
}

static void *join(void *thread) {
    void *result = NULL;
    pthread_join(*(pthread_t *)thread, &result);
    return result;
}

static void by_thread(box *b, struct dice *d) {
    pthread_t thread;
    struct errand *e = errand_new(b, d);
    uint64_t seed = e->seed;
    if (pthread_create(&thread, NULL, thread_errand, e)) {
        run_errand(e);
        return;
    }
    e = NULL;
    box *result = tri_blocking_call(join, &thread);
    REQUIRE(result->seed == seed, "a thread's result is another box");
    finish(result, d);
}

/* ---- held by a deep stack only, over switches and collections ---- */

static __attribute__((noinline)) box *deep(box *b, struct dice *d, unsigned depth) {
    volatile char pad[100];
    pad[0] = (char)depth;
    if (!depth) {
        if (one_in(d, 20)) tri_gc();
        else if (one_in(d, 2)) tri_sleep(1000);
        else tri_yield();
        return b;
    }
    box *mine = one_in(d, 100) ? fresh(d) : NULL;
    box *back = deep(b, d, depth - 1);
    if (mine) finish(mine, d);
    return pad[0] == (char)depth ? back : NULL;
}

static void by_stack(box *b, struct dice *d) { finish(deep(b, d, one_in(d, 10) ? 2000 : below(d, 100)), d); }

/* ---- through a panic ---- */

static void recover_box(void *arg) {
    const char *message = tri_recover();
    REQUIRE(message && !strcmp(message, "over"), "recovered %s", message ? message : "nothing");
    box_check(*(box **)arg);
}

static __attribute__((noinline)) void panics(struct dice *d, unsigned depth) {
    TRI_FUNC;
    box *b = fresh(d);
    tri_defer((void (*)(void *))box_check, b);
    if (depth) panics(d, depth - 1);
    else tri_panic("over");
}

static void by_panic(box *b, struct dice *d) {
    TRI_FUNC;
    box **cell = tri_alloc(sizeof *cell);
    tri_set(*cell, b);
    tri_defer(recover_box, cell);
    panics(d, below(d, 5));
}

/* ---- children, which go on with what they inherit ---- */

static void in_child(struct dice *d) {
    for (int i = 0; i < 20; i++) box_check(fresh(d));
    tri_gc();
    _exit(0);
}

static void *await_child(void *pid) {
    int status = -1;
    waitpid((pid_t)(intptr_t)pid, &status, 0);
    return (void *)(intptr_t)status;
}

static void by_fork(box *b, struct dice *d) {
    pid_t pid = options.forks ? fork() : -1;
    if (pid == 0) {
        box_check(b);
        in_child(d);
    }
    if (pid > 0) REQUIRE(tri_blocking_call(await_child, (void *)(intptr_t)pid) == NULL, "a child has failed");
    finish(b, d);
}

/* ---- a handler that allocates and stores ---- */

enum { RING = 64 };
static box *ring[RING];

/* Of one thread, or of two at a time. */
static void on_alarm(int signal) {
    static uint64_t n; /* atomic */
    (void)signal;
    box *b = tri_new(box), **place = &ring[(b->seed = __atomic_fetch_add(&n, 1, __ATOMIC_RELAXED)) % RING];
    tri_set(b->other, *place);
    if (b->other) tri_set(b->other->other, NULL);
    *place = b;
}

static void ring_check(void) {
    for (int i = 0; i < RING; i++) {
        box *b = ring[i];
        if (b) REQUIRE(b->seed % RING == (uint64_t)i, "place %d of the handler's ring has box %lu", i, b->seed);
    }
}

static void signals_begin(void) {
    const struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    const struct itimerval often = {{0, 700}, {0, 700}};
    if (!options.signals) return;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

static void signals_end(void) {
    const struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &never, NULL);
    ring_check();
}

/* ---- workers ---- */

static void (*const ways[])(box *b, struct dice *d) = {pass, pass, pass, pass, by_goroutine, by_timer, by_context, by_stack, by_stack, by_panic};
enum { WAYS = sizeof ways / sizeof ways[0] };

static void step(struct dice *d) {
    if (one_in(d, 300)) tri_gc();
    if (one_in(d, 200)) by_thread(fresh(d), d);
    if (one_in(d, 1000)) by_fork(fresh(d), d);
    if (one_in(d, 50)) ring_check();
    if (one_in(d, 3)) take(d);
    if (one_in(d, 5)) shelf_look(&shelves[below(d, SHELVES)]);
    ways[below(d, WAYS)](fresh(d), d);
}

static bool goes_on(unsigned steps) {
    return options.seconds ? !__atomic_load_n(&time_is_over, __ATOMIC_RELAXED) : steps < options.steps;
}

static void worker(void *arg) {
    struct dice d = {(uintptr_t)arg};
    for (unsigned i = 0; goes_on(i); i++) step(&d);
    tri_waitgroup_done(&workers);
}

static void *thread_worker(void *arg) {
    worker(arg);
    return NULL;
}

/* Takes what nobody else takes, until the end. */
static void drain(void *arg) {
    struct dice d = {(uintptr_t)arg};
    for (;;) {
        box *got = NULL;
        tri_case cases[CHANNELS + 1];
        for (int i = 0; i < CHANNELS; i++) cases[i] = (tri_case)TRI_RECV(channel[i], &got);
        cases[CHANNELS] = (tri_case)TRI_RECV(stop, NULL);
        if (tri_select(cases, CHANNELS + 1, false) == CHANNELS) break;
        finish(got, &d);
    }
    tri_waitgroup_done(&errands);
}

/* ---- the end ---- */

static __attribute__((noinline)) void drop_all(struct dice *d) {
    for (int i = 0; i < CHANNELS; i++) {
        tri_close(channel[i]);
        for (box *b; tri_recv(channel[i], &b);) finish(b, d);
        channel[i] = NULL;
    }
    for (int i = 0; i < SHELVES; i++) finish(shelf_swap(&shelves[i], NULL), d);
}

/* What was attached to boxes has run, but for the few that an old word on a stack or in a register may still hold. */
static void all_ran(void) {
    uint64_t attached = __atomic_load_n(&box_attached, __ATOMIC_RELAXED), ran = 0;
    for (int i = 0; i < 200 && ran + 30 + attached / 100 < attached; i++) {
        tri_gc();
        tri_sleep(MS);
        ran = __atomic_load_n(&box_ran, __ATOMIC_RELAXED);
    }
    REQUIRE(ran <= attached, "%lu cleanups and finalizers ran of %lu", ran, attached);
    REQUIRE(ran + 30 + attached / 100 >= attached, "only %lu cleanups and finalizers ran of %lu", ran, attached);
    tri_mem_stats m;
    tri_read_mem_stats(&m);
    printf("mixture, seed %lu: %lu MB, %u cycles, %lu of %lu cleanups and finalizers\n", options.seed, m.total_alloc >> 20, m.num_gc,
           ran, attached);
}

static void run(void *arg) {
    (void)arg;
    struct dice d = {options.seed};
    pthread_t threads[2];
    signals_begin();
    for (int i = 0; i < CHANNELS; i++) channel[i] = tri_chan_new(box *, i * i % 10);
    stop = tri_chan_new(char, 0);
    for (int i = 0; i < 2; i++) {
        tri_waitgroup_add(&errands, 1);
        tri_go(drain, (void *)(uintptr_t)roll(&d));
        tri_waitgroup_add(&workers, 1);
        REQUIRE(!pthread_create(&threads[i], NULL, thread_worker, (void *)(uintptr_t)roll(&d)), "no thread");
    }
    for (unsigned i = 0; i < options.goroutines; i++) {
        tri_waitgroup_add(&workers, 1);
        tri_go(worker, (void *)(uintptr_t)roll(&d));
    }
    if (options.seconds) {
        tri_sleep(options.seconds * 1000ll * MS);
        __atomic_store_n(&time_is_over, true, __ATOMIC_RELAXED);
    }
    tri_waitgroup_wait(&workers);
    signals_end();
    for (int i = 0; i < 2; i++) tri_blocking_call(join, &threads[i]);
    tri_close(stop);
    tri_waitgroup_wait(&errands);
    drop_all(&d);
    all_ran();
}

int main(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t n = strtoull(argv[i + 1], NULL, 0);
        if (!strcmp(argv[i], "--steps")) options.steps = (unsigned)n;
        else if (!strcmp(argv[i], "--seconds")) options.seconds = (unsigned)n;
        else if (!strcmp(argv[i], "--goroutines")) options.goroutines = (unsigned)n;
        else if (!strcmp(argv[i], "--forks")) options.forks = (unsigned)n;
        else if (!strcmp(argv[i], "--signals")) options.signals = (unsigned)n;
        else if (!strcmp(argv[i], "--seed")) options.seed = n;
        else REQUIRE(false, "unknown option %s: --steps, --seconds, --goroutines, --seed, --forks and --signals are known", argv[i]);
    }
    return tri_run(run, NULL);
}
