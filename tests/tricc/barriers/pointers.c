/* pointers.c - functions of the C library called by pointer: see stores.c and unions.c. */
#include "rules.h"

enum { NODES = 4096 };

struct node {
    struct node *next;
    struct thing *copied[2], *moved[2];
    struct thing *sorted[4];
};

static struct {
    void *(*copy)(void *, const void *, size_t);
    void *(*move)(void *, const void *, size_t);
    void (*sort)(void *, size_t, size_t, int (*)(const void *, const void *));
} hooks = {memcpy, NULL, qsort};

static int compare(const void *a, const void *b) {
    const struct thing *x = *(struct thing *const *)a, *y = *(struct thing *const *)b;
    return x->seal < y->seal ? -1 : x->seal > y->seal;
}

static struct node **make_nodes(struct node **first) {
    struct node **all = tri_alloc_leaf(NODES * sizeof *all), *list = NULL;
    for (uint64_t k = 0; k < NODES; k++) {
        struct node *next = list;
        list = tri_new(struct node);
        list->next = next;
        all[k] = list;
        for (uint64_t i = 0; i < 4; i++) list->sorted[i] = thing_new(k * 7 + i * 5 % 4);
        if (k % 2) continue;
        for (uint64_t i = 0; i < 2; i++) list->copied[i] = thing_new(i), list->moved[i] = thing_new(i);
    }
    *first = list;
    return all;
}

/* Not by a store that shows what was there. */
static void move(struct thing **to, struct thing **from, void *(*how)(void *, const void *, size_t), const char *rule) {
    static struct thing *none[2];
    if (!*from || *to) return;
    thing_check(from[0], 0, rule);
    thing_check(from[1], 1, rule);
    how(to, from, sizeof none);
    memcpy(from, none, sizeof none);
}

static void *rounds(void *n) {
    unsigned r = 1;
    struct node *first, **all = make_nodes(&first);
    void (*sort)(void *, size_t, size_t, int (*)(const void *, const void *)) = hooks.sort;
    for (long i = 0; i < (long)n; i++) {
        r = r * 1664525u + 1013904223u;
        struct node *a = all[r >> 20], *b = all[r >> 8 & 0xfff];
        move(b->copied, a->copied, hooks.copy, "memcpy");
        move(b->moved, a->moved, hooks.move, "memmove");
        if (i % 16 == 0) sort(a->sorted, 4, sizeof *a->sorted, compare);
        if (i % 8 == 0) thing_new(1); /* takes the place of what was lost */
    }
    tri_keep_alive(first);
    return NULL;
}

int main(int argc, char **argv) {
    hooks.move = memmove;
    if (hooks.copy != memcpy || hooks.move != memmove || hooks.sort != qsort) abort();
    return rules_run(rounds, argc > 1 ? atol(argv[1]) : 1000000);
}
