/* Every metric by name: kinds, units and bounds as Go's; what belongs together adds up; the figures agree with MemStats and
 * with books kept by hand. */
#include "../system/check.h"

#include <math.h>
#include <unistd.h>

static tri_metric *all;
static size_t n;

static tri_metric *get(const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].name, name) == 0) return &all[i];
    REQUIRE(false, "no metric %s", name);
    return NULL;
}
static uint64_t u(const char *name) {
    tri_metric *m = get(name);
    REQUIRE(m->kind == TRI_METRIC_UINT64, "%s", name);
    return m->uint64;
}
static double f(const char *name) {
    tri_metric *m = get(name);
    REQUIRE(m->kind == TRI_METRIC_FLOAT64, "%s", name);
    return m->float64;
}
static const tri_float64_histogram *h(const char *name) {
    tri_metric *m = get(name);
    REQUIRE(m->kind == TRI_METRIC_FLOAT64_HISTOGRAM && m->float64_histogram, "%s", name);
    return m->float64_histogram;
}
static uint64_t total(const tri_float64_histogram *x) {
    uint64_t sum = 0;
    for (size_t i = 0; i < x->n; i++) sum += x->counts[i];
    return sum;
}

static void read_all(void) { REQUIRE(tri_read_metrics(all, n) == 0, "errno %d", errno); }

static void the_table(void) {
    step("the table");
    const tri_metric_description *d = tri_all_metrics(&n);
    REQUIRE(n >= 66, "%zu metrics", n);
    all = calloc(n, sizeof *all);
    tri_add_roots(all, all + n); /* it holds histograms */
    for (size_t i = 0; i < n; i++) {
        all[i].name = d[i].name;
        REQUIRE(i == 0 || strcmp(d[i - 1].name, d[i].name) < 0, "%s is out of order", d[i].name);
        REQUIRE(d[i].name[0] == '/' && strchr(d[i].name, ':') && strlen(d[i].description) > 5, "%s", d[i].name);
        REQUIRE(d[i].kind != TRI_METRIC_BAD, "%s", d[i].name);
    }
    read_all();
    for (size_t i = 0; i < n; i++) REQUIRE(all[i].kind == d[i].kind, "%s", d[i].name);
}

static void unknown_names(void) {
    step("unknown names");
    tri_metric m[3] = {{.name = "/gc/heap/goal:bytes"}, {.name = "/no/such:thing"}, {.name = NULL}};
    errno = 0;
    REQUIRE(tri_read_metrics(m, 3) == -1 && errno == ENOENT, "errno %d", errno);
    REQUIRE(m[0].kind == TRI_METRIC_UINT64 && m[0].uint64 > 0, "the known one is filled in");
    REQUIRE(m[1].kind == TRI_METRIC_BAD && m[2].kind == TRI_METRIC_BAD, "the others are not");
    REQUIRE(tri_read_metrics(NULL, 0) == 0, "none");
}

static void sums(void) {
    uint64_t memory = 0;
    double cpu = 0;
    read_all();
    for (size_t i = 0; i < n; i++) {
        const char *name = all[i].name;
        if (strncmp(name, "/memory/classes/", 16) == 0 && !strstr(name, "total")) memory += all[i].uint64;
        if (strncmp(name, "/cpu/classes/", 13) == 0 && !strstr(name, "total")) cpu += all[i].float64;
    }
    REQUIRE(memory == u("/memory/classes/total:bytes"), "%lu in classes, %lu in all", memory, u("/memory/classes/total:bytes"));
    REQUIRE(fabs(cpu - f("/cpu/classes/total:cpu-seconds")) < 1e-6, "%g in classes, %g in all", cpu,
            f("/cpu/classes/total:cpu-seconds"));
    REQUIRE(u("/gc/scan/total:bytes") ==
                u("/gc/scan/heap:bytes") + u("/gc/scan/stack:bytes") + u("/gc/scan/globals:bytes"), "scan");
    REQUIRE(u("/gc/cycles/total:gc-cycles") == u("/gc/cycles/forced:gc-cycles") + u("/gc/cycles/automatic:gc-cycles"), "cycles");
    REQUIRE(u("/gc/heap/allocs:objects") - u("/gc/heap/frees:objects") == u("/gc/heap/objects:objects"), "objects");
    REQUIRE(total(h("/gc/heap/allocs-by-size:bytes")) == u("/gc/heap/allocs:objects"), "allocs by size: %lu, %lu",
            total(h("/gc/heap/allocs-by-size:bytes")), u("/gc/heap/allocs:objects"));
    REQUIRE(total(h("/gc/heap/frees-by-size:bytes")) == u("/gc/heap/frees:objects"), "frees by size");
}

static void agrees_with_mem_stats(void) {
    step("MemStats");
    tri_mem_stats s;
    read_all();
    tri_read_mem_stats(&s);
    REQUIRE(u("/memory/classes/total:bytes") == s.sys, "sys");
    REQUIRE(u("/memory/classes/heap/objects:bytes") == s.heap_alloc, "heap_alloc");
    REQUIRE(u("/memory/classes/heap/released:bytes") == s.heap_released, "heap_released");
    REQUIRE(u("/gc/heap/allocs:bytes") == s.total_alloc, "total_alloc");
    REQUIRE(u("/gc/heap/allocs:objects") + u("/gc/heap/tiny/allocs:objects") == s.mallocs, "mallocs");
    REQUIRE(u("/gc/heap/objects:objects") == s.heap_objects, "heap_objects");
    REQUIRE(u("/gc/heap/goal:bytes") == s.next_gc, "next_gc");
    REQUIRE(u("/gc/cycles/total:gc-cycles") == s.num_gc, "num_gc");
    REQUIRE(u("/gc/gogc:percent") == 100 && u("/gc/gomemlimit:bytes") == INT64_MAX, "controls");
}

/* Bounds are those of Go's runtime: sizes begin behind the class before, times by powers of two with four steps each. */
static void bounds(void) {
    step("bounds");
    const tri_float64_histogram *sizes = h("/gc/heap/allocs-by-size:bytes"), *times = h("/sched/pauses/total/gc:seconds");
    REQUIRE(sizes->buckets[0] == 1 && sizes->buckets[1] == 9 && sizes->buckets[2] == 17, "sizes");
    REQUIRE(sizes->buckets[sizes->n - 1] == 32769 && isinf(sizes->buckets[sizes->n]), "large");
    REQUIRE(times->n == 162 && isinf(times->buckets[0]) && times->buckets[0] < 0 && isinf(times->buckets[162]), "%zu", times->n);
    REQUIRE(times->buckets[1] == 0 && times->buckets[2] == 64e-9 && times->buckets[5] == 256e-9 &&
                times->buckets[6] == 320e-9 && times->buckets[9] == 512e-9, "low bounds");
    REQUIRE(times->buckets[161] == (double)(1ull << 47) / 1e9, "high bound");
    for (size_t i = 0; i < times->n; i++) REQUIRE(times->buckets[i] < times->buckets[i + 1], "bound %zu", i);
}

void *kept[1000]; /* root */

static void counts(void) {
    step("counts");
    read_all();
    uint64_t bytes = u("/gc/heap/allocs:bytes"), objects = u("/gc/heap/allocs:objects"), cycles = u("/gc/cycles/forced:gc-cycles");
    uint64_t pauses = total(h("/sched/pauses/total/gc:seconds")), stopping = total(h("/sched/pauses/stopping/gc:seconds"));
    const tri_float64_histogram *sizes = h("/gc/heap/allocs-by-size:bytes");
    size_t at = 0;
    while (sizes->buckets[at + 1] <= 500) at++;
    uint64_t in_class = sizes->counts[at];
    for (int i = 0; i < 1000; i++) kept[i] = tri_alloc(500);
    tri_gc();
    read_all();
    REQUIRE(u("/gc/heap/allocs:bytes") - bytes == 1000 * 512, "%lu bytes", u("/gc/heap/allocs:bytes") - bytes);
    REQUIRE(u("/gc/heap/allocs:objects") - objects == 1000, "objects");
    REQUIRE(sizes->counts[at] - in_class == 1000, "in the class");
    REQUIRE(u("/gc/cycles/forced:gc-cycles") == cycles + 1, "cycles");
    REQUIRE(total(h("/sched/pauses/total/gc:seconds")) >= pauses + 2, "two stops a cycle");
    REQUIRE(total(h("/sched/pauses/stopping/gc:seconds")) >= stopping + 2, "two stops a cycle");
    REQUIRE(u("/gc/heap/live:bytes") >= 1000 * 512, "live %lu", u("/gc/heap/live:bytes"));
    REQUIRE(f("/cpu/classes/user:cpu-seconds") > 0 && f("/cpu/classes/gc/total:cpu-seconds") > 0, "time");
}

static tri_chan *done;
static void waiter(void *gate) {
    char x = 0;
    tri_recv(gate, &x);
    tri_send(done, &x);
}

static void goroutines(void *unused) {
    (void)unused;
    tri_chan *gate = tri_chan_new(char, 0);
    done = tri_chan_new(char, 0);
    for (int i = 0; i < 100; i++) tri_go(waiter, gate);
    do {
        tri_yield();
        read_all();
    } while (u("/sched/goroutines/waiting:goroutines") < 100);
    REQUIRE(u("/sched/goroutines:goroutines") >= 101, "alive");
    REQUIRE(u("/sched/goroutines/running:goroutines") >= 1, "this one runs");
    REQUIRE(u("/sched/goroutines-created:goroutines") >= 101, "created");
    char x = 0;
    for (int i = 0; i < 100; i++) tri_send(gate, &x), tri_recv(done, &x);
    read_all();
    REQUIRE(total(h("/sched/latencies:seconds")) > 0, "one wait in eight is timed");
}

/* Who waits for whatever it may be waits; who has been readied is runnable, before it runs. */
static uint64_t ran;
static tri_waitgroup through;
static void passes(void *gate) {
    tri_recv(gate, NULL);
    __atomic_fetch_add(&ran, 1, __ATOMIC_SEQ_CST);
    tri_waitgroup_done(&through);
}
static void sleeps(void *arg) {
    (void)arg;
    tri_sleep(3600ll * 1000000000);
}
static void reads(void *fd) {
    char x;
    tri_read(*(int *)fd, &x, 1);
    tri_waitgroup_done(&through);
}
static void readied(void *unused) {
    (void)unused;
    int procs = tri_gomaxprocs(1), fds[2];
    bool seen = false;
    for (int i = 0; i < 1000 && !seen; i++) { /* again if they are let run in between */
        tri_chan *gate = tri_chan_new(char, 0);
        ran = 0;
        tri_waitgroup_add(&through, 100);
        for (int k = 0; k < 100; k++) tri_go(passes, gate);
        do {
            tri_yield();
            read_all();
        } while (u("/sched/goroutines/waiting:goroutines") < 100);
        tri_close(gate);
        read_all();
        seen = u("/sched/goroutines/runnable:goroutines") == 100 && u("/sched/goroutines/waiting:goroutines") == 0;
        if (!seen) REQUIRE(__atomic_load_n(&ran, __ATOMIC_SEQ_CST) > 0, "%lu runnable", u("/sched/goroutines/runnable:goroutines"));
        tri_waitgroup_wait(&through);
    }
    REQUIRE(seen, "they ran each time");
    tri_gomaxprocs(procs);
    REQUIRE(pipe(fds) == 0, "no pipe");
    tri_waitgroup_add(&through, 1);
    tri_go(reads, &fds[0]);
    tri_go(sleeps, NULL);
    do {
        tri_yield();
        read_all();
    } while (u("/sched/goroutines/waiting:goroutines") < 2);
    REQUIRE(write(fds[1], "", 1) == 1, "the pipe is full");
    tri_waitgroup_wait(&through);
}

/* Threads that would lead past a limit give memory back, the collector's thread does it in the background; and with all that it
 * lives, a limit below that makes the limiter step in. */
struct link {
    struct link *next;
    char more[1008];
};
TRI_TYPE(struct link, next)
static struct link *hold(size_t n) {
    struct link *first = NULL;
    for (size_t i = 0; i < n; i++) {
        struct link *l = tri_new(struct link);
        tri_set(l->next, first);
        first = l;
    }
    return first;
}
static void at_the_limit(void) {
    step("at the limit");
    read_all();
    REQUIRE(u("/gc/limiter/last-enabled:gc-cycle") == 0, "the limiter, without a limit");
    static struct link *live;
    live = hold(48 << 10); /* 48 MiB */
    tri_set_memory_limit(40 << 20);
    bool limited = false, given = false;
    for (int i = 0; i < 400 && !(limited && given); i++) {
        for (int k = 0; k < 100; k++) tri_alloc_leaf(100000);
        if (i % 8 == 0) tri_alloc_leaf(8 << 20);
        read_all();
        limited = u("/gc/limiter/last-enabled:gc-cycle") > 0;
        given = f("/cpu/classes/scavenge/total:cpu-seconds") > 0;
    }
    REQUIRE(limited, "the limiter has not stepped in");
    REQUIRE(given, "nothing was given back");
    REQUIRE(u("/gc/limiter/last-enabled:gc-cycle") <= u("/gc/cycles/total:gc-cycles") + 1, "a cycle to come");
    double parts = f("/cpu/classes/scavenge/assist:cpu-seconds") + f("/cpu/classes/scavenge/background:cpu-seconds");
    REQUIRE(fabs(f("/cpu/classes/scavenge/total:cpu-seconds") - parts) < 1e-9, "sum");
    tri_set_memory_limit(INT64_MAX);
    REQUIRE(live && live->next, "an object is lost");
}

/* Counters never fall, and what belongs together adds up, whatever other threads do meanwhile: scrapers take a fall for a
 * program that has begun anew. */
static int churning; /* atomic */
static void *churns(void *seed) {
    void *held[64] = {0};
    uint32_t x = (uint32_t)(uintptr_t)seed;
    while (__atomic_load_n(&churning, __ATOMIC_RELAXED)) {
        x = x * 1103515245 + 12345;
        size_t bytes = 1 + (x >> 8) % ((x >> 4) % 50 == 0 ? 200000 : 600);
        tri_set(held[x % 64], (x >> 3) % 2 ? tri_alloc_leaf(bytes) : tri_alloc(bytes));
        void **drop = &held[(x >> 9) % 64];
        if ((x >> 5) % 7) continue;
        tri_free(*drop);
        *drop = NULL;
    }
    return NULL;
}

static void must_not_fall(double *last, double now, const char *name, size_t bucket) {
    REQUIRE(now >= *last, "%s (%zu) from %.17g to %.17g", name, bucket, *last, now);
    *last = now;
}

static void no_counter_falls(void) {
    step("no counter falls");
    const tri_metric_description *d = tri_all_metrics(&n);
    double(*last)[TRI_METRIC_MOST_BUCKETS] = calloc(n, sizeof *last);
    pthread_t t[2];
    churning = 1;
    for (uintptr_t i = 0; i < 2; i++) pthread_create(&t[i], NULL, churns, (void *)(i + 1));
    for (int round = 0; round < 1200; round++) {
        tri_mem_stats s;
        tri_read_mem_stats(&s);
        REQUIRE(s.heap_alloc <= s.heap_inuse, "%lu of objects in %lu of spans", s.heap_alloc, s.heap_inuse);
        REQUIRE(s.heap_sys == s.heap_inuse + s.heap_idle && s.heap_released <= s.heap_idle, "pages");
        REQUIRE(s.mallocs - s.frees == s.heap_objects && s.mallocs >= s.frees, "%lu - %lu objects", s.mallocs, s.frees);
        if (round % 200 == 199) tri_gomaxprocs(1 + round / 200 % 2);
        sums();
        REQUIRE(u("/gc/heap/allocs:bytes") - u("/gc/heap/frees:bytes") == u("/memory/classes/heap/objects:bytes"), "bytes");
        for (size_t i = 0; i < n; i++) {
            const tri_float64_histogram *x = all[i].float64_histogram;
            if (!d[i].cumulative) continue;
            if (d[i].kind == TRI_METRIC_UINT64) must_not_fall(last[i], (double)all[i].uint64, d[i].name, 0);
            else if (d[i].kind == TRI_METRIC_FLOAT64) must_not_fall(last[i], all[i].float64, d[i].name, 0);
            else for (size_t k = 0; k < x->n; k++) must_not_fall(&last[i][k], (double)x->counts[k], d[i].name, k);
        }
    }
    __atomic_store_n(&churning, 0, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    free(last);
}

/* Who looks in while others allocate may see less than there is, never more, since that would stay: when they rest it is exact. */
static int resting; /* atomic */
static void *makes(void *made) {
    void *volatile sink;
    uint64_t objects = 0;
    uint32_t x = (uint32_t)(uintptr_t)made;
    for (; __atomic_load_n(&churning, __ATOMIC_RELAXED); objects++) {
        x = x * 1103515245 + 12345;
        size_t bytes = 16 + (x >> 8) % 3000; /* beside tiny ones their blocks count */
        sink = (x >> 3) % 2 ? tri_alloc_leaf(bytes) : tri_alloc(bytes);
    }
    (void)sink;
    *(uint64_t *)made = objects;
    __atomic_fetch_add(&resting, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&resting, __ATOMIC_SEQ_CST) < 3) sched_yield(); /* their runs stay open */
    return NULL;
}

static void exact_when_they_rest(void) {
    step("exact when they rest");
    for (int round = 0; round < 60; round++) {
        tri_mem_stats before, s;
        uint64_t made[2];
        pthread_t t[2];
        tri_read_mem_stats(&before);
        churning = 1, resting = 0;
        for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, makes, &made[i]);
        for (int i = 0; i < 200; i++) tri_read_mem_stats(&s);
        __atomic_store_n(&churning, 0, __ATOMIC_RELAXED);
        while (__atomic_load_n(&resting, __ATOMIC_SEQ_CST) < 2) sched_yield();
        tri_gc(); /* the collector rests, too */
        tri_read_mem_stats(&s);
        uint64_t told = s.mallocs - before.mallocs, all_made = made[0] + made[1];
        REQUIRE(told == all_made, "%lu told, %lu made", told, all_made);
        __atomic_fetch_add(&resting, 1, __ATOMIC_SEQ_CST);
        for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    }
}

/* For go_metrics.py. */
static void list(void) {
    const tri_metric_description *d = tri_all_metrics(&n);
    static const char *const kinds[] = {[TRI_METRIC_BAD] = "bad", [TRI_METRIC_UINT64] = "uint64", [TRI_METRIC_FLOAT64] = "float64",
                                        [TRI_METRIC_FLOAT64_HISTOGRAM] = "histogram"};
    for (size_t i = 0; i < n; i++) {
        tri_metric m = {.name = d[i].name};
        tri_read_metrics(&m, 1);
        printf("%s %s %d", d[i].name, kinds[d[i].kind], d[i].cumulative);
        const tri_float64_histogram *h = m.kind == TRI_METRIC_FLOAT64_HISTOGRAM ? m.float64_histogram : NULL;
        for (size_t k = 0; h && k <= h->n; k++) printf(" %.17g", h->buckets[k]);
        printf("\n");
    }
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "list") == 0) return list(), 0;
    the_table();
    unknown_names();
    bounds();
    counts();
    step("sums");
    sums();
    REQUIRE(total(h("/gc/pauses:seconds")) == total(h("/sched/pauses/total/gc:seconds")), "both names of the pauses");
    agrees_with_mem_stats();
    step("goroutines");
    tri_run(goroutines, NULL);
    tri_run(readied, NULL);
    no_counter_falls();
    exact_when_they_rest();
    at_the_limit();
    return 0;
}
