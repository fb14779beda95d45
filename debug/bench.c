/* bench.c - Go's benchmarks (package testing): run a function with a growing count until it takes long enough, and print a line
 * that benchstat reads.
 *
 * The count grows as Go's does: to what the last round suggests for the wanted time, a fifth more, at most a hundredfold, and by
 * one at least. Figures are those of the last round alone. One that runs others is itself run once, with a count of one.
 */
#include "debug.h"

#include "../include/tricolor/control.h"
#include "../include/tricolor/go.h"

#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

enum { METRICS = 32, UNIT = 40, MOST = 1000000000, LEVELS = 8 };

struct tri__bench {
    const char *name;
    bool running, failed, parent;
    unsigned level; /* how many it is in */
    int64_t loop_at, loop_end; /* tri_bench_loop: times done, and when to look at the clock; 0: not used */
    bool loop_done;
    uint64_t began, elapsed_ns, mallocs_began, bytes_began, mallocs, bytes;
    int64_t bytes_per_op;
    unsigned nmetrics;
    struct {
        double value;
        char unit[UNIT];
    } metric[METRICS];
};

static struct {
    double seconds;
    int64_t times; /* 0: by time */
    int count;
    regex_t pattern[LEVELS]; /* for the name at each level, as far as given */
    unsigned npatterns;
    bool headed;
} flags = {.seconds = 1, .count = 1};

/* ---- the clock ---- */

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void read_allocated(uint64_t *mallocs, uint64_t *bytes) {
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    *mallocs = s.mallocs;
    *bytes = s.total_alloc;
}

EXPORT void tri_bench_start_timer(tri_b *b) {
    struct tri__bench *x = b->tri__bench;
    if (x->running) return;
    x->running = true;
    read_allocated(&x->mallocs_began, &x->bytes_began);
    x->began = now_ns();
}

EXPORT void tri_bench_stop_timer(tri_b *b) {
    struct tri__bench *x = b->tri__bench;
    uint64_t mallocs, bytes, now = now_ns();
    if (!x->running) return;
    x->running = false;
    x->elapsed_ns += now - x->began;
    read_allocated(&mallocs, &bytes);
    x->mallocs += mallocs - x->mallocs_began;
    x->bytes += bytes - x->bytes_began;
}

EXPORT void tri_bench_reset_timer(tri_b *b) {
    struct tri__bench *x = b->tri__bench;
    bool running = x->running;
    x->running = false;
    x->elapsed_ns = x->mallocs = x->bytes = 0;
    x->nmetrics = 0;
    if (running) tri_bench_start_timer(b);
}

EXPORT void tri_bench_set_bytes(tri_b *b, int64_t per_op) { b->tri__bench->bytes_per_op = per_op; }

EXPORT void tri_bench_report_metric(tri_b *b, double value, const char *unit) {
    struct tri__bench *x = b->tri__bench;
    unsigned i = 0;
    if (!*unit || strlen(unit) >= UNIT || strpbrk(unit, " \t\n\v\f\r"))
        return tri_bench_fail(b, "a metric's unit is a word of at most 39 bytes");
    while (i < x->nmetrics && strcmp(x->metric[i].unit, unit) != 0) i++;
    if (i == METRICS) return tri_bench_fail(b, "more than 32 metrics");
    x->metric[i].value = value;
    strcpy(x->metric[i].unit, unit);
    if (i == x->nmetrics) x->nmetrics++;
}

EXPORT void tri_bench_fail(tri_b *b, const char *why) {
    printf("--- FAIL: Benchmark%s\n    %s\n", b->tri__bench->name, why);
    b->tri__bench->failed = true;
}

/* ---- rounds ---- */

static void run_round(tri_b *b, void (*fn)(tri_b *), int64_t n) {
    tri_gc(); /* what earlier rounds have left is not this one's */
    b->n = n;
    b->tri__bench->running = false;
    tri_bench_reset_timer(b);
    tri_bench_start_timer(b);
    fn(b);
    tri_bench_stop_timer(b);
    if (b->tri__bench->loop_end && !b->tri__bench->loop_done && !b->tri__bench->failed)
        tri_bench_fail(b, "benchmark function returned without tri_bench_loop(b) == false (break or return in loop?)");
}

static int64_t next_count(uint64_t took_ns, int64_t last) {
    double n = flags.seconds * 1e9 * (double)last / (took_ns ? (double)took_ns : 1) * 1.2;
    if (n > 100.0 * (double)last) n = 100.0 * (double)last;
    if (n < (double)last + 1) n = (double)last + 1;
    return n > MOST ? MOST : (int64_t)n;
}

/* ---- the loop, of one round ---- */

static bool loop_look(tri_b *b) {
    struct tri__bench *x = b->tri__bench;
    uint64_t took = x->elapsed_ns + (x->running ? now_ns() - x->began : 0);
    if (!x->loop_end) {
        tri_bench_reset_timer(b); /* what came before was to set it up */
        x->loop_end = flags.times ? flags.times : 1;
    } else if (flags.times || (double)took >= flags.seconds * 1e9 || x->loop_end == MOST) {
        tri_bench_stop_timer(b);
        b->n = x->loop_at;
        x->loop_done = true;
        return false;
    } else {
        x->loop_end = next_count(took, x->loop_end);
    }
    x->loop_at++;
    return true;
}

EXPORT bool tri_bench_loop(tri_b *b) {
    struct tri__bench *x = b->tri__bench;
    if (x->loop_at == x->loop_end) return loop_look(b);
    x->loop_at++;
    return true;
}

/* ---- all rounds ---- */

static void run_rounds(tri_b *b, void (*fn)(tri_b *)) {
    struct tri__bench *x = b->tri__bench;
    run_round(b, fn, 1); /* in which it may turn out to have others in it */
    if (x->failed || x->parent || x->loop_end) return;
    if (flags.times > 1) run_round(b, fn, flags.times);
    while (!flags.times && !x->failed && (double)x->elapsed_ns < flags.seconds * 1e9 && b->n < MOST)
        run_round(b, fn, next_count(x->elapsed_ns, b->n));
}

/* ---- the line ---- */

/* As Go prints: about four digits, the points in one column. */
static void print_value(double value, const char *unit) {
    int digits = 0;
    for (double bound = 999.95; value != 0 && fabs(value) < bound && digits < 7; bound /= 10) digits++;
    printf("\t%*.*f %s", digits ? 11 + digits : 10, digits, value, unit);
}

static void print_head(void) {
    struct utsname host;
    if (flags.headed || uname(&host) != 0) return;
    flags.headed = true;
    const char *arch = strcmp(host.machine, "x86_64") == 0 ? "amd64" : strcmp(host.machine, "aarch64") == 0 ? "arm64" : host.machine;
    printf("goos: linux\ngoarch: %s\n", arch);
    FILE *info = fopen("/proc/cpuinfo", "re");
    char line[256];
    while (info && fgets(line, sizeof line, info))
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
            printf("cpu:%s", strchr(line, ':') + 1);
            break;
        }
    if (info) fclose(info);
}

static bool is_standard(const char *unit) {
    static const char *const units[] = {"ns/op", "MB/s", "B/op", "allocs/op"};
    for (int i = 0; i < 4; i++)
        if (strcmp(unit, units[i]) == 0) return true;
    return false;
}

/* What the program has reported goes before what was measured. */
static double standard(const struct tri__bench *x, const char *unit, double measured) {
    for (unsigned i = 0; i < x->nmetrics; i++)
        if (strcmp(x->metric[i].unit, unit) == 0) return x->metric[i].value;
    return measured;
}

static void print_others(const struct tri__bench *x) {
    for (const char *last = "";;) { /* by rising unit */
        int next = -1;
        for (unsigned i = 0; i < x->nmetrics; i++)
            if (!is_standard(x->metric[i].unit) && strcmp(x->metric[i].unit, last) > 0 &&
                (next < 0 || strcmp(x->metric[i].unit, x->metric[next].unit) < 0))
                next = (int)i;
        if (next < 0) return;
        print_value(x->metric[next].value, last = x->metric[next].unit);
    }
}

static void print_line(const tri_b *b) {
    const struct tri__bench *x = b->tri__bench;
    double n = (double)b->n, seconds = (double)x->elapsed_ns / 1e9;
    locale_t program = trid_plain_numbers();
    int procs = tri_gomaxprocs(0);
    char name[300];
    if (procs > 1) snprintf(name, sizeof name, "Benchmark%s-%d", x->name, procs);
    else snprintf(name, sizeof name, "Benchmark%s", x->name);
    printf("%-30s\t%8ld", name, b->n);
    double ns = standard(x, "ns/op", (double)x->elapsed_ns / n);
    double speed = standard(x, "MB/s", x->bytes_per_op > 0 && seconds > 0 ? (double)x->bytes_per_op * n / 1e6 / seconds : 0);
    if (ns != 0) print_value(ns, "ns/op");
    if (speed != 0) printf("\t%7.2f MB/s", speed);
    print_others(x);
    printf("\t%8ld B/op\t%8ld allocs/op\n", (int64_t)standard(x, "B/op", (double)(x->bytes / (uint64_t)b->n)),
           (int64_t)standard(x, "allocs/op", (double)(x->mallocs / (uint64_t)b->n)));
    fflush(stdout);
    uselocale(program);
}

static bool wanted(const char *name, unsigned level) {
    return level >= flags.npatterns || regexec(&flags.pattern[level], name, 0, NULL, 0) == 0;
}

static int bench(const char *name, unsigned level, void (*fn)(tri_b *)) {
    int result = 0;
    for (int i = 0; i < flags.count; i++) {
        struct tri__bench x = {.name = name, .level = level};
        tri_b b = {.tri__bench = &x};
        run_rounds(&b, fn);
        if (x.failed) result = -1;
        if (x.parent) break; /* those in it have been run as often as is wanted */
        if (!x.failed) print_head(), print_line(&b);
    }
    return result;
}

/* Go's blanks in names become underscores, so that a line can be read. */
static char *plain_name(const char *outer, const char *name) {
    char *s = NULL;
    if (asprintf(&s, "%s%s%s", outer ? outer : "", outer ? "/" : "", name) < 0) abort();
    for (char *c = s; *c; c++)
        if (*c == ' ' || *c == '\t' || *c == '\n') *c = '_';
    return s;
}

EXPORT int tri_bench(const char *name, void (*fn)(tri_b *)) {
    if (strncmp(name, "Benchmark", 9) == 0) name += 9;
    char *plain = plain_name(NULL, name);
    int result = wanted(plain, 0) ? bench(plain, 0, fn) : 0;
    free(plain);
    return result;
}

EXPORT int tri_bench_run(tri_b *b, const char *name, void (*fn)(tri_b *)) {
    struct tri__bench *outer = b->tri__bench;
    char *own = plain_name(NULL, name), *plain = plain_name(outer->name, name);
    outer->parent = true; /* it has no figures of its own */
    int result = wanted(own, outer->level + 1) ? bench(plain, outer->level + 1, fn) : 0;
    if (result) outer->failed = true;
    free(own);
    free(plain);
    return result;
}

/* ---- flags ---- */

static void __attribute__((noreturn)) bad(const char *flag, const char *value, const char *accepted) {
    fprintf(stderr, "invalid value \"%s\" for flag -%s: it takes %s\n", value ? value : "", flag, accepted);
    exit(2);
}

static void set_benchtime(const char *value) {
    char *end;
    locale_t program = trid_plain_numbers();
    double n = strtod(value, &end);
    uselocale(program);
    bool number = end != value && n > 0 && isfinite(n);
    flags.times = 0;
    if (number && strcmp(end, "x") == 0 && n == floor(n) && n <= MOST) flags.times = (int64_t)n;
    else if (number && strcmp(end, "s") == 0) flags.seconds = n;
    else if (number && strcmp(end, "ms") == 0) flags.seconds = n / 1e3;
    else if (number && strcmp(end, "us") == 0) flags.seconds = n / 1e6;
    else if (number && strcmp(end, "m") == 0) flags.seconds = n * 60;
    else bad("benchtime", value, "a time as 500ms, 2s or 1m, or a count as 100x");
}

/* Where the part of the pattern for one level ends: at a slash that is not in brackets. */
static size_t part_length(const char *p) {
    size_t n = 0;
    for (bool inside = false; p[n] && (inside || p[n] != '/'); n++)
        if (p[n] == '\\' && p[n + 1]) n++;
        else inside = inside ? p[n] != ']' : p[n] == '[';
    return n;
}

static void set_pattern(const char *value) {
    while (flags.npatterns > 0) regfree(&flags.pattern[--flags.npatterns]);
    for (const char *p = value;; p++) {
        size_t n = part_length(p);
        char *part = strndup(p, n);
        if (flags.npatterns == LEVELS || !part || regcomp(&flags.pattern[flags.npatterns], part, REG_EXTENDED | REG_NOSUB) != 0)
            bad("bench", value, "regular expressions, one for the name at each level, with slashes between");
        flags.npatterns++;
        free(part);
        p += n;
        if (!*p) break;
    }
}

static void set_count(const char *value) {
    char *end;
    errno = 0;
    long n = strtol(value, &end, 10);
    if (end == value || *end || errno || n < 1 || n > 1000000) bad("count", value, "a number above 0");
    flags.count = (int)n;
}

static void ignore(const char *value) { (void)value; }

static const struct {
    const char *name;
    bool valued;
    void (*set)(const char *value);
} known[] = {{"bench", true, set_pattern},  {"benchtime", true, set_benchtime}, {"count", true, set_count},
             {"run", true, ignore},         {"benchmem", false, ignore},        {"v", false, ignore},
             {"timeout", true, ignore}};

/* How many words of argv the flag takes; 0: it is none of ours. */
static int take_flag(int left, char **argv) {
    const char *flag = argv[0];
    if (flag[0] != '-') return 0;
    flag += flag[1] == '-' ? 2 : 1;
    if (strncmp(flag, "test.", 5) == 0) flag += 5;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t n = strlen(known[i].name);
        if (strncmp(flag, known[i].name, n) != 0 || (flag[n] && flag[n] != '=')) continue;
        if (!known[i].valued) return 1;
        if (!flag[n] && left < 2) bad(known[i].name, NULL, "a value");
        known[i].set(flag[n] ? flag + n + 1 : argv[1]);
        return flag[n] ? 1 : 2;
    }
    return 0;
}

EXPORT void tri_bench_flags(int *argc, char **argv) {
    int kept = 1;
    for (int i = 1; i < *argc;) {
        int taken = take_flag(*argc - i, argv + i);
        if (!taken) argv[kept++] = argv[i++];
        i += taken;
    }
    argv[kept] = NULL;
    *argc = kept;
}
