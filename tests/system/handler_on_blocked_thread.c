/* Hazard 6. A handler that runs on a thread that is blocked in a system call, and is taken as standing still,
 * makes it a running one: what the handler allocates and holds on its own stack lives, what it stores is
 * seen, it waits for a stop under way, and when it leaves by siglongjmp the thread goes on running, not
 * blocked. */
#include "check.h"

#include <setjmp.h>

enum { ROUNDS = 200 };

struct stamped *stored;                           /* by the handler; root */
static int wanted, in_handler, release, rounds, problems; /* atomic */
static int pipe_fd[2];
static sigjmp_buf out;
static bool jump; /* the handler leaves by siglongjmp */

/* Holds objects only in its own frame while others collect. */
NO_INLINE static void work(void) {
    struct stamped *volatile own[50];
    for (uint64_t i = 0; i < 50; i++) own[i] = stamped_new(i);
    tri_set(stored, stamped_new(77));
    post(&in_handler);
    while (posted(&release) < posted(&in_handler)) {
    }
    for (uint64_t i = 0; i < 50; i++)
        if (!stamped_ok(own[i], i)) post(&problems);
    for (uint64_t i = 0; i < 50; i++) own[i] = NULL;
}

/* Signals come until they have been seen to work: one too many only interrupts. */
static void on_usr1(int sig) {
    (void)sig;
    if (posted(&in_handler) == posted(&wanted)) return;
    work();
    if (jump) siglongjmp(out, 1);
}

/* Works on the heap after each interruption, which it must do as a running thread. */
NO_INLINE static void work_after(void) {
    struct stamped *volatile own[50];
    for (uint64_t i = 0; i < 50; i++) own[i] = stamped_new(i + 1000);
    for (int k = 0; k < 200; k++) stamped_new(5);
    for (uint64_t i = 0; i < 50; i++)
        if (!stamped_ok(own[i], i + 1000)) post(&problems);
}

static void *thread_main(void *tid) {
    char c;
    *(int *)tid = own_tid();
    while (posted(&release) < ROUNDS) {
        if (sigsetjmp(out, 1) == 0) {
            ssize_t r = read(pipe_fd[0], &c, 1);
            REQUIRE(r == -1 && errno == EINTR, "read has returned %ld", (long)r);
        }
        work_after();
        post(&rounds);
    }
    return NULL;
}

static void send_until_it_rises(int tid, int *count, int from) {
    while (posted(count) == from) {
        syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
        for (int k = 0; k < 1000 && posted(count) == from; k++) sched_yield();
    }
}

static void interrupt(bool by_jump) {
    pthread_t thread;
    static int tid;
    tid = wanted = in_handler = release = rounds = 0;
    jump = by_jump;
    pthread_create(&thread, NULL, thread_main, &tid);
    await(&tid, 1);
    for (int i = 0; i < ROUNDS; i++) {
        await_asleep(tid);
        post(&wanted);
        send_until_it_rises(tid, &in_handler, i); /* it may have slept somewhere else */
        collect();
        if (i % 16 == 0) churn();
        REQUIRE(stamped_ok(stored, 77), "what the handler has stored is lost");
        int before = posted(&rounds);
        post(&release);
        send_until_it_rises(tid, &rounds, before); /* the handler may have come before the read */
    }
    pthread_join(thread, NULL);
    REQUIRE(posted(&problems) == 0, "%d objects of the interrupted thread are lost", posted(&problems));
}

int main(void) {
    REQUIRE(pipe(pipe_fd) == 0, "pipe");
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_usr1}, NULL);
    step("handlers that return");
    interrupt(false);
    step("handlers that leave by siglongjmp");
    interrupt(true);
    return 0;
}
