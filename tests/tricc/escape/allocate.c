/* allocate.c - new objects: which functions make them, sizes, limits, what sends them to the heap. */
#include "test.h"

struct wide {
    _Alignas(64) long a;
    long b[7];
};
struct flex {
    long n;
    struct node *item[];
};
static void *sink;
static volatile size_t three = 3;

static void kinds(void) {
    struct node *a = tri_new(struct node); // WANT "tri_new(struct node) does not escape"
    struct node *b = tri_new_array(struct node, 4); // WANT "tri_new_array(struct node, 4) does not escape"
    void *c = tri_alloc(100); // WANT "tri_alloc(100) does not escape"
    char *d = tri_alloc_leaf(100); // WANT "tri_alloc_leaf(100) does not escape"
    void *e = tri_alloc_aligned(256, 512); // WANT "tri_alloc_aligned(256, 512) does not escape"
    long *f = tri_alloc_array(10, sizeof(long)); // WANT "tri_alloc_array(10, sizeof(long)) does not escape"
    struct flex *g = tri_new_flex(struct flex, item, 5); // WANT "tri_new_flex(struct flex, item, 5) does not escape"
    struct wide *h = tri_new(struct wide); // WANT "tri_new(struct wide) does not escape"
    CHECK(ON_STACK(a) && ON_STACK(b) && ON_STACK(c) && ON_STACK(d) && ON_STACK(e) && ON_STACK(f) && ON_STACK(g) && ON_STACK(h));
    CHECK((uintptr_t)e % 256 == 0 && (uintptr_t)c % 16 == 0 && (uintptr_t)h % 64 == 0);
    CHECK(b[3].v == 0 && f[9] == 0 && g->item[4] == NULL && d[99] == 0 && h->b[6] == 0);
}

static void all_to_heap(void) {
    sink = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    CHECK(ON_HEAP(sink));
    sink = tri_new_array(struct node, 4); // WANT "tri_new_array(struct node, 4) escapes to heap"
    sink = tri_alloc(100); // WANT "tri_alloc(100) escapes to heap"
    sink = tri_alloc_leaf(100); // WANT "tri_alloc_leaf(100) escapes to heap"
    sink = tri_alloc_aligned(256, 512); // WANT "tri_alloc_aligned(256, 512) escapes to heap"
    sink = tri_alloc_array(10, sizeof(long)); // WANT "tri_alloc_array(10, sizeof(long)) escapes to heap"
    sink = tri_new_flex(struct flex, item, 5); // WANT "tri_new_flex(struct flex, item, 5) escapes to heap"
    CHECK(ON_HEAP(sink));
}

static void limits(void) {
    char *a = tri_new_array(char, 65536); // WANT "tri_new_array(char, 65536) does not escape"
    char *b = tri_new_array(char, 65537); // WANT "tri_new_array(char, 65537) escapes to heap"
    CHECK(ON_STACK(a) && ON_HEAP(b));
    a[65535] = b[65536] = 1;
}

static void variables(void) {
    char a[131072];
    char b[131073]; // WANT "moved to heap: b"
    a[0] = b[0] = 1;
    CHECK(ON_STACK(a) && ON_HEAP(b));
    a[131071] = b[131072] = 2;
    CHECK(a[0] + b[0] == 2);
}

static void sizes(size_t n) {
    size_t constant = 5, changed = 5;
    changed = three;
    long *a = tri_new_array(long, constant); // WANT "tri_new_array(long, constant) does not escape"
    long *b = tri_new_array(long, changed); // WANT "tri_new_array(long, changed) escapes to heap"
    long *c = tri_new_array(long, n); // WANT "tri_new_array(long, n) escapes to heap"
    long *d = tri_alloc(constant * sizeof(long)); // WANT "tri_alloc(constant * sizeof(long)) does not escape"
    long *e = tri_alloc(0); // WANT "tri_alloc(0) escapes to heap"
    CHECK(ON_STACK(a) && ON_HEAP(b) && ON_HEAP(c) && ON_STACK(d));
    a[4] = b[2] = c[n - 1] = d[4] = 1;
    (void)e;
}

/* Zeroed each time. */
static long zeroed(void) {
    long s = 0;
    for (int i = 0; i < 3; i++) {
        long *a = tri_new_array(long, 8); // WANT "tri_new_array(long, 8) does not escape"
        for (int k = 0; k < 8; k++) s += a[k];
        for (int k = 0; k < 8; k++) a[k] = 1;
    }
    return s;
}

static void freed_here(void) {
    struct node *p = tri_new(struct node); // WANT "tri_new(struct node) does not escape"
    p->v = 1;
    CHECK(ON_STACK(p));
    tri_free(p);
    struct node *q = tri_new(struct node), *r = q; // WANT "tri_new(struct node) does not escape"
    CHECK(ON_STACK(q));
    if (q->v == 0) tri_free(r);
}

__attribute__((noinline)) static void drop(struct node *p) { tri_free(p); } // WANT "leaking param: p"

static void freed_elsewhere(void) {
    struct node *p = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    CHECK(ON_HEAP(p));
    drop(p);
}

static void freed_maybe(int c) {
    struct node *p = tri_new(struct node), *q = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap" "tri_new(struct node) escapes to heap"
    CHECK(ON_HEAP(p) && ON_HEAP(q));
    struct node *r = c ? p : q;
    tri_free(r);
}

static void freed_inside(void) {
    struct node *p = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    struct node **pp = &p;
    CHECK(ON_HEAP(p));
    tri_free(*pp);
}

static void resized(void) {
    long *p = tri_alloc(16); // WANT "tri_alloc(16) escapes to heap"
    CHECK(ON_HEAP(p));
    p = tri_realloc(p, 100000);
    p[9999] = 1;
}

static void finalizer(void *p) { (void)p; } // WANT "p does not escape"
static void watched(void) {
    struct node *p = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    tri_set_finalizer(p, finalizer);
    struct node *q = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    tri_add_cleanup(q, finalizer, NULL);
    struct node *r = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    tri_weak w = tri_weak_make(r);
    struct node *s = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    tri_pin(s);
    tri_unpin(s);
    CHECK(ON_HEAP(p) && ON_HEAP(q) && ON_HEAP(r) && ON_HEAP(s));
    (void)w;
}

/* What asks for an object's size or start finds it; on the stack there would be none. Variables stay. */
static size_t size_of(struct node *p) { return tri_size(p); } // WANT "leaking param: p"
static void asked(void) {
    struct node *p = tri_new(struct node), x = {0}; // WANT "tri_new(struct node) escapes to heap"
    struct node *q = tri_new(struct node), *r = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap" "tri_new(struct node) escapes to heap"
    CHECK(tri_size(p) >= sizeof *p && tri_base(&q->v) == q && size_of(r) >= sizeof *r);
    CHECK(tri_size(&x) == 0 && tri_base(&x) == NULL && size_of(&x) == 0 && ON_STACK(&x));
    struct node *s = tri_new(struct node); // WANT "tri_new(struct node) does not escape"
    CHECK(ON_STACK(s));
}

static char *copied(void) {
    const char *text = "text";
    char *s = tri_strdup(text); // WANT "tri_strdup(text) escapes to heap"
    CHECK(ON_HEAP(s));
    return s;
}

static void held_by_stack(void) {
    struct node x;
    x.next = tri_new(struct node); // WANT "tri_new(struct node) does not escape"
    x.next->v = 3;
    struct node *array[2] = {tri_new(struct node), tri_new(struct node)}; // WANT "tri_new(struct node) does not escape" "tri_new(struct node) does not escape"
    CHECK(ON_STACK(x.next) && ON_STACK(array[0]) && ON_STACK(array[1]) && array[0] != array[1]);
}

static void held_by_object(void) {
    struct node *p = tri_new(struct node); // WANT "tri_new(struct node) does not escape"
    p->next = tri_new(struct node); /* a store through a pointer */ // WANT "tri_new(struct node) escapes to heap"
    CHECK(ON_STACK(p) && ON_HEAP(p->next));
}

static void deep(int n) {
    char small[8];
    struct node *p = tri_new(struct node); // WANT "tri_new(struct node) does not escape"
    char *q = tri_new_array(char, 4000); /* a function that calls itself has little room */ // WANT "tri_new_array(char, 4000) escapes to heap"
    CHECK(ON_STACK(p) && ON_HEAP(q) && ON_STACK(small));
    q[0] = small[0] = 1;
    if (n) deep(n - 1);
}

static void much(void) {
    char *a = tri_new_array(char, 65536), *b = tri_new_array(char, 65536), *c = tri_new_array(char, 65536); // WANT "tri_new_array(char, 65536) does not escape" "tri_new_array(char, 65536) does not escape" "tri_new_array(char, 65536) escapes to heap"
    CHECK(ON_STACK(a) && ON_STACK(b) && ON_HEAP(c));
    a[1] = b[1] = c[1] = 1;
}

int main(void) {
    kinds();
    all_to_heap();
    limits();
    variables();
    sizes(3);
    CHECK(zeroed() == 0);
    freed_here();
    freed_elsewhere();
    freed_maybe(1);
    freed_inside();
    resized();
    watched();
    asked();
    CHECK(copied()[3] == 't');
    held_by_stack();
    held_by_object();
    deep(100);
    much();
    return 0;
}
