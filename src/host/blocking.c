/* blocking.c - calls that may block, interposed so that collections are not felt by them.
 *
 * Meanwhile the thread is BLOCKED: its registers and the call's pointer arguments lie in the wrapper's frame, it is
 * scanned in place and not signalled. A stop signal that was under way when the thread blocked may still interrupt the
 * call; then the call is made again, with what is left of its timeout. Only handlers of the program make it return
 * EINTR, as they would without the library.
 *
 * Each wrapper calls the next definition of its name, which is a cancellation point as it should be; in a fully
 * static executable, and where the call must be made in another form, it makes the system call itself (CANCELLABLE).
 */
#include "host.h"

#include <errno.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define RESTARTED(b, r) ((r) == -1 && errno == EINTR && blocking_cut_short(&(b)) && (blocking_again(&(b)), true))

/* A call without a timeout: made again for as long as only stops interrupt it. */
#define AGAIN(b, type, call)                                                                                   \
    ({                                                                                                         \
        type result_;                                                                                          \
        do result_ = (call);                                                                                   \
        while (RESTARTED(b, result_));                                                                         \
        result_;                                                                                               \
    })

static const void *const nothing; /* for calls without a pointer argument */

/* A frame of its own: whatever instruction of it the thread is cancelled at, the wrapper that called it is cleaned up. */
NOINLINE long trix_cancellable_call(long number, ...) {
    va_list args;
    long a[6];
    int type;
    va_start(args, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(args, long);
    va_end(args);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    pthread_setcanceltype(type, NULL);
    return result;
}

/* ---- files and sockets ---- */
#define WRAPPED(type, name, number, call, pointer, parameters, ...)                                            \
    INTERPOSE type name parameters {                                                                           \
        __typeof__(name) *next = NEXT(name);                                                                   \
        BLOCKING_KEEP(pointer);                                                                                \
        BLOCKING(b);                                                                                           \
        return AGAIN(b, type, next ? next(__VA_ARGS__) : (type)call(number, __VA_ARGS__));                     \
    }
#define CALL(type, name, number, ...)  WRAPPED(type, name, number, CANCELLABLE, __VA_ARGS__)
#define PLAIN(type, name, number, ...) WRAPPED(type, name, number, syscall, __VA_ARGS__)
#include "blocking_calls.def"
#undef CALL
#undef PLAIN

const char trix_blocking_here = 1;

/* ---- the same, as programs built with _FORTIFY_SOURCE call them ---- */

/* A buffer smaller than the count is libc's to report: its own checked call ends the program. */
#define CHECKED(type, name, plain, parameters, too_small, ...)                                                 \
    extern type name parameters;                                                                               \
    INTERPOSE type name parameters {                                                                           \
        if (too_small) {                                                                                       \
            __typeof__(name) *next = NEXT(name);                                                               \
            if (next) return next(__VA_ARGS__, room);                                                          \
            abort();                                                                                           \
        }                                                                                                      \
        return plain(__VA_ARGS__);                                                                             \
    }
CHECKED(ssize_t, __read_chk, read, (int fd, void *buf, size_t n, size_t room), n > room, fd, buf, n)
CHECKED(ssize_t, __pread_chk, pread, (int fd, void *buf, size_t n, off_t at, size_t room), n > room, fd, buf, n, at)
CHECKED(ssize_t, __pread64_chk, pread64, (int fd, void *buf, size_t n, off64_t at, size_t room), n > room, fd, buf, n,
        at)
CHECKED(ssize_t, __recv_chk, recv, (int fd, void *buf, size_t n, size_t room, int flags), n > room, fd, buf, n, flags)
CHECKED(int, __poll_chk, poll, (struct pollfd *fds, nfds_t n, int ms, size_t room), n > room / sizeof *fds, fds, n, ms)

/* ---- sockets that need care with their system calls ---- */

INTERPOSE ssize_t recvfrom(int fd, void *restrict buf, size_t n, int flags, struct sockaddr *restrict from,
                        socklen_t *restrict length) {
    __typeof__(recvfrom) *next = NEXT(recvfrom);
    BLOCKING_KEEP(buf);
    BLOCKING_KEEP(from);
    BLOCKING(b);
    return AGAIN(b, ssize_t, next ? next(fd, buf, n, flags, from, length)
                                  : CANCELLABLE(SYS_recvfrom, fd, buf, n, flags, from, length));
}

INTERPOSE ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t length) {
    __typeof__(sendto) *next = NEXT(sendto);
    BLOCKING_KEEP(buf);
    BLOCKING_KEEP(to);
    BLOCKING(b);
    return AGAIN(b, ssize_t, next ? next(fd, buf, n, flags, to, length)
                                  : CANCELLABLE(SYS_sendto, fd, buf, n, flags, to, length));
}

INTERPOSE int accept(int fd, struct sockaddr *restrict from, socklen_t *restrict length) {
    __typeof__(accept) *next = NEXT(accept);
    BLOCKING_KEEP(from);
    BLOCKING(b);
    return AGAIN(b, int, next ? next(fd, from, length) : (int)CANCELLABLE(SYS_accept4, fd, from, length, 0));
}

INTERPOSE int accept4(int fd, struct sockaddr *restrict from, socklen_t *restrict length, int flags) {
    __typeof__(accept4) *next = NEXT(accept4);
    BLOCKING_KEEP(from);
    BLOCKING(b);
    return AGAIN(b, int, next ? next(fd, from, length, flags) : (int)CANCELLABLE(SYS_accept4, fd, from, length, flags));
}

/* The connection is being made by a call that was interrupted, and the socket's family does not let another one wait for it. */
static int connect_rest(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t length = sizeof error;
    int n;
    do n = (int)CANCELLABLE(SYS_ppoll, &p, 1, NULL, NULL, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return -1;
    if (error) errno = error;
    return error ? -1 : 0;
}

INTERPOSE int connect(int fd, const struct sockaddr *to, socklen_t length) {
    __typeof__(connect) *next = NEXT(connect);
    BLOCKING_KEEP(to);
    BLOCKING(b);
    for (bool again = false;; again = true) {
        int r = next ? next(fd, to, length) : (int)CANCELLABLE(SYS_connect, fd, to, length);
        if (again && r == -1 && errno == EALREADY) return connect_rest(fd);
        if (!RESTARTED(b, r)) return r;
    }
}

/* ---- calls with a timeout ---- */

enum { NS = 1000000000 };

static uint64_t ns_of(const struct timespec *t) {
    return (uint64_t)t->tv_sec > UINT64_MAX / NS - 1 ? UINT64_MAX : (uint64_t)t->tv_sec * NS + (uint64_t)t->tv_nsec;
}
static struct timespec timespec_of(uint64_t ns) {
    return (struct timespec){.tv_sec = (time_t)(ns / NS), .tv_nsec = (long)(ns % NS)};
}

/* When a relative timeout ends; UINT64_MAX for none. Read before the call, so that what is left can be told. */
static uint64_t deadline_in(uint64_t ns) {
    uint64_t now = trix_os_now();
    return ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
}
static uint64_t time_left(uint64_t deadline) {
    uint64_t now = trix_os_now();
    return deadline > now ? deadline - now : 0;
}
/* The same in whole milliseconds, rounded up so that nothing returns early. */
static int ms_left(uint64_t deadline) {
    uint64_t ms = (time_left(deadline) + 999999) / 1000000;
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* A system call with a timeout as argument `at`, a mask and its size behind. The kernel writes what is left into its argument: ours. */
static NOINLINE int call_until(long number, long a[6], int at, const struct timespec *timeout, const sigset_t *mask) {
    uint64_t bits = mask ? mask_strip(*(const uint64_t *)mask) : 0, deadline = timeout ? deadline_in(ns_of(timeout)) : 0;
    struct timespec left = timeout ? *timeout : (struct timespec){0};
    a[at] = (long)(timeout ? &left : NULL);
    a[at + 1] = (long)(mask ? &bits : NULL);
    a[at + 2] = sizeof bits;
    BLOCKING(b);
    for (;;) {
        bool plain = number == SYS_semtimedop; /* no cancellation point */
        int r = (int)(plain ? syscall(number, a[0], a[1], a[2], a[3]) : CANCELLABLE(number, a[0], a[1], a[2], a[3], a[4], a[5]));
        if (!RESTARTED(b, r)) return r;
        if (timeout) left = timespec_of(time_left(deadline));
    }
}

INTERPOSE int poll(struct pollfd *fds, nfds_t n, int ms) {
    struct timespec t = timespec_of(ms > 0 ? (uint64_t)ms * 1000000 : 0);
    return call_until(SYS_ppoll, (long[6]){(long)fds, (long)n}, 2, ms < 0 ? NULL : &t, NULL);
}

INTERPOSE int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask) {
    return call_until(SYS_ppoll, (long[6]){(long)fds, (long)n}, 2, timeout, mask);
}

extern int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask, size_t room);
INTERPOSE int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
                       size_t room) {
    if (n > room / sizeof *fds) abort();
    return ppoll(fds, n, timeout, mask);
}

/* select leaves its sets undefined when interrupted, so they are put back before the call is made again. */
struct three_sets {
    fd_set *set[3];
    fd_set copy[3];
};

static void sets_save(struct three_sets *s, fd_set *r, fd_set *w, fd_set *e) {
    s->set[0] = r, s->set[1] = w, s->set[2] = e;
    for (int i = 0; i < 3; i++)
        if (s->set[i]) s->copy[i] = *s->set[i];
}
static void sets_restore(struct three_sets *s) {
    for (int i = 0; i < 3; i++)
        if (s->set[i]) *s->set[i] = s->copy[i];
}

struct kernel_sigset_argument {
    const uint64_t *mask;
    size_t size;
};

static int select_until(int n, fd_set *r, fd_set *w, fd_set *e, struct timespec *left, const uint64_t *mask) {
    struct kernel_sigset_argument argument = {mask, sizeof *mask};
    return (int)CANCELLABLE(SYS_pselect6, n, r, w, e, left, mask ? &argument : NULL);
}

/* Sets of more than FD_SETSIZE descriptors are the program's own extension: those are not copied, and not restarted. */
static int select_again(int n, fd_set *r, fd_set *w, fd_set *e, struct timespec *left, const uint64_t *mask) {
    struct three_sets sets;
    uint64_t deadline = left ? deadline_in(ns_of(left)) : 0;
    if (n <= FD_SETSIZE) sets_save(&sets, r, w, e);
    BLOCKING(b);
    for (;;) {
        int result = select_until(n, r, w, e, left, mask);
        if (n > FD_SETSIZE || !RESTARTED(b, result)) return result;
        sets_restore(&sets);
        if (left) *left = timespec_of(time_left(deadline));
    }
}

INTERPOSE int select(int n, fd_set *restrict r, fd_set *restrict w, fd_set *restrict e, struct timeval *restrict timeout) {
    struct timespec left;
    if (timeout) left = (struct timespec){timeout->tv_sec, timeout->tv_usec * 1000};
    if (timeout && timeout->tv_usec >= 1000000 && timeout->tv_sec >= 0) { /* libc's takes such, the kernel's pselect not */
        time_t more = timeout->tv_usec / 1000000;
        left.tv_sec = timeout->tv_sec > INT64_MAX - more ? INT64_MAX : timeout->tv_sec + more;
        left.tv_nsec = timeout->tv_usec % 1000000 * 1000;
    }
    int result = select_again(n, r, w, e, timeout ? &left : NULL, NULL);
    if (timeout) *timeout = (struct timeval){left.tv_sec, left.tv_nsec / 1000}; /* as Linux does */
    return result;
}

INTERPOSE int pselect(int n, fd_set *restrict r, fd_set *restrict w, fd_set *restrict e,
                   const struct timespec *restrict timeout, const sigset_t *restrict mask) {
    struct timespec left = timeout ? *timeout : (struct timespec){0};
    uint64_t bits = mask ? mask_strip(*(const uint64_t *)mask) : 0;
    return select_again(n, r, w, e, timeout ? &left : NULL, mask ? &bits : NULL);
}

INTERPOSE int epoll_pwait(int epfd, struct epoll_event *events, int n, int ms, const sigset_t *mask) {
    uint64_t deadline = ms > 0 ? deadline_in((uint64_t)ms * 1000000) : 0;
    uint64_t bits = mask ? mask_strip(*(const uint64_t *)mask) : 0;
    BLOCKING_KEEP(events);
    BLOCKING(b);
    for (;;) {
        int r = (int)CANCELLABLE(SYS_epoll_pwait, epfd, events, n, ms, mask ? &bits : NULL, sizeof bits);
        if (!RESTARTED(b, r)) return r;
        if (ms > 0) ms = ms_left(deadline);
    }
}

INTERPOSE int epoll_wait(int epfd, struct epoll_event *events, int n, int ms) { return epoll_pwait(epfd, events, n, ms, NULL); }

INTERPOSE int epoll_pwait2(int epfd, struct epoll_event *events, int n, const struct timespec *timeout, const sigset_t *mask) {
    return call_until(SYS_epoll_pwait2, (long[6]){epfd, (long)events, n}, 3, timeout, mask);
}

INTERPOSE int semtimedop(int id, struct sembuf *ops, size_t n, const struct timespec *timeout) {
    return call_until(SYS_semtimedop, (long[6]){id, (long)ops, (long)n}, 3, timeout, NULL);
}

INTERPOSE ssize_t msgrcv(int id, void *buf, size_t n, long type, int flags) {
    BLOCKING_KEEP(buf);
    BLOCKING(b);
    return AGAIN(b, ssize_t, CANCELLABLE(SYS_msgrcv, id, buf, n, type, flags));
}

INTERPOSE int msgsnd(int id, const void *buf, size_t n, int flags) {
    BLOCKING_KEEP(buf);
    BLOCKING(b);
    return AGAIN(b, int, (int)CANCELLABLE(SYS_msgsnd, id, buf, n, flags));
}

/* ---- sleeping ---- */

/* Returns 0, or an errno value; *left is what remains when a handler of the program interrupted it. */
static int sleep_for(clockid_t clock, int flags, const struct timespec *request, struct timespec *left) {
    __typeof__(clock_nanosleep) *next = NEXT(clock_nanosleep);
    struct timespec rest = *request, remain = {0};
    bool absolute = flags & TIMER_ABSTIME;
    BLOCKING(b);
    for (;;) {
        int saved = errno, error;
        if (next) error = next(clock, flags, &rest, absolute ? NULL : &remain);
        else error = CANCELLABLE(SYS_clock_nanosleep, clock, flags, &rest, absolute ? NULL : &remain) == 0 ? 0 : errno;
        errno = saved;
        if (error != EINTR || !blocking_cut_short(&b)) {
            if (error == EINTR && left && !absolute) *left = remain;
            return error;
        }
        blocking_again(&b);
        if (!absolute) rest = remain;
    }
}

INTERPOSE int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request, struct timespec *left) {
    return sleep_for(clock, flags, request, left);
}

INTERPOSE int nanosleep(const struct timespec *request, struct timespec *left) {
    int error = sleep_for(CLOCK_REALTIME, 0, request, left);
    if (error) errno = error;
    return error ? -1 : 0;
}

/* -1: interrupted by a handler; -2: another error. */
INTERPOSE int thrd_sleep(const struct timespec *request, struct timespec *left) {
    int error = sleep_for(CLOCK_REALTIME, 0, request, left);
    return error == EINTR ? -1 : error ? -2 : 0;
}

INTERPOSE int usleep(useconds_t us) {
    return nanosleep(&(struct timespec){us / 1000000, (long)(us % 1000000) * 1000}, NULL);
}

INTERPOSE unsigned sleep(unsigned seconds) {
    struct timespec left = {0};
    int saved = errno;
    int r = nanosleep(&(struct timespec){.tv_sec = seconds}, &left);
    if (r == 0) errno = saved;
    return r == 0 ? 0 : (unsigned)left.tv_sec + (left.tv_nsec >= NS / 2);
}

/* ---- children ---- */

INTERPOSE pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage) {
    __typeof__(wait4) *next = NEXT(wait4);
    BLOCKING(b);
    return AGAIN(b, pid_t, next ? next(pid, status, options, usage)
                                : (pid_t)CANCELLABLE(SYS_wait4, pid, status, options, usage));
}

INTERPOSE pid_t waitpid(pid_t pid, int *status, int options) { return wait4(pid, status, options, NULL); }
INTERPOSE pid_t wait(int *status) { return wait4(-1, status, 0, NULL); }
INTERPOSE pid_t wait3(int *status, int options, struct rusage *usage) { return wait4(-1, status, options, usage); }

INTERPOSE int waitid(idtype_t type, id_t id, siginfo_t *info, int options) {
    __typeof__(waitid) *next = NEXT(waitid);
    BLOCKING(b);
    return AGAIN(b, int, next ? next(type, id, info, options)
                              : (int)CANCELLABLE(SYS_waitid, type, id, info, options, NULL));
}

#ifdef TRIX_SHARED
#define LIBC_CLOCKWAIT NEXT(sem_clockwait)
#else
#define LIBC_CLOCKWAIT sem_clockwait
#endif

/* A semaphore's timed wait is the one wait for another thread that libc does not make again after a stop. This definition
 * stands in the archive too, so it goes by sem_clockwait, which there stays libc's own. */
static NOINLINE int sem_until(sem_t *s, clockid_t clock, const struct timespec *until) {
    __typeof__(sem_clockwait) *next = LIBC_CLOCKWAIT;
    BLOCKING_KEEP(s);
    BLOCKING(b);
    return AGAIN(b, int, next(s, clock, until));
}

INTERPOSE int sem_timedwait(sem_t *restrict s, const struct timespec *restrict until) { return sem_until(s, CLOCK_REALTIME, until); }

/* Inside libc these wait for a child made with vfork, during which no signal comes through. */
#ifdef TRIX_SHARED
INTERPOSE int system(const char *command) {
    BLOCKING_KEEP(command);
    BLOCKING(b);
    return NEXT(system)(command);
}

INTERPOSE FILE *popen(const char *command, const char *mode) {
    BLOCKING_KEEP(command);
    BLOCKING(b);
    return NEXT(popen)(command, mode);
}

#define SPAWN(name)                                                                                            \
    INTERPOSE int name(pid_t *restrict pid, const char *restrict path, const posix_spawn_file_actions_t *actions, \
                    const posix_spawnattr_t *restrict attributes, char *const argv[], char *const environment[]) { \
        BLOCKING_KEEP(path);                                                                                   \
        BLOCKING_KEEP(argv);                                                                                   \
        BLOCKING_KEEP(environment);                                                                            \
        BLOCKING(b);                                                                                           \
        return NEXT(name)(pid, path, actions, attributes, argv, environment);                                  \
    }
SPAWN(posix_spawn)
SPAWN(posix_spawnp)

/* ---- waiting for other threads; in an archive these stay libc's own: stops restart them, see docs ---- */

INTERPOSE int sem_wait(sem_t *s) {
    __typeof__(sem_wait) *next = NEXT(sem_wait);
    pthread_testcancel();
    if (sem_trywait(s) == 0) return 0;
    BLOCKING_KEEP(s);
    BLOCKING(b);
    return AGAIN(b, int, next(s));
}

INTERPOSE int sem_clockwait(sem_t *restrict s, clockid_t clock, const struct timespec *restrict until) {
    return sem_until(s, clock, until);
}

/* These have two versions on x86-64; the newer one is meant. */
#if defined(__x86_64__)
#define COND_VERSION "GLIBC_2.3.2"
#else
#define COND_VERSION "GLIBC_2.17"
#endif

INTERPOSE int pthread_cond_wait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m) {
    __typeof__(pthread_cond_wait) *next = NEXT_VERSION(pthread_cond_wait, COND_VERSION);
    BLOCKING_KEEP(c);
    BLOCKING_KEEP(m);
    BLOCKING(b);
    return next(c, m);
}

INTERPOSE int pthread_cond_timedwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m,
                                  const struct timespec *restrict until) {
    __typeof__(pthread_cond_timedwait) *next = NEXT_VERSION(pthread_cond_timedwait, COND_VERSION);
    BLOCKING_KEEP(c);
    BLOCKING_KEEP(m);
    BLOCKING_KEEP(until);
    BLOCKING(b);
    return next(c, m, until);
}

INTERPOSE int pthread_cond_clockwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m, clockid_t clock,
                                  const struct timespec *restrict until) {
    __typeof__(pthread_cond_clockwait) *next = NEXT(pthread_cond_clockwait);
    BLOCKING_KEEP(c);
    BLOCKING_KEEP(m);
    BLOCKING_KEEP(until);
    BLOCKING(b);
    return next(c, m, clock, until);
}

INTERPOSE int pthread_mutex_lock(pthread_mutex_t *m) {
    __typeof__(pthread_mutex_lock) *next = NEXT(pthread_mutex_lock);
    struct thread *t = thread_self();
    if (!t || t->cache.gate.inside) return next(m);
    int error = pthread_mutex_trylock(m);
    if (error != EBUSY) return error; /* EOWNERDEAD: ours, too */
    BLOCKING_KEEP(m);
    BLOCKING(b);
    return next(m);
}

INTERPOSE int pthread_barrier_wait(pthread_barrier_t *barrier) {
    __typeof__(pthread_barrier_wait) *next = NEXT(pthread_barrier_wait);
    BLOCKING_KEEP(barrier);
    BLOCKING(b);
    return next(barrier);
}
#endif
