/* A program whose profiles are known, for profiles.py: it writes them to the folder it is given. Sites are functions by
 * themselves; live heap: small() 24 MB in objects of 48 bytes, large() 30 MB in blocks of 100,000, dropped() nothing. */
#include "../system/check.h"

#include <dlfcn.h>

struct node {
    struct node *next;
    long value[5];
};
TRI_TYPE(struct node, next)

static struct node *volatile list;
static void *volatile blocks[300];
static void *volatile sink;
static const char *folder;

NO_INLINE void small_objects(void) {
    for (int i = 0; i < 500000; i++) {
        struct node *n = tri_new(struct node);
        tri_set(n->next, list);
        list = n;
    }
}
NO_INLINE void large_blocks(void) {
    for (int i = 0; i < 300; i++) blocks[i] = tri_alloc_leaf(100000);
}
NO_INLINE void dropped_blocks(void) {
    for (int i = 0; i < 20000; i++) sink = tri_alloc(3000);
}

static void save(const char *name, const char *as, int debug) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, as);
    FILE *f = fopen(path, "w");
    REQUIRE(f, "%s: errno %d", path, errno);
    REQUIRE(tri_profile_write(name, f, debug) == 0, "%s: errno %d", name, errno);
    fclose(f);
}

/* ---- goroutines ---- */

static tri_chan *gate;
NO_INLINE void waits_for_ever(void *unused) {
    (void)unused;
    char x;
    tri_recv(gate, &x);
}

/* Nobody but itself knows what it waits for. */
NO_INLINE void is_leaked(void *unused) {
    (void)unused;
    char x;
    tri_recv(tri_chan_new(char, 0), &x);
}

static tri_mutex mutex;
static tri_chan *done;
NO_INLINE void holds_the_mutex(void *unused) {
    (void)unused;
    for (int i = 0; i < 50; i++) {
        tri_mutex_lock(&mutex);
        tri_sleep(200000);
        tri_mutex_unlock(&mutex);
    }
    char x = 0;
    tri_send(done, &x);
}

/* ---- CPU ---- */

NO_INLINE void spins(uint64_t n) {
    volatile uint64_t spun = 0;
    for (uint64_t i = 0; i < n; i++) spun += i;
}
NO_INLINE void spins_outside(uint64_t n) { spins(n); }
NO_INLINE void *other_thread(void *n) {
    spins_outside(*(uint64_t *)n);
    return NULL;
}

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void cpu_profile(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s/cpu", folder);
    FILE *f = fopen(path, "w");
    REQUIRE(tri_cpu_profile_stop() == -1 && errno == EINVAL, "errno %d", errno);
    REQUIRE(tri_cpu_profile_start(f) == 0, "errno %d", errno);
    REQUIRE(tri_cpu_profile_start(f) == -1 && errno == EBUSY, "errno %d", errno);
    uint64_t n = 1 << 25;
    double until = cpu_seconds() + 1.5;
    pthread_t t;
    while (cpu_seconds() < until) {
        pthread_create(&t, NULL, other_thread, &n);
        spins(n);
        pthread_join(t, NULL);
    }
    REQUIRE(tri_cpu_profile_stop() == 0, "errno %d", errno);
    fclose(f);
}

/* A thousand times a second is more often than many kernels look. What was used meanwhile is told beside it. */
static void fast_cpu_profile(void) {
    char path[4096];
    int before = tri_set_cpu_profile_rate(1000);
    snprintf(path, sizeof path, "%s/cpu.fast", folder);
    FILE *f = fopen(path, "w");
    double from = cpu_seconds();
    REQUIRE(tri_cpu_profile_start(f) == 0, "errno %d", errno);
    while (cpu_seconds() < from + 0.8) spins(1 << 20);
    double used = cpu_seconds() - from;
    REQUIRE(tri_cpu_profile_stop() == 0, "errno %d", errno);
    fclose(f);
    REQUIRE(tri_set_cpu_profile_rate(before) == 1000, "the rate");
    snprintf(path, sizeof path, "%s/cpu.fast.used", folder);
    f = fopen(path, "w");
    fprintf(f, "%f\n", used);
    fclose(f);
}

/* A thread that the library has not seen being made may ask too. */
static void *writes_unseen(void *unused) {
    save("goroutine", "goroutine.unseen", 1);
    return unused;
}
static void from_unseen_thread(void) {
    void *libc = SANITIZED ? NULL : dlopen("libc.so.6", RTLD_LAZY); /* sanitizers must see theirs */
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = pthread_create;
    if (libc) *(void **)&create = dlsym(libc, "pthread_create");
    pthread_t t;
    if (create && create(&t, NULL, writes_unseen, NULL) == 0) pthread_join(t, NULL);
}

static void in_goroutines(void *unused) {
    (void)unused;
    gate = tri_chan_new(char, 0);
    done = tri_chan_new(char, 0);
    tri_set_mutex_profile_fraction(1);
    tri_set_block_profile_rate(1); /* first, so that all wait in the same place */
    for (int i = 0; i < 30; i++) tri_go(waits_for_ever, NULL);
    for (int i = 0; i < 3; i++) tri_go(holds_the_mutex, NULL);
    char x;
    for (int i = 0; i < 3; i++) tri_recv(done, &x);
    REQUIRE(tri_set_mutex_profile_fraction(-1) == 1, "asks");
    tri_set_mutex_profile_fraction(0);
    tri_set_block_profile_rate(0);
    const char *names[] = {"goroutine", "threadcreate", "mutex", "block"};
    for (int i = 0; i < 4; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s.txt", names[i]);
        save(names[i], names[i], 0);
        save(names[i], text, 1);
    }
    save("goroutine", "goroutine.stacks", 2);
    from_unseen_thread();
    for (int i = 0; i < 7; i++) tri_go(is_leaked, NULL);
    tri_metric waiting = {.name = "/sched/goroutines/waiting:goroutines"};
    do {
        tri_yield();
        tri_read_metrics(&waiting, 1);
    } while (waiting.uint64 < 37);
    save("goroutineleak", "goroutineleak", 0);
    save("goroutineleak", "goroutineleak.txt", 1);
    save("goroutineleak", "goroutineleak.stacks", 2);
}

int main(int argc, char **argv) {
    folder = argc > 1 ? argv[1] : ".";
    small_objects();
    large_blocks();
    tri_gc();
    save("heap", "before", 0);
    dropped_blocks();
    sink = NULL;
    tri_gc();
    tri_gc();
    save("heap", "heap", 0);
    save("allocs", "allocs", 0);
    save("heap", "heap.txt", 1);
    REQUIRE(tri_profile_write("nonsense", stdout, 0) == -1 && errno == EINVAL, "errno %d", errno);
    FILE *full = fopen("/dev/full", "w");
    REQUIRE(!full || (tri_profile_write("heap", full, 0) == -1 && errno == ENOSPC), "errno %d", errno);
    tri_run(in_goroutines, NULL);
    cpu_profile();
    fast_cpu_profile();
    tri_keep_alive(list);
    return 0;
}
