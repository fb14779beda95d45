/* bench/bench.h - what the C benchmark programs share: arguments, clocks, random numbers, threads, a latency
 * histogram, and the lines they print. go/measure/measure.go is the same in Go, number for number.
 *
 * A program prints
 *
 *     system <text>                            once: what manages the memory, and the compiler
 *     result <program> <metric> <value> <unit> once a figure
 *     check <number>                           once, last: a checksum of what was computed. The same
 *                                              for every memory system and language, given the same arguments
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "mem.h" /* first: Boehm's redirects the pthread calls */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <time.h>

#define MAX_THREADS 64
#define CACHE_LINE  128 /* two: the prefetcher fetches in pairs */

/* ---- begin and end ---- */

static const char *bench_name;
static char **bench_args;
static int bench_nargs;

static inline void bench_start(int argc, char **argv, const char *name) {
    bench_name = name;
    bench_args = argv + 1;
    bench_nargs = argc - 1;
    mem_init();
    char system[128];
    mem_describe(system, sizeof system);
#ifdef __clang__
    printf("system %s, %s\n", system, __VERSION__);
#else
    printf("system %s, gcc %s\n", system, __VERSION__);
#endif
}

static inline void result(const char *metric, double value, const char *unit) {
    printf("result %s %s %.6g %s\n", bench_name, metric, value, unit);
}

static inline int bench_finish(uint64_t check) {
    mem_report();
    printf("check %llu\n", (unsigned long long)check);
    return 0;
}

_Noreturn static inline void bench_usage(const char *usage) {
    fprintf(stderr, "usage: %s %s\n", bench_name, usage);
    exit(2);
}

static inline const char *arg_text(int i, const char *otherwise) {
    return i < bench_nargs ? bench_args[i] : otherwise;
}

/* The i-th argument as a positive number. */
static inline long arg_number(int i, long otherwise) {
    if (i >= bench_nargs) return otherwise;
    char *end;
    errno = 0;
    long n = strtol(bench_args[i], &end, 10);
    if (errno || *end || end == bench_args[i] || n <= 0) {
        fprintf(stderr, "%s: argument %d must be a positive number, not '%s'\n", bench_name, i + 1,
                bench_args[i]);
        exit(2);
    }
    return n;
}

static inline int arg_threads(int i) {
    long n = arg_number(i, 1);
    if (n > MAX_THREADS) {
        fprintf(stderr, "%s: at most %d threads\n", bench_name, MAX_THREADS);
        exit(2);
    }
    return (int)n;
}

/* ---- clocks, ns ---- */

static inline uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* User and system time of the whole process, the collector's threads included. */
static inline uint64_t cpu_ns(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000u +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000u;
}

/* ---- random numbers: splitmix64 (Steele, Lea, Flood 2014) ---- */

static inline uint64_t mix64(uint64_t z) {
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static inline uint64_t random_next(uint64_t *state) { return mix64(*state += 0x9e3779b97f4a7c15u); }

/* ---- threads ---- */

struct bench_thread {
    void (*work)(int);
    int id;
};

static inline void *bench_thread_main(void *arg) {
    struct bench_thread *t = arg;
    t->work(t->id);
    return NULL;
}

/* work(0) ... work(n - 1), each in a thread; returns when all are done. One alone runs on the calling thread.
 */
static inline void run_threads(int n, void (*work)(int)) {
    if (n == 1) {
        work(0);
        return;
    }
    pthread_t threads[MAX_THREADS];
    struct bench_thread jobs[MAX_THREADS];
    for (int i = 0; i < n; i++) {
        jobs[i] = (struct bench_thread){work, i};
        if (pthread_create(&threads[i], NULL, bench_thread_main, &jobs[i])) abort();
    }
    for (int i = 0; i < n; i++) pthread_join(threads[i], NULL);
}

/* ---- histogram of latencies: 64 steps to each doubling, so a percentile is right to 1.6 %; the worst is
 * exact ---- */

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_BUCKETS = 60 * HISTOGRAM_STEPS };

struct histogram {
    uint64_t count, worst;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* From the C library, not from the system under test: it holds no pointers and must not be scanned. */
static inline struct histogram *histogram_new(void) {
    struct histogram *h = calloc(1, sizeof *h);
    if (!h) abort();
    return h;
}

static inline unsigned histogram_bucket(uint64_t ns) {
    if (ns < HISTOGRAM_STEPS) return (unsigned)ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - 6u; /* 64 = 2^6 steps */
    return (shift + 1) * HISTOGRAM_STEPS + (unsigned)(ns >> shift) - HISTOGRAM_STEPS;
}

static inline uint64_t histogram_value(unsigned bucket) {
    if (bucket < HISTOGRAM_STEPS) return bucket;
    unsigned shift = bucket / HISTOGRAM_STEPS - 1;
    return (uint64_t)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << shift;
}

static inline void histogram_add(struct histogram *h, uint64_t ns) {
    h->count++;
    if (ns > h->worst) h->worst = ns;
    h->buckets[histogram_bucket(ns)]++;
}

static inline void histogram_merge(struct histogram *into, const struct histogram *from) {
    into->count += from->count;
    if (from->worst > into->worst) into->worst = from->worst;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) into->buckets[i] += from->buckets[i];
}

static inline double histogram_percentile(const struct histogram *h, double percent) {
    uint64_t wanted = (uint64_t)((double)h->count * percent / 100.0), seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen > wanted) return (double)histogram_value(i);
    }
    return (double)h->worst;
}

/* ---- statistics ---- */

static inline int compare_double(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the values. */
static inline double median(double *values, int n) {
    qsort(values, (size_t)n, sizeof *values, compare_double);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

#endif
