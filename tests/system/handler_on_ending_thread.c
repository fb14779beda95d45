/* A signal to a thread that is ending runs no handler once the thread is detached: its thread-locals are no roots from then
 * on, so the handler could follow a pointer there to an object that has gone. The last destructor of a key runs that late, after
 * the library's own. */
#include "check.h"

#include <limits.h>

static __thread struct stamped *kept; /* the handler's */
static pthread_key_t last;
static int detached, collected, handled, early; /* atomic */

static void on_usr1(int sig) {
    (void)sig;
    REQUIRE(stamped_ok(kept, 5), "what a thread-local keeps is lost when a handler looks");
    post(&handled);
}

static void on_last(void *round) {
    if ((uintptr_t)round < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(last, (char *)round + 1);
        return;
    }
    post(&detached);
    await(&collected, 1);
    pthread_kill(pthread_self(), SIGUSR1); /* pending from here on, or handled at once */
}

static void *ends(void *arg) {
    kept = stamped_new(5);
    pthread_setspecific(last, (void *)1);
    pthread_kill(pthread_self(), SIGUSR1);
    early = posted(&handled);
    return arg;
}

int main(void) {
    pthread_t thread;
    struct sigaction a = {.sa_handler = on_usr1};
    REQUIRE(sigaction(SIGUSR1, &a, NULL) == 0, "sigaction: %s", strerror(errno));
    pthread_key_create(&last, on_last);
    pthread_create(&thread, NULL, ends, NULL);
    await(&detached, 1);
    step("collections while the thread ends");
    for (int i = 0; i < 3; i++) collect();
    post(&collected);
    pthread_join(thread, NULL);
    REQUIRE(early == 1, "%d handlers before the end", early);
    REQUIRE(posted(&handled) == 1, "%d handlers in all", posted(&handled));
    return 0;
}
