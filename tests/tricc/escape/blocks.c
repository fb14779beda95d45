/* blocks.c - inner blocks, statement expressions, cleanup, inline assembly. */
#include "test.h"

static struct node *sink;

/* Still there when its block has ended, though not on the heap: nothing outlives the function. */
static long after_block(int c) {
    int *p, other[8];
    {
        int x = 3;
        p = &x;
    }
    {
        int y[8] = {9, 9, 9, 9, 9, 9, 9, 9};
        memcpy(other, y, sizeof y);
    }
    CHECK(ON_STACK(p));
    return *p + (c ? 0 : other[3]);
}

static long expression(void) {
    struct node *p = ({
        struct node x = {.v = 4};
        &x;
    });
    char fill[64];
    memset(fill, 1, sizeof fill);
    CHECK(ON_STACK(p));
    return p->v + fill[3] - 1;
}

static struct node *expression_out(void) {
    return ({
        struct node x = {.v = 5}; // WANT "moved to heap: x"
        struct node y = {.v = 6}; // WANT "moved to heap: y"
        y.v ? &x : &y;
    });
}

static long nested_expressions(void) {
    long s = 0;
    for (int i = 0; i < 3; i++)
        s += ({
            struct node x = {.v = i}; // WANT "moved to heap: x"
            struct node *p = ({
                struct node y = {.next = &x, .v = 10};
                &y;
            });
            p->v + p->next->v;
        });
    return s;
}

static int cleaned;
static void clean(struct node *p) { cleaned += (int)p->v; } // WANT "p does not escape"
static void clean_keeping(struct node **p) { sink = *p; } // WANT "leaking param content: p"
static void with_cleanup(void) {
    __attribute__((cleanup(clean))) struct node x = {.v = 7};
    struct node y = {.v = 8}; // WANT "moved to heap: y"
    __attribute__((cleanup(clean_keeping))) struct node *p = &y;
    CHECK(ON_STACK(&x) && ON_STACK(&p) && ON_HEAP(&y));
}

static struct node *cleanup_moved(void) {
    __attribute__((cleanup(clean))) struct node x = {.v = 9}; // WANT "moved to heap: x"
    return &x;
}

static struct node *assembly(void) {
    struct node x = {.v = 10}, y = {.v = 11}, z = {.v = 12}, *p = &x, *q; // WANT "moved to heap: x" "moved to heap: y"
    __asm__ volatile("" : "+r"(p));                  /* as if q = p */
    __asm__ volatile("" : : "r"(&z) : "memory");     /* empty: keeps nothing */
    __asm__ volatile("# %0 %1" : "=r"(q) : "0"(&y)); /* may do anything */
    CHECK(p == &x && q == &y && ON_STACK(&z) && ON_HEAP(&y));
    long n = 5, m = 0;
    __asm__ volatile("# %0 %1" : "=m"(m) : "m"(n));
    CHECK(ON_STACK(&n) && ON_STACK(&m));
    return p;
}

static void keep_alive(void) {
    struct node *p = tri_new(struct node); // WANT "tri_new(struct node) does not escape"
    tri_keep_alive(p);
    CHECK(ON_STACK(p));
}

static long comma(int c) {
    struct node x = {.v = 1}, y = {.v = 2}, *p;
    p = c ? (sink = NULL, &x) : (c ? &x : &y);
    return p->v;
}

static long conditional(int c) {
    struct node *p = c ? tri_new(struct node) : NULL; // WANT "tri_new(struct node) does not escape"
    if (p) p->v = 13;
    struct node *q = p ?: &(struct node){.v = 14}; // WANT "(struct node){...} does not escape"
    CHECK(ON_STACK(q));
    return q->v;
}

int main(void) {
    CHECK(after_block(1) == 3);
    CHECK(expression() == 4);
    struct node *p = expression_out();
    disturb();
    CHECK(p->v == 5 && ON_HEAP(p));
    CHECK(nested_expressions() == 33);
    with_cleanup();
    disturb();
    CHECK(cleaned == 7 && sink->v == 8);
    p = cleanup_moved();
    disturb();
    CHECK(p->v == 9 && cleaned == 16 && ON_HEAP(p));
    p = assembly();
    disturb();
    CHECK(p->v == 10 && ON_HEAP(p));
    keep_alive();
    CHECK(comma(1) == 1 && comma(0) == 2);
    CHECK(conditional(1) == 13 && conditional(0) == 14);
    return 0;
}
