/* profile.c - a profile in memory, and its form as Go's text.
 *
 * Samples of one stack and label are one; they are found by a hash table of indices.
 */
#include "debug.h"

#include <stdlib.h>
#include <string.h>

/* ---- samples ---- */

struct profile_index {
    size_t size; /* a power of two */
    uint32_t at[]; /* sample + 1; 0: none */
};

static uint64_t hash_of(const uintptr_t *pcs, uint32_t n, int64_t number) {
    uint64_t h = (uint64_t)number * 0x9e3779b97f4a7c15ull + n;
    for (uint32_t i = 0; i < n; i++) h = (h ^ pcs[i]) * 0xff51afd7ed558ccdull, h ^= h >> 32;
    return h;
}

static bool same(const struct profile_sample *s, const uintptr_t *pcs, uint32_t n, const char *key, int64_t number) {
    return s->npcs == n && s->number == number && !s->key == !key && memcmp(s->pcs, pcs, n * sizeof *pcs) == 0;
}

/* The place of the sample, or the empty one where it belongs. */
static uint32_t *place(const struct profile *p, const uintptr_t *pcs, uint32_t n, const char *key, int64_t number) {
    struct profile_index *x = p->index;
    for (uint64_t i = hash_of(pcs, n, number);; i++) {
        uint32_t *at = &x->at[i & (x->size - 1)];
        if (*at == 0 || same(&p->sample[*at - 1], pcs, n, key, number)) return at;
    }
}

static void grow_index(struct profile *p) {
    if (p->index && p->n * 2 < p->index->size) return;
    size_t size = p->index ? p->index->size * 2 : 256;
    free(p->index);
    p->index = trid_malloc(sizeof *p->index + size * sizeof p->index->at[0]);
    p->index->size = size;
    for (size_t i = 0; i < p->n; i++) {
        const struct profile_sample *s = &p->sample[i];
        *place(p, s->pcs, s->npcs, s->key, s->number) = (uint32_t)i + 1;
    }
}

void trid_profile_add(struct profile *p, const uintptr_t *pcs, uint32_t npcs, const int64_t *value, const char *key,
                      int64_t number, const char *unit) {
    grow_index(p);
    uint32_t *at = place(p, pcs, npcs, key, number);
    if (!*at) {
        p->sample = trid_grow(p->sample, p->n, &p->capacity, sizeof *p->sample);
        uintptr_t *copy = trid_malloc(npcs * sizeof *copy);
        if (npcs) memcpy(copy, pcs, npcs * sizeof *copy);
        p->sample[p->n++] = (struct profile_sample){.npcs = npcs, .pcs = copy, .key = key, .number = number, .unit = unit};
        *at = (uint32_t)p->n;
    }
    for (unsigned i = 0; i < p->nvalues; i++) p->sample[*at - 1].value[i] += value[i];
}

void trid_profile_subtract(struct profile *p, const struct profile *before) {
    for (size_t i = 0; i < before->n; i++) {
        const struct profile_sample *s = &before->sample[i];
        int64_t minus[PROFILE_VALUES];
        for (unsigned v = 0; v < PROFILE_VALUES; v++) minus[v] = -s->value[v];
        trid_profile_add(p, s->pcs, s->npcs, minus, s->key, s->number, s->unit);
    }
}

void trid_profile_free(struct profile *p) {
    for (size_t i = 0; i < p->n; i++) free((void *)(uintptr_t)p->sample[i].pcs);
    free(p->sample);
    free(p->index);
    *p = (struct profile){0};
}

/* ---- text ---- */

void trid_text_stack(struct page *out, struct symbols *s, const uintptr_t *pcs, uint32_t n, bool interrupted) {
    bool inside = true;
    for (uint32_t i = 0; i < n; i++) {
        unsigned inlined;
        bool call = i || !interrupted;
        const struct symbol *at = trid_symbol_frames(s, pcs[i] - call, &inlined);
        for (; inlined > 0; inlined--, at++) {
            bool ours = (at->name && strncmp(at->name, "tri_", 4) == 0) || trid_symbol_internal(at, pcs[i]);
            if (at->name && strcmp(at->name, "tri_main") == 0) ours = false; /* it is the program's */
            if (inside && ours && (inlined > 1 || i + 1 < n)) continue; /* as Go leaves the runtime's own out */
            inside = false;
            trid_put(out, "#\t0x%lx\t%s+0x%lx\t\t%s:%d\n", pcs[i], at->name ? at->name : "?", at->offset + call,
                     at->file ? at->file : "?", at->line);
        }
    }
    trid_put(out, "\n");
}

static int by_value(const void *a, const void *b) {
    int64_t x = ((const struct profile_sample *)a)->value[0], y = ((const struct profile_sample *)b)->value[0];
    return (x < y) - (x > y);
}

void trid_profile_text(const struct profile *p, struct page *out) {
    int64_t total = 0;
    struct profile_sample *sorted = trid_malloc(p->n * sizeof *sorted);
    struct symbols *s = trid_symbols_open();
    if (p->n) memcpy(sorted, p->sample, p->n * sizeof *sorted);
    qsort(sorted, p->n, sizeof *sorted, by_value);
    for (size_t i = 0; i < p->n; i++) total += p->sample[i].value[0];
    trid_put(out, "%s profile: total %ld\n", p->name, total);
    for (size_t i = 0; i < p->n; i++) {
        trid_put(out, "%ld @", sorted[i].value[0]);
        for (uint32_t k = 0; k < sorted[i].npcs; k++) trid_put(out, " 0x%lx", sorted[i].pcs[k]);
        trid_put(out, "\n");
        trid_text_stack(out, s, sorted[i].pcs, sorted[i].npcs, p->interrupted);
    }
    trid_symbols_close(s);
    free(sorted);
}
