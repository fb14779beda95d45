/* trusting.c - -ftrust-calls, which -fmanaged-malloc implies: a right C program's locals stay where they are, whatever functions out of
 * sight do with their addresses; objects escape as ever, and what is plainly used after its end still moves. */
// FLAGS -ftrust-calls
#include "test.h"

extern void unknown(void *p) __attribute__((weak));
static struct node *global;
static struct frame {
    struct frame *outer;
    struct node n;
} **innermost;

static void passed(void) {
    struct node x = {.v = 1};
    struct node *p = tri_new(struct node), *q = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap" "tri_new(struct node) escapes to heap"
    x.next = q;
    if (unknown) unknown(&x), unknown(p);
    CHECK(ON_STACK(&x) && ON_HEAP(p) && ON_HEAP(q));
}

static void stored(struct frame *f) { // WANT "leaking param content: f"
    struct frame x = {.outer = *innermost, .n = {.v = f->n.v + 1}};
    *innermost = &x;
    f->outer = &x;
    CHECK(ON_STACK(&x));
    *innermost = x.outer;
}

static void init(struct frame *f, struct node *n) { // WANT "leaking param: f" "leaking param: n"
    f->n.next = n;
    f->outer = f;
}
static long by_init(void) {
    struct frame f = {0};
    struct node n = {.v = 5}, *object = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    init(&f, &n);
    CHECK(ON_STACK(&f) && ON_STACK(&n));
    long v = f.n.next->v;
    init(&f, object);
    CHECK(ON_HEAP(object));
    return v;
}

static struct node *returned(void) {
    struct node x = {.v = 6}; // WANT "moved to heap: x"
    return &x;
}

static void to_global(void) {
    struct node x = {.v = 7}; // WANT "moved to heap: x"
    global = &x;
}

static long large(void) {
    char a[200000];
    a[0] = a[199999] = 1;
    CHECK(ON_STACK(a));
    return a[0] + a[199999];
}

static long in_loop(void) {
    struct node *list = NULL;
    long s = 0;
    for (int i = 0; i < 3; i++) {
        struct node x = {.v = i, .next = list}; // WANT "moved to heap: x"
        list = &x;
    }
    for (; list; list = list->next) s = s * 10 + list->v;
    return s;
}

int main(void) {
    struct frame *inner = NULL; // WANT "moved to heap: inner"
    innermost = &inner;
    passed();
    struct frame f = {.n = {.v = 1}};
    stored(&f);
    CHECK(by_init() == 5);
    struct node *p = returned();
    disturb();
    CHECK(p->v == 6 && ON_HEAP(p));
    to_global();
    disturb();
    CHECK(global->v == 7 && ON_HEAP(global));
    CHECK(large() == 2);
    CHECK(in_loop() == 210);
    return 0;
}
