/* Threads are cancelled while they wait in each of the calls that the library stands in front of, as they
 * would be without it, and while they allocate; collections go on, and cleanup handlers find their objects.
 */
#include "check.h"

#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>

static int pipe_fd[2], sockets[2], epoll_fd, queue_id, listener;
static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static char byte;
static sigset_t none, usr2;
static pthread_t sleeper;

static void c_read(void) { (void)!read(pipe_fd[0], &byte, 1); }
static void c_readv(void) { (void)!readv(pipe_fd[0], &(struct iovec){&byte, 1}, 1); }
static void c_recv(void) { (void)!recv(sockets[0], &byte, 1, 0); }
static void c_recvfrom(void) { (void)!recvfrom(sockets[0], &byte, 1, 0, NULL, NULL); }
static void c_accept(void) { accept(listener, NULL, NULL); }
static void c_poll(void) { poll(NULL, 0, -1); }
static void c_ppoll(void) { ppoll(NULL, 0, NULL, NULL); }
static void c_select(void) { select(0, NULL, NULL, NULL, NULL); }
static void c_pselect(void) { pselect(0, NULL, NULL, NULL, NULL, NULL); }
static void c_epoll_wait(void) { epoll_wait(epoll_fd, &(struct epoll_event){0}, 1, -1); }
static void c_epoll_pwait(void) { epoll_pwait(epoll_fd, &(struct epoll_event){0}, 1, -1, &none); }
static void c_nanosleep(void) { nanosleep(&(struct timespec){1000, 0}, NULL); }
static void c_sleep(void) { sleep(1000); }
static void c_clock_nanosleep(void) {
    clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){1000, 0}, NULL);
}
static void c_pause(void) { pause(); }
static void c_sigsuspend(void) { sigsuspend(&none); }
static void c_sigwaitinfo(void) { sigwaitinfo(&usr2, NULL); }
static void c_sigwait(void) {
    int sig;
    sigwait(&usr2, &sig);
}
static void c_sigtimedwait(void) { sigtimedwait(&usr2, NULL, &(struct timespec){1000, 0}); }
static void c_sem_wait(void) { sem_wait(&semaphore); }
static void c_sem_timedwait(void) { sem_timedwait(&semaphore, &(struct timespec){time(NULL) + 1000, 0}); }
static void c_msgrcv(void) {
    struct {
        long type;
        char text[8];
    } m;
    (void)!msgrcv(queue_id, &m, 8, 0, 0);
}
static void unlock(void *m) { pthread_mutex_unlock((pthread_mutex_t *)m); }
static void c_cond_wait(void) {
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, &mutex);
    while (true) pthread_cond_wait(&condition, &mutex);
    pthread_cleanup_pop(1);
}
static void c_waitpid(void) { waitpid(-1, NULL, 0); }
static void c_join(void) { pthread_join(sleeper, NULL); }
static void c_testcancel(void) {
    while (true) {
        stamped_new(1);
        pthread_testcancel();
    }
}

static const struct way {
    const char *name;
    void (*call)(void);
} ways[] = {
    {"read", c_read},
    {"readv", c_readv},
    {"recv", c_recv},
    {"recvfrom", c_recvfrom},
    {"accept", c_accept},
    {"poll", c_poll},
    {"ppoll", c_ppoll},
    {"select", c_select},
    {"pselect", c_pselect},
    {"epoll_wait", c_epoll_wait},
    {"epoll_pwait", c_epoll_pwait},
    {"nanosleep", c_nanosleep},
    {"sleep", c_sleep},
    {"clock_nanosleep", c_clock_nanosleep},
    {"pause", c_pause},
    {"sigsuspend", c_sigsuspend},
    {"sigwaitinfo", c_sigwaitinfo},
    {"sigwait", c_sigwait},
    {"sigtimedwait", c_sigtimedwait},
    {"sem_wait", c_sem_wait},
    {"sem_timedwait", c_sem_timedwait},
    {"msgrcv", c_msgrcv},
    {"pthread_cond_wait", c_cond_wait},
    {"waitpid", c_waitpid},
    {"pthread_join", c_join},
    {"pthread_testcancel", c_testcancel},
};

static int tid, cleaned; /* atomic */

static void clean(void *arg) {
    struct stamped *s = (struct stamped *)arg;
    REQUIRE(stamped_ok(s, 5), "the object of the cancelled thread is lost");
    for (uint64_t i = 0; i < 300; i++)
        REQUIRE(stamped_ok(stamped_new(i), i), "the cancelled thread cannot allocate");
    post(&cleaned);
}

static void *victim(void *arg) {
    const struct way *way = (const struct way *)arg;
    pthread_cleanup_push(clean, stamped_new(5));
    __atomic_store_n(&tid, own_tid(), __ATOMIC_SEQ_CST);
    way->call();
    pthread_cleanup_pop(0);
    return NULL;
}

static void *endless(void *arg) {
    char c;
    (void)!read(*(int *)arg, &c, 1);
    return NULL;
}

static void cancel(const struct way *way) {
    pthread_t thread;
    void *result;
    step(way->name);
    tid = cleaned = 0;
    pthread_create(&thread, NULL, victim, (void *)(uintptr_t)way);
    await(&tid, 1);
    if (way->call != c_testcancel) await_asleep(tid);
    tri_gc();
    pthread_cancel(thread);
    pthread_join(thread, &result);
    REQUIRE(result == PTHREAD_CANCELED, "the thread has ended by itself");
    REQUIRE(posted(&cleaned) == 1, "cleanup handlers have run %d times", posted(&cleaned));
    collect();
}

int main(void) {
    int hold[2];
    pid_t child;
    REQUIRE(pipe(pipe_fd) == 0 && pipe(hold) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0,
            "pipe");
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    sem_init(&semaphore, 0, 0);
    queue_id = msgget(IPC_PRIVATE, 0600);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(listener, &(struct sockaddr){.sa_family = AF_UNIX}, sizeof(sa_family_t));
    listen(listener, 1);
    sigemptyset(&none);
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &usr2, NULL);
    if ((child = fork()) == 0) {
        close(hold[1]);
        syscall(SYS_read, hold[0], &byte, 1); /* ends with the parent */
        _exit(0);
    }
    pthread_create(&sleeper, NULL, endless, &hold[0]);
    for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++) cancel(&ways[i]);
    msgctl(queue_id, IPC_RMID, NULL);
    kill(child, SIGKILL);
    return 0;
}
