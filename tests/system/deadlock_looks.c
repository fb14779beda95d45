/* deadlock_looks - nobody is reported asleep who is not: the report looks at one thing after the other, and here the last timer
 * fires in between, each time; once its goroutine goes on, once it wakes a plain thread and then waits itself. A thread that
 * has been made and has not begun is not asleep either, nor is anybody as long as a signal's handler may wake them. */
#include "check.h"
#include "sched/sched.h"

#include <sys/time.h>

enum { ROUNDS = 20 };

/* The next check that finds everybody asleep is held between its looks, until the goroutine that slept has gone on and
 * says so. */
enum { HOLD_OFF, HOLD_NEXT, HELD, HELD_TO_THE_END };
static struct {
    int state;        /* atomic */
    int let_go, over; /* posted by what happens meanwhile, by the check */
} look;
/* The thread that is made next begins late. */
static struct {
    void *(*fn)(void *);
    void *arg;
    int wanted;
    int asleep; /* posted by each check that finds no processor busy */
} late;

static __thread bool in_check, was_held;
static __thread bool goes_on; /* of the plain thread, whose own checks are not held: it is to go on */

static bool advance(int from, int to) {
    return __atomic_compare_exchange_n(&look.state, &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void __real_trix_check_deadlock(void);
void __wrap_trix_check_deadlock(void);
uint64_t __real_trix_timers_next(void);
uint64_t __wrap_trix_timers_next(void);

void __wrap_trix_check_deadlock(void) {
    in_check = !goes_on;
    __real_trix_check_deadlock();
    in_check = false;
    if (__atomic_load_n(&trix_sched.nidle, __ATOMIC_SEQ_CST) == trix_sched.nprocs) post(&late.asleep);
    if (was_held) post(&look.over);
    was_held = false;
}

/* The worker that is held may be the one to fire the timer: then another round must show it. */
static bool timer_is_late(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return __real_trix_timers_next() + 200000000u < (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t __wrap_trix_timers_next(void) {
    if (in_check && advance(HOLD_NEXT, HELD)) {
        while (!posted(&look.let_go) && !(timer_is_late() && advance(HELD, HOLD_NEXT))) sched_yield();
        was_held = posted(&look.let_go);
    }
    return __real_trix_timers_next();
}

/* Sleeps until a check has been held meanwhile, and still is. */
static void sleep_through_a_check(void) {
    look.let_go = look.over = 0;
    __atomic_store_n(&look.state, HOLD_NEXT, __ATOMIC_SEQ_CST);
    while (!advance(HELD, HELD_TO_THE_END)) tri_sleep(2000000);
}

/* Without a call of the library: who is here runs, whatever the check believes. */
static void run_until_the_check_is_over(void) {
    post(&look.let_go);
    await(&look.over, 1);
}

static void fires_meanwhile(void *arg) {
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        sleep_through_a_check();
        run_until_the_check_is_over();
    }
}

static tri_chan *there, *back;

static void *plain(void *arg) {
    int n;
    (void)arg;
    goes_on = true;
    for (int i = 0; i < ROUNDS; i++) {
        tri_recv(there, &n);
        run_until_the_check_is_over();
        tri_send(back, &n);
    }
    return NULL;
}

static void hands_on_meanwhile(void *arg) {
    pthread_t thread;
    (void)arg;
    there = tri_chan_new(int, 0);
    back = tri_chan_new(int, 0);
    REQUIRE(pthread_create(&thread, NULL, plain, NULL) == 0, "no thread");
    for (int i = 0; i < ROUNDS; i++) {
        int n = i, got = -1;
        sleep_through_a_check();
        tri_send(there, &n);
        tri_recv(back, &got);
        REQUIRE(got == i, "%d came back as %d", i, got);
    }
    REQUIRE(pthread_join(thread, NULL) == 0, "no end of the thread");
}

/* ---- a thread that has not begun ---- */

int __real_trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg);
int __wrap_trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg);

/* As its first instructions: once a check has found that everybody who is there sleeps. */
static void *begin_late(void *arg) {
    (void)arg;
    await(&late.asleep, 1);
    return late.fn(late.arg);
}

int __wrap_trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg) {
    if (!late.wanted) return __real_trix_libc_pthread_create(thread, attributes, fn, arg);
    late.wanted = 0;
    late.fn = fn;
    late.arg = arg;
    return __real_trix_libc_pthread_create(thread, attributes, begin_late, NULL);
}

static void *answer(void *arg) {
    tri_send(back, arg);
    return NULL;
}

static void waits_for_newborn(void *arg) {
    (void)arg;
    back = tri_chan_new(int, 0);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t thread;
        int got = -1;
        late.asleep = 0;
        late.wanted = 1;
        REQUIRE(pthread_create(&thread, NULL, answer, &i) == 0, "no thread");
        tri_recv(back, &got);
        REQUIRE(got == i, "received %d, not %d", got, i);
        REQUIRE(pthread_join(thread, NULL) == 0, "no end of the thread");
    }
}

/* ---- a handler ---- */

static tri_chan *rung;
static void ring(int sig) { tri_select(&(tri_case)TRI_SEND(rung, &sig), 1, true); }

static void waits_for_handler(void *arg) {
    int sig = 0;
    (void)arg;
    struct itimerval soon = {.it_value = {0, 20000}};
    rung = tri_chan_new(int, 1);
    signal(SIGALRM, ring);
    REQUIRE(setitimer(ITIMER_REAL, &soon, NULL) == 0, "no timer");
    tri_recv(rung, &sig);
    REQUIRE(sig == SIGALRM, "received %d", sig);
}

int main(void) {
    step("a timer fires between the looks");
    tri_run(fires_meanwhile, NULL);
    step("a timer fires between the looks, and a plain thread goes on");
    tri_run(hands_on_meanwhile, NULL);
    step("a thread has not begun");
    tri_run(waits_for_newborn, NULL);
    step("a handler wakes");
    tri_run(waits_for_handler, NULL);
    return 0;
}
