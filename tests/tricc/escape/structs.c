/* structs.c - structs by value: passed and returned in registers and in memory, copied, nested, in arrays, unions. */
#include "test.h"

struct pair {
    struct node *a, *b;
};
struct big {
    struct node *p[5];
    long n;
};
static struct node *sink;
static struct big *big_sink;
static struct pair *pair_sink;

__attribute__((noinline)) static struct node *of_pair(struct pair p) { return p.a; } // WANT "leaking param: p to result ~r0 level=0"
__attribute__((noinline)) static void leak_pair(struct pair p) { sink = p.b; } // WANT "leaking param: p"
__attribute__((noinline)) static long big_number(struct big b) { return b.n; } // WANT "leaking param: b to result ~r0 level=0"
__attribute__((noinline)) static void leak_big(struct big b) { sink = b.p[1]; } // WANT "leaking param: b"
__attribute__((noinline)) static struct node *of_big(struct big b) { return b.p[2]; } // WANT "leaking param: b to result ~r0 level=0"
__attribute__((noinline)) static struct big *moved_big(struct big b) { // WANT "moved to heap: b"
    b.n++;
    return &b;
}
__attribute__((noinline)) static struct pair *moved_pair(struct pair p) { return &p; } // WANT "moved to heap: p"
__attribute__((noinline)) static struct pair make_pair(struct node *a, struct node *b) { return (struct pair){a, b}; } // WANT "leaking param: a to result ~r0 level=0" "leaking param: b to result ~r0 level=0"
__attribute__((noinline)) static struct big make_big(struct node *a) { // WANT "leaking param: a to result ~r0 level=0"
    struct big b = {{a}};
    b.n = 5;
    return b;
}
__attribute__((noinline)) static struct big make_and_keep(long n) {
    struct big b = {0}; // WANT "moved to heap: b"
    b.n = n;
    big_sink = &b;
    b.p[0] = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    b.p[0]->v = n;
    return b;
}
__attribute__((noinline)) static struct big pass_on(struct node *a) { return make_big(a); } // WANT "leaking param: a to result ~r0 level=0"

static void in_registers(void) {
    struct node x = {.v = 1}, y = {.v = 2}, z = {.v = 3}; // WANT "moved to heap: x" "moved to heap: y"
    struct pair p = {&x, &y}, q = {&z, &z};
    CHECK(of_pair(q) == &z && ON_STACK(&z));
    leak_pair(p); /* both: fields are not told apart */
    CHECK(sink == &y && ON_HEAP(&y) && ON_STACK(&p));
    struct pair r = make_pair(&z, &z);
    CHECK(r.a == &z && ON_STACK(&z));
}

static void in_memory(void) {
    struct node x = {.v = 1}, y = {.v = 2}, z = {.v = 3}; // WANT "moved to heap: y"
    struct big a = {{&x}, 1}, b = {{&y, &y}, 2}, c = {{&z, &z, &z}, 3};
    CHECK(big_number(a) == 1 && ON_STACK(&a) && ON_STACK(&x));
    leak_big(b);
    CHECK(sink == &y && ON_HEAP(&y) && ON_STACK(&b));
    CHECK(of_big(c) == &z && ON_STACK(&z) && ON_STACK(&c));
    struct big d = make_big(&z), e = pass_on(&z);
    CHECK(d.p[0] == &z && e.p[0] == &z && d.n == 5 && ON_STACK(&z));
}

static void moves(void) {
    struct big a = {{0}, 1};
    struct big *m = moved_big(a), *n = moved_big(*m);
    disturb();
    CHECK(a.n == 1 && m->n == 2 && n->n == 3 && ON_HEAP(m) && ON_HEAP(n));
    struct node x = {.v = 7}; // WANT "moved to heap: x"
    struct pair p = {&x, &x}, *q = moved_pair(p);
    disturb();
    CHECK(q->a->v == 7 && ON_HEAP(q) && ON_HEAP(q->a));
    struct big k = make_and_keep(9);
    disturb();
    CHECK(k.n == 9 && big_sink->n == 9 && &k != big_sink && ON_HEAP(big_sink) && k.p[0]->v == 9 && k.p[0] == big_sink->p[0]);
}

/* A call returns right into a variable that has moved. */
static struct big *into_moved(void) {
    struct big b = make_and_keep(11); // WANT "moved to heap: b"
    struct node n = {.v = 12}; // WANT "moved to heap: n"
    b = make_big(&n);
    return &b;
}

static struct pair *into_moved_pair(void) {
    struct node n = {.v = 13}; // WANT "moved to heap: n"
    struct pair p = make_pair(&n, &n); // WANT "moved to heap: p"
    return &p;
}

static void copies(void) {
    struct node x = {.v = 1}, y = {.v = 2}, z = {.v = 3}; // WANT "moved to heap: y" "moved to heap: z"
    struct pair p = {&x, &x}, q = p, r = {&y, &y}, *in_heap = tri_new(struct pair); // WANT "tri_new(struct pair) escapes to heap"
    pair_sink = in_heap;
    *in_heap = r;
    CHECK(q.a == &x && ON_STACK(&x) && ON_HEAP(&y) && ON_STACK(&r));
    struct pair s = {&z, &z}, *to = tri_alloc(sizeof *to); // WANT "tri_alloc(sizeof *to) escapes to heap"
    pair_sink = to;
    memcpy(to, &s, sizeof s);
    CHECK(ON_HEAP(&z) && ON_STACK(&s));
}

static struct node *from_array(int i) {
    struct node a[3] = {{.v = 1}, {.v = 2}, {.v = 3}}, b[3] = {{.v = 4}}; // WANT "moved to heap: a"
    struct node *p[2] = {&a[0], &a[1]};
    CHECK(ON_STACK(b) && ON_STACK(p));
    return p[i];
}

struct outer {
    long head;
    struct {
        struct pair pair[2];
        union {
            long l;
            struct node *p;
        } u;
    } in;
};
static struct node *nested(void) {
    struct node x = {.v = 21}, y = {.v = 22}; // WANT "moved to heap: x"
    struct outer o = {0};
    o.in.pair[1].b = &x;
    o.in.u.p = &x;
    struct outer *p = &o;
    (void)y;
    return p->in.pair[1].b;
}

static struct node *through_union(void) {
    struct node x = {.v = 23}; // WANT "moved to heap: x"
    union {
        struct node *p;
        long l;
        double d;
        char c[8];
    } u, v, w;
    u.p = &x;
    v.d = u.d;
    memcpy(w.c, v.c, 8);
    return w.p;
}

static long pick(struct big b) { // WANT "leaking param: b to result ~r0 level=0"
    struct big c = b;
    return c.n + (c.p[0] ? c.p[0]->v : 0);
}
static void not_through(void) {
    struct node x = {.v = 3};
    CHECK(pick((struct big){{&x}, 4}) == 7 && ON_STACK(&x)); // WANT "literal does not escape"
}

int main(void) {
    in_registers();
    in_memory();
    moves();
    struct big *b = into_moved();
    disturb();
    CHECK(b->n == 5 && b->p[0]->v == 12 && ON_HEAP(b));
    struct pair *p = into_moved_pair();
    disturb();
    CHECK(p->a->v == 13 && ON_HEAP(p));
    copies();
    struct node *n = from_array(1);
    disturb();
    CHECK(n->v == 2 && ON_HEAP(n));
    n = nested();
    disturb();
    CHECK(n->v == 21 && ON_HEAP(n));
    n = through_union();
    disturb();
    CHECK(n->v == 23 && ON_HEAP(n));
    not_through();
    return 0;
}
