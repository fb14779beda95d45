/* The program's own handler of SIGPROF is back after a CPU profile: the one it had, or the one it has set since. */
#include "../require.h"

#include <signal.h>
#include <sys/wait.h>

static volatile sig_atomic_t first, second;
static void on_first(int sig) { (void)sig, first++; }
static void on_second(int sig) { (void)sig, second++; }

static FILE *to;
static void profile(void (*meanwhile)(int)) {
    REQUIRE(tri_cpu_profile_start(to) == 0, "no profile");
    if (meanwhile) signal(SIGPROF, meanwhile);
    for (volatile long i = 0; i < 20000000; i++) {}
    REQUIRE(tri_cpu_profile_stop() == 0, "no profile");
}

static void counts(volatile sig_atomic_t *handler, const char *which) {
    sig_atomic_t before = *handler;
    raise(SIGPROF);
    REQUIRE(*handler > before, "the %s handler is not there", which);
}

int main(void) {
    to = tmpfile();
    profile(NULL);
    raise(SIGPROF); /* there was none: this does not end the program */
    signal(SIGPROF, on_first);
    for (int i = 0; i < 2; i++) {
        profile(NULL);
        counts(&first, "first");
    }
    profile(on_second);
    counts(&second, "second");
    profile(NULL);
    counts(&second, "second");
    REQUIRE(tri_cpu_profile_start(to) == 0, "no profile");
    pid_t pid = fork();
    if (pid == 0) {
        counts(&second, "second");
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    REQUIRE(status == 0 && tri_cpu_profile_stop() == 0, "the child ended with %x", status);
    return 0;
}
