/* In a constructor with a priority, libgcc does not know of a static program's unwind tables yet, and would abort when asked to walk
 * a stack: arenas work, a panic ends the program with its words and status, a recovery is made or says why it is not. */
#include "check.h"

#include <sys/wait.h>

static void recover(void *arg) {
    (void)arg;
    tri_recover();
}

NO_INLINE static int panics(void) {
    TRI_FUNC;
    tri_defer(recover, NULL);
    tri_panic("on purpose");
    return 1;
}

static void recovers(void) { _exit(panics()); }

static void dies(void) { tri_panic("on purpose"); }

/* What the child's exit status is; -1: a signal has ended it. */
static int status_of(void (*what)(void)) {
    pid_t child = fork();
    if (child == 0) {
        what();
        _exit(99);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int recovered, died;

__attribute__((constructor(102))) static void early(void) {
    tri_arena *a = tri_arena_new();
    tri_arena_make(a, long);
    tri_arena_free(a);
    recovered = status_of(recovers);
    died = status_of(dies);
}

int main(void) {
    REQUIRE(recovered == 0 || recovered == 2, "status of who recovers: %d", recovered);
    REQUIRE(died == 2, "status of who panics: %d", died);
    REQUIRE(status_of(recovers) == 0, "no recovery in main");
    return 0;
}
