/* refuse.h - a test's work with system calls refused, in a child of its own. After require.h or system/check.h, whose REQUIRE it uses;
 * for builds with TRICOLOR_FAULTS. */
#ifndef TEST_REFUSE_H
#define TEST_REFUSE_H

#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

/* The child's exit status; one that a signal ends is a failure. What it says is dropped, but with WORDS in the environment. */
HELPER int status_refusing(enum os_fault kind, uint64_t nth, bool sticky, void (*work)(void)) {
    fflush(NULL);
    pid_t child = fork();
    REQUIRE(child >= 0, "fork: %s", strerror(errno));
    if (child == 0) {
        if (!getenv("WORDS")) dup2(open("/dev/null", O_WRONLY), 2);
        trix_os_fault(kind, nth, sticky);
        work();
        _exit(0);
    }
    int status;
    REQUIRE(waitpid(child, &status, 0) == child, "waitpid");
    REQUIRE(WIFEXITED(status), "kind %d, call %lu%s: signal %d", kind, nth, sticky ? " and all after it" : "", WTERMSIG(status));
    return WEXITSTATUS(status);
}

#endif
