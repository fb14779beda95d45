/* diag.c - the sink for diagnostics: collects what the passes say, sorts it by place, prints each thing once.
 *
 * Decisions (-m) are printed in Go's form, warnings and errors in clang's. A decision owns the explanations that
 * follow it until the next one. Order: by file in order of first mention, then line, then column, then as said.
 */
#include "../tricc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { DECISION, WARNING, ERROR };

struct entry {
    enum kind kind;
    size_t order; /* of mention */
    char *file;
    unsigned line, column;
    char *text;
    char **why; /* explanations */
    size_t nwhy;
};

struct tricc_diag {
    struct entry *entry;
    size_t n, room;
    bool failed;
};

static void *must(void *p) {
    if (!p) {
        fputs("tricc: error: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

struct tricc_diag *tricc_diag_new(void) { return must(calloc(1, sizeof(struct tricc_diag))); }

static void forget(struct tricc_diag *d) {
    for (size_t i = 0; i < d->n; i++) {
        struct entry *e = &d->entry[i];
        for (size_t j = 0; j < e->nwhy; j++) free(e->why[j]);
        free(e->why);
        free(e->text);
        free(e->file);
    }
    d->n = 0;
}

void tricc_diag_delete(struct tricc_diag *d) {
    forget(d);
    free(d->entry);
    free(d);
}

static char *format_text(const char *format, va_list args) {
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0) text = NULL;
    return must(text);
}

static void add(struct tricc_diag *d, enum kind kind, struct tricc_loc at, const char *format, va_list args) {
    if (d->n == d->room) {
        d->room = d->room ? 2 * d->room : 64;
        d->entry = must(realloc(d->entry, d->room * sizeof *d->entry));
    }
    d->entry[d->n] = (struct entry){.kind = kind, .order = d->n, .file = at.file ? must(strdup(at.file)) : NULL,
                                    .line = at.line, .column = at.column, .text = format_text(format, args)};
    d->n++;
    if (kind == ERROR) d->failed = true;
}

void tricc_diag_say(struct tricc_diag *d, struct tricc_loc at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add(d, DECISION, at, format, args);
    va_end(args);
}

void tricc_diag_warn(struct tricc_diag *d, struct tricc_loc at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add(d, WARNING, at, format, args);
    va_end(args);
}

void tricc_diag_error(struct tricc_diag *d, struct tricc_loc at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add(d, ERROR, at, format, args);
    va_end(args);
}

void tricc_diag_explain(struct tricc_diag *d, const char *format, ...) {
    if (!d->n) return;
    struct entry *e = &d->entry[d->n - 1];
    va_list args;
    va_start(args, format);
    e->why = must(realloc(e->why, (e->nwhy + 1) * sizeof *e->why));
    e->why[e->nwhy++] = format_text(format, args);
    va_end(args);
}

static int compare_files(const char *a, const char *b) { return a && b ? strcmp(a, b) : !!a - !!b; }

static int compare(const void *left, const void *right) {
    const struct entry *a = left, *b = right;
    int files = compare_files(a->file, b->file);
    if (files) return files;
    if (a->line != b->line) return a->line < b->line ? -1 : 1;
    if (a->column != b->column) return a->column < b->column ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static bool said_before(const struct tricc_diag *d, size_t i) {
    const struct entry *e = &d->entry[i];
    while (i-- > 0) {
        const struct entry *b = &d->entry[i];
        if (compare_files(b->file, e->file) || b->line != e->line || b->column != e->column) return false;
        if (b->kind == e->kind && strcmp(b->text, e->text) == 0) return true;
    }
    return false;
}

static void print_json_string(const char *s) {
    putc('"', stderr);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') fprintf(stderr, "\\%c", c);
        else if (c == '\n') fputs("\\n", stderr);
        else if (c < 0x20) fprintf(stderr, "\\u%04x", c);
        else putc(c, stderr);
    }
    putc('"', stderr);
}

/* One object a line. */
static void print_json(const struct entry *e) {
    fputs("{\"file\":", stderr);
    print_json_string(e->file ? e->file : "");
    fprintf(stderr, ",\"line\":%u,\"column\":%u,\"message\":", e->line, e->column);
    print_json_string(e->text);
    if (e->nwhy) {
        fputs(",\"flow\":[", stderr);
        for (size_t i = 0; i < e->nwhy; i++) {
            if (i) putc(',', stderr);
            print_json_string(e->why[i]);
        }
        putc(']', stderr);
    }
    fputs("}\n", stderr);
}

static void print_place(const struct entry *e) {
    if (!e->file) fputs("tricc: ", stderr);
    else if (!e->line) fprintf(stderr, "%s: ", e->file);
    else fprintf(stderr, "%s:%u:%u: ", e->file, e->line, e->column);
}

static void print_entry(const struct entry *e, const struct tricc_options *o) {
    if (e->kind == DECISION && !o->m && !o->m_json) return;
    if (e->kind == DECISION && o->m_json) {
        print_json(e);
        return;
    }
    print_place(e);
    fprintf(stderr, "%s%s\n", e->kind == ERROR ? "error: " : e->kind == WARNING ? "warning: " : "", e->text);
    if (e->kind != DECISION || o->m < 2) return;
    for (size_t i = 0; i < e->nwhy; i++) {
        print_place(e);
        fprintf(stderr, "  %s\n", e->why[i]);
    }
}

bool tricc_diag_flush(struct tricc_diag *d, const struct tricc_options *o) {
    if (d->n) qsort(d->entry, d->n, sizeof *d->entry, compare);
    for (size_t i = 0; i < d->n; i++)
        if (!said_before(d, i)) print_entry(&d->entry[i], o);
    forget(d);
    bool good = !d->failed;
    d->failed = false;
    return good;
}
