/* calls.h - the names that tricc -fmanaged-malloc maps the program's calls to, for tests that are compiled without it. */
#ifndef CALLS_H
#define CALLS_H

#include "../system/check.h"
#include "../../src/malloc/managed.h"

#include <dirent.h>
#include <limits.h>
#include <malloc.h>
#include <obstack.h>
#include <search.h>
#include <wchar.h>

char *tri__strdup(const char *s);
char *tri__strndup(const char *s, size_t most);
wchar_t *tri__wcsdup(const wchar_t *s);
char *tri__getcwd(char *to, size_t bytes);
char *tri__realpath(const char *path, char *to);
int tri__asprintf(char **where, const char *text, ...);
ssize_t tri__getline(char **line, size_t *room, FILE *from);
ssize_t tri__getdelim(char **line, size_t *room, int delimiter, FILE *from);
int tri__scandir(const char *path, struct dirent ***where, int (*filter)(const struct dirent *),
                 int (*compare)(const struct dirent **, const struct dirent **));
FILE *tri__open_memstream(char **where, size_t *bytes);
long tri__strtol(const char *text, char **end, int base);
double tri__strtod(const char *text, char **end);
char *tri__strtok_r(char *text, const char *delimiters, char **place);
char *tri__strsep(char **text, const char *delimiters);
void tri__insque(void *element, void *after);
void tri__remque(void *element);
void *tri__lsearch(const void *key, void *table, size_t *n, size_t width, int (*compare)(const void *, const void *));
int tri__obstack_begin(struct obstack *o, int bytes, int align, void *(*chunk)(long), void (*give_back)(void *));

#endif
