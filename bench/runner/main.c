/* bench/runner/main.c - runs the plan: each benchmark on each system that is there, in rounds.
 *
 *     bench-runner --programs DIR --plan FILE [--rounds N] [--trace-rounds N] [--size full|quick|check]
 *                  [--only PART]... [--systems a,b] [--timeout S] [--markdown FILE | --results DIR]
 *                  [--raw FILE] [--list]
 *
 * --results DIR writes the Markdown to DIR/<date>-<kind of machine>.md.
 *
 * Rounds are paired: A B C D, B C D A ..., so that a busy spell of the machine hits all systems alike, and
 * none is always the first; and before each run as much memory is touched and given back as the hungriest so far took,
 * so that none is the one that finds memory that a virtual machine has yet to get from its host. Then come
 * the trace rounds, for tricolor and Go only, with GODEBUG=gctrace=1: they give cycles and the longest stop,
 * and their times are thrown away. `bench/run` builds everything and calls this.
 */
#include "runner.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ONLY = 16 };

static const char *programs, *plan, *markdown_file, *raw_file, *only[MAX_ONLY];
static int rounds = 3, trace_rounds = 1, timeout = 1800, nonly;
static bool list;
static enum size size = FULL;
static unsigned systems = (1u << SYSTEMS) - 1;

_Noreturn static void usage(const char *wrong) {
    if (wrong) fprintf(stderr, "bench-runner: %s\n", wrong);
    fputs("usage: bench-runner --programs DIR --plan FILE [--rounds N] [--trace-rounds N] [--size "
          "full|quick|check]\n"
          "       [--only PART]... [--systems a,b] [--timeout SECONDS] [--markdown FILE | --results DIR]\n"
          "       [--raw FILE] [--list]\n",
          stderr);
    exit(2);
}

static int parse_number(const char *text, int low, int high) {
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || *end || n < low || n > high) usage("a number is malformed or out of range");
    return (int)n;
}

static enum size parse_size(const char *text) {
    static const char *const names[SIZES] = {"full", "quick", "check"};
    for (int i = 0; i < SIZES; i++)
        if (!strcmp(text, names[i])) return (enum size)i;
    usage("--size is full, quick or check");
}

static unsigned parse_systems(char *names) {
    unsigned set = 0;
    for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
        int s = 0;
        while (s < SYSTEMS && strcmp(name, system_names[s])) s++;
        if (s == SYSTEMS) usage("--systems: tricolor, boehm, malloc, mimalloc, bump, go");
        set |= 1u << s;
    }
    return set;
}

/* In the folder, which is made if need be, a name that tells the day and the kind of machine. */
static const char *results_name(const char *folder) {
    static char name[4096];
    char date[16];
    time_t now = time(NULL);
    strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
    mkdir(folder, 0777);
    snprintf(name, sizeof name, "%s/%s-%s.md", folder, date, host_read().kind);
    return name;
}

static void parse_options(int argc, char **argv) {
    static const struct option options[] = {
        {"programs", 1, 0, 'p'},
        {"plan", 1, 0, 'f'},
        {"rounds", 1, 0, 'r'},
        {"trace-rounds", 1, 0, 't'},
        {"size", 1, 0, 's'},
        {"only", 1, 0, 'o'},
        {"systems", 1, 0, 'y'},
        {"timeout", 1, 0, 'k'},
        {"markdown", 1, 0, 'm'},
        {"raw", 1, 0, 'w'},
        {"list", 0, 0, 'l'},
        {"results", 1, 0, 'd'},
        {0},
    };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'p': programs = optarg; break;
        case 'f': plan = optarg; break;
        case 'r': rounds = parse_number(optarg, 1, MAX_ROUNDS); break;
        case 't': trace_rounds = parse_number(optarg, 0, MAX_ROUNDS); break;
        case 's': size = parse_size(optarg); break;
        case 'o':
            if (nonly == MAX_ONLY) usage("too many --only");
            only[nonly++] = optarg;
            break;
        case 'y': systems = parse_systems(optarg); break;
        case 'k': timeout = parse_number(optarg, 1, 86400); break;
        case 'm': markdown_file = optarg; break;
        case 'd': markdown_file = results_name(optarg); break;
        case 'w': raw_file = optarg; break;
        case 'l': list = true; break;
        default: usage(NULL);
        }
    }
    if (optind < argc || !programs || !plan) usage(optind < argc ? "an argument too many" : NULL);
    if (size == CHECK) rounds = 1, trace_rounds = 0;
}

static bool wanted(const char *name) {
    for (int i = 0; i < nonly; i++)
        if (strstr(name, only[i])) return true;
    return !nonly;
}

static bool program_path(char *path, size_t n, enum system s, const struct benchmark *b) {
    snprintf(path, n, "%s/%s/%s", programs, system_names[s], b->program);
    return systems >> s & 1 && b->systems >> s & 1 && !access(path, X_OK);
}

/* Shows on a terminal what is under way, and wipes it out again. */
static void progress(const char *benchmark, const char *system, int round) {
    if (!isatty(STDERR_FILENO)) return;
    if (benchmark)
        fprintf(stderr, "\r\033[K%s: %s, round %d", benchmark, system, round);
    else
        fputs("\r\033[K", stderr);
}

enum { LEAST_WARM_MB = 256 };

static void run_round(const struct benchmark *b, struct record *records, int round, bool trace) {
    static const struct benchmark *last;
    static double peak; /* MB, of all systems in this benchmark so far */
    if (b != last) peak = LEAST_WARM_MB;
    last = b;
    for (int i = 0; i < SYSTEMS; i++) {
        int s = (i + round - 1) % SYSTEMS;
        char path[4096];
        if (!program_path(path, sizeof path, (enum system)s, b)) continue;
        if (trace && s != TRICOLOR && s != GO) continue;
        progress(b->name, system_names[s], round);
        if (size != CHECK) child_warm_memory(peak * 1.25);
        struct run run = child_run(path, b->arguments[size], b->environment, trace, timeout);
        if (run.out) record_version((enum system)s, run.out);
        if (run.peak > peak) peak = run.peak;
        record_run(&records[s], &run, trace);
    }
}

static bool run_benchmark(const struct report *report, const struct benchmark *b) {
    static struct record records[SYSTEMS];
    memset(records, 0, sizeof records);
    struct load began = load_now();
    for (int i = 1; i <= rounds; i++) run_round(b, records, i, false);
    for (int i = 1; i <= trace_rounds; i++) run_round(b, records, i, true);
    double others = load_others(&began);
    progress(NULL, NULL, 0);
    return report_benchmark(report, b, size, records, others);
}

static FILE *open_output(const char *file) {
    FILE *f = file ? fopen(file, "w") : NULL;
    if (file && !f) {
        perror(file);
        exit(2);
    }
    return f;
}

static void name_missing(void) {
    for (int s = 0; s < SYSTEMS; s++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", programs, system_names[s]);
        if (systems >> s & 1 && access(path, F_OK)) printf("skipped: %s (not built)\n", system_names[s]);
    }
}

int main(int argc, char **argv) {
    static struct benchmark benchmarks[MAX_BENCHMARKS];
    parse_options(argc, argv);
    int n = plan_read(plan, benchmarks), ran = 0, bad = 0;
    for (int i = 0; list && i < n; i++)
        if (wanted(benchmarks[i].name))
            printf("%-22s %s %s\n", benchmarks[i].name, benchmarks[i].program, benchmarks[i].arguments[size]);
    if (list) return 0;

    double memory = host_read().memory;
    struct load began = load_now();
    struct report report = {stdout, open_output(markdown_file), open_output(raw_file)};
    if (size != CHECK) report_head(&report, size == FULL ? "Benchmarks" : "Benchmarks, quick form");
    name_missing();
    for (int i = 0; i < n; i++) {
        if (!wanted(benchmarks[i].name)) continue;
        ran++;
        if (size == FULL && benchmarks[i].memory > memory) {
            printf("skipped: %s (needs %.0f GB of memory)\n", benchmarks[i].name, benchmarks[i].memory);
            continue;
        }
        bad += !run_benchmark(&report, &benchmarks[i]);
    }
    if (!ran) usage("--only matches no benchmark; --list shows them");
    if (size != CHECK) report_foot(&report, load_others(&began));
    if (bad) fprintf(stderr, "%d of %d benchmarks failed\n", bad, ran);
    return bad != 0;
}
