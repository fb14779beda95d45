/* atomics.c - atomic objects of more than 16 bytes, which are libatomic's: see stores.c and unions.c.
 *
 * Each node of a list has an object, whose only pointer is moved to and from atomic places.
 */
//options: -latomic -Wno-atomic-alignment
#include "rules.h"

enum { NODES = 4096 };

struct value {
    struct thing *p;
    long more[2];
};
struct node {
    struct node *next;
    struct value loaded, stored, exchanged, compared, failed;
};

static void load(struct value *to, struct value *at) { __atomic_load(at, to, __ATOMIC_SEQ_CST); }              //=> 1 library calls barriered
static void store(struct value *at, struct value *from) { __atomic_store(at, from, __ATOMIC_SEQ_CST); }        //=> 1 library calls barriered
static void exchange(struct value *at, struct value *from, struct value *to) {                                 //=> 2 library calls barriered
    __atomic_exchange(at, from, to, __ATOMIC_SEQ_CST);
}
static bool compare(struct value *at, struct value *expected, struct value *from) {                            //=> 2 library calls barriered
    return __atomic_compare_exchange(at, expected, from, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}
#define WORDS(DO) DO(loaded) DO(stored) DO(exchanged) DO(compared) DO(failed)
#define FILL(name) list->name.p = thing_new(0);

static struct node **make_nodes(struct node **first) {
    struct node **all = tri_alloc_leaf(NODES * sizeof *all), *list = NULL;
    for (long k = 0; k < NODES; k++) {
        struct node *next = list;
        list = tri_new(struct node);
        list->next = next;
        all[k] = list;
        if (k % 2) continue;
        WORDS(FILL)
    }
    *first = list;
    return all;
}

/* Not by a store that shows what was there. */
static void empty(struct value *v) {
    static struct value none;
    memcpy(v, &none, sizeof none);
}

#define MOVE(name, call)                                                       \
    if (a->name.p && !b->name.p) {                                             \
        thing_check(a->name.p, 0, #name);                                      \
        call;                                                                  \
        empty(&a->name);                                                       \
    }

static void *rounds(void *n) {
    unsigned r = 1;
    struct value none = {.p = NULL};
    struct node *first, **all = make_nodes(&first);
    for (long i = 0; i < (long)n; i++) {
        r = r * 1664525u + 1013904223u;
        struct node *a = all[r >> 20], *b = all[r >> 8 & 0xfff];
        MOVE(loaded, load(&b->loaded, &a->loaded))
        MOVE(stored, store(&b->stored, &a->stored))
        MOVE(exchanged, exchange(&a->exchanged, &none, &b->exchanged))
        MOVE(compared, if (!compare(&b->compared, &none, &a->compared)) abort())
        MOVE(failed, if (compare(&a->failed, &b->failed, &none)) abort())
        if (i % 8 == 0) thing_new(1); /* takes the place of what was lost */
    }
    tri_keep_alive(first);
    return NULL;
}

int main(int argc, char **argv) { return rules_run(rounds, argc > 1 ? atol(argv[1]) : 500000); }
