/* strings.c - strings: leaf blocks, pieces of strings, and a string that grows. */
#include "expect.h"
#include <stdarg.h>
#include <string.h>
#include <tricolor.h>

/* A pointer into the middle of a string keeps all of it alive, so a piece need not be copied. */
struct piece {
    const char *at;
    size_t length;
};
TRI_TYPE(struct piece, at)

static struct piece *split(const char *text, char separator, size_t *n) {
    *n = 1;
    for (const char *p = text; (p = strchr(p, separator)); p++) ++*n;
    struct piece *piece = tri_new_array(struct piece, *n);
    for (size_t i = 0; i < *n; i++) {
        const char *end = strchr(text, separator);
        tri_set(piece[i].at, text);
        piece[i].length = end ? (size_t)(end - text) : strlen(text);
        if (end) text = end + 1;
    }
    return piece;
}

struct builder {
    char *text;
    size_t length;
};
TRI_TYPE(struct builder, text)

static void builder_add(struct builder *b, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t more = (size_t)vsnprintf(NULL, 0, format, args);
    if (!b->text) tri_set(b->text, tri_alloc_leaf(64));
    if (b->length + more + 1 > tri_size(b->text))
        tri_set(b->text, tri_realloc(b->text, 2 * (b->length + more + 1)));
    vsnprintf(b->text + b->length, more + 1, format, again); /* bytes, no pointers: plain stores */
    b->length += more;
    va_end(again);
    va_end(args);
}

int main(void) {
    struct builder *b = tri_new(struct builder);
    for (int i = 0; i < 20000; i++) builder_add(b, "%s%d", i ? "," : "", i);
    size_t n;
    struct piece *piece = split(b->text, ',', &n);
    b = NULL; /* the text lives on through its pieces */
    tri_gc();
    expect(n == 20000);
    for (size_t i = 0; i < n; i++) expect(atoi(piece[i].at) == (int)i);
    return 0;
}
