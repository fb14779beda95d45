/* source.c - the text of expressions, read from the source file: decisions name them as Go's do. See explain.h. */
#include "explain.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 80 };

struct text {
    char *bytes;
    size_t n;
    size_t *line; /* where each begins */
    unsigned nlines, room;
};

static struct text *read_file(struct analysis *a, const char *name) {
    struct text *t = pool_take(a->pool, sizeof *t);
    FILE *f = fopen(name, "rb");
    if (!f) return t;
    size_t room = 0;
    for (size_t got = 1; got;) {
        if (t->n + 4096 > room) {
            size_t more = room ? 2 * room : 1 << 16;
            char *bytes = pool_take(a->pool, more);
            if (t->n) memcpy(bytes, t->bytes, t->n);
            t->bytes = bytes;
            room = more;
        }
        got = fread(t->bytes + t->n, 1, 4095, f);
        t->n += got;
    }
    fclose(f);
    for (size_t i = 0; i < t->n; i++)
        if (i == 0 || t->bytes[i - 1] == '\n') POOL_PUSH(a->pool, t->line, t->nlines, t->room, i);
    return t;
}

static struct text *file_text(struct analysis *a, const char *name) {
    for (struct named_text *k = a->texts; k; k = k->next)
        if (strcmp(k->name, name) == 0) return k->text;
    struct named_text *k = pool_take(a->pool, sizeof *k);
    *k = (struct named_text){a->texts, pool_text(a->pool, name), read_file(a, name)};
    a->texts = k;
    return k->text;
}

/* The end of an expression that begins at p: operators in front, a name, and brackets behind it. NULL: does not look like one. */
static const char *expression_end(const char *p, const char *end) {
    while (p < end && (*p == '&' || *p == '*')) p++;
    const char *name = p;
    while (p < end && (isalnum((unsigned char)*p) || *p == '_')) p++;
    if (p == name && !(p < end && *p == '(')) return NULL;
    while (p < end && (*p == '(' || *p == '[')) {
        int depth = 0;
        char quote = 0;
        for (; p < end; p++) {
            if (quote) {
                if (*p == '\\') p++;
                else if (*p == quote) quote = 0;
            } else if (*p == '"' || *p == '\'') quote = *p;
            else if (*p == '(' || *p == '[') depth++;
            else if ((*p == ')' || *p == ']') && --depth == 0) break;
        }
        if (p >= end) return NULL;
        p++;
    }
    return p;
}

/* A copy of the text, blanks made one, cut when it is long. */
static const char *tidy(struct analysis *a, const char *p, const char *last, const char *behind) {
    char out[LONGEST + 16];
    size_t n = 0;
    for (; p < last && n < LONGEST; p++) {
        bool space = isspace((unsigned char)*p);
        if (space && n && out[n - 1] == ' ') continue;
        out[n++] = space ? ' ' : *p;
    }
    snprintf(out + n, sizeof out - n, "%s", p < last ? "…" : behind);
    return pool_text(a->pool, out);
}

/* The text at the place; NULL: it cannot be read. */
static const char *find_place(struct analysis *a, struct tricc_loc at, struct text **text) {
    if (!at.file || !at.line || !at.column) return NULL;
    struct text *t = *text = file_text(a, at.file);
    if (at.line > t->nlines || t->line[at.line - 1] + at.column > t->n) return NULL;
    return t->bytes + t->line[at.line - 1] + at.column - 1;
}

const char *source_text(struct analysis *a, struct tricc_loc at) {
    struct text *t;
    const char *p = find_place(a, at, &t), *last = p ? expression_end(p, t->bytes + t->n) : NULL;
    return last ? tidy(a, p, last, "") : NULL;
}

const char *source_statement(struct analysis *a, struct tricc_loc at) {
    struct text *t;
    const char *p = find_place(a, at, &t), *last = p;
    if (!p) return NULL;
    const char *line = t->bytes + t->line[at.line - 1], *end = t->bytes + t->n;
    while (p > line && !strchr(";{}", p[-1])) p--;
    while (last < end && !strchr(";{}\n", *last)) last++;
    while (p < last && isspace((unsigned char)*p)) p++;
    return p < last ? tidy(a, p, last, "") : NULL;
}

/* From inside the braces of a compound literal, back to the bracket behind its type. */
static const char *literal_brace(const char *begin, const char *p) {
    for (int depth = 0; p > begin; p--) {
        if (*p == ';') return NULL;
        depth += *p == '}' ? 1 : *p == '{' ? -1 : 0;
        if (depth >= 0 || *p != '{') continue;
        const char *last = p;
        while (last > begin && isspace((unsigned char)last[-1])) last--;
        if (last > begin && last[-1] == ')') return last;
        depth = 0;
    }
    return NULL;
}

const char *source_literal(struct analysis *a, struct tricc_loc at) {
    struct text *t;
    const char *p = find_place(a, at, &t);
    if (!p) return NULL;
    if (*p == '(') {
        const char *last = expression_end(p, t->bytes + t->n);
        return last ? tidy(a, p, last, "{...}") : NULL;
    }
    const char *last = literal_brace(t->bytes, p);
    if (!last) return NULL;
    int depth = 0;
    for (p = last - 1; p > t->bytes; p--) {
        depth += *p == ')' ? 1 : *p == '(' ? -1 : 0;
        if (!depth) break;
    }
    return tidy(a, p, last, "{...}");
}
