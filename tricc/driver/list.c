/* list.c - lists of arguments, texts, the end of a run that cannot go on. A run is short: memory is not given back. */
#include "driver.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(const char *format, ...) {
    va_list args;
    fputs("tricc: error: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    putc('\n', stderr);
    exit(1);
}

static char *vtext(const char *format, va_list args) {
    char *s = NULL;
    if (vasprintf(&s, format, args) < 0) fail("out of memory");
    return s;
}

char *text(const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *s = vtext(format, args);
    va_end(args);
    return s;
}

void list_add(struct list *l, const char *item) {
    if (l->n + 1 >= l->room) {
        l->room = l->room ? 2 * l->room : 64;
        l->item = realloc(l->item, l->room * sizeof *l->item);
        if (!l->item) fail("out of memory");
    }
    l->item[l->n++] = (char *)(uintptr_t)item;
    l->item[l->n] = NULL;
}

void list_addf(struct list *l, const char *format, ...) {
    va_list args;
    va_start(args, format);
    list_add(l, vtext(format, args));
    va_end(args);
}

bool list_has(const struct list *l, const char *item) {
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->item[i], item) == 0) return true;
    return false;
}

const char *list_after(const struct list *l, const char *option) {
    const char *found = NULL;
    for (size_t i = 0; i + 1 < l->n; i++)
        if (strcmp(l->item[i], option) == 0) found = l->item[i + 1];
    return found;
}
