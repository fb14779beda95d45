/* bells.c - signal handlers that allocate, store into the heap, and jump away.
 *
 * Each thread that a signal meets has, for each of two signals, a ring of cells in the heap that hangs from a
 * thread-local. Every signal checks one cell, puts a fresh object there, and links it to an older one:
 * allocations and stores that land in the middle of the program's own, the restartable ones too. What a ring
 * must hold is remembered with hidden pointers. The signals come from timers aimed at the workers, and from a
 * thread that sends them to the process and to workers. The handlers of different signals may interrupt each
 * other, and run on signal stacks or not.
 *
 * A third signal jumps out of its handler, to a worker that has said where to.
 */
#include "torture.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BELLS = 2, CELLS = 32, ALTSTACK = 64 << 10 };

struct ding {
    uint64_t number;
    struct ding *older;
    void *spare;
};
TRI_TYPE(struct ding, older, spare)

struct bell {
    struct ding **cells; /* a root: this is a thread-local */
    struct {
        uintptr_t at, older; /* hidden */
        uint64_t number;
    } want[CELLS];
    uint64_t rung;
};
static __thread struct bell bells[BELLS];

static int bell_signal(int i) { return SIGRTMIN + 3 + i; }
static int jump_signal(void) { return SIGRTMIN + 5; }

static void check_cell(const struct bell *b, unsigned i) {
    const struct ding *d = b->cells[i];
    if (!b->want[i].at) {
        if (d) fail("bell: cell %u is %p, not empty", i, (const void *)d);
        return;
    }
    if (tri_hide(d) != b->want[i].at)
        fail("bell: cell %u is %p, not %p", i, (const void *)d, tri_reveal(b->want[i].at));
    if (d->number != content(b->want[i].number, i) || d->spare != d)
        fail("bell: cell %u at %p holds 0x%lx, %p", i, (const void *)d, d->number, d->spare);
    if (tri_hide(d->older) != b->want[i].older)
        fail("bell: cell %u at %p: older is %p, not %p", i, (const void *)d, (const void *)d->older,
             tri_reveal(b->want[i].older));
}

static void ring(struct bell *b) {
    uint64_t n = b->rung++;
    unsigned i = n % CELLS, j = (unsigned)((n * 7 + 3) % CELLS);
    if (!b->cells) b->cells = tri_new_array(struct ding *, CELLS);
    check_cell(b, i);
    struct ding *d = tri_new(struct ding), *older = j == i ? NULL : b->cells[j];
    if (d->number || d->older || d->spare) fail("bell: fresh memory is not zero at %p", (void *)d);
    d->number = content(n, i);
    tri_set(d->spare, d);
    if (older) { /* cut there, or all would hang together */
        tri_set(older->older, NULL);
        b->want[j].older = tri_hide(NULL);
    }
    tri_set(d->older, older);
    tri_set(b->cells[i], d);
    b->want[i].at = tri_hide(d);
    b->want[i].older = tri_hide(older);
    b->want[i].number = n;
    if (n % 8 == 0) memset(tri_alloc(40 + n % 300), 0xee, 40);
}

static void on_bell(int sig) {
    int saved = errno;
    ring(&bells[sig - bell_signal(0)]);
    COUNT(signals);
    errno = saved;
}

static void on_jump(int sig) {
    (void)sig;
    if (!self || !self->jump_armed) return;
    self->jump_armed = 0;
    siglongjmp(self->jump, 1);
}

/* ---- jumping ---- */

static void jump_soon(struct random *r) {
    static __thread timer_t timer;
    static __thread bool have;
    if (!have) {
        struct sigevent e = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = jump_signal()};
        e._sigev_un._tid = (pid_t)syscall(SYS_gettid);
        have = timer_create(CLOCK_MONOTONIC, &e, &timer) == 0;
    }
    struct itimerspec when = {.it_value.tv_nsec = 1000 + below(r, 300000)};
    if (have) timer_settime(timer, 0, &when, NULL);
}

static void until_jumped(struct random *r) {
    void **cells = tri_alloc(64 * sizeof(void *));
    for (unsigned n = 0; n < 3000; n++) {
        struct timespec t = {0, 20000};
        object_make_garbage(r);
        tri_set(cells[n % 64], tri_alloc(16 + n % 100));
        tri_set(cells[(n + 1) % 64], cells[n % 64]);
        if (one_in(r, 200)) nanosleep(&t, NULL);
        if (options.on[F_gc] && one_in(r, 2000)) tri_gc();
    }
}

void bells_jump(struct random *r) {
    if (!options.on[F_jumps] || !self) return;
    doing("is jumped out of");
    if (sigsetjmp(self->jump, 1) == 0) {
        self->jump_armed = 1;
        jump_soon(r);
        until_jumped(r);
        self->jump_armed = 0;
    } else {
        COUNT(jumps);
    }
}

/* ---- ringing ---- */

static __thread timer_t timers[BELLS];
static __thread bool have_timer[BELLS];
static __thread void *altstack;

void bells_worker_start(void) {
    if (options.on[F_altstack] && self->number % 2) {
        altstack = malloc(ALTSTACK);
        stack_t s = {.ss_sp = altstack, .ss_size = ALTSTACK};
        if (!altstack || sigaltstack(&s, NULL) != 0) fail("sigaltstack: %s", strerror(errno));
    }
    for (int i = 0; options.on[F_signals] && i < BELLS; i++) {
        struct sigevent e = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = bell_signal(i)};
        e._sigev_un._tid = (pid_t)syscall(SYS_gettid);
        have_timer[i] = timer_create(CLOCK_MONOTONIC, &e, &timers[i]) == 0;
        long ns = 150000 + 37000 * i + 1000 * self->number;
        struct itimerspec when = {{0, ns}, {0, ns}};
        if (have_timer[i]) timer_settime(timers[i], 0, &when, NULL);
    }
}

void bells_worker_stop(void) {
    for (int i = 0; i < BELLS; i++)
        if (have_timer[i]) timer_delete(timers[i]);
    if (altstack) {
        stack_t none = {.ss_flags = SS_DISABLE};
        if (sigaltstack(&none, NULL) != 0) fail("sigaltstack: %s", strerror(errno));
        free(altstack);
    }
    for (int b = 0; b < BELLS; b++)
        for (unsigned i = 0; bells[b].cells && i < CELLS; i++) check_cell(&bells[b], i);
}

void bells_init(void) {
    for (int i = 0; i < BELLS + 1; i++) {
        struct sigaction a = {.sa_handler = i < BELLS ? on_bell : on_jump};
        a.sa_flags = SA_RESTART | (options.on[F_altstack] ? SA_ONSTACK : 0);
        sigemptyset(&a.sa_mask);
        sigaddset(&a.sa_mask, jump_signal()); /* or a ring would be left half changed */
        if (sigaction(i < BELLS ? bell_signal(i) : jump_signal(), &a, NULL) != 0)
            fail("sigaction: %s", strerror(errno));
    }
}

/* The ringer: signals to the process, which any thread may get, and to workers. */
static pthread_t ringer;
static volatile bool ringing;
static struct worker *to;
static int nto;

static void *ring_all(void *arg) {
    struct random r = {options.seed ^ (uintptr_t)arg};
    while (ringing) {
        struct timespec t = {0, 50000};
        int sig = bell_signal((int)below(&r, BELLS));
        if (one_in(&r, 2))
            kill(getpid(), sig);
        else
            pthread_kill(to[below(&r, (unsigned)nto)].thread, sig);
        nanosleep(&t, NULL);
    }
    return NULL;
}

void bells_start(struct worker *workers, int n) {
    to = workers;
    nto = n;
    ringing = options.on[F_signals];
    if (ringing && pthread_create(&ringer, NULL, ring_all, (void *)1) != 0)
        fail("no thread to ring the bells");
}

void bells_stop(void) {
    if (!ringing) return;
    ringing = false;
    pthread_join(ringer, NULL);
}
