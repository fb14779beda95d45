/* Hazard 9, for our own list of restartable ranges: a module is not forgotten while a signal handler looks through the list,
 * on whatever thread. Here that is one that is blocked, so that no stop of the world waits for it.
 *
 * The handler is held where it asks for the interrupted instruction: it is looking by then. Whether the module's record is
 * unmapped meanwhile is seen from the calls that unmap something. */
#include "check.h"

#include <dlfcn.h>

static int sleeper_tid, looking, look_on; /* atomic */
static int closing, gone_too_early;       /* atomic */

uintptr_t __real_trix_os_context_pc(const void *context);
uintptr_t __wrap_trix_os_context_pc(const void *context);
uintptr_t __wrap_trix_os_context_pc(const void *context) {
    if (own_tid() == posted(&sleeper_tid) && !posted(&look_on)) {
        post(&looking);
        await(&look_on, 1);
        __atomic_store_n(&looking, 0, __ATOMIC_SEQ_CST);
    }
    return __real_trix_os_context_pc(context);
}

void __real_trix_os_unmap(void *at, size_t bytes);
void __wrap_trix_os_unmap(void *at, size_t bytes);
void __wrap_trix_os_unmap(void *at, size_t bytes) {
    if (posted(&closing) && posted(&looking)) post(&gone_too_early);
    __real_trix_os_unmap(at, bytes);
}

static void on_usr1(int sig) { (void)sig; }

static void *sleep_on(void *arg) {
    __atomic_store_n(&sleeper_tid, own_tid(), __ATOMIC_SEQ_CST);
    int fd[2];
    char c;
    if (pipe(fd) != 0) return arg;
    REQUIRE(read(fd[0], &c, 1) == -1 && errno == EINTR, "read has returned");
    return NULL;
}

/* Gives the closing thread time to go wrong; if it does not take it, nothing is lost but the test's power. */
static void *let_look_on(void *arg) {
    usleep(100 * 1000);
    post(&look_on);
    return arg;
}

int main(void) {
    pthread_t sleeper, other;
    tri_set_gc_percent(-1);
    struct sigaction action = {.sa_handler = on_usr1}; /* without SA_RESTART: it ends the read */
    sigaction(SIGUSR1, &action, NULL);
    void *handle = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(handle, "%s", dlerror());
    REQUIRE(pthread_create(&sleeper, NULL, sleep_on, NULL) == 0, "no thread");
    await(&sleeper_tid, 1);
    await_asleep(sleeper_tid);
    step("a signal for the sleeper");
    pthread_kill(sleeper, SIGUSR1);
    await(&looking, 1);
    REQUIRE(pthread_create(&other, NULL, let_look_on, NULL) == 0, "no thread");
    step("dlclose");
    post(&closing);
    dlclose(handle);
    REQUIRE(!posted(&gone_too_early), "the module's record is gone while a handler looks through the list");
    REQUIRE(!posted(&looking), "dlclose has not waited");
    pthread_join(other, NULL);
    void *result;
    pthread_join(sleeper, &result);
    REQUIRE(!result, "no pipe");
    return 0;
}
