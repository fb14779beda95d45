/* Collections are not felt by calls that block: none returns early, or with EINTR, while another thread
 * collects in a loop and the stop signal comes in all the time, as it does when it was under way as the
 * thread blocked. A handler of the program's own interrupts them as ever. */
#include "check.h"

#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <threads.h>

enum { STOP_SIGNAL = SIGURG, MS = 1000000, SLEEP_MS = 60 };

/* ---- the pest: stops and signals without end ---- */

static struct {
    pthread_t thread;
    int tid;  /* whom it signals */
    int sent; /* atomic */
    int stop; /* atomic */
} pest;

static void *pest_main(void *arg) {
    (void)arg;
    for (int i = 0; !posted(&pest.stop); i++) {
        syscall(SYS_tgkill, getpid(), pest.tid, STOP_SIGNAL);
        post(&pest.sent);
        if (i % 8 == 0) tri_gc();
        syscall(SYS_nanosleep, &(struct timespec){0, MS}, NULL);
    }
    return NULL;
}
static void await_pest(int n) {
    int from = posted(&pest.sent);
    await(&pest.sent, from + n);
}

/* ---- calls with a timeout ---- */

static struct timespec ms_of(long ms) { return (struct timespec){ms / 1000, ms % 1000 * MS}; }
static struct timespec ms_from_now(clockid_t clock, long ms) {
    struct timespec t;
    clock_gettime(clock, &t);
    uint64_t ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec + (uint64_t)ms * MS;
    return (struct timespec){(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
}

static int pipe_fd[2], epoll_fd, sem_id, queue_id;
static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

/* Each waits SLEEP_MS for nothing; returns 0 when it has come back as it should. */
static int t_nanosleep(void) { return nanosleep(&(struct timespec){0, SLEEP_MS * MS}, NULL); }
static int t_thrd_sleep(void) { return thrd_sleep(&(struct timespec){0, SLEEP_MS * MS}, NULL); }
static int t_usleep(void) { return usleep(SLEEP_MS * 1000); }
static int t_clock_nanosleep(void) {
    struct timespec t = ms_of(SLEEP_MS);
    return clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}
static int t_clock_nanosleep_until(void) {
    struct timespec t = ms_from_now(CLOCK_MONOTONIC, SLEEP_MS);
    return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}
static int t_poll(void) { return poll(&(struct pollfd){.fd = pipe_fd[0], .events = POLLIN}, 1, SLEEP_MS); }
static int t_ppoll(void) {
    struct timespec t = ms_of(SLEEP_MS);
    return ppoll(&(struct pollfd){.fd = pipe_fd[0], .events = POLLIN}, 1, &t, NULL);
}
static int t_select(void) {
    struct timeval t = {0, SLEEP_MS * 1000};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipe_fd[0], &set);
    return select(pipe_fd[0] + 1, &set, NULL, NULL, &t);
}
static int t_pselect(void) {
    struct timespec t = ms_of(SLEEP_MS);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipe_fd[0], &set);
    return pselect(pipe_fd[0] + 1, &set, NULL, NULL, &t, NULL);
}
static int t_epoll_wait(void) {
    struct epoll_event e;
    return epoll_wait(epoll_fd, &e, 1, SLEEP_MS);
}
static int t_epoll_pwait(void) {
    struct epoll_event e;
    sigset_t none;
    sigemptyset(&none);
    return epoll_pwait(epoll_fd, &e, 1, SLEEP_MS, &none);
}
static int t_epoll_pwait2(void) {
    struct epoll_event e;
    struct timespec t = ms_of(SLEEP_MS);
    int r = epoll_pwait2(epoll_fd, &e, 1, &t, NULL);
    if (r == 0 || errno != ENOSYS) return r;
    return nanosleep(&t, NULL); /* Linux before 5.11 */
}
static int ended(int r, int error) { return r == -1 && errno == error ? 0 : -1; }
static int t_sem_timedwait(void) {
    struct timespec t = ms_from_now(CLOCK_REALTIME, SLEEP_MS);
    return ended(sem_timedwait(&semaphore, &t), ETIMEDOUT);
}
static int t_cond_timedwait(void) {
    struct timespec t = ms_from_now(CLOCK_REALTIME, SLEEP_MS);
    pthread_mutex_lock(&mutex);
    int error = pthread_cond_timedwait(&condition, &mutex, &t);
    pthread_mutex_unlock(&mutex);
    return error == ETIMEDOUT ? 0 : -1;
}
static int t_semtimedop(void) {
    struct timespec t = ms_of(SLEEP_MS);
    struct sembuf take = {.sem_op = -1};
    return ended(semtimedop(sem_id, &take, 1, &t), EAGAIN);
}
static int t_sigtimedwait(void) {
    struct timespec t = ms_of(SLEEP_MS);
    sigset_t set;
    sigfillset(&set);
    sigdelset(&set, SIGRTMAX - 1); /* the watchdog's */
    return ended(sigtimedwait(&set, NULL, &t), EAGAIN);
}

static const struct timed {
    const char *name;
    int (*call)(void);
} timed[] = {
    {"nanosleep", t_nanosleep},
    {"thrd_sleep", t_thrd_sleep},
    {"usleep", t_usleep},
    {"clock_nanosleep", t_clock_nanosleep},
    {"clock_nanosleep until", t_clock_nanosleep_until},
    {"poll", t_poll},
    {"ppoll", t_ppoll},
    {"select", t_select},
    {"pselect", t_pselect},
    {"epoll_wait", t_epoll_wait},
    {"epoll_pwait", t_epoll_pwait},
    {"epoll_pwait2", t_epoll_pwait2},
    {"sem_timedwait", t_sem_timedwait},
    {"pthread_cond_timedwait", t_cond_timedwait},
    {"semtimedop", t_semtimedop},
    {"sigtimedwait", t_sigtimedwait},
};

static void call_timed(void) {
    for (unsigned i = 0; i < sizeof timed / sizeof timed[0]; i++) {
        step(timed[i].name);
        for (int k = 0; k < 3; k++) {
            uint64_t from = now_ns();
            int r = timed[i].call();
            uint64_t took = now_ns() - from;
            REQUIRE(r == 0, "%s has returned %d, errno %d", timed[i].name, r, errno);
            REQUIRE(took + MS / 10 >= (uint64_t)SLEEP_MS * MS, "%s has taken %.3f ms, not %d", timed[i].name,
                    (double)took / MS, SLEEP_MS);
        }
    }
    step("sleep");
    uint64_t from = now_ns();
    unsigned left = sleep(1);
    REQUIRE(left == 0 && now_ns() - from >= 1000u * MS, "sleep has left %u s", left);
}

/* ---- calls without one: what they wait for comes after many signals ---- */

static int sockets[2], listener, crowd /* with no place left in its queue */, child_pipe[2], event_fd, lock_fd[2];
static struct message {
    long type;
    char text[8];
} message = {1, "message"};

static void g_read(void) { REQUIRE(write(pipe_fd[1], "x", 1) == 1, "write"); }
static ssize_t w_read(void) {
    char c;
    return read(pipe_fd[0], &c, 1);
}
static ssize_t w_readv(void) {
    char c;
    return readv(pipe_fd[0], &(struct iovec){&c, 1}, 1);
}
static void g_recv(void) { REQUIRE(send(sockets[1], "x", 1, 0) == 1, "send"); }
static ssize_t w_recv(void) {
    char c;
    return recv(sockets[0], &c, 1, 0);
}
static ssize_t w_recvfrom(void) {
    char c;
    return recvfrom(sockets[0], &c, 1, 0, NULL, NULL);
}
static ssize_t w_recvmsg(void) {
    char c;
    struct iovec v = {&c, 1};
    return recvmsg(sockets[0], &(struct msghdr){.msg_iov = &v, .msg_iovlen = 1}, 0);
}
static void g_eventfd(void) { REQUIRE(eventfd_write(event_fd, 1) == 0, "eventfd_write"); }
static ssize_t w_eventfd(void) {
    uint64_t n;
    return read(event_fd, &n, 8) == 8 ? 1 : -1;
}
static void g_sem(void) { sem_post(&semaphore); }
static ssize_t w_sem(void) { return sem_wait(&semaphore) == 0 ? 1 : -1; }
static void g_semop(void) { REQUIRE(semop(sem_id, &(struct sembuf){.sem_op = 1}, 1) == 0, "semop"); }
static ssize_t w_semop(void) { return semop(sem_id, &(struct sembuf){.sem_op = -1}, 1) == 0 ? 1 : -1; }
static void g_queue(void) { REQUIRE(msgsnd(queue_id, &message, 8, 0) == 0, "msgsnd"); }
static ssize_t w_queue(void) {
    struct message m;
    return msgrcv(queue_id, &m, 8, 0, 0) == 8 ? 1 : -1;
}
static void g_flock(void) { flock(lock_fd[1], LOCK_UN); }
static ssize_t w_flock(void) {
    return flock(lock_fd[0], LOCK_EX) == 0 && flock(lock_fd[0], LOCK_UN) == 0 ? 1 : -1;
}
static void g_child(void) { REQUIRE(write(child_pipe[1], "x", 1) == 1, "write"); }
static ssize_t w_child(void) {
    int status;
    return wait(&status) > 0 && WIFEXITED(status) ? 1 : -1;
}
static void g_accept(void) {
    struct sockaddr name;
    socklen_t length = sizeof name;
    getsockname(listener, &name, &length);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(connect(fd, &name, length) == 0, "connect: %s", strerror(errno));
    close(fd);
}
static ssize_t w_accept(void) {
    int fd = accept(listener, NULL, NULL);
    if (fd >= 0) close(fd);
    return fd >= 0 ? 1 : -1;
}
static void g_crowd(void) { close(accept(crowd, NULL, NULL)); }
static ssize_t w_connect(void) {
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    getsockname(crowd, (struct sockaddr *)&name, &length);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){.tv_sec = 100}, sizeof(struct timeval)); /* then it is never restarted */
    int r = connect(fd, (struct sockaddr *)&name, length);
    length = sizeof name;
    if (r == 0) r = getpeername(fd, (struct sockaddr *)&name, &length);
    close(fd);
    return r == 0 ? 1 : -1;
}
static void g_signal(void) { syscall(SYS_tgkill, getpid(), pest.tid, SIGUSR2); }
static ssize_t w_sigwaitinfo(void) {
    sigset_t set;
    sigfillset(&set);
    return sigwaitinfo(&set, NULL) == SIGUSR2 ? 1 : -1;
}
static int handled; /* atomic */
static void on_usr1(int sig) {
    (void)sig;
    post(&handled);
}
static void g_handler(void) { syscall(SYS_tgkill, getpid(), pest.tid, SIGUSR1); }
static ssize_t w_pause(void) {
    int before = posted(&handled);
    return pause() == -1 && errno == EINTR && posted(&handled) == before + 1 ? 1 : -1;
}
static ssize_t w_sigsuspend(void) {
    int before = posted(&handled);
    sigset_t none;
    sigemptyset(&none);
    return sigsuspend(&none) == -1 && errno == EINTR && posted(&handled) == before + 1 ? 1 : -1;
}
static ssize_t w_interrupted(void) {
    int before = posted(&handled);
    return nanosleep(&(struct timespec){50, 0}, NULL) == -1 && errno == EINTR &&
                   posted(&handled) == before + 1
               ? 1
               : -1;
}
static ssize_t w_poll_interrupted(void) { return poll(NULL, 0, -1) == -1 && errno == EINTR ? 1 : -1; }

static const struct waiting {
    const char *name;
    ssize_t (*wait)(void);
    void (*give)(void);
} waiting[] = {
    {"read", w_read, g_read},
    {"readv", w_readv, g_read},
    {"recv", w_recv, g_recv},
    {"recvfrom", w_recvfrom, g_recv},
    {"recvmsg", w_recvmsg, g_recv},
    {"read of an eventfd", w_eventfd, g_eventfd},
    {"sem_wait", w_sem, g_sem},
    {"semop", w_semop, g_semop},
    {"msgrcv", w_queue, g_queue},
    {"flock", w_flock, g_flock},
    {"wait", w_child, g_child},
    {"accept", w_accept, g_accept},
    {"connect", w_connect, g_crowd},
    {"sigwaitinfo", w_sigwaitinfo, g_signal},
    {"pause", w_pause, g_handler},
    {"sigsuspend", w_sigsuspend, g_handler},
    {"nanosleep, interrupted by a handler", w_interrupted, g_handler},
    {"poll, interrupted by a handler", w_poll_interrupted, g_handler},
};

static void *giver_main(void *arg) {
    const struct waiting *w = (const struct waiting *)arg;
    await_pest(20);
    await_asleep(pest.tid);
    w->give();
    return NULL;
}

static void call_waiting(void) {
    for (unsigned i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
        pthread_t giver;
        step(waiting[i].name);
        pthread_create(&giver, NULL, giver_main, (void *)(uintptr_t)&waiting[i]);
        ssize_t r = waiting[i].wait();
        REQUIRE(r == 1, "%s has failed: errno %d", waiting[i].name, errno);
        pthread_join(giver, NULL);
    }
}

static void prepare(void) {
    sigset_t set;
    REQUIRE(pipe(pipe_fd) == 0 && pipe(child_pipe) == 0, "pipe");
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pipe_fd[0], &(struct epoll_event){.events = EPOLLIN});
    sem_init(&semaphore, 0, 0);
    sem_id = semget(IPC_PRIVATE, 1, 0600);
    queue_id = msgget(IPC_PRIVATE, 0600);
    event_fd = eventfd(0, EFD_CLOEXEC);
    socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(listener, &(struct sockaddr){.sa_family = AF_UNIX}, sizeof(sa_family_t));
    listen(listener, 1);
    crowd = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(crowd, &(struct sockaddr){.sa_family = AF_UNIX}, sizeof(sa_family_t));
    listen(crowd, 0);
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    getsockname(crowd, (struct sockaddr *)&name, &length);
    while (connect(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), (struct sockaddr *)&name, length) == 0) {
    }
    lock_fd[0] = open("/proc/self/exe", O_RDONLY);
    lock_fd[1] = open("/proc/self/exe", O_RDONLY);
    flock(lock_fd[1], LOCK_EX);
    if (fork() == 0) {
        char c;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(read(child_pipe[0], &c, 1) == 1 ? 0 : 1);
    }
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_usr1}, NULL);
}

int main(void) {
    prepare();
    if (sem_id < 0 || queue_id < 0) skip("no System V semaphores or queues here");
    pest.tid = own_tid();
    pthread_create(&pest.thread, NULL, pest_main, NULL);
    call_timed();
    call_waiting();
    post(&pest.stop);
    pthread_join(pest.thread, NULL);
    semctl(sem_id, 0, IPC_RMID);
    msgctl(queue_id, IPC_RMID, NULL);
    return 0;
}
