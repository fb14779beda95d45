/* Calls that the library stands in front of do what libc's do, also where the two could differ. */
#include "check.h"

#include <semaphore.h>
#include <sys/select.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* siginterrupt */

/* ---- locks ---- */

static pthread_mutex_t robust;
static void *dies_with_it(void *arg) {
    pthread_mutex_lock(&robust);
    return arg;
}
static void robust_mutex(void) {
    pthread_mutexattr_t a;
    pthread_t t;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &a);
    pthread_create(&t, NULL, dies_with_it, NULL);
    pthread_join(t, NULL);
    int error = pthread_mutex_lock(&robust);
    REQUIRE(error == EOWNERDEAD, "locking what a dead thread holds: %s", strerror(error));
    REQUIRE(pthread_mutex_consistent(&robust) == 0 && pthread_mutex_unlock(&robust) == 0, "made consistent");
    REQUIRE(pthread_mutex_lock(&robust) == 0 && pthread_mutex_unlock(&robust) == 0, "locked again");
}

static sem_t full;
static void *takes_forever(void *arg) {
    for (;;) {
        sem_wait(&full); /* the only cancellation point */
        sem_post(&full);
    }
    return arg;
}
static void cancelled_semaphore(void) {
    pthread_t t;
    void *result;
    sem_init(&full, 0, 1);
    pthread_create(&t, NULL, takes_forever, NULL);
    pthread_cancel(t);
    pthread_join(t, &result);
    REQUIRE(result == PTHREAD_CANCELED, "%p", result);
}

/* ---- times ---- */

static void long_microseconds(void) {
    struct timeval t = {0, 1200000};
    REQUIRE(select(0, NULL, NULL, NULL, &t) == 0, "select for 1.2 s said so in microseconds: %s", strerror(errno));
    t = (struct timeval){-1, 2000000};
    REQUIRE(select(0, NULL, NULL, NULL, &t) == -1 && errno == EINVAL, "select for less than nothing");
}

/* ---- threads ---- */

static pthread_t own_name;
static void *looks_for_its_name(void *arg) { return (void)arg, (void *)(uintptr_t)pthread_equal(own_name, pthread_self()); }
static void names_of_threads(void) {
    if (SANITIZED) return; /* the thread sanitizer has a start of its own */
    for (int i = 0; i < 1000; i++) {
        void *equal;
        own_name = 0;
        pthread_create(&own_name, NULL, looks_for_its_name, NULL);
        pthread_join(own_name, &equal);
        REQUIRE(equal, "thread %d does not find its name where pthread_create was to put it", i);
    }
}

/* ---- signals ---- */

static int handled; /* atomic */
static void on_signal(int sig) {
    (void)sig;
    post(&handled);
}

static void actions(void) {
    struct sigaction a = {.sa_handler = on_signal}, *volatile wish = &a, *volatile old = &a;
    REQUIRE(sigaction(SIGUSR2, wish, old) == 0 && a.sa_handler == SIG_DFL, "old is new");
    REQUIRE(sigaction(SIGUSR2, NULL, &a) == 0 && a.sa_handler == on_signal, "the new action, given where the old one was to go");
    siginterrupt(SIGALRM, 1);
    signal(SIGALRM, on_signal);
    REQUIRE(sigaction(SIGALRM, NULL, &a) == 0 && !(a.sa_flags & SA_RESTART), "siginterrupt before signal");
    siginterrupt(SIGALRM, 0);
    signal(SIGALRM, on_signal);
    REQUIRE(sigaction(SIGALRM, NULL, &a) == 0 && a.sa_flags & SA_RESTART, "and taken back");
    sysv_signal(SIGUSR2, on_signal);
    raise(SIGUSR2);
    REQUIRE(posted(&handled) == 1, "a handler for once");
    REQUIRE(sigaction(SIGUSR2, NULL, &a) == 0 && a.sa_handler == SIG_DFL, "after which nothing is installed");
    REQUIRE(signal(SIGUSR2, SIG_IGN) == SIG_DFL && raise(SIGUSR2) == 0, "after which nothing is installed");
}

/* The signal the library stops threads by, in the old calls that libc makes without asking anyone. */
static int masked; /* atomic */
static void *masks_all(void *arg) {
    sigsetmask(-1);
    sighold(SIGURG);
    sigset(SIGURG, SIG_HOLD);
    REQUIRE(sigblock(0) & 1 << (SIGTERM - 1), "what sigsetmask has blocked is not");
    post(&masked);
    while (posted(&masked) == 1) {
    }
    return arg;
}
static void old_masks(void) {
    pthread_t t;
    pthread_create(&t, NULL, masks_all, NULL);
    await(&masked, 1);
    tri_gc();
    post(&masked);
    pthread_join(t, NULL);
    int before = posted(&handled);
    REQUIRE(sigset(SIGALRM, SIG_HOLD) == on_signal, "sigset blocks");
    raise(SIGALRM);
    REQUIRE(posted(&handled) == before, "what is blocked came");
    REQUIRE(sigpause(SIGALRM) == -1 && errno == EINTR && posted(&handled) == before + 1, "sigpause lets it in");
    REQUIRE(sigset(SIGALRM, on_signal) == SIG_HOLD && raise(SIGALRM) == 0 && posted(&handled) == before + 2, "sigset lets it in");
    REQUIRE(sigset(SIGALRM, SIG_DFL) == on_signal && sigset(SIGKILL, SIG_DFL) == SIG_ERR && sigset(1000, SIG_DFL) == SIG_ERR, "sigset's results");
}

/* A handler that allocates, come how it may, finds no operation half done. */
static int victim; /* atomic */
static void allocates(int sig) {
    (void)sig;
    for (int i = 0; i < 20; i++) REQUIRE(!stamped_new(1)->next, "an object handed out twice");
    post(&handled);
}
static void *bothers(void *arg) {
    for (int i = 0; i < 2000; i++) {
        int before = posted(&handled);
        syscall(SYS_tgkill, getpid(), victim, SIGUSR2);
        while (posted(&handled) == before) sched_yield();
    }
    post(&victim);
    return arg;
}
static void old_handlers(void) {
    pthread_t t;
    struct stamped *last = NULL;
    int tid = victim = own_tid();
    sigset(SIGUSR2, allocates);
    pthread_create(&t, NULL, bothers, NULL);
    while (posted(&victim) == tid) {
        struct stamped *s = stamped_new(2);
        REQUIRE(!s->next, "an object handed out twice");
        tri_set(s->next, last);
        last = s->next && s->next->next ? NULL : s;
    }
    pthread_join(t, NULL);
}

enum { ONCE = 300 };
static int tid, done; /* atomic */

/* Signals for once, of which many come while the other thread is inside the library. */
static void *sends(void *arg) {
    for (int i = 0; i < ONCE; i++) {
        int before = posted(&handled);
        sysv_signal(SIGUSR1, on_signal);
        syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
        while (posted(&handled) == before) sched_yield();
    }
    post(&done);
    return arg;
}
static void once_while_inside(void) {
    pthread_t t;
    tid = own_tid();
    pthread_create(&t, NULL, sends, NULL);
    while (!posted(&done)) tri_alloc(5000);
    pthread_join(t, NULL);
}

int main(void) {
    tri_gc();
    step("a robust mutex");
    robust_mutex();
    step("a semaphore as a cancellation point");
    cancelled_semaphore();
    step("select");
    long_microseconds();
    step("names of threads");
    names_of_threads();
    step("actions");
    actions();
    step("old masks");
    old_masks();
    step("old handlers");
    old_handlers();
    step("handlers for once");
    once_while_inside();
    return 0;
}
