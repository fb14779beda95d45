/* params.c - parameters: which leak, where to, how deep; and those that move to the heap themselves. */
#include "test.h"

static struct node *sink;
static struct node **sinks;
static long *numbers;

__attribute__((noinline)) static void leak(struct node *p) { sink = p; } // WANT "leaking param: p"
__attribute__((noinline)) static void leak_content(struct node *p) { sink = p->next; } // WANT "leaking param content: p"
__attribute__((noinline)) static void leak_content_2(struct node **p) { sink = *p; } // WANT "leaking param content: p"
__attribute__((noinline)) static long keeps_nothing(struct node *p) { return p->v; } // WANT "leaking param: p to result ~r0 level=1"
__attribute__((noinline)) static struct node *identity(struct node *p) { return p; } // WANT "leaking param: p to result ~r0 level=0"
__attribute__((noinline)) static struct node *next_of(struct node *p) { return p->next; } // WANT "leaking param: p to result ~r0 level=1"
__attribute__((noinline)) static struct node *next_next(struct node *p) { return p->next->next; } // WANT "leaking param: p to result ~r0 level=2"
__attribute__((noinline)) static struct node *either(struct node *p, struct node *q) { return p->v ? p : q; } // WANT "leaking param: p to result ~r0 level=0" "leaking param: q to result ~r0 level=0"
__attribute__((noinline)) static struct node *first(struct node *p, struct node *q) { return q->v ? p : p->next; } // WANT "leaking param: p to result ~r0 level=0" "q does not escape"
__attribute__((noinline)) static struct node **moved(struct node *p) { return &p; } // WANT "moved to heap: p"
__attribute__((noinline)) static int *moved_number(int n) { return &n; } // WANT "moved to heap: n"
__attribute__((noinline)) static void store_in(struct node *p, struct node *q) { p->next = q; } // WANT "p does not escape" "leaking param: q"
__attribute__((noinline)) static void swap(struct node **p, struct node **q) { // WANT "leaking param content: p" "leaking param content: q"
    struct node *t = *p;
    *p = *q;
    *q = t;
}
__attribute__((noinline)) static void unnamed(struct node *) {}
__attribute__((noinline)) static long integer(long n) { return n + 1; }
__attribute__((noinline)) static long *inner(struct node *p) { return &p->v; } // WANT "leaking param: p to result ~r0 level=0"
__attribute__((noinline)) static void leak_inner(struct node *p) { numbers = &p->v; } // WANT "leaking param: p"
__attribute__((noinline)) static void reassigned(struct node *p) { // WANT "leaking param: p"
    p = p->next;
    sink = p;
}
__attribute__((noinline)) static void leak_both(struct node *p, struct node **q) { // WANT "leaking param: p" "leaking param: q"
    sink = p;
    sinks = q;
}
__attribute__((noinline)) static struct node *through(struct node *p) { return identity(identity(p)); } // WANT "leaking param: p to result ~r0 level=0"
__attribute__((noinline)) static struct node *through_next(struct node *p) { return next_of(identity(p)); } // WANT "leaking param: p to result ~r0 level=1"
__attribute__((noinline)) static void on_to_leak(struct node *p) { leak(p); } // WANT "leaking param: p"
__attribute__((noinline)) static void on_to_content(struct node *p) { leak_content(p); } // WANT "leaking param content: p"
__attribute__((noinline)) static void deep(struct node *p) { leak(p->next); } // WANT "leaking param content: p"
__attribute__((noinline)) static void string(const char *s, size_t *n) { *n = strlen(s); } // WANT "s does not escape" "n does not escape"

int main(void) {
    struct node a = {.v = 1}, b = {.v = 2}, c = {.v = 3}, d = {.v = 4}; // WANT "moved to heap: a" "moved to heap: b"
    struct node e = {.next = &b, .v = 5}, f = {.next = &c, .v = 6};
    leak(&a);
    disturb();
    CHECK(sink->v == 1 && ON_HEAP(&a));
    leak_content(&e); /* e stays, b does not */
    CHECK(sink == &b && ON_HEAP(&b) && ON_STACK(&e));
    struct node *pb = &b;
    leak_content_2(&pb);
    CHECK(ON_STACK(&pb) && sink == &b);
    CHECK(keeps_nothing(&d) == 4 && ON_STACK(&d));
    CHECK(identity(&d) == &d && next_of(&f) == &c && ON_STACK(&f) && ON_STACK(&c));
    struct node g = {.next = &f};
    CHECK(next_next(&g) == &c && ON_STACK(&g));
    CHECK(either(&d, &c) == &d && first(&d, &c) == &d);
    struct node y = {.v = 7}, **m = moved(&y); // WANT "moved to heap: y"
    disturb();
    CHECK(*m == &y && ON_HEAP(m) && ON_HEAP(&y));
    int *n = moved_number(8);
    disturb();
    CHECK(*n == 8 && ON_HEAP(n));
    struct node h = {.v = 9}, i = {0}; // WANT "moved to heap: h"
    store_in(&i, &h);
    CHECK(i.next->v == 9 && ON_HEAP(&h) && ON_STACK(&i));
    struct node j = {.v = 10}, k = {.v = 11}, *pj = &j, *pk = &k; // WANT "moved to heap: j" "moved to heap: k"
    swap(&pj, &pk);
    CHECK(pj == &k && pk == &j && ON_STACK(&pj));
    unnamed(&g);
    CHECK(integer(1) == 2 && *inner(&g) == 0);
    struct node l = {.v = 12}; // WANT "moved to heap: l"
    leak_inner(&l);
    disturb();
    CHECK(*numbers == 12 && ON_HEAP(numbers));
    struct node o = {.v = 13}, p = {.next = &o}; // WANT "moved to heap: o" "moved to heap: p"
    reassigned(&p);
    CHECK(sink == &o && ON_HEAP(&o) && ON_HEAP(&p)); /* the order of statements is not looked at */
    struct node q = {.v = 14}, *pq = &q; // WANT "moved to heap: q" "moved to heap: pq"
    leak_both(&q, &pq);
    disturb();
    CHECK(sink == &q && sinks == &pq && ON_HEAP(&pq));
    struct node r = {.v = 15}, s = {.next = &r};
    CHECK(through(&r) == &r && through_next(&s) == &r && ON_STACK(&r) && ON_STACK(&s));
    struct node t = {.v = 16}, u = {.v = 17}, v = {.next = &u}, w = {.v = 18}, x = {.next = &w}; // WANT "moved to heap: t" "moved to heap: u" "moved to heap: w"
    on_to_leak(&t);
    CHECK(ON_HEAP(&t));
    on_to_content(&v);
    CHECK(ON_HEAP(&u) && ON_STACK(&v));
    deep(&x);
    CHECK(ON_HEAP(&w) && ON_STACK(&x));
    size_t length;
    char text[] = "four";
    string(text, &length);
    CHECK(length == 4 && ON_STACK(text) && ON_STACK(&length));
    return 0;
}
