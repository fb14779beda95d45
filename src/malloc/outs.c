/* outs.c - calls of the C library that store a pointer where the program says: into a variable of this file's, and from
 * there through the barrier. libc has none, and the place may be in the heap. See managed.h.
 *
 * Only calls whose pointer may come from the heap are compiled to these: a place on the stack needs no barrier.
 */
#include "managed.h"
#include "../../include/tricolor/barrier.h"

#include <iconv.h>
#include <inttypes.h>
#include <obstack.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* ---- numbers ---- */

#define NUMBER(type, name, character, ...)                                                                     \
    HIDDEN type tri__##name(const character *text, character **end NUMBER_PARAMETERS_##__VA_ARGS__) {          \
        character *stop;                                                                                       \
        type value = name(text, &stop NUMBER_ARGUMENTS_##__VA_ARGS__);                                         \
        if (end) tri_set(*end, stop);                                                                          \
        return value;                                                                                          \
    }
#define NUMBER_PARAMETERS_
#define NUMBER_ARGUMENTS_
#define NUMBER_PARAMETERS_base , int base
#define NUMBER_ARGUMENTS_base  , base

NUMBER(long, strtol, char, base)
NUMBER(unsigned long, strtoul, char, base)
NUMBER(long long, strtoll, char, base)
NUMBER(unsigned long long, strtoull, char, base)
NUMBER(intmax_t, strtoimax, char, base)
NUMBER(uintmax_t, strtoumax, char, base)
NUMBER(float, strtof, char, )
NUMBER(double, strtod, char, )
NUMBER(long double, strtold, char, )
NUMBER(long, wcstol, wchar_t, base)
NUMBER(unsigned long, wcstoul, wchar_t, base)
NUMBER(long long, wcstoll, wchar_t, base)
NUMBER(unsigned long long, wcstoull, wchar_t, base)
NUMBER(double, wcstod, wchar_t, )

/* ---- tokens and conversions ---- */

HIDDEN char *tri__strtok_r(char *text, const char *delimiters, char **place) {
    char *at = text ? NULL : *place;
    char *token = strtok_r(text, delimiters, &at);
    tri_set(*place, at);
    return token;
}

HIDDEN char *tri__strsep(char **text, const char *delimiters) {
    char *at = *text, *token = strsep(&at, delimiters);
    tri_set(*text, at);
    return token;
}

HIDDEN int tri__getsubopt(char **option, char *const *tokens, char **value) {
    char *at = *option, *found = NULL;
    int n = getsubopt(&at, tokens, &found);
    tri_set(*option, at);
    tri_set(*value, found);
    return n;
}

HIDDEN size_t tri__mbsrtowcs(wchar_t *to, const char **from, size_t n, mbstate_t *state) {
    const char *at = *from;
    size_t done = mbsrtowcs(to, &at, n, state);
    if (to) tri_set(*from, at);
    return done;
}

HIDDEN size_t tri__mbsnrtowcs(wchar_t *to, const char **from, size_t bytes, size_t n, mbstate_t *state) {
    const char *at = *from;
    size_t done = mbsnrtowcs(to, &at, bytes, n, state);
    if (to) tri_set(*from, at);
    return done;
}

HIDDEN size_t tri__wcsrtombs(char *to, const wchar_t **from, size_t n, mbstate_t *state) {
    const wchar_t *at = *from;
    size_t done = wcsrtombs(to, &at, n, state);
    if (to) tri_set(*from, at);
    return done;
}

HIDDEN size_t tri__wcsnrtombs(char *to, const wchar_t **from, size_t most, size_t n, mbstate_t *state) {
    const wchar_t *at = *from;
    size_t done = wcsnrtombs(to, &at, most, n, state);
    if (to) tri_set(*from, at);
    return done;
}

HIDDEN size_t tri__iconv(iconv_t how, char **from, size_t *left, char **to, size_t *room) {
    char *in = from ? *from : NULL, *out = to ? *to : NULL;
    size_t n = iconv(how, from ? &in : NULL, left, to ? &out : NULL, room);
    if (from) tri_set(*from, in);
    if (to) tri_set(*to, out);
    return n;
}

/* ---- lists in the program's own structs ---- */

struct queue_element { /* what <search.h> takes an element to begin with */
    struct queue_element *next, *previous;
};

HIDDEN void tri__insque(void *element, void *after) {
    struct queue_element *e = element, *before = after;
    struct queue_element *next = before ? before->next : NULL;
    tri_set(e->next, next);
    tri_set(e->previous, before);
    if (next) tri_set(next->previous, e);
    if (before) tri_set(before->next, e);
}

HIDDEN void tri__remque(void *element) {
    struct queue_element *e = element;
    if (e->next) tri_set(e->next->previous, e->previous);
    if (e->previous) tri_set(e->previous->next, e->next);
}

HIDDEN void *tri__lsearch(const void *key, void *table, size_t *n, size_t width, int (*compare)(const void *, const void *)) {
    void *found = lfind(key, table, n, width, compare);
    return found ? found : tri_memcpy((char *)table + (*n)++ * width, key, width);
}

/* ---- obstacks: their chunks are linked, and filled, by libc, so they come from foreign blocks ---- */

static void *(*not_collected(void *(*chunk)(long)))(long) {
    return (void *)chunk == (void *)tri__malloc ? (void *(*)(long))(void *)tri__foreign_malloc : chunk;
}

HIDDEN int tri__obstack_begin(struct obstack *o, int bytes, int align, void *(*chunk)(long), void (*give_back)(void *)) {
    return _obstack_begin(o, bytes, align, not_collected(chunk), give_back);
}
