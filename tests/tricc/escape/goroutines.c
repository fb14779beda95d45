/* goroutines.c - what is handed to goroutines, channels, deferred calls. */
#include "test.h"

TRI_MAIN // WANT "argv does not escape"

static tri_chan *done;
static void work(void *arg) { // WANT "leaking param: arg"
    struct node *n = arg;
    disturb();
    n->v++;
    tri_send(done, &n);
}

static void start(long v) {
    struct node x = {.v = v}; // WANT "moved to heap: x"
    tri_go(work, &x);
}

static long started_object(void) {
    struct node *p = tri_new(struct node), *q; // WANT "tri_new(struct node) escapes to heap"
    tri_go(work, p);
    tri_recv(done, &q);
    CHECK(q == p && ON_STACK(&q));
    return q->v;
}

static void send_pointer(tri_chan *c) { // WANT "c does not escape"
    struct node x = {.v = 5}, *p = &x; // WANT "moved to heap: x"
    tri_send(c, &p);
    CHECK(ON_STACK(&p) && ON_HEAP(&x));
}

static void send_number(tri_chan *c) { // WANT "c does not escape"
    long n = 6;
    tri_send(c, &n);
    CHECK(ON_STACK(&n));
}

static void by_select(tri_chan *c, tri_chan *d) { // WANT "leaking param content: c" "leaking param content: d"
    struct node x = {.v = 7}, *p = &x, *q = NULL; // WANT "moved to heap: x"
    tri_case cases[] = {TRI_SEND(c, &p), TRI_RECV(d, &q)};
    CHECK(tri_select(cases, 2, false) == 0);
    CHECK(ON_STACK(cases) && ON_STACK(&p) && ON_STACK(&q) && ON_HEAP(&x));
}

static long count;
static struct node *sink;
static void add(void *arg) { count += ((struct node *)arg)->v; } // WANT "leaking param content: arg"
static void keep(void *arg) { sink = arg; } // WANT "leaking param: arg"
static void deferred(void) {
    TRI_FUNC;
    struct node x = {.v = 8}, y = {.v = 9}; // WANT "moved to heap: y"
    tri_defer(add, &x);
    tri_defer(keep, &y);
    CHECK(ON_STACK(&x) && ON_HEAP(&y));
}

static void deferred_in_loop(void) {
    TRI_FUNC;
    for (int i = 1; i <= 3; i++) {
        struct node x = {.v = i}; // WANT "moved to heap: x"
        tri_defer(add, &x);
        CHECK(ON_HEAP(&x));
    }
}

static void deferred_in_block(void) {
    TRI_FUNC;
    {
        struct node x = {.v = 100};
        tri_defer(add, &x);
        CHECK(ON_STACK(&x));
    }
    {
        struct node other[4];
        memset(other, 1, sizeof other);
        CHECK(other[3].v);
    }
}

static void locked(void) {
    tri_mutex m = {0};
    tri_mutex_lock(&m);
    tri_mutex_unlock(&m);
    CHECK(ON_STACK(&m));
}

static void *blocking(void *arg) { return arg; } // WANT "leaking param: arg to result ~r0 level=0"
static void blocked(void) {
    struct node x = {.v = 1};
    CHECK(tri_blocking_call(blocking, &x) == &x);
    CHECK(ON_STACK(&x));
}

int tri_main(int argc, char **argv) { // WANT "argv does not escape"
    (void)argc, (void)argv;
    struct node *n;
    done = tri_chan_new(struct node *, 0);
    start(4);
    tri_recv(done, &n);
    CHECK(n->v == 5 && ON_HEAP(n));
    CHECK(started_object() == 1);
    tri_chan *pointers = tri_chan_new(struct node *, 1), *numbers = tri_chan_new(long, 1);
    long v;
    send_pointer(pointers);
    disturb();
    CHECK(tri_recv(pointers, &n) && n->v == 5 && ON_HEAP(n));
    send_number(numbers);
    CHECK(tri_recv(numbers, &v) && v == 6);
    by_select(pointers, pointers);
    disturb();
    CHECK(tri_recv(pointers, &n) && n->v == 7);
    deferred();
    CHECK(count == 8 && sink->v == 9);
    deferred_in_loop();
    CHECK(count == 14);
    deferred_in_block();
    CHECK(count == 114);
    locked();
    blocked();
    return 0;
}
