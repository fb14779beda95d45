/* pool.c - memory of the analysis: a pool that is given up as a whole, and tables in it. See graph.h. */
#include "graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256 << 10 };

struct chunk {
    struct chunk *next;
    size_t used, size;
    max_align_t bytes[];
};

struct pool {
    struct chunk *first;
};

static void *must(void *p) {
    if (p) return p;
    fputs("tricc: error: out of memory\n", stderr);
    exit(1);
}

struct pool *pool_new(void) { return must(calloc(1, sizeof(struct pool))); }

void pool_delete(struct pool *p) {
    for (struct chunk *c = p->first, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(p);
}

void *pool_take(struct pool *p, size_t bytes) {
    bytes = (bytes + 15) & ~(size_t)15;
    struct chunk *c = p->first;
    if (!c || c->size - c->used < bytes) {
        size_t size = bytes > CHUNK ? bytes : CHUNK;
        c = must(calloc(1, sizeof *c + size));
        *c = (struct chunk){.next = p->first, .size = size};
        p->first = c;
    }
    void *taken = (char *)c->bytes + c->used;
    c->used += bytes;
    return taken;
}

char *pool_text(struct pool *p, const char *text) {
    size_t n = strlen(text) + 1;
    return memcpy(pool_take(p, n), text, n);
}

void *pool_grow(struct pool *p, const void *array, unsigned n, unsigned *room, size_t size) {
    *room = *room ? 2 * *room : 4;
    void *more = pool_take(p, *room * size);
    return n ? memcpy(more, array, n * size) : more;
}

/* ---- tables: open addressing, never more than half full ---- */

struct entry {
    const void *key;
    void *value;
};

struct table {
    struct entry *entry;
    size_t n, room; /* room is a power of two */
};

struct table *table_new(struct pool *p) {
    struct table *t = pool_take(p, sizeof *t);
    t->room = 16;
    t->entry = pool_take(p, t->room * sizeof *t->entry);
    return t;
}

static struct entry *table_find(const struct table *t, const void *key) {
    size_t i = ((uintptr_t)key >> 4) * 0x9e3779b97f4a7c15u >> 20;
    for (;; i++) {
        struct entry *e = &t->entry[i & (t->room - 1)];
        if (!e->key || e->key == key) return e;
    }
}

void *table_get(const struct table *t, const void *key) { return table_find(t, key)->value; }

void table_put(struct table *t, struct pool *p, const void *key, void *value) {
    if (2 * (t->n + 1) > t->room) {
        struct table more = {pool_take(p, 2 * t->room * sizeof *t->entry), t->n, 2 * t->room};
        for (size_t i = 0; i < t->room; i++)
            if (t->entry[i].key) *table_find(&more, t->entry[i].key) = t->entry[i];
        *t = more;
    }
    struct entry *e = table_find(t, key);
    if (!e->key) t->n++;
    *e = (struct entry){key, value};
}
