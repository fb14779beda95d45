/* fork.c - forks while other threads, at the memory limit, give memory back to make room for large objects: the child has the
 * heap to itself, allocates, collects and ends. It must not find a lock that one of them has held. */
#include "limit_test.h"

#include <signal.h>

enum { CHURNERS = 2, FORKS = 60, LEAST = 1 << 20, MOST = 5 << 20 };

enum { PATIENCE_S = 20 };

static int stop;
static pid_t pid;

/* A child that waits for ever is killed, and its status says so. */
static void on_alarm(int signal) {
    (void)signal;
    if (pid > 0) kill(pid, SIGKILL);
}

static void *large_objects(void *arg) {
    uint64_t random = (uint64_t)(uintptr_t)arg;
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t bytes = LEAST + (random >> 33) % (MOST - LEAST);
        char *object = tri_alloc_leaf(bytes);
        object[0] = object[bytes - 1] = 1;
    }
    return NULL;
}

static void child(void) {
    churn(NULL, 0, 64 << 10);
    tri_gc();
    _exit(0);
}

int main(void) {
    pthread_t threads[CHURNERS];
    signal(SIGALRM, on_alarm);
    tri_set_gc_percent(-1);
    tri_set_memory_limit((int64_t)(24 * MIB));
    for (uintptr_t i = 0; i < CHURNERS; i++) pthread_create(&threads[i], NULL, large_objects, (void *)(i + 1));
    for (int i = 0; i < FORKS; i++) {
        int status;
        pid = fork();
        REQUIRE(pid >= 0, "no fork");
        if (pid == 0) child();
        alarm(PATIENCE_S);
        REQUIRE(waitpid(pid, &status, 0) == pid && status == 0, "child %d has ended with status 0x%x", i, status);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < CHURNERS; i++) pthread_join(threads[i], NULL);
    return 0;
}
