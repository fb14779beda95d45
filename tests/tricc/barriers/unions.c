/* unions.c - structs with a union of a pointer and something else are copied by way of a local, and the something else is looked at on the way:
 * whatever the optimiser makes of the local, the pointer in it is seen. See stores.c.
 *
 * Old objects, each with one pointer to it, are moved about in a table. The place that one leaves is overwritten by a copy, which does
 * not show what was there: so a copy that is not seen loses its object when marking comes by.
 */
#include "rules.h"

struct of_int {
    int kind;
    union {
        int i;
        struct thing *p;
    } u;
};
struct of_double {
    int kind;
    union {
        double d;
        struct thing *p;
    } u;
};
struct of_ints {
    int kind;
    union {
        int i[2];
        struct thing *p;
    } u;
};
struct of_text {
    int kind;
    union {
        char s[8];
        struct thing *p;
    } u;
};
struct of_word {
    int kind;
    union {
        uintptr_t w;
        short s[4];
        struct thing *p;
    } u;
};
struct of_four {
    int kind;
    union {
        struct {
            float x, y;
        } xy;
        struct thing *p;
    } u, more[3];
};
struct of_many {
    int kind;
    union {
        long double l;
        struct thing *p;
    } u, more[5];
};
struct plain {
    int kind, unused;
    struct {
        struct thing *p;
    } u;
};
struct packet {
    int kind;
    union {
        char room[24]; /* where the program puts things by memcpy */
        struct thing *p;
    } u;
};
struct reals {
    float x, y;
    double z;
    int from, to;
};

static double move_of_int(struct of_int *to, const struct of_int *from) { //=> 1 copies barriered, 1 left out: stack
    struct of_int t = *from;
    *to = t;
    return t.kind == 1 ? t.u.i : 0;
}
static double move_of_double(struct of_double *to, const struct of_double *from) { //=> 1 copies barriered, 1 left out: stack
    struct of_double t = *from;
    *to = t;
    return t.kind == 1 ? t.u.d : 0;
}
static double move_of_ints(struct of_ints *to, const struct of_ints *from) { //=> 1 copies barriered, 1 left out: stack
    struct of_ints t = *from;
    *to = t;
    return t.kind == 1 ? t.u.i[1] : 0;
}
static double move_of_text(struct of_text *to, const struct of_text *from) { //=> 1 copies barriered, 1 left out: stack
    struct of_text t = *from;
    *to = t;
    return t.kind == 1 ? t.u.s[0] : 0;
}
static double move_of_word(struct of_word *to, const struct of_word *from) { //=> 1 stores barriered, 1 left out: stack
    struct of_word t = *from;
    to->kind = t.kind;
    to->u.w = t.u.w;
    return t.kind == 1 ? t.u.s[1] : 0;
}
static double move_of_four(struct of_four *to, const struct of_four *from) { //=> 1 copies barriered, 1 left out: stack
    struct of_four t = *from;
    *to = t;
    return t.kind == 1 ? t.u.xy.y : 0;
}
static double move_of_many(struct of_many *to, const struct of_many *from) { //=> 1 copies barriered, 1 left out: stack
    struct of_many t = *from;
    *to = t;
    return t.kind == 1 ? t.u.l : 0;
}
static double move_plain(struct plain *to, const struct plain *from) { //=> 1 copies barriered, 1 left out: stack
    struct plain t = *from;
    *to = t;
    return t.kind == 1 ? *(const char *)&t.u.p : 0;
}
static double move_packet(struct packet *to, const struct packet *from) { //=> 1 copies barriered, 1 left out: stack
    struct packet t = *from;
    *to = t;
    return t.kind == 1 ? t.u.room[3] : 0;
}
/* By assembly that stores more than a word, from where it loads by itself, or from a vector register. */
struct wide {
    struct thing *p, *none;
};
static double move_wide(struct wide *to, const struct wide *from) { //=> 1 assembly shaded
#if defined(__x86_64__)
    __asm__ volatile("movdqu (%1), %%xmm0\n\tmovdqu %%xmm0, %0" : "=m"(*to) : "r"(from) : "xmm0");
#else
    __asm__ volatile("ldr q0, [%1]\n\tstr q0, %0" : "=m"(*to) : "r"(from) : "v0");
#endif
    return 0;
}
struct vector {
    struct thing *p, *none;
};
static double move_vector(struct vector *to, const struct vector *from) { //=> 1 assembly shaded
    typedef uint64_t two __attribute__((vector_size(16), aligned(8), may_alias));
#if defined(__x86_64__)
    __asm__ volatile("movdqu %1, (%0)" : : "r"(to), "x"(*(const two *)(const void *)from) : "memory");
#else
    __asm__ volatile("str %q1, [%0]" : : "r"(to), "w"(*(const two *)(const void *)from) : "memory");
#endif
    return 0;
}
static double move_reals(struct reals *to, const struct reals *from) { //=> 1 left out: stack, 1 left out: no pointer
    struct reals t = *from;
    *to = t;
    return t.x + t.z;
}

#define ALL(DO) DO(of_int) DO(of_double) DO(of_ints) DO(of_text) DO(of_word) DO(of_four) DO(of_many) DO(plain) DO(packet)

enum { NODES = 4096 };

/* A list, which is marked one after the other, so that there are black and white ones for a while. */
struct node {
    struct node *next;
#define MEMBER(shape) struct shape shape;
    ALL(MEMBER)
    struct wide wide;
    struct vector vector;
};

#define FILL(shape) list->shape.kind = 2, list->shape.u.p = thing_new(0);

#define MOVE(shape)                                                            \
    if (a->shape.kind == 2 && b->shape.kind == 0) {                            \
        struct shape none = {0};                                               \
        thing_check(a->shape.u.p, 0, #shape);                                  \
        sum += move_##shape(&b->shape, &a->shape);                             \
        sum += move_##shape(&a->shape, &none);                                 \
    }

#define MOVE_WORDS(shape)                                                      \
    if (a->shape.p && !b->shape.p) {                                           \
        struct shape none = {NULL, NULL};                                      \
        thing_check(a->shape.p, 0, #shape);                                    \
        sum += move_##shape(&b->shape, &a->shape);                             \
        sum += move_##shape(&a->shape, &none);                                 \
    }

/* The way to all of them that marking does not know. */
static struct node **make_nodes(struct node **first) {
    struct node **all = tri_alloc_leaf(NODES * sizeof *all), *list = NULL;
    for (long k = 0; k < NODES; k++) {
        struct node *next = list;
        list = tri_new(struct node);
        list->next = next;
        all[k] = list;
        if (k % 2) continue;
        ALL(FILL)
        list->wide.p = thing_new(0), list->vector.p = thing_new(0);
    }
    *first = list;
    return all;
}

static void *rounds(void *n) {
    unsigned r = 1;
    double sum = 0;
    struct reals *numbers = tri_new_array(struct reals, 2);
    struct node *first, **all = make_nodes(&first);
    for (long i = 0; i < (long)n; i++) {
        r = r * 1664525u + 1013904223u;
        struct node *a = all[r >> 20], *b = all[r >> 8 & 0xfff];
        ALL(MOVE)
        MOVE_WORDS(wide)
        MOVE_WORDS(vector)
        sum += move_reals(&numbers[0], &numbers[1]);
        if (i % 8 == 0) thing_new(1); /* takes the place of what was lost */
    }
    tri_keep_alive(first);
    if (sum != 0) abort();
    return NULL;
}

int main(int argc, char **argv) { return rules_run(rounds, argc > 1 ? atol(argv[1]) : 1000000); }
