/* Which words are looked at: the fields of TRI_TYPE, all, none; what the compiler's type says when nothing is
 * declared. */
#include "check.h"

struct fields {
    struct stamped *a;
    uintptr_t number;
    struct {
        struct stamped *b[2];
        double d;
    } in;
    struct stamped *c[3];
    intptr_t tagged; /* declared: holds a pointer */
};
TRI_TYPE(struct fields, a, in.b, c[1], tagged)
struct any {
    double d;
    long l;
    union {
        struct stamped *p;
        uint64_t u;
    };
};
TRI_TYPE_ANY(struct any)
struct leaf {
    struct stamped *p, *q;
};
TRI_TYPE_LEAF(struct leaf)
struct undeclared {
    int kind;
    uintptr_t word;
    union {
        long l;
        struct stamped *p;
    };
};
struct head {
    long n;
    struct stamped *item[];
};
TRI_TYPE_LEAF(struct head)
struct pairs {
    struct stamped *first;
    long n;
    struct {
        struct stamped *p;
        long number;
    } item[];
};
TRI_TYPE(struct pairs, first)
struct bytes {
    struct stamped *first;
    char text[];
};
TRI_TYPE(struct bytes, first)
struct widest { /* at least 32 fields */
    struct stamped *f00, *f01, *f02, *f03, *f04, *f05, *f06, *f07, *f08, *f09, *f10, *f11, *f12, *f13, *f14,
        *f15, *f16, *f17, *f18, *f19, *f20, *f21, *f22, *f23, *f24, *f25, *f26, *f27, *f28, *f29, *f30, *f31,
        *f32, *f33;
};
TRI_TYPE(struct widest, f00, f01, f02, f03, f04, f05, f06, f07, f08, f09, f10, f11, f12, f13, f14, f15, f16,
         f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33)

/* Objects by number: those at even numbers must live, those at odd ones must go. */
enum { MOST = 200000, ROUNDS = 60 };
static hidden where[MOST];
static unsigned made;

static uintptr_t next(bool lives) {
    if ((made & 1) == lives) where[made++] = 0;
    REQUIRE(made < MOST, "too many");
    struct stamped *s = stamped_new(made);
    where[made++] = tri_hide(s);
    return (uintptr_t)s;
}
#define LIVES(lvalue) tri_set(lvalue, (__typeof__(lvalue))next(true))
#define GOES(lvalue)  ((lvalue) = (__typeof__(lvalue))next(false))

void *roots[ROUNDS][16];

NO_INLINE static void fill(int round) {
    void **root = roots[round];
    struct fields *f = tri_new(struct fields);
    root[0] = f;
    LIVES(f->a), GOES(f->number), LIVES(f->in.b[0]), LIVES(f->in.b[1]), GOES(f->c[0]), LIVES(f->c[1]),
        GOES(f->c[2]);
    LIVES(f->tagged);
    struct any *a = tri_new(struct any);
    root[1] = a;
    LIVES(a->l), LIVES(a->u);
    struct leaf *l = tri_new(struct leaf);
    root[2] = l;
    GOES(l->p), GOES(l->q);
    struct undeclared *u = tri_new(struct undeclared);
    root[3] = u;
    LIVES(u->word), LIVES(u->p);
    size_t n = (size_t)round * 17 % 300 + 2;
    struct fields *array = tri_new_array(struct fields, n);
    root[4] = array;
    LIVES(array[n - 1].a), GOES(array[n - 1].number), LIVES(array[0].in.b[1]), GOES(array[0].c[2]);
    struct leaf *leaves = tri_new_array(struct leaf, n);
    root[5] = leaves;
    GOES(leaves[n - 1].q);
    struct head *h = tri_new_flex(struct head, item, n);
    root[6] = h;
    GOES(h->n), LIVES(h->item[0]), LIVES(h->item[n - 1]);
    struct pairs *p = tri_new_flex(struct pairs, item, n);
    root[7] = p;
    LIVES(p->first), GOES(p->n), LIVES(p->item[n - 1].p),
        LIVES(p->item[n - 1].number); /* big enough for a pointer */
    struct bytes *b = tri_new_flex(struct bytes, text, 64);
    root[8] = b;
    LIVES(b->first);
    uintptr_t odd = next(false);
    memcpy(&b->text[8], &odd, 8);
    struct widest *w = tri_new(struct widest);
    root[9] = w;
    LIVES(w->f00), LIVES(w->f17), LIVES(w->f33);
    struct stamped **pointers = tri_new_array(struct stamped *, n);
    root[10] = pointers;
    LIVES(pointers[n - 1]);
    double *doubles = tri_new_array(double, n);
    root[11] = doubles;
    uintptr_t in_double = next(false);
    memcpy(&doubles[n - 1], &in_double, 8);
    uintptr_t *words = (uintptr_t *)tri_alloc(200);
    root[12] = words;
    LIVES(words[0]), LIVES(words[24]);
    uintptr_t *leaf_words = (uintptr_t *)tri_alloc_leaf(200);
    root[13] = leaf_words;
    GOES(leaf_words[3]);
    uintptr_t **by_type = (uintptr_t **)tri_alloc_type(tri_type_of(struct stamped *), 1);
    root[14] = by_type;
    LIVES(*by_type);
}

int main(void) {
    for (int round = 0; round < ROUNDS; round++) fill(round);
    collect();
    unsigned living = 0, dropped = 0;
    for (unsigned i = 0; i < made; i++) {
        if (!where[i]) continue;
        bool lives = stamped_lives(where[i], i);
        REQUIRE(i % 2 || lives, "object %u is lost", i);
        dropped += i % 2;
        living += i % 2 && lives;
    }
    REQUIRE(living * 100 <= dropped, "%u of %u objects live by words that hold no pointers", living, dropped);
    return 0;
}
