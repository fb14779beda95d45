/* bench/runner/plan.c - reads plan.txt, which explains itself. */
#include "runner.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 7 };

const char *const system_names[SYSTEMS] = {"tricolor", "boehm", "malloc", "mimalloc", "bump", "go"};

static const char *plan_file;
static int plan_line;

_Noreturn static void plan_error(const char *what, const char *text) {
    fprintf(stderr, "%s:%d: %s: %s\n", plan_file, plan_line, what, text);
    exit(2);
}

static char *trim(char *s) {
    while (isspace((unsigned char)*s)) s++;
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1])) *--end = 0;
    return s;
}

static void take(char *into, size_t size, const char *text) {
    if (strlen(text) >= size) plan_error("too long", text);
    strcpy(into, text);
}

static unsigned parse_systems(char *list) {
    if (!strcmp(list, "all")) return (1u << SYSTEMS) - 1 - (1u << BUMP);
    unsigned systems = 0;
    for (char *name = strtok(list, ", "); name; name = strtok(NULL, ", ")) {
        int s = 0;
        while (s < SYSTEMS && strcmp(name, system_names[s])) s++;
        if (s == SYSTEMS) plan_error("no such system", name);
        systems |= 1u << s;
    }
    return systems;
}

/* NAME, or NAME needs N GB */
static void parse_name(char *column, struct benchmark *b) {
    take(b->name, sizeof b->name, strsep(&column, " "));
    b->memory = 0;
    if (column && sscanf(column, " needs %lf GB", &b->memory) != 1) plan_error("what is that behind the name", column);
}

static void parse_line(char *line, struct benchmark *b) {
    char *columns[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        char *column = strsep(&line, "|");
        if (!column) plan_error("too few columns", b->name);
        columns[i] = trim(column);
        if (i == 0) parse_name(columns[i], b);
    }
    if (line) plan_error("too many columns", line);
    take(b->program, sizeof b->program, columns[1]);
    b->systems = parse_systems(columns[2]);
    take(b->environment, sizeof b->environment, strcmp(columns[3], "-") ? columns[3] : "");
    for (int size = 0; size < SIZES; size++)
        take(b->arguments[size], sizeof b->arguments[size], columns[4 + size]);
}

int plan_read(const char *file, struct benchmark *benchmarks) {
    FILE *f = fopen(file, "r");
    if (!f) {
        perror(file);
        exit(2);
    }
    int n = 0;
    char line[512];
    plan_file = file;
    for (plan_line = 1; fgets(line, sizeof line, f); plan_line++) {
        char *text = trim(line);
        if (!*text || *text == '#') continue;
        if (n == MAX_BENCHMARKS) plan_error("too many benchmarks", text);
        parse_line(text, &benchmarks[n++]);
    }
    fclose(f);
    return n;
}
