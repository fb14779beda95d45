/* bench/runner/host.c - what kind of machine this is (never its name), and how much of it others used. */
#include "runner.h"

#include <ctype.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* "AMD EPYC 9R14 96-Core Processor", 2 -> "amd-epyc-9r14-96-core-processor-2c" */
static void host_kind(struct host *h) {
    size_t n = 0;
    for (const char *c = h->cpu; *c && n < sizeof h->kind - 8; c++) {
        if (isalnum((unsigned char)*c))
            h->kind[n++] = (char)tolower((unsigned char)*c);
        else if (n && h->kind[n - 1] != '-')
            h->kind[n++] = '-';
    }
    snprintf(h->kind + n, sizeof h->kind - n, "%s%dc", n && h->kind[n - 1] != '-' ? "-" : "", h->cores);
}

struct host host_read(void) {
    struct host h = {.cpu = "unknown processor", .cores = (int)sysconf(_SC_NPROCESSORS_ONLN)};
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "model name : %95[^\n]", h.cpu) == 1) break;
    if (f) fclose(f);
    struct utsname u;
    uname(&u);
    snprintf(h.kernel, sizeof h.kernel, "%.40s %.*s", u.sysname, (int)strspn(u.release, "0123456789."),
             u.release);
    h.memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 1e9;
    host_kind(&h);
    return h;
}

static double wall_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Busy and stolen time of all processors since the machine started. */
static double machine_seconds(void) {
    unsigned long long user = 0, nice = 0, system = 0, irq = 0, softirq = 0, steal = 0;
    FILE *f = fopen("/proc/stat", "r");
    if (!f) return 0;
    if (fscanf(f, "cpu %llu %llu %llu %*u %*u %llu %llu %llu", &user, &nice, &system, &irq, &softirq,
               &steal) < 3)
        user = 0;
    fclose(f);
    return (double)(user + nice + system + irq + softirq + steal) / (double)sysconf(_SC_CLK_TCK);
}

static double own_seconds(void) {
    double sum = 0;
    for (int i = 0; i < 2; i++) {
        struct rusage u;
        getrusage(i ? RUSAGE_CHILDREN : RUSAGE_SELF, &u);
        sum += (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
    }
    return sum;
}

struct load load_now(void) {
    return (struct load){wall_seconds(), machine_seconds(), own_seconds()};
}

double load_others(const struct load *since) {
    struct load now = load_now();
    double others = (now.machine - since->machine) - (now.own - since->own);
    double of = (now.wall - since->wall) * (double)sysconf(_SC_NPROCESSORS_ONLN);
    return others > 0 && of > 0 ? 100 * others / of : 0;
}
