/* bench/runner/record.c - what the runs of one benchmark on one system gave, read from what they printed. */
#include "runner.h"

#include <stdlib.h>
#include <string.h>

char system_versions[SYSTEMS][160];

void record_add(struct record *r, const char *metric, double value, const char *unit) {
    struct series *s = (struct series *)record_find(r, metric);
    if (!s) {
        if (r->nmetrics == MAX_METRICS) abort();
        s = &r->metrics[r->nmetrics++];
        memset(s, 0, sizeof *s);
        snprintf(s->name, sizeof s->name, "%s", metric);
        snprintf(s->unit, sizeof s->unit, "%s", unit);
    }
    if (s->n < MAX_ROUNDS) s->values[s->n++] = value;
}

const struct series *record_find(const struct record *r, const char *metric) {
    for (int i = 0; i < r->nmetrics; i++)
        if (!strcmp(r->metrics[i].name, metric)) return &r->metrics[i];
    return NULL;
}

/* The next line of the text, cut out and moved behind; NULL at the end. */
static char *next_line(char **text) {
    char *line;
    do line = strsep(text, "\n");
    while (line && !*line && *text);
    return line && *line ? line : NULL;
}

static void record_fail(struct record *r, const char *failure) {
    if (!*r->failure) snprintf(r->failure, sizeof r->failure, "%s", failure);
}

static void record_check(struct record *r, const char *check) {
    if (!*r->check)
        snprintf(r->check, sizeof r->check, "%s", check);
    else if (strcmp(r->check, check))
        record_fail(r, "its own checksums differ");
}

/* Lines as the programs print them; bench.h explains. */
static void record_results(struct record *r, char *out) {
    char metric[24], unit[16], check[32] = "";
    double value;
    for (char *line; (line = next_line(&out));) {
        if (sscanf(line, "result %*s %23s %lf %15s", metric, &value, unit) == 3)
            record_add(r, metric, value, unit);
        else
            sscanf(line, "check %31s", check);
    }
    if (*check)
        record_check(r, check);
    else
        record_fail(r, "no checksum");
}

/* gctrace lines: `gc 7 @0.019s 2%: 0.015+2.5+0.003 ms clock, ...`: the first and third are stops of the
 * world. */
static void record_trace(struct record *r, char *err) {
    double longest = 0;
    int cycles = 0, percent = 0;
    for (char *line; (line = next_line(&err));) {
        double first, last;
        int cycle;
        if (sscanf(line, "gc %d @%*fs %d%%: %lf+%*f+%lf ms clock", &cycle, &percent, &first, &last) != 4)
            continue;
        cycles++;
        if (first > longest) longest = first;
        if (last > longest) longest = last;
    }
    record_add(r, "cycles", cycles, "n");
    record_add(r, "longest_stop", longest, "ms");
    record_add(r, "gc_share", percent, "%");
}

void record_run(struct record *r, const struct run *run, bool trace) {
    r->ran = true;
    if (*run->failure) {
        record_fail(r, run->failure);
        if (run->err && *run->err) fprintf(stderr, "%.2000s\n", run->err);
        return;
    }
    if (trace) {
        record_trace(r, run->err);
        return;
    }
    record_add(r, "cpu", run->cpu, "s");
    record_add(r, "wall", run->wall, "s");
    record_add(r, "peak", run->peak, "MB");
    record_results(r, run->out);
}

void record_version(enum system s, const char *out) {
    if (!*system_versions[s]) sscanf(out, "system %159[^\n]", system_versions[s]);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double series_rank(const struct series *s, int twice) { /* twice the place in the sorted values */
    double sorted[MAX_ROUNDS];
    memcpy(sorted, s->values, (size_t)s->n * sizeof sorted[0]);
    qsort(sorted, (size_t)s->n, sizeof sorted[0], compare);
    return (sorted[twice / 2] + sorted[(twice + 1) / 2]) / 2;
}

double series_median(const struct series *s) { return series_rank(s, s->n - 1); }
double series_min(const struct series *s) { return series_rank(s, 0); }
double series_max(const struct series *s) { return series_rank(s, 2 * (s->n - 1)); }
