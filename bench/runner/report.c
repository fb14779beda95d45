/* bench/runner/report.c - the table: a block for each benchmark, a line a metric, a column a system.
 *
 * A cell is the median of the rounds, (min-max) when there was more than one, and the ratio to Go's median.
 * The block is written three times: aligned text, Markdown, raw figures.
 */
#include "runner.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CELL = 40 };

struct table {
    int ncolumns, nrows;
    enum system columns[SYSTEMS];
    char labels[MAX_METRICS * 2][CELL];
    char cells[MAX_METRICS * 2][SYSTEMS][CELL];
};

/* Four significant digits, without exponents. */
static void number(char *text, size_t size, double v) {
    int decimals = v >= 999.5 ? 0 : v >= 99.95 ? 1 : v >= 9.995 ? 2 : v >= 0.0995 ? 3 : 4;
    snprintf(text, size, "%.*f", v == (double)(long)v ? 0 : decimals, v);
}

static void short_number(char *text, size_t size, double v) {
    int decimals = v >= 99.5 ? 0 : v >= 9.95 ? 1 : v >= 0.0995 ? 2 : 4;
    snprintf(text, size, "%.*f", v == (double)(long)v ? 0 : decimals, v);
}

static void cell_write(char *cell, const struct series *s, const struct series *go) {
    char value[16], low[16], high[16];
    number(value, sizeof value, series_median(s));
    size_t n = (size_t)snprintf(cell, CELL, "%s", value);
    if (s->n > 1) {
        short_number(low, sizeof low, series_min(s));
        short_number(high, sizeof high, series_max(s));
        n += (size_t)snprintf(cell + n, CELL - n, " (%s-%s)", low, high);
    }
    bool is_price = strcmp(s->unit, "n") && strcmp(s->unit, "%");
    if (is_price && go && go != s && series_median(go) > 0 && n < CELL) {
        double ratio = series_median(s) / series_median(go);
        snprintf(cell + n, CELL - n, ratio < 0.0995 ? " %.3fx" : ratio < 9.95 ? " %.2fx" : " %.0fx", ratio);
    }
}

static void row_add(struct table *t, const struct record *records, const char *metric, const char *unit) {
    int row = t->nrows++;
    snprintf(t->labels[row], CELL, "%s%s%s", metric, *unit ? " " : "", unit);
    const struct series *go = records[GO].ran ? record_find(&records[GO], metric) : NULL;
    for (int c = 0; c < t->ncolumns; c++) {
        const struct series *s = record_find(&records[t->columns[c]], metric);
        if (s)
            cell_write(t->cells[row][c], s, go);
        else
            strcpy(t->cells[row][c], "-");
    }
}

/* Every metric that any system has, in the order in which they first come. */
static void table_fill(struct table *t, const struct record *records) {
    const char *seen[MAX_METRICS * 2];
    for (int s = 0; s < SYSTEMS; s++)
        if (records[s].ran) t->columns[t->ncolumns++] = (enum system)s;
    for (int c = 0; c < t->ncolumns; c++) {
        const struct record *r = &records[t->columns[c]];
        for (int m = 0; m < r->nmetrics && t->nrows < MAX_METRICS * 2; m++) {
            bool known = false;
            for (int i = 0; i < t->nrows; i++) known |= !strcmp(seen[i], r->metrics[m].name);
            if (known) continue;
            seen[t->nrows] = r->metrics[m].name;
            row_add(t, records, r->metrics[m].name,
                    strcmp(r->metrics[m].unit, "n") ? r->metrics[m].unit : "");
        }
    }
}

static void table_text(const struct table *t, FILE *f) {
    int widths[SYSTEMS], label = 0;
    for (int r = 0; r < t->nrows; r++)
        if ((int)strlen(t->labels[r]) > label) label = (int)strlen(t->labels[r]);
    fprintf(f, "  %-*s", label, "");
    for (int c = 0; c < t->ncolumns; c++) {
        widths[c] = (int)strlen(system_names[t->columns[c]]);
        for (int r = 0; r < t->nrows; r++)
            if ((int)strlen(t->cells[r][c]) > widths[c]) widths[c] = (int)strlen(t->cells[r][c]);
        fprintf(f, "  %-*s", widths[c], system_names[t->columns[c]]);
    }
    for (int r = 0; r < t->nrows; r++) {
        fprintf(f, "\n  %-*s", label, t->labels[r]);
        for (int c = 0; c < t->ncolumns; c++) fprintf(f, "  %-*s", widths[c], t->cells[r][c]);
    }
    fputs("\n", f);
}

static void table_markdown(const struct table *t, FILE *f) {
    fputs("| |", f);
    for (int c = 0; c < t->ncolumns; c++) fprintf(f, " %s |", system_names[t->columns[c]]);
    fputs("\n|---|", f);
    for (int c = 0; c < t->ncolumns; c++) fputs("---|", f);
    for (int r = 0; r < t->nrows; r++) {
        fprintf(f, "\n| %s |", t->labels[r]);
        for (int c = 0; c < t->ncolumns; c++) fprintf(f, " %s |", t->cells[r][c]);
    }
    fputs("\n", f);
}

static void raw_write(FILE *f, const char *benchmark, const struct record *records) {
    for (int s = 0; s < SYSTEMS; s++)
        for (int m = 0; m < records[s].nmetrics; m++)
            for (int i = 0; i < records[s].metrics[m].n; i++)
                fprintf(f, "%s\t%s\t%d\t%s\t%.6g\t%s\n", benchmark, system_names[s], i + 1,
                        records[s].metrics[m].name, records[s].metrics[m].values[i],
                        records[s].metrics[m].unit);
    fflush(f);
}

/* Writes a line to the text and the Markdown. */
__attribute__((format(printf, 3, 4))) static void both(const struct report *r, const char *markup,
                                                       const char *format, ...) {
    va_list args;
    for (int i = 0; i < 2; i++) {
        FILE *f = i ? r->markdown : r->text;
        if (!f) continue;
        if (i) fputs(markup, f);
        va_start(args, format);
        vfprintf(f, format, args);
        va_end(args);
        fflush(f);
    }
}

/* Failures, and checksums that are not the first system's. */
static bool verdict(const struct report *r, const struct record *records) {
    bool good = true;
    int first = -1;
    for (int s = 0; s < SYSTEMS; s++) {
        if (!records[s].ran) continue;
        if (*records[s].failure) {
            both(r, "\n", "FAILED: %s: %s\n", system_names[s], records[s].failure);
            good = false;
        } else if (first < 0) {
            first = s;
        } else if (strcmp(records[s].check, records[first].check)) {
            both(r, "\n", "FAILED: checksums differ: %s %s, %s %s\n", system_names[first],
                 records[first].check, system_names[s], records[s].check);
            good = false;
        }
    }
    return good;
}

bool report_benchmark(const struct report *r, const struct benchmark *b, enum size size,
                      const struct record records[SYSTEMS], double others) {
    static struct table t;
    memset(&t, 0, sizeof t);
    table_fill(&t, records);
    if (size == CHECK) {
        bool good = verdict(r, records);
        both(r, "", "%-24s %s\n", b->name, good ? "ok" : "FAILED");
        return good;
    }
    both(r, "\n### ", "%s\n", b->name);
    both(r, "\n", "%s %s%s%s; others used %.0f %% of the machine\n", b->program, b->arguments[size],
         *b->environment ? ", " : "", b->environment, others);
    if (r->text) table_text(&t, r->text);
    if (r->markdown) fputs("\n", r->markdown), table_markdown(&t, r->markdown);
    if (r->raw) raw_write(r->raw, b->name, records);
    bool good = verdict(r, records);
    both(r, "", "\n");
    return good;
}

void report_head(const struct report *r, const char *title) {
    struct host h = host_read();
    char date[32];
    time_t now = time(NULL);
    strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
    both(r, "# ", "%s, %s\n", title, date);
    both(r, "\n", "%s, %d cores, %.0f GB, %s\n", h.cpu, h.cores, h.memory, h.kernel);
    both(r, "\n",
         "Median of the rounds (min-max), ratio to Go. Times, memory and stops: less is better; rates: "
         "more.\n\n");
}

void report_foot(const struct report *r, double others) {
    both(r, "\n", "Others used %.0f %% of the machine over the whole run. What ran:\n", others);
    if (r->markdown) fputs("\n", r->markdown);
    for (int s = 0; s < SYSTEMS; s++)
        if (*system_versions[s]) both(r, "- ", "%s: %s\n", system_names[s], system_versions[s]);
    static const char *const settings[] = {"GOGC",     "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG",
                                           "TRITRACK", "GC_MARKERS", NULL};
    for (int i = 0; settings[i]; i++)
        if (getenv(settings[i]))
            both(r, "- ", "set for the whole run: %s=%s\n", settings[i], getenv(settings[i]));
}
