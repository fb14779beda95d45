/* stats.c - counts by function, and the lines of -fstats:
 *
 *     tricc: list.c: push: 2 stores barriered, 1 left out: stack
 *     tricc: list.c: total: …
 */
#include "../tricc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    char *name; /* of the function; NULL: the file */
    unsigned count[TRICC_NSTATS];
};

struct tricc_stats {
    struct row *row;
    size_t n;
    size_t last; /* row asked for last */
};

static const char *const words[] = {
#define STAT(name, words) words,
#include "stats.def"
#undef STAT
};

struct tricc_stats *tricc_stats_new(void) { return calloc(1, sizeof(struct tricc_stats)); }

void tricc_stats_delete(struct tricc_stats *s) {
    for (size_t i = 0; i < s->n; i++) free(s->row[i].name);
    free(s->row);
    free(s);
}

static const char *name_of(LLVMValueRef function) {
    size_t length;
    return function ? LLVMGetValueName2(function, &length) : "";
}

static struct row *row_of(struct tricc_stats *s, LLVMValueRef function) {
    const char *name = name_of(function);
    if (s->last < s->n && strcmp(s->row[s->last].name, name) == 0) return &s->row[s->last];
    for (s->last = 0; s->last < s->n; s->last++)
        if (strcmp(s->row[s->last].name, name) == 0) return &s->row[s->last];
    struct row *more = realloc(s->row, (s->n + 1) * sizeof *more);
    if (!more) return NULL;
    s->row = more;
    s->row[s->n] = (struct row){.name = strdup(name)};
    return &s->row[s->n++];
}

void tricc_stats_count(struct tricc_stats *s, LLVMValueRef function, enum tricc_stat what, unsigned n) {
    struct row *r = row_of(s, function);
    if (r) r->count[what] += n;
}

static void print_row(const char *source, const char *name, const unsigned *count) {
    fprintf(stderr, "tricc: %s: %s:", source, name);
    const char *separator = " ";
    for (size_t i = 0; i < TRICC_NSTATS; i++) {
        if (!count[i]) continue;
        fprintf(stderr, "%s%u %s", separator, count[i], words[i]);
        separator = ", ";
    }
    fputs(*separator == ' ' ? " nothing\n" : "\n", stderr);
}

void tricc_stats_print(const struct tricc_stats *s, const struct tricc_options *o, const char *source) {
    if (!o->stats) return;
    unsigned total[TRICC_NSTATS] = {0};
    for (size_t i = 0; i < s->n; i++) {
        if (*s->row[i].name) print_row(source, s->row[i].name, s->row[i].count);
        for (size_t j = 0; j < TRICC_NSTATS; j++) total[j] += s->row[i].count[j];
    }
    print_row(source, "total", total);
}
