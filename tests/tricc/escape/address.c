/* address.c - the address of a local leaves its function: returned, stored in a global, in the heap, in another local that leaves. */
#include "test.h"

static int *returned(void) {
    int x = 5; // WANT "moved to heap: x"
    return &x;
}

static struct node *global;
static void stored(void) {
    struct node x = {0}; // WANT "moved to heap: x"
    x.v = 7;
    global = &x;
}

static int *by_variable(void) {
    int x = 9; // WANT "moved to heap: x"
    int *p = &x;
    int *q = p;
    return q;
}

static long stays(void) {
    long x = 3, *p = &x, **pp = &p;
    CHECK(ON_STACK(&x));
    return **pp;
}

static struct node *in_another(void) {
    struct node a = {0}, b = {0}; // WANT "moved to heap: a" "moved to heap: b"
    a.next = &b;
    b.v = 11;
    return &a;
}

static void in_heap(struct node *n) { // WANT "n does not escape"
    struct node x = {.v = 13}; // WANT "moved to heap: x"
    n->next = &x;
}

static char *array_part(void) {
    char a[40]; // WANT "moved to heap: a"
    strcpy(a, "abc");
    return a + 1;
}

static long *field(void) {
    struct node x = {.v = 17}; // WANT "moved to heap: x"
    return &x.v;
}

static long *element(int i) {
    long a[4] = {1, 2, 3, 4}; // WANT "moved to heap: a"
    return &a[i];
}

static int *chosen(int c) {
    int x = 1, y = 2, z = 3; // WANT "moved to heap: x" "moved to heap: y"
    CHECK(ON_STACK(&z));
    return c ? &x : &y;
}

static int **pointer_to_pointer(void) {
    int x = 21; // WANT "moved to heap: x"
    int *p = &x; // WANT "moved to heap: p"
    return &p;
}

static int content(void) {
    int x = 22;
    int *p = &x, **pp = &p;
    CHECK(ON_STACK(&p));
    CHECK(ON_STACK(&x));
    return **pp;
}

static int *content_returned(void) {
    int x = 23; // WANT "moved to heap: x"
    int *p = &x, **pp = &p;
    CHECK(ON_STACK(&p));
    return *pp;
}

static struct node *itself(void) {
    struct node x; // WANT "moved to heap: x"
    x.next = &x;
    x.v = 24;
    return x.next;
}

static double *number(void) {
    double d = 2.5; // WANT "moved to heap: d"
    return &d;
}

static void unused(void) {
    int x = 1;
    int *p = &x;
    (void)p;
}

static long *aligned(void) {
    _Alignas(64) long x = 31; // WANT "moved to heap: x"
    return &x;
}

static _Thread_local struct node *local_to_thread;
static void to_thread_local(void) {
    struct node x = {.v = 33}; // WANT "moved to heap: x"
    local_to_thread = &x;
}

static int *volatile_local(void) {
    volatile int x = 34; // WANT "moved to heap: x"
    return (int *)&x;
}

static struct node *registered(void) {
    register struct node *p;
    struct node x = {.v = 35}; // WANT "moved to heap: x"
    p = &x;
    return p;
}

int main(void) {
    int *a = returned(), *b = returned();
    disturb();
    CHECK(a != b && *a == 5 && *b == 5 && ON_HEAP(a));
    stored();
    disturb();
    CHECK(global->v == 7 && ON_HEAP(global));
    int *c = by_variable();
    disturb();
    CHECK(*c == 9 && ON_HEAP(c));
    CHECK(stays() == 3);
    struct node *d = in_another();
    disturb();
    CHECK(d->next->v == 11 && ON_HEAP(d) && ON_HEAP(d->next));
    struct node *e = tri_new(struct node); // WANT "tri_new(struct node) does not escape"
    in_heap(e);
    disturb();
    CHECK(e->next->v == 13 && ON_HEAP(e->next));
    char *s = array_part();
    disturb();
    CHECK(strcmp(s, "bc") == 0 && ON_HEAP(s));
    long *f = field();
    disturb();
    CHECK(*f == 17 && ON_HEAP(f));
    long *g = element(2);
    disturb();
    CHECK(*g == 3 && g[-1] == 2 && ON_HEAP(g));
    int *h = chosen(1), *i = chosen(0);
    disturb();
    CHECK(*h == 1 && *i == 2 && ON_HEAP(h) && ON_HEAP(i));
    int **j = pointer_to_pointer();
    disturb();
    CHECK(**j == 21 && ON_HEAP(j) && ON_HEAP(*j));
    CHECK(content() == 22);
    int *k = content_returned();
    disturb();
    CHECK(*k == 23 && ON_HEAP(k));
    struct node *l = itself();
    disturb();
    CHECK(l->next->next->v == 24 && ON_HEAP(l));
    double *m = number();
    disturb();
    CHECK(*m == 2.5 && ON_HEAP(m));
    unused();
    long *n = aligned();
    disturb();
    CHECK(*n == 31 && ON_HEAP(n) && (uintptr_t)n % 64 == 0);
    to_thread_local();
    disturb();
    CHECK(local_to_thread->v == 33 && ON_HEAP(local_to_thread));
    int *o = volatile_local();
    disturb();
    CHECK(*o == 34 && ON_HEAP(o));
    struct node *p = registered();
    disturb();
    CHECK(p->v == 35 && ON_HEAP(p));
    return 0;
}
