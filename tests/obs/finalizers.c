/* What finalizers do is in the CPU profile, as in Go: they are the program's functions. */
#include "../require.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

static int done; /* atomic */

/* A third of a second of its own CPU time. */
void burns_in_a_finalizer(void *object) {
    struct timespec now;
    (void)object;
    do {
        for (volatile int i = 0; i < 100000; i++) {}
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    } while (now.tv_sec == 0 && now.tv_nsec < 333000000);
    __atomic_store_n(&done, 1, __ATOMIC_SEQ_CST);
}

static void *drops_one(void *unused) {
    tri_set_finalizer(tri_alloc(100), burns_in_a_finalizer);
    return unused;
}

int main(void) {
    static char text[1 << 20], command[300];
    char path[] = "/tmp/tricolor-finalizers-XXXXXX";
    FILE *to = fdopen(mkstemp(path), "w");
    pthread_t thread;
    REQUIRE(to && tri_cpu_profile_start(to) == 0, "no profile");
    pthread_create(&thread, NULL, drops_one, NULL);
    pthread_join(thread, NULL);
    while (!__atomic_load_n(&done, __ATOMIC_SEQ_CST)) tri_gc(), sched_yield();
    REQUIRE(tri_cpu_profile_stop() == 0, "no profile");
    fclose(to);
    snprintf(command, sizeof command, "gzip -dc <%s", path);
    FILE *plain = popen(command, "r");
    size_t n = fread(text, 1, sizeof text, plain);
    REQUIRE(pclose(plain) == 0 && n > 0, "no profile");
    unlink(path);
    REQUIRE(memmem(text, n, "burns_in_a_finalizer", strlen("burns_in_a_finalizer")), "the finalizer is not in the profile");
    return 0;
}
