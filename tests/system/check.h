/* check.h - what the system tests share: a test is one program, exits 0 when all is well, 1 with a line that
 * says what is not, 77 when it cannot be run here.
 *
 * Objects are stamped with their own address and a number, so that a lost one is noticed, whether its memory
 * has been given to somebody else (it reads zero, or another number) or not (GODEBUG=clobberfree=1, which all
 * tests run with). A test remembers where an object was by a hidden pointer, which no scan takes for one.
 *
 * Nothing here waits for time to pass: threads wait for each other by handshakes, and for the kernel by
 * asking it. A test that hangs names the step it hangs in, by a timer that goes past the library.
 */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <tricolor.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HELPER    __attribute__((unused)) static
#define NO_INLINE __attribute__((noinline, noclone))
#ifdef __clang__
#undef NO_INLINE
#define NO_INLINE __attribute__((noinline))
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* ---- saying what is wrong ---- */

static const char *volatile check_step = "start";

/* What the test is about to do; for the watchdog and for messages. */
HELPER void step(const char *what) { check_step = what; }

__attribute__((format(printf, 4, 5), noreturn, unused)) static void
check_failed(const char *file, int line, const char *condition, const char *format, ...) {
    va_list args;
    fprintf(stderr, "%s:%d: [%s] not true: %s: ", strrchr(file, '/') ? strrchr(file, '/') + 1 : file, line,
            check_step, condition);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    _exit(1);
}
#define REQUIRE(condition, ...)                                                                              \
    do {                                                                                                     \
        if (!(condition)) check_failed(__FILE__, __LINE__, #condition, __VA_ARGS__);                         \
    } while (0)

__attribute__((format(printf, 1, 2), noreturn, unused)) static void skip(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    _exit(77);
}

/* ---- the watchdog ---- */

enum { WATCHDOG_SECONDS = 100 };

static void check_hangs(int sig) {
    char text[200];
    (void)sig;
    int n = snprintf(text, sizeof text, "the test hangs in step [%s]\n", check_step);
    if (syscall(SYS_write, 2, text, n) < 0) _exit(4);
    _exit(3);
}

/* The handler is installed by a raw system call, so that the library neither knows it nor puts it off. */
__attribute__((constructor)) static void check_watch(void) {
    struct {
        void (*handler)(int);
        unsigned long flags;
#ifdef __x86_64__
        void (*restorer)(int); /* never used: the handler does not return */
#endif
        unsigned long mask;
    } action;
    struct sigevent event;
    struct itimerspec when;
    timer_t timer;
    memset(&action, 0, sizeof action);
    memset(&event, 0, sizeof event);
    memset(&when, 0, sizeof when);
    action.handler = check_hangs;
#ifdef __x86_64__
    action.flags = 0x04000000;
    action.restorer = check_hangs;
#endif
    syscall(SYS_rt_sigaction, SIGRTMAX - 1, &action, NULL, 8);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGRTMAX - 1;
    const char *longer = getenv("WATCHDOG_SECONDS"); /* for long forms */
    when.it_value.tv_sec = longer ? atoi(longer) : WATCHDOG_SECONDS;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0) timer_settime(timer, 0, &when, NULL);
}

/* ---- stamped objects ---- */

struct stamped {
    struct stamped *next;
    uintptr_t self; /* ~address */
    uint64_t number;
};
TRI_TYPE(struct stamped, next)

typedef uintptr_t hidden; /* tri_hide(p) */

HELPER struct stamped *stamped_new(uint64_t number) {
    struct stamped *s = tri_new(struct stamped);
    s->self = tri_hide(s);
    s->number = number;
    return s;
}
HELPER bool stamped_ok(const struct stamped *s, uint64_t number) {
    return s && s->self == tri_hide(s) && s->number == number;
}
/* Whether the object remembered is still there. */
HELPER bool stamped_lives(hidden h, uint64_t number) {
    return tri_is_heap(tri_reveal(h)) && stamped_ok((struct stamped *)tri_reveal(h), number);
}

/* ---- collecting ---- */

/* Overwrites what calls have left below the caller's frame. */
NO_INLINE HELPER void clear_stack(void) {
    volatile char dead[32 << 10];
    for (size_t i = 0; i < sizeof dead; i++) dead[i] = 0;
}

/* Garbage, so that freed slots are handed out again. */
NO_INLINE HELPER void churn(void) {
    for (int i = 0; i < 20000; i++) stamped_new(1ull << 60);
    for (int i = 0; i < 2000; i++) memset(tri_alloc(64), 0xee, 64);
}

/* Two whole cycles: what was dropped before is gone, and its memory has been used again. */
HELPER void collect(void) {
    clear_stack();
    tri_gc();
    tri_gc();
    churn();
    clear_stack();
}

/* A thread that collects in a loop. */
struct gc_loop {
    pthread_t thread;
    int stop;        /* atomic */
    unsigned cycles; /* atomic */
};
HELPER void *gc_loop_main(void *arg) {
    struct gc_loop *loop = (struct gc_loop *)arg;
    while (!__atomic_load_n(&loop->stop, __ATOMIC_SEQ_CST)) {
        tri_gc();
        __atomic_fetch_add(&loop->cycles, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}
HELPER void gc_loop_start(struct gc_loop *loop) {
    memset(loop, 0, sizeof *loop);
    int error = pthread_create(&loop->thread, NULL, gc_loop_main, loop);
    REQUIRE(error == 0, "pthread_create: %s", strerror(error));
}
HELPER unsigned gc_loop_cycles(struct gc_loop *loop) {
    return __atomic_load_n(&loop->cycles, __ATOMIC_SEQ_CST);
}
/* Returns when n more cycles have been begun and ended. */
HELPER void gc_loop_await(struct gc_loop *loop, unsigned n) {
    unsigned from = gc_loop_cycles(loop);
    while (gc_loop_cycles(loop) - from <= n) sched_yield();
}
HELPER unsigned gc_loop_stop(struct gc_loop *loop) {
    __atomic_store_n(&loop->stop, 1, __ATOMIC_SEQ_CST);
    pthread_join(loop->thread, NULL);
    return loop->cycles;
}

/* ---- handshakes ---- */

HELPER void post(int *flag) { __atomic_fetch_add(flag, 1, __ATOMIC_SEQ_CST); }
HELPER int posted(int *flag) { return __atomic_load_n(flag, __ATOMIC_SEQ_CST); }
HELPER void await(int *flag, int value) {
    while (posted(flag) < value) sched_yield();
}

HELPER int own_tid(void) { return (int)syscall(SYS_gettid); }

/* One field of /proc/self/task/<tid>/status, as text; empty when the thread is gone. */
HELPER void task_status(int tid, const char *field, char *value, size_t size) {
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
    value[0] = 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return;
    long n = syscall(SYS_read, fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *at = strstr(text, field);
    if (!at) return;
    at += strlen(field);
    while (*at == '\t' || *at == ' ') at++;
    size_t length = strcspn(at, "\n");
    if (length >= size) length = size - 1;
    memcpy(value, at, length);
    value[length] = 0;
}
/* Returns when the thread sleeps in the kernel: after it has announced a blocking call, when it is in it. A
 * thread that the collector happens to have parked sleeps too, so with collections under way ask more than
 * once. */
HELPER void await_asleep(int tid) {
    char state[32];
    do {
        sched_yield();
        task_status(tid, "State:", state, sizeof state);
    } while (state[0] != 'S' && state[0] != 'D');
}
HELPER void await_gone(int tid) {
    char state[32];
    do {
        sched_yield();
        task_status(tid, "State:", state, sizeof state);
    } while (state[0] && state[0] != 'X');
}
/* Returns when no signal of that number waits for the thread any more: its handler has begun. */
HELPER void await_signal_taken(int tid, int sig) {
    char pending[32];
    do {
        sched_yield();
        task_status(tid, "SigPnd:", pending, sizeof pending);
    } while (pending[0] && strtoull(pending, NULL, 16) >> (sig - 1) & 1);
}

HELPER uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Resident bytes of this process, from /proc/self/statm. */
HELPER uint64_t resident_bytes(void) {
    char text[128];
    unsigned long size = 0, resident = 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/statm", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    long n = syscall(SYS_read, fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    if (sscanf(text, "%lu %lu", &size, &resident) != 2) return 0;
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

#endif
