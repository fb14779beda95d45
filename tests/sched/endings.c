/* endings - programs that end badly, to be compared with what they should say: endings NAME. */
#include "test.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

static tri_chan *nobody;

static void stuck(void *arg) { tri_recv(arg, NULL); }
static void deadlock(void *arg) {
    (void)arg;
    nobody = tri_chan_new(int, 0);
    tri_go(stuck, nobody);
    tri_mutex m = {0};
    tri_mutex_lock(&m);
    tri_mutex_lock(&m);
}

static void leave(void *arg) {
    (void)arg;
    tri_goexit();
}

static int __attribute__((noinline)) forever(int n) {
    volatile char room[100];
    room[0] = (char)n;
    return forever(n + 1) + room[0];
}
static void overflow(void *arg) {
    (void)arg;
    forever(0);
}

static void panics(void *arg) {
    (void)arg;
    tri_panic("that was it");
}

static void again(void *arg) {
    (void)arg;
    tri_panic("second");
}
static void panics_twice(void *arg) {
    (void)arg;
    TRI_FUNC;
    tri_defer(again, NULL);
    tri_panic("first");
}

/* Whoever waits for the group is not told before the program ends of it. */
static void panics_in_group(void *arg) {
    tri_waitgroup group = {0};
    tri_waitgroup_go(&group, panics, arg);
    tri_waitgroup_wait(&group);
    exit(0);
}

static void defers_nothing(void *arg) {
    TRI_FUNC;
    tri_defer(NULL, arg);
}

static void unlocks(void *arg) {
    (void)arg;
    tri_mutex m = {0};
    tri_mutex_unlock(&m);
}

static void goes_nowhere(void *arg) { tri_go(NULL, arg); }

static void has_no_parent(void *arg) {
    (void)arg;
    tri_context_with_timeout(NULL, 1000);
}

/* A goroutine that nobody would ever run. */
static void no_more_threads(void) {
    struct rlimit none = {0, 0};
    if (geteuid() == 0 && setuid(65534) != 0) exit(77); /* root has no limit */
    if (setrlimit(RLIMIT_NPROC, &none) != 0) exit(77);
}

static void quits(void *arg) {
    (void)arg;
    nobody = tri_chan_new(int, 0);
    tri_go(stuck, nobody);
    tri_metric waiting = {.name = "/sched/goroutines/waiting:goroutines"};
    do tri_sleep(1000000);
    while (tri_read_metrics(&waiting, 1) == 0 && waiting.uint64 < 1);
    raise(SIGQUIT);
    tri_sleep(60ll * 1000000000);
}

static const struct {
    const char *name;
    void (*fn)(void *);
} endings[] = {{"deadlock", deadlock}, {"leave", leave}, {"overflow", overflow}, {"panic", panics},
               {"panics", panics_twice}, {"group_panic", panics_in_group}, {"defer_nil", defers_nothing}, {"unlock", unlocks}, {"quit", quits},
               {"no_thread", goes_nowhere}, {"nil_func", goes_nowhere}, {"nil_parent", has_no_parent}};

int main(int argc, char **argv) {
    tri_set_max_stack(1 << 20);
    if (argc > 1 && strcmp(argv[1], "no_thread") == 0) no_more_threads();
    for (size_t i = 0; argc > 1 && i < sizeof endings / sizeof endings[0]; i++)
        if (strcmp(argv[1], endings[i].name) == 0) tri_run(endings[i].fn, NULL);
    return 3; /* it did not end */
}
