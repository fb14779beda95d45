/* sched - what goroutines cost: sched KIND [count]. Each kind prints ns an operation; the Go program of the same name does the
 * same.
 *
 *   spawn       start a goroutine that does nothing, wait for a batch of them: reused stacks
 *   cold        the first start of so many goroutines alive at once, each of which parks; then memory a goroutine, one
 *               forced collection with all parked, and its longest stop
 *   yield       two goroutines that yield to each other
 *   mutex       lock and unlock, nobody else
 *   buffered    send and receive on a buffered channel, one goroutine
 *   unbuffered  round trip between two goroutines
 *   deep        recursion so many frames deep, cold and hot
 *   timers      so many sleeping goroutines that wake up in the same few milliseconds
 */
#include "bench.h"

#include <tricolor.h>
#include <unistd.h>

static long count;
static tri_waitgroup group;

static double since(struct timespec from) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from.tv_sec) * 1e9 + (double)(now.tv_nsec - from.tv_nsec);
}
static struct timespec begin(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t;
}

static void nothing(void *arg) { tri_waitgroup_done(arg); }

static void spawn(void) {
    enum { BATCH = 100 };
    for (int warm = 0; warm < 2; warm++) {
        struct timespec from = begin();
        for (long i = 0; i < count; i += BATCH) {
            tri_waitgroup_add(&group, BATCH);
            for (int k = 0; k < BATCH; k++) tri_go(nothing, &group);
            tri_waitgroup_wait(&group);
        }
        if (warm) result("spawn", since(from) / (double)count, "ns");
    }
}

static void yielder(void *arg) {
    for (long i = 0; i < count; i++) tri_yield();
    tri_waitgroup_done(arg);
}

static void yield(void) {
    tri_waitgroup_add(&group, 2);
    struct timespec from = begin();
    for (int i = 0; i < 2; i++) tri_go(yielder, &group);
    tri_waitgroup_wait(&group);
    result("yield", since(from) / (double)(2 * count), "ns");
}

static void mutex(void) {
    static tri_mutex m;
    struct timespec from = begin();
    for (long i = 0; i < count; i++) {
        tri_mutex_lock(&m);
        tri_mutex_unlock(&m);
    }
    result("mutex", since(from) / (double)count, "ns");
}

static void buffered(void) {
    tri_chan *c = tri_chan_new(long, 16);
    struct timespec from = begin();
    for (long i = 0; i < count; i++) {
        long v = i;
        tri_send(c, &v);
        tri_recv(c, &v);
    }
    result("buffered", since(from) / (double)count, "ns");
}

static void ponger(void *arg) {
    tri_chan **c = arg;
    long v;
    while (tri_recv(c[0], &v)) tri_send(c[1], &v);
}

static void unbuffered(void) {
    tri_chan **c = tri_new_array(tri_chan *, 2);
    tri_set(c[0], tri_chan_new(long, 0));
    tri_set(c[1], tri_chan_new(long, 0));
    tri_go(ponger, c);
    struct timespec from = begin();
    for (long i = 0; i < count; i++) {
        long v = i;
        tri_send(c[0], &v);
        tri_recv(c[1], &v);
    }
    result("unbuffered", since(from) / (double)count, "ns");
}

static void park(void *arg) {
    tri_waitgroup_done(&group);
    tri_recv(arg, NULL);
}

static long status(const char *key) {
    char line[256];
    long value = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0) value = strtol(line + strlen(key), NULL, 10);
    if (f) fclose(f);
    return value * 1024;
}

static void cold(void) {
    tri_chan *c = tri_chan_new(char, 0);
    long before = status("VmRSS:") + status("VmPTE:");
    struct timespec from = begin();
    tri_waitgroup_add(&group, (int)count);
    for (long i = 0; i < count; i++) tri_go(park, c);
    tri_waitgroup_wait(&group);
    result("cold_spawn", since(from) / (double)count, "ns");
    result("memory_each", (double)(status("VmRSS:") + status("VmPTE:") - before) / (double)count, "B");
    static tri_mem_stats s;
    from = begin();
    tri_gc();
    result("cycle", since(from) / 1e6, "ms");
    tri_read_mem_stats(&s);
    result("stop", (double)s.pause_ns[(s.num_gc + 255) % 256] / 1e3, "us");
}

static long __attribute__((noinline)) down(long n) {
    volatile long x[4] = {n};
    return n ? down(n - 1) + x[0] : 0;
}

static void deep(void) {
    struct timespec from = begin();
    down(count);
    result("cold_frame", since(from) / (double)count, "ns");
    from = begin();
    down(count);
    result("hot_frame", since(from) / (double)count, "ns");
    result("memory", (double)status("VmRSS:") / 1e6, "MB");
}

static void sleeper(void *arg) {
    tri_sleep((int64_t)(uintptr_t)arg);
    tri_waitgroup_done(&group);
}

static void timers(void) {
    struct timespec from = begin();
    tri_waitgroup_add(&group, (int)count);
    for (long i = 0; i < count; i++) tri_go(sleeper, (void *)(uintptr_t)((1 + i % 10) * 1000000));
    tri_waitgroup_wait(&group);
    result("sleep", since(from) / (double)count, "ns");
}

static const struct kind {
    const char *name;
    void (*fn)(void);
    long count;
} kinds[] = {{"spawn", spawn, 5000000},       {"cold", cold, 1000000},    {"yield", yield, 10000000},
             {"mutex", mutex, 50000000},      {"buffered", buffered, 20000000},
             {"unbuffered", unbuffered, 5000000}, {"deep", deep, 1000000},
             {"timers", timers, 100000}};
static const struct kind *chosen;

static void run(void *arg) {
    (void)arg;
    chosen->fn();
}

int main(int argc, char **argv) {
    bench_start(argc, argv, "sched");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(arg_text(0, "yield"), kinds[i].name) == 0) chosen = &kinds[i];
    if (!chosen) bench_usage("spawn|cold|yield|mutex|buffered|unbuffered|deep|timers [count]");
    count = arg_number(1, chosen->count);
    tri_run(run, NULL);
    return bench_finish((uint64_t)count);
}
