/* A thread that blocks the stop signal by a raw system call, past the library, holds a collection up: after a second it is
 * named on stderr, once, and the collection goes on when it lets the signal in. */
#include "check.h"

static int ready;       /* atomic */
static int messages[2]; /* a pipe: what the library says on stderr */
static char said[512];
static int tid;

static void raw_mask(uint64_t mask) { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask); }

static void *refuse(void *arg) {
    struct stamped *object = stamped_new(1);
    tid = own_tid();
    raw_mask(~0ull);
    post(&ready);
    long n = syscall(SYS_read, messages[0], said, sizeof said - 1); /* the library does not know that this waits */
    raw_mask(0);
    REQUIRE(n > 0, "read: %s", strerror(errno));
    REQUIRE(stamped_ok(object, 1), "lost");
    return arg;
}

int main(void) {
    pthread_t thread;
    char whose[32];
    int terminal = dup(2);
    REQUIRE(pipe2(messages, O_CLOEXEC) == 0 && terminal >= 0, "pipe: %s", strerror(errno));
    pthread_create(&thread, NULL, refuse, NULL);
    await(&ready, 1);
    step("a collection with a thread that refuses the signal");
    dup2(messages[1], 2);
    tri_gc();
    dup2(terminal, 2);
    pthread_join(thread, NULL);
    snprintf(whose, sizeof whose, "(tid %d) does not answer", tid);
    REQUIRE(strstr(said, whose) && strstr(said, "block all signals by a raw system call?"), "said: %s", said);
    REQUIRE(fcntl(messages[0], F_SETFL, O_NONBLOCK) == 0 && read(messages[0], said, sizeof said) < 0, "it is said again: %s", said);
    return 0;
}
