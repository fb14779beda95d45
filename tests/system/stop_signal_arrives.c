/* Hazard 5. A collection ends whatever a thread does with its signals: blocks them all by every call there
 * is, waits for all of them, takes them from a descriptor, or stands in vfork and its kin; and none of these
 * ever sees the stop signal. */
#include "check.h"

#include <poll.h>
#include <setjmp.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

static int ready, stop; /* atomic */
static sigset_t all;

static void spin(void) {
    post(&ready);
    while (!posted(&stop)) {
    }
}

static void by_sigmask(void) {
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    spin();
}
static void by_block(void) {
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    spin();
}
static void by_sigprocmask(void) {
    sigprocmask(SIG_SETMASK, &all, NULL);
    spin();
}
static void on_usr1(int sig) {
    (void)sig;
    spin();
}
static void by_handler_mask(void) {
    struct sigaction a = {.sa_handler = on_usr1};
    a.sa_mask = all;
    sigaction(SIGUSR1, &a, NULL);
    raise(SIGUSR1);
}
static void by_sigsetjmp(void) {
    sigjmp_buf at;
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    if (sigsetjmp(at, 1) == 0) siglongjmp(at, 1);
    spin();
}
static void by_nothing(void) { spin(); }

/* Waits for any signal; only the SIGUSR2 sent at the end may come. */
static void by_sigwait(void) {
    int sig = 0;
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    post(&ready);
    REQUIRE(sigwait(&all, &sig) == 0 && sig == SIGUSR2, "sigwait has got signal %d", sig);
}
static void by_sigwaitinfo(void) {
    siginfo_t info;
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    post(&ready);
    int sig = sigwaitinfo(&all, &info);
    REQUIRE(sig == SIGUSR2, "sigwaitinfo has got signal %d", sig);
}
static void by_signalfd(void) {
    struct signalfd_siginfo info;
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    int fd = signalfd(-1, &all, SFD_CLOEXEC);
    post(&ready);
    REQUIRE(read(fd, &info, sizeof info) == sizeof info, "signalfd: %s", strerror(errno));
    REQUIRE(info.ssi_signo == SIGUSR2, "the descriptor gives signal %u", info.ssi_signo);
    close(fd);
}
static void by_ppoll(void) {
    sigset_t but = all;
    sigdelset(&but, SIGUSR2);
    signal(SIGUSR2, SIG_DFL);
    sigaction(SIGUSR2, &(struct sigaction){.sa_handler = on_usr1}, NULL);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    post(&ready);
    int r = ppoll(NULL, 0, NULL, &but);
    REQUIRE(r == -1 && errno == EINTR, "ppoll has returned %d", r);
}

/* ---- children: the parent of a vfork cannot take signals ---- */

static void child_waits(const char *how) {
    (void)how;
    REQUIRE(system("exec 9<&-; while test -e \"$CHECK_FILE\"; do sleep 0.02; done") == 0, "system");
}
static void by_system(void) {
    post(&ready);
    child_waits("system");
}
static void by_popen(void) {
    char line[8] = "";
    post(&ready);
    FILE *f = popen("echo hello", "r");
    REQUIRE(f && fgets(line, sizeof line, f), "popen");
    pclose(f);
}
extern char **environ;
static void by_spawn(void) {
    pid_t pid;
    int status;
    char *arguments[] = {(char *)"true", NULL};
    post(&ready);
    for (int i = 0; i < 5; i++) {
        REQUIRE(posix_spawnp(&pid, "true", NULL, NULL, arguments, environ) == 0, "posix_spawnp");
        REQUIRE(waitpid(pid, &status, 0) == pid && status == 0, "waitpid");
    }
}

static const struct way {
    const char *name;
    void (*run)(void);
    bool signalled; /* ends by SIGUSR2 */
} ways[] = {
    {"pthread_sigmask(SIG_SETMASK, all)", by_sigmask, false},
    {"pthread_sigmask(SIG_BLOCK, all)", by_block, false},
    {"sigprocmask(SIG_SETMASK, all)", by_sigprocmask, false},
    {"a handler with all signals in sa_mask", by_handler_mask, false},
    {"siglongjmp to a mask of all", by_sigsetjmp, false},
    {"a thread made with all signals blocked", by_nothing, false},
    {"sigwait(all)", by_sigwait, true},
    {"sigwaitinfo(all)", by_sigwaitinfo, true},
    {"signalfd(all)", by_signalfd, true},
    {"ppoll with a mask of all", by_ppoll, true},
    {"system", by_system, false},
    {"popen", by_popen, false},
    {"posix_spawnp", by_spawn, false},
};

static int thread_tid; /* atomic */

static void *thread_main(void *arg) {
    __atomic_store_n(&thread_tid, own_tid(), __ATOMIC_SEQ_CST);
    ((const struct way *)arg)->run();
    return NULL;
}

static void try(const struct way *way, const char *file) {
    pthread_t thread;
    pthread_attr_t attributes;
    step(way->name);
    ready = stop = 0;
    pthread_attr_init(&attributes);
    if (way->run == by_nothing) pthread_attr_setsigmask_np(&attributes, &all);
    int fd = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0, "open: %s", strerror(errno));
    pthread_create(&thread, &attributes, thread_main, (void *)(uintptr_t)way);
    pthread_attr_destroy(&attributes);
    await(&ready, 1);
    for (int i = 0; i < 20; i++) tri_gc();
    unlink(file);
    post(&stop);
    if (way->signalled) {
        await_asleep(thread_tid);
        syscall(SYS_tgkill, getpid(), thread_tid, SIGUSR2);
    }
    pthread_join(thread, NULL);
    close(fd);
}

int main(void) {
    char file[] = "/tmp/tricolor-check-XXXXXX";
    sigfillset(&all);
    close(mkstemp(file));
    setenv("CHECK_FILE", file, 1);
    for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++) try(&ways[i], file);
    step("what the mask reads");
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    REQUIRE(sigismember(&now, SIGUSR1) && sigismember(&now, SIGTERM), "signals are not blocked");
    return 0;
}
