/* metrics_page.c - /metrics for Prometheus, and /debug/vars.
 *
 * The names are those of the Go client (github.com/prometheus/client_golang): its collectors of Go and of the process, and every
 * metric of runtime/metrics by its rule: "/a/b-c:units" is go_a_b_c_units, with _total when it only grows. So boards made for
 * Go programs work. Histograms are thinned to powers of two.
 */
#include "debug.h"

#include "../include/tricolor/control.h"
#include "../include/tricolor/go.h"
#include "../include/tricolor/metrics.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct writer {
    struct page *out;
    bool open; /* OpenMetrics */
};

/* In OpenMetrics a counter's family has its name without _total. */
static void head(struct writer *w, const char *name, const char *type, const char *help) {
    int n = (int)strlen(name);
    if (w->open && strcmp(type, "counter") == 0) n -= 6;
    trid_put(w->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", n, name, help, n, name, type);
}

static void put(struct writer *w, const char *name, const char *type, double value, const char *help) {
    head(w, name, type, help);
    trid_put(w->out, "%s %.17g\n", name, value);
}

/* ---- of Go's client ---- */

static int by_ns(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void put_pauses(struct writer *w, const tri_mem_stats *s) {
    static const double quantile[] = {0, 0.25, 0.5, 0.75, 1};
    uint64_t sorted[256];
    size_t n = s->num_gc < 256 ? s->num_gc : 256;
    for (size_t i = 0; i < n; i++) sorted[i] = s->pause_ns[(s->num_gc - 1 - i) % 256];
    qsort(sorted, n, sizeof *sorted, by_ns);
    head(w, "go_gc_duration_seconds", "summary", "A summary of the wall-time pause (stop-the-world) duration in garbage collection cycles.");
    for (size_t i = 0; i < 5; i++)
        trid_put(w->out, "go_gc_duration_seconds{quantile=\"%g\"} %.9g\n", quantile[i],
                 n ? (double)sorted[(size_t)(quantile[i] * (double)(n - 1))] / 1e9 : 0);
    trid_put(w->out, "go_gc_duration_seconds_sum %.9g\ngo_gc_duration_seconds_count %u\n", (double)s->pause_total_ns / 1e9, s->num_gc);
}

static void put_mem_stats(struct writer *w, const tri_mem_stats *s) {
    const struct {
        const char *name, *help;
        double value;
    } gauges[] = {
        {"alloc_bytes", "Number of bytes allocated in heap and currently in use.", (double)s->alloc},
        {"buck_hash_sys_bytes", "Number of bytes used by the profiling bucket hash table.", (double)s->buck_hash_sys},
        {"gc_sys_bytes", "Number of bytes used for garbage collection system metadata.", (double)s->gc_sys},
        {"heap_alloc_bytes", "Number of heap bytes allocated and currently in use.", (double)s->heap_alloc},
        {"heap_idle_bytes", "Number of heap bytes waiting to be used.", (double)s->heap_idle},
        {"heap_inuse_bytes", "Number of heap bytes that are in use.", (double)s->heap_inuse},
        {"heap_objects", "Number of currently allocated objects.", (double)s->heap_objects},
        {"heap_released_bytes", "Number of heap bytes released to the system.", (double)s->heap_released},
        {"heap_sys_bytes", "Number of heap bytes obtained from the system.", (double)s->heap_sys},
        {"last_gc_time_seconds", "Number of seconds since 1970 of the last garbage collection.", (double)s->last_gc / 1e9},
        {"mcache_inuse_bytes", "Number of bytes in use by threads' records.", (double)s->mcache_inuse},
        {"mcache_sys_bytes", "Number of bytes obtained from the system for threads' records.", (double)s->mcache_sys},
        {"mspan_inuse_bytes", "Number of bytes in use by side tables of pages.", (double)s->mspan_inuse},
        {"mspan_sys_bytes", "Number of bytes obtained from the system for side tables of pages.", (double)s->mspan_sys},
        {"next_gc_bytes", "Number of heap bytes when the next garbage collection is to end.", (double)s->next_gc},
        {"other_sys_bytes", "Number of bytes used for other system allocations.", (double)s->other_sys},
        {"stack_inuse_bytes", "Number of bytes in use by goroutines' stacks.", (double)s->stack_inuse},
        {"stack_sys_bytes", "Number of bytes obtained from the system for goroutines' stacks.", (double)s->stack_sys},
        {"sys_bytes", "Number of bytes obtained from the system.", (double)s->sys}};
    char name[100];
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
        snprintf(name, sizeof name, "go_memstats_%s", gauges[i].name);
        put(w, name, "gauge", gauges[i].value, gauges[i].help);
    }
    /* OpenMetrics would call this family what the gauge is called already */
    put(w, "go_memstats_alloc_bytes_total", w->open ? "unknown" : "counter", (double)s->total_alloc,
        "Total number of bytes allocated in heap until now, even if released already.");
    put(w, "go_memstats_mallocs_total", "counter", (double)s->mallocs, "Total number of heap objects allocated, both live and gc-ed.");
    put(w, "go_memstats_frees_total", "counter", (double)s->frees, "Total number of heap objects frees.");
}

/* ---- of the process ---- */

static double count_files(void) {
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    if (!d) return 0;
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n - 1; /* but for this one */
}

/* Field 22 of /proc/self/stat counts ticks since the machine started. */
static double start_time(void) {
    static double start; /* the same whoever finds it */
    char text[1024];
    FILE *f = fopen("/proc/self/stat", "re");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f) fclose(f);
    text[n] = 0;
    char *at = strrchr(text, ')');
    unsigned long long ticks;
    if (!at || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks) != 1) return 0;
    struct timespec wall, boot;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    if (start == 0)
        start = (double)(wall.tv_sec - boot.tv_sec) + (double)(wall.tv_nsec - boot.tv_nsec) / 1e9 + (double)ticks / (double)sysconf(_SC_CLK_TCK);
    return start;
}

/* What has come in and gone out over IP, of the network the process lives in: the last line of /proc/self/net/netstat has
 * the values of the names in the line before. */
static void count_traffic(double *in, double *out) {
    char *names = NULL, *values = NULL;
    size_t room[2] = {0};
    FILE *f = fopen("/proc/self/net/netstat", "re");
    *in = *out = 0;
    while (f && getline(&names, &room[0], f) > 0 && getline(&values, &room[1], f) > 0) {
        if (strncmp(names, "IpExt:", 6) != 0) continue;
        char *rest[2];
        for (char *name = strtok_r(names, " \n", &rest[0]), *value = strtok_r(values, " \n", &rest[1]); name && value;
             name = strtok_r(NULL, " \n", &rest[0]), value = strtok_r(NULL, " \n", &rest[1])) {
            if (strcmp(name, "InOctets") == 0) *in = strtod(value, NULL);
            if (strcmp(name, "OutOctets") == 0) *out = strtod(value, NULL);
        }
    }
    free(names), free(values);
    if (f) fclose(f);
}

static void put_process(struct writer *w) {
    struct timespec cpu;
    struct rlimit files, memory;
    unsigned long pages = 0, resident = 0;
    double in, out;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    getrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_AS, &memory);
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%lu %lu", &pages, &resident) != 2) pages = resident = 0;
    if (f) fclose(f);
    double page = (double)sysconf(_SC_PAGESIZE);
    put(w, "process_cpu_seconds_total", "counter", (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9, "Total user and system CPU time spent in seconds.");
    put(w, "process_max_fds", "gauge", (double)files.rlim_cur, "Maximum number of open file descriptors.");
    count_traffic(&in, &out);
    put(w, "process_network_receive_bytes_total", "counter", in, "Number of bytes received by the process over the network.");
    put(w, "process_network_transmit_bytes_total", "counter", out, "Number of bytes sent by the process over the network.");
    put(w, "process_open_fds", "gauge", count_files(), "Number of open file descriptors.");
    put(w, "process_resident_memory_bytes", "gauge", (double)resident * page, "Resident memory size in bytes.");
    put(w, "process_start_time_seconds", "gauge", start_time(), "Start time of the process since unix epoch in seconds.");
    put(w, "process_virtual_memory_bytes", "gauge", (double)pages * page, "Virtual memory size in bytes.");
    put(w, "process_virtual_memory_max_bytes", "gauge", memory.rlim_cur == RLIM_INFINITY ? -1 : (double)memory.rlim_cur,
        "Maximum amount of virtual memory available in bytes.");
}

/* ---- of runtime/metrics ---- */

static void name_of(char *to, size_t room, const tri_metric_description *d) {
    snprintf(to, room, "go%s%s", d->name, d->cumulative && d->kind != TRI_METRIC_FLOAT64_HISTOGRAM ? "_total" : "");
    for (char *c = to; *c; c++)
        if (*c == '/' || *c == ':' || *c == '-') *c = '_';
}

static bool is_power(double x) {
    int e;
    return frexp(x, &e) == 0.5;
}

/* Bounds kept: times by powers of two of nanoseconds, sizes likewise; Prometheus' bounds belong to the bucket below. */
static void put_histogram(struct writer *w, const char *name, const tri_metric *m, double exact_sum) {
    const tri_float64_histogram *h = m->float64_histogram;
    bool sizes = h->buckets[0] == 1;
    uint64_t count = 0;
    double sum = 0;
    for (size_t i = 0; i < h->n; i++) {
        double low = isinf(h->buckets[i]) ? 0 : h->buckets[i], high = isinf(h->buckets[i + 1]) ? low : h->buckets[i + 1];
        count += h->counts[i];
        sum += (double)h->counts[i] * (low + high) / 2;
        double bound = h->buckets[i + 1];
        bool keep = sizes ? is_power(bound - 1) : bound == 0 || is_power(round(bound * 1e9));
        if (keep && !isinf(bound) && bound > 0) trid_put(w->out, "%s_bucket{le=\"%.12g\"} %lu\n", name, sizes ? bound - 1 : bound, count);
    }
    trid_put(w->out, "%s_bucket{le=\"+Inf\"} %lu\n%s_sum %.17g\n%s_count %lu\n", name, count, name, exact_sum >= 0 ? exact_sum : sum, name, count);
}

static double sum_known(const char *name, const tri_mem_stats *s) {
    if (strcmp(name, "/gc/heap/allocs-by-size:bytes") == 0) return (double)s->total_alloc;
    if (strcmp(name, "/gc/heap/frees-by-size:bytes") == 0) return (double)(s->total_alloc - s->heap_alloc);
    if (strstr(name, "pauses:seconds") || strstr(name, "pauses/total/gc")) return (double)s->pause_total_ns / 1e9;
    return -1;
}

static void put_metrics(struct writer *w, const tri_mem_stats *s) {
    size_t n;
    const tri_metric_description *d = tri_all_metrics(&n);
    tri_metric *m = trid_read_metrics(&n);
    for (size_t i = 0; i < n; i++) {
        char name[160];
        name_of(name, sizeof name, &d[i]);
        if (m[i].kind == TRI_METRIC_FLOAT64_HISTOGRAM) {
            head(w, name, "histogram", d[i].description);
            put_histogram(w, name, &m[i], sum_known(d[i].name, s));
        } else {
            put(w, name, d[i].cumulative ? "counter" : "gauge", m[i].kind == TRI_METRIC_FLOAT64 ? m[i].float64 : (double)m[i].uint64,
                d[i].description);
        }
    }
    free(m);
}

void trid_metrics_page(struct page *out, bool open_metrics) {
    struct writer w = {out, open_metrics};
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    put_pauses(&w, &s);
    tri_metric threads = {.name = "/sched/threads/total:threads"};
    tri_read_metrics(&threads, 1);
    put(&w, "go_goroutines", "gauge", tri_num_goroutine(), "Number of goroutines that currently exist.");
    head(&w, "go_info", "gauge", "Information about the environment.");
    trid_put(out, "go_info{version=\"tricolor%s\"} 1\n", tri_version());
    put(&w, "go_threads", "gauge", (double)threads.uint64, "Number of threads the library knows.");
    put_mem_stats(&w, &s);
    put_metrics(&w, &s);
    put_process(&w);
    if (open_metrics) trid_put(out, "# EOF\n");
}

/* ---- /debug/vars: Go's expvar ---- */

static void put_cmdline(struct page *out) {
    char *word = NULL;
    size_t room = 0;
    bool first = true;
    FILE *f = fopen("/proc/self/cmdline", "re");
    trid_put(out, "[");
    while (f && getdelim(&word, &room, 0, f) > 0) {
        if (!first) trid_put(out, ",");
        trid_put_json(out, word);
        first = false;
    }
    trid_put(out, "]");
    free(word);
    if (f) fclose(f);
}

static void put_ring(struct page *out, const char *name, const uint64_t *ring) {
    trid_put(out, ",\"%s\":[", name);
    for (int i = 0; i < 256; i++) trid_put(out, "%s%lu", i ? "," : "", ring[i]);
    trid_put(out, "]");
}

void trid_vars_page(struct page *out) {
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    trid_put(out, "{\n\"cmdline\": ");
    put_cmdline(out);
    trid_put(out, ",\n\"memstats\": {\"Alloc\":%lu,\"TotalAlloc\":%lu,\"Sys\":%lu,\"Lookups\":%lu,\"Mallocs\":%lu,\"Frees\":%lu,"
             "\"HeapAlloc\":%lu,\"HeapSys\":%lu,\"HeapIdle\":%lu,\"HeapInuse\":%lu,\"HeapReleased\":%lu,\"HeapObjects\":%lu,"
             "\"StackInuse\":%lu,\"StackSys\":%lu,\"MSpanInuse\":%lu,\"MSpanSys\":%lu,\"MCacheInuse\":%lu,\"MCacheSys\":%lu,"
             "\"BuckHashSys\":%lu,\"GCSys\":%lu,\"OtherSys\":%lu,\"NextGC\":%lu,\"LastGC\":%lu,\"PauseTotalNs\":%lu",
             s.alloc, s.total_alloc, s.sys, s.lookups, s.mallocs, s.frees, s.heap_alloc, s.heap_sys, s.heap_idle, s.heap_inuse,
             s.heap_released, s.heap_objects, s.stack_inuse, s.stack_sys, s.mspan_inuse, s.mspan_sys, s.mcache_inuse, s.mcache_sys,
             s.buck_hash_sys, s.gc_sys, s.other_sys, s.next_gc, s.last_gc, s.pause_total_ns);
    put_ring(out, "PauseNs", s.pause_ns);
    put_ring(out, "PauseEnd", s.pause_end);
    trid_put(out, ",\"NumGC\":%u,\"NumForcedGC\":%u,\"GCCPUFraction\":%.9g,\"EnableGC\":%s,\"DebugGC\":%s,\"BySize\":[", s.num_gc,
             s.num_forced_gc, s.gc_cpu_fraction, s.enable_gc ? "true" : "false", s.debug_gc ? "true" : "false");
    for (int i = 0; i < 68; i++)
        trid_put(out, "%s{\"Size\":%u,\"Mallocs\":%lu,\"Frees\":%lu}", i ? "," : "", s.by_size[i].size, s.by_size[i].mallocs, s.by_size[i].frees);
    trid_put(out, "]}\n}\n");
}
