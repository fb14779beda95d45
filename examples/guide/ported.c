/* ported.c - what the sample in docs/porting-from-boehm.md has become. */
#include "expect.h"
#include <string.h>
#include <tricolor.h>

struct symbol {
    struct symbol *next;
    const char *name;
};
TRI_TYPE(struct symbol, next, name)

static struct symbol *symbols;

static struct symbol *intern(const char *name) {
    for (struct symbol *s = symbols; s; s = s->next)
        if (strcmp(s->name, name) == 0) return s;
    struct symbol *s = tri_new(struct symbol);
    tri_set(s->name, tri_strdup(name));
    tri_set(s->next, symbols);
    symbols = s;
    return s;
}

int main(void) {
    char name[8];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "s%d", i % 100);
        intern(name);
        tri_alloc(1000);
    }
    tri_gc();
    struct symbol *s99 = intern("s99");
    expect(s99 == symbols && intern("s0")->next == NULL);
    return 0;
}
