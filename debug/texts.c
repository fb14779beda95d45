/* texts.c - strings, each kept once, and found again by a hash table of their indices. */
#include "debug.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const char *s) {
    uint64_t h = 0;
    for (; *s; s++) h = (h ^ (unsigned char)*s) * 0x100000001b3ull;
    return h ^ h >> 32;
}

static uint32_t *place(const struct texts *t, const char *s) {
    for (uint64_t i = hash_of(s);; i++) {
        uint32_t *at = &t->at[i & (t->size - 1)];
        if (!*at || strcmp(t->text[*at - 1], s) == 0) return at;
    }
}

static void grow(struct texts *t) {
    if (t->n * 2 < t->size) return;
    free(t->at);
    t->size = t->size ? t->size * 2 : 256;
    t->at = trid_malloc(t->size * sizeof *t->at);
    for (size_t i = 0; i < t->n; i++) *place(t, t->text[i]) = (uint32_t)i + 1;
}

size_t trid_texts_index(struct texts *t, const char *s) {
    grow(t);
    uint32_t *at = place(t, s);
    if (!*at) {
        char *copy = trid_malloc(strlen(s) + 1);
        strcpy(copy, s);
        t->text = trid_grow(t->text, t->n, &t->room, sizeof *t->text);
        t->text[t->n++] = copy;
        *at = (uint32_t)t->n;
    }
    return *at - 1;
}

void trid_texts_free(struct texts *t) {
    for (size_t i = 0; i < t->n; i++) free(t->text[i]);
    free(t->text);
    free(t->at);
    *t = (struct texts){0};
}
