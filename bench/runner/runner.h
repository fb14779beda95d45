/* bench/runner - runs the plan and makes the table. Knows nothing of memory systems but their names.
 *
 *     main.c     options; the rounds: every system in turn, then every system again
 *     plan.c     reads plan.txt
 *     child.c    runs one program and measures it from outside
 *     record.c   what the runs of one benchmark gave, by system and metric
 *     report.c   the table, as text and as Markdown, and the raw figures
 *     host.c     what machine this is, and how much of it others used
 */
#ifndef BENCH_RUNNER_H
#define BENCH_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { MAX_ROUNDS = 64, MAX_METRICS = 24, MAX_BENCHMARKS = 128 };

/* The columns of the table, left to right. Each has its programs in a folder of its name. */
enum system { TRICOLOR, BOEHM, MALLOC, MIMALLOC, BUMP, GO, SYSTEMS };
extern const char *const system_names[SYSTEMS];

enum size { FULL, QUICK, CHECK, SIZES };

/* ---- plan.c ---- */

struct benchmark {
    char name[48], program[32], environment[96]; /* environment: NAME=value words */
    unsigned systems;                            /* bit s: runs on system s */
    double memory;                               /* GB the machine must have for the full size; 0: any */
    char arguments[SIZES][64];
};

/* Reads the plan; a malformed line ends the program with a message. Returns how many there are. */
int plan_read(const char *file, struct benchmark *benchmarks);

/* ---- child.c ---- */

struct run {
    double wall, cpu; /* s; cpu is user and system time of the process */
    double peak;      /* MB resident */
    char failure[96]; /* "" when it ended well */
    char *out, *err;  /* what it wrote; of the child_run that follows no longer valid */
};

/* Runs `program` with the arguments, words apart by blanks, and the environment, with GODEBUG=gctrace=1 if
 * `trace`. Killed after `timeout` seconds. */
struct run child_run(const char *program, const char *arguments, const char *environment, bool trace,
                     int timeout);

/* Touches that many MB and gives them back, in a process of its own: a virtual machine then has them from its host, and
 * whoever runs next does not pay for that (4 ms a huge page were seen, 20 times what it costs otherwise). */
void child_warm_memory(double megabytes);

/* ---- record.c ---- */

struct series {
    char name[24], unit[16];
    int n;
    double values[MAX_ROUNDS];
};

/* One benchmark on one system. */
struct record {
    bool ran;
    char failure[96]; /* the first one */
    char check[32];   /* of the first run; differing ones are a failure */
    int nmetrics;
    struct series metrics[MAX_METRICS];
};

void record_add(struct record *, const char *metric, double value, const char *unit);
/* Takes over time, memory and printed results of a run; with `trace`, only what the trace lines tell. */
void record_run(struct record *, const struct run *, bool trace);
const struct series *record_find(const struct record *, const char *metric);
double series_median(const struct series *), series_min(const struct series *),
    series_max(const struct series *);

/* What a program says it is: the text behind `system `. */
extern char system_versions[SYSTEMS][160];
void record_version(enum system, const char *out);

/* ---- report.c ---- */

struct report {
    FILE *text, *markdown, *raw; /* markdown and raw may be NULL */
};

void report_head(const struct report *, const char *title);
/* Returns whether all runs ended well and all checksums agree. */
bool report_benchmark(const struct report *, const struct benchmark *, enum size,
                      const struct record records[SYSTEMS], double others);
void report_foot(const struct report *, double others);

/* ---- host.c ---- */

struct host {
    char cpu[96], kernel[96], kind[64]; /* kind: a word for file names, as amd-epyc-2c */
    int cores;
    double memory; /* GB */
};
struct host host_read(void);

struct load {
    double wall, machine, own; /* s so far */
};
struct load load_now(void);
/* Others' part of the machine's processor time since then, %: all but our own and our ended children's. */
double load_others(const struct load *since);

#endif
