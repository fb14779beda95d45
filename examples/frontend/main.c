/* main.c - runs the service plain, with a ballast, and under a memory limit, each in a process of its own, and prints the
 * figures side by side. Bursts of requests come to two threads, each serving its own in a closed loop. */
#include "service.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 2, BURST = 256, MODES = 4, MOST_ROUNDS = 15 };

struct figures {
    double cycles, cpu_us, median_us, p99_us, worst_us, memory_mb; /* CPU by request, all threads of the process */
};

static struct {
    size_t requests, entries, ballast_mb;
    uint32_t *latency[THREADS]; /* ns; from malloc: not the collector's business */
    uint64_t check;
} run;

static char *ballast; /* a root */

/* ---- one run ---- */

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *serve(void *arg) {
    size_t index = (size_t)(uintptr_t)arg;
    struct service *s = service_new(run.entries / THREADS, index + 1);
    uint64_t check = 0;
    for (size_t i = 0; i < run.requests / THREADS; i++) {
        if (i % BURST == 0) usleep(200); /* the next burst */
        uint64_t from = now_ns();
        check += service_request(s);
        run.latency[index][i] = (uint32_t)(now_ns() - from);
    }
    __atomic_fetch_add(&run.check, check, __ATOMIC_RELAXED);
    return NULL;
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static struct figures measure(void) {
    tri_mem_stats before, after;
    struct rusage use;
    size_t each = run.requests / THREADS, all = each * THREADS;
    uint32_t *latency = malloc(all * sizeof *latency);
    pthread_t thread[THREADS];
    tri_read_mem_stats(&before);
    for (size_t i = 0; i < THREADS; i++) {
        run.latency[i] = latency + i * each;
        pthread_create(&thread[i], NULL, serve, (void *)(uintptr_t)i);
    }
    for (size_t i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    getrusage(RUSAGE_SELF, &use);
    tri_read_mem_stats(&after);
    qsort(latency, all, sizeof *latency, compare);
    double cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e6 +
                 (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
    struct figures f = {
        .cycles = after.num_gc - before.num_gc, .cpu_us = cpu / (double)all,
        .median_us = latency[all / 2] / 1e3, .p99_us = latency[all / 100 * 99] / 1e3, .worst_us = latency[all - 1] / 1e3,
        .memory_mb = (double)use.ru_maxrss / 1024,
    };
    free(latency);
    return f;
}

/* ---- the four ---- */

static const struct mode {
    const char *name, *gogc, *limit;
    bool ballast;
} modes[MODES] = {
    {"plain", "100", "off", false},
    {"a ballast", "100", "off", true},
    {"a limit alone", "100", "yes", false},
    {"GOGC=off and a limit", "off", "yes", false},
};

/* The same program once more, in the mode's environment; its figures come through a pipe. */
static struct figures run_mode(const struct mode *mode, char **argv) {
    struct figures f = {0};
    char limit[32], fd[16];
    int pipes[2], status;
    if (pipe(pipes) != 0) perror("pipe"), exit(1);
    snprintf(limit, sizeof limit, "%zuMiB", run.ballast_mb + 100);
    snprintf(fd, sizeof fd, "%d", pipes[1]);
    pid_t child = fork();
    if (child == 0) {
        setenv("GOGC", mode->gogc, 1);
        setenv("GOMEMLIMIT", strcmp(mode->limit, "off") == 0 ? "off" : limit, 1);
        setenv("FRONTEND_BALLAST", mode->ballast ? "1" : "", 1);
        setenv("FRONTEND_FD", fd, 1);
        execv("/proc/self/exe", argv);
        _exit(1);
    }
    close(pipes[1]);
    bool got = read(pipes[0], &f, sizeof f) == sizeof f;
    close(pipes[0]);
    waitpid(child, &status, 0);
    if (!got || status != 0) fprintf(stderr, "frontend: the run \"%s\" failed\n", mode->name), exit(1);
    return f;
}

static int child_main(int fd) {
    if (*getenv("FRONTEND_BALLAST")) ballast = tri_alloc_leaf(run.ballast_mb << 20); /* never touched */
    struct figures f = measure();
    tri_keep_alive(ballast);
    return write(fd, &f, sizeof f) != sizeof f;
}

/* ---- the table ---- */

static int compare_double(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Figure by figure, the median of the rounds. */
static struct figures median(const struct figures *f, int rounds) {
    struct figures m;
    for (size_t k = 0; k < sizeof m / sizeof(double); k++) {
        double value[MOST_ROUNDS];
        for (int i = 0; i < rounds; i++) value[i] = ((const double *)&f[i])[k];
        qsort(value, (size_t)rounds, sizeof *value, compare_double);
        ((double *)&m)[k] = value[rounds / 2];
    }
    return m;
}

static void print_change(double now, double plain) {
    if (plain > 0) printf(" (%+6.1f %%)", (now / plain - 1) * 100);
}

static void print_row(const char *name, const struct figures *f, const struct figures *plain) {
    printf("%-21s %6.0f", name, f->cycles);
    print_change(f->cycles, plain->cycles);
    printf("  %7.2f", f->cpu_us);
    print_change(f->cpu_us, plain->cpu_us);
    printf("  %7.1f  %7.1f", f->median_us, f->p99_us);
    print_change(f->p99_us, plain->p99_us);
    printf("  %8.0f  %6.0f\n", f->worst_us, f->memory_mb);
}

static size_t argument(int argc, char **argv, int i, size_t otherwise) {
    return i < argc && atol(argv[i]) > 0 ? (size_t)atol(argv[i]) : otherwise;
}

int main(int argc, char **argv) {
    if (argc > 1 && argv[1][0] == '-') {
        fprintf(stderr, "usage: frontend [requests [entries [ballast in MiB [rounds]]]]\n");
        return 2;
    }
    run.requests = argument(argc, argv, 1, 400000);
    run.entries = argument(argc, argv, 2, 2000);
    run.ballast_mb = argument(argc, argv, 3, 1024);
    int rounds = (int)argument(argc, argv, 4, 3);
    if (rounds > MOST_ROUNDS) rounds = MOST_ROUNDS;
    if (getenv("FRONTEND_FD")) return child_main(atoi(getenv("FRONTEND_FD")));

    struct figures f[MODES][MOST_ROUNDS], m[MODES];
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < MODES; i++) f[i][r] = run_mode(&modes[i], argv);
    printf("%zu requests on %d threads, %zu users cached, %zu MiB of ballast, median of %d\n\n", run.requests, THREADS,
           run.entries, run.ballast_mb, rounds);
    printf("%-21s %6s %11s  %7s %11s  %7s  %7s %11s  %8s  %6s\n", "", "cycles", "", "CPU us", "", "p50 us", "p99 us", "",
           "worst us", "MB");
    for (int i = 0; i < MODES; i++) {
        m[i] = median(f[i], rounds);
        print_row(modes[i].name, &m[i], &m[0]);
    }
    return 0;
}
