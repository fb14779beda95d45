/* hash_table.c - a hash table with chains, which doubles as it fills. */
#include "expect.h"
#include <string.h>
#include <tricolor.h>

struct entry {
    struct entry *next;
    const char *key;
    void *value;
    size_t hash;
};
TRI_TYPE(struct entry, next, key, value)

struct table {
    struct entry **bucket;
    size_t size, used;
};
TRI_TYPE(struct table, bucket)

static struct table *table_new(void) {
    struct table *t = tri_new(struct table);
    t->size = 8;
    tri_set(t->bucket, tri_new_array(struct entry *, t->size));
    return t;
}

static size_t hash_of(const char *key) {
    size_t h = 14695981039346656037u;
    for (; *key; key++) h = (h ^ (unsigned char)*key) * 1099511628211u;
    return h;
}

static void table_grow(struct table *t) {
    struct entry **bucket = tri_new_array(struct entry *, t->size * 2);
    for (size_t i = 0; i < t->size; i++)
        for (struct entry *e = t->bucket[i], *next; e; e = next) {
            struct entry **home = &bucket[e->hash & (t->size * 2 - 1)];
            next = e->next;
            tri_set(e->next, *home);
            tri_set(*home, e);
        }
    tri_set(t->bucket, bucket); /* nobody else holds the old array: it is garbage from here on */
    t->size *= 2;
}

static struct entry *table_find(const struct table *t, const char *key) {
    size_t hash = hash_of(key);
    struct entry *e = t->bucket[hash & (t->size - 1)];
    while (e && (e->hash != hash || strcmp(e->key, key) != 0)) e = e->next;
    return e;
}

static void table_put(struct table *t, const char *key, void *value) {
    struct entry *e = table_find(t, key);
    if (!e) {
        if (t->used++ == t->size) table_grow(t);
        e = tri_new(struct entry);
        e->hash = hash_of(key);
        tri_set(e->key, tri_strdup(key));
        struct entry **home = &t->bucket[e->hash & (t->size - 1)];
        tri_set(e->next, *home);
        tri_set(*home, e);
    }
    tri_set(e->value, value);
}

int main(void) {
    struct table *t = table_new();
    char key[24];
    for (long i = 0; i < 100000; i++) {
        long *value = tri_new(long);
        *value = i;
        snprintf(key, sizeof key, "key %ld", i % 50000);
        table_put(t, key, value);
    }
    tri_gc();
    for (long i = 0; i < 50000; i++) {
        snprintf(key, sizeof key, "key %ld", i);
        expect(*(long *)table_find(t, key)->value == i + 50000);
    }
    return 0;
}
